#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_rescue
short_description: "Internal: let one member go on alone after a quorum was lost"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Writes the member's files, copies its data, makes a cluster of one from the copy, archives the old data, puts the
    copy in their place, and starts the member.
  - C(etcd --force-new-cluster) makes a cluster of one of the copy, where no client and no peer can find it. The flag is
    in no file.
  - What its log holds is kept whole, the entries included that were not known to be agreed on. They may be acknowledged
    writes, which etcd by itself would discard.
  - A call that was interrupted is continued by the next one. Up to where the copy serves the old data are as they were.
  - Refused unless the host's member was stopped by M(quorum.etcd.etcd_internal_recovery).
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.layout
  - quorum.etcd.content
options:
  name:
    description: The member's name from now on.
    type: str
    required: true
  peer_urls:
    description: The member's peer URLs from now on.
    type: list
    elements: str
    required: true
  binary:
    description: The versioned path of etcd.
    type: path
    required: true
  term:
    description: The term of the last entry of its log. Refused if it is another.
    type: int
    required: true
  index:
    description: The index of the last entry of its log. Refused if it is another.
    type: int
    required: true
  timeout:
    description: How long each of its two starts may take, in seconds.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: The role calls it through the action that renders its options
  quorum.etcd.etcd_internal_step:
    step: "{{ __etcd_recovery.goes_on }}"
    observation: "{{ __etcd_own }}"
    pki: "{{ __etcd_inputs.pki }}"
"""

RETURN = r"""
member_id:
  description: The id of the member in lower-case hex. It stays what it was.
  returned: success, and not in check mode
  type: str
  sample: 8e9e05c52164694d
cluster_id:
  description: The id of its cluster in lower-case hex. It stays what it was, too.
  returned: success, and not in check mode
  type: str
  sample: cdf818194e3a8c32
revision:
  description: The revision of the store from which it goes on. V(0) where an earlier call made the cluster.
  returned: success, and not in check mode
  type: int
kept:
  description:
    - How many entries of its log were not known to be agreed on, and were kept. V(-1) where an earlier call made the
      cluster.
  returned: success, and not in check mode
  type: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import CONTENT, LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import survivor

_RESCUE = ("name", "peer_urls", "binary", "term", "index", "timeout")


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    rescue = survivor.Survivor(**{field: given[field] for field in _RESCUE})
    runner, content = command.of_module(module), Content.from_params(given)
    return survivor.found(runner, layout_of(given), content, rescue, module.check_mode)


def main() -> None:
    run(
        {
            **LAYOUT,
            **CONTENT,
            "name": {"type": "str", "required": True},
            "peer_urls": {"type": "list", "elements": "str", "required": True},
            "binary": {"type": "path", "required": True},
            "term": {"type": "int", "required": True},
            "index": {"type": "int", "required": True},
            "timeout": {"type": "float", "default": 120.0},
        },
        act,
    )


if __name__ == "__main__":
    main()
