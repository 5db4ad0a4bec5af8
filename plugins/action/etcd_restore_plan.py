# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what every host said of itself and of snapshots into the plan of a restore, or a refusal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils import _restoring, _staging
from ansible_collections.quorum.etcd.plugins.module_utils._errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model import Host
from ansible_collections.quorum.etcd.plugins.module_utils._restoring import Candidate, Look, Wish

# By these a member may be known that nobody could look at.
_ALIASES = ("NODE_NAME", "etcd_name", "etcd_address", "ansible_host")


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "members": {"type": "list", "elements": "str", "required": True},
                "fenced": {"type": "list", "elements": "str", "default": []},
                "snapshot": {"type": "str", "default": ""},
                "snapshot_of": {"type": "str", "default": ""},
                "allow_missing_hash": {"type": "bool", "default": False},
                "put_back": {"type": "bool", "default": False},
            }
        )
        hostvars, cluster = task_vars["hostvars"], arguments["cluster"]
        fenced = {name: list(_aliases(name, arguments["members"], hostvars)) for name in arguments["fenced"]}
        wish = Wish(cluster, arguments["snapshot"], arguments["snapshot_of"], arguments["allow_missing_hash"], fenced)
        asked = [name for name in arguments["members"] if name not in fenced]
        speaks = task_vars["inventory_hostname"] == next(iter(asked), "")
        try:
            looks = [_look(name, hostvars[name]) for name in asked]
            if arguments["put_back"]:
                hosts = _restoring.put_back(looks, wish)
                self._tell(speaks, f"{cluster}: put back what was before the restore, on {', '.join(hosts)}")
                return {**result, "changed": True, "refusal": "", "plan": None}
            plan = _restoring.plan(looks, wish, self._given(wish))
        except EtcdError as exc:
            found = f"refused, nothing was touched.\n{exc}" if speaks else "refused, see above."
            return {**result, "changed": False, "refusal": f"{cluster}: {found}", "plan": None}
        self._tell(speaks, plan.text)
        return {**result, "changed": True, "refusal": "", "plan": plan.to_dict(), "text": plan.text}

    def _given(self, wish: Wish) -> Candidate | None:
        """The file on the controller that was named, if it is one."""
        path = self._loader.path_dwim(wish.snapshot) if wish.snapshot else ""
        if not path or not os.path.lexists(path):
            return None
        return _restoring.candidate("", _staging.judge(path, wish.allow_missing_hash))

    def _tell(self, speaks: bool, text: str) -> None:
        # On one host of the cluster: the same on each would bury it.
        if speaks:
            self._display.display(text)


def _aliases(name: str, members: list[str], hostvars: Mapping[str, Any]) -> Iterator[str]:
    if name in members:
        yield name
        for variable in _ALIASES:
            if hostvars[name].get(variable):
                yield str(hostvars[name][variable])


def _look(name: str, variables: Mapping[str, Any]) -> Look:
    seen = next((one for one in (variables.get("__etcd_seen") or {}).get("results", []) if one["item"] == name), None)
    told = variables.get("__etcd_looked") or {}
    if seen is None or "wanted" not in seen or "kept" not in told:
        return Look(Host(name, silent=str((seen or {}).get("msg") or told.get("msg") or "it was not asked.").strip()))
    if seen["silent"]:
        return Look(Host(name, silent=seen["silent"]))
    return Look.of(Host.from_observation(name, seen), told)
