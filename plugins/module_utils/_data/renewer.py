# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A small process of its own that renews a lease while a play goes on, and ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Callable, NoReturn

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._data import leases
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session

# A lease is renewed that often while it lasts.
_RENEWALS = 3
# Seconds between two looks whether the play still runs.
_STEP = 1.0
_MOST_FILES = 1024


@dataclass(frozen=True)
class Process:
    """A process, and no other that gets its number later.

    :param pid: its number.
    :param started: when it started, in clock ticks after the machine has, as /proc has it.
    :param machine: see ``machine``.
    """

    pid: int
    started: str
    machine: str

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Process | None:
        """Read what was noted; None where that is nothing."""
        try:
            return cls(int(given["pid"]), str(given["started"]), str(given["machine"]))
        except (KeyError, TypeError, ValueError):
            return None

    @classmethod
    def of(cls, pid: int) -> Process:
        """Return the process of this machine that has a number now."""
        return cls(pid, started(pid), machine())

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether it is one that this process can see: of this machine since it started, and not of a container."""
        return bool(self.machine) and self.machine == machine()

    @property
    def runs(self) -> bool:
        return bool(self.started) and started(self.pid) == self.started


@dataclass(frozen=True)
class Renewal:
    """What a process is to do.

    :param ttl: seconds of the lease.
    :param max_hold: seconds after which it is renewed no more.
    :param play: with whose end it is renewed no more; None where that cannot be seen from here.
    """

    lease: int
    ttl: int
    max_hold: float
    play: Process | None = None


def machine() -> str:
    """Return what tells this start of this machine, and this set of process numbers, from every other; empty where
    there is no /proc."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return f"{stream.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def started(pid: int) -> str:
    """Return when a process started, as /proc has it; empty where it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            state, *fields = stream.read().rsplit(b")", 1)[1].split()
    except (OSError, IndexError):
        return ""
    return "" if state == b"Z" else fields[18].decode()


def title(lease: int) -> str:
    """Return the name that the process has in lists. No other than the renewer of this lease is ever called so."""
    return f"etcd_lock.{lease & 0xFFFFF:05x}"


def start(session: Session, renewal: Renewal) -> Process:
    """Start it: a child of nobody, without a terminal, with nothing in its arguments, files or environment.

    :param session: has been used, so that its certificates and its token are in memory. Its connections are closed,
        because the process cannot share them.
    :raises HostError: it could not be started.
    """
    session.client.close()
    told, tells = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        _detach(tells, session, renewal)
    os.close(tells)
    with os.fdopen(told) as stream:
        number = stream.read()
    os.waitpid(child, 0)
    if not number:
        raise HostError("The process that renews the lock could not be started; see what limits processes (ulimit -u).")
    return Process.of(int(number))


def end(process: Process | None, lease: int) -> bool:
    """End that very process, where it is one of this machine.

    The note of it comes from etcd, where others may write: it is ended only if it goes by the name of this lease.
    """
    if process is None or not process.is_here or not process.runs or _name(process.pid) != title(lease):
        return False
    with contextlib.suppress(OSError):
        os.kill(process.pid, signal.SIGTERM)
        return True
    return False


def keep(
    renew: Callable[[], int],
    goes_on: Callable[[], bool],
    ttl: float,
    max_hold: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Renew until the lease is gone, nobody needs it, or it was held for as long as it may be.

    :param renew: returns the seconds that the lease lasts; 0 if it is gone. What it raises may pass.
    """
    now = clock()
    over, due = now + max_hold, now + ttl / _RENEWALS
    while now < over and goes_on():
        if now >= due:
            with contextlib.suppress(EtcdError):
                if renew() <= 0:
                    return
                due = now + ttl / _RENEWALS
        sleep(min(_STEP, ttl / (2 * _RENEWALS)))
        now = clock()


def _detach(tells: int, session: Session, renewal: Renewal) -> NoReturn:
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.chdir("/")
        _rename(title(renewal.lease))
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        os.write(tells, str(os.getpid()).encode())
        # Connections and pipes of the module among them.
        os.closerange(3, _MOST_FILES)
        _run(session, renewal)
    finally:
        os._exit(0)


def _run(session: Session, renewal: Renewal) -> None:
    # Endpoints that do not answer must not cost the lease.
    patience = min(session.client.timeout, renewal.ttl / (_RENEWALS * len(session.client.endpoints)))
    keep(
        lambda: leases.renew(session, renewal.lease, patience),
        lambda: renewal.play is None or renewal.play.runs,
        renewal.ttl,
        renewal.max_hold,
    )


def _rename(name: str) -> None:
    with contextlib.suppress(OSError), open("/proc/self/comm", "w", encoding="ascii") as stream:
        stream.write(name)


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return ""
