# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What new connections an act demands, and what it does not."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import peer_links
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.peer_links import Demand
from hypothesis import given
from hypothesis import strategies as st


def votes(voters: str, down: str = "", learners: str = "") -> Votes:
    """One letter a member."""
    members = [
        ClusterMember(one, f"m-{one}", [f"http://{one}:2380"], [f"http://{one}:2379"], one in learners)
        for one in voters + learners
    ]
    return Votes(members, frozenset(set(voters) - set(down)))


def links(members: str, *broken: str, silent: str = "") -> dict[str, dict[str, str]]:
    """Everybody reaches everybody, but for pairs such as C(ab): a does not reach b."""
    return {
        one: {other: "closed." if f"{one}{other}" in broken else "" for other in members if other != one}
        for one in members
        if one not in silent
    }


def refusal(demand: Demand | None, cluster: Votes, found: dict[str, dict[str, str]]) -> str:
    assert demand is not None
    with pytest.raises(Refused) as caught:
        peer_links.check(demand, cluster, found)
    return str(caught.value)


class TestAStopIsRefused:
    def test_where_the_others_reach_each_other_through_this_member_only(self) -> None:
        """Each of them reaches the leader, so all three are healthy."""
        cluster = votes("abc")
        text = refusal(peer_links.before_stop(cluster, "a"), cluster, links("abc", "bc", "cb"))
        assert "To stop m-a, 2 other healthy voters must be able to open new peer connections to each other" in text
        assert "m-b cannot reach m-c: closed." in text

    @pytest.mark.parametrize("broken", ["bc", "cb"])
    def test_where_one_way_between_them_is_closed(self, broken: str) -> None:
        cluster = votes("abc")
        assert "cannot reach" in refusal(peer_links.before_stop(cluster, "a"), cluster, links("abc", broken))

    @pytest.mark.parametrize("broken", ["ab", "ba"])
    def test_where_it_would_not_be_connected_again(self, broken: str) -> None:
        cluster = votes("abc")
        one, other = broken
        text = refusal(peer_links.before_stop(cluster, "a"), cluster, links("abc", broken))
        assert f"m-{one} cannot reach m-{other}: closed." in text

    def test_where_a_member_does_not_report(self) -> None:
        cluster = votes("abc")
        text = refusal(peer_links.before_stop(cluster, "a"), cluster, links("abc", silent="c"))
        assert "m-c reports none: it is on no host of this run, or its report does not arrive" in text
        assert "Write the hosts of m-c into the inventory if they are not in it" in text

    def test_where_the_guard_refuses(self) -> None:
        with pytest.raises(Refused, match="Without m-a, 1 of 3 voters would be healthy"):
            peer_links.before_stop(votes("abc", down="c"), "a")


class TestAStopIsAllowed:
    def test_where_a_quorum_of_the_others_is_connected(self) -> None:
        """Of five, three others are enough: not every pair."""
        cluster = votes("abcde")
        demand = peer_links.before_stop(cluster, "a")
        assert demand is not None
        assert peer_links.is_met(demand, cluster, links("abcde", "be", "eb", "ce", "ae"))

    def test_though_a_voter_is_dead(self) -> None:
        cluster = votes("abcde", down="e")
        demand = peer_links.before_stop(cluster, "a")
        assert demand is not None
        assert peer_links.is_met(demand, cluster, links("abcde", "ae", "be", "ce", "de", silent="e"))

    def test_of_the_only_voter_and_of_a_learner(self) -> None:
        assert peer_links.before_stop(votes("a"), "a") is None
        assert peer_links.before_stop(votes("abc", learners="x"), "x") is None

    def test_of_one_of_two_where_the_outage_is_allowed(self) -> None:
        cluster = votes("ab")
        demand = peer_links.before_stop(cluster, "a", allow_outage=True)
        assert demand is not None
        assert peer_links.is_met(demand, cluster, links("ab"))
        assert not peer_links.is_met(demand, cluster, links("ab", "ba"))

    def test_though_nobody_reaches_one_that_is_not_healthy(self) -> None:
        cluster = votes("abc", down="a")
        demand = peer_links.before_stop(cluster, "a")
        assert demand is not None
        assert peer_links.is_met(demand, cluster, links("abc", "ab", "ac", "ba", "ca"))

    def test_though_nobody_reaches_it_yet_where_it_moves_to_another_address(self) -> None:
        cluster = votes("abc")
        demand = peer_links.before_stop(cluster, "a", reached=False)
        assert demand is not None
        assert peer_links.is_met(demand, cluster, links("abc", "ba", "ca"))
        assert not peer_links.is_met(demand, cluster, links("abc", "ba", "ca", "ab"))


