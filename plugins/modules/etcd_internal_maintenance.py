#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_maintenance
short_description: "Internal: take a host out of service, or bring it back"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Stops a member that its cluster can spare, under a lock that outlives the reboot of its machine; starts it, waits
    until it serves, and sees that it is connected; ends the maintenance.
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
      - V(drained) stops the member, and writes down on the host by whom and until when.
      - V(undrained) starts it, waits until it serves, and removes that record.
      - V(ended) lets others act on the cluster again.
    type: str
    choices: [drained, undrained, ended]
    required: true
  owner:
    description: The name of who maintains, and the process of that run.
    type: list
    elements: str
    required: true
  lasts:
    description: After how many seconds nobody is held up by it any more.
    type: int
    default: 3600
  machine:
    description: IDs of all members that are down while this machine is.
    type: list
    elements: str
    default: []
  predecessor:
    description: The revision of the key of a run that is gone. V(0) without one.
    type: int
    default: 0
  goes_on:
    description: Whether the maintenance of this host is not over yet, so that the record stays.
    type: bool
    default: false
  any_run:
    description: Whether the maintenance also ends where another run of this owner has begun it.
    type: bool
    default: false
  is_given_up:
    description: Whether the record goes although the member may not come back, for no run goes on with it.
    type: bool
    default: false
  endpoints:
    description: Client URLs of the members that go on meanwhile.
    type: list
    elements: str
    default: []
  members:
    description: The members that the plan expects.
    type: list
    elements: dict
  allow_outage:
    description: Whether a cluster that cannot spare the member may be without it.
    type: bool
    default: false
  timeout:
    description: How long the member may take until it serves, in seconds.
    type: float
    default: 120
  lock_timeout:
    description: How long to wait for whoever else is at work on the cluster, in seconds.
    type: float
    default: 300
"""

EXAMPLES = r"""
- name: The role calls it through the action that renders its options
  quorum.etcd.etcd_internal_step:
    step: "{{ __etcd_step }}"
"""

RETURN = r"""#"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Owner
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, WITNESSES, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import drain
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms


def act(module: AnsibleModule) -> dict[str, Any]:
    systemd, given, check = Systemd(command.of_module(module)), module.params, module.check_mode
    layout, owner, state = layout_of(given), Owner(*given["owner"]), given["state"]
    terms = Terms(
        "maintenance",
        given["endpoints"],
        given["members"],
        given["allow_outage"],
        given["lock_timeout"],
        witnesses=Witnesses(given["nonce"]),
        machine=frozenset(given["machine"]),
    )
    if state == "ended":
        return {"changed": drain.end(systemd, layout, owner, given["any_run"], terms, check)}
    if state == "undrained":
        asked = drain.Return(owner, given["goes_on"], given["timeout"], given["is_given_up"])
        return drain.undrain(systemd, layout, asked, terms, check)
    return drain.drain(systemd, layout, drain.Drain(owner, given["lasts"], given["predecessor"]), terms, check)


def main() -> None:
    run(
        {
            **LAYOUT,
            **WITNESSES,
            "state": {"type": "str", "choices": ["drained", "undrained", "ended"], "required": True},
            "owner": {"type": "list", "elements": "str", "required": True},
            "lasts": {"type": "int", "default": 3600},
            "machine": {"type": "list", "elements": "str", "default": []},
            "predecessor": {"type": "int", "default": 0},
            "goes_on": {"type": "bool", "default": False},
            "any_run": {"type": "bool", "default": False},
            "is_given_up": {"type": "bool", "default": False},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "members": {"type": "list", "elements": "dict"},
            "allow_outage": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 120.0},
            "lock_timeout": {"type": "float", "default": cluster_lock.WAIT},
        },
        act,
    )


if __name__ == "__main__":
    main()
