# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills its own run at one of its tasks: what a lost controller looks like."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: killed_at
type: aggregate
short_description: Kills the run at one of its tasks
description:
  - Counts the tasks that begin, and ends the process by SIGKILL at one of them.
author: The quorum.etcd developers (@quorum-etcd)
options:
  task:
    description: Which task, counted from 1, or how the name of the first one begins.
    type: str
    required: true
    env:
      - name: KILLED_AT_TASK
  after:
    description: Seconds after its beginning. At 0 no host has begun it.
    type: float
    default: 0
    env:
      - name: KILLED_AFTER
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "killed_at"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._begun = 0
        self._is_over = False

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._begun += 1
        wanted = self.get_option("task")
        if self._is_over or not (str(self._begun) == wanted or (task.name or "").startswith(wanted)):
            return
        self._is_over = True
        if after := self.get_option("after"):
            threading.Timer(after, _end).start()
        else:
            _end()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
