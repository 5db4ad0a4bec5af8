# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that outlive the command that started them, named so that no other can be ended by mistake."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process by its id and the time it started, in clock ticks since boot (proc(5), starttime): ids are reused."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this id now.

        :raises ProcessLookupError: none has.
        """
        started = _start(pid)
        if started is None:
            raise ProcessLookupError(pid)
        return cls(pid, started)

    def runs(self) -> bool:
        return _start(self.pid) == self.started

    def end(self, patience: float = 5.0) -> None:
        """End it, and return when it is gone.

        :param patience: seconds after which it is killed.
        """
        deadline = time.monotonic() + patience
        wish = signal.SIGTERM
        while self.runs():
            try:
                os.kill(self.pid, wish)
            except ProcessLookupError:
                return
            if time.monotonic() > deadline:
                wish = signal.SIGKILL
            time.sleep(0.05)


def _start(pid: int) -> int | None:
    """When a living process started. A zombie does not count: it only waits for its parent."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the command, may itself hold blanks and brackets.
    fields = line.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])
