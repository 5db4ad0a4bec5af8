# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which snapshots are kept. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput


@dataclass(frozen=True)
class Retention:
    """How many are kept; what any of the three keeps stays.

    :param keep: the last so many.
    :param daily: the last one of each of so many days.
    :param weekly: the last one of each of so many weeks, which begin on Mondays.
    :raises BadInput: a number is negative.

    Days and weeks are those of UTC, and only those count in which there is a snapshot: after a pause in which none was
    taken the old ones are still there.
    """

    keep: int = 0
    daily: int = 0
    weekly: int = 0

    def __post_init__(self) -> None:
        for name in ("keep", "daily", "weekly"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name} is {getattr(self, name)}; give 0 or more.")


def surplus(times: Sequence[str], retention: Retention, good: int) -> list[int]:
    """Which of a cluster's snapshots go.

    :param times: when each was taken, as manifests say it, the oldest snapshot first. Where a clock was wrong the times
        themselves are not in order.
    :param good: the position of the newest that is known to be good; it stays, whatever the numbers say.
    :returns: positions among the times, in order.
    """
    kept = {good, *range(max(0, len(times) - retention.keep), len(times))}
    kept |= set(_last_of_each([time[:10] for time in times], retention.daily))
    kept |= set(_last_of_each([_week(time) for time in times], retention.weekly))
    return [at for at in range(len(times)) if at not in kept]


def _last_of_each(spans: Sequence[str], count: int) -> list[int]:
    last = {span: at for at, span in enumerate(spans)}
    return sorted(last.values())[-count:] if count else []


def _week(time: str) -> str:
    year, week, _day = datetime.date.fromisoformat(time[:10]).isocalendar()
    return f"{year}-{week:02}"
