# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints of the role's tasks what was changed and what failed, and of all others what Ansible prints."""

from __future__ import annotations

DOCUMENTATION = r"""
name: steps
type: stdout
short_description: The plan, its steps, and refusals as they were written
version_added: "0.2.0"
author:
  - The quorum.etcd developers (@quorum-etcd)
description:
  - The screen output of Ansible, in which the tasks of the role C(quorum.etcd.etcd) and of its playbooks take
    less room.
  - Of them it prints those that changed something or failed. A failure is printed as the text that it is, once for all
    hosts that have the same one.
  - Tasks that are not of this collection look as ever. With C(-v) all tasks do.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout in configuration
"""

from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import result_of, task_of
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import is_of_role

_PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
_FOLDED = ("display_ok_hosts", "display_skipped_hosts")


class CallbackModule(Default):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "quorum.etcd.steps"

    def __init__(self) -> None:
        super().__init__()
        self._folds = False
        self._said = ""

    def get_option(self, k: str, *args: Any, **kwargs: Any) -> Any:
        """Return an option of Ansible's own output: of a folded task neither what is well nor what is skipped."""
        return False if self._folds and k in _FOLDED else super().get_option(k, *args, **kwargs)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._folds = not self._display.verbosity and _is_ours(task)
        self._said = ""
        super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._folds = False
        super().v2_playbook_on_handler_task_start(task)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if not self._folds:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_ok(self, result: Any) -> None:
        if not (self._folds and isinstance(task_of(result), TaskInclude)):
            super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        told = result_of(result)
        if not self._folds or "results" in told or not told.get("msg"):
            super().v2_runner_on_failed(result, ignore_errors)
            return
        if self._last_task_banner != task_of(result)._uuid:
            self._print_task_banner(task_of(result))
        text = str(told["msg"]).strip()
        self._show(f"failed: [{self.host_label(result)}]" + (f"\n{text}" if text != self._said else ": the same"))
        self._said = text

    def _show(self, text: str) -> None:
        self._display.display(text, color=C.COLOR_ERROR, stderr=self.get_option("display_failed_stderr"))


def _is_ours(task: Any) -> bool:
    """Is a task the role's, or one of the collection's own playbooks?"""
    path, _colon, _line = str(task.get_path() or "").rpartition(":")
    return is_of_role(task) or Path(path).resolve().parent == _PLAYBOOKS
