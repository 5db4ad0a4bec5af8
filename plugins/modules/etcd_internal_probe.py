#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_probe
short_description: "Internal: measure a cluster before and after a change"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Asks each member over a new connection whether it is healthy, and takes the time of a few writes and reads of the
    key C(/quorum.etcd/fleet/probe). What was measured before a change is kept in C(/quorum.etcd/fleet/before) until the
    change was judged.
  - That the cluster is ill, or cannot be asked, is a result and no failure.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.layout
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is written, so O(state=measured) and O(state=kept) return no sample.
  diff_mode:
    support: none
options:
  state:
    description:
      - V(looked) says whether a change is still to be judged.
      - V(measured) takes a sample.
      - V(kept) takes one and keeps it, unless one is kept already.
      - V(begun) keeps one that tells nothing, unless one is kept already. So does a cluster say that it is to be judged
        which nobody could measure before, as one that was only just founded.
      - V(forgotten) removes both keys.
    type: str
    choices: [looked, measured, kept, begun, forgotten]
    required: true
  endpoints:
    description: Client URLs of the members.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds that one question may take.
    type: float
    default: 5.0
seealso:
  - module: quorum.etcd.etcd_health_info
"""

EXAMPLES = r"""
- name: Measure the cluster before the change
  quorum.etcd.etcd_internal_probe:
    state: kept
    endpoints: ["https://10.0.0.1:2379"]
"""

RETURN = r"""
before:
  description: What was measured before a change that was not yet judged; empty where there is none.
  returned: success
  type: dict
is_pending:
  description: Whether there is such a change.
  returned: success
  type: bool
sample:
  description:
    - What was measured now, C(ill), C(alarms), C(leader), C(writes) and C(reads) (seconds), and C(error). Empty where
      nothing was.
  returned: success
  type: dict
problem:
  description: Why the keys could not be read or written; empty where they could.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import probes
from ansible_collections.quorum.etcd.plugins.module_utils._host import local_member
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    state, endpoints, timeout = (module.params[name] for name in ("state", "endpoints", "timeout"))
    known = (endpoints, local_member.credentials(layout_of(module.params)), timeout)
    sample = probes.measure(*known) if state in ("measured", "kept") and not module.check_mode else None
    before, problem = None, ""
    try:
        before = probes.remember("looked" if module.check_mode else state, *known, sample)
    except EtcdError as exc:
        problem = str(exc)
    return {
        "changed": False,
        "before": before.to_dict() if before else {},
        "is_pending": before is not None,
        "sample": sample.to_dict() if sample else {},
        "problem": problem,
    }


def main() -> None:
    run(
        {
            **LAYOUT,
            "state": {"type": "str", "choices": ["looked", "measured", "kept", "begun", "forgotten"], "required": True},
            "endpoints": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "float", "default": 5.0},
        },
        act,
        reads=("looked", "measured"),
    )


if __name__ == "__main__":
    main()
