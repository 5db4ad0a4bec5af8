#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_recovery
short_description: "Internal: do one host's part in a recovery from a lost quorum"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Once a majority of members is lost, one of those left goes on alone, and the others join it empty. This module is
    what each host does for it, as acts that every host must have finished before any begins the next one. What the one
    that goes on does beside is M(quorum.etcd.etcd_internal_rescue).
  - C(playbooks/recover.yml) has them in their order, with a confirmation before the first, and decides by what all
    hosts say.
  - Nothing is deleted. Data are archived on their own file system.
  - Every act returns what is then left of the member.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  cluster:
    description: Name of the cluster. A host whose marker has another one is refused.
    type: str
    required: true
  state:
    description:
      - V(looked) only says what is left of the member.
      - V(saved) saves a snapshot of the member if it still answers. It needs no quorum.
      - V(stopped) stops the member, and lets nothing start it until the recovery is over or rolled back.
      - V(archived) archives the data of the stopped member. From there on the host may join the new cluster.
      - V(rolled_back) takes V(stopped) back, on a host that has not made the new cluster.
    type: str
    choices: [looked, saved, stopped, archived, rolled_back]
    required: true
  name:
    description: The member's name, for the marker of a host that has none.
    type: str
    default: ""
  fenced:
    description:
      - Names, IDs and addresses of members whose machines are said to be off. It is tried whether one of them answers.
    type: list
    elements: str
    default: []
  snapshot_dir:
    description: Where V(saved) saves the snapshot, and where V(looked) looks whether there is room for it.
    type: path
    default: /var/lib/etcd-snapshots
"""

EXAMPLES = r"""
- name: What is left of the member on this host?
  quorum.etcd.etcd_internal_recovery:
    cluster: etcd_cluster
    state: looked
  register: left
"""

RETURN = r"""
state:
  description: What this host's marker says. Empty where it has none.
  returned: success
  type: str
  sample: recovery-pending
founded:
  description: Whether this host has made the new cluster, so that there is no way back.
  returned: success
  type: bool
member_id:
  description: The id of the member whose write-ahead log is here. Empty without one.
  returned: success
  type: str
  sample: 8e9e05c52164694d
cluster_id:
  description: The id of that member's cluster.
  returned: success
  type: str
  sample: cdf818194e3a8c32
log:
  description: The end of the write-ahead log. V(null) where there is none, or it is damaged.
  returned: success
  type: dict
  contains:
    term:
      description: The raft term of the last entry.
      type: int
    index:
      description: The index of the last entry.
      type: int
    commit:
      description: Up to which index this member knew the entries to be agreed on.
      type: int
    keepable:
      description: Up to which index a recovery keeps them.
      type: int
    torn:
      description: Whether the last record was written only in part.
      type: bool
damaged:
  description: Why the write-ahead log cannot be used. Empty where it can, or there is none.
  returned: success
  type: str
members:
  description: The members as this one knows them.
  returned: success
  type: list
  elements: dict
copies:
  description:
    - Where a copy of the data and of the log would lie, as C(path), C(device), C(free), C(needs) and C(leaves).
    - Sizes are bytes.
  returned: success
  type: list
  elements: dict
version:
  description: The minor of the etcd that wrote the database, as the database says. Empty without one.
  returned: success
  type: str
  sample: 3.6.0
heard:
  description: Those of O(fenced) that answer, as C(id), C(name), C(peer_urls), and C(answer), which has the URL.
  returned: success
  type: list
  elements: dict
snapshot:
  description:
    - Where V(saved) would save a snapshot, like an element of RV(copies). V(null) where the member does not answer.
  returned: success
  type: dict
saved:
  description: The path of the snapshot that was saved. Empty where none was.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import recovery


def act(module: AnsibleModule) -> dict[str, Any]:
    given, check = module.params, module.check_mode
    systemd, layout, cluster = Systemd(command.of_module(module)), layout_of(given), given["cluster"]
    state, changed, snapshot = given["state"], False, ""
    if state == "saved":
        snapshot = recovery.save(systemd, layout, cluster, given["snapshot_dir"], check)
        changed = bool(snapshot)
    elif state == "stopped":
        changed = recovery.stop(systemd, layout, cluster, given["name"], check)
    elif state == "archived":
        changed = recovery.archive_data(systemd, layout, check)
    elif state == "rolled_back":
        changed = recovery.roll_back(systemd, layout, check)
    left = recovery.observe(systemd, layout, cluster, given["fenced"], given["snapshot_dir"])
    return {"changed": changed, "saved": snapshot, **left}


def main() -> None:
    run(
        {
            **LAYOUT,
            "cluster": {"type": "str", "required": True},
            "state": {
                "type": "str",
                "choices": ["looked", "saved", "stopped", "archived", "rolled_back"],
                "required": True,
            },
            "name": {"type": "str", "default": ""},
            "fenced": {"type": "list", "elements": "str", "default": []},
            "snapshot_dir": {"type": "path", "default": "/var/lib/etcd-snapshots"},
        },
        act,
    )


if __name__ == "__main__":
    main()
