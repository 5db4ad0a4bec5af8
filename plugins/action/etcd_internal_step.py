# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Announces a step of the plan, prepares on the controller what it needs, and does it in one call on its host."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.plugin_utils import _calls
from ansible_collections.quorum.etcd.plugins.plugin_utils._archive import ArchiveAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._calls import Call, Given
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import content_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader


class ActionModule(InternalAction, ArchiveAction):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "step": {"type": "dict", "required": True},
                "observation": {"type": "dict", "required": True},
                "reports": {"type": "list", "elements": "dict", "default": []},
                "start_timeout": {"type": "float", "default": 120.0},
                "source": {"type": "dict", "default": {}},
                "pki": {"type": "dict", "default": {}, "no_log": True},
            }
        )
        self._display.display(arguments["step"]["announce"])
        try:
            module, options = self._call(arguments)
            sent = self.with_archive(options)
            result.update(
                self._execute_module(module_name=f"quorum.etcd.{module}", module_args=sent, task_vars=task_vars)
            )
        except EtcdError as exc:
            result.update(failed=True, msg=str(exc))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _call(self, arguments: dict[str, Any]) -> Call:
        pki, unvault, check = arguments["pki"], vault_reader(self._loader), self._task.check_mode
        given = Given(
            Host.from_observation("", arguments["observation"]),
            lambda host, version: content_of(host, version, pki, unvault, check),
            arguments["reports"],
            arguments["start_timeout"],
            arguments["source"],
        )
        return _calls.of_act(acts.read(arguments["step"]), given)
