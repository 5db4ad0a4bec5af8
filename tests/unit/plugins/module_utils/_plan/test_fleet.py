# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order clusters take turns, and what became of each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.soak import Sample
from ansible_collections.quorum.etcd.plugins.module_utils._plan import fleet
from ansible_collections.quorum.etcd.plugins.module_utils._plan.fleet import Cluster, Outcome, Wish
from inventory_of import bare, serving, silent, stopped

WISH = Wish("beta", 300, 1, 3.0)


def cluster(group, due=4, **values):
    return Cluster(group, f"etcd-{group}", (f"{group}0", f"{group}1"), "3.6.13", due, **values)


ALPHA, BETA, GAMMA, DELTA = map(cluster, ("alpha", "beta", "gamma", "delta"))
FOUR = [ALPHA, BETA, GAMMA, DELTA]


class TestTheWish:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"soak": "-1"}, "etcd_soak is -1"),
            ({"at_once": 0}, "etcd_at_once is 0"),
            ({"slowdown": 0.5}, "etcd_soak_slowdown is 0.5"),
            ({"slowdown": float("nan")}, "etcd_soak_slowdown is nan"),
        ],
    )
    def test_makes_sense(self, given, said):
        with pytest.raises(BadInput, match=said):
            Wish.from_dict({"canary": "beta", "soak": 300, "at_once": 1, "slowdown": 3, **given})

    def test_names_all_that_is_wrong(self):
        with pytest.raises(BadInput) as raised:
            Wish.from_dict({"canary": "beta", "soak": -1, "at_once": 0, "slowdown": 3})
        assert len(raised.value.problems) == 2


class TestTheOrder:
    def test_begins_with_the_canary_alone(self):
        assert fleet.order(FOUR, WISH) == [["beta"], ["alpha"], ["gamma"], ["delta"]]

    def test_lets_as_many_change_at_once_as_are_asked_for(self):
        assert fleet.order(FOUR, replace(WISH, at_once=2)) == [["beta"], ["alpha", "gamma"], ["delta"]]

    def test_passes_over_what_has_nothing_to_do(self):
        assert fleet.order([ALPHA, replace(BETA, due=0), replace(GAMMA, due=0)], WISH) == [["alpha"]]
        assert fleet.order([replace(one, due=0) for one in FOUR], WISH) == []

    def test_passes_over_what_is_refused(self):
        assert fleet.order([replace(ALPHA, is_refused=True), BETA, GAMMA], WISH) == [["beta"], ["gamma"]]

    def test_gives_a_change_that_was_not_judged_a_turn_before_new_ones(self):
        judged_first = replace(DELTA, due=0, is_pending=True)
        assert fleet.order([ALPHA, replace(BETA, due=0), judged_first], WISH) == [["delta"], ["alpha"]]

    def test_judges_the_canary_again_that_was_not_judged(self):
        turns = fleet.order([ALPHA, replace(BETA, due=0, is_pending=True)], WISH)
        assert (turns, fleet.watched(turns, "beta", WISH)) == ([["beta"], ["alpha"]], 300)

    def test_is_refused_with_a_canary_that_is_refused(self):
        with pytest.raises(Refused) as raised:
            fleet.order([ALPHA, replace(BETA, is_refused=True)], WISH)
        assert raised.value.code == "canary-refused"
        assert "-e etcd_canary=alpha" in raised.value.remedy

    def test_offers_no_other_canary_where_there_is_none(self):
        with pytest.raises(Refused) as raised:
            fleet.order([replace(one, is_refused=True) for one in FOUR], WISH)
        assert "-e etcd_canary" not in raised.value.remedy

    def test_is_refused_without_its_canary(self):
        with pytest.raises(BadInput, match="etcd_canary is beta.*those of alpha, gamma.*-e etcd_canary=alpha"):
            fleet.order([ALPHA, GAMMA], WISH)

    def test_of_one_cluster_needs_no_canary(self):
        turns = fleet.order([ALPHA], WISH)
        assert (turns, fleet.watched(turns, "alpha", WISH)) == ([["alpha"]], 0)

    def test_watches_nobody_but_the_canary(self):
        turns = fleet.order(FOUR, WISH)
        assert [fleet.watched(turns, one.group, WISH) for one in FOUR] == [0, 300, 0, 0]

    def test_lets_a_turn_depend_on_all_hosts_of_those_before(self):
        turns = fleet.order(FOUR, replace(WISH, at_once=2))
        assert fleet.earlier(FOUR, turns, "beta") == []
        assert fleet.earlier(FOUR, turns, "gamma") == ["beta0", "beta1"]
        assert fleet.earlier(FOUR, turns, "delta") == ["alpha0", "alpha1", "beta0", "beta1", "gamma0", "gamma1"]
        assert fleet.earlier([*FOUR, replace(cluster("idle"), due=0)], turns, "idle") == []

    def test_is_printed(self):
        clusters = [replace(ALPHA, due=0), BETA, replace(GAMMA, is_refused=True), replace(DELTA, is_pending=True)]
        assert fleet.text(clusters, fleet.order(clusters, WISH), WISH).splitlines() == [
            "fleet: 4 clusters, 2 turns",
            "  turn 1 of 2: etcd-beta (the canary; watched for 300 s)",
            "  turn 2 of 2: etcd-delta",
            "  nothing to do: etcd-alpha",
            "  refused: etcd-gamma",
            "  a change of an earlier run is to be judged: etcd-delta",
        ]

    def test_of_a_canary_that_needs_no_turn_calls_nobody_else_one(self):
        clusters = [ALPHA, replace(BETA, due=0)]
        assert "canary" not in fleet.text(clusters, fleet.order(clusters, WISH), WISH)


