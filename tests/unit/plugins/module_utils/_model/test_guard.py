# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guard lets through, and what not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard, health
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm, ClusterMember, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from hypothesis import assume, given
from hypothesis import strategies as st


def member(member_id: str, learner: bool = False, started: bool = True) -> ClusterMember:
    name, clients = (f"m-{member_id}", [f"http://{member_id}:2379"]) if started else ("", [])
    return ClusterMember(member_id, name, [f"http://{member_id}:2380"], clients, learner)


def votes(voters: str, down: str = "", learners: str = "", caught_up: str = "") -> Votes:
    """One letter a member."""
    members = [*map(member, voters), *(member(one, learner=True) for one in learners)]
    return Votes(members, frozenset(set(voters) - set(down)), frozenset(caught_up))


@st.composite
def clusters(draw: st.DrawFn) -> Votes:
    voters = draw(st.integers(1, 9))
    names = "abcdefghi"[:voters]
    return votes(names, down="".join(draw(st.sets(st.sampled_from(names)))), learners="x"[: draw(st.integers(0, 1))])


def allows(check: Any, *arguments: Any) -> bool:
    try:
        check(*arguments)
    except Refused:
        return False
    return True


def majority(healthy: int, voters: int) -> bool:
    return 2 * healthy > voters


# -- the promise -------------------------------------------------------------------------------------------------------


@given(clusters())
def test_whatever_is_allowed_leaves_a_healthy_quorum(cluster: Votes) -> None:
    size, healthy = len(cluster.voters), len(cluster.healthy)
    for one in cluster.voters:
        left = len(cluster.healthy - {one})
        if allows(guard.check_stop, cluster, one):
            assert majority(left, size) or size == 1
        if allows(guard.check_remove, cluster, one):
            assert majority(healthy, size)
            assert majority(left, size - 1)
        transferee = guard.transferee(cluster, one)
        assert transferee in cluster.healthy - {one} or (not transferee and not left)
    if allows(guard.check_add, cluster):
        assert healthy == size


@given(clusters())
def test_an_outage_can_be_allowed_only_while_all_others_are_well(cluster: Votes) -> None:
    for one in cluster.voters:
        if allows(guard.check_stop, cluster, one, True) and not allows(guard.check_stop, cluster, one):
            assert cluster.healthy - {one} == cluster.voters - {one}


@given(clusters())
def test_who_is_lost_already_can_always_go_while_there_is_a_quorum(cluster: Votes) -> None:
    assume(majority(len(cluster.healthy), len(cluster.voters)))
    for one in cluster.lost:
        assert allows(guard.check_stop, cluster, one)
        assert allows(guard.check_remove, cluster, one)


@given(clusters())
def test_a_learner_counts_for_nothing(cluster: Votes) -> None:
    assume(len(cluster.members) > len(cluster.voters))
    assert allows(guard.check_stop, cluster, "x")
    assert allows(guard.check_remove, cluster, "x") == allows(guard.check_quorum, cluster)
    assert "x" not in cluster.voters | cluster.lost


# -- stop --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "voters, down, allowed",
    [
        ("a", "", True),
        ("ab", "", False),
        ("abc", "", True),
        ("abc", "a", True),
        ("abc", "b", False),
        ("abcd", "", True),
        ("abcd", "b", False),
        ("abcde", "b", True),
        ("abcde", "bc", False),
    ],
)
def test_a_member_is_stopped_only_if_the_others_are_a_quorum(voters: str, down: str, allowed: bool) -> None:
    assert allows(guard.check_stop, votes(voters, down), "a") is allowed


@pytest.mark.parametrize(
    "voters, down, allowed", [("abc", "bc", False), ("abc", "c", False), ("abc", "", True), ("a", "", False)]
)
def test_a_member_of_which_nobody_knows_which_it_is_may_be_any_of_them(voters: str, down: str, allowed: bool) -> None:
    assert allows(guard.check_stop, votes(voters, down), "") is allowed


def test_of_two_one_is_stopped_if_the_outage_is_allowed() -> None:
    with pytest.raises(Refused) as caught:
        guard.check_stop(votes("ab"), "a")
    assert caught.value.found == "Without m-a, 1 of 2 voters would be healthy, and 2 are needed."
    assert caught.value.remedy.endswith("(allow_outage: true).")
    guard.check_stop(votes("ab"), "a", allow_outage=True)


def test_of_two_the_one_that_does_not_serve_is_stopped_on_the_same_terms() -> None:
    """Its cluster was told to do without it already, and its restart may be what it needs."""
    with pytest.raises(Refused) as caught:
        guard.check_stop(votes("ab", down="a"), "a")
    assert caught.value.remedy.endswith("(allow_outage: true).")
    guard.check_stop(votes("ab", down="a"), "a", allow_outage=True)
    with pytest.raises(Refused, match="Not healthy: m-b"):
        guard.check_stop(votes("ab", down="b"), "a", allow_outage=True)


