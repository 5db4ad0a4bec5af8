# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a cluster is worse after its change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model import health, soak
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm, ClusterMember, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.soak import FLOOR, Sample, faults

WELL = Sample(leader="a1", writes=[0.030, 0.031, 0.300], reads=[0.020] * 3)
MEMBERS = [
    ClusterMember("a1", "one", ["http://1:2380"], ["http://1:2379"]),
    ClusterMember("b2", "two", [], ["http://2"]),
]


def view(member, **values):
    status = Status(cluster_id="c", member_id=member.id, leader="a1")
    return View(member.client_urls[0], status, MEMBERS, [], **values)


class TestASample:
    def test_names_members_that_are_ill_and_why(self):
        seen = [view(MEMBERS[0]), view(MEMBERS[1], error="it hangs.")]
        sample = soak.of_verdict(health.judge(seen))
        assert (sample.ill, sample.leader, sample.alarms) == ({"two": "it hangs."}, "a1", [])

    def test_names_what_is_wrong_with_the_whole_cluster(self):
        never_started = ClusterMember("c3", "", ["http://3:2380"], [])
        seen = [replace(view(MEMBERS[0]), members=[*MEMBERS, never_started])]
        assert "has never started" in soak.of_verdict(health.judge(seen)).ill["the cluster"]

    def test_names_alarms_that_make_no_member_ill(self):
        seen = [replace(view(MEMBERS[0]), alarms=[Alarm("a1", "NOSPACE")])]
        sample = soak.of_verdict(health.judge(seen))
        assert (sample.ill, sample.alarms) == ({}, ["NOSPACE of a1"])

    def test_is_what_it_was_once_it_lay_in_the_cluster(self):
        assert Sample.from_dict(WELL.to_dict()) == WELL


class TestWorse:
    def test_is_not_what_is_as_before(self):
        assert faults(WELL, WELL, 3) == []

    def test_is_a_member_that_was_healthy(self):
        ill = replace(WELL, ill={"two": "it hangs."})
        assert faults(ill, WELL, 3) == ["two is not healthy: it hangs."]
        assert faults(ill, ill, 3) == []

    def test_is_an_alarm_that_was_not_there(self):
        full = replace(WELL, alarms=["NOSPACE of a1"])
        assert faults(full, WELL, 3) == ["There is the alarm NOSPACE of a1."]
        assert faults(full, full, 3) == []

    def test_is_no_leader(self):
        assert faults(replace(WELL, leader=""), WELL, 3) == ["No member leads."]

    def test_is_a_probe_that_fails(self):
        assert faults(replace(WELL, error="timed out"), WELL, 3) == ["A write or a read fails: timed out"]

    @pytest.mark.parametrize("what", ["writes", "reads"])
    def test_is_a_median_that_is_too_long(self, what):
        slow = replace(WELL, **{what: [0.2, 0.2, 0.001]})
        [fault] = faults(slow, WELL, 3)
        assert fault.startswith(f"The median of {what} is 200 ms, and was ")
        assert faults(slow, WELL, 11) == []

    def test_is_no_median_below_the_floor(self):
        fast = replace(WELL, writes=[0.0001], reads=[0.0001])
        assert faults(replace(WELL, writes=[FLOOR], reads=[FLOOR]), fast, 3) == []
        assert len(faults(replace(WELL, writes=[FLOOR + 0.001]), fast, 3)) == 1

    def test_is_told_by_health_alone_where_nothing_was_measured_before(self):
        assert faults(replace(WELL, writes=[9.0]), None, 3) == []
        assert len(faults(replace(WELL, ill={"two": "it hangs."}), None, 3)) == 1


class TestAVerdict:
    """Each sample so far, with its faults; how many seconds are left."""

    BAD = ("a fault",)

    @pytest.mark.parametrize(
        ("history", "left", "decided", "worse"),
        [
            ([], 0, False, False),
            ([()], 0, True, False),
            ([()], 10, False, False),
            ([BAD], -5, False, False),
            ([BAD, BAD], -5, False, False),
            ([BAD, BAD, ()], -5, True, False),
            ([BAD, (), BAD, BAD], 9, False, False),
            ([(), BAD, BAD, BAD], 9, True, True),
        ],
    )
    def test_needs_three_bad_samples_in_a_row_or_the_end_with_a_good_one(self, history, left, decided, worse):
        assert (soak.is_decided(history, left), soak.is_worse(history)) == (decided, worse)

    def test_waits_no_longer_than_there_is_time(self):
        assert soak.pause([()], 4.0) == 4.0
        assert soak.pause([()], 400.0) == soak.INTERVAL
        assert soak.pause([()], -1.0) == 0.0

    def test_looks_again_sooner_after_a_fault(self):
        assert soak.pause([self.BAD], -1.0) == soak.INTERVAL_AFTER_A_FAULT < soak.INTERVAL


@pytest.mark.parametrize(("seconds", "said"), [([0.0012], "1.2 ms"), ([0.5, 0.1, 0.9], "500 ms")])
def test_a_median_is_said_in_milliseconds(seconds, said):
    assert soak.milliseconds(seconds) == said
