# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what every host observed into steps, a refusal, or nothing to do."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, explained
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan, report
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._seen import hosts_of

_LEFT_OUT = (
    "'{step.title}' is due, and {step.host} is not in this run (--limit or serial leave it out). Run without them."
)

_ELSEWHERE = (
    "{here}: refused, nothing was touched. It is no host of the group that has the members of {cluster}. Write it into "
    "that group, or name its own: etcd_group"
)


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
                "verify": {"type": "bool", "default": False},
                "fenced": {"type": "raw", "default": []},
            }
        )
        here = task_vars["inventory_hostname"]
        cluster, batch = arguments["cluster"], arguments["batch"]
        if here not in arguments["members"]:
            return _without_steps(result, _ELSEWHERE.format(here=here, cluster=cluster))
        hosts = hosts_of(arguments["members"], batch, task_vars["hostvars"])
        alive = [host.name for host in hosts if host.name in batch and not host.silent]
        speaks = here == next(iter(alive or batch), here)
        try:
            plan = cluster_plan.plan(hosts, arguments["verify"], identity.words_of(arguments["fenced"]))
        except EtcdError as exc:
            return _without_steps(result, _refused(cluster, explained(exc.problems), arguments["verify"]))
        outside = [step for step in plan.steps if step.host not in alive]
        if outside:
            text = _LEFT_OUT.format(step=outside[0])
            return _without_steps(result, _refused(cluster, text, arguments["verify"]))
        text = plan.text(cluster)
        table = report.table(hosts) if not plan.waves else ""
        if speaks:
            self._display.display("\n".join(part for part in (text, table) if part))
        if arguments["verify"] and plan.waves:
            return _without_steps(result, f"{cluster}: not all is done: {plan.summary}. Run again.")
        if plan.differences and not plan.waves:
            return _without_steps(result, f"{cluster}: not as the inventory says, see the plan above.")
        steps = cluster_plan.steps_by_wave(plan, here)
        return {
            **result,
            # Acts count what they change; without them this is all that tells of it.
            "changed": self._task.check_mode and any(steps),
            "refusal": "",
            "steps": steps,
            "waves": len(plan.waves),
            "walked": len(plan.waves) if not self._task.check_mode or plan.can_be_rehearsed else 0,
            "alive": alive,
            "text": text,
            "table": table,
            "differences": list(plan.differences),
        }


def _refused(cluster: str, text: str, verify: bool) -> str:
    """The same complete text on every host: hosts that were faster may be printed first."""
    return f"{cluster}: refused, {'after the steps above' if verify else 'nothing was touched'}.\n{text}"


def _without_steps(result: dict[str, Any], refusal: str) -> dict[str, Any]:
    """No failure yet: whoever fails leaves the play, and those who plan later would no longer see it among them."""
    return {**result, "changed": False, "refusal": refusal}
