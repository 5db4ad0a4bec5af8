# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Days on which timers fire."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import calendar
from hypothesis import given
from hypothesis import strategies as st

DAY = 86400


#: Noon of the day before the first of November.
BEFORE = datetime.datetime(2026, 10, 31, 12, tzinfo=datetime.timezone.utc).timestamp()


def firing(expression):
    """The days of November 2026 on which the count goes on."""
    days = range(1, 31)
    counts = [calendar.elapsed_days(expression, BEFORE + day * DAY) for day in range(31)]
    assert all(after - before in (0, 1) for before, after in zip(counts, counts[1:]))
    return [day for day, before, after in zip(days, counts, counts[1:]) if after > before]


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("weekly", [2, 9, 16, 23, 30]),
        ("Sun", [1, 8, 15, 22, 29]),
        ("Mon,Thu *-*-* 03:00 UTC", [2, 5, 9, 12, 16, 19, 23, 26, 30]),
        ("Monday..Wednesday 04:00", [2, 3, 4, 9, 10, 11, 16, 17, 18, 23, 24, 25, 30]),
        ("monthly", [1]),
        ("quarterly", []),
        ("*-*-1,15 02:30:00", [1, 15]),
        ("*-*-1/7", [1, 8, 15, 22, 29]),
        ("2026-11-5..7", [5, 6, 7]),
        ("11-20", [20]),
        ("Sat *-*-1..7 18:00", [7]),
    ],
)
def test_only_days_on_which_the_timers_fire_count(expression, days):
    assert firing(expression) == days


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "daily",
        "hourly",
        "*:0/15",
        "*-*-* 00/6:15",
        "00:00 Europe/Berlin",
        "*-*~1",
        "@1700000000",
        "x",
        "*-*-x",
        "*-*-1/0",
        "Wed..Mon",
    ],
)
def test_every_day_counts_where_no_day_is_named_or_it_is_not_understood(expression):
    assert firing(expression) == list(range(1, 31))


@given(st.text(alphabet="*-/.,:~ 0123456789monsatuw", max_size=20))
def test_whatever_stands_there_is_counted(expression):
    assert 0 <= calendar.elapsed_days(expression, BEFORE) <= BEFORE // DAY


def test_every_day_counts_as_earlier_programs_counted_it():
    """Hosts get a new program one after the other, and must agree with the others meanwhile."""
    assert calendar.elapsed_days("daily", BEFORE) == BEFORE // DAY


def test_a_clock_that_was_never_set_counts_nothing():
    assert calendar.elapsed_days("daily", 0.0) == 0
