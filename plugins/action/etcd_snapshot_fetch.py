# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a host's newest snapshot to the controller, as a stream and not through memory."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.plugin_utils import _fetched


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            {
                "directory": {"type": "path", "default": "/var/lib/etcd-snapshots"},
                "cluster": {"type": "str", "required": True},
                "dest": {"type": "path", "required": True},
            }
        )
        try:
            return {**result, **self._fetch(arguments, task_vars)}
        except EtcdError as exc:
            return {**result, "failed": True, **exc.failure}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _fetch(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        if not arguments["dest"]:
            raise BadInput(
                "dest is empty. The playbook takes it from etcd_snapshot_fetch_dir, which an inventory without a "
                "directory (-i HOST,) does not give: set it to a directory on the controller."
            )
        asked = {"directory": arguments["directory"], "cluster": arguments["cluster"]}
        found = self._newest(asked, task_vars)
        if found.get("failed"):
            return found
        if not found["path"]:
            return {"failed": True, "msg": f"There is no snapshot of {asked['cluster']} in {asked['directory']}."}
        manifest = Manifest.from_dict(found["manifest"])
        path = os.path.join(self._loader.path_dwim(arguments["dest"]), os.path.basename(found["path"]))
        here = _fetched.is_there(path, manifest)
        if not here and not self._task.check_mode:
            place = self._connection._shell.join_path(self._make_tmp_path(), "snapshot.db")
            lent = self._newest({**asked, "lend_to": place}, task_vars)
            if lent.get("failed"):
                return lent
            manifest = Manifest.from_dict(lent["manifest"])
            path = os.path.join(os.path.dirname(path), os.path.basename(lent["path"]))
            _fetched.settle(path, manifest, lambda part: self._connection.fetch_file(lent["lent"], part))
        return {"changed": not here, "path": path, "manifest": manifest.to_dict()}

    def _newest(self, asked: dict[str, str], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        found: dict[str, Any] = self._execute_module(
            module_name="quorum.etcd.etcd_snapshot_newest", module_args=asked, task_vars=task_vars
        )
        return found
