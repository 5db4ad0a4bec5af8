# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets the clusters of one run take turns: says in which order, and at the end what became of each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, explained
from ansible_collections.quorum.etcd.plugins.module_utils._plan import fleet
from ansible_collections.quorum.etcd.plugins.module_utils._plan.fleet import Cluster, Wish
from ansible_collections.quorum.etcd.plugins.plugin_utils import _fleet
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction


class ActionModule(InternalAction):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(
            {
                "state": {"type": "str", "choices": ["ordered", "reported"], "required": True},
                "group": {"type": "str", "required": True},
                "hosts": {"type": "list", "elements": "str", "required": True},
                "wish": {"type": "dict", "required": True},
                "began": {"type": "dict", "default": {}},
            }
        )
        do = {"ordered": self._order, "reported": self._report}[arguments["state"]]
        try:
            told = do(arguments, task_vars)
        except EtcdError as exc:
            # As a plan does it: a host that failed here would be missing for those that order a moment later.
            told = {"refusal": explained(exc.problems)}
            if not _fleet.is_refused(task_vars["inventory_hostname"], task_vars["hostvars"]):
                told["ansible_facts"] = {"etcd_refusals": exc.refusals}
        return {**result, "changed": False, "refusal": "", **told}

    def _order(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wish = Wish.from_dict(arguments["wish"])
        clusters = _fleet.clusters_of(arguments["hosts"], task_vars["hostvars"])
        _fleet.check_alike(clusters, task_vars["hostvars"])
        group, turns = arguments["group"], fleet.order(clusters, wish)
        self._print(arguments, task_vars, fleet.text(clusters, turns, wish))
        return {
            "clusters": [asdict(cluster) for cluster in clusters],
            "turns": turns,
            "turn": fleet.turn_of(turns, group),
            "earlier": fleet.earlier(clusters, turns, group),
            "watched": fleet.watched(turns, group, wish),
        }

    def _report(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wish, began, there = Wish.from_dict(arguments["wish"]), arguments["began"], arguments["hosts"]
        clusters, turns = [Cluster.from_dict(one) for one in began["clusters"]], began["turns"]
        outcomes = _fleet.outcomes_of(clusters, there, task_vars["hostvars"])
        self._print(arguments, task_vars, fleet.report(clusters, turns, wish, outcomes))
        own = next(cluster for cluster in clusters if cluster.group == arguments["group"])
        lost = [host for one in outcomes.values() for host in one.lost]
        because = fleet.stopped_by(clusters, turns, own.group, lost)
        if because:
            raise fleet.untouched(own.name, because)
        return {}

    def _print(self, arguments: dict[str, Any], task_vars: dict[str, Any], text: str) -> None:
        """Once, by the first host that is there."""
        if task_vars["inventory_hostname"] == arguments["hosts"][0]:
            self._display.display(text)
