# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the internal module that a task of the role names. meta/runtime.yml leads all of them here."""

from __future__ import annotations

from typing import Any

from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import InternalAction


class ActionModule(InternalAction):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        return {**result, **self._execute_module(task_vars=task_vars)}
