# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the module which process runs the play: where it can see it, the lock ends with the play."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.quorum.etcd.plugins.module_utils._data.renewer import Process


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        # A task runs in a worker, a child of the play's own process.
        play = (
            {"play": Process.of(os.getppid()).to_dict()}
            if self._task.args.get("state", "acquired") == "acquired"
            else {}
        )
        told = self._execute_module(
            module_name="quorum.etcd.etcd_lock", module_args={**self._task.args, **play}, task_vars=task_vars
        )
        self._remove_tmp_path(self._connection._shell.tmpdir)
        return {**result, **told}
