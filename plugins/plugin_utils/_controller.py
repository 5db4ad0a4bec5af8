# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""This controller: who runs a playbook on it, which run it is, and which of its runs have ended."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
from pathlib import Path

# Of /proc/PID/stat, behind the name in brackets: the start of the process in ticks since the boot (proc_pid_stat(5)).
_STARTED = 19


def person() -> str:
    """Who runs this, C(root@admin)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        user = str(os.getuid())
    return f"{user}@{platform.node()}"


def run(pid: int | None = None) -> str:
    """This run, which no other one is called: actions are children of the process that carries a playbook out.

    :param pid: of another run.
    """
    found = os.getppid() if pid is None else pid
    return f"{found} started {_start_of(found)}{_place()}"


def has_ended(process: str) -> bool:
    """Has a run ended? Of one in another system that is not known, though that may have the same name: another machine,
    this one before its last boot, or another container on it.

    :param process: what C(run) made of it.
    """
    pid, _space, rest = process.partition(" ")
    if not pid.isdigit() or not rest.endswith(_place()):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return run(int(pid)) != process


def boot() -> str:
    """What no two running systems share, as C(_steps/observe) tells it of a host; empty where nothing tells it."""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot_id} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _place() -> str:
    """The system that counts the processes. Machines share a name more often than not: C(localhost), C(ubuntu)."""
    system = hashlib.sha256(boot().encode()).hexdigest()[:8]
    return f" in {system} on {platform.node()}"


def _start_of(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_STARTED]
