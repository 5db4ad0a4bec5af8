# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acts of other processes: several at once, one that is killed in the middle, one of a user who is not root.

They are started by a server of its own, because a process with threads, as a test run is, must not fork.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._pki import store

NOBODY = 65534

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload([__name__])


def at_once(count: int, act: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What an act that so many processes do at the same time returns in each of them."""
    results = _server.Queue()
    processes = [_server.Process(target=_report, args=(results, act, arguments)) for _ in range(count)]
    for process in processes:
        process.start()
    seen = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return seen


def killed_at(call: str, number: int, act: Callable[..., Any], *arguments: Any) -> int:
    """Kill a process at its nth call of a function of C(os) while it acts; its exit code, -9 if it came there."""
    process = _server.Process(target=_die, args=(call, number, act, arguments))
    process.start()
    process.join()
    return process.exitcode or 0


def as_nobody(act: Callable[..., Any], *arguments: Any) -> str:
    """The error that an act raises for a user who is not root."""
    results = _server.Queue()
    process = _server.Process(target=_lower, args=(results, act, arguments))
    process.start()
    said = results.get(timeout=60)
    process.join()
    return str(said)


def make_ca(*arguments: Any) -> tuple[bytes, bool]:
    """C(store.ensure_authority), with a result that another process can read."""
    authority, created = store.ensure_authority(*arguments)
    return authority.cert_pem, created


def _report(results: Any, act: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    results.put(act(*arguments))


def _die(call: str, number: int, act: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    original = getattr(os, call)
    left = [number]

    def dying(*given: Any, **more: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), 9)
        return original(*given, **more)

    setattr(os, call, dying)
    with contextlib.suppress(BaseException):
        act(*arguments)
    os._exit(0)


def _lower(results: Any, act: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        act(*arguments)
    except EtcdError as exc:
        results.put(f"{type(exc).__name__}: {exc}")
    else:
        results.put("")
