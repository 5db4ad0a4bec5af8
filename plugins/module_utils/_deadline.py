# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""How long something may still take."""

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

    def left(self) -> float:
        """Seconds until the deadline; zero once it has passed."""
        return max(0.0, self._end - self._clock())
