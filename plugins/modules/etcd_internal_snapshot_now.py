#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_snapshot_now
short_description: "Internal: save a snapshot as the member's timer does, now"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A step of the playbook C(quorum.etcd.snapshot). It goes by the settings of the timer that the role gave the member,
    so that the snapshot lies in the same directory, with the same manifest, retention, metrics and command.
  - Without any of this on the host use M(quorum.etcd.etcd_snapshot).
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.layout
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
    details:
      - The member is asked, and the free space is looked at, but nothing is streamed or written.
  diff_mode:
    support: none
options:
  state:
    description:
      - V(checked) says whether this host could save one, and how well its member suits. It always succeeds.
      - V(saved) saves what the member of this host has, whatever the others have.
    type: str
    choices: [checked, saved]
    default: saved
  snapshot_dir:
    description: Where the inventory says that snapshots lie. Where the host has another directory nothing is saved.
    type: path
    default: /var/lib/etcd-snapshots
seealso:
  - module: quorum.etcd.etcd_snapshot
"""

EXAMPLES = r"""
- name: Save a snapshot of this host's member
  quorum.etcd.etcd_internal_snapshot_now:
  register: saved
"""

RETURN = r"""
problem:
  description: Why this host cannot save one.
  returned: O(state=checked), and it cannot
  type: str
rank:
  description: Hosts are compared by it, number by number. The lowest suits best.
  returned: O(state=checked), and it can
  type: list
  elements: int
role:
  description: What the member is, V(a follower), V(the leader) or V(a learner).
  returned: O(state=checked), and it can
  type: str
note:
  description: What is wrong with a member that gives a snapshot all the same; empty if nothing is.
  returned: O(state=checked), and it can
  type: str
path:
  description: The snapshot. In check mode, and with O(state=checked), one that would be saved.
  returned: success, without RV(problem)
  type: str
  sample: /var/lib/etcd-snapshots/etcd_cluster-20261122T074000Z-1042.db
manifest:
  description: What lies beside it, see M(quorum.etcd.etcd_snapshot).
  returned: success, without RV(problem)
  type: dict
deleted:
  description: The older snapshots that are not kept any longer.
  returned: success, without RV(problem)
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import on_request


def act(module: AnsibleModule) -> dict[str, Any]:
    layout, directory = layout_of(module.params), module.params["snapshot_dir"]
    if module.params["state"] == "checked":
        return {"changed": False, **on_request.observe(layout, directory)}
    return {"changed": True, **on_request.save(layout, directory, command.of_module(module), module.check_mode)}


def main() -> None:
    run(
        {
            **LAYOUT,
            "state": {"type": "str", "choices": ["checked", "saved"], "default": "saved"},
            "snapshot_dir": {"type": "path", "default": "/var/lib/etcd-snapshots"},
        },
        act,
        reads=("checked",),
    )


if __name__ == "__main__":
    main()
