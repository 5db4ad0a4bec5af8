# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""An action that says which step of the plan it is, and then runs the module of its name on the host."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class AnnouncingAction(ActionBase):  # type: ignore[misc]
    """Modules print when they are done; a person who waits wants to know what for."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.announce(str(self._task.args.get("announce") or ""))
        try:
            sent = self.arguments()
            result.update(self._execute_module(module_name=self._task.action, module_args=sent, task_vars=task_vars))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def arguments(self) -> dict[str, Any]:
        """What the module gets: what the task was given."""
        return dict(self._task.args)

    def announce(self, text: str) -> None:
        """One line for a person, whatever the callback prints."""
        if text:
            self._display.display(text)
