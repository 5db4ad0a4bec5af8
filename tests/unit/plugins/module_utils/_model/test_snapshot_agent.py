# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which member saves a snapshot, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import (
    NewestSnapshot,
    Settings,
    Try,
)
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import calendar
from hypothesis import given
from hypothesis import strategies as st
from inventory_of import learner, member_id, member_list
from prometheus_client.parser import text_string_to_metric_families

SETTINGS = Settings("prod", "http://127.0.0.1:2379", "/var/lib/etcd-snapshots", "/var/lib/state", "etcd.service")
NOON = 1_800_000_000.0
DAY = 86400
MIDNIGHT = NOON - NOON % DAY


def says(at, leader=0, **changes):
    """What a member says that is well."""
    status = Status(member_id=member_id(at), leader=member_id(leader))
    return View(f"http://10.0.0.{at + 1}:2379", **{"status": status, **changes})


def silent(at):
    return View(f"http://10.0.0.{at + 1}:2379", error="nobody listens there.")


def savers(seen, size=3, members=None, turn=0):
    """Who holds it for its part to save, each with the same view."""
    listed = member_list(size) if members is None else members
    return [at for at in range(len(listed)) if snapshot_agent.choose(member_id(at), listed, seen, turn).mine]


class TestTheSaver:
    def test_is_the_first_follower(self):
        assert savers([says(0), says(1), says(2)]) == [1]

    @pytest.mark.parametrize("leader, saver", [(0, 1), (1, 0), (2, 0)])
    def test_is_never_the_leader_while_a_follower_is_well(self, leader, saver):
        assert savers([says(at, leader) for at in range(3)]) == [saver]

    def test_is_the_next_one_once_the_first_is_gone(self):
        assert savers([says(0), silent(1), says(2)]) == [2]

    def test_is_the_leader_where_no_follower_is_well(self):
        assert savers([says(0), silent(1), silent(2)]) == [0]

    def test_of_one_member_is_itself(self):
        assert savers([says(0)], 1) == [0]

    def test_has_no_data_that_differ_from_those_of_the_others(self):
        alarm = [Alarm(member_id(1), "CORRUPT")]
        assert savers([says(0, alarms=alarm), says(1), says(2)]) == [2]

    def test_may_be_one_that_is_full(self):
        assert savers([says(0, alarms=[Alarm(member_id(1), "NOSPACE")]), says(1), says(2)]) == [1]

    def test_answers_a_read_of_its_own(self):
        assert savers([says(0), says(1, error="no leader."), says(2)]) == [2]

    def test_is_no_learner(self):
        members = [*member_list(2), learner(2)]
        assert savers([says(0), says(1), says(2)], members=members) == [1]
        assert savers([silent(0), silent(1), says(2)], members=members) == [0, 1]

    def test_is_everybody_who_reaches_nobody(self):
        """Each has what it has; nobody knows who has more."""
        assert savers([silent(0), silent(1), silent(2)]) == [0, 1, 2]

    def test_is_told_by_name(self):
        assert snapshot_agent.choose(member_id(0), member_list(), [says(0), says(1), says(2)], 0).saver == "etcd-host1"

    def test_is_none_that_the_members_do_not_know(self):
        assert savers([says(0), says(1), says(7)], members=member_list([0, 2])) == [0]

    def test_is_another_each_turn_while_the_leader_leaves_its_turn_to_the_next(self):
        seen = [says(at, leader=0) for at in range(3)]
        assert [savers(seen, turn=day) for day in range(4)] == [[1], [1], [2], [1]]

    @pytest.mark.parametrize("leader", range(5))
    @pytest.mark.parametrize("idle", range(5))
    def test_is_on_most_days_not_the_one_whose_host_saves_none(self, idle, leader):
        """Its member is well, so nobody can see that its timer is masked or its disk full."""
        seen = [says(at, leader) for at in range(5)]
        days = [savers(seen, 5, turn=day) != [idle] for day in range(20)]
        assert all(any(days[at : at + 3]) for at in range(len(days) - 2))

    def test_stays_the_one_that_is_well_where_others_see_less(self):
        """Who reaches not everybody does not shift the order of all."""
        assert savers([says(0), says(1), says(2)], turn=2) == [2]
        assert savers([silent(0), says(1, leader=1), says(2)], turn=2) == [2]

    def test_is_found_at_the_second_look_by_who_looked_on_both_sides_of_midnight(self):
        """The first looked before, and leaves it to the second, who leaves it to the first afterwards."""
        turns = [
            calendar.elapsed_days("daily", MIDNIGHT + at - 1.0)
            for at in (0, snapshot_agent.RANDOM_DELAY, snapshot_agent.SECOND_LOOK)
        ]
        before, after, second_look = turns
        members = [at for at in range(3) if at != (before + 2) % 3]
        seen = [says(at, leader=(before + 2) % 3) for at in range(3)]
        first, second = before % 3, after % 3
        assert sorted((first, second)) == members
        assert not snapshot_agent.choose(member_id(second), member_list(), seen, before).mine
        assert not snapshot_agent.choose(member_id(first), member_list(), seen, after).mine
        assert snapshot_agent.choose(member_id(second), member_list(), seen, second_look).mine

    @pytest.mark.parametrize("schedule, apart", [("weekly", 7), ("Mon *-*-* 03:00", 7), ("daily", 1), ("*:0/15", 1)])
    @pytest.mark.parametrize("size", [2, 3, 5, 7])
    def test_is_each_of_the_followers_whatever_the_schedule(self, schedule, apart, size):
        seen = [says(at) for at in range(size)]
        turns = [calendar.elapsed_days(schedule, MIDNIGHT + (4 + at * apart) * DAY) for at in range(size)]
        found = [savers(seen, size, turn=turn) for turn in turns]
        assert sorted({at for one in found for at in one}) == list(range(1, size))

    @given(
        st.integers(1, 7).flatmap(
            lambda size: st.tuples(
                st.just(size), st.sets(st.integers(0, size - 1)), st.integers(0, size - 1), st.permutations(range(size))
            )
        ),
        st.integers(0, 30_000),
    )
    def test_is_exactly_one_where_all_see_the_same(self, drawn, day):
        size, down, leader, order = drawn
        seen = [silent(at) if at in down else says(at, leader) for at in order]
        alive = [at for at in savers(seen, size, turn=day) if at not in down]
        assert len(alive) == (1 if len(down) < size else 0)


