# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory or the world says, and what a run does about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Configure, Forget, Leave, Presuming
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm, Sign
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    JOIN,
    KEPT,
    LEAVING,
    NEVER_STARTED,
    OFFERED,
    REMOVED,
    STARTED,
    STARTING,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.quorum import quorum
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from inventory_of import (
    CLUSTER_ID,
    LAYOUT,
    VERSION,
    absent,
    bare,
    emptied,
    initial_cluster,
    learner,
    learning,
    logged,
    marked,
    member_id,
    member_list,
    running,
    saying,
    seeing,
    serving,
    silent,
    stopped,
    three,
    unstarted,
    written,
)

#: A heartbeat that the election timeout of the others is too short for.
SLOW = {"heartbeat-interval": 300, "election-timeout": 3000}


def well(*numbers, members=None, **variables):
    """Members in service, all of them in the list unless another is given."""
    listed = member_list(numbers) if members is None else members
    return [serving(bare(at, **variables), listed) for at in numbers]


def acts(hosts):
    """Kind and host of every step, installations aside."""
    return [(step.kind, step.host) for step in cluster_plan.plan(hosts).steps if step.kind != "install"]


def step(hosts, kind, host=None):
    return next(one for one in cluster_plan.plan(hosts).steps if one.kind == kind and host in (None, one.host))


def refusal(hosts, error=Refused):
    with pytest.raises(error) as caught:
        cluster_plan.plan(hosts)
    return str(caught.value)


def ids(at):
    return {"cluster_id": CLUSTER_ID, "member_id": member_id(at)}


def named(*numbers):
    return [f"etcd-host{at}" for at in numbers]


def tolerated(hosts):
    """How many voters may fail before each of a plan's steps and after the last, as the plan foresaw it."""
    planned = cluster_plan.plan(hosts)
    sizes = [
        sum(not member["is_learner"] for member in one.act.members)
        for one in planned.steps
        if isinstance(one.act, Presuming)
    ]
    last = planned.steps[-1].kind
    sizes.append(sizes[-1] + {"join": 1, "leave": -1, "forget": -1}.get(last, 0))
    return [size - quorum(size)["needed"] for size in sizes]


class TestNewHosts:
    def test_join_one_at_a_time_and_nobody_else_is_touched(self):
        hosts = [*well(0, 1, 2), bare(3), bare(4)]
        planned = cluster_plan.plan(hosts)
        assert [[(one.kind, one.host) for one in wave] for wave in planned.waves] == [
            [("install", "etcd-host3"), ("install", "etcd-host4")],
            [("join", "etcd-host3")],
            [("join", "etcd-host4")],
        ]

    def test_are_told_whom_to_ask_and_what_is_presumed(self):
        hosts = [*well(0, 1, 2), bare(3), bare(4)]
        told = step(hosts, "join", "etcd-host4").act
        assert told.version == VERSION
        assert told.endpoints == [f"http://10.0.0.{at}:2379" for at in (1, 2, 3, 4)]
        assert told.members[:3] == expected_members.describe(member_list())
        assert told.members[3] == {"id": "", "peer_urls": ["http://10.0.0.4:2380"], "is_learner": False}

    def test_get_the_version_that_the_cluster_runs(self):
        hosts = [serving(written(host, "3.5.33"), version="3.5.33") for host in well(0, 1, 2)]
        left = seeing(marked(bare(3), REMOVED), unit={"version": "3.4.23"})
        assert step([*hosts, left], "join").act.version == "3.5.33"

    @pytest.mark.parametrize("at", [0, 1, 3])
    def test_may_stand_anywhere_in_the_inventory(self, at):
        hosts = well(0, 1, 2)
        hosts.insert(at, bare(7))
        assert acts(hosts) == [("join", "etcd-host7")]

    def test_that_cannot_be_reached_are_reported_and_the_rest_goes_on(self):
        planned = cluster_plan.plan([*well(0, 1, 2), silent(bare(3), "no route to host."), bare(4)])
        assert [one.host for one in planned.steps if one.kind == "join"] == ["etcd-host4"]
        assert "etcd-host3 could not be looked at: no route to host." in planned.differences

    def test_are_fit_before_anything_is_changed(self):
        plan = cluster_plan.plan([*well(0, 1, 2), seeing(bare(4), host={"systemd": False})])
        assert plan.steps == []
        assert "etcd-host4 does not run systemd" in str(plan.differences)

    def test_with_a_port_taken_are_refused(self):
        taken = {"port": 2380, "address": "0.0.0.0", "process": "nginx", "pid": 7, "unit": ""}
        hosts = [*well(0, 1, 2), seeing(bare(3), ports=[taken])]
        plan = cluster_plan.plan(hosts)
        assert plan.steps == []
        assert "Port 2380 on etcd-host3 is taken by nginx" in str(plan.differences)

    def test_with_data_in_their_directory_are_refused(self):
        text = refusal([*well(0, 1, 2), logged(bare(3))])
        assert f"etcd-host3 has a write-ahead log in {LAYOUT.log_dir}" in text
        for data in ({"foreign": ["photos"]}, {"left": "/var/lib/etcd/photos.snap"}):
            plan = cluster_plan.plan([*well(0, 1, 2), seeing(bare(3), data=data)])
            assert plan.steps == []
            assert "photos" in str(plan.differences)

    def test_that_are_unfit_do_not_keep_others_from_what_they_need(self):
        """One is down, one has lost its data and its disk is full, one is new."""
        lost = seeing(emptied(bare(4)), free={"data": 0})
        hosts = [*well(0, 1, 2, members=member_list(5)), stopped(bare(3)), lost]
        plan = cluster_plan.plan(hosts)
        assert [step.kind for step in plan.steps] == ["start", "await"]
        assert "0 MiB free" in str(plan.differences)

    def test_whose_joining_has_begun_are_not_judged_by_what_it_has_used_up(self):
        members = [*member_list(), learner(3)]
        begun = seeing(learning(bare(3), members), free={"data": 0}, data={"foreign": ["etcd.log"]})
        plan = cluster_plan.plan([*well(0, 1, 2, members=members), begun])
        assert [step.kind for step in plan.steps] == ["join"]

    def test_on_a_machine_built_anew_beside_an_old_database_do_not_join_on_top_of_it(self):
        """Its log disk is lost, its data disk was kept."""
        rebuilt = seeing(bare(2), data={"left": "/var/lib/etcd/member/snap/db"})
        plan = cluster_plan.plan([*well(0, 1, members=member_list()), rebuilt])
        assert plan.steps == []
        assert "etcd-host2 has data of a member in /var/lib/etcd/member/snap/db" in str(plan.differences)

    @pytest.mark.parametrize("make", [stopped, serving])
    def test_on_a_disk_that_cannot_be_read_are_replaced_once_it_can(self, make):
        dead = seeing(make(bare(2)), data={"log": False, "member_id": "", "cluster_id": "", "unreadable": "/d: EIO."})
        dead = seeing(dead, cluster={"serves": False}) if make is serving else dead
        plan = cluster_plan.plan([*well(0, 1, members=member_list()), dead])
        assert plan.steps == []
        assert "etcd-host2 has data that cannot be read: /d: EIO." in str(plan.differences)
        plan = cluster_plan.plan([*well(0, 1, members=member_list()), emptied(bare(2))])
        assert [step.kind for step in plan.steps] == ["leave", "join"]
        forgetting = [saying(host, forget=("etcd-host2",)) for host in (*well(0, 1, members=member_list()), dead)]
        if make is stopped:
            assert [step.kind for step in cluster_plan.plan(forgetting).steps] == ["forget"]

    def test_beside_a_voter_that_is_down_are_refused_naming_it_and_what_is_safe(self):
        down = seeing(stopped(bare(2)), unit={"enabled": "masked"})
        for hosts in (
            [*well(0, 1, members=member_list()), down],
            [*well(0, 1, members=member_list()), silent(bare(2))],
        ):
            text = refusal([*hosts, bare(3)])
            assert "etcd-host2 is not healthy, and a member is to be added." in text
            assert "-e etcd_forget=etcd-host2 removes it" in text

    def test_wait_for_a_voter_that_this_run_starts(self):
        hosts = [*well(0, 1, members=member_list()), stopped(bare(2)), bare(3)]
        assert acts(hosts) == [("start", "etcd-host2"), ("await", "etcd-host2"), ("join", "etcd-host3")]

    def test_with_the_name_or_address_of_somebody_else_are_refused(self):
        stranger = replace(member_list(range(9, 10))[0], name="etcd-host3")
        text = refusal([*well(0, 1, 2, members=[*member_list(), stranger]), bare(3)])
        assert f"-e etcd_forget={stranger.id}" in text
        moved = bare(3, etcd_address="10.0.0.1")
        away = replace(serving(bare(0)), wanted=bare(0, etcd_address="10.0.0.8").wanted)
        hosts = [away, *well(1, 2, members=member_list()), moved]
        assert "Give the new host a name and an address of its own" in refusal(hosts)

    def test_find_the_one_place_for_a_learner_taken(self):
        listed = [*member_list(), learner(9)]
        hosts = well(0, 1, 2, members=listed)
        assert "etcd takes one learner at a time" in refusal([*hosts, bare(3)])
        assert acts([*hosts, bare(3, etcd_settings={"max-learners": 2})]) == [("join", "etcd-host3")]

    def test_beside_a_cluster_that_is_stopped_wait_for_it(self):
        planned = cluster_plan.plan([*map(stopped, three()), bare(3)])
        assert {one.kind for one in planned.steps} == {"start", "await"}
        assert not [one for one in planned.steps if one.host == "etcd-host3"]


