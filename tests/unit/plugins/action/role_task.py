# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one of the role's actions as a task would, on a host that gives the answer that it is told to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import ROLE


class Task:
    """A task of the role.

    :param answer: what the module that the action runs returns, without one it is an error to run any.
    """

    def __init__(self, action: type, check: bool = False, strategy: str = "linear", answer: Any = None) -> None:
        play = SimpleNamespace(strategy=strategy)
        self._task = SimpleNamespace(
            args={},
            check_mode=check,
            async_val=0,
            action=action.__module__,
            get_play=lambda: play,
            _role=SimpleNamespace(get_name=lambda: ROLE),
        )
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        self._action = action(self._task, connection, None, DataLoader(), None, None)
        self.printed: list[str] = []
        self._action._display = SimpleNamespace(display=self.printed.append)
        self._action._execute_module = self._execute
        self._answer = answer
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def _execute(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self.sent.append((module_name, module_args))
        assert self._answer is not None, f"{module_name} was run"
        return dict(self._answer)

    def run(self, task_vars: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        self._task.args = arguments
        result: dict[str, Any] = self._action.run(None, task_vars)
        return result
