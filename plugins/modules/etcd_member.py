#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member
short_description: Add, promote, change or remove a member of an etcd cluster
version_added: "0.1.0"
description:
  - Makes one member of a cluster what it shall be, in the cluster's own list. It starts and stops no process and writes
    no file; it works with any cluster of etcd 3.4 to 3.7, deployed by whatever.
  - It is done only if the cluster can spare it. Nothing is added while a voter is not healthy, and nothing removed if
    those that remain would be no healthy quorum. A voter is healthy if it answers a linearizable read of its own.
  - Only one such change happens at a time. It is made under a lock in etcd itself, the key C(/quorum.etcd/turn), whose
    value names its owner; it is bound to a lease of 20 seconds, and so goes by itself if this module's process dies.
  - What etcd refuses for some seconds only, as it does after a member has come back, is tried again.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.witnesses
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
      - The member's name. etcd knows it only once the member has started; until then O(peer_urls) tell which it is.
      - At least one of O(name), O(member_id) and O(peer_urls) is needed, and what is given must belong together.
    type: str
  member_id:
    description:
      - The member's id, lower-case hexadecimal as C(etcdctl) prints it.
    type: str
  peer_urls:
    description:
      - Where the other members reach it, for example V(https://10.0.0.4:2380). All of them; the order does not matter.
      - With O(name) or O(member_id) a member that has others gets these, if O(state) is not V(absent). The member must
        listen there, else the others lose sight of it; so this is done only if the cluster can spare it, see
        O(allow_outage).
    type: list
    elements: str
  state:
    description:
      - V(learner) for a member that is in the cluster. A missing one is added as a learner, which has no vote; it needs
        O(peer_urls). A voter stays one, since etcd makes no learner of it.
      - V(voter) for a member that has a vote. A learner is promoted once it answers and has caught up with the leader.
        A missing one is refused. It is to be added as a learner and started first, because a voter counts for the
        quorum before anybody knows whether it will start.
      - V(absent) for a member that is not in the cluster. One that leads hands leadership over first. The process of a
        removed member ends by itself, and never comes back with its data.
    type: str
    choices: [learner, voter, absent]
    required: true
  only_if_silent:
    description:
      - With O(state=absent), refuse to remove a member that answers at one of its URLs, asked from the host of the
        task. For members whose machine is gone for good.
      - Another member, another cluster, or a certificate of another authority at such a URL is no such answer.
    type: bool
    default: false
  ignore_unidentified:
    description:
      - With O(only_if_silent), remove the member also while something takes connections at its URLs and does not say
        who it is, such as another machine that has its address by now. A member that hangs looks like this too.
    type: bool
    default: false
  peer_ca_path:
    description:
      - With O(only_if_silent), the CAs of the peer ports, in PEM, by which the certificate of another cluster is known.
    type: path
  peer_cert:
    description:
      - With O(only_if_silent), a certificate in PEM that the peers take, to ask what answers at a peer URL for its
        cluster. O(peer_key) belongs to it.
    type: path
  peer_key:
    description:
      - The key of O(peer_cert), in PEM.
    type: path
  allow_outage:
    description:
      - Change O(peer_urls) even where nobody can write until the member is reached at the new ones, as in a cluster of
        two. Never while a voter is not healthy.
    type: bool
    default: false
  members:
    description:
      - The members as they must be before the change, else it is refused. For whoever planned ahead.
    type: list
    elements: dict
    suboptions:
      id:
        description: The id; empty for one whose id was not known yet, which is then found by its peer URLs.
        type: str
        required: true
      peer_urls:
        description: All its peer URLs.
        type: list
        elements: str
        required: true
      is_learner:
        description: Whether it is a learner.
        type: bool
        required: true
  catch_up_timeout:
    description:
      - Seconds to wait for a learner that is to be promoted. A member that starts for the first time may need 7 of them
        before it answers.
    type: float
    default: 30.0
  lock_timeout:
    description:
      - Seconds to wait for somebody else who is at work on this cluster. After that this is refused, and the message
        says who it is.
    type: float
    default: 300.0
seealso:
  - module: quorum.etcd.etcd_member_info
  - module: quorum.etcd.etcd_leader
"""

EXAMPLES = r"""
- name: Use the same connection for all that follows
  module_defaults:
    group/quorum.etcd.etcd:
      endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
      ca_path: /etc/etcd/ssl/ca.pem
      client_cert: /etc/etcd/ssl/admin.pem
      client_key: /etc/etcd/ssl/admin-key.pem
  block:
    - name: Add a member, which is to be started with ETCD_INITIAL_CLUSTER_STATE=existing then
      quorum.etcd.etcd_member:
        name: etcd-host3
        peer_urls: [https://10.0.0.4:2380]
        state: learner

    - name: Give it a vote once it has caught up
      quorum.etcd.etcd_member:
        name: etcd-host3
        peer_urls: [https://10.0.0.4:2380]
        state: voter

    - name: Remove a member
      quorum.etcd.etcd_member:
        name: etcd-host2
        state: absent

    - name: Forget a member whose machine is gone for good
      quorum.etcd.etcd_member:
        member_id: 8e9e05c52164694d
        state: absent
        only_if_silent: true
"""

RETURN = r"""
member:
  description:
    - The member as it is now, or would be in check mode, when its id is still empty. Empty if it is not in the cluster.
  returned: success
  type: dict
  contains: &member
    id:
      description: Id, as lower-case hexadecimal text.
      type: str
      returned: always
      sample: 8e9e05c52164694d
    name:
      description: Name; empty until the member has started for the first time.
      type: str
      returned: always
      sample: etcd-host3
    peer_urls:
      description: Where the other members reach it.
      type: list
      elements: str
      returned: always
      sample: ["https://10.0.0.4:2380"]
    client_urls:
      description: Where clients reach it; empty until the member has started for the first time.
      type: list
      elements: str
      returned: always
      sample: ["https://10.0.0.4:2379"]
    is_learner:
      description: Whether it is a learner, which has no vote.
      type: bool
      returned: always
    started:
      description: Whether it has ever started.
      type: bool
      returned: always
members:
  description: All members, ordered by id.
  returned: success
  type: list
  elements: dict
  contains: *member
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, member, signs_of_life
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import (
    connection_spec,
    credentials_of,
    endpoints_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import WITNESSES
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    wanted = member.WantedMember(
        given["state"],
        given["name"] or "",
        (given["member_id"] or "").lower(),
        tuple(map(str, urls.parse_urls(given["peer_urls"], "peer_urls"))) if given["peer_urls"] else (),
        given["members"],
        given["only_if_silent"],
        given["allow_outage"],
        given["ignore_unidentified"],
    )
    patience = member.MemberTimeouts(given["timeout"], given["lock_timeout"], given["catch_up_timeout"])
    asker = signs_of_life.asker(given["peer_ca_path"], given["peer_cert"], given["peer_key"])
    witnesses = Witnesses(given["nonce"])
    result = member.ensure(
        endpoints_of(given), credentials_of(given), wanted, patience, module.check_mode, asker, witnesses
    )
    diff = {"before": {"members": result.pop("before")}, "after": {"members": result["members"]}}
    return {**result, "diff": diff}


def main() -> None:
    run(
        {
            **connection_spec(),
            **WITNESSES,
            "name": {"type": "str"},
            "member_id": {"type": "str"},
            "peer_urls": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["learner", "voter", "absent"], "required": True},
            "only_if_silent": {"type": "bool", "default": False},
            "ignore_unidentified": {"type": "bool", "default": False},
            "peer_ca_path": {"type": "path"},
            "peer_cert": {"type": "path"},
            "peer_key": {"type": "path", "no_log": False},
            "allow_outage": {"type": "bool", "default": False},
            "members": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "id": {"type": "str", "required": True},
                    "peer_urls": {"type": "list", "elements": "str", "required": True},
                    "is_learner": {"type": "bool", "required": True},
                },
            },
            "catch_up_timeout": {"type": "float", "default": 30.0},
            "lock_timeout": {"type": "float", "default": cluster_lock.WAIT},
        },
        act,
        required_together=[("peer_cert", "peer_key")],
        required_one_of=[("name", "member_id", "peer_urls")],
    )


if __name__ == "__main__":
    main()
