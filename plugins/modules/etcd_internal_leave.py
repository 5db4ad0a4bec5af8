#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_leave
short_description: "Internal: take the member of this host out of its cluster"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Removes the member from its cluster, if the cluster can spare it, stops and disables its unit, and archives its
    data on their own file system. Nothing is deleted. All in one call, under the locks of the host and of the cluster.
  - A member that leads hands leadership over first. One that does not serve is stopped first.
  - A call that was interrupted is continued by the next one.
  - Files, certificates and the release stay. The marker of the host remembers that the member was removed, so that it
    never starts again by itself.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
  - quorum.etcd.membership
  - quorum.etcd.membership.presumed
  - quorum.etcd.witnesses
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  member_id:
    description:
      - The id of the member in lower-case hex.
      - Empty where the cluster does not have it any more, and only its host is to be put to rest.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Take this host's member out of the cluster
  quorum.etcd.etcd_internal_leave:
    cluster: etcd_cluster
    name: etcd-host3
    member_id: 8e9e05c52164694d
    endpoints: [https://10.0.0.1:2379]
    members:
      - id: 8e9e05c52164694d
        peer_urls: [https://10.0.0.4:2380]
        is_learner: false
      - id: 91bc3c398fb3c146
        peer_urls: [https://10.0.0.1:2380]
        is_learner: false
"""

RETURN = r"""#"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import (
    LAYOUT,
    MEMBERSHIP,
    WITNESSES,
    layout_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import leave

_LEAVING = ("cluster", "name", "member_id", "endpoints", "members")


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    systemd = Systemd(command.of_module(module))
    leaving = leave.Leaving(**{field: given[field] for field in _LEAVING}, witnesses=Witnesses(given["nonce"]))
    changed = leave.leave(systemd, layout_of(given), leaving, module.check_mode)
    return {"changed": changed}


def main() -> None:
    run({**LAYOUT, **MEMBERSHIP, **WITNESSES, "member_id": {"type": "str", "required": True}}, act)


if __name__ == "__main__":
    main()
