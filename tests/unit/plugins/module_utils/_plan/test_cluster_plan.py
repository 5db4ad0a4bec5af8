# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does with a cluster, as statements about hosts; and what no plan ever does, for all hosts there can be."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Configure
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    NEVER_STARTED,
    OFFERED,
    REMOVED,
    STARTED,
    STARTING,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from hypothesis import given
from hypothesis import strategies as st
from inventory_of import (
    CLUSTER_ID,
    LAYOUT,
    TOKEN,
    VERSION,
    absent,
    bare,
    emptied,
    initial_cluster,
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


def forming():
    """The member list while the third host has not begun its first start."""
    first, second, third = member_list()
    return [first, second, unstarted(third)]


def tls_list():
    """The member list of three that talk TLS."""
    return [
        replace(member, peer_urls=[url.replace("http:", "https:") for url in member.peer_urls])
        for member in member_list()
    ]


def kinds(plan):
    return [(wave[0].kind, [step.host for step in wave]) for wave in plan.waves]


def refusal(hosts, error=Refused):
    with pytest.raises(error) as caught:
        cluster_plan.plan(hosts)
    return str(caught.value)


def foreign(host):
    """A host that is to be absent, with a unit that somebody else wrote."""
    return absent(seeing(host, unit={"fragment_path": "/lib/systemd/system/etcd.service"}))


class TestAPowerCutInTheFirstStart:
    DESTROY = "ansible-playbook quorum.etcd.destroy -i INVENTORY -e etcd_confirm_cluster=etcd_cluster"

    def test_of_a_single_member_leaves_one_way_which_is_named(self):
        text = refusal([marked(bare(0), STARTING, initial_cluster=initial_cluster(1))])
        assert "etcd-host0 began it and has no write-ahead log" in text
        assert self.DESTROY in text
        assert "recover" not in text.replace("nothing to recover", "")
        assert "restore" not in text

    def test_of_all_members_leaves_the_same(self):
        assert self.DESTROY in refusal([marked(host, STARTING) for host in three()])

    def test_that_left_one_log_of_three_leaves_the_same(self):
        one = logged(marked(bare(0), STARTING))
        assert self.DESTROY in refusal([one, *(marked(bare(at), STARTING) for at in (1, 2))])

    def test_that_left_enough_members_to_go_on_is_gone_on_from(self):
        two = [logged(marked(bare(at), STARTING)) for at in (0, 1)]
        plan = cluster_plan.plan([*two, marked(bare(2), STARTING)])
        assert {step.kind for step in plan.steps} == {"start", "await"}
        going = [running(marked(bare(at), STARTING)) for at in (0, 1)]
        assert cluster_plan.plan([*going, marked(bare(2), STARTING)]).steps

    @pytest.mark.parametrize(
        "other",
        [
            silent(bare(2)),
            bare(2),
            emptied(bare(2)),
            marked(bare(2), STARTING, mounts=("/data",)),
            seeing(marked(bare(2), STARTING), data={"unreadable": "/data: EIO."}),
            marked(bare(2), STARTING, origin="join"),
        ],
        ids=["silent", "bare", "started", "disk missing", "disk dead", "joining"],
    )
    def test_is_not_taken_for_granted_where_a_host_may_know_more(self, other):
        assert "quorum.etcd.destroy" not in refusal([*(marked(bare(at), STARTING) for at in (0, 1)), other], EtcdError)

    def test_is_over_once_that_was_done(self):
        """What C(destroy) leaves of such hosts is a cluster that is founded."""
        plan = cluster_plan.plan([written(host) for host in three()])
        assert "found one" in plan.summary


class TestBareHosts:
    def test_get_a_cluster(self):
        plan = cluster_plan.plan(three(tls=True))
        assert plan.summary == f"3 hosts, no cluster yet: found one with etcd {VERSION}, TLS"
        assert [kind for kind, _hosts in kinds(plan)] == ["install", "configure", "prove", "start", "await"]
        assert (plan.differences, plan.warnings) == ((), ())

    def test_one_host_is_a_cluster_too(self):
        assert (
            cluster_plan.plan([bare()]).summary == f"1 host, no cluster yet: found one with etcd {VERSION}, without TLS"
        )

    def test_get_the_version_that_was_asked_for(self):
        plan = cluster_plan.plan(three(etcd_version="3.5.33"))
        assert plan.steps[0].title == "install etcd 3.5.33 on etcd-host0"

    @pytest.mark.parametrize("version", ["3.3.27", "3.6", "latest", "3.6.14-rc.0", "4.0.0"])
    def test_get_no_version_that_cannot_be_installed(self, version):
        """On the controller, before anything is touched."""
        assert version in refusal(three(etcd_version=version), BadInput)

    def test_are_fit_before_the_first_is_changed(self):
        hosts = three()
        hosts[1] = seeing(hosts[1], host={"systemd": False})
        assert "etcd-host1 does not run systemd" in refusal(hosts, BadInput)

    def test_are_asked_for_one_version_only(self):
        hosts = [bare(0, etcd_version="3.5.33"), bare(1, etcd_version="3.6.14"), bare(2)]
        assert "3.5.33, 3.6.14" in refusal(hosts, BadInput)

    def test_are_told_of_a_wrong_setting_with_every_host_that_has_it(self):
        hosts = [bare(0), *(bare(at, etcd_settings={"quota-backend-byte": 1}) for at in (1, 2))]
        text = refusal(hosts, BadInput)
        assert text.startswith("etcd-host1, etcd-host2: ")
        assert "quota-backend-bytes" in text

    def test_are_told_of_every_wrong_variable_at_once(self):
        hosts = [replace(host, problems=(f"etcd_address of {host.name} is empty.",)) for host in three()]
        assert len(refusal(hosts, BadInput).splitlines()) == 3

    def test_that_are_not_a_cluster_are_refused(self):
        assert "both named" in refusal([bare(0, NODE_NAME="a"), bare(1, NODE_NAME="a"), bare(2)], BadInput)

    def test_an_empty_group_is_refused(self):
        assert "no host" in refusal([], BadInput)


class TestEveryStep:
    def test_says_which_of_how_many_it_is(self):
        plan = cluster_plan.plan(three())
        total = len(plan.steps)
        announced = [step["announce"] for at in range(3) for step in plan.part_of(f"etcd-host{at}")]
        assert sorted(int(text.split()[1]) for text in announced) == list(range(1, total + 1))
        assert all(f"of {total}: " in text for text in announced)
        assert "step 10 of 15: start etcd-host0" in announced

    def test_is_in_the_plans_text_in_order(self):
        plan = cluster_plan.plan(three())
        lines = plan.text("etcd_cluster").splitlines()
        assert lines[0].startswith("etcd_cluster: 3 hosts")
        total = len(plan.steps)
        assert lines[1:] == [f"  step {at} of {total}: {step.title}" for at, step in enumerate(plan.steps, 1)]

    def test_is_its_own_hosts_alone(self):
        hosts = [stopped(bare(0)), serving(bare(1)), serving(bare(2))]
        plan = cluster_plan.plan(hosts)
        assert [step["kind"] for step in plan.part_of("etcd-host0")] == ["start", "await"]
        assert plan.part_of("etcd-host1") == [None, None]


class TestAClusterAsItShouldBe:
    def test_gives_nothing_to_do(self):
        plan = cluster_plan.plan([serving(host) for host in three()])
        assert (plan.waves, plan.differences, plan.warnings) == ((), (), ())
        assert plan.summary == f"3 hosts, etcd {VERSION}: nothing to do"

    def test_keeps_the_version_that_runs(self):
        """A release of this collection upgrades nobody."""
        hosts = [serving(stopped_with(host, "3.5.33"), version="3.5.33") for host in three()]
        plan = cluster_plan.plan(hosts)
        assert (plan.summary, plan.differences) == ("3 hosts, etcd 3.5.33: nothing to do", ())

    def test_keeps_the_version_that_the_units_name_where_nothing_runs(self):
        plan = cluster_plan.plan([stopped_with(host, "3.5.33") for host in three()])
        assert (kinds(plan)[0], plan.differences) == (("start", [f"etcd-host{at}" for at in range(3)]), ())

    def test_keeps_the_version_that_a_member_tells_where_its_path_does_not(self):
        """A member in /usr/bin is not given another release."""
        hosts = [from_usr_bin(host) for host in three()]
        steps = cluster_plan.plan(hosts).steps
        assert {step.act.version for step in steps if step.act.has_version} == {"3.5.33"}
        assert ("install", "3.5.33") in {(step.kind, step.act.version) for step in steps if step.act.has_version}

    def test_of_which_one_member_does_not_tell_its_version_is_asked_for_it(self):
        waits = seeing(from_usr_bin(bare(0)), cluster={"status": None, "serves": False, "error": "timed out"})
        hosts = [waits, serving(bare(1)), serving(bare(2))]
        text = refusal(hosts)
        assert "etcd-host0 runs /usr/bin/etcd, which is no release of ours" in text
        assert "-e etcd_version=X.Y.Z" in text
        asked = [replace(host, wanted=replace(host.wanted, version=VERSION)) for host in hosts]
        assert cluster_plan.plan(asked).steps

    def test_whose_systems_were_all_built_anew_is_asked_for_its_version(self):
        """Only data are left, and the newest release would change them."""
        hosts = [rebuilt(host) for host in three()]
        assert "neither a running member nor a unit says which version of etcd it has" in refusal(hosts)
        asked = [replace(host, wanted=replace(host.wanted, version="3.5.33")) for host in hosts]
        assert "data of an unknown etcd" in refusal(asked)
        asked = [saying(host, confirm=("3.5.33",)) for host in asked]
        versions = {step.act.version for step in cluster_plan.plan(asked).steps if step.kind == "install"}
        assert versions == {"3.5.33"}

    @pytest.mark.parametrize("old", range(3))
    def test_of_two_releases_has_each_member_judged_by_its_own(self, old):
        """Without a version in the inventory nobody gets the other release's files."""
        hosts = [serving(host) for host in three()]
        hosts[old] = serving(stopped_with(bare(old), "3.5.33"), version="3.5.33")
        plan = cluster_plan.plan(hosts)
        assert plan.steps == []
        assert [text for text in plan.differences if "an upgrade was begun and not finished" in text]

    def test_that_stands_still_is_judged_by_the_release_that_its_unit_names(self):
        hosts = [stopped_with(bare(0), "3.5.33"), serving(bare(1)), serving(bare(2))]
        assert [step.kind for step in cluster_plan.plan(hosts).steps] == ["start", "await"]

    @pytest.mark.parametrize("size", [1, 2, 4])
    def test_of_an_even_number_comes_with_a_warning(self, size):
        plan = cluster_plan.plan([bare(at) for at in range(size)])
        assert bool(plan.warnings) is (size % 2 == 0)

    def test_with_a_clock_that_is_off_comes_with_a_warning(self):
        hosts = [serving(host) for host in three()]
        for skew in (3.4, -3.4):
            hosts[2] = replace(hosts[2], skew=skew)
            assert cluster_plan.plan(hosts).warnings == (
                "etcd-host2: its clock is 3 s or more away from the controller's.",
            )
        hosts[2] = replace(hosts[2], skew=2.0)
        assert cluster_plan.plan(hosts).warnings == ()

    def test_on_cloned_machines_comes_with_a_warning(self):
        hosts = [seeing(serving(host), host={"machine_id": "the same"}) for host in three()]
        (first, second) = cluster_plan.plan(hosts).warnings
        assert "etcd-host1 and etcd-host0 have the same /etc/machine-id" in first
        assert "etcd-host2 and etcd-host0" in second

    def test_warns_of_what_its_authorities_note_once(self):
        hosts = [replace(serving(h), authorities=Authorities("/pki", notes=("the CA ends soon.",))) for h in three()]
        assert cluster_plan.plan(hosts).warnings == ("the CA ends soon.",)


class TestADifferenceOfAnyKind:
    """See test_differences.py for each of them."""

    @pytest.mark.parametrize(
        "changed, said",
        [
            (lambda host: seeing(host, unit={"enabled": "disabled"}), "would not start at boot"),
            (running, "runs and does not serve"),
            (
                lambda host: seeing(host, cluster={"alarms": [Alarm(member_id(2), "CORRUPT")]}),
                "has the alarm CORRUPT",
            ),
        ],
    )
    def test_is_said_and_nothing_to_do_is_not(self, changed, said):
        plan = cluster_plan.plan([serving(bare(0)), serving(bare(1)), changed(serving(bare(2)))])
        assert any(said in text for text in plan.differences)
        assert plan.summary == f"3 hosts, etcd {VERSION}: different from the inventory"

    def test_is_said_beside_the_steps_too(self):
        changed = seeing(serving(bare(0)), unit={"enabled": "disabled"})
        plan = cluster_plan.plan([changed, serving(bare(1)), stopped(bare(2))])
        assert [step.kind for step in plan.steps] == ["start", "await"]
        assert any("etcd-host0" in text for text in plan.differences)


def from_usr_bin(host):
    """A member of the packages of somebody else's, with the settings that we want and without a record of its start."""
    host = serving(stopped_with(host, "3.5.33"), version="3.5.33")
    identity = {"pid": 100, "started": 1, "executable": "/usr/bin/etcd"}
    host = seeing(host, runtime={"version": "", "identity": identity}, unit={"version": "", "ours": False}, releases=[])
    return replace(host, seen=replace(host.seen, record={}))


def rebuilt(host):
    """A member whose system was built anew beside its data and its marker."""
    host = stopped_with(host, "3.5.33")
    seen = bare(int(host.name[-1])).seen
    return replace(host, seen=replace(seen, marker=host.marker, data=host.seen.data))


def stopped_with(host, version):
    ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(int(host.name[-1]))}
    found = written(marked(host, STARTED, **ids), version)
    return seeing(logged(found), unit={"enabled": "enabled"})


