#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_health_info
short_description: Judge the health of an etcd cluster
version_added: "0.1.0"
description:
  - Asks each endpoint by itself for its status, its member list, a linearizable read and the alarms, and judges from
    the answers, with the reasons.
  - An unhealthy cluster is a result and not a failure, even if nothing answers at all.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
  - quorum.etcd.attributes.actiongroup_etcd
options:
  cluster:
    description:
      - Judge every started member that the endpoints know of, in the order of the member list, and not the endpoints.
      - If no endpoint tells the members, the endpoints are judged all the same.
    type: bool
    default: false
  snapshot_dir:
    description:
      - Absolute path of a directory on the host that runs this, in which snapshots of the cluster lie. If it is given,
        the newest one there is judged too. It may be that another member has saved a newer one.
    type: path
  snapshot_max_age:
    description: How old that may be, such as V(26h) or V(90m). V(0) for any age.
    type: str
    default: 26h
seealso:
  - module: quorum.etcd.etcd_member_info
"""

EXAMPLES = r"""
- name: Ask the member of this host
  quorum.etcd.etcd_health_info:
    endpoints: https://127.0.0.1:2379
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
  register: member

- name: Wait until the whole cluster is well
  quorum.etcd.etcd_health_info:
    endpoints: https://127.0.0.1:2379
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
    cluster: true
  register: cluster
  until: cluster.health.healthy
  retries: 10
  delay: 3

- name: Look at the backup, too
  quorum.etcd.etcd_health_info:
    endpoints: https://127.0.0.1:2379
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
    snapshot_dir: /var/lib/etcd-snapshots
    snapshot_max_age: 26h
  register: cluster

- name: Show it
  ansible.builtin.debug:
    msg: "{{ cluster.health.table.splitlines() }}"
"""

RETURN = r"""
health:
  description: The verdict.
  returned: success
  type: dict
  contains:
    healthy:
      description:
        - Whether every endpoint judged is healthy, all belong to one cluster, name one leader, and every member in the
          list has started.
      type: bool
      returned: always
    reasons:
      description:
        - Sentences, each with what it is about. There may be some for a healthy cluster, too, such as an alarm
          V(NOSPACE).
      type: list
      elements: str
      returned: always
      sample: ["etcd-host2: connection refused by 10.0.0.3: nothing listens on port 2379 there."]
    quorum:
      description: The arithmetic of the votes.
      type: dict
      returned: always
      contains:
        size:
          description: Voters in the member list; V(0) if no endpoint told the members.
          type: int
          returned: always
        needed:
          description: Voters that must agree.
          type: int
          returned: always
        healthy:
          description: Healthy voters among the endpoints judged.
          type: int
          returned: always
        tolerance:
          description: How many of these may fail before the quorum is lost. Members of one machine fail together.
          type: int
          returned: always
    leader:
      description: Id of the leader, empty without one.
      type: str
      returned: always
      sample: 8e9e05c52164694d
    cluster_id:
      description: Id of the cluster, empty if no endpoint answers.
      type: str
      returned: always
      sample: cdf818194e3a8c32
    alarms:
      description: The alarms that are raised.
      type: list
      elements: dict
      returned: always
      contains:
        member_id:
          description: Id of the member.
          type: str
          returned: always
        alarm:
          description: V(NOSPACE) or V(CORRUPT).
          type: str
          returned: always
    endpoints:
      description: The verdict on each endpoint. What an endpoint did not tell is empty, V(0) or V(false).
      type: list
      elements: dict
      returned: always
      contains:
        endpoint:
          description: Its URL.
          type: str
          returned: always
        healthy:
          description:
            - Whether it answers a linearizable read within O(timeout), knows a leader and has no alarm V(CORRUPT). A
              learner serves no such read and needs only the rest.
          type: bool
          returned: always
        reasons:
          description: Sentences.
          type: list
          elements: str
          returned: always
        member_id:
          description: Id of the member.
          type: str
          returned: always
        name:
          description: Name of the member.
          type: str
          returned: always
        version:
          description: Version of the server.
          type: str
          returned: always
          sample: 3.6.14
        storage_version:
          description: Version of its storage, empty before etcd 3.6.
          type: str
          returned: always
          sample: 3.6.0
        db_size:
          description: Size of its database in bytes.
          type: int
          returned: always
        db_size_in_use:
          description: Bytes of it in use; the rest is free for reuse, or for defragmentation.
          type: int
          returned: always
        db_size_quota:
          description: The largest size in bytes that the database may have, V(0) before etcd 3.6.
          type: int
          returned: always
        is_leader:
          description: Whether it leads.
          type: bool
          returned: always
        is_learner:
          description: Whether it is a learner, which has no vote.
          type: bool
          returned: always
        raft_term:
          description: The term of the leader that it follows.
          type: int
          returned: always
        raft_index:
          description: The last index that it knows to be committed.
          type: int
          returned: always
        raft_applied_index:
          description: The last index that it has applied.
          type: int
          returned: always
        took:
          description: Seconds that the linearizable read took.
          type: float
          returned: always
    snapshot:
      description:
        - The newest snapshot of this cluster in O(snapshot_dir), its C(path), C(taken_at) (UTC), C(size) in bytes,
          C(revision), and C(stale), whether it is older than O(snapshot_max_age), or says that it was taken in the
          future, so that nobody knows. That is among the reasons, and no illness. Empty without one, or if none was
          asked for.
      type: dict
      returned: always
    table:
      description: The endpoints as a table for people, like that of C(etcdctl endpoint status -w table).
      type: str
      returned: always
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.survey import survey
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import duration
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.health import judge
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import (
    connection_spec,
    credentials_of,
    endpoints_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import snapshot_status


def act(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    max_age = duration(params["snapshot_max_age"], "snapshot_max_age") // 10**9
    seen = survey(endpoints_of(params), credentials_of(params), params["timeout"], params["cluster"])
    health = judge(seen)
    directory = params["snapshot_dir"]
    newest = snapshot_status.newest_of(directory, health["cluster_id"]) if directory else None
    reason = snapshot_agent.stale(newest, max_age, time.time()) if directory else ""
    health["reasons"] += [reason] if reason else []
    health["snapshot"] = {**newest, "stale": bool(reason)} if newest else {}
    return {"changed": False, "health": health}


def main() -> None:
    run(
        {
            **connection_spec(),
            "cluster": {"type": "bool", "default": False},
            "snapshot_dir": {"type": "path"},
            "snapshot_max_age": {"type": "str", "default": "26h"},
        },
        act,
        reads=True,
    )


if __name__ == "__main__":
    main()