@given(clusters())
def test_the_members_of_a_machine_are_down_at_once_or_not_at_all(cluster: Votes) -> None:
    every = sorted(cluster.voters)
    for at in range(len(every)):
        machine = frozenset(every[: at + 1])
        if machine != cluster.voters and allows(guard.check_stop_of_all, cluster, machine):
            assert majority(len(cluster.healthy - machine), len(cluster.voters))
            # None of them would be refused alone.
            assert all(allows(guard.check_stop, cluster, one) for one in machine)


def test_a_machine_with_two_of_five_may_go_and_one_with_three_may_not() -> None:
    guard.check_stop_of_all(votes("abcde"), frozenset("ab"))
    guard.check_stop_of_all(votes("abcde", learners="x"), frozenset("abx"))
    for allow_outage in (False, True):
        with pytest.raises(Refused, match="Without m-a, m-b, m-c, 2 of 5 .* machines of their own"):
            guard.check_stop_of_all(votes("abcde"), frozenset("abc"), allow_outage)
    with pytest.raises(Refused, match="Not healthy: m-d, m-e"):
        guard.check_stop_of_all(votes("abcde", down="de"), frozenset("ab"))


def test_no_outage_can_be_allowed_while_one_is_lost() -> None:
    with pytest.raises(Refused) as caught:
        guard.check_stop(votes("abc", down="c"), "a", allow_outage=True)
    assert caught.value.found.endswith("Not healthy: m-c.")
    assert caught.value.remedy == "Bring m-c back first, then run again."


# -- remove ------------------------------------------------------------------------------------------------------------


def test_the_last_voter_is_not_removed() -> None:
    with pytest.raises(Refused, match="m-a is the only voter") as caught:
        guard.check_remove(votes("a", learners="x"), "a")
    assert "playbooks/destroy.yml" in caught.value.remedy


def test_of_two_one_may_go() -> None:
    guard.check_remove(votes("ab"), "a")


def test_a_healthy_one_does_not_go_before_the_lost_one() -> None:
    with pytest.raises(Refused) as caught:
        guard.check_remove(votes("abc", down="c"), "a")
    assert caught.value.found == ("Without m-a, 1 of 2 voters would be healthy, and 2 are needed. Not healthy: m-c.")
    guard.check_remove(votes("abc", down="c"), "c")


@pytest.mark.parametrize("check", [guard.check_remove, guard.check_promote])
def test_without_a_quorum_no_membership_changes(check: Any) -> None:
    with pytest.raises(Refused) as caught:
        check(votes("abc", down="bc", learners="x", caught_up="x"), "x")
    assert caught.value.found == ("Of 3 voters 1 are healthy, and 2 are needed for a quorum. Not healthy: m-b, m-c.")


# -- add and promote ---------------------------------------------------------------------------------------------------


def test_nobody_is_added_while_one_is_lost() -> None:
    guard.check_add(votes("abc"))
    with pytest.raises(Refused, match="^m-c is not healthy") as caught:
        guard.check_add(votes("abc", down="c"))
    assert "etcd_forget" in caught.value.remedy


def test_a_learner_is_promoted_once_it_has_caught_up() -> None:
    with pytest.raises(Refused, match="m-x has not caught up"):
        guard.check_promote(votes("abc", learners="x"), "x")
    guard.check_promote(votes("abc", learners="x", caught_up="x"), "x")
    guard.check_promote(votes("abc"), "a")


def test_a_caught_up_learner_makes_up_for_nobody() -> None:
    assert not allows(guard.check_stop, votes("abc", down="c", learners="x", caught_up="x"), "a")


def test_a_lost_voter_does_not_keep_a_learner_from_its_vote() -> None:
    guard.check_promote(votes("abc", down="c", learners="x", caught_up="x"), "x")


# -- who is meant ------------------------------------------------------------------------------------------------------


def test_a_member_without_a_name_is_told_by_its_address() -> None:
    assert guard.label(member("f0", started=False)) == "f0 (http://f0:2380, not started)"


LOOPBACK = ["http://127.0.0.1:2379"]


@pytest.mark.parametrize(
    "check, arguments", [(guard.check_stop, ["b"]), (guard.check_remove, ["b"]), (guard.check_add, [])]
)
def test_whom_no_other_host_can_ask_is_not_taken_for_down(check: Any, arguments: list[str]) -> None:
    members = [replace(member(one), client_urls=LOOPBACK) for one in "abc"]
    with pytest.raises(Refused) as caught:
        check(Votes(members, frozenset("b")), *arguments)
    text = str(caught.value)
    assert "The client URLs of m-a, m-c are on loopback only (http://127.0.0.1:2379)" in text
    assert "Correct etcd_listen_client_urls and etcd_advertise_client_urls" in text
    assert "back first" not in text