class TestMembersThatStandStill:
    def test_are_started_and_awaited_side_by_side(self):
        everyone = [f"etcd-host{at}" for at in range(3)]
        assert kinds(cluster_plan.plan([stopped(host) for host in three()])) == [
            ("start", everyone),
            ("await", everyone),
        ]

    def test_are_started_whatever_the_others_do(self):
        for others in (serving, stopped, silent):
            plan = cluster_plan.plan([stopped(bare(0)), others(bare(1)), others(bare(2))])
            assert "etcd-host0" in kinds(plan)[0][1]
            assert kinds(plan)[0][0] == "start"

    def test_are_started_after_a_first_start_that_failed_with_a_log(self):
        plan = cluster_plan.plan([logged(marked(host, STARTING)) for host in three()])
        assert [kind for kind, _hosts in kinds(plan)] == ["start", "await"]

    def test_without_their_data_stay_down_while_nobody_serves(self):
        plan = cluster_plan.plan([emptied(bare(0)), stopped(bare(1)), stopped(bare(2))])
        assert not [step for step in plan.steps if step.host == "etcd-host0"]
        assert any("its data are gone" in text for text in plan.differences)
        assert not any("is on no host of this inventory" in text for text in plan.differences)

    def test_that_are_masked_stay_down(self):
        hosts = [seeing(stopped(bare(0)), unit={"enabled": "masked"}), serving(bare(1)), serving(bare(2))]
        plan = cluster_plan.plan(hosts)
        assert plan.waves == ()
        assert any("systemctl unmask etcd.service" in text for text in plan.differences)


