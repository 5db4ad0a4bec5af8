# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import (
    Alarm,
    ClusterMember,
    Status,
    View,
    members_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.health import judge

CLUSTER = "cdf818194e3a8c32"


def member(number: int, **more: Any) -> ClusterMember:
    known = ClusterMember(
        f"a{number}", f"etcd-host{number}", [f"https://10.0.0.{number}:2380"], [f"https://10.0.0.{number}:2379"]
    )
    return replace(known, **more)


THREE = [member(1), member(2), member(3)]


def seen(number: int, members: list[ClusterMember] = THREE, **more: Any) -> View:
    status = Status(
        cluster_id=CLUSTER,
        member_id=f"a{number}",
        version="3.6.14",
        storage_version="3.6.0",
        db_size=20480,
        db_size_in_use=16384,
        db_size_quota=1 << 33,
        leader="a1",
        raft_term=2,
        raft_index=10,
        raft_applied_index=10,
        revision=5,
    )
    facts = {name: more.pop(name) for name in list(more) if name not in vars(status)}
    view = View(f"https://10.0.0.{number}:2379", replace(status, **more), members, [])
    return replace(view, **facts)


def dead(number: int) -> View:
    return View(f"https://10.0.0.{number}:2379", error="connection refused by 10.0.0.3: nothing listens on port 2379.")


def test_three_members_that_answer_are_a_healthy_cluster() -> None:
    verdict = judge([seen(1), seen(2), seen(3)])
    assert verdict["healthy"]
    assert verdict["reasons"] == []
    assert verdict["quorum"] == {"size": 3, "needed": 2, "healthy": 3, "tolerance": 1}
    assert (verdict["leader"], verdict["cluster_id"]) == ("a1", CLUSTER)
    assert [row["name"] for row in verdict["endpoints"]] == ["etcd-host1", "etcd-host2", "etcd-host3"]


def test_a_dead_member_is_named_with_its_reason() -> None:
    verdict = judge([seen(1), seen(2), dead(3)])
    assert not verdict["healthy"]
    assert verdict["reasons"] == ["etcd-host3: connection refused by 10.0.0.3: nothing listens on port 2379."]
    assert verdict["quorum"] == {"size": 3, "needed": 2, "healthy": 2, "tolerance": 0}


def test_a_member_that_cannot_read_linearizably_is_no_healthy_voter() -> None:
    verdict = judge([seen(1), seen(2, error="KV.Range: no answer within 5 s.")])
    assert [row["healthy"] for row in verdict["endpoints"]] == [True, False]
    assert verdict["quorum"]["healthy"] == 1
    assert verdict["endpoints"][1]["version"] == "3.6.14"


def test_a_member_that_nobody_knows_is_named_by_its_url() -> None:
    assert judge([dead(3)])["reasons"] == [
        "No endpoint answers.",
        "https://10.0.0.3:2379: connection refused by 10.0.0.3: nothing listens on port 2379.",
    ]


def test_a_quorum_that_is_lost_tolerates_nothing() -> None:
    assert judge([seen(1), dead(2), dead(3)])["quorum"] == {"size": 3, "needed": 2, "healthy": 1, "tolerance": 0}


def test_the_leader_is_the_one_that_any_member_knows() -> None:
    verdict = judge([seen(2, leader=""), dead(3), seen(1)])
    assert (verdict["leader"], verdict["cluster_id"]) == ("a1", CLUSTER)


def test_what_a_member_says_of_itself_is_passed_on() -> None:
    row = judge([seen(1, took=0.0123456789)])["endpoints"][0]
    assert row == {
        "endpoint": "https://10.0.0.1:2379",
        "name": "etcd-host1",
        "healthy": True,
        "reasons": [],
        "took": 0.012346,
        "member_id": "a1",
        "version": "3.6.14",
        "storage_version": "3.6.0",
        "db_size": 20480,
        "db_size_in_use": 16384,
        "db_size_quota": 1 << 33,
        "is_leader": True,
        "is_learner": False,
        "raft_term": 2,
        "raft_index": 10,
        "raft_applied_index": 10,
    }


def test_without_a_leader_nobody_is_healthy() -> None:
    verdict = judge([seen(1, leader="", error="KV.Range: no answer within 5 s.")])
    assert verdict["leader"] == ""
    assert verdict["endpoints"][0]["reasons"] == ["KV.Range: no answer within 5 s.", "it knows no leader."]


def test_nobody_answers_is_a_verdict_too() -> None:
    verdict = judge([dead(1)])
    assert not verdict["healthy"]
    assert verdict["reasons"][0] == "No endpoint answers."
    assert (verdict["leader"], verdict["cluster_id"]) == ("", "")
    assert verdict["quorum"]["size"] == 0
    assert verdict["endpoints"][0]["db_size"] == 0
    assert verdict["endpoints"][0]["is_leader"] is False


def test_nospace_is_told_but_not_counted() -> None:
    verdict = judge([seen(1, alarms=[Alarm("a2", "NOSPACE")]), seen(2), seen(3)])
    assert verdict["healthy"]
    assert verdict["quorum"]["healthy"] == 3
    assert verdict["alarms"] == [{"member_id": "a2", "alarm": "NOSPACE"}]
    assert verdict["reasons"] == [
        "etcd-host2: alarm NOSPACE: its database has reached its quota; the cluster refuses writes."
    ]


