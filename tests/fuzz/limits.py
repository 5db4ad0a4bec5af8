# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one input may cost."""

from __future__ import annotations

import contextlib
import signal
import tracemalloc
from collections.abc import Iterator

# A hundred times what the slowest takes: this finds what never ends.
_SECONDS = 20.0


class Hangs(BaseException):
    """An input is still at work. Not an Exception, so that nothing on the way can take it for an answer."""


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """End what does not end by itself."""

    def ring(_number: int, _frame: object) -> None:
        raise Hangs(f"still at work after {_SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def within(most: int) -> Iterator[None]:
    """Fail when at any moment more than so many bytes are held."""
    tracemalloc.start()
    try:
        yield
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= most, f"{peak} bytes were held at one moment, and {most} are allowed"