class TestAnInterruptedFirstStart:
    def test_goes_on_with_the_original_token_and_members(self):
        """It is safe although the others take writes already: who never started cannot have voted."""
        fresh = marked(bare(2), NEVER_STARTED, token="the-first")
        plan = cluster_plan.plan([serving(bare(0), forming()), serving(bare(1), forming()), fresh])
        steps = [step for step in plan.steps if step.host == "etcd-host2"]
        assert [step.kind for step in steps] == ["configure", "start", "await"]
        assert steps[0].act == Configure(VERSION, initial_cluster(), "the-first")
        assert plan.differences == ()

    def test_goes_on_without_a_host_that_is_to_be_absent(self):
        agreed = [marked(host, NEVER_STARTED) for host in three()]
        alone, beside = cluster_plan.plan(agreed), cluster_plan.plan([*agreed, absent(bare(3))])
        assert beside.waves == alone.waves
        for unfit, found in ((silent(bare(3)), "could not be looked at"), (foreign(bare(3)), "did not write")):
            assert found in refusal([*agreed, unfit])

    def test_is_not_changed_by_taking_a_host_out_that_agreed(self):
        everybody = [marked(bare(at), NEVER_STARTED, initial_cluster=initial_cluster(4)) for at in range(4)]
        assert "agreed on a first start as" in refusal([*everybody[:3], absent(everybody[3])])

    def test_of_some_hosts_is_confirmed_in_the_same_run(self):
        """What a verifying second look would otherwise still find to do."""
        begun = [serving(logged(marked(bare(at), STARTED)), forming()) for at in range(2)]
        plan = cluster_plan.plan([*begun, marked(bare(2), NEVER_STARTED)])
        kind, hosts = kinds(plan)[-1]
        assert (kind, sorted(hosts)) == ("await", ["etcd-host0", "etcd-host1", "etcd-host2"])

    def test_of_all_hosts_is_confirmed(self):
        plan = cluster_plan.plan([serving(logged(marked(host, STARTED))) for host in three()])
        assert kinds(plan) == [("await", ["etcd-host0", "etcd-host1", "etcd-host2"])]

    def test_that_waits_for_the_others_is_left_to_wait(self):
        waiting = running(logged(marked(bare(0), STARTING)))
        plan = cluster_plan.plan([waiting, *(marked(bare(at), NEVER_STARTED) for at in (1, 2))])
        assert kinds(plan)[:2] == [
            ("configure", ["etcd-host1", "etcd-host2"]),
            ("start", ["etcd-host1", "etcd-host2"]),
        ]

    @pytest.mark.parametrize("begun", [lambda host: marked(host, STARTING), lambda h: running(stopped(h))])
    def test_is_refused_where_a_host_lost_its_marker(self, begun):
        hosts = [bare(0), begun(bare(1)), begun(bare(2))]
        assert "etcd-host0 has no marker" in refusal(hosts)

    def test_is_refused_where_a_host_only_offered(self):
        assert "only offered" in refusal([marked(bare(0), OFFERED), stopped(bare(1)), stopped(bare(2))])

    def test_is_refused_on_another_machine(self):
        copied = seeing(marked(bare(2), NEVER_STARTED), host={"machine_id": "another"})
        assert "another machine" in refusal([serving(bare(0)), serving(bare(1)), copied])

    @pytest.mark.parametrize("others", [lambda host: marked(host, NEVER_STARTED), serving])
    def test_is_refused_where_a_disk_is_missing(self, others):
        """Written anew its files would say that it never had one, and the data would lie on the system disk."""
        unmounted = marked(bare(2), NEVER_STARTED, mounts=("/var/lib/etcd",))
        assert "/var/lib/etcd" in refusal([others(bare(0)), others(bare(1)), unmounted])

    def test_is_refused_where_there_is_a_log_already(self):
        """So would the gate: these data are not of this member's first start."""
        text = refusal([serving(bare(0)), serving(bare(1)), logged(marked(bare(2), NEVER_STARTED))])
        assert f"etcd-host2 has a write-ahead log in {LAYOUT.log_dir}" in text