class TestAHostThatIsToBeAbsent:
    def test_leaves(self):
        hosts = well(0, 1, 2)
        hosts[1] = absent(hosts[1])
        told = step(hosts, "leave", "etcd-host1").act
        assert acts(hosts) == [("leave", "etcd-host1")]
        assert (len(told.nonce), list(told.witnesses)) == (16, ["etcd-host0", "etcd-host2"])
        assert replace(told, nonce="", witnesses={}) == Leave(
            member_id=member_id(1),
            endpoints=["http://10.0.0.1:2379", "http://10.0.0.3:2379"],
            members=expected_members.describe(member_list()),
        )

    def test_that_leads_leaves_last(self):
        hosts = [*map(absent, well(0, 1, members=member_list(5))), *well(2, 3, 4, members=member_list(5))]
        assert acts(hosts) == [("leave", "etcd-host1"), ("leave", "etcd-host0")]

    @pytest.mark.parametrize("down", [stopped, emptied])
    def test_and_is_down_leaves_without_being_started(self, down):
        hosts = [*well(0, 1, members=member_list()), absent(down(bare(2)))]
        assert acts(hosts) == [("leave", "etcd-host2")]

    def test_and_is_down_leaves_before_anybody_joins(self):
        """With three voters and one dead etcd adds nobody."""
        hosts = [*well(0, 1, members=member_list()), absent(stopped(bare(2))), bare(3)]
        assert acts(hosts) == [("leave", "etcd-host2"), ("join", "etcd-host3")]

    def test_and_is_removed_already_has_its_data_moved_aside(self):
        hosts = [*well(0, 1), absent(seeing(stopped(bare(2)), marker={"state": LEAVING}))]
        assert acts(hosts) == [("leave", "etcd-host2")]
        assert step(hosts, "leave").act.member_id == ""

    @pytest.mark.parametrize("gone", [bare(2), marked(bare(2), REMOVED), marked(bare(2), OFFERED)])
    def test_and_is_no_member_is_nothing_to_do(self, gone):
        assert "nothing to do" in cluster_plan.plan([*well(0, 1), absent(gone)]).summary

    def test_is_started_where_the_quorum_for_its_removal_needs_it(self):
        hosts = [running(stopped(bare(0))), absent(stopped(bare(1)))]
        assert acts(hosts) == [("start", "etcd-host1"), ("await", "etcd-host1")]

    @pytest.mark.parametrize("built_anew", [bare(2), marked(bare(2), OFFERED)])
    def test_and_has_nothing_of_its_member_is_removed_by_another_host(self, built_anew):
        hosts = [*well(0, 1, members=member_list()), absent(built_anew)]
        assert acts(hosts) == [("forget", "etcd-host0")]

    def test_joins_again_when_it_is_wanted_again(self):
        assert acts([*well(0, 1), marked(bare(2), REMOVED, **ids(2))]) == [("join", "etcd-host2")]

    def test_and_never_left_is_kept_when_it_is_wanted_again(self):
        hosts = well(0, 1, 2)
        hosts[2] = seeing(hosts[2], marker={"state": LEAVING})
        assert acts(hosts) == [("configure", "etcd-host2"), ("start", "etcd-host2"), ("await", "etcd-host2")]

    def test_is_not_founded(self):
        hosts = [*three(), absent(bare(3))]
        assert {one.host for one in cluster_plan.plan(hosts).steps} == set(named(0, 1, 2))

    @pytest.mark.parametrize("life", [bare, lambda at: serving(bare(at)), lambda at: stopped(bare(at))])
    def test_with_all_others_is_refused_naming_destroy(self, life):
        assert "playbooks/destroy.yml" in refusal([absent(life(at)) for at in range(3)], BadInput)

    def test_whose_leaving_would_cost_the_quorum_is_refused(self):
        hosts = [*map(absent, well(0, 1, members=member_list(5))), *well(2, members=member_list(5))]
        text = refusal([*hosts, silent(bare(3)), silent(bare(4))])
        assert "2 of 4 voters would be healthy, and 3 are needed" in text


class TestAddingAndRemovingTogether:
    @pytest.mark.parametrize("start, leave, join", [(3, 0, 2), (5, 2, 0), (3, 3, 3), (3, 1, 1), (5, 3, 1), (1, 1, 3)])
    def test_never_tolerates_fewer_failures_than_start_or_end(self, start, leave, join):
        hosts = well(*range(start))
        hosts[:leave] = map(absent, hosts[:leave])
        hosts += [bare(start + at) for at in range(join)]
        seen = tolerated(hosts)
        assert min(seen) >= min(seen[0], seen[-1])
        assert seen[-1] == (start - leave + join) - quorum(start - leave + join)["needed"]

    def test_adds_first(self):
        hosts = well(0, 1, 2)
        assert acts([absent(hosts[0]), *hosts[1:], bare(3)]) == [("join", "etcd-host3"), ("leave", "etcd-host0")]


class TestWhoReportsNewConnections:
    """Before a member is stopped, removed or promoted."""

    def witnesses(self, hosts):
        return [(one.kind, one.host, list(one.act.witnesses)) for one in cluster_plan.plan(hosts).steps]

    def test_are_the_other_members_that_serve(self):
        hosts = [serving(bare(at, etcd_settings={"log-level": "debug"}), member_list()) for at in range(3)]
        hosts = [replace(one, seen=other.seen) for one, other in zip(hosts, well(0, 1, 2))]
        assert self.witnesses(hosts) == [
            ("update", "etcd-host1", ["etcd-host0", "etcd-host2"]),
            ("update", "etcd-host2", ["etcd-host0", "etcd-host1"]),
            ("update", "etcd-host0", ["etcd-host1", "etcd-host2"]),
        ]

    def test_are_those_too_that_joined_before_and_not_those_that_left(self):
        first, *rest = well(0, 1, 2)
        hosts = [absent(first), *rest, bare(3), bare(4)]
        steps = {
            (one.kind, one.host): list(one.act.witnesses)
            for one in cluster_plan.plan(hosts).steps
            if one.kind != "install"
        }
        assert steps["join", "etcd-host3"] == ["etcd-host0", "etcd-host1", "etcd-host2"]
        assert steps["join", "etcd-host4"] == ["etcd-host0", "etcd-host1", "etcd-host2", "etcd-host3"]
        assert steps["leave", "etcd-host0"] == ["etcd-host1", "etcd-host2", "etcd-host3", "etcd-host4"]

    @pytest.mark.parametrize("others", [[], [silent(bare(4))]])
    def test_are_no_silent_hosts_and_no_members_of_other_inventories(self, others):
        hosts = [serving(bare(at), member_list(range(5))) for at in range(4)]
        changed = replace(hosts[0], wanted=bare(0, etcd_settings={"log-level": "debug"}).wanted)
        planned = self.witnesses([changed, *hosts[1:], *others])
        assert planned == [("update", "etcd-host0", ["etcd-host1", "etcd-host2", "etcd-host3"])]

    def test_do_so_under_one_nonce_that_all_hosts_know_and_no_other_run(self):
        hosts = well(0, 1, 2)
        hosts[1] = absent(hosts[1])
        again = [seeing(host, host={"nonce": f"another {host.name}"}) for host in hosts]
        found = {step(some, "leave").act.nonce for some in (hosts, hosts[::-1], again)}
        assert len(found) == 2


