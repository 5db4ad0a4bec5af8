# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what every host says of a lost quorum into the way out of it, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, explained
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._plan import recovery
from ansible_collections.quorum.etcd.plugins.module_utils._plan.recovery import MemberRemains, Recovery, RecoveryConsent
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._seen import hosts_of

_LEFT_OUT = "it is not in this run (--limit or serial leave it out), and every host must be. Run without them."


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
                "batch": {"type": "list", "elements": "str", "required": True},
                "fenced": {"type": "raw", "default": []},
                "quorum_lost": {"type": "bool", "default": False},
                "roll_back": {"type": "bool", "default": False},
                "at_rest": {"type": "bool", "default": False},
            }
        )
        batch, cluster, at_rest = arguments["batch"], arguments["cluster"], arguments["at_rest"]
        hosts, left = _heard(arguments["members"], batch, task_vars["hostvars"])
        alive = [host.name for host in hosts if not host.silent]
        speaks = task_vars["inventory_hostname"] == next(iter(alive or batch))
        try:
            fenced = identity.words_of(arguments["fenced"])
            words = RecoveryConsent(fenced, arguments["quorum_lost"], arguments["roll_back"])
            plan = recovery.plan(hosts, left, words, at_rest)
        except EtcdError as exc:
            fenced = arguments["fenced"]
            return {**result, "changed": False, "refusal": _refused(cluster, explained(exc.problems), at_rest, fenced)}
        text = plan.text(cluster)
        if speaks and not at_rest:
            self._display.display(text)
        return {**result, "changed": True, "refusal": "", "alive": alive, "text": text, **_told(plan)}


def _told(plan: Recovery) -> dict[str, Any]:
    return {
        "survivor": plan.survivor,
        "founds": plan.founds,
        "install": _step(plan.installs[0]) if plan.installs else None,
        "goes_on": _step(plan.goes_on) if plan.goes_on else None,
        "saves": list(plan.saves),
        "rests": list(plan.rests),
        "rolls_back": list(plan.rolls_back),
        "off": list(plan.off),
    }


def _step(step: Step) -> dict[str, Any]:
    return {"announce": step.title, **step.act.to_dict()}


def _refused(cluster: str, text: str, at_rest: bool, fenced: Any) -> str:
    if not at_rest:
        return f"{cluster}: refused, nothing was touched.\n{text}"
    undoing = advice.rollback("recover", cluster, identity.words_of(fenced))
    return (
        f"{cluster}: refused, now that every member is stopped.\n{text}\nThe same command looks again. To roll "
        f"it back: {undoing}"
    )


def _heard(
    members: Sequence[str], batch: Sequence[str], hostvars: Mapping[str, Any]
) -> tuple[list[Host], dict[str, MemberRemains]]:
    """The hosts, and what is left on each that was heard."""
    hosts, left = [], {}
    for host in hosts_of(members, batch, hostvars):
        found = hostvars[host.name].get("__etcd_left") or {}
        if host.silent:
            hosts.append(host)
        elif host.name not in batch:
            hosts.append(replace(host, silent=_LEFT_OUT))
        elif found.get("failed") or "log" not in found:
            hosts.append(replace(host, silent=str(found.get("msg", "no result."))))
        else:
            hosts.append(host)
            left[host.name] = MemberRemains.from_result(found)
    return hosts, left