class TestAClusterThatIsNotOurs:
    def test_is_left_alone_where_it_runs(self):
        text = refusal([running(logged(bare(0))), bare(1), bare(2)])
        assert f"etcd-host0 has a write-ahead log in {LAYOUT.log_dir} of member {member_id(0)}" in text
        assert f"cluster {CLUSTER_ID}" in text
        assert "a cluster that is not ours is left alone" in text

    @pytest.mark.parametrize("what", [running, logged])
    @pytest.mark.parametrize("state", [None, OFFERED])
    @pytest.mark.parametrize("at", range(3))
    def test_is_left_alone_whatever_shows_it(self, what, state, at):
        hosts = three()
        hosts[at] = what(hosts[at] if state is None else marked(hosts[at], state))
        assert f"etcd-host{at}" in refusal(hosts)

    def test_is_not_joined_by_its_data(self):
        hosts = [serving(host) for host in three()]
        hosts[1] = seeing(hosts[1], data={"cluster_id": "another"})
        text = refusal(hosts)
        assert f"etcd-host1 has the data of cluster another, and its marker says {CLUSTER_ID}" in text

    @pytest.mark.parametrize("serves", [True, False])
    def test_gets_no_members_by_a_host_that_is_written_into_another_group(self, serves):
        moved = stopped(bare(0))
        moved = seeing(serving(moved, member_list(1)) if serves else moved, marker={"cluster": "other"})
        said = refusal([moved, bare(4), bare(5)])
        assert "etcd-host0 was set up for the cluster other, and the inventory has it in etcd_cluster." in said
        assert "keep its name: write etcd_cluster_name: other for the group" in said

    @pytest.mark.parametrize("state", [OFFERED, NEVER_STARTED])
    def test_lends_nobody_to_the_first_start_of_another(self, state):
        begun = seeing(marked(bare(0), state), marker={"cluster": "other"})
        assert "was set up for the cluster other" in refusal([begun, bare(1), bare(2)])

    def test_is_left_for_another_by_a_member_that_was_taken_out(self):
        left = seeing(marked(bare(3), REMOVED), marker={"cluster": "other"})
        members = [serving(bare(at)) for at in range(3)]
        assert kinds(cluster_plan.plan([*members, left])) == [("join", ["etcd-host3"])]

    @pytest.mark.parametrize("beside", [[], [bare(1), bare(2)]])
    def test_lends_a_member_that_was_taken_out_to_the_first_start_of_another(self, beside):
        left = marked(bare(0), REMOVED, cluster="other", member_id="abc")
        steps = cluster_plan.plan([left, *beside]).steps
        assert {step.host for step in steps if step.kind == "start"} == {
            "etcd-host0",
            *(host.name for host in beside),
        }

    def test_leaves_what_was_taken_out_and_is_to_be_absent_out_of_the_first_start_of_another(self):
        left = absent(marked(bare(0), REMOVED, cluster="other", member_id="abc"))
        assert {step.host for step in cluster_plan.plan([left, bare(1), bare(2)]).steps} == {"etcd-host1", "etcd-host2"}

    @pytest.mark.parametrize("members", [[], [serving(bare(at, tls=True), tls_list()) for at in range(3)]])
    def test_leaves_no_authorities_on_a_member_that_was_taken_out(self, members):
        """They are the other cluster's own."""
        theirs = Authorities(place="/pki/etcd_cluster", strangers=("/etc/etcd/ssl/ca.pem holds the CA 1f:9a.",))
        left = replace(marked(bare(3, tls=True), REMOVED, cluster="other"), authorities=theirs)
        assert "etcd-host3" in {step.host for step in cluster_plan.plan([left, *members]).steps}

    @pytest.mark.parametrize("group", [1, 3])
    def test_that_left_this_one_behind_says_how_to_found_it_again(self, group):
        """Its other members may be anywhere."""
        left = marked(bare(0), REMOVED, member_id="abc")
        for lines in ([left, *map(bare, range(1, group))], [left, *(marked(bare(at), REMOVED) for at in (1, 2))]):
            text = refusal(lines)
            assert "etcd-host0" in text
            assert "was taken out of the cluster etcd_cluster" in text
            assert "quorum.etcd.destroy -i INVENTORY -e etcd_confirm_cluster=etcd_cluster" in text
            # What the refusal advises is accepted.
            assert kinds(cluster_plan.plan(three()))
            renamed = [replace(host, wanted=replace(host.wanted, cluster="new")) for host in lines]
            assert kinds(cluster_plan.plan(renamed))
        assert "quorum.etcd.destroy" not in refusal([left, bare(1), silent(bare(2))])

    def test_data_of_another_account_are_not_started_on(self):
        hosts = [stopped(bare()), serving(bare(1)), serving(bare(2))]
        hosts[0] = seeing(hosts[0], data={"not_its_own": "/var/lib/etcd/member/snap (root:root)"})
        said = refusal(hosts)
        assert "etcd-host0 has data that the account etcd does not own" in said
        assert "/var/lib/etcd/member/snap (root:root)" in said
        assert "chown -R etcd:etcd /var/lib/etcd" in said

    def test_a_member_that_runs_on_them_runs(self):
        hosts = [serving(bare()), serving(bare(1)), serving(bare(2))]
        hosts[0] = seeing(hosts[0], data={"not_its_own": "/var/lib/etcd/member/snap (root:root)"})
        assert cluster_plan.plan(hosts).steps == []

    def test_a_marker_that_cannot_be_understood_is_never_guessed_at(self):
        hosts = [seeing(bare(0), marker_error="The marker on this host has format '2'."), bare(1), bare(2)]
        assert "etcd-host0: The marker on this host has format '2'." in refusal(hosts)

    def test_a_new_host_beside_a_cluster_that_is_switched_off_is_no_reason_to_destroy_it(self):
        plan = cluster_plan.plan([stopped(bare(0)), stopped(bare(1)), stopped(bare(2)), bare(3)])
        assert {(step.kind, step.host) for step in plan.steps} == {
            (kind, f"etcd-host{at}") for kind in ("start", "await") for at in range(3)
        }
        text = refusal([running(stopped(bare(0))), running(stopped(bare(1))), silent(bare(2)), bare(3)])
        assert "etcd-host3 has no marker" in text


