# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One act of a restore on one host, with all that the controller has for it: the snapshot, or the member's files."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any

from ansible import constants
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import OBSERVED, RESTORE
from ansible_collections.quorum.etcd.plugins.plugin_utils._authorities import throwaway
from ansible_collections.quorum.etcd.plugins.plugin_utils._content import content_of, wanted_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction
from ansible_collections.quorum.etcd.plugins.plugin_utils._pki_action import vault_reader

_MODULE = "quorum.etcd.etcd_internal_snapshot_restore"
_STATES = [
    "fetched",
    "staged",
    "drilled",
    "prepared",
    "marked",
    "stopped",
    "archived",
    "restored",
    "started",
    "verified",
]
_STATES += ["open", "finished", "ended", "rolled_back"]


class ActionModule(InternalAction):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                **OBSERVED,
                **RESTORE,
                "state": {"type": "str", "choices": _STATES, "required": True},
                "source": {"type": "dict"},
                "path": {"type": "str", "default": ""},
                "manifest": {"type": "dict"},
                "pki": {"type": "dict", "default": {}, "no_log": True},
            }
        )
        if arguments["announce"]:
            self._display.display(arguments["announce"])
        try:
            sent = self._sent(Host.from_observation("", arguments["observation"]), arguments)
            act = {"fetched": self._fetch, "staged": self._stage}.get(arguments["state"], self._do)
            done = act(sent, arguments, task_vars)
        except EtcdError as exc:
            return {**result, "failed": True, "msg": str(exc)}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return {**result, **done}

    def _do(self, sent: dict[str, Any], _arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        done: dict[str, Any] = self._execute_module(module_name=_MODULE, module_args=sent, task_vars=task_vars)
        return done

    def _sent(self, host: Host, arguments: dict[str, Any]) -> dict[str, Any]:
        wanted, state = wanted_of(host), arguments["state"]
        sent = {
            **wanted.layout.to_dict(),
            "state": state,
            "cluster": wanted.cluster,
            "restoration": arguments["restoration"],
            "name": wanted.name,
            "peer_urls": list(wanted.member.peer_urls),
            "snapshot_dir": wanted.snapshots.directory,
            "timeout": arguments["timeout"],
        }
        if state == "drilled":
            sent["manifest"] = arguments["manifest"]
            # A new machine gets its own with its data. Without TLS its other users could read the database till then.
            if wanted.tls and host.authorities.renew:
                sent |= throwaway(datetime.now(timezone.utc))
        if state == "restored":
            unvault, check = vault_reader(self._loader), self._task.check_mode
            sent |= content_of(host, arguments["restoration"]["version"], arguments["pki"], unvault, check)
        return sent

    def _stage(
        self, sent: dict[str, Any], arguments: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Send a copy of the snapshot to the host, unless it is there, once there is known to be room for it."""
        place = arguments["path"]
        if not place and not self._task.check_mode:
            source = arguments["source"]
            file = _here(arguments) if source["host"] else self._loader.path_dwim(source["path"])
            place = self._connection._shell.join_path(self._make_tmp_path(), "snapshot.db")
            roomy = self._do({**sent, "state": "roomy", "arriving": place}, arguments, task_vars)
            if roomy.get("failed"):
                return roomy
            self._transfer_file(file, place)
        return self._do({**sent, "snapshot": place or None}, arguments, task_vars)

    def _fetch(
        self, sent: dict[str, Any], arguments: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Bring the snapshot from the host to the controller, where it is gone with this run."""
        place = self._connection._shell.join_path(self._make_tmp_path(), "snapshot.db")
        lent = {**sent, "state": "lent", "snapshot": arguments["path"], "lend_to": place}
        done = self._do(lent, arguments, task_vars)
        if not done.get("failed"):
            self._connection.fetch_file(done["path"], _here(arguments))
        return done


def _here(arguments: dict[str, Any]) -> str:
    # Ansible removes this directory of its own at the end, and nobody else may look into it.
    return os.path.join(constants.DEFAULT_LOCAL_TMP, f"{arguments['restoration']['sha256']}.db")