def test_corrupt_makes_its_member_unhealthy() -> None:
    verdict = judge([seen(1, alarms=[Alarm("a2", "CORRUPT")]), seen(2), seen(3)])
    assert [row["healthy"] for row in verdict["endpoints"]] == [True, False, True]
    assert verdict["quorum"]["healthy"] == 2
    assert verdict["reasons"] == ["etcd-host2: alarm CORRUPT: its data differs from that of other members."]


def test_an_alarm_that_several_members_tell_is_one_alarm() -> None:
    alarms = [Alarm("a2", "NOSPACE")]
    assert judge([seen(1, alarms=alarms), seen(2, alarms=alarms)])["alarms"] == list(map(asdict, alarms))


def test_a_learner_is_healthy_and_no_voter() -> None:
    members = [member(1), member(2, is_learner=True)]
    verdict = judge([seen(1, members), seen(2, members, is_learner=True)])
    assert verdict["healthy"]
    assert verdict["quorum"] == {"size": 1, "needed": 1, "healthy": 1, "tolerance": 0}
    assert verdict["reasons"] == ["etcd-host2: it is a learner, which has no vote."]


def test_a_voter_must_itself_say_that_it_is_no_learner() -> None:
    assert judge([seen(1), seen(2, is_learner=True), seen(3)])["quorum"]["healthy"] == 2


def test_a_member_that_never_started_is_named_by_its_id_and_peer_urls() -> None:
    members = [member(1), member(2, name="", client_urls=[])]
    verdict = judge([seen(1, members)])
    assert not verdict["healthy"]
    assert verdict["reasons"] == ["Member a2 (https://10.0.0.2:2380) has never started."]


def test_all_that_agree_are_named_together() -> None:
    members = [member(1), member(2, name="", peer_urls=["https://10.0.0.2:2380", "https://10.1.0.2:2380"])]
    verdict = judge([seen(1, members), seen(2, members), seen(3, members, cluster_id="b0b")])
    assert verdict["reasons"][:2] == [
        f"The endpoints name different clusters: {CLUSTER}: https://10.0.0.1:2379, https://10.0.0.2:2379; "
        "b0b: https://10.0.0.3:2379.",
        "Member a2 (https://10.0.0.2:2380, https://10.1.0.2:2380) has never started.",
    ]


def test_endpoints_of_two_clusters_are_not_one_healthy_cluster() -> None:
    verdict = judge([seen(1), seen(2, cluster_id="b0b")])
    assert not verdict["healthy"]
    assert verdict["reasons"] == [
        f"The endpoints name different clusters: {CLUSTER}: https://10.0.0.1:2379; b0b: https://10.0.0.2:2379."
    ]


def test_members_that_follow_different_leaders_do_not_agree() -> None:
    assert "different leaders: a1: https://10.0.0.1:2379; a3: https://10.0.0.2:2379" in " ".join(
        judge([seen(1), seen(2, leader="a3")])["reasons"]
    )


def test_two_endpoints_of_one_member_are_one_voter() -> None:
    loopback = replace(seen(1), endpoint="http://127.0.0.1:2379")
    assert judge([seen(1), loopback])["quorum"]["healthy"] == 1


def test_a_voter_that_is_in_no_member_list_does_not_count() -> None:
    assert judge([seen(1), seen(9)])["quorum"]["healthy"] == 1


def test_the_newest_member_list_is_believed() -> None:
    old, new = [member(1), member(2)], THREE
    assert members_of([seen(1, old, raft_applied_index=5), seen(2, new, raft_applied_index=9)]) == new
    assert members_of([seen(2, new, raft_applied_index=9), seen(1, old, raft_applied_index=5)]) == new
    assert members_of([dead(1)]) == []


def test_the_member_list_of_whoever_gives_no_status_is_believed_last() -> None:
    told = replace(dead(2), members=[member(2)])
    assert members_of([told, seen(1, raft_applied_index=1)]) == THREE
    assert members_of([told]) == [member(2)]


def test_the_table_is_one_a_person_reads() -> None:
    table = judge([seen(1), replace(dead(3), members=THREE)])["table"]
    assert table.splitlines() == [
        "+-----------------------+----+------------+---------+---------+-----------+------------+-----------+"
        "------------+---------+-----------+",
        "| ENDPOINT              | ID | NAME       | VERSION | DB SIZE | IS LEADER | IS LEARNER | RAFT TERM |"
        " RAFT INDEX | APPLIED | HEALTH    |",
        "+-----------------------+----+------------+---------+---------+-----------+------------+-----------+"
        "------------+---------+-----------+",
        "| https://10.0.0.1:2379 | a1 | etcd-host1 | 3.6.14  | 20 kB   | true      | false      | 2         |"
        " 10         | 10      | healthy   |",
        "| https://10.0.0.3:2379 |    | etcd-host3 |         |         |           |            |           |"
        "            |         | unhealthy |",
        "+-----------------------+----+------------+---------+---------+-----------+------------+-----------+"
        "------------+---------+-----------+",
    ]


def test_sizes_are_printed_as_etcdctl_prints_them() -> None:
    sizes = [5, 999, 1000, 1500, 10_000, 20480, 1_400_000, 8_589_934_592, 5 * 10**12]
    rows = judge([seen(1, db_size=size) for size in sizes])["table"].splitlines()[3:-1]
    assert [row.split("|")[5].strip() for row in rows] == [
        *("5 B", "999 B", "1.0 kB", "1.5 kB", "10 kB", "20 kB", "1.4 MB", "8.6 GB", "5000 GB")
    ]
