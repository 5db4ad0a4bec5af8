# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends the archive where there is one, and runs the module of its name on the host."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.plugin_utils._archive import ArchiveAction


class ActionModule(ArchiveAction):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super(ArchiveAction, self).run(tmp, task_vars)
        try:
            sent = self.with_archive(dict(self._task.args))
            result.update(self._execute_module(module_name=self._task.action, module_args=sent, task_vars=task_vars))
        except EtcdError as exc:
            result.update(failed=True, **exc.failure)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
