# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announces a step of the plan, prepares on the controller what it needs, and does it in one call on its host."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model import act_kinds
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import (
    Act,
    AskService,
    CompareRecords,
    DrawToken,
    MakeAuthorities,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_acts import RunTasks
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_acts import Fetch, Stage
from ansible_collections.quorum.etcd.plugins.plugin_utils import _calls, _records, _service
from ansible_collections.quorum.etcd.plugins.plugin_utils._archive import ArchiveAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._authorities import Pki
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import content_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Call, Given
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader
from ansible_collections.quorum.etcd.plugins.plugin_utils._snapshot_transfer import SnapshotAction


class ActionModule(InternalAction, ArchiveAction, SnapshotAction):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "step": {"type": "dict", "required": True},
                "cluster": {"type": "str", "required": True},
                "layout": {"type": "dict", "required": True},
                "tls": {"type": "bool", "required": True},
                "auto_tls": {"type": "bool", "default": False},
                "observation": {"type": "dict", "default": {}},
                "reports": {"type": "list", "elements": "dict", "default": []},
                "start_timeout": {"type": "float", "default": 120.0},
                "source": {"type": "dict", "default": {}},
                "pki": {"type": "dict", "default": {}, "no_log": True},
                "bootstrap": {"type": "dict", "default": {}, "no_log": True},
            }
        )
        if arguments["step"]["announce"]:
            self._display.display(arguments["step"]["announce"])
        try:
            act = act_kinds.read(arguments["step"])
            result.update(self._act(act, arguments, task_vars))
            if result.get("failed"):
                _explain(result, act, arguments, task_vars or {})
            elif act.outcome(result):
                self._display.display(f"{arguments['cluster']}: {act.outcome(result)}")
        except EtcdError as exc:
            result.update(failed=True, **exc.failure)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _act(self, act: Act, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        pki, unvault, check = arguments["pki"], vault_reader(self._loader), self._task.check_mode
        if isinstance(act, RunTasks):
            return {"changed": False}
        if isinstance(act, MakeAuthorities):
            return self._make_authorities(Pki.from_inputs(pki, unvault), arguments["cluster"])
        observation = arguments["observation"]
        given = Given(
            arguments["cluster"],
            Layout.from_dict(arguments["layout"]),
            arguments["tls"],
            Host.from_observation("", observation) if observation else Host(""),
            lambda host, version: content_of(host, version, pki, unvault, check),
            arguments["reports"],
            arguments["start_timeout"],
            arguments["source"],
            str(arguments["bootstrap"].get("password", "")),
            arguments["auto_tls"],
        )

        def run(call: Call) -> dict[str, Any]:
            name, options = f"quorum.etcd.{call.module}", self.with_archive(call.options)
            done: dict[str, Any] = self._execute_module(module_name=name, module_args=options, task_vars=task_vars)
            return done

        if isinstance(act, CompareRecords):
            return _records.compare(act, given.wanted.bootstrap)
        if isinstance(act, AskService):
            return _service.ask(act, given, run)
        if isinstance(act, DrawToken):
            return _service.draw(act, given, run, check)
        call = _calls.of_act(act, given)
        if isinstance(act, Stage):
            return self.stage(act, call, run)
        if isinstance(act, Fetch):
            return self.fetch(act, call, run)
        return run(call)

    def _make_authorities(self, pki: Pki, cluster: str) -> dict[str, Any]:
        made, notes = pki.make(cluster, datetime.now(timezone.utc), self._task.check_mode)
        for note in notes:
            self._display.warning(note)
        return {"changed": made}


def _explain(result: dict[str, Any], act: Act, arguments: dict[str, Any], task_vars: dict[str, Any]) -> None:
    """Say what a failure means, where the act knows more than the module."""
    if act.refusal:
        named = {
            "cluster": arguments["cluster"],
            "host": task_vars["inventory_hostname"],
            "instance": arguments["layout"]["instance"],
        }
        result["msg"] = act.refusal.format(msg=result.get("msg", ""), **named)
