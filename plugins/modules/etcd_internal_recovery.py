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
    what each host does for it, as acts that every host must have finished before any begins the next one.
  - C(playbooks/recover.yml) has them in their order, with a confirmation before the first, and decides by what all
    hosts say.
  - With V(alone) C(etcd --force-new-cluster) makes a cluster of one of a copy of the data, where no client and no peer
    can find it. The flag is in no file. What the log holds is kept whole, the entries included that were not known to
    be agreed on. They may be acknowledged writes, which etcd by itself would discard. A call that was interrupted is
    continued by the next one. Up to where the copy serves the old data are as they were.
  - Nothing is deleted. Data are archived on their own file system.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.layout
  - quorum.etcd.content
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
      - V(alone) writes the member's files, copies its data, makes a cluster of one from the copy, archives the old
        data, puts the copy in their place, and starts the member. Refused unless V(stopped) was done before.
      - V(archived) archives the data of the stopped member. From there on the host may join the new cluster.
      - V(rolled_back) takes V(stopped) back, on a host that has not made the new cluster.
    type: str
    choices: [looked, saved, stopped, alone, archived, rolled_back]
    required: true
  name:
    description:
      - The member's name from now on, with V(alone).
      - With V(stopped) the one for the marker of a host that has none.
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
  files:
    description: Files that are no secrets, with O(state=alone).
    required: false
    default: []
  peer_urls:
    description: The member's peer URLs from now on, with O(state=alone).
    type: list
    elements: str
    default: []
  binary:
    description: The versioned path of etcd, with O(state=alone).
    type: path
  term:
    description: The term of the last entry of its log, with O(state=alone). Refused if it is another.
    type: int
  index:
    description: The index of the last entry of its log, with O(state=alone). Refused if it is another.
    type: int
  timeout:
    description: How long each of the two starts of O(state=alone) may take, in seconds.
    type: float
    default: 120
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
  returned: with O(state=looked)
  type: str
  sample: recovery-pending
founded:
  description: Whether this host has made the new cluster, so that there is no way back.
  returned: with O(state=looked)
  type: bool
member_id:
  description:
    - The id of the member whose write-ahead log is here, in lower-case hex. Empty without one.
    - A member that goes on alone keeps its ids.
  returned: with O(state=looked), and with O(state=alone) but in check mode
  type: str
  sample: 8e9e05c52164694d
cluster_id:
  description: The id of that member's cluster.
  returned: with O(state=looked), and with O(state=alone) but in check mode
  type: str
  sample: cdf818194e3a8c32
log:
  description: The end of the write-ahead log. V(null) where there is none, or it is damaged.
  returned: with O(state=looked)
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
  returned: with O(state=looked)
  type: str
members:
  description: The members as this one knows them.
  returned: with O(state=looked)
  type: list
  elements: dict
copies:
  description:
    - Where a copy of the data and of the log would lie, as C(path), C(device), C(free), C(needs) and C(leaves).
    - Sizes are bytes.
  returned: with O(state=looked)
  type: list
  elements: dict
version:
  description: The minor of the etcd that wrote the database, as the database says. Empty without one.
  returned: with O(state=looked)
  type: str
  sample: 3.6.0
heard:
  description: Those of O(fenced) that answer, as C(id), C(name), C(peer_urls), and C(answer), which has the URL.
  returned: with O(state=looked)
  type: list
  elements: dict
snapshot:
  description:
    - Where V(saved) would save a snapshot, like an element of RV(copies). V(null) where the member does not answer.
  returned: with O(state=looked)
  type: dict
saved:
  description: The path of the snapshot that was saved. Empty where none was.
  returned: with O(state=saved)
  type: str
revision:
  description: The revision of the store from which it goes on. V(0) where an earlier call made the cluster.
  returned: with O(state=alone), and not in check mode
  type: int
kept:
  description:
    - How many entries of its log were not known to be agreed on, and were kept. V(-1) where an earlier call made the
      cluster.
  returned: with O(state=alone), and not in check mode
  type: int
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import CONTENT, LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import recovery, survivor

_ALONE = ("name", "peer_urls", "binary", "term", "index", "timeout")


def act(module: AnsibleModule) -> dict[str, Any]:
    given, check, runner = module.params, module.check_mode, command.of_module(module)
    systemd, layout, cluster, state = Systemd(runner), layout_of(given), given["cluster"], given["state"]
    if state == "looked":
        left = recovery.observe(systemd, layout, cluster, given["fenced"], given["snapshot_dir"])
        return {"changed": False, **left}
    if state == "saved":
        snapshot = recovery.save(systemd, layout, cluster, given["snapshot_dir"], check)
        return {"changed": bool(snapshot), "saved": snapshot}
    if state == "stopped":
        return {"changed": recovery.stop(systemd, layout, cluster, given["name"], check)}
    if state == "alone":
        alone = survivor.Survivor(**{field: given[field] for field in _ALONE})
        return survivor.found(runner, layout, Content.from_params(given), alone, check)
    if state == "archived":
        return {"changed": recovery.archive_data(systemd, layout, check)}
    return {"changed": recovery.roll_back(systemd, layout, check)}


def main() -> None:
    run(
        {
            **LAYOUT,
            **CONTENT,
            "files": {**CONTENT["files"], "required": False, "default": []},
            "cluster": {"type": "str", "required": True},
            "state": {
                "type": "str",
                "choices": ["looked", "saved", "stopped", "alone", "archived", "rolled_back"],
                "required": True,
            },
            "name": {"type": "str", "default": ""},
            "fenced": {"type": "list", "elements": "str", "default": []},
            "snapshot_dir": {"type": "path", "default": "/var/lib/etcd-snapshots"},
            "peer_urls": {"type": "list", "elements": "str", "default": []},
            "binary": {"type": "path"},
            "term": {"type": "int"},
            "index": {"type": "int"},
            "timeout": {"type": "float", "default": 120.0},
        },
        act,
        reads=("looked",),
        required_if=[("state", "alone", ("name", "peer_urls", "binary", "term", "index"))],
    )


if __name__ == "__main__":
    main()
