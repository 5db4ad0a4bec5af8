#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_restore
short_description: "Internal: do one host's part in a restore from a snapshot"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A cluster is restored in acts that every host must have finished before any begins the next one. This module is one
    such act on one host. It asks nobody and guards no quorum.
  - C(playbooks/restore.yml) has them in their order, with a plan and a confirmation before the first.
  - Every act finds out what of it is done already, so an interrupted one is continued by the next call.
  - Nothing is deleted but what was made of snapshots. The old data are archived on their own file system.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.layout
  - quorum.etcd.content
options:
  state:
    description:
      - V(looked) only tells what the host knows of a restore that is under way, of snapshots and of members. Refused
        where what lies on the host is of another cluster.
      - V(lent) lays a copy of O(snapshot) where the controller can fetch it.
      - V(roomy) checks that there is room for the snapshot, before it is sent to O(arriving), and removes what runs
        have left there that were killed.
      - V(staged) has the snapshot that is restored on the host.
      - V(drilled) restores it for a trial, and removes the result again.
      - V(prepared) makes the new data of this host's member beside the old ones.
      - V(marked) lets the host remember that its member stops for a restore. From here on nothing starts it.
      - V(stopped) stops and disables the unit of the member.
      - V(archived) archives its old data.
      - V(restored) writes the files of the member and gives its new data their place. There is no way back from it.
      - V(started) starts the member so that its peers reach it and no client does.
      - V(verified) waits until it serves, and compares its revision, its keys and its members with what was restored.
      - V(open) starts it by its unit, from now on at every boot.
      - V(finished) waits until it serves, and removes what was needed for the restore alone.
      - V(ended) removes what a restore that is over has left behind, starts its member where that was not done, and
        waits for nothing.
      - V(rolled_back) has everything as it was before, as long as this host is not V(restored).
    type: str
    choices:
      - looked
      - lent
      - roomy
      - staged
      - drilled
      - prepared
      - marked
      - stopped
      - archived
      - restored
      - started
      - verified
      - open
      - finished
      - ended
      - rolled_back
    required: true
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  restoration:
    description:
      - What exactly is restored, the same on every host. Only V(looked), V(lent) and V(rolled_back) do without it.
    type: dict
  timeout:
    description: How long the member may take to serve, in seconds.
    type: float
    default: 120
  name:
    description: Name of the member.
    type: str
    default: ""
  peer_urls:
    description: Peer URLs of the member.
    type: list
    elements: str
    default: []
  snapshot:
    description:
      - With O(state=looked) a file to judge where there is one of that path, with O(state=lent) the file, and with
        O(state=staged) a copy of the snapshot to take if it is not in O(snapshot_dir) yet.
    type: path
  lend_to:
    description: Where to lay the copy, with O(state=lent), in a directory of the user as whom Ansible came.
    type: path
  arriving:
    description: The path that Ansible will give to the snapshot, with O(state=roomy).
    type: path
  manifest:
    description: What the snapshot must hold, with O(state=drilled). Without it only the revision is compared.
    type: dict
  snapshot_dir:
    description: Directory of snapshots on the host.
    type: path
    default: /var/lib/etcd-snapshots
  allow_missing_hash:
    description: Take a copied database, whose file has no checksum.
    type: bool
    default: false
  fenced:
    description:
      - Names, ids and addresses of members whose machines are said to be off. With O(state=looked) it is tried whether
        one of them answers.
    type: list
    elements: str
    default: []
  files:
    description: Files that are no secrets, with O(state=restored).
    required: false
    default: []
  certificates:
    description:
      - With O(state=restored) leaf certificates to replace, by name.
      - With O(state=drilled) those of the trial, the bundles of their CA among them.
  private_keys:
    description: The keys of O(certificates), by the names of these, with O(state=drilled) as the files are called.
"""

EXAMPLES = r"""
- name: See what a host knows of snapshots, and of a restore that is under way
  quorum.etcd.etcd_internal_restore:
    cluster: etcd_cluster
    state: looked

- name: Have everything on this host as it was before
  quorum.etcd.etcd_internal_restore:
    cluster: etcd_cluster
    state: rolled_back
"""

RETURN = r"""
record:
  description: The restore that is under way, as O(restoration). None without one.
  returned: with O(state=looked)
  type: dict
prepared:
  description: Whether the new data of this host's member are there.
  returned: with O(state=looked)
  type: bool
kept:
  description:
    - Snapshots of this cluster, oldest first, as C(path), C(manifest) and C(alarms), those that were raised when it was
      saved.
  returned: with O(state=looked)
  type: list
  elements: dict
newest:
  description: The manifest of the last of RV(kept). None without one.
  returned: with O(state=looked)
  type: dict
staged:
  description: Copies of snapshots that restores have brought here, as C(path) and C(sha256).
  returned: with O(state=looked)
  type: list
  elements: dict
named:
  description: What the file O(snapshot) holds, as C(path), C(details) and C(manifest). None where there is none.
  returned: with O(state=looked)
  type: dict
devices:
  description: The numbers of the file systems of its C(data) and its C(snapshots).
  returned: with O(state=looked)
  type: dict
alarms:
  description: The alarms of members under which no write is taken, as C(member_id), C(name) and C(alarm).
  returned: with O(state=verified), where it was not started before
  type: list
  elements: dict
known:
  description: The members of the cluster by the database of the one on this host. Empty where there is none.
  returned: with O(state=looked)
  type: list
  elements: dict
applied:
  description: Up to which entry of the log that database knows them, 0 without one.
  returned: with O(state=looked)
  type: int
