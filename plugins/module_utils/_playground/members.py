# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The processes of a playground: which is ours, how one is started, and how it is ended."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import processes
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Member

_POLL = 0.05
# Seconds that etcd gets to end by itself.
_PATIENCE = 10.0
_PROC = "/proc/self/stat"


@dataclass(frozen=True)
class Record:
    """A process, as its pid file has it.

    :param started: as the system tells it, by which a later one with the same number is told from it.
    """

    pid: int
    started: str
    executable: str
    data_dir: str


def look(pid: int) -> Record | None:
    """What runs under a number, or None where nothing does that is this user's."""
    return _of_proc(pid) if os.path.exists(_PROC) else _of_ps(pid)


def _of_proc(pid: int) -> Record | None:
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", "rb") as stream:
            ticks = stream.read().rsplit(b")", 1)[1].split()[19]
        return Record(pid, ticks.decode(), os.readlink(f"/proc/{pid}/exe"), _data_dir(processes.command_line(pid)))
    return None


def _of_ps(pid: int) -> Record | None:
    """The same on a system without /proc. Tried on Linux only."""
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        ["ps", "-ww", "-o", "lstart=", "-o", "args=", "-p", str(pid)],
        env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    words = done.stdout.split()
    # A date of five words, then the command.
    return Record(pid, " ".join(words[:5]), words[5], _data_dir(words[5:])) if len(words) > 5 else None


def _data_dir(arguments: Sequence[str]) -> str:
    flag = "--data-dir="
    return next((word[len(flag) :] for word in arguments if word.startswith(flag)), "")


def recorded(member: Member) -> Record | None:
    """What the pid file says, or None without a good one."""
    with contextlib.suppress(OSError, ValueError, TypeError), open(member.pid_file, encoding="utf-8") as stream:
        return Record(**json.load(stream))
    return None


def of_member(member: Member, executable: str) -> Record | None:
    """The process of a member: number, start time, executable and data directory all agree. None where one does not."""
    known = recorded(member)
    if known is None or (known.executable, known.data_dir) != (executable, member.data_dir):
        return None
    # One that has ended and was not waited for has no executable any more.
    return known if look(known.pid) == known else None


def other_under_number(member: Member, executable: str) -> str:
    """What else runs under the number of a pid file, for a message; empty where nothing does."""
    known = recorded(member)
    found = look(known.pid) if known and not of_member(member, executable) else None
    return f"{found.executable} (PID {found.pid})" if found else ""


def user_of(member: Member) -> str:
    """Which process has the data of a member open, for a message; empty where none has.

    etcd locks its database (go.etcd.io/bbolt, bolt_unix.go, flock).
    """
    try:
        number = os.open(member.database, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _name_of_user(member)
    finally:
        os.close(number)
    return ""


def _name_of_user(member: Member) -> str:
    if os.path.exists(_PROC):
        for pid in processes.named("etcd"):
            with contextlib.suppress(OSError):
                if processes.used(pid, [member.data_dir]):
                    return f"{' '.join(processes.command_line(pid)[:1])} (PID {pid})"
    return "A process"


def start(member: Member, command: Sequence[str]) -> None:
    """Start a member without waiting for it. It goes on when the run that has started it ends.

    :param command: the program and its arguments.
    :raises HostError: it cannot be started.
    """

    def record() -> None:
        # In the new process, before it becomes etcd: no process of ours is ever without its file.
        found = look(os.getpid())
        mine = Record(os.getpid(), found.started if found else "", command[0], member.data_dir)
        atomic.replace(member.pid_file, json.dumps(asdict(mine)).encode(), 0o600)

    try:
        with open(member.log, "ab") as log:
            # Nothing of the caller's settings, proxies least of all.
            subprocess.Popen(  # pylint: disable=ansible-bad-function
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=member.place,
                env={"PATH": os.defpath, "HOME": member.place},
                start_new_session=True,
                umask=0o077,
                preexec_fn=record,  # noqa: PLW1509 - a module has no threads when it starts one
            )
    except (OSError, subprocess.SubprocessError) as exc:
        raise HostError(f"{command[0]} cannot be started: {exc}.") from exc


def stop(members: Collection[Member], executable: str) -> None:
    """End the processes of members, all at once, and wait until they are gone.

    :raises HostError: one does not end.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + _PATIENCE
        left = [record for record in (of_member(member, executable) for member in members) if record]
        for record in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, number)
        while left and time.monotonic() < end:
            time.sleep(_POLL)
            left = [record for record in left if look(record.pid) == record]
        if not left:
            return
    raise HostError(f"PID {left[0].pid} does not end. End it, then run the same command again.")
