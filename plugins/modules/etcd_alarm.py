#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_alarm
short_description: List the alarms of an etcd cluster, or disarm one
version_added: "0.1.0"
description:
  - An alarm is raised by one member and stops the writes of all. V(NOSPACE) says that its database has reached its
    quota, V(CORRUPT) that its data differ from those of other members.
  - V(NOSPACE) is disarmed only when every database is below its quota again. Then a key is written by way of each
    member and removed again. Where a write fails, or the alarm is raised again at once, the task fails and says where.
    etcd before 3.6 does not tell its quota, so that there the write alone tells.
  - C(playbooks/reclaim.yml) does what comes before, which is to compact and to defragment.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever.
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
      - It says which alarms would be disarmed, and not whether their cause is gone.
  diff_mode:
    support: full
options:
  state:
    description:
      - V(listed) changes nothing.
      - V(disarmed) disarms O(alarm).
    type: str
    choices: [listed, disarmed]
    default: listed
  alarm:
    description: Which alarm is to be disarmed. Needed for O(state=disarmed).
    type: str
    choices: [NOSPACE, CORRUPT]
  member_id:
    description:
      - The member whose alarm is to be disarmed, by its id, lower-case hexadecimal as C(etcdctl) prints it.
      - Needed for V(CORRUPT). Its data are as wrong afterwards as before, so take a snapshot of a member that is right,
        and replace this one at once.
      - Not given, V(NOSPACE) is disarmed of every member that has it.
    type: str
    default: ""
seealso:
  - module: quorum.etcd.etcd_compaction
  - module: quorum.etcd.etcd_defrag
  - module: quorum.etcd.etcd_health_info
"""

EXAMPLES = r"""
- name: List the alarms
  quorum.etcd.etcd_alarm:
    endpoints: [http://127.0.0.1:2379]

- name: Take writes again, after compaction and defragmentation
  quorum.etcd.etcd_alarm:
    endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
    state: disarmed
    alarm: NOSPACE
"""

RETURN = r"""
alarms:
  description: The alarms that are raised now, or would be left in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    member_id:
      description: Id of the member, as lower-case hexadecimal text.
      type: str
      returned: always
      sample: 8e9e05c52164694d
    name:
      description: Name of the member; empty if the cluster has no such member any more.
      type: str
      returned: always
      sample: etcd-host1
    alarm:
      description: V(NOSPACE) or V(CORRUPT).
      type: str
      returned: always
      sample: NOSPACE
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import alarm
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import (
    client_of,
    connection_spec,
    credentials_of,
    endpoints_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    with client_of(given) as client:
        before = [asdict(one) for one in alarm.listed(client)]
    result = {"changed": False, "before": before, "alarms": before}
    if given["state"] == "disarmed":
        result = alarm.disarm(
            endpoints_of(given),
            credentials_of(given),
            given["timeout"],
            given["alarm"],
            given["member_id"].lower(),
            module.check_mode,
        )
    diff = {"before": {"alarms": result.pop("before")}, "after": {"alarms": result["alarms"]}}
    return {**result, "diff": diff}


def main() -> None:
    run(
        {
            **connection_spec(),
            "state": {"type": "str", "choices": ["listed", "disarmed"], "default": "listed"},
            "alarm": {"type": "str", "choices": ["NOSPACE", "CORRUPT"]},
            "member_id": {"type": "str", "default": ""},
        },
        act,
        required_if=[("state", "disarmed", ["alarm"])],
    )


if __name__ == "__main__":
    main()