def test_where_nobody_knows_whom_a_member_reaches_itself_it_need_not() -> None:
    cluster = votes("abc")
    demand = peer_links.before_stop(cluster, "a", own_side=False)
    assert demand is not None
    assert peer_links.is_met(demand, cluster, links("abc", silent="a"))
    assert not peer_links.is_met(demand, cluster, links("abc", "ba", silent="a"))


def test_one_that_may_be_any_of_them_needs_one_more() -> None:
    cluster = votes("abcde")
    demand = peer_links.before_stop(cluster, "")
    assert demand is not None and demand.needed == 4


class TestAMemberThatIsBack:
    def test_is_connected_both_ways_before_the_next_one(self) -> None:
        cluster = votes("abc")
        demand = peer_links.after_start(cluster, "a")
        assert demand is not None
        assert peer_links.is_met(demand, cluster, links("abc"))
        text = refusal(demand, cluster, links("abc", "ba", "ca"))
        assert "To go on after m-a" in text
        assert "m-b cannot reach m-a: closed." in text

    def test_is_not_blamed_for_others(self) -> None:
        """One has failed meanwhile, and two others do not reach each other."""
        cluster = votes("abcde", down="e")
        demand = peer_links.after_start(cluster, "a")
        assert demand is not None
        assert peer_links.is_met(demand, cluster, links("abcde", "bc", "cb", "ae", silent="e"))
        failed = votes("abc", down="c")
        demand = peer_links.after_start(failed, "a")
        assert demand is not None
        assert peer_links.is_met(demand, failed, links("abc", "ac", silent="c"))


class TestARemoval:
    def test_of_a_healthy_voter_demands_that_those_that_remain_are_connected(self) -> None:
        cluster = votes("abcd")
        demand = peer_links.before_removal(cluster, "a")
        assert demand is not None and demand.needed == 2
        assert peer_links.is_met(demand, cluster, links("abcd", "ab", "ba", "bd", "db", "cd", "dc"))
        assert not peer_links.is_met(demand, cluster, links("abcd", "bc", "bd", "cd"))

    def test_of_what_is_dead_demands_nothing(self) -> None:
        assert peer_links.before_removal(votes("abc", down="a"), "a") is None
        assert peer_links.before_removal(votes("abc", learners="x"), "x") is None

    def test_that_leaves_one_voter_demands_nothing(self) -> None:
        assert peer_links.before_removal(votes("ab"), "a") is None


def test_a_promotion_demands_that_the_new_voter_is_connected() -> None:
    cluster = votes("abc", learners="x")
    demand = peer_links.before_promotion(cluster, "x")
    assert demand is not None and demand.needed == 2
    assert peer_links.is_met(demand, cluster, links("abcx"))
    assert peer_links.is_met(demand, cluster, links("abcx", "ax", "xa"))
    text = refusal(demand, cluster, links("abcx", "ax", "bx", "cx"))
    assert "To make a voter of m-x, 2 other healthy voters" in text


@given(st.integers(1, 7), st.data())
def test_whatever_is_met_leaves_a_quorum_by_new_connections_alone(size: int, data: st.DataObject) -> None:
    """If every old connection broke with the stop, the others would still agree, and take the member back."""
    names = "abcdefg"[:size]
    cluster = votes(names, down="".join(data.draw(st.sets(st.sampled_from(names)))))
    broken = data.draw(st.sets(st.sampled_from([f"{one}{other}" for one, other in permutations(names + "z", 2)])))
    found = links(names, *broken, silent="".join(data.draw(st.sets(st.sampled_from(names)))))
    try:
        demand = peer_links.before_stop(cluster, "a")
    except Refused:
        return
    if demand is None or not peer_links.is_met(demand, cluster, found):
        return

    def both_ways(one: str, other: str) -> bool:
        return found.get(one, {}).get(other) == "" and found.get(other, {}).get(one) == ""

    needed = size // 2 + 1
    cliques = [
        group
        for group in combinations(sorted(cluster.healthy - {"a"}), needed)
        if all(both_ways(one, other) for one, other in combinations(group, 2))
    ]
    assert cliques
    if "a" in cluster.healthy:
        assert any(all(both_ways("a", one) for one in group) for group in cliques)