class TestCertificatesThatAreDue:
    def due(self, *numbers, level="info"):
        hosts = well(0, 1, 2)
        for at in range(3):
            wanted = bare(at, etcd_settings={"log-level": level}).wanted
            renew = {"peer": ["it expires."]} if at in numbers else {}
            hosts[at] = replace(hosts[at], wanted=wanted, authorities=Authorities("/pki", renew=renew))
        return hosts

    def told(self, hosts):
        names = ("restart", "certificates")
        return [(one.host, *(getattr(one.act, name) for name in names)) for one in cluster_plan.plan(hosts).steps]

    def test_are_issued_before_anybody_restarts(self):
        """New connections to a member fail by its certificate, and nobody could be spared."""
        assert self.told(self.due(0, 2, level="debug")) == [
            ("etcd-host2", False, "only"),
            ("etcd-host0", False, "only"),
            ("etcd-host1", True, "issued"),
            ("etcd-host2", True, "kept"),
            ("etcd-host0", True, "kept"),
        ]

    def test_alone_are_one_turn_without_a_restart(self):
        assert self.told(self.due(1)) == [("etcd-host1", False, "issued")]

    def test_of_a_member_that_moves_come_with_its_new_address(self):
        """They are made for that, and its old one is where the others reach it still."""
        hosts = self.due(0)
        hosts[0] = replace(hosts[0], wanted=bare(0, etcd_address="10.0.0.8").wanted)
        assert self.told(hosts) == [("etcd-host0", True, "issued")]


class TestAMachineThatIsGoneForGood:
    FORGETTING = [saying(host, forget=("etcd-host2",)) for host in well(0, 1, members=member_list())]

    def test_is_removed_by_its_identity_by_a_member_that_serves(self):
        hosts = [*self.FORGETTING, silent(bare(2))]
        assert acts(hosts) == [("forget", "etcd-host0")]
        assert step(hosts, "forget").act == Forget(
            member_id=member_id(2),
            endpoints=["http://10.0.0.1:2379", "http://10.0.0.2:2379"],
            members=expected_members.describe(member_list()),
        )
        assert step(hosts, "forget").title == "remove etcd-host2, whose machine is gone"

    def test_may_be_named_by_its_id_and_by_every_host(self):
        hosts = [saying(host, forget=("etcd-host2", member_id(2))) for host in self.FORGETTING]
        assert acts(hosts) == [("forget", "etcd-host0")]

    def test_is_refused_while_it_answers_from_any_member(self):
        heard = {member_id(2): Sign("http://10.0.0.3:2379", True)}
        hosts = [self.FORGETTING[0], seeing(self.FORGETTING[1], cluster={"forgotten": heard}), silent(bare(2))]
        text = refusal(hosts, BadInput)
        assert "it is alive: asked from etcd-host1 it answers at http://10.0.0.3:2379" in text
        assert "etcd_member_state: absent" in text

    def test_is_confirmed_where_what_answers_does_not_say_who_it_is(self):
        """Its address may belong to another machine by now."""
        heard = {member_id(2): Sign("http://10.0.0.3:2380", False)}
        hosts = [self.FORGETTING[0], seeing(self.FORGETTING[1], cluster={"forgotten": heard}), silent(bare(2))]
        text = refusal(hosts, BadInput)
        assert "asked from etcd-host1 it may answer at http://10.0.0.3:2380" in text
        assert text.endswith(f"confirm it: -e etcd_confirm={member_id(2)}")
        hosts = [host if host.silent else saying(host, confirm=(member_id(2),)) for host in hosts]
        assert acts(hosts) == [("forget", "etcd-host0")]
        assert step(hosts, "forget").act.confirmed is True

    def test_is_not_confirmed_where_it_says_who_it_is(self):
        heard = {member_id(2): Sign("http://10.0.0.3:2380", True)}
        hosts = [saying(host, confirm=(member_id(2),)) for host in self.FORGETTING]
        hosts = [hosts[0], seeing(hosts[1], cluster={"forgotten": heard}), silent(bare(2))]
        assert "it is alive: asked from etcd-host1" in refusal(hosts, BadInput)

    def test_is_refused_while_it_answers_the_controller(self):
        heard = {member_id(2): Sign("http://10.0.0.3:2379", True)}
        hosts = [replace(self.FORGETTING[0], heard=heard), self.FORGETTING[1], silent(bare(2))]
        assert "asked from the controller it answers at http://10.0.0.3:2379" in refusal(hosts, BadInput)

    @pytest.mark.parametrize("here", [serving(bare(2)), stopped(bare(2)), running(stopped(bare(2)))])
    def test_is_refused_while_its_host_is_there_with_its_data(self, here):
        assert "it is alive" in refusal([*self.FORGETTING, here], BadInput)

    def test_is_gone_once_the_run_verifies_what_it_did(self):
        hosts = [saying(host, forget=("etcd-host2",)) for host in well(0, 1)]
        assert cluster_plan.plan(hosts, verifying=True).waves == ()

    def test_that_nobody_knows_is_refused_naming_those_that_are_there(self):
        hosts = [saying(host, forget=("etcd-host7",)) for host in well(0, 1, 2)]
        text = refusal(hosts, BadInput)
        assert "etcd_forget names etcd-host7, which is no host of the group and no member" in text
        assert f"etcd-host0 ({member_id(0)}, 10.0.0.1)" in text

    @pytest.mark.parametrize("word", ["etcd-host2", "db2", "10.0.0.3", member_id(2)])
    def test_is_named_by_any_word_for_its_host_or_its_member(self, word):
        gone = silent(replace(bare(2), name="db2"))
        hosts = [saying(host, forget=(word,)) for host in well(0, 1, members=member_list())]
        assert acts([*hosts, gone]) == [("forget", "etcd-host0")]

    def test_may_have_its_successor_join_in_the_same_run(self):
        assert acts([*self.FORGETTING, bare(3)]) == [("forget", "etcd-host0"), ("join", "etcd-host3")]

    def test_and_comes_back_is_refused_naming_absent(self):
        text = refusal([*well(0, 1), stopped(bare(2))])
        assert (
            f"etcd-host2 has the data of member {member_id(2)}, which the cluster's member list does not have" in text
        )
        assert "Write etcd_member_state: absent for etcd-host2" in text
        assert acts([*well(0, 1), absent(stopped(bare(2)))]) == [("leave", "etcd-host2")]

    def test_of_a_cluster_that_cannot_spare_it_is_refused(self):
        members = member_list(4)
        hosts = [saying(host, forget=("etcd-host2",)) for host in well(0, 1, members=members)]
        assert "a quorum" in refusal([*hosts, silent(bare(2)), silent(bare(3))])


class TestAMemberThatTheInventoryDoesNotKnow:
    def test_is_reported_counted_and_left_alone(self):
        planned = cluster_plan.plan(well(0, 1, members=member_list()))
        assert planned.waves == ()
        assert f"Member {member_id(2)} (etcd-host2" in planned.differences[0]

    def test_is_counted_for_the_quorum(self):
        """Two of the inventory and two of somebody else's: one of the four may be spared."""
        hosts = well(0, 1, members=member_list(4))
        assert acts([absent(hosts[0]), hosts[1]]) == [("leave", "etcd-host0")]
        changed = [
            replace(host, wanted=bare(at, etcd_settings={"log-level": "debug"}).wanted) for at, host in enumerate(hosts)
        ]
        assert acts(changed) == [("update", "etcd-host1"), ("update", "etcd-host0")]