class TestAMarkerThatIsGone:
    """Of a member that has its data, its unit and all else."""

    @staticmethod
    def of(host):
        return seeing(host, marker=None)

    @pytest.mark.parametrize("gone", [(2,), (0, 1, 2)])
    def test_is_written_anew_under_a_member_that_runs(self, gone):
        hosts = [self.of(serving(host)) if at in gone else serving(host) for at, host in enumerate(three())]
        plan = cluster_plan.plan(hosts)
        named = [f"etcd-host{at}" for at in gone]
        assert kinds(plan) == [("configure", named), ("start", named), ("await", named)]
        assert plan.steps[0].title == f"write the marker of {named[0]}, whose data are those of a member"
        assert plan.steps[0].act.keeps_data

    @pytest.mark.parametrize(
        "other",
        [
            {"unit": {"ours": False, "fragment_path": "/lib/systemd/system/etcd.service"}},
            {"cluster": {"members": member_list(4)}},
            {"cluster": {"members": member_list(range(1, 4))}},
        ],
    )
    def test_is_not_written_under_one_that_may_be_somebody_elses(self, other):
        hosts = [self.of(seeing(serving(host), **other)) for host in three()]
        assert "its marker (none) does not say that it is ours" in refusal(hosts)

    @pytest.mark.parametrize("stands", [stopped, lambda host: running(stopped(host))])
    def test_is_no_reason_to_give_up_what_may_be_needed(self, stands):
        said = refusal([self.of(stands(host)) for host in three()])
        assert "If not, take the host out of the group." in said
        assert "aside" not in said
        assert f"mkdir -p {LAYOUT.state_dir} && printf " in said
        written_by_hand = said.partition("printf '")[2].partition("'")[0].replace("\\n", "\n")
        marker = markers.parse(written_by_hand)
        there = [stands(host) for host in three()]
        plan = cluster_plan.plan([seeing(host, marker=marker) for host in there])
        assert {step.kind for step in plan.steps} <= {"start", "await"}
        assert [step.host for step in plan.waves[-1]] == [host.name for host in three()]

    def test_of_one_that_the_cluster_has_no_more_gives_up_nothing(self):
        members = member_list(2)
        hosts = [serving(bare(0), members), serving(bare(1), members), self.of(stopped(bare(2)))]
        assert "Its cluster does not have this member any more: stop it and move its data" in refusal(hosts)


