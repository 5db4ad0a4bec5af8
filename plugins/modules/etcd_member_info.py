#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member_info
short_description: List the members of an etcd cluster
version_added: "0.1.0"
description:
  - Lists the members of the cluster that the endpoints belong to, with their ids, URLs and roles.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
  - quorum.etcd.attributes.actiongroup_etcd
options:
  linearizable:
    description:
      - Whether a quorum must agree on the list, so that it is certainly the newest one.
      - Without, an endpoint tells what it knows by itself, which works without a quorum, too.
      - etcd 3.4 always does the latter.
    type: bool
    default: true
seealso:
  - module: quorum.etcd.etcd_health_info
"""

EXAMPLES = r"""
- name: List the members
  quorum.etcd.etcd_member_info:
    endpoints:
      - https://10.0.0.1:2379
      - https://10.0.0.2:2379
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
  register: cluster

- name: Show the names of the voters
  ansible.builtin.debug:
    msg: "{{ cluster.members | rejectattr('is_learner') | map(attribute='name') }}"
"""

RETURN = r"""
members:
  description: The members, ordered by id.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id, as lower-case hexadecimal text.
      type: str
      returned: always
      sample: 8e9e05c52164694d
    name:
      description: Name; empty until the member has started for the first time.
      type: str
      returned: always
      sample: etcd-host0
    peer_urls:
      description: Where the other members reach it.
      type: list
      elements: str
      returned: always
      sample: ["https://10.0.0.1:2380"]
    client_urls:
      description: Where clients reach it; empty until the member has started for the first time.
      type: list
      elements: str
      returned: always
      sample: ["https://10.0.0.1:2379"]
    is_learner:
      description: Whether it is a learner, which has no vote.
      type: bool
      returned: always
    is_leader:
      description: Whether it leads.
      type: bool
      returned: always
    started:
      description: Whether it has ever started.
      type: bool
      returned: always
cluster_id:
  description: Id of the cluster, as lower-case hexadecimal text.
  returned: success
  type: str
  sample: cdf818194e3a8c32
leader:
  description: Id of the leader as the member that answered knows it, empty without one.
  returned: success
  type: str
  sample: 8e9e05c52164694d
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import client_of, connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    with client_of(module.params) as client:
        listed = client.member_list(linearizable=module.params["linearizable"])
        leader = client.status().leader
    members = [{**member.to_dict(), "is_leader": member.id == leader} for member in listed.members]
    return {"changed": False, "members": members, "cluster_id": listed.cluster_id, "leader": leader}


def main() -> None:
    run({**connection_spec(), "linearizable": {"type": "bool", "default": True}}, act, reads=True)


if __name__ == "__main__":
    main()