class TestAMachineThatWasBuiltAnew:
    def test_is_replaced_by_the_old_id_removed_first(self):
        hosts = [*well(0, 1, members=member_list()), bare(2)]
        assert acts(hosts) == [("forget", "etcd-host0"), ("join", "etcd-host2")]
        assert step(hosts, "forget").act.member_id == member_id(2)
        assert [one["id"] for one in step(hosts, "join").act.members] == [member_id(0), member_id(1)]

    def test_and_lost_its_log_only_is_replaced_by_itself(self):
        hosts = [*well(0, 1, members=member_list()), emptied(bare(2))]
        assert acts(hosts) == [("leave", "etcd-host2"), ("join", "etcd-host2")]
        assert "to let it join anew" in step(hosts, "leave").title

    def test_is_not_replaced_where_its_disk_is_missing(self):
        lost = seeing(emptied(bare(2)), marker={"mounts": ["/var/lib/etcd"]})
        text = refusal([*well(0, 1, members=member_list()), lost])
        assert "/var/lib/etcd was a mount point when this member was set up" in text
        mounted = seeing(lost, data={"mounts": ["/var/lib/etcd"]})
        assert ("join", "etcd-host2") in acts([*well(0, 1, members=member_list()), mounted])

    @pytest.mark.parametrize("other", [silent(bare(3)), emptied(bare(3)), bare(3)])
    def test_is_not_replaced_while_another_is_lost(self, other):
        """At most one a run, the next after full health."""
        text = refusal([*well(0, 1, 2, members=member_list(5)), other, emptied(bare(4))])
        assert "is not healthy, and a member is to be added" in text

    def test_is_replaced_after_another_that_is_lost_was_forgotten(self):
        hosts = [saying(host, forget=("etcd-host3",)) for host in well(0, 1, 2, members=member_list(5))]
        assert acts([*hosts, emptied(bare(3)), emptied(bare(4))]) == [
            ("forget", "etcd-host0"),
            ("leave", "etcd-host3"),
            ("leave", "etcd-host4"),
            ("join", "etcd-host4"),
            ("join", "etcd-host3"),
        ]

    @pytest.mark.parametrize(
        "state, origin", [(NEVER_STARTED, "bootstrap"), (NEVER_STARTED, JOIN), (REMOVED, JOIN), (STARTING, JOIN)]
    )
    def test_whose_marker_went_back_in_time_is_never_started_empty_under_an_id_that_voted(self, state, origin):
        host = marked(bare(2), state, origin=origin, **ids(2))
        hosts = [*well(0, 1, members=member_list()), host]
        assert acts(hosts) == [("leave", "etcd-host2"), ("join", "etcd-host2")]

    def test_and_kept_its_data_disk_gets_its_marker_again_and_starts(self):
        hosts = [*well(0, 1, members=member_list()), logged(bare(2))]
        assert acts(hosts) == [("configure", "etcd-host2"), ("start", "etcd-host2"), ("await", "etcd-host2")]
        assert step(hosts, "configure").act == Configure(VERSION, keeps_data=True)

    @pytest.mark.parametrize("others", [serving, stopped])
    def test_and_got_no_further_than_the_marker_gets_its_files(self, others):
        begun = stopped(bare(2))
        begun = seeing(begun, files={LAYOUT.unit_file: {"exists": False}})
        found = acts([others(bare(0)), others(bare(1)), begun])
        assert found[0] == ("configure", "etcd-host2")
        assert ("start", "etcd-host2") in found

    def test_is_looked_after_once_the_others_serve(self):
        """Whose data they are nobody can say before."""
        hosts = [running(stopped(bare(0))), stopped(bare(1)), logged(bare(2))]
        assert acts(hosts) == [("start", "etcd-host1"), ("await", "etcd-host1")]
        assert "Whether it is still a member" in refusal([hosts[0], silent(bare(1)), hosts[2]])

    def test_and_kept_its_data_disk_under_another_address_is_started_by_the_next_run(self):
        moved = logged(bare(2, etcd_address="10.0.0.9"))
        planned = cluster_plan.plan([*well(0, 1, members=member_list()), moved])
        assert [one.kind for one in planned.steps if one.kind != "install"] == ["configure"]
        assert "started by the next run, with its update" in planned.differences[0]


@pytest.mark.parametrize("spoiled", ["behind", "damaged"])
class TestALogThatWentBackInTimeOrIsDamaged:
    def test_has_its_member_replaced(self, spoiled):
        looping = seeing(stopped(bare(2)), data={spoiled: True})
        assert acts([*well(0, 1, members=member_list()), looping]) == [("leave", "etcd-host2"), ("join", "etcd-host2")]

    def test_is_known_by_its_marker_where_it_does_not_say_whose_it_is(self, spoiled):
        looping = seeing(stopped(bare(2)), data={spoiled: True, "member_id": "", "cluster_id": ""})
        others = well(0, 1, members=member_list())
        assert acts([*others, looping]) == [("leave", "etcd-host2"), ("join", "etcd-host2")]
        assert acts([*others, absent(looping)]) == [("leave", "etcd-host2")]

    def test_is_never_started_while_nobody_serves(self, spoiled):
        looping = seeing(stopped(bare(2)), data={spoiled: True})
        assert acts([stopped(bare(0)), stopped(bare(1)), looping]) == [
            (kind, f"etcd-host{at}") for kind in ("start", "await") for at in (0, 1)
        ]


class TestAWrittenAddressThatChanged:
    MOVED = bare(2, etcd_address="10.0.0.9")

    def test_is_one_turn_with_the_peer_urls_and_a_restart(self):
        hosts = [*well(0, 1, members=member_list()), serving(self.MOVED)]
        told = step(hosts, "update").act
        assert acts(hosts) == [("update", "etcd-host2")]
        assert (told.version, told.restart, told.peer_urls) == (VERSION, True, ["http://10.0.0.9:2380"])
        assert told.members == expected_members.describe(member_list())

    def test_of_a_member_that_is_down_is_its_turn_and_not_a_start(self):
        hosts = [*well(0, 1, members=member_list()), stopped(self.MOVED)]
        assert acts(hosts) == [("update", "etcd-host2")]

    def test_is_counted_as_down_in_between(self):
        """A second one changes only after the first serves again."""
        hosts = [serving(bare(at, etcd_address=f"10.0.1.{at}")) for at in range(3)]
        assert acts(hosts) == [("update", f"etcd-host{at}") for at in (1, 2, 0)]
        last = step(hosts, "update", "etcd-host0").act.members
        assert [one["peer_urls"] for one in last] == [
            ["http://10.0.0.1:2380"],
            ["http://10.0.1.1:2380"],
            ["http://10.0.1.2:2380"],
        ]

    def test_takes_the_client_urls_along_by_which_later_steps_ask_the_member(self):
        hosts = [serving(bare(at, etcd_address=f"10.0.1.{at + 1}")) for at in range(3)]
        asked = {one.host: one.act.endpoints for one in cluster_plan.plan(hosts).steps}
        assert asked == {
            "etcd-host1": ["http://10.0.0.1:2379", "http://10.0.0.3:2379"],
            "etcd-host2": ["http://10.0.0.1:2379", "http://10.0.1.2:2379"],
            "etcd-host0": ["http://10.0.1.2:2379", "http://10.0.1.3:2379"],
        }

    @pytest.mark.parametrize("down", [False, True])
    def test_or_another_client_port_is_where_later_steps_ask(self, down):
        """A member that is down gets its new settings first, and is asked at their port."""
        changed = {"etcd_client_port": 12379}
        hosts = [replace(host, wanted=bare(at, **changed).wanted) for at, host in enumerate(well(0, 1, 2))]
        hosts = [saying(host, confirm=("listen-client-urls",)) for host in hosts]
        if down:
            hosts[2] = replace(stopped(bare(2)), wanted=hosts[2].wanted)
        updates = [one for one in cluster_plan.plan(hosts).steps if one.kind == "update"]
        assert updates[-1].host == "etcd-host0"
        assert updates[-1].act.endpoints == ["http://10.0.0.2:12379", "http://10.0.0.3:12379"]

    def test_beside_a_voter_that_is_lost_is_refused(self):
        text = refusal([*well(0, members=member_list()), silent(bare(1)), serving(self.MOVED)])
        assert "Without etcd-host2, 1 of 3 voters would be healthy" in text

    def test_and_was_derived_is_refused_naming_both(self):
        moved = serving(replace(bare(2), wanted=bare(2, ansible_host="10.0.0.9").wanted))
        text = refusal([*well(0, 1, members=member_list()), moved])
        assert "http://10.0.0.3:2380" in text
        assert "http://10.0.0.9:2380" in text

    def test_and_is_still_another_members_is_refused(self):
        swapped = [bare(0, etcd_address="10.0.0.2"), bare(1, etcd_address="10.0.0.1"), bare(2)]
        assert "Change one address in a run of its own" in refusal([serving(host) for host in swapped])


