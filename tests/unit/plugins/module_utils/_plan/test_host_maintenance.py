# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts are taken out of service one after the other, and an ordinary run leaves a drained one alone."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import NOSPACE, Alarm
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_acts import (
    Drain,
    EndMaintenance,
    RunTasks,
    Undrain,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Drained, Holder, Owner
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan, host_maintenance
from ansible_collections.quorum.etcd.plugins.module_utils._plan.host_maintenance import Wish
from inventory_of import bare, member_id, member_list, saying, seeing, serving, silent, stopped, three

OURS = Owner("root@admin", "100 started 1 on admin")
BEFORE = Owner("root@admin", "90 started 1 on admin")
THEIRS = Owner("eve@elsewhere", "7 started 1 on elsewhere")
NAMES = ("etcd-host0", "etcd-host1", "etcd-host2")


def wish(**changes):
    return Wish(**{"owner": OURS, "hosts": NAMES, "tasks": "/tasks.yml", **changes})


def well():
    return [serving(host) for host in three()]


def drained(host, owner=OURS):
    return seeing(host, drained=Drained(*owner, until=2e9))


def held(hosts, owner=OURS, lease=1):
    """Hosts whose members show who maintains them."""
    holder = Holder(owner, 17, lease)
    return [seeing(host, cluster={"maintenance": holder}) if host.answers else host for host in hosts]


def one(**said):
    return saying(serving(bare(0), member_list(1)), **said)


def steps(hosts, /, **changes):
    return host_maintenance.plan(hosts, wish(**changes)).steps


def order(hosts, /, **changes):
    return [step.host for step in steps(hosts, **changes) if isinstance(step.act, Drain)]


def refusal(hosts, planned=host_maintenance.plan, /, **changes):
    with pytest.raises(Refused) as refused:
        planned(hosts, wish(**changes))
    return refused.value


class TestThePlan:
    def test_drains_one_host_after_the_other_the_leader_last_and_ends_the_maintenance(self):
        found = steps(well())
        assert [step.host for step in found[::3]] == ["etcd-host1", "etcd-host2", "etcd-host0", "etcd-host0"]
        assert [type(step.act) for step in found] == [Drain, RunTasks, Undrain] * 3 + [EndMaintenance]
        assert all(len(wave) == 1 for wave in host_maintenance.plan(well(), wish()).waves)

    def test_asks_the_others_before_a_host_is_drained_and_once_it_is_back(self):
        first, _tasks, back, *_rest = steps(well())
        assert set(first.act.witnesses) == set(back.act.witnesses) == {"etcd-host0", "etcd-host2"}
        assert first.act.endpoints == ["http://10.0.0.1:2379", "http://10.0.0.3:2379"]
        assert (first.act.machine, len(first.act.members)) == ([member_id(1)], 3)

    def test_checks_a_host_before_it_is_over_and_only_then_forgets_that_it_is_drained(self):
        found = [step.act for step in steps(well(), check="/check.yml")][:5]
        assert [type(act) for act in found] == [Drain, RunTasks, Undrain, RunTasks, Undrain]
        assert [act.file for act in found if isinstance(act, RunTasks)] == ["/tasks.yml", "/check.yml"]
        assert [act.goes_on for act in found if isinstance(act, Undrain)] == [True, False]

    def test_is_about_the_hosts_of_this_run_only(self):
        assert order(well(), hosts=["etcd-host2"]) == ["etcd-host2"]

    def test_without_tasks_drains_and_nothing_else(self):
        (step,) = steps(well(), tasks="", hosts=["etcd-host2"])
        assert isinstance(step.act, Drain)

    def test_passes_over_a_host_without_a_member(self):
        assert order([*well(), bare(3)], hosts=(*NAMES, "etcd-host3")) == ["etcd-host1", "etcd-host2", "etcd-host0"]


class TestInterrupted:
    def test_it_goes_on_with_the_host_that_is_drained(self):
        hosts = [serving(bare(0)), serving(bare(1)), drained(stopped(bare(2)), BEFORE)]
        assert order(hosts, gone=frozenset({BEFORE.process})) == ["etcd-host2", "etcd-host1", "etcd-host0"]

    def test_one_that_came_back_with_its_machine_is_drained_again(self):
        hosts = [serving(bare(0)), serving(bare(1)), drained(serving(bare(2)), BEFORE)]
        assert order(hosts, gone=frozenset({BEFORE.process}))[0] == "etcd-host2"

    def test_it_takes_the_key_over_from_the_run_that_is_gone(self):
        acts = [step.act for step in steps(held(well(), BEFORE), gone=frozenset({BEFORE.process}))]
        assert [act.predecessor for act in acts if isinstance(act, Drain)] == [17, 0, 0]

    def test_its_own_key_is_none_to_take_over(self):
        assert steps(held(well()))[0].act.predecessor == 0

    def test_the_only_member_is_brought_back_although_nobody_can_be_asked(self):
        found = steps([drained(stopped(bare(0)))], hosts=["etcd-host0"])
        assert [type(step.act) for step in found] == [RunTasks, Undrain, EndMaintenance]


class TestRefused:
    def test_is_a_cluster_of_which_a_member_is_down(self):
        found = refusal([*well()[:2], stopped(bare(2))])
        assert (found.code, "etcd-host2 does not serve" in found.found) == ("member-down", True)

    def test_is_one_of_five_of_which_a_member_is_down_too(self):
        members = member_list(5)
        hosts = [*(serving(bare(at), members) for at in range(4)), stopped(bare(4))]
        assert refusal(hosts).code == "member-down"

    def test_is_a_host_that_gives_no_answer_with_both_ways_on(self):
        found = refusal([*well()[:2], silent(bare(2))])
        assert found.code == "host-unreachable"
        assert "quorum.etcd.undrain" in found.remedy
        assert "quorum.etcd.etcd" in found.remedy

    @pytest.mark.parametrize("owner, code", [(THEIRS, "host-drained"), (BEFORE, "maintenance-held")])
    def test_is_a_host_that_somebody_else_has_drained(self, owner, code):
        found = refusal([*well()[:2], drained(stopped(bare(2)), owner)])
        assert found.code == code
        assert f"-e etcd_maintenance_owner={shlex.quote(owner.name)}" in found.remedy

    @pytest.mark.parametrize("owner", [THEIRS, BEFORE])
    def test_is_a_cluster_that_somebody_else_maintains(self, owner):
        found = refusal(held(well(), owner))
        assert (found.code, owner.name in found.remedy) == ("maintenance-held", True)

    def test_is_a_key_without_a_lease(self):
        assert refusal(held(well(), lease=0)).remedy.endswith("etcdctl del /quorum.etcd/maintenance")

    def test_is_the_only_voter_without_a_word_that_it_costs_service(self):
        found = refusal([one()], hosts=["etcd-host0"])
        assert (found.code, "-e etcd_allow_outage=true" in found.remedy) == ("outage-not-allowed", True)
        plan = host_maintenance.plan([one(allow_outage=True)], wish(hosts=["etcd-host0"]))
        assert len(plan.steps) == 4
        assert "nobody is served" in plan.notes[0]

    def test_is_one_of_two_without_that_word(self):
        two = [serving(bare(at), member_list(2)) for at in range(2)]
        assert refusal(two).code == "quorum-at-risk"
        assert len(order([saying(host, allow_outage=True) for host in two])) == 2

    def test_is_the_machine_of_the_run_itself_unless_it_is_only_drained(self):
        here = frozenset({"etcd-host1"})
        found = refusal(well(), here=here)
        assert (found.code, "--limit etcd-host1" in found.remedy) == ("host-is-controller", True)
        assert order(well(), here=here, hosts=["etcd-host0", "etcd-host2"]) == ["etcd-host2", "etcd-host0"]
        assert order(well(), here=here, hosts=["etcd-host1"], tasks="") == ["etcd-host1"]

    def test_is_a_second_host_beside_one_that_is_drained(self):
        hosts = [serving(bare(0)), serving(bare(1)), drained(stopped(bare(2)))]
        found = refusal(hosts, hosts=["etcd-host1"])
        assert (found.code, "quorum.etcd.undrain" in found.remedy) == ("drained-twice", True)

    def test_are_several_hosts_that_are_to_be_drained_at_once(self):
        assert refusal(well(), tasks="").code == "drained-twice"

    @pytest.mark.parametrize("last, way", [(serving, "Reclaim"), (lambda host: drained(stopped(host)), "undrain")])
    def test_is_a_cluster_that_is_full(self, last, way):
        full = [seeing(host, cluster={"alarms": [Alarm(member_id(0), NOSPACE)]}) for host in well()[:2]]
        found = refusal([*full, last(bare(2))])
        assert (found.code, way in found.remedy) == ("alarm-nospace", True)
        assert "quorum.etcd.reclaim" in found.remedy

    def test_is_one_that_is_full_whose_maintenance_would_keep_reclaim_from_it(self):
        full = held([seeing(host, cluster={"alarms": [Alarm(member_id(0), NOSPACE)]}) for host in well()])
        found = refusal(full)
        assert found.code == "alarm-nospace"
        assert found.remedy.index("quorum.etcd.undrain") < found.remedy.index("quorum.etcd.reclaim")

    def test_is_a_host_whose_update_was_interrupted(self):
        assert refusal([*well()[:2], seeing(serving(bare(2)), previous=True)]).code == "update-interrupted"

    def test_is_a_host_whose_unit_is_masked(self):
        assert refusal([*well()[:2], seeing(serving(bare(2)), unit={"enabled": "masked"})]).code == "unit-masked"

    def test_is_a_cluster_that_there_is_not(self):
        with pytest.raises(BadInput, match="no cluster yet"):
            host_maintenance.plan(three(), wish())

    def test_is_one_without_a_quorum_with_the_way_on_that_is_accepted(self):
        hosts = [stopped(bare(0)), stopped(bare(1)), drained(stopped(bare(2)))]
        assert "quorum.etcd.undrain" in refusal(hosts).remedy
        assert host_maintenance.plan_undrain(hosts, wish()).steps[0].host == "etcd-host2"


class TestBroughtBack:
    def test_are_drained_hosts_and_the_maintenance_ends(self):
        hosts = held([serving(bare(0)), serving(bare(1)), drained(stopped(bare(2)), BEFORE)], BEFORE)
        found = host_maintenance.plan_undrain(hosts, wish()).steps
        assert [(step.host, type(step.act)) for step in found] == [
            ("etcd-host2", Undrain),
            ("etcd-host2", EndMaintenance),
        ]

    def test_is_nobody_but_the_key_of_a_run_that_was_given_up_goes(self):
        (step,) = host_maintenance.plan_undrain(held([*well()[:2], silent(bare(2))], BEFORE), wish()).steps
        assert isinstance(step.act, EndMaintenance)
        assert step.act.is_any_run
        assert not steps(well())[-1].act.is_any_run

    def test_is_nobody_where_nobody_is_drained(self):
        plan = host_maintenance.plan_undrain(well(), wish())
        assert (plan.waves, plan.summary) == ((), "no host is drained")

    def test_is_one_whose_time_is_over_and_that_nobody_has_brought_back(self):
        late = Drained(*THEIRS, until=1.0, is_over=True)
        steps = host_maintenance.plan_undrain([*well()[:2], seeing(stopped(bare(2)), drained=late)], wish()).steps
        assert [(step.host, type(step.act)) for step in steps][:1] == [("etcd-host2", Undrain)]
        for host in (serving(bare(2)), seeing(stopped(bare(2)), previous=True)):
            hosts = [*well()[:2], seeing(host, drained=late)]
            assert host_maintenance.plan_undrain(hosts, wish()).steps == []

    def test_are_remembered_as_drained_by_a_run_that_goes_on_alone(self):
        (back, _end) = host_maintenance.plan_undrain([*well()[:2], drained(stopped(bare(2)))], wish()).steps
        assert back.act.is_given_up
        assert not any(step.act.is_given_up for step in steps(well()) if isinstance(step.act, Undrain))

    def test_with_one_left_out_the_maintenance_goes_on(self):
        hosts = held([drained(serving(bare(0))), serving(bare(1)), drained(stopped(bare(2)))])
        found = host_maintenance.plan_undrain(hosts, wish(hosts=["etcd-host2"])).steps
        assert [type(step.act) for step in found] == [Undrain]

    def test_is_no_host_of_somebody_else(self):
        hosts = [*well()[:2], drained(stopped(bare(2)), THEIRS)]
        assert refusal(hosts, host_maintenance.plan_undrain).code == "host-drained"
        assert refusal(held(well(), THEIRS), host_maintenance.plan_undrain).code == "maintenance-held"
        plan = host_maintenance.plan_undrain(hosts, wish(owner=Owner(THEIRS.name, OURS.process)))
        assert plan.steps[0].host == "etcd-host2"


class TestVerified:
    def test_all_members_serve_again(self):
        plan = host_maintenance.plan(well(), wish(), verifying=True)
        assert (plan.waves, plan.differences, plan.notes) == ((), (), ())

    def test_a_member_that_does_not_is_told(self):
        plan = host_maintenance.plan([*well()[:2], stopped(bare(2))], wish(), verifying=True)
        assert plan.differences == ("etcd-host2 does not serve: see its log.",)

    def test_a_host_that_was_only_drained_is_told_with_the_way_back(self):
        hosts = [*well()[:2], drained(stopped(bare(2)))]
        plan = host_maintenance.plan(hosts, wish(tasks="", hosts=["etcd-host2"]), verifying=True)
        assert (plan.differences, "quorum.etcd.undrain" in plan.notes[0]) == ((), True)


class TestAnOrdinaryRun:
    def test_neither_starts_nor_updates_a_drained_member_and_names_the_way_back(self):
        debug = bare(2, etcd_settings={"log-level": "debug"}).wanted
        for host in (stopped(bare(2)), serving(bare(2))):
            plan = cluster_plan.plan([*well()[:2], replace(drained(host, THEIRS), wanted=debug)])
            assert plan.steps == []
            (told,) = [text for text in plan.differences if "is drained by eve@elsewhere until 2033" in text]
            assert "quorum.etcd.undrain -i INVENTORY -e etcd_maintenance_owner=eve@elsewhere" in told

    def test_starts_it_once_its_time_is_over(self):
        hosts = [*well()[:2], seeing(stopped(bare(2)), drained=Drained())]
        assert [step.host for step in cluster_plan.plan(hosts).steps if step.kind == "start"] == ["etcd-host2"]

    def test_starts_the_others_that_are_down(self):
        hosts = [serving(bare(0)), stopped(bare(1)), drained(stopped(bare(2)))]
        assert {step.host for step in cluster_plan.plan(hosts).steps} == {"etcd-host1"}

    def test_whose_members_are_all_down_says_who_is_drained(self):
        with pytest.raises(Refused) as refused:
            cluster_plan.plan([drained(stopped(bare(0)))])
        assert refused.value.code == "host-drained"
