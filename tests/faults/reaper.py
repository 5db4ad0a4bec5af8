# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command and lets nothing of it live on: C(reaper.py SECONDS COMMAND...).

The workers and connections of a killed ansible-playbook are in sessions of their own and outlive it. Here they become
children of this process, whoever started them (prctl(2), PR_SET_CHILD_SUBREAPER), and are killed one by one.

Ends with the command's exit code, 128 and the signal's number if it was killed, 124 if its time was up.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Be the parent of every descendant whose own parent ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children() -> list[int]:
    """The processes whose parent is this one."""
    here = str(os.getpid())
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # PID (COMMAND) STATE PARENT ...: the command may hold anything.
            if status.read_text(encoding="utf-8").rpartition(")")[2].split()[1] == here:
                found.append(int(status.parent.name))
    return found


def end_all() -> None:
    """Kill every child. Its own children become ours then, until none is left."""
    while pids := children():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def main(seconds: float, command: list[str]) -> int:
    adopt_orphans()
    try:
        code = subprocess.Popen(command).wait(seconds)
    except subprocess.TimeoutExpired:
        code = 124
    finally:
        end_all()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