class TestAnotherNameForTheSameData:
    def test_is_one_turn_and_id_and_data_stay(self):
        renamed = replace(serving(bare(2)), wanted=bare(2, NODE_NAME="infra2").wanted)
        hosts = [*well(0, 1, members=member_list()), renamed]
        assert acts(hosts) == [("update", "etcd-host2")]
        assert step(hosts, "update").act.peer_urls == []


class TestLinesOfTheInventory:
    @pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1)])
    def test_that_are_reordered_are_nothing(self, order):
        hosts = well(0, 1, 2)
        assert "nothing to do" in cluster_plan.plan([hosts[at] for at in order]).summary


class TestAMemberThatIsDown:
    def test_is_started_before_any_change_elsewhere(self):
        hosts = well(0, 1, members=member_list(4))
        hosts = [absent(hosts[0]), hosts[1], *well(3, members=member_list(4)), stopped(bare(2)), bare(5)]
        assert acts(hosts)[:2] == [("start", "etcd-host2"), ("await", "etcd-host2")]

    def test_is_started_though_the_rest_is_refused(self):
        hosts = [*well(0, members=member_list()), running(stopped(bare(1))), stopped(bare(2)), bare(3)]
        planned = cluster_plan.plan(hosts)
        assert [one.kind for one in planned.steps] == ["start", "await"]
        assert "etcd-host1 is not healthy, and a member is to be added" in planned.differences[0]

    @pytest.mark.parametrize(
        "refused",
        [
            lambda host: replace(host, wanted=bare(1, ansible_host="10.0.0.9").wanted),
            lambda host: replace(host, wanted=bare(1, etcd_settings=SLOW).wanted),
        ],
        ids=["for an address that was derived", "for a danger"],
    )
    def test_is_started_as_it_is_where_its_turn_is_refused(self, refused):
        down = replace(stopped(bare(2)), wanted=bare(2, etcd_settings={"log-level": "debug"}).wanted)
        one, other = well(0, 1, members=member_list())
        planned = cluster_plan.plan([one, refused(other), down])
        assert [(step.kind, step.host) for step in planned.steps] == [("start", "etcd-host2"), ("await", "etcd-host2")]
        assert "etcd-host1" in planned.differences[0]
        assert "etcd-host1" in refusal([one, refused(other), serving(down, member_list())])

    def test_is_not_started_at_an_address_that_it_is_to_leave(self):
        down = stopped(bare(2, etcd_address="10.0.0.10"))
        one, other = well(0, 1, members=member_list())
        assert "10.0.0.9" in refusal([one, replace(other, wanted=bare(1, ansible_host="10.0.0.9").wanted), down])

    def test_gets_no_files_that_are_refused(self):
        """A system that was built anew would start with them."""
        hosts = [*well(0, 1, members=member_list()), logged(bare(2))]
        hosts = [replace(host, wanted=bare(at, etcd_settings=SLOW).wanted) for at, host in enumerate(hosts)]
        assert "heartbeat-interval" in refusal(hosts)

    def test_is_not_started_where_the_command_is_wrong(self):
        hosts = [*well(0, 1, members=member_list()), stopped(bare(2))]
        assert "nobody" in refusal([saying(host, forget=("nobody",)) for host in hosts], BadInput)

    def test_and_masked_is_reported_and_not_started(self):
        masked = seeing(stopped(bare(2)), unit={"enabled": "masked"})
        planned = cluster_plan.plan([*well(0, 1, members=member_list()), masked])
        assert planned.waves == ()
        assert "etcd.service is masked" in planned.differences[0]

    def test_in_the_middle_of_its_turn_gets_its_previous_files_back_first(self):
        """They may need each other, so that whoever only has to start does so before."""
        broken = seeing(stopped(bare(2)), previous=True)
        hosts = [*well(0, members=member_list(5)), *well(3, 4, members=member_list(5)), stopped(bare(1)), broken]
        assert acts(hosts) == [
            ("start", "etcd-host1"),
            ("rollback", "etcd-host2"),
            ("await", "etcd-host1"),
        ]
        assert step(hosts, "rollback").act.endpoints == [f"http://10.0.0.{at}:2379" for at in (1, 2, 4, 5)]
        assert len(step(hosts, "rollback").act.members) == 5

    def test_in_the_middle_of_its_turn_is_the_first_to_try_the_change_again(self):
        """It may be one with which nobody starts."""
        hosts = [seeing(stopped(bare(0)), previous=True), *well(1, 2, members=member_list())]
        hosts = [
            replace(host, wanted=bare(at, etcd_settings={"log-level": "debug"}).wanted) for at, host in enumerate(hosts)
        ]
        assert acts(hosts) == [("rollback", "etcd-host0")]
        assert [one for one in cluster_plan.plan(hosts).differences if "next run" in one] == [
            f"etcd-host{at} is updated by the next run: the one of etcd-host0 was interrupted, and comes first."
            for at in (1, 2)
        ]

    def test_in_the_middle_of_its_turn_and_another_that_moved_are_both_told_of(self):
        settings = {"log-level": "debug"}
        moved = logged(bare(1, etcd_address="10.0.0.9", etcd_settings=settings))
        hosts = [seeing(stopped(bare(0)), previous=True), moved, *well(2, 3, 4, members=member_list(5))]
        hosts[2] = replace(hosts[2], wanted=bare(2, etcd_settings=settings).wanted)
        told = [one for one in cluster_plan.plan(hosts).differences if "next run" in one]
        assert [one.partition(" ")[0] for one in told] == ["etcd-host1", "etcd-host2"]

    def test_in_the_middle_of_its_turn_that_never_served_with_its_previous_files_has_the_turn_again_and_first(self):
        hosts = [seeing(stopped(bare(0)), previous=True, previous_doubtful=True), *well(1, 2, members=member_list())]
        hosts = [
            replace(host, wanted=bare(at, etcd_settings={"log-level": "debug"}).wanted) for at, host in enumerate(hosts)
        ]
        assert acts(hosts) == [("update", f"etcd-host{at}") for at in range(3)]
        assert step(hosts, "update").act.restart is True

    def test_in_the_middle_of_its_turn_at_an_address_that_is_gone_gets_the_new_one(self):
        moved = seeing(stopped(bare(2, etcd_address="10.0.0.9")), previous=True, previous_doubtful=True)
        hosts = [*well(0, 1, members=member_list()), moved]
        assert acts(hosts) == [("update", "etcd-host2")]
        assert step(hosts, "update").act.peer_urls == ["http://10.0.0.9:2380"]

    def test_in_the_middle_of_such_a_turn_is_started_as_it_is_while_nobody_serves(self):
        interrupted = seeing(stopped(bare(2)), previous=True, previous_doubtful=True)
        assert acts([stopped(bare(0)), stopped(bare(1)), interrupted]) == [
            (kind, f"etcd-host{at}") for kind in ("start", "await") for at in range(3)
        ]

    def test_in_the_middle_of_its_turn_and_waiting_for_the_others_waits(self):
        waiting = seeing(running(stopped(bare(2))), previous=True)
        assert acts([stopped(bare(0)), stopped(bare(1)), waiting]) == [
            (kind, f"etcd-host{at}") for kind in ("start", "await") for at in (0, 1)
        ]

    def test_in_the_middle_of_its_turn_with_no_other_to_wait_for_goes_back(self):
        """Of two, the one that does not start with its new files takes the quorum with it."""
        waiting = seeing(running(stopped(bare(1))), previous=True)
        assert acts([running(stopped(bare(0))), waiting]) == [("rollback", "etcd-host1")]

    def test_in_the_middle_of_its_turn_and_up_finishes_it(self):
        hosts = well(0, 1, 2)
        hosts[2] = seeing(hosts[2], previous=True)
        assert acts(hosts) == [("update", "etcd-host2")]
        assert step(hosts, "update").act.restart is False

    @pytest.mark.parametrize("interrupted", [True, False], ids=["by an update", "by hand"])
    def test_whose_new_address_the_cluster_has_and_that_still_runs_at_the_old_one_comes_first(self, interrupted):
        """Nobody can connect to it anew until then, which every other act demands."""
        known = member_list(4)
        known[2] = replace(known[2], peer_urls=["http://10.0.0.9:2380"])
        settings = {"etcd_settings": {"log-level": "debug"}}
        hosts = well(0, 1, 2, 3, members=known)
        hosts[2] = seeing(hosts[2], previous=interrupted)
        there = {2: {"etcd_address": "10.0.0.9"}}
        hosts = [
            replace(host, wanted=bare(at, **settings, **there.get(at, {})).wanted) for at, host in enumerate(hosts)
        ]
        hosts[3] = absent(hosts[3])
        assert acts(hosts) == [
            ("update", "etcd-host2"),
            ("leave", "etcd-host3"),
            ("update", "etcd-host1"),
            ("update", "etcd-host0"),
        ]
        assert step(hosts, "update").act.peer_urls == []

    @pytest.mark.parametrize("size, order", [(1, ["update", "join"]), (2, ["join", "update"]), (3, ["update", "join"])])
    def test_who_joins_waits_for_it_where_it_can_be_spared_before(self, size, order):
        """The promotion demands that others can connect to the voters anew; of two, none can be spared before."""
        known = member_list(size)
        known[0] = replace(known[0], peer_urls=["http://10.0.0.9:2380"])
        hosts = well(*range(size), members=known)
        hosts[0] = replace(hosts[0], wanted=bare(0, etcd_address="10.0.0.9").wanted)
        hosts.append(bare(size))
        assert [kind for kind, _host in acts(hosts) if kind != "install"] == order


