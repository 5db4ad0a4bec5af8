# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what one host should be, and looks at what it is."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils import _render
from ansible_collections.quorum.etcd.plugins.module_utils._errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model import Authorities, Wanted
from ansible_collections.quorum.etcd.plugins.plugin_utils import _authorities
from ansible_collections.quorum.etcd.plugins.plugin_utils._left_out import inputs_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader
from ansible_collections.quorum.etcd.plugins.plugin_utils._wanted import NOWHERE, wanted_of

# With these a host would not wait for the others: the plan would be made before all were looked at.
_UNORDERED = ("free", "host_pinned")
_TOO_EARLY = (
    "The play's strategy is {strategy}, under which hosts do not wait for each other, and a plan would be made before "
    "every host was looked at. Nothing was touched. Take 'strategy' out of the play (and ANSIBLE_STRATEGY out of the "
    "environment): linear is Ansible's default."
)


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        strategy = self._task.get_play().strategy
        if strategy in _UNORDERED:
            return {**result, "failed": True, "msg": _TOO_EARLY.format(strategy=strategy)}
        _validation, arguments = self.validate_argument_spec(
            {
                "host": {"type": "str", "required": True},
                "inputs": {"type": "dict", "required": True, "no_log": True},
            }
        )
        host = arguments["host"]
        inputs = arguments["inputs"]
        if host != task_vars["inventory_hostname"]:
            inputs = inputs_of(host, self._templar, self._task, task_vars)
        return {**result, **self._observe(host, inputs, task_vars)}

    def _observe(self, host: str, inputs: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        seen: dict[str, Any] = {
            "changed": False,
            "problem": "",
            "silent": "",
            "wanted": None,
            "seen": {},
            "authorities": Authorities().to_dict(),
            "skew": 0.0,
        }
        try:
            wanted = wanted_of(host, inputs, NOWHERE)
        except EtcdError as exc:
            return {**seen, "problem": str(exc)}
        asked = time.time()
        answer = self._execute_module(
            module_name="quorum.etcd.etcd_node_info", module_args=_render.facts(wanted), task_vars=task_vars
        )
        answered = time.time()
        if answer.get("failed"):
            return {**seen, "silent": str(answer.get("msg", answer))}
        node = answer["node"]
        skew = max(0.0, asked - node["host"]["time"], node["host"]["time"] - answered)
        try:
            wanted = wanted_of(host, inputs, node["host"]["default_address"])
            authorities = self._judge(inputs, wanted, node)
        except EtcdError as exc:
            return {**seen, "problem": str(exc)}
        return {**seen, "wanted": wanted.to_dict(), "seen": node, "authorities": authorities.to_dict(), "skew": skew}

    def _judge(self, inputs: dict[str, Any], wanted: Wanted, node: dict[str, Any]) -> Authorities:
        pki = _authorities.Pki.from_inputs(inputs["pki"], vault_reader(self._loader))
        return _authorities.judge(pki, wanted, node, datetime.now(timezone.utc))
