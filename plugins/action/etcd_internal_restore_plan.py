# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what every host said of itself and of snapshots into the plan of a restore, or a refusal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, explained
from ansible_collections.quorum.etcd.plugins.module_utils._model import fencing, identity, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_acts import Undo
from ansible_collections.quorum.etcd.plugins.module_utils._plan import restore
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore import HostView, RestoreRequest
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore_plan import Candidate, RestorePlan
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import store
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._seen import host_of


class ActionModule(InternalAction):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "members": {"type": "list", "elements": "str", "required": True},
                "fenced": {"type": "raw", "default": []},
                "snapshot": {"type": "str", "default": ""},
                "snapshot_of": {"type": "str", "default": ""},
                "allow_missing_hash": {"type": "bool", "default": False},
                "roll_back": {"type": "bool", "default": False},
            }
        )
        hostvars, cluster = task_vars["hostvars"], arguments["cluster"]
        here = task_vars["inventory_hostname"]
        try:
            wish, looks = _asked(arguments, hostvars)
            off = restore.fenced_hosts(wish.fenced or {}, arguments["members"])
            heard = [look.host.name for look in looks if not look.host.silent]
            speaks = here == next(iter(heard or [look.host.name for look in looks]), here)
            common = {**result, "refusal": "", "off": off, "alive": heard, "undo": _step("", Undo())}
            if arguments["roll_back"]:
                hosts = restore.roll_back(looks, wish)
                self._tell(speaks, f"{cluster}: roll the restore back on {', '.join(hosts)}")
                return {**common, "changed": True, "waves": 0}
            plan = restore.plan(looks, wish, self._given(wish))
        except EtcdError as exc:
            refusal = f"{cluster}: refused, nothing was touched.\n{explained(exc.problems)}"
            return {**result, "changed": False, "refusal": refusal, "waves": 0}
        self._tell(speaks, plan.text)
        return {
            **common,
            "changed": True,
            "text": plan.text,
            "restoration": plan.restoration.to_dict(),
            "ending": bool(plan.ending),
            "may_roll_back": plan.may_roll_back,
            "waves": len(plan.waves),
            "reversible": len(plan.reversible),
            "steps": _steps_of(plan, here),
        }

    def _given(self, wish: RestoreRequest) -> Candidate | None:
        """The file on the controller that was named, if it is one."""
        path = self._loader.path_dwim(wish.snapshot) if wish.snapshot else ""
        if not path or not os.path.lexists(path):
            return None
        return restore.candidate("", store.judge(path, wish.allow_missing_hash))

    def _tell(self, speaks: bool, text: str) -> None:
        # On one host of the cluster: the same on each would bury it.
        if speaks:
            self._display.display(text)


def _asked(arguments: Mapping[str, Any], hostvars: Mapping[str, Any]) -> tuple[RestoreRequest, list[HostView]]:
    """What the operator has said, and what the hosts say that are not off."""
    members, given = arguments["members"], identity.words_of(arguments["fenced"])
    hosts = [topology.identity_of(name, hostvars[name]) for name in members]
    off = fencing.by_inventory(given, hosts).off
    looks = [_look(name, hostvars) for name in members if name not in off]
    fenced = restore.fenced_by(given, hosts, looks)
    off = tuple(restore.fenced_hosts(fenced, members))
    wish = RestoreRequest(
        arguments["cluster"], arguments["snapshot"], arguments["snapshot_of"], arguments["allow_missing_hash"], fenced
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


def _steps_of(plan: RestorePlan, here: str) -> list[dict[str, Any] | None]:
    """One host's own part, its step or None for each wave. The first host of a wave says what all of them do."""
    titles, found = plan.titles, []
    for wave in plan.waves:
        own = next((step for step in wave if step.host == here), None)
        number = f"step {titles.index(wave[0].title) + 1} of {len(titles)}: {wave[0].title}"
        found.append(_step(number if own is wave[0] else "", own.act) if own else None)
    return found


def _step(announce: str, act: Act) -> dict[str, Any]:
    return {"announce": announce, **act.to_dict()}