class TestAReleaseThatSomebodyHasRemoved:
    def gone(self, host, **variables):
        return seeing(replace(host, wanted=bare(2, **variables).wanted), releases=[])

    def plan_of(self, host):
        return [(one.kind, one.host) for one in cluster_plan.plan([*well(0, 1, members=member_list()), host]).steps]

    def test_is_installed_before_its_member_is_started(self):
        assert self.plan_of(self.gone(stopped(bare(2)))) == [
            (kind, "etcd-host2") for kind in ("install", "start", "await")
        ]

    def test_is_installed_before_previous_files_are_put_back(self):
        interrupted = seeing(self.gone(stopped(bare(2))), previous=True)
        assert self.plan_of(interrupted) == [("install", "etcd-host2"), ("rollback", "etcd-host2")]

    @pytest.mark.parametrize("life", [stopped, serving])
    def test_is_installed_before_its_member_has_its_update(self, life):
        changed = self.gone(life(bare(2)), etcd_settings={"log-level": "debug"})
        assert self.plan_of(changed) == [("install", "etcd-host2"), ("update", "etcd-host2")]

    def test_is_installed_while_its_member_still_runs(self):
        assert self.plan_of(self.gone(serving(bare(2), member_list()))) == [("install", "etcd-host2")]

    def test_is_not_installed_for_one_that_leaves(self):
        kinds = [kind for kind, _host in self.plan_of(absent(self.gone(serving(bare(2), member_list()))))]
        assert kinds == ["leave"]


class TestAMarkerWithoutAnythingElse:
    """A system that was built anew got no further than its marker, and then its data were lost."""

    def hosts(self):
        only = seeing(bare(2), marker=marked(bare(2), STARTED, origin=KEPT, **ids(2)).seen.marker)
        return [*well(0, 1, members=member_list()), only]

    def test_is_replaced_with_the_help_of_another_host(self):
        assert acts(self.hosts())[-3:] == [("forget", "etcd-host0"), ("leave", "etcd-host2"), ("join", "etcd-host2")]
        assert step(self.hosts(), "forget").act.member_id == member_id(2)
        assert step(self.hosts(), "leave").act.member_id == ""

    def test_leaves_with_the_help_of_another_host(self):
        *others, only = self.hosts()
        assert acts([*others, absent(only)]) == [("forget", "etcd-host0"), ("leave", "etcd-host2")]


class TestALearner:
    def test_that_never_started_is_continued(self):
        listed = [*member_list(), learner(3, started=False)]
        begun = marked(bare(3), NEVER_STARTED, origin=JOIN, **ids(3))
        hosts = well(0, 1, 2, members=listed)
        for host in (begun, marked(bare(3), REMOVED), bare(3)):
            assert acts([*hosts, host]) == [("join", "etcd-host3")]
            # It is no help in its own promotion.
            asked = step([*hosts, host], "join").act.endpoints
            assert asked == [f"http://10.0.0.{at}:2379" for at in (1, 2, 3)]

    def test_that_started_is_continued_whoever_is_down(self):
        listed = [*member_list(), learner(3)]
        hosts = [*well(0, 1, members=listed), silent(bare(2)), learning(bare(3), listed)]
        assert acts(hosts) == [("join", "etcd-host3")]
        asked = step(hosts, "join").act.endpoints
        assert asked == [f"http://10.0.0.{at}:2379" for at in (1, 2, 3)]

    @pytest.mark.parametrize("derived", [False, True])
    def test_that_started_at_another_address_is_continued_at_the_inventorys(self, derived):
        """It has never voted, so that an address which was wrong is put right without a word more."""
        wrong = replace(learner(3, started=False), peer_urls=["http://10.0.0.99:2380"])
        right = bare(3) if derived else bare(3, etcd_address="10.0.0.4")
        begun = running(logged(marked(right, STARTING, origin=JOIN, **ids(3))))
        hosts = [*well(0, 1, 2, members=[*member_list(), wrong]), begun, bare(4)]
        assert acts(hosts) == [("join", "etcd-host3"), ("join", "etcd-host4")]
        assert step(hosts, "join", "etcd-host4").act.members[-1]["peer_urls"] == ["http://10.0.0.4:2380"]

    def test_that_has_begun_goes_before_others_that_join(self):
        listed = [*member_list(), learner(4)]
        hosts = [*well(0, 1, 2, members=listed), bare(3), learning(bare(4), listed)]
        assert acts(hosts) == [("join", "etcd-host4"), ("join", "etcd-host3")]

    def test_that_somebody_else_has_added_is_removed_only_when_that_is_said(self):
        """A person, or another tool, may be about to start it."""
        listed = [*member_list(), learner(3, started=False)]
        hosts = well(0, 1, 2, members=listed)
        planned = cluster_plan.plan(hosts)
        assert planned.steps == []
        (said,) = planned.differences
        assert f"{member_id(3)} (not started, http://10.0.0.4:2380) is on no host of this inventory" in said
        assert "It is a learner, has no vote, and takes the place of the next one" in said
        assert f"-e etcd_forget={member_id(3)}" in said
        assert f"-e etcd_forget={member_id(3)}" in refusal([*hosts, bare(4)])
        # What both say is accepted.
        said = [saying(host, forget=(member_id(3),)) for host in hosts]
        assert acts([*said, bare(4)]) == [("forget", "etcd-host0"), ("join", "etcd-host4")]

    def test_whose_address_changed_before_it_started_is_withdrawn_and_added_anew(self):
        listed = [*member_list(), learner(3, started=False)]
        begun = marked(bare(3, etcd_address="10.0.0.9"), NEVER_STARTED, origin=JOIN, **ids(3))
        hosts = [*well(0, 1, 2, members=listed), begun]
        assert acts(hosts) == [("leave", "etcd-host3"), ("join", "etcd-host3")]

    def test_that_lost_its_log_is_withdrawn_and_added_anew(self):
        """It never voted."""
        listed = [*member_list(), learner(3)]
        lost = marked(bare(3), STARTED, origin=JOIN, **ids(3))
        assert acts([*well(0, 1, 2, members=listed), lost]) == [("leave", "etcd-host3"), ("join", "etcd-host3")]

    def test_whose_system_was_built_anew_is_withdrawn_and_added_anew(self):
        listed = [*member_list(), learner(3)]
        kept = logged(marked(bare(3), STARTED, origin=KEPT, **ids(3)))
        assert acts([*well(0, 1, 2, members=listed), kept]) == [("leave", "etcd-host3"), ("join", "etcd-host3")]

    def test_that_is_to_be_absent_leaves(self):
        listed = [*member_list(), learner(3)]
        hosts = [*well(0, 1, 2, members=listed), absent(learning(bare(3), listed))]
        assert acts(hosts) == [("leave", "etcd-host3")]

    def test_an_unstarted_voter_of_somebody_elses_command_is_withdrawn_and_added_as_a_learner(self):
        listed = [*member_list(), replace(learner(3, started=False), is_learner=False)]
        hosts = [*well(0, 1, 2, members=listed), bare(3)]
        assert acts(hosts) == [("forget", "etcd-host0"), ("join", "etcd-host3")]


