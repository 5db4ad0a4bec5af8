# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders the files of the member that goes on alone, and lets its host make the new cluster in one call."""

from __future__ import annotations

import posixpath
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import OBSERVED, RESCUE
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import content_of, wanted_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader

_MODULE = "quorum.etcd.etcd_internal_rescue"


class ActionModule(InternalAction):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                **OBSERVED,
                "version": {"type": "str", "required": True},
                "left": {"type": "dict", "required": True},
                **RESCUE,
                "pki": {"type": "dict", "required": True, "no_log": True},
            }
        )
        self._display.display(arguments["announce"])
        try:
            sent = self._sent(Host.from_observation("", arguments["observation"]), arguments)
        except EtcdError as exc:
            return {**result, "failed": True, "msg": str(exc)}
        result.update(self._execute_module(module_name=_MODULE, module_args=sent, task_vars=task_vars))
        return result

    def _sent(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        wanted, left = wanted_of(host), arguments["left"]
        # One that has made the new cluster already goes on whatever its log says.
        log = left["log"] or {"term": 0, "index": 0}
        if not left["log"] and not left["founded"]:
            raise EtcdError("This host has no write-ahead log to go on with.")
        unvault = vault_reader(self._loader)
        architecture = releases.architecture(host.seen["host"]["architecture"])
        return {
            **content_of(host, arguments["version"], arguments["pki"], unvault, self._task.check_mode),
            "name": wanted.name,
            "peer_urls": list(wanted.member.peer_urls),
            "binary": posixpath.join(wanted.layout.release_dir(arguments["version"], architecture), "etcd"),
            "term": log["term"],
            "index": log["index"],
            "timeout": arguments["timeout"],
        }
