# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""How long something may still take, and whether it gets on."""

from __future__ import annotations

import time
import typing as t


class Deadline:
    """A moment on a clock, fixed when it is made.

    :param seconds: from now.
    :param clock: seconds that only ever grow.
    """

    def __init__(self, seconds: float, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def renew(self) -> None:
        """Begin again: what is awaited has got further."""
        self._end = self._clock() + self.seconds

    def left(self) -> float:
        """Seconds until the deadline; zero once it has passed."""
        return max(0.0, self._end - self._clock())


class Growth:
    """Whether one of several quantities is larger than it ever was. What comes and goes is no growth."""

    def __init__(self) -> None:
        self._most: dict[int, int] = {}

    def seen(self, *quantities: int) -> bool:
        """Take down what they are now; the first look is no growth."""
        first, grown = not self._most, False
        for at, quantity in enumerate(quantities):
            grown = grown or quantity > self._most.get(at, 0)
            self._most[at] = max(quantity, self._most.get(at, 0))
        return grown and not first