class TestAnInterruptedFirstStart:
    def test_of_one_host_goes_on_beside_the_cluster(self):
        first, second, third = member_list()
        hosts = [*well(0, 1, members=[first, second, unstarted(third)]), marked(bare(2), NEVER_STARTED)]
        assert acts(hosts) == [("configure", "etcd-host2"), ("start", "etcd-host2"), ("await", "etcd-host2")]

    def test_of_a_host_that_was_forgotten_since_joins_anew(self):
        hosts = [*well(0, 1), marked(bare(2), NEVER_STARTED, initial_cluster=initial_cluster())]
        assert acts(hosts) == [("leave", "etcd-host2"), ("join", "etcd-host2")]


class TestDataOfAnotherCluster:
    def test_is_refused(self):
        other = seeing(stopped(bare(2)), data={"cluster_id": "another"}, marker={"cluster_id": "another"})
        text = refusal([*well(0, 1, members=member_list()), other])
        assert "etcd-host2 belongs to cluster another, and etcd-host0 to" in text

    def test_of_a_cloned_machine_is_refused(self):
        clone = seeing(stopped(bare(2)), data={"member_id": member_id(1)})
        text = refusal([*well(0, 1, members=member_list()), clone])
        assert f"etcd-host2 and etcd-host1 both hold the data of member {member_id(1)}" in text


class TestALostQuorum:
    def test_is_refused_with_what_each_host_shows(self):
        text = refusal([running(stopped(bare(0))), silent(bare(1)), emptied(bare(2))])
        assert "its quorum is lost" in text
        for said in ("etcd-host0 runs and does not serve", "etcd-host1: could not be looked at", "etcd-host2: without"):
            assert said in text

    def test_is_refused_with_the_ways_back_that_exist(self):
        text = refusal([running(stopped(bare(0))), silent(bare(1)), silent(bare(2))])
        said = "-i INVENTORY -e etcd_confirm_cluster=etcd_cluster -e etcd_fenced=etcd-host1,etcd-host2"
        assert f"quorum.etcd.recover {said}." in text
        assert f"quorum.etcd.restore {said} -e etcd_snapshot=FILE" in text

    def test_of_an_inventory_that_has_only_a_learner_is_told_whom_it_lacks(self):
        text = refusal([learning(bare(3), [*member_list(), learner(3)])])
        assert "etcd-host3 runs as a learner, which has no vote: the hosts that vote must be in the inventory." in text

    def test_is_refused_beside_machines_that_were_built_anew(self):
        text = refusal([running(stopped(bare(0))), bare(1), bare(2)])
        assert "etcd-host1 has no marker" in text
        assert "quorum.etcd.recover -i INVENTORY -e etcd_confirm_cluster=etcd_cluster." in text

    def test_allows_nothing_that_needs_one(self):
        hosts = [
            running(stopped(bare(0))),
            absent(running(stopped(bare(1)))),
            silent(bare(2)),
            marked(bare(3), REMOVED),
        ]
        assert "its quorum is lost" in refusal(hosts)


class TestCertificatesThatHaveExpired:
    """No member can be asked, and none can reach another."""

    def hosts(self, **variables):
        reasons = {leaf: ["it expired on 2026-01-01T00:00:00Z"] for leaf in ("etcd", "peer", "admin")}
        found = [running(stopped(bare(at, tls=True))) for at in range(3)]
        found = [replace(host, authorities=Authorities("/pki", renew=reasons)) for host in found]
        return [replace(host, wanted=bare(at, tls=True, **variables).wanted) for at, host in enumerate(found)]

    def test_are_issued_anew_on_all_at_once_without_a_restart_or_a_quorum(self):
        planned = cluster_plan.plan(self.hosts())
        assert [[(one.kind, one.host) for one in wave] for wave in planned.waves] == [
            [("update", name) for name in named(0, 1, 2)]
        ]
        assert all(one.act.restart is False for one in planned.steps)

    def test_are_issued_anew_before_those_that_stand_still_start(self):
        hosts = self.hosts()
        hosts[0] = stopped(bare(0, tls=True))
        assert acts(hosts) == [
            *(("update", name) for name in named(1, 2)),
            ("start", "etcd-host0"),
            ("await", "etcd-host0"),
        ]

    def test_and_something_else_that_changes_are_named(self):
        text = refusal(self.hosts(etcd_settings={"log-level": "debug"}))
        assert "Its certificates are due (it expired on 2026-01-01T00:00:00Z): take out of the inventory" in text

    def test_are_not_issued_in_the_middle_of_another_update(self):
        assert acts([seeing(host, previous=True) for host in self.hosts()][:1]) == [("rollback", "etcd-host0")]


class TestTurns:
    def changed(self, *hosts):
        """Members whose settings are not those of the inventory."""
        return [
            replace(host, wanted=bare(int(host.name[-1]), etcd_settings={"log-level": "debug"}).wanted)
            for host in hosts
        ]

    def test_are_one_after_the_other_and_the_leaders_is_last(self):
        planned = cluster_plan.plan(self.changed(*well(0, 1, 2)))
        assert [[one.host for one in wave] for wave in planned.waves] == [[name] for name in named(1, 2, 0)]
        assert planned.steps[0].title.startswith("etcd-host1: restart, because ")
        assert "/etc/etcd/etcd.conf differs; it runs with another /etc/etcd/etcd.conf" in planned.steps[0].title

    def test_of_one_voter_are_an_announced_outage(self):
        assert acts(self.changed(*well(0))) == [("update", "etcd-host0")]

    def test_of_two_voters_need_the_outage_allowed(self):
        hosts = self.changed(*well(0, 1))
        assert "allow the outage" in refusal(hosts)
        allowed = [saying(host, allow_outage=True) for host in hosts]
        assert acts(allowed) == [("update", "etcd-host1"), ("update", "etcd-host0")]

    def test_that_need_no_restart_need_no_quorum_either(self):
        hosts = well(0, 1)
        edited = {LAYOUT.link("etcdctl"): {"sha256": "edited"}}
        assert acts([seeing(hosts[0], files=edited), hosts[1]]) == [("update", "etcd-host0")]
        title = step([seeing(hosts[0], files=edited), hosts[1]], "update").title
        assert title.startswith("etcd-host0: no restart, because ")

    def test_come_after_everybody_who_joins_or_leaves(self):
        hosts = self.changed(*well(0, 1, 2))
        assert acts([absent(hosts[0]), *hosts[1:], bare(3, etcd_settings={"log-level": "debug"})]) == [
            ("join", "etcd-host3"),
            ("leave", "etcd-host0"),
            ("update", "etcd-host1"),
            ("update", "etcd-host2"),
        ]

    def test_are_not_begun_where_one_of_them_would_be_refused(self):
        hosts = self.changed(*well(0, 1, members=member_list()))
        assert "Without etcd-host1, 1 of 3 voters would be healthy" in refusal([*hosts, silent(bare(2))])

    def test_a_corrupt_member_is_no_healthy_one(self):
        alarm = {"alarms": [Alarm(member_id(2), "CORRUPT")]}
        hosts = self.changed(*(seeing(host, cluster=alarm) for host in well(0, 1, 2)))
        assert "Not healthy: etcd-host2" in refusal(hosts)


