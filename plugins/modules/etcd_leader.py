#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_leader
short_description: Choose which member of an etcd cluster leads
version_added: "0.1.0"
description:
  - Moves leadership to a member, or away from one before it is stopped, so that writes wait for a moment only and not
    for an election. It works with any cluster of etcd 3.4 to 3.7, deployed by whatever.
  - Only a healthy voter is asked to lead, that is one that answers a linearizable read of its own.
  - Everything happens under the lock of the cluster, see M(quorum.etcd.etcd_member).
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.actiongroup_etcd
attributes:
  check_mode:
    support: full
    details:
      - The cluster is asked and judged as otherwise, but the lock is not taken.
  diff_mode:
    support: full
options:
  name:
    description:
      - The member's name.
      - One of O(name) and O(member_id) is needed. If both are given, they must belong to the same member.
    type: str
  member_id:
    description:
      - The member's id, lower-case hexadecimal as C(etcdctl) prints it.
    type: str
  state:
    description:
      - V(leader) to let this member lead.
      - V(follower) to let another one lead, a healthy voter, if this member does.
    type: str
    choices: [leader, follower]
    default: leader
  lock_timeout:
    description:
      - Seconds to wait for somebody else who is at work on this cluster. After that this is refused, and the message
        says who it is.
    type: float
    default: 300.0
seealso:
  - module: quorum.etcd.etcd_member
  - module: quorum.etcd.etcd_health_info
"""

EXAMPLES = r"""
- name: Let a member lead
  quorum.etcd.etcd_leader:
    endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
    name: etcd-host1

- name: Let any other member lead before this one's machine is worked on
  quorum.etcd.etcd_leader:
    endpoints: [http://127.0.0.1:2379]
    name: etcd-host1
    state: follower
"""

RETURN = r"""
leader:
  description: Who leads now, or would in check mode.
  returned: success
  type: dict
  contains:
    id:
      description: Id, as lower-case hexadecimal text; empty while nobody leads.
      type: str
      returned: always
      sample: 8e9e05c52164694d
    name:
      description: Name.
      type: str
      returned: always
      sample: etcd-host1
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, leader, member
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import (
    connection_spec,
    credentials_of,
    endpoints_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    wanted = member.WantedMember(given["state"], given["name"] or "", (given["member_id"] or "").lower())
    patience = member.MemberTimeouts(given["timeout"], given["lock_timeout"])
    result = leader.ensure(endpoints_of(given), credentials_of(given), wanted, patience, module.check_mode)
    diff = {"before": {"leader": result.pop("before")}, "after": {"leader": result["leader"]}}
    return {**result, "diff": diff}


def main() -> None:
    run(
        {
            **connection_spec(),
            "name": {"type": "str"},
            "member_id": {"type": "str"},
            "state": {"type": "str", "choices": ["leader", "follower"], "default": "leader"},
            "lock_timeout": {"type": "float", "default": cluster_lock.WAIT},
        },
        act,
        required_one_of=[("name", "member_id")],
    )


if __name__ == "__main__":
    main()
