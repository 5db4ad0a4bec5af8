# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what every host observed into steps, a refusal, or nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, explained
from ansible_collections.quorum.etcd.plugins.plugin_utils import (
    _kept_plan,
    _plan_cluster,
    _plan_destroy,
    _plan_maintenance,
    _plan_reclaim,
    _plan_recovery,
    _plan_restore,
    _plan_v2_migration,
)
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Planned, Request


def _untouched(request: Request, text: str) -> str:
    return f"{request.cluster}: refused, nothing was touched.\n{text}"


class Goal(NamedTuple):
    """What a run is for: how it is planned, and how a refusal of it begins."""

    plan: Callable[[Request], Planned]
    refused: Callable[[Request, str], str] = _untouched


GOALS = {
    "cluster": Goal(_plan_cluster.plan, _plan_cluster.refused),
    "restore": Goal(_plan_restore.plan),
    "recovery": Goal(_plan_recovery.plan, _plan_recovery.refused),
    "reclaim": Goal(_plan_reclaim.plan),
    "downgrade": Goal(_plan_cluster.plan, _plan_cluster.refused),
    "destroy": Goal(_plan_destroy.plan),
    _plan_v2_migration.GOAL: Goal(_plan_cluster.plan, _plan_cluster.refused),
    **dict.fromkeys(("maintenance", "drain", "undrain"), Goal(_plan_maintenance.plan, _plan_cluster.refused)),
}


class ActionModule(InternalAction):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {
                "goal": {"type": "str", "choices": list(GOALS), "default": "cluster"},
                "cluster": {"type": "str", "required": True},
                "group": {"type": "str", "default": ""},
                "wish": {"type": "dict", "default": {}},
                "members": {"type": "list", "elements": "str", "required": True},
                "batch": {"type": "list", "elements": "str", "required": True},
                "fenced": {"type": "raw", "default": []},
                "verify": {"type": "bool", "default": False},
                "again": {"type": "bool", "default": False},
                "begun": {"type": "bool", "default": False},
                "roll_back": {"type": "bool", "default": False},
                "quorum_lost": {"type": "bool", "default": False},
                "at_rest": {"type": "bool", "default": False},
                "snapshot": {"type": "str", "default": ""},
                "snapshot_of": {"type": "str", "default": ""},
                "allow_missing_hash": {"type": "bool", "default": False},
                "keep_revisions": {"type": "int", "default": 0},
                "approved": {"type": "str", "default": ""},
                "plan_file": {"type": "str", "default": ""},
                "plan_max_age": {"type": "str", "default": "24h"},
                "allow_outage": {"type": "bool", "default": False},
                "downgrade_to": {"type": "str", "default": ""},
                "cancel": {"type": "bool", "default": False},
                "maintenance": {"type": "dict", "default": {}},
            }
        )
        goal = GOALS[arguments["goal"]]
        result.update({name: arguments[name] for name in ("cluster", "group", "wish")})
        request = Request(
            arguments,
            task_vars["inventory_hostname"],
            task_vars["hostvars"],
            self._loader.path_dwim,
            self._task.check_mode,
            self._loader.load_from_file,
        )
        try:
            _kept_plan.check_options(request)
            planned = goal.plan(request)
        except EtcdError as exc:
            # The same complete text on every host: hosts that were faster may be printed first.
            refusal = goal.refused(request, explained(exc.problems))
            return {**result, "changed": False, "refusal": refusal, "ansible_facts": {"etcd_refusals": exc.refusals}}
        if not planned.is_known and request.here == next(iter(planned.alive or request.batch), request.here):
            self._display.display(planned.text(request.cluster))
        told = planned.to_dict(request.cluster, request.here)
        walks = not self._task.check_mode or told.get("can_be_rehearsed", True)
        return {
            **result,
            **told,
            "ansible_facts": {"etcd_refusals": []},
            # Acts count what they change; without them this is all that tells of it.
            "changed": self._task.check_mode and any(told["steps"]) and not planned.refusal,
            "walked": told["waves"] if walks else planned.plan.looks_first,
        }
