#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_defrag
short_description: Make the database of one member as small as what is in it, and never cost its cluster the quorum
version_added: "0.1.0"
description:
  - Defragments the member of this host, which the role C(quorum.etcd.etcd) has set up. The member answers nothing
    meanwhile, for a second or so for each 100 MB.
  - Therefore it is an act on the cluster. It waits until nobody else is at work on it, asks every member how it is, and
    is refused where the others would not be a quorum. Leadership is moved away first, and the member is awaited
    afterwards.
  - etcd writes a second database beside the first. It is refused where the file system has no room for that.
  - Under the alarm V(NOSPACE) etcd takes no writes and so keeps no lock. This module, which is part of what ends the
    alarm, goes on without it and says so. It still asks every member first.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
attributes:
  check_mode:
    support: full
    details:
      - The cluster is asked and judged as otherwise, but the lock is not taken. Missing room is a warning only, because
        a compaction may come before.
  diff_mode:
    support: full
options:
  state:
    description:
      - V(defragmented) defragments.
      - V(checked) changes nothing. It fails where the member does not serve, or its cluster cannot spare it.
    type: str
    choices: [checked, defragmented]
    default: defragmented
  endpoints:
    description: Client URLs of the other members. Not needed while the member itself answers, for it knows them.
    type: list
    elements: str
    default: []
  allow_outage:
    description:
      - Allow it for the only member of a cluster, whose clients wait meanwhile, and for one of two.
      - Never lets a member go whose loss would leave a cluster of three or more without a quorum.
    type: bool
    default: false
  timeout:
    description: How long the defragmentation may take, in seconds.
    type: float
    default: 600
  start_timeout:
    description: How long the member may take afterwards until it serves, in seconds.
    type: float
    default: 120
  lock_timeout:
    description: How long to wait for whoever else is at work on the cluster, in seconds.
    type: float
    default: 300
notes:
  - O(state=defragmented) always reports a change.
seealso:
  - module: quorum.etcd.etcd_compaction
  - module: quorum.etcd.etcd_alarm
"""

EXAMPLES = r"""
- name: Defragment all members, one after the other
  quorum.etcd.etcd_defrag:

- name: Defragment the only member
  quorum.etcd.etcd_defrag:
    allow_outage: true
"""

RETURN = r"""
member_id:
  description: The id of the member in lower-case hex.
  returned: success
  type: str
  sample: 8e9e05c52164694d
members:
  description: The members of its cluster.
  returned: success
  type: list
  elements: dict
name:
  description: The name of the member.
  returned: success
  type: str
  sample: etcd-host1
is_leader:
  description: Whether it leads.
  returned: success
  type: bool
endpoints:
  description: Client URLs of all members.
  returned: success
  type: list
  elements: str
  sample: [https://10.0.0.1:2379]
alarms:
  description: The alarms of the cluster.
  returned: success
  type: list
  elements: dict
  contains:
    member_id:
      description: Id of the member.
      type: str
      returned: always
    alarm:
      description: V(NOSPACE) or V(CORRUPT).
      type: str
      returned: always
before:
  description: Size of the database before, in bytes.
  returned: O(state=defragmented)
  type: int
  sample: 23818240
db_size:
  description: Size of the database now, in bytes.
  returned: success
  type: int
  sample: 5947392
db_size_in_use:
  description: Bytes of the database that are in use.
  returned: success
  type: int
  sample: 5939200
free:
  description: Bytes that are free on the file system of the database.
  returned: success
  type: int
needed:
  description: Bytes that must be free there for a defragmentation.
  returned: success
  type: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import defrag
from ansible_collections.quorum.etcd.plugins.module_utils._steps.defrag import DefragTimeouts
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms


def act(module: AnsibleModule) -> dict[str, Any]:
    systemd, given, check = Systemd(command.of_module(module)), module.params, module.check_mode
    layout = layout_of(given)
    terms = Terms(
        "defragmentation",
        given["endpoints"],
        allow_outage=given["allow_outage"],
        wait=given["lock_timeout"],
        makes_room=True,
    )
    if given["state"] == "checked":
        return {"changed": False, **defrag.observe(systemd, layout, terms)}
    result = defrag.defragment(systemd, layout, terms, DefragTimeouts(given["timeout"], given["start_timeout"]), check)
    sizes = {"before": {"db_size": result["before"]}, "after": {"db_size": result["db_size"]}}
    return {**result, "diff": sizes}


def main() -> None:
    run(
        {
            **LAYOUT,
            "state": {"type": "str", "choices": ["checked", "defragmented"], "default": "defragmented"},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "allow_outage": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 600.0},
            "start_timeout": {"type": "float", "default": 120.0},
            "lock_timeout": {"type": "float", "default": cluster_lock.WAIT},
        },
        act,
    )


if __name__ == "__main__":
    main()