class TestAClusterThatIsRestoredOrRecovered:
    @pytest.mark.parametrize(
        "state, way",
        [
            ("restore-pending", "quorum.etcd.restore -i INVENTORY -e etcd_confirm_cluster=etcd_cluster"),
            ("restored", "quorum.etcd.restore -i INVENTORY -e etcd_confirm_cluster=etcd_cluster"),
            ("recovery-pending", "quorum.etcd.recover -i INVENTORY -e etcd_confirm_cluster=etcd_cluster"),
        ],
    )
    def test_is_left_to_the_playbook_that_began_it(self, state, way):
        hosts = [marked(bare(), state), serving(bare(1)), serving(bare(2))]
        said = refusal(hosts)
        assert f"etcd-host0 says '{state}'" in said
        assert way in said

    def test_is_never_founded_anew(self):
        assert "is under way" in refusal([marked(bare(), "restore-pending"), bare(1), bare(2)])


class TestAuthorities:
    def test_are_made_only_for_a_new_cluster(self):
        missing = Authorities("/pki", missing=("client", "peer"))
        plan = cluster_plan.plan([replace(host, authorities=missing) for host in three(tls=True)])
        assert "authority" in [step.kind for step in plan.steps]
        text = refusal([replace(serving(host), authorities=missing) for host in three(tls=True)])
        assert "The client and peer CA is not in /pki, and the cluster exists." in text

    @pytest.mark.parametrize(
        "host, bare_one",
        [
            (bare(0, tls=True), True),
            (stopped(bare(0, tls=True)), False),
            (marked(bare(0, tls=True), NEVER_STARTED), False),
            (logged(bare(0, tls=True)), False),
        ],
    )
    def test_of_a_cluster_that_is_gone_may_be_removed_from_a_bare_host(self, host, bare_one):
        """After destroy.yml, before the host serves a cluster of another name."""
        theirs = Authorities(place="/pki", strangers=("/etc/etcd/ssl/ca.pem holds the CA 1f:9a.",))
        with pytest.raises(Refused) as caught:
            cluster_plan.check_authorities([replace(host, authorities=theirs)], founding=False)
        assert ("rm -r /etc/etcd/ssl." in str(caught.value)) is bare_one

    def test_that_the_controller_does_not_hold_are_never_replaced(self):
        strange = Authorities("/pki", strangers=("/etc/etcd/ssl/ca.pem holds the CA 12:34, which is not in /pki.",))
        for hosts in (three(tls=True), [serving(host) for host in three(tls=True)]):
            hosts[1] = replace(hosts[1], authorities=strange)
            text = refusal(hosts)
            assert "etcd-host1: /etc/etcd/ssl/ca.pem holds the CA 12:34" in text
            assert "Bring the CA and its key to /pki" in text

    def test_that_cannot_be_used_are_said(self):
        hosts = [replace(host, authorities=Authorities(problem="The passphrase is wrong.")) for host in three(tls=True)]
        assert refusal(hosts, BadInput) == "The passphrase is wrong."

    def renewing(self, skew):
        """The second host's leaf is due, the third's clock is off."""
        hosts = [serving(host, tls_list()) for host in three(tls=True)]
        hosts[1] = replace(hosts[1], authorities=Authorities("/pki", renew={"peer": ["it expires."]}))
        hosts[2] = replace(hosts[2], skew=skew)
        return hosts

    def test_issue_nothing_that_a_host_would_refuse_as_not_valid_yet(self):
        said = refusal(self.renewing(skew=-3600.0))
        assert "etcd-host2: its clock is 3600 s or more behind the controller's" in said
        assert "valid from 5 minutes before" in said
        assert "timedatectl set-ntp true" in said

    @pytest.mark.parametrize("skew", [-230.0, 3600.0])
    def test_issue_what_a_clock_that_is_ahead_or_little_behind_takes(self, skew):
        assert kinds(cluster_plan.plan(self.renewing(skew))) == [("update", ["etcd-host1"])]

    def test_that_issue_nothing_need_no_clocks(self):
        hosts = self.renewing(skew=-3600.0)
        hosts[1] = replace(hosts[1], authorities=Authorities())
        assert cluster_plan.plan(hosts).waves == ()

    def test_are_not_made_either_where_a_host_would_refuse_them(self):
        hosts = [replace(host, authorities=Authorities("/pki", missing=("client", "peer"))) for host in three(tls=True)]
        hosts[0] = replace(hosts[0], skew=-300.0)
        assert "etcd-host0: its clock is 300 s or more behind the controller's" in refusal(hosts)

    def test_are_made_where_only_a_host_outside_of_the_cluster_has_another_time(self):
        hosts = [replace(host, authorities=Authorities("/pki", missing=("client", "peer"))) for host in three(tls=True)]
        outside = replace(absent(bare(3, tls=True)), skew=-300.0)
        assert "authority" in [step.kind for step in cluster_plan.plan([*hosts, outside]).steps]

    def test_do_not_matter_without_tls(self):
        hosts = [replace(host, authorities=Authorities("/pki", problem="no")) for host in three()]
        assert cluster_plan.plan(hosts).waves


