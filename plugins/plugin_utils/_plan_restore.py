# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The plan of a restore, out of what every host says of itself and of snapshots."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import fencing, identity, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_acts import Undo
from ansible_collections.quorum.etcd.plugins.module_utils._plan import restore
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore import HostView, RestoreRequest
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore_plan import Candidate
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import store
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Planned, Request
from ansible_collections.quorum.etcd.plugins.plugin_utils._seen import host_of

#: The step by which a host has everything as it was before.
_UNDO = {"announce": "", **Undo().to_dict()}


def plan(request: Request) -> Planned:
    """Plan a restore, or roll one back.

    :raises EtcdError: nothing may be done.
    """
    wish, looks = _asked(request)
    off = restore.fenced_hosts(wish.fenced or {}, request.members)
    alive = [look.host.name for look in looks if not look.host.silent]
    if request.arguments["roll_back"]:
        hosts = restore.roll_back(looks, wish)
        return Planned(Plan(f"roll the restore back on {', '.join(hosts)}"), alive, off, {"undo": _UNDO})
    found = restore.plan(looks, wish, _on_the_controller(request, wish))
    told = {
        "restoration": found.restoration.to_dict(),
        "ending": bool(found.ending),
        "may_roll_back": found.may_roll_back,
        "undo": _UNDO,
    }
    return Planned(found.plan, alive, off, told)


def _on_the_controller(request: Request, wish: RestoreRequest) -> Candidate | None:
    """The file on the controller that was named, if it is one."""
    path = request.path_of(wish.snapshot) if wish.snapshot else ""
    if not path or not os.path.lexists(path):
        return None
    return restore.candidate("", store.judge(path, wish.allow_missing_hash))


def _asked(request: Request) -> tuple[RestoreRequest, list[HostView]]:
    """What the operator has said, and what the hosts say that are not off."""
    arguments, members, hostvars = request.arguments, request.members, request.hostvars
    given = identity.words_of(arguments["fenced"])
    hosts = [topology.identity_of(name, hostvars[name]) for name in members]
    off = fencing.by_inventory(given, hosts).off
    looks = [_look(name, hostvars) for name in members if name not in off]
    fenced = restore.fenced_by(given, hosts, looks)
    off = tuple(restore.fenced_hosts(fenced, members))
    wish = RestoreRequest(
        request.cluster, arguments["snapshot"], arguments["snapshot_of"], arguments["allow_missing_hash"], fenced
    )
    return wish, [look for look in looks if look.host.name not in off]


def _look(name: str, hostvars: Mapping[str, Any]) -> HostView:
    variables = hostvars[name]
    seen = next((one for one in (variables.get("__etcd_seen") or {}).get("results", []) if one["item"] == name), None)
    told = variables.get("__etcd_looked") or {}
    host = host_of(name, seen, hostvars)
    if not host.silent and "kept" not in told:
        host = replace(host, silent=str(told.get("msg") or "it was not asked.").strip())
    return HostView(host) if host.silent else HostView.from_results(host, told)