heard:
  description: Those of O(fenced) that answer, as C(name), C(peer_urls), and C(answer), which has the URL.
  returned: with O(state=looked)
  type: list
  elements: dict
path:
  description: Where the snapshot lies that is restored, or its copy.
  returned: with O(state=staged) and O(state=lent)
  type: str
revision:
  description:
    - The revision at which the restored member begins.
    - With O(state=looked) that of the database on this host, 0 without one.
  returned: with O(state=looked) and O(state=drilled), and with O(state=verified) where it was not started before
  type: int
key_count:
  description:
    - How many keys it began with. With O(state=verified) None where the snapshot's number is not known, or the cluster
      was compacted after the others began to serve.
  returned: with O(state=drilled), and with O(state=verified) where it was not started before
  type: int
compared:
  description: What the trial compared with O(manifest).
  returned: with O(state=drilled)
  type: list
  elements: str
members:
  description: The members that it knows, name to peer URLs.
  returned: with O(state=verified), where it was not started before
  type: dict
archived:
  description: Where the old data lie.
  returned: with O(state=finished)
  type: list
  elements: str
started:
  description: Whether a member was started.
  returned: with O(state=rolled_back)
  type: bool
"""

import platform
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._host import shared_copy
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import CONTENT, LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import (
    destroy,
    last_known_members,
    restore,
    restore_source,
)

_ACTS = {
    "marked": restore.mark,
    "stopped": restore.stop,
    "archived": restore.archive_data,
    "started": restore.start,
    "open": restore.open_up,
    "ended": restore.end,
}
_STATES = [
    "looked",
    "lent",
    "roomy",
    "staged",
    "drilled",
    "prepared",
    *list(_ACTS)[:3],
    "restored",
    "started",
    "verified",
]
_STATES += ["open", "finished", "ended", "rolled_back"]


def act(module: AnsibleModule) -> dict[str, Any]:
    given, check = module.params, module.check_mode
    state, layout, snapshot = given["state"], layout_of(given), given["snapshot"] or ""
    runner = command.of_module(module)
    destroy.check_ours(layout, given["cluster"])
    if state == "looked":
        found = restore_source.observe(
            layout, given["snapshot_dir"], given["cluster"], snapshot, given["allow_missing_hash"]
        )
        return {
            "changed": False,
            **found,
            **last_known_members.observe(Systemd(runner), layout, found, given["fenced"]),
        }
    if state == "lent":
        return {"changed": False, "path": snapshot if check else shared_copy.make_readable(snapshot, given["lend_to"])}
    if state == "rolled_back":
        return restore.roll_back(Systemd(runner), layout, given["snapshot_dir"], check)
    if given["restoration"] is None:
        raise BadInput(f"restoration is missing, and state={state} needs to know what is restored.")
    restoration = Restoration.from_dict(given["restoration"])
    if state == "roomy":
        restore_source.make_way(given["arriving"])
        restore_source.check_room(given["snapshot_dir"], given["arriving"], restoration.size, layout.member_dirs)
        return {"changed": False}
    release_dir = layout.release_dir(restoration.version, releases.architecture(platform.machine()))
    part = restore.RestoreAct(
        Systemd(runner),
        layout,
        restoration,
        given["name"],
        given["peer_urls"],
        release_dir,
        given["snapshot_dir"],
    )
    if state == "staged":
        changed = restore.stage(part, snapshot, check)
        return {"changed": changed, "path": restore_source.path_of(part.snapshot_dir, restoration)}
    if state == "drilled":
        manifest = Manifest.from_dict(given["manifest"]) if given["manifest"] else None
        certificates = {**given["certificates"], **given["private_keys"]}
        return {"changed": False, **restore.drill(runner, part, manifest, given["timeout"], check, certificates)}
    if state == "prepared":
        return {"changed": restore.prepare(runner, part, check)}
    if state == "restored":
        return restore.put_in_place(part, Content.from_params(given), check)
    if state == "verified":
        return {"changed": False, **({} if check else _verified(part, given["timeout"]))}
    if state == "finished":
        return {"changed": True} if check else restore.finish(part, given["timeout"])
    return {"changed": _ACTS[state](part, check)}


def _verified(part: restore.RestoreAct, timeout: float) -> dict[str, Any]:
    found = restore.verify(part, timeout)
    # The members serve, so whatever is wrong is mended on a cluster that does.
    notes = [
        f"{part.name} takes no write: {one['name']} has raised {one['alarm']}. Once the restore is over: "
        "ansible-playbook quorum.etcd.reclaim -i INVENTORY"
        for one in found.get("alarms", [])
    ]
    return {**found, "notes": notes}


def main() -> None:
    run(
        {
            **LAYOUT,
            **CONTENT,
            "files": {**CONTENT["files"], "required": False, "default": []},
            "state": {"type": "str", "choices": _STATES, "required": True},
            "cluster": {"type": "str", "required": True},
            "restoration": {"type": "dict"},
            "timeout": {"type": "float", "default": 120.0},
            "name": {"type": "str", "default": ""},
            "peer_urls": {"type": "list", "elements": "str", "default": []},
            "snapshot": {"type": "path"},
            "lend_to": {"type": "path"},
            "arriving": {"type": "path"},
            "manifest": {"type": "dict"},
            "snapshot_dir": {"type": "path", "default": "/var/lib/etcd-snapshots"},
            "allow_missing_hash": {"type": "bool", "default": False},
            "fenced": {"type": "list", "elements": "str", "default": []},
        },
        act,
        reads=("looked", "lent", "verified"),
    )


if __name__ == "__main__":
    main()