def test_who_is_down_is_told_beside_whom_no_other_host_can_ask() -> None:
    members = [member("a"), member("b"), replace(member("c"), client_urls=LOOPBACK)]
    with pytest.raises(Refused) as caught:
        guard.check_stop(Votes(members, frozenset("b")), "b")
    assert "The client URLs of m-c are on loopback only" in str(caught.value)
    assert "Bring m-a, m-c back first" in str(caught.value)


def test_everybody_chooses_the_same_to_lead() -> None:
    assert guard.transferee(votes("cab"), "a") == "b"
    assert guard.transferee(votes("abc", down="b"), "a") == "c"
    assert guard.transferee(votes("a", learners="b", caught_up="b"), "a") == ""


def status(member_id: str, leader: str = "a", **others: Any) -> Status:
    return Status("c", member_id, leader=leader, raft_applied_index=5, **others)


@pytest.mark.parametrize(
    "what, seen",
    [
        ("answers its own read", View("http://b:2379", status("b"), alarms=[])),
        ("has a full quota", View("http://b:2379", status("b"), alarms=[Alarm("b", "NOSPACE")])),
    ],
)
def test_a_voter_is_healthy_if_it(what: str, seen: View) -> None:
    members = [member("a"), member("b")]
    assert guard.of_survey([View("http://a:2379", status("a"), members, []), seen]).healthy == {"a", "b"}


@pytest.mark.parametrize(
    "what, seen",
    [
        ("says nothing", View("http://b:2379", error="no answer within 5 s.")),
        ("cannot read", View("http://b:2379", status("b"), error="request timed out")),
        ("knows no leader", View("http://b:2379", status("b", leader=""), alarms=[])),
        ("has other data", View("http://b:2379", status("b"), alarms=[Alarm("b", "CORRUPT")])),
        ("is in no list", View("http://z:2379", status("z"), alarms=[])),
    ],
)
def test_a_voter_is_lost_if_it(what: str, seen: View) -> None:
    members = [member("a"), member("b")]
    found = guard.of_survey([View("http://a:2379", status("a"), members, []), seen])
    assert (found.healthy, found.lost) == ({"a"}, {"b"})


def test_a_learner_that_answers_has_no_vote() -> None:
    members = [member("a"), member("x", learner=True)]
    seen = [View("http://a:2379", status("a"), members, []), View("http://x:2379", status("x", is_learner=True))]
    assert guard.of_survey(seen).healthy == {"a"}


# -- a downgrade -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "check, arguments", [(guard.check_add, ()), (guard.check_remove, ("c",)), (guard.check_promote, ("x",))]
)
def test_while_the_cluster_is_downgraded_its_members_stay(check: Any, arguments: tuple[str, ...]) -> None:
    well = votes("abc", learners="x", caught_up="x")
    assert allows(check, well, *arguments)
    with pytest.raises(Refused, match=r"being downgraded to 3\.5\.0") as caught:
        check(replace(well, downgrade="3.5.0"), *arguments)
    assert "-e etcd_downgrade_to=3.5" in caught.value.remedy
    assert "-e etcd_downgrade_cancel=true" in caught.value.remedy


def test_while_the_cluster_is_downgraded_a_member_may_restart() -> None:
    assert allows(guard.check_stop, replace(votes("abc"), downgrade="3.5.0"), "a")


def test_a_downgrade_is_known_from_whoever_tells_of_it() -> None:
    seen = [
        View("http://a:2379", Status()),
        View("http://b:2379"),
        View("http://c:2379", Status(downgrade="3.5.0")),
    ]
    assert health.downgrade_in(seen) == "3.5.0"
    assert health.downgrade_in(seen[:2]) == ""


# -- of two minors -----------------------------------------------------------------------------------------------------

OLDER = {"a": "3.5.33", "b": "3.5.33", "c": "3.5.33"}


@pytest.mark.parametrize("version, allowed", [("3.5.20", True), ("3.6.14", False), ("3.4.23", False), ("", True)])
def test_a_member_is_added_with_the_minor_of_the_others(version: str, allowed: bool) -> None:
    assert allows(guard.check_add, replace(votes("abc"), versions=OLDER), version) is allowed


@pytest.mark.parametrize("version, allowed", [("3.5.20", True), ("3.6.14", False), ("3.4.23", False)])
def test_a_learner_is_promoted_with_the_minor_of_the_others(version: str, allowed: bool) -> None:
    found = replace(votes("abc", learners="x", caught_up="x"), versions={**OLDER, "x": version})
    assert allows(guard.check_promote, found, "x") is allowed


def test_a_learner_of_another_minor_is_to_be_taken_out() -> None:
    found = replace(votes("abc", learners="x", caught_up="x"), versions={**OLDER, "x": "3.6.14"})
    with pytest.raises(Refused, match="take it out") as caught:
        guard.check_promote(found, "x")
    assert caught.value.code == "versions-mixed"