def test_what_is_written_twice_is_one_cluster_and_nothing_to_do():
    """After all its steps a plan finds nothing."""
    assert "nothing to do" in cluster_plan.plan(well(0, 1, 2, 3)).summary
    assert cluster_plan.plan(well(0, 1, 2, 3)).waves == ()


class TestMembersThatNobodyCanAsk:
    """They advertise their client URLs on loopback only: before each change they are to be asked by others."""

    LOOPBACK = "http://127.0.0.1:2379"
    LISTED = tuple(replace(member, client_urls=["http://127.0.0.1:2379"]) for member in member_list())
    THERE = {"etcd_listen_client_urls": LOOPBACK, "etcd_advertise_client_urls": LOOPBACK}

    def well(self, *numbers, **variables):
        hosts = [serving(bare(at, **self.THERE), self.LISTED) for at in numbers]
        return [replace(host, wanted=bare(at, **variables).wanted) for at, host in zip(numbers, hosts)]

    def test_are_never_founded(self):
        assert "would advertise client URLs on loopback only" in refusal([bare(at, **self.THERE) for at in range(3)])

    def test_are_changed_in_nothing_else_first(self):
        hosts = self.well(0, 1, 2, **self.THERE, etcd_settings={"log-level": "debug"})
        assert "etcd-host0, etcd-host1, etcd-host2 would advertise client URLs on loopback only" in refusal(hosts)

    def test_stay_as_they_are_where_nothing_is_to_be_changed(self):
        assert acts(self.well(0, 1, 2, **self.THERE)) == []

    def test_are_started_all_the_same(self):
        down = replace(stopped(bare(2, **self.THERE)), wanted=bare(2, **self.THERE).wanted)
        assert acts([*self.well(0, 1, **self.THERE), down]) == [("start", "etcd-host2"), ("await", "etcd-host2")]

    def test_are_asked_by_nobody_who_joins(self):
        hosts = [serving(bare(0, **self.THERE), [self.LISTED[0]])]
        text = refusal([replace(hosts[0], wanted=bare(0).wanted), bare(1)])
        assert "etcd-host0 cannot be asked whether the cluster keeps its quorum" in text
        assert "in a run of their own" in text
        # What it advises is accepted.
        assert acts([replace(hosts[0], wanted=bare(0).wanted)]) == [("update", "etcd-host0")]

    def test_get_other_urls_one_by_one_once_one_of_them_is_stopped(self):
        """It asks nobody when it starts with its new URLs, and is whom the others ask."""
        down = replace(stopped(bare(2, **self.THERE)), wanted=bare(2).wanted)
        planned = cluster_plan.plan([*self.well(0, 1), down])
        assert [(one.kind, one.host) for one in planned.steps] == [
            ("update", "etcd-host2"),
            ("update", "etcd-host1"),
            ("update", "etcd-host0"),
        ]
        assert planned.steps[1].act.endpoints == ["http://10.0.0.3:2379"]


class TestAMemberThatEndsAsSoonAsItStarts:
    """systemd starts it again and again; its disk is broken, say."""

    WORDS = "failed to open WAL: input/output error"

    @staticmethod
    def crashing(at, **variables):
        host = replace(stopped(bare(at)), wanted=bare(at, **variables).wanted)
        unit = {"active_state": "activating", "sub_state": "auto-restart", "restarts": 7}
        return seeing(host, unit={**unit, "last_error": TestAMemberThatEndsAsSoonAsItStarts.WORDS})

    def five(self, **variables):
        hosts = [*well(0, 1, 2, 3, members=member_list(5)), self.crashing(4, **variables)]
        return [replace(host, wanted=bare(at, **variables).wanted) for at, host in enumerate(hosts)]

    def test_is_tried_last_where_the_others_can_be_changed_without_it(self):
        hosts = self.five(etcd_settings={"log-level": "debug"})
        assert acts(hosts) == [("update", f"etcd-host{at}") for at in (1, 2, 3, 0, 4)]

    def test_is_started_last_where_it_needs_no_change(self):
        hosts = self.five()
        hosts[1] = absent(hosts[1])
        assert acts(hosts) == [("leave", "etcd-host1"), ("start", "etcd-host4"), ("await", "etcd-host4")]

    def test_is_started_where_there_is_nothing_else_to_do(self):
        assert acts(self.five()) == [("start", "etcd-host4"), ("await", "etcd-host4")]

    def test_is_started_after_others_that_only_stand_still(self):
        hosts = self.five()
        hosts[1] = stopped(bare(1))
        assert acts(hosts) == [(kind, f"etcd-host{at}") for at in (1, 4) for kind in ("start", "await")]

    def test_is_tried_first_where_the_others_need_it(self):
        hosts = [*self.five(), bare(5)]
        assert acts(hosts) == [("start", "etcd-host4"), ("await", "etcd-host4"), ("join", "etcd-host5")]
        changed = {"etcd_settings": {"log-level": "debug"}}
        hosts = [replace(host, wanted=bare(at, **changed).wanted) for at, host in enumerate(well(0, 1, 2))]
        hosts[2] = self.crashing(2, **changed)
        assert acts(hosts)[0] == ("update", "etcd-host2")

    def test_has_what_an_interrupted_change_replaced_put_back_first(self):
        """Nobody else may get what it does not start with."""
        hosts = self.five(etcd_settings={"log-level": "debug"})
        hosts[4] = seeing(hosts[4], previous=True)
        assert acts(hosts)[0] == ("rollback", "etcd-host4")

    def test_is_tried_last_where_it_did_not_start_with_its_previous_files_either(self):
        hosts = self.five(etcd_settings={"log-level": "debug"})
        hosts[4] = seeing(hosts[4], previous=True, previous_doubtful=True)
        assert acts(hosts)[-1] == ("update", "etcd-host4")

    def test_is_not_forgotten_while_this_run_would_start_it(self):
        hosts = [saying(host, forget=("etcd-host4",)) for host in self.five()]
        assert "etcd-host4 was looked at and has its data" in refusal(hosts, BadInput)

    def test_leaves_like_any_other(self):
        hosts = self.five(etcd_settings={"log-level": "debug"})
        hosts[4] = absent(hosts[4])
        assert acts(hosts)[0] == ("leave", "etcd-host4")


class TestWhileTheClusterIsDowngraded:
    """etcd itself would take a change of its members."""

    def hosts(self, *hosts):
        return [
            seeing(host, cluster={"status": replace(host.seen.status, downgrade="3.5.0")}) if host.answers else host
            for host in hosts
        ]

    @pytest.mark.parametrize(
        "last",
        [absent(serving(bare(2))), bare(3), emptied(bare(2))],
        ids=["leaves", "joins", "is replaced"],
    )
    def test_no_member_comes_or_goes(self, last):
        hosts = self.hosts(*well(0, 1, members=member_list()), *([serving(bare(2))] * (last.name[-1] == "3")), last)
        text = refusal(hosts)
        assert "The cluster is being downgraded to 3.5.0, and its members are to change." in text

    def test_no_member_is_forgotten(self):
        hosts = [saying(host, forget=("etcd-host2",)) for host in self.hosts(*well(0, 1, members=member_list()))]
        assert "is being downgraded to 3.5.0" in refusal([*hosts, silent(bare(2))])

    def test_settings_still_change(self):
        hosts = self.hosts(*well(0, 1, 2))
        hosts = [
            replace(host, wanted=bare(at, etcd_settings={"max-txn-ops": 256}).wanted) for at, host in enumerate(hosts)
        ]
        assert {kind for kind, _host in acts(hosts)} == {"update"}