class TestSettings:
    def test_outlive_their_file(self):
        settings = replace(SETTINGS, after_command=("/bin/cp", "-a"), keep=3, ca_path="/etc/etcd/ssl/ca.pem")
        assert Settings.from_json(settings.to_json()) == settings

    @pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"after_command": []}', '{"after_command": [], "x": 1}'])
    def test_that_are_none_are_refused(self, text):
        with pytest.raises(BadInput, match="its settings are none"):
            Settings.from_json(text)


class TestATry:
    def test_outlives_its_file(self):
        last = Try("2026-11-22T07:40:00Z", snapshot_agent.SAVED, 'Saved "it".\n', 1.5)
        assert Try.from_json(last.to_json()) == last

    @pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"at": 1}'])
    def test_that_is_none_is_no_try(self, text):
        assert Try.from_json(text) is None

    @pytest.mark.parametrize(
        "outcome, ok", [(snapshot_agent.SAVED, True), (snapshot_agent.PASSED, True), (snapshot_agent.FAILED, False)]
    )
    def test_is_well_unless_it_failed(self, outcome, ok):
        assert Try("", outcome, "").ok is ok


class TestMetrics:
    LAST = Try("2026-11-22T07:40:00Z", snapshot_agent.SAVED, "", 1.5)
    NEWEST = NewestSnapshot("/var/lib/etcd-snapshots/x.db", "2026-11-22T07:39:58Z", 20512, 1234)

    def read(self, *arguments):
        found = {}
        for family in text_string_to_metric_families(snapshot_agent.metrics(*arguments)):
            assert family.documentation
            assert family.type == "gauge"
            (sample,) = family.samples
            found[sample.name] = (sample.labels, sample.value)
        return found

    def test_say_what_there_is(self):
        found = self.read("prod", self.LAST, self.NEWEST, 1.5)
        assert {name: value for name, (_labels, value) in found.items()} == {
            "etcd_snapshot_last_try_timestamp_seconds": 1795333200.0,
            "etcd_snapshot_last_try_success": 1,
            "etcd_snapshot_last_try_saved": 1,
            "etcd_snapshot_newest_timestamp_seconds": 1795333198.0,
            "etcd_snapshot_newest_size_bytes": 20512,
            "etcd_snapshot_newest_revision": 1234,
            "etcd_snapshot_newest_duration_seconds": 1.5,
        }

    def test_of_a_failure_say_so(self):
        found = self.read("prod", Try("2026-11-22T07:40:00Z", snapshot_agent.FAILED, "why"), None, 0.0)
        assert found["etcd_snapshot_last_try_success"][1] == 0
        assert found["etcd_snapshot_newest_timestamp_seconds"][1] == 0, "or no alert on the age would be raised"
        assert "etcd_snapshot_newest_size_bytes" not in found

    def test_tell_no_time_that_is_still_to_come(self):
        """The age of the newest would be below zero for years, and nobody would be woken."""
        ahead = replace(self.NEWEST, taken_at="2031-01-01T00:00:00Z")
        assert self.read("prod", self.LAST, ahead, 1.5)["etcd_snapshot_newest_timestamp_seconds"][1] == 0
        differing = replace(self.NEWEST, taken_at="2026-11-22T07:40:02Z")
        assert self.read("prod", self.LAST, differing, 1.5)["etcd_snapshot_newest_timestamp_seconds"][1] == 1795333202.0

    @pytest.mark.parametrize("name", ["prod", 'a "b" \\c', "x\ny"])
    def test_name_the_cluster(self, name):
        assert {labels["cluster"] for labels, _value in self.read(name, self.LAST, self.NEWEST, 1.0).values()} == {name}


@pytest.mark.parametrize("age, max_age, is_stale", [(3600, 7200, False), (7201, 7200, True), (10**8, 0, False)])
def test_a_snapshot_is_stale_once_it_is_older_than_it_may_be(age, max_age, is_stale):
    newest = {"path": "/x.db", "taken_at": snapshot_agent.stamp(NOON - age)}
    assert bool(snapshot_agent.stale(newest, max_age, NOON)) is is_stale


@pytest.mark.parametrize("max_age", [0, 7200])
def test_a_snapshot_that_is_still_to_be_taken_is_not_what_it_should_be(max_age):
    newest = {"path": "/x.db", "taken_at": snapshot_agent.stamp(NOON + DAY)}
    assert "/x.db says that it was taken 2027-01-16T08:00:00Z, which is still to come" in snapshot_agent.stale(
        newest, max_age, NOON
    )


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-22"])
def test_a_time_that_is_none_is_none(text):
    assert snapshot_agent.seconds_of(text) is None


@given(st.integers(0, 4_000_000_000))
def test_a_time_is_written_and_read(seconds):
    assert snapshot_agent.seconds_of(snapshot_agent.stamp(seconds)) == seconds
