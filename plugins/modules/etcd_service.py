#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_service
short_description: Start, await, restart or stop a member, and never cost its cluster the quorum
version_added: "0.1.0"
description:
  - Moves the unit of a member that the role C(quorum.etcd.etcd) has set up.
  - A restart and a stop are acts on the cluster. They wait until nobody else is at work on it, ask every member how it
    is, and are refused where the others would not be a quorum. Leadership is moved away first.
  - It can be used in any play. Whatever its C(serial), C(forks) or strategy, one member after the other is
    restarted, and the next only once the one before serves.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
  - quorum.etcd.witnesses
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  state:
    description:
      - V(started) starts the unit and enables it. It does not wait, because at a first start no member is ready before
        a quorum of them runs. It is always allowed.
      - V(ready) waits until the member serves, that is, answers a linearizable read of its own; a learner, which has no
        vote, its own status. Writes down its ids.
      - V(restarted) restarts the unit and waits until the member serves. One that does not run is started.
      - V(stopped) stops the unit. It starts again with its machine, and with the next run of the role.
    type: str
    choices: [started, ready, restarted, stopped]
    required: true
  timeout:
    description: How long a member may take until it serves, in seconds.
    type: float
    default: 120
  endpoints:
    description:
      - Client URLs of the other members, for a restart or a stop.
      - Not needed while the member itself answers, for it knows them.
    type: list
    elements: str
    default: []
  allow_outage:
    description:
      - Allow O(state=restarted) and O(state=stopped) for one of two voters, although nobody can write until it is back.
      - Never lets a member go whose loss would leave a cluster of three or more without a quorum.
      - The only member of a cluster needs no such leave.
    type: bool
    default: false
  lock_timeout:
    description: How long a restart or a stop waits for whoever else is at work on the cluster, in seconds.
    type: float
    default: 300
notes:
  - O(state=restarted) always reports a change.
"""

EXAMPLES = r"""
- name: Start a member
  quorum.etcd.etcd_service:
    state: started

- name: Wait until it serves
  quorum.etcd.etcd_service:
    state: ready

- name: Let every member report its new connections
  quorum.etcd.etcd_peer_report:
    nonce: restart-2026-11-22

- name: Restart all members, one after the other
  quorum.etcd.etcd_service:
    state: restarted
    nonce: restart-2026-11-22

- name: Stop one for the maintenance of its machine
  quorum.etcd.etcd_service:
    state: stopped
    nonce: restart-2026-11-22
  when: inventory_hostname == 'etcd-host2'
"""

RETURN = r"""
member_id:
  description: The id of the member in lower-case hex.
  returned: O(state=ready) and O(state=restarted), and not in check mode
  type: str
  sample: 8e9e05c52164694d
cluster_id:
  description: The id of its cluster in lower-case hex.
  returned: O(state=ready) and O(state=restarted), and not in check mode
  type: str
  sample: cdf818194e3a8c32
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, WITNESSES, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms


def act(module: AnsibleModule) -> dict[str, Any]:
    systemd, given, check = Systemd(command.of_module(module)), module.params, module.check_mode
    layout, state, timeout = layout_of(given), given["state"], given["timeout"]
    if state == "started":
        return {"changed": service.start(systemd, layout, check)}
    if state == "ready":
        return {"changed": False} if check else service.await_ready(systemd, layout, timeout)
    terms = Terms(
        "restart" if state == "restarted" else "stop",
        given["endpoints"],
        allow_outage=given["allow_outage"],
        wait=given["lock_timeout"],
        witnesses=Witnesses(given["nonce"]),
    )
    if state == "stopped":
        return service.stop(systemd, layout, terms, check)
    return service.restart(systemd, layout, terms, timeout, check)


def main() -> None:
    run(
        {
            **LAYOUT,
            **WITNESSES,
            "state": {"type": "str", "choices": ["started", "ready", "restarted", "stopped"], "required": True},
            "timeout": {"type": "float", "default": 120.0},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "allow_outage": {"type": "bool", "default": False},
            "lock_timeout": {"type": "float", "default": cluster_lock.WAIT},
        },
        act,
    )


if __name__ == "__main__":
    main()