class TestSilentHosts:
    def test_of_a_cluster_that_exists_are_a_difference_and_nothing_else(self):
        plan = cluster_plan.plan([serving(bare(0)), serving(bare(1)), silent(bare(2), "no route to host.")])
        assert plan.waves == ()
        assert plan.differences == ("etcd-host2 could not be looked at: no route to host.",)
        assert "nothing to do" not in plan.summary

    def test_are_no_difference_where_their_machines_are_said_to_be_off(self):
        hosts = [serving(bare(0), member_list(2)), serving(bare(1), member_list(2)), silent(bare(2))]
        found = cluster_plan.plan(hosts, fenced=["etcd-host2"])
        assert found.differences == ()
        assert (
            "etcd-host2 is off (etcd_fenced). Take it out of the inventory, or give it a new machine." in found.warnings
        )

    @pytest.mark.parametrize("word", ["etcd-host2", "db2", "10.0.0.3", member_id(2)])
    def test_are_said_to_be_off_by_any_word(self, word):
        hosts = [serving(bare(0)), serving(bare(1)), silent(replace(bare(2), name="db2"))]
        found = cluster_plan.plan(hosts, fenced=[word])
        assert found.differences == ()
        assert any("etcd-host2 (db2) is off (etcd_fenced)" in warning for warning in found.warnings)

    def test_are_not_said_to_be_off_by_a_word_that_names_nothing(self):
        hosts = [serving(bare(0)), serving(bare(1)), silent(bare(2))]
        with pytest.raises(BadInput, match="etcd_fenced names etcd-hots2, which is no host.*etcd-host2"):
            cluster_plan.plan(hosts, fenced=["etcd-hots2"])

    def test_do_not_hide_what_is_wrong_with_the_others(self):
        renamed = replace(serving(bare(1)), wanted=bare(1, NODE_NAME="etcd-host0").wanted)
        assert "both named etcd-host0" in refusal([serving(bare(0)), renamed, silent(bare(2))], BadInput)

    def test_are_never_no_evidence(self):
        assert "etcd-host2 could not be looked at" in refusal([bare(0), bare(1), silent(bare(2))])

    def test_all_of_them_are_refused(self):
        assert "could not be looked at" in refusal([silent(host) for host in three()])