class TestTheEnd:
    TURNS = fleet.order(FOUR, WISH)

    def report(self, **outcomes):
        told = {one.group: outcomes.get(one.group, Outcome("3.6.14", (), "no worse")) for one in FOUR}
        return fleet.report(FOUR, self.TURNS, WISH, told).splitlines()[1:]

    def test_says_of_each_what_it_was_and_is(self):
        beta = Outcome("3.6.14", (), "no worse for 300 s: writes 4.0 ms")
        assert self.report(beta=beta)[:2] == [
            "  etcd-alpha: etcd 3.6.13, now 3.6.14; 4 steps; no worse",
            "  etcd-beta (canary): etcd 3.6.13, now 3.6.14; 4 steps; no worse for 300 s: writes 4.0 ms",
        ]

    def test_says_who_stopped_the_others(self):
        stopped = Outcome("3.6.13", ("alpha1",))
        assert self.report(alpha=stopped, gamma=Outcome("3.6.13"), delta=Outcome("3.6.13")) == [
            "  etcd-alpha: etcd 3.6.13; stopped, see what alpha1 said",
            "  etcd-beta (canary): etcd 3.6.13, now 3.6.14; 4 steps; no worse",
            "  etcd-gamma: etcd 3.6.13; not touched, 4 steps left",
            "  etcd-delta: etcd 3.6.13; not touched, 4 steps left",
        ]
        assert fleet.stopped_by(FOUR, self.TURNS, "gamma", ["alpha1"]) == ["etcd-alpha"]
        assert fleet.stopped_by(FOUR, self.TURNS, "beta", ["alpha1"]) == []

    def test_says_what_was_refused_or_had_nothing_to_do(self):
        clusters = [replace(ALPHA, is_refused=True), replace(BETA, due=0)]
        told = {one.group: Outcome("3.6.13") for one in clusters}
        assert fleet.report(clusters, [], WISH, told).splitlines()[1:] == [
            "  etcd-alpha: refused, not touched",
            "  etcd-beta (canary): etcd 3.6.13; nothing to do",
        ]

    def test_says_of_one_that_was_founded_that_no_member_ran(self):
        clusters = [replace(BETA, runs="")]
        told = {"beta": Outcome("3.6.14", (), "no worse")}
        line = fleet.report(clusters, [["beta"]], WISH, told).splitlines()[1]
        assert line == "  etcd-beta (canary): no member ran, now 3.6.14; 4 steps; no worse"

    def test_says_of_one_that_was_only_judged_that_it_changed_before(self):
        clusters, told = [replace(BETA, due=0, is_pending=True)], {"beta": Outcome("3.6.13", (), "no worse")}
        line = fleet.report(clusters, [["beta"]], WISH, told).splitlines()[1]
        assert line == "  etcd-beta (canary): etcd 3.6.13; changed by an earlier run; no worse"

    def test_refuses_what_was_not_reached_with_the_name_of_whoever_stopped_it(self):
        refused = fleet.untouched("etcd-gamma", ["etcd-alpha"])
        assert (refused.code, "etcd-gamma was not touched, because etcd-alpha stopped" in str(refused)) == (
            "fleet-stopped",
            True,
        )


class TestAVerdict:
    FAST, SLOW = (Sample(leader="a", writes=[seconds], reads=[0.02]) for seconds in (0.02, 0.1))

    def test_names_a_slowdown_that_takes_it(self):
        refused = fleet.worse("etcd-beta", ["The median of writes is too long."], self.SLOW, self.FAST, 3.0)
        assert refused.code == "cluster-worse"
        assert refused.remedy.endswith("-e etcd_soak_slowdown=10")

    def test_offers_none_for_a_cluster_that_is_ill(self):
        ill = replace(self.SLOW, ill={"beta0": "it hangs."})
        for before in (self.FAST, None):
            assert "etcd_soak_slowdown" not in fleet.worse("etcd-beta", ["ill"], ill, before, 3.0).remedy

    def test_says_what_was_measured(self):
        assert fleet.verdict(self.SLOW, self.FAST, 300) == "no worse for 300 s: writes 100 ms, 20 ms before"
        assert fleet.verdict(self.SLOW, None, 0) == "no worse: writes 100 ms"
        assert fleet.verdict(Sample(), None, 0) == "no worse"


class TestTheView:
    def test_chooses_a_host_of_this_run_whose_member_serves(self):
        hosts = [stopped(bare(0)), serving(bare(1)), serving(bare(2))]
        view = fleet.view(hosts, ["etcd-host0", "etcd-host2"])
        assert (view["speaker"], view["runs"]) == ("etcd-host2", "3.6.14")
        assert set(view["speaker_endpoints"]) >= {f"http://10.0.0.{at}:2379" for at in (1, 2, 3)}

    def test_is_empty_where_nobody_serves(self):
        view = fleet.view([silent(bare(0)), stopped(bare(1))], ["etcd-host1"])
        assert view == {"runs": "", "speaker": "", "speaker_endpoints": []}
