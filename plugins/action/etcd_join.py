# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders a new member's files and issues its certificates on the controller, and lets its host join in one call."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model import Host
from ansible_collections.quorum.etcd.plugins.plugin_utils._announcing import AnnouncingAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import content_of, wanted_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader


class ActionModule(AnnouncingAction):
    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super(AnnouncingAction, self).run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "announce": {"type": "str", "default": ""},
                "observation": {"type": "dict", "required": True},
                "version": {"type": "str", "required": True},
                "endpoints": {"type": "list", "elements": "str", "required": True},
                "members": {"type": "list", "elements": "dict", "required": True},
                "timeout": {"type": "float", "default": 120.0},
                "pki": {"type": "dict", "required": True, "no_log": True},
            }
        )
        self.announce(arguments["announce"])
        host = Host.from_observation("", arguments["observation"])
        try:
            sent = self._content(host, arguments)
        except EtcdError as exc:
            return {**result, "failed": True, "msg": str(exc)}
        result.update(self._execute_module(module_name="quorum.etcd.etcd_admit", module_args=sent, task_vars=task_vars))
        return result

    def _content(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        wanted, unvault = wanted_of(host), vault_reader(self._loader)
        return {
            **content_of(host, arguments["version"], arguments["pki"], unvault, self._task.check_mode),
            "cluster": wanted.cluster,
            "name": wanted.name,
            "peer_urls": list(wanted.member.peer_urls),
            **{name: arguments[name] for name in ("endpoints", "members", "timeout")},
        }
