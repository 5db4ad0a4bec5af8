# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention, surplus
from hypothesis import given
from hypothesis import strategies as st


def kept(times, retention, good=None):
    """What stays, in order."""
    gone = surplus(times, retention, times.index(good or times[-1]))
    return [time for at, time in enumerate(times) if at not in gone]


def at(day, hour=0):
    return f"2026-11-{day:02}T{hour:02}:00:00Z"


HOURLY = [at(day, hour) for day in range(1, 23) for hour in (0, 6, 12, 18)]


def test_the_last_ones_stay():
    assert kept(HOURLY, Retention(3)) == HOURLY[-3:]


def test_all_stay_while_there_are_fewer():
    assert kept(HOURLY[:2], Retention(3)) == HOURLY[:2]


def test_the_last_one_of_each_of_the_last_days_stays():
    assert kept(HOURLY, Retention(1, daily=3)) == [at(20, 18), at(21, 18), at(22, 18)]


def test_the_last_one_of_each_of_the_last_weeks_stays():
    # The 1st, the 8th, the 15th and the 22nd are Sundays, with which weeks end.
    assert kept(HOURLY, Retention(0, weekly=3)) == [at(8, 18), at(15, 18), at(22, 18)]


def test_weeks_at_the_turn_of_a_year_are_whole():
    times = ["2026-12-28T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-03T00:00:00Z", "2027-01-04T00:00:00Z"]
    assert kept(times, Retention(0, weekly=2)) == times[2:]


def test_what_any_of_the_three_keeps_stays():
    assert kept(HOURLY, Retention(2, daily=2, weekly=2)) == [at(15, 18), at(21, 18), at(22, 12), at(22, 18)]


def test_only_days_with_a_snapshot_count():
    times = [at(1), at(2), at(20)]
    assert kept(times, Retention(0, daily=3)) == times


def test_the_newest_good_one_stays_even_if_nothing_is_to_be_kept():
    assert kept(HOURLY, Retention(0), good=at(5, 6)) == [at(5, 6)]


@pytest.mark.parametrize("name", ["keep", "daily", "weekly"])
def test_a_negative_number_is_refused(name):
    with pytest.raises(BadInput, match=f"{name} is -1; give 0 or more"):
        Retention(**{"keep": 1, name: -1})


moments = st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2030, 1, 1))
retentions = st.builds(Retention, *[st.integers(0, 9)] * 3)


@given(st.lists(moments, min_size=1, max_size=60), retentions, st.data())
def test_whatever_there_is_enough_of_it_stays_and_not_more(found, retention, data):
    times = sorted(moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in found)
    good = data.draw(st.integers(0, len(times) - 1))
    gone = surplus(times, retention, good)
    stay = [time for position, time in enumerate(times) if position not in gone]
    days, weeks = [{key(time) for time in times} for key in (_day, _week)]
    assert gone == sorted(set(gone))
    assert good not in gone
    assert stay[len(stay) - min(retention.keep, len(times)) :] == times[len(times) - min(retention.keep, len(times)) :]
    if retention.daily:
        assert set(sorted(days)[-retention.daily :]) <= {_day(time) for time in stay}
    if retention.weekly:
        assert set(sorted(weeks)[-retention.weekly :]) <= {_week(time) for time in stay}
    assert len(stay) <= retention.keep + retention.daily + retention.weekly + 1


@given(st.lists(moments, min_size=1, max_size=40), retentions)
def test_who_prunes_after_each_snapshot_has_what_one_who_prunes_once_has(found, retention):
    """So that it does not matter how often the timer fires: nothing was deleted that is to be kept later."""
    times = sorted({moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in found})
    have: list[str] = []
    for time in times:
        have.append(time)
        gone = surplus(have, retention, len(have) - 1)
        have = [one for position, one in enumerate(have) if position not in gone]
    assert have == kept(times, retention)


def _day(time):
    return time[:10]


def _week(time):
    return datetime.date.fromisoformat(time[:10]).isocalendar()[:2]
