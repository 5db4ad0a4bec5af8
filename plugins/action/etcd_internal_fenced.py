# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says whose machines are off, and whether every other host has answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, explained
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model import fencing, identity, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.fencing import Fenced
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.plugin_utils import _misspelt
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction

_NOT_ASKED = "it was left out of this run (--limit or serial)"


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
                "given": {"type": "raw", "default": []},
                "danger": {"type": "str", "default": ""},
            }
        )
        variables = {name: task_vars["hostvars"][name] for name in arguments["members"]}
        try:
            _check_names(variables, task_vars["hostvars"])
            found = _found(variables, identity.words_of(arguments["given"]), arguments["danger"])
        except EtcdError as exc:
            return {
                **result,
                "failed": True,
                "msg": f"{arguments['cluster']}: refused, nothing was touched.\n{explained(exc.problems)}",
            }
        return {**result, "changed": False, **found.to_dict()}


def _check_names(variables: Mapping[str, Mapping[str, Any]], hostvars: Any) -> None:
    """Is no variable of any host misspelt?

    :raises BadInput: some are; with a text for each.
    """
    findings = Findings()
    for host, own in variables.items():
        findings.run(_misspelt.check_host, host, own, own.get(_misspelt.EXEMPT), hostvars)
    findings.end()


def _found(variables: Mapping[str, Mapping[str, Any]], given: tuple[str, ...], danger: str) -> Fenced:
    hosts = [topology.identity_of(name, variables[name]) for name in variables]
    if not danger:
        return fencing.by_inventory(given, hosts)
    told = {name: _told(variables[name].get("__etcd_looked")) for name in variables}
    members = {member["id"]: member for one in told.values() for member in one.get("members", ())}
    hosts = [_observed(host, told[host.host]) for host in hosts]
    fenced = fencing.by_members(given, hosts, list(members.values()))
    unheard, refused = ({name: one[why] for name, one in told.items() if why in one} for why in ("unheard", "refused"))
    fencing.check_heard(fenced, given, unheard, refused, danger)
    fencing.check_silent({name: one.get("heard", ()) for name, one in told.items()})
    return fenced


def _observed(host: Identity, told: Mapping[str, Any]) -> Identity:
    if "member_id" not in told:
        return host
    return replace(host, member_ids=tuple(filter(None, [told["member_id"]])), is_new=not told["member_id"])


def _told(looked: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a host has registered, or why it has not."""
    if looked is None or looked.get("skipped"):
        return {"unheard": _NOT_ASKED}
    if looked.get("unreachable") or looked.get("failed"):
        return {"unheard" if looked.get("unreachable") else "refused": str(looked.get("msg", "no result"))}
    return looked
