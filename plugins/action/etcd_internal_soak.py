# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches a cluster after its change, until it is known to be no worse or worse."""

from __future__ import annotations

import os
import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import explained
from ansible_collections.quorum.etcd.plugins.module_utils._model import soak
from ansible_collections.quorum.etcd.plugins.module_utils._model.soak import Sample
from ansible_collections.quorum.etcd.plugins.module_utils._plan import fleet
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction


class ActionModule(InternalAction):
    # The loop is here and not in the module, so that nothing goes on measuring once the run was killed.
    _clock = staticmethod(time.monotonic)
    _sleep = staticmethod(time.sleep)
    _parent = staticmethod(os.getppid)

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "cluster": {"type": "str", "required": True},
                "seconds": {"type": "int", "required": True},
                "slowdown": {"type": "float", "required": True},
                "probe": {"type": "dict", "required": True},
            }
        )
        name, slowdown = arguments["cluster"], arguments["slowdown"]
        end, parent = self._clock() + arguments["seconds"], self._parent()
        history: list[list[str]] = []
        sample, before = Sample(), None
        # From here on a run that is killed leaves a cluster that says that it is to be judged.
        self._ask("begun", arguments["probe"], task_vars)
        while not soak.is_decided(history, end - self._clock()):
            if history:
                self._sleep(soak.pause(history, end - self._clock()))
            if self._parent() != parent:
                # Ansible's process was killed, and this one of its workers was not. The next run judges the cluster.
                return {**result, "changed": False, "failed": True, "msg": f"{name}: the run was killed."}
            sample, before = self._measure(arguments["probe"], task_vars)
            history.append(soak.faults(sample, before, slowdown))
        if soak.is_worse(history):
            refused = fleet.worse(name, history[-1], sample, before, slowdown)
            told = {"refusals": refused.refusals, "ansible_facts": {"etcd_refusals": refused.refusals}}
            return {**result, "changed": False, "failed": True, "msg": explained(refused.problems), **told}
        self._ask("forgotten", arguments["probe"], task_vars)
        verdict = fleet.verdict(sample, before, arguments["seconds"])
        self._display.display(f"{name}: {verdict}")
        return {**result, "changed": False, "verdict": verdict, "samples": len(history)}

    def _measure(self, probe: dict[str, Any], task_vars: dict[str, Any] | None) -> tuple[Sample, Sample | None]:
        told = self._ask("measured", probe, task_vars)
        sample = Sample.from_dict(told["sample"]) if told.get("sample") else Sample(error=str(told.get("msg", told)))
        return sample, Sample.from_dict(told["before"]) if told.get("is_pending") else None

    def _ask(self, state: str, probe: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        options = {**probe, "state": state}
        try:
            told: dict[str, Any] = self._execute_module(
                module_name="quorum.etcd.etcd_internal_probe", module_args=options, task_vars=task_vars
            )
        except AnsibleConnectionFailure as exc:
            return {"failed": True, "msg": str(exc)}
        return told