# What follows holds for all hosts there can be, however unlikely.

STATES = st.sampled_from([None, OFFERED, NEVER_STARTED, STARTING, STARTED])


@st.composite
def any_host(draw, at, size):
    state = draw(STATES)
    ids = {"cluster_id": CLUSTER_ID, "member_id": member_id(at)} if draw(st.booleans()) else {}
    token = draw(st.sampled_from([TOKEN, "another"]))
    host = bare(at)
    if state is not None:
        host = marked(host, state, token=token, initial_cluster=initial_cluster(size), **ids)
    if draw(st.booleans()):
        host = logged(host)
    if draw(st.booleans()):
        host = running(host)
        if draw(st.booleans()):
            members = list(map(unstarted, member_list(size)))
            host = serving(host if host.marker else marked(host, STARTED), members)
    if draw(st.integers(0, 9)) == 0:
        host = silent(host)
    return host


CLUSTERS = st.integers(1, 5).flatmap(lambda size: st.tuples(*(any_host(at, size) for at in range(size))))


def outcome(hosts):
    try:
        return cluster_plan.plan(hosts)
    except EtcdError as exc:
        return str(exc)


@given(CLUSTERS)
def test_no_member_is_started_that_its_gate_would_refuse(hosts):
    plan = outcome(hosts)
    if isinstance(plan, str):
        return
    by_name = {host.name: host for host in hosts}
    agreeing = {step.host for step in plan.steps if step.kind == "prove"}
    for step in plan.steps:
        if step.kind != "start":
            continue
        host = by_name[step.host]
        assert not host.silent
        if host.has_log:
            # One without a marker gets it before: its data are those of a member.
            assert host.state in (None, STARTING, STARTED)
        else:
            assert host.state == NEVER_STARTED or step.host in agreeing


@given(CLUSTERS)
def test_no_cluster_is_founded_where_anybody_may_have_voted(hosts):
    plan = outcome(hosts)
    if isinstance(plan, str):
        return
    if any(host.silent or host.has_log or host.runs or host.state in (STARTING, STARTED) for host in hosts):
        assert not [step for step in plan.steps if step.kind in ("prove", "authority")]


@given(CLUSTERS)
def test_a_host_that_agreed_keeps_its_token_once_anybody_went_on(hosts):
    plan = outcome(hosts)
    if isinstance(plan, str) or not any(host.may_have_voted for host in hosts):
        return
    by_name = {host.name: host for host in hosts}
    for step in plan.steps:
        marker = by_name[step.host].marker
        if step.kind == "configure" and marker is not None:
            assert step.act.token == marker.token


@given(CLUSTERS)
def test_no_plan_has_both_steps_and_nothing_to_do(hosts):
    plan = outcome(hosts)
    if isinstance(plan, str):
        assert plan
        return
    assert ("nothing to do" in plan.summary) is (not plan.waves and not plan.differences)
    if "nothing to do" in plan.summary:
        assert all(host.answers and host.has_log and host.state in (STARTING, STARTED) for host in hosts)


@given(CLUSTERS)
def test_every_host_computes_the_same_plan(hosts):
    first = outcome(hosts)
    assert outcome(hosts) == first
    if not isinstance(first, str):
        texts = {cluster_plan.plan(list(hosts)).text("c") for _host in hosts}
        assert len(texts) == 1
        parts = [first.part_of(host.name) for host in hosts]
        assert all(len(part) == len(first.waves) for part in parts)
        assert sum(step is not None for part in parts for step in part) == len(first.steps)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_the_inventory_decides_nothing_but_the_order(order):
    hosts = [serving(bare(0), forming()), serving(bare(1), forming()), marked(bare(2), NEVER_STARTED)]
    plan = cluster_plan.plan([hosts[at] for at in order])
    assert {step.host for step in plan.steps if step.kind == "configure"} == {"etcd-host2"}
    assert {step.act.token for step in plan.steps if step.kind == "configure"} == {TOKEN}


LOCKED_OUT = "Maintenance.Status: InvalidArgument: etcdserver: user name is empty"


def locked_out(host):
    """One that runs and tells us nothing, because authentication is on."""
    return seeing(running(stopped(host)), cluster={"error": LOCKED_OUT})


class TestMembersThatTellUsNothing:
    def test_are_not_taken_for_a_lost_quorum(self):
        said = refusal([locked_out(host) for host in three()])
        assert "quorum is lost" not in said
        assert "quorum.etcd.recover" not in said
        assert f"etcd-host0 runs, and tells us nothing: {LOCKED_OUT}." in said
        assert "etcd_user_file=PATH" in said

    def test_are_asked_nothing_while_another_is_down(self):
        """Who would be awaited then would be in vain."""
        assert "etcd_user_file=PATH" in refusal([stopped(bare(0)), *(locked_out(bare(at)) for at in (1, 2))])
