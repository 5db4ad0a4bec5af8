# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks, logs and machines that are not those of before: what a plan does about them, and by which words they go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from inventory_of import absent, bare, emptied, marked, member_id, member_list, saying, seeing, serving, stopped

TIMER = {"enabled": "enabled", "active_state": "active", "name": "etcd-snapshot.timer"}
SEGMENT = "000000000000001f-0000000000002710.wal"
ACCEPT = "ansible-playbook quorum.etcd.etcd -i INVENTORY -e etcd_accept_{}={}"


def serve(at):
    return seeing(serving(bare(at)), timer=TIMER)


def remembering(host, **fields):
    return seeing(host, marker=fields)


def moved(at, mounts=("/var/lib/etcd",)):
    """A member that stands still, of whose mount points one is none any more."""
    return remembering(stopped(bare(at)), mounts=list(mounts))


def older(at):
    return seeing(stopped(bare(at)), data={"older_than": SEGMENT})


def cloned(at):
    return remembering(stopped(bare(at)), machine_id="another")


def swapped(at, other):
    return seeing(stopped(bare(at)), data={"member_id": member_id(other)})


def five():
    """Three members of five that serve."""
    return [seeing(serving(bare(at), member_list(5)), timer=TIMER) for at in range(3)]


def kinds(plan):
    return [(wave[0].kind, [step.host for step in wave]) for wave in plan.waves]


def refused(hosts):
    with pytest.raises(EtcdError) as caught:
        cluster_plan.plan(hosts)
    return str(caught.value)


HELD = {
    "mounts": (moved, ACCEPT.format("mounts", "etcd-host2")),
    "machine": (cloned, ACCEPT.format("machine", "etcd-host2")),
    "older": (older, "etcd_member_state: absent for etcd-host2"),
}


class TestAMemberThatItsGateKeepsDown:
    @pytest.mark.parametrize("what", HELD)
    def test_is_not_started_and_the_way_out_is_named(self, what):
        make, way = HELD[what]
        plan = cluster_plan.plan([serve(0), serve(1), make(2)])
        assert kinds(plan) == []
        assert any("etcd-host2" in text and way in text for text in plan.differences)

    @pytest.mark.parametrize("what", HELD)
    def test_does_not_keep_another_from_being_started(self, what):
        plan = cluster_plan.plan([*five(), stopped(bare(3)), HELD[what][0](4)])
        assert kinds(plan) == [("start", ["etcd-host3"]), ("await", ["etcd-host3"])]

    @pytest.mark.parametrize("what", HELD)
    def test_may_still_be_taken_out(self, what):
        plan = cluster_plan.plan([serve(0), serve(1), absent(HELD[what][0](2))])
        assert [kind for kind, _hosts in kinds(plan)] == ["leave"]

    @pytest.mark.parametrize("what", HELD)
    def test_counts_as_down_for_the_guard(self, what):
        changing = replace(serve(0), wanted=bare(0, etcd_settings={"log-level": "debug"}).wanted)
        text = refused([changing, serve(1), HELD[what][0](2)])
        assert HELD[what][1] in text
        assert "1 of 3 voters would be healthy" in text

    @pytest.mark.parametrize("what", HELD)
    def test_has_the_same_said_of_it_while_nobody_serves(self, what):
        make, way = HELD[what]
        text = refused([make(0), make(1), make(2)])
        assert way in text.replace("etcd-host0,etcd-host1,", "") or "absent for etcd-host0" in text
        assert "recover with the data" not in text

    def test_and_runs_is_not_one(self):
        """What it runs on is told by its process."""
        plan = cluster_plan.plan([serve(0), serve(1), seeing(serve(2), data={"older_than": SEGMENT})])
        assert plan.differences == ()


class TestAcceptedMountPoints:
    def test_are_written_down_and_the_member_is_started(self):
        plan = cluster_plan.plan([serve(0), serve(1), saying(moved(2), accept_mounts=("etcd-host2",))])
        assert kinds(plan) == [
            ("accept", ["etcd-host2"]),
            ("start", ["etcd-host2"]),
            ("await", ["etcd-host2"]),
        ]
        assert plan.differences == ()

    def test_of_all_members_at_once_are_one_command(self):
        hosts = [moved(0), moved(1), moved(2)]
        names = "etcd-host0,etcd-host1,etcd-host2"
        assert ACCEPT.format("mounts", names) in refused(hosts)
        plan = cluster_plan.plan([saying(host, accept_mounts=tuple(names.split(","))) for host in hosts])
        assert kinds(plan) == [(kind, names.split(",")) for kind in ("accept", "start", "await")]

    def test_of_a_single_member_bring_it_back(self):
        one = saying(
            remembering(moved(0), initial_cluster="etcd-host0=http://10.0.0.1:2380"), accept_mounts=("etcd-host0",)
        )
        assert [kind for kind, _hosts in kinds(cluster_plan.plan([one]))] == ["accept", "start", "await"]

    def test_do_not_make_an_older_copy_the_members_data(self):
        host = saying(seeing(moved(2), data={"older_than": SEGMENT}), accept_mounts=("etcd-host2",))
        plan = cluster_plan.plan([serve(0), serve(1), host])
        assert kinds(plan) == []
        assert "Mount it on etcd-host2" in str(plan.differences)
        assert "etcd_accept_mounts" not in str(plan.differences)

    def test_do_not_make_anybody_elses_data_the_members(self):
        hosts = [
            saying(remembering(swapped(at, 7 - at), mounts=["/d"]), accept_mounts=(f"etcd-host{at}",)) for at in (3, 4)
        ]
        assert kinds(cluster_plan.plan([*five(), *hosts])) == []

    def test_are_no_leave_to_give_up_data_that_are_not_there(self):
        host = saying(remembering(emptied(bare(2)), mounts=["/data"]), accept_mounts=("etcd-host2",))
        assert "/data was a mount point" in refused([serve(0), serve(1), host])

    def test_that_name_a_member_which_needs_nothing_are_nothing(self):
        hosts = [saying(serve(at), accept_mounts=("etcd-host2",), accept_machine=("etcd-host2",)) for at in range(3)]
        assert kinds(cluster_plan.plan(hosts)) == []

    @pytest.mark.parametrize("said", ["accept_mounts", "accept_machine"])
    def test_of_nobody_are_wrong(self, said):
        hosts = [saying(serve(at), **{said: ("etcd-host7",)}) for at in range(3)]
        with pytest.raises(BadInput, match=f"etcd_{said} names 'etcd-host7', and no host"):
            cluster_plan.plan(hosts)


class TestAnAcceptedMachine:
    def test_is_written_down_and_the_member_is_started(self):
        plan = cluster_plan.plan([serve(0), serve(1), saying(cloned(2), accept_machine=("etcd-host2",))])
        assert [kind for kind, _hosts in kinds(plan)] == ["accept", "start", "await"]

    def test_is_not_accepted_by_the_word_for_disks(self):
        plan = cluster_plan.plan([serve(0), serve(1), saying(cloned(2), accept_mounts=("etcd-host2",))])
        assert kinds(plan) == []

    def test_is_not_asked_for_where_the_system_was_built_anew(self):
        """Its files are gone with it; they are written again, and the marker with them."""
        rebuilt = cloned(2)
        rebuilt = seeing(rebuilt, files={path: {"exists": False} for path in rebuilt.seen.files})
        assert ("configure", ["etcd-host2"]) in kinds(cluster_plan.plan([serve(0), serve(1), rebuilt]))

    @pytest.mark.parametrize("known, here", [("", "machine-2"), ("machine-9", "")])
    def test_that_has_no_id_for_good_is_not_compared(self, known, here):
        host = seeing(remembering(stopped(bare(2)), machine_id=known), host={"machine_id": here})
        assert [kind for kind, _hosts in kinds(cluster_plan.plan([serve(0), serve(1), host]))][:1] == ["start"]


class TestSwappedData:
    def test_are_said_to_be_swapped_and_where_they_belong(self):
        text = (
            str(cluster_plan.plan([serve(0), swapped(1, 2), swapped(2, 1)]).differences)
            if False
            else refused([stopped(bare(0)), swapped(1, 2), swapped(2, 1)][1:])
        )
        assert f"etcd-host1 has the data of member {member_id(2)} in /var/lib/etcd, which belong on etcd-host2" in text
        assert f"etcd-host2 has the data of member {member_id(1)} in /var/lib/etcd, which belong on etcd-host1" in text

    def test_of_two_members_of_five_leave_the_others_alone(self):
        plan = cluster_plan.plan([*five(), swapped(3, 4), swapped(4, 3)])
        assert kinds(plan) == []
        assert "which belong on etcd-host4" in str(plan.differences)
        assert "etcd takes no peer URL twice" not in str(plan.differences)

    def test_of_one_whose_own_host_has_none_are_told_too(self):
        assert "etcd-host4 has the data of member" in refused([*five(), emptied(bare(3)), swapped(4, 3)])

    def test_with_which_members_run_are_refused(self):
        hosts = [
            serve(0),
            serve(1),
            seeing(serve(2), cluster={"member_id": member_id(7)}, data={"member_id": member_id(7)}),
        ]
        text = refused(hosts)
        assert f"etcd-host2 runs as member {member_id(7)}, and its own is {member_id(2)}" in text
        assert "systemctl stop etcd.service" in text


class TestAMemberThatServes:
    def plan(self, **changes):
        return cluster_plan.plan([serve(0), serve(1), seeing(serve(2), **changes)])

    def test_on_another_disk_has_its_marker_renewed_without_a_restart(self):
        (step,) = self.plan(data={"mounts": ["/var/lib/etcd"]}).steps
        assert (step.kind, step.act.restart) == ("update", False)
        assert "its data lie on /var/lib/etcd, and its marker says on no disk of their own" in step.title

    def test_on_a_disk_less_has_its_marker_renewed_without_a_restart(self):
        (step,) = self.plan(marker={"mounts": ["/var/lib/etcd"]}).steps
        assert (step.kind, step.act.restart) == ("update", False)

    @pytest.mark.parametrize("machine", ["", "another"])
    def test_on_another_machine_than_its_marker_says_has_it_renewed(self, machine):
        (step,) = self.plan(marker={"machine_id": machine}).steps
        assert (step.kind, step.act.restart) == ("update", False)

    @pytest.mark.parametrize("marker", [{}, {"mounts": ["/var/lib/etcd"]}])
    def test_on_a_disk_that_is_no_longer_at_its_path_is_reported_and_left_alone(self, marker):
        plan = self.plan(data={"held": False}, marker=marker)
        assert plan.steps == []
        assert "is not the one that it has open: its disk was unmounted" in str(plan.differences)

    def test_on_what_its_marker_says_has_nothing_to_do(self):
        plan = self.plan(data={"mounts": ["/b", "/a"]}, marker={"mounts": ["/a", "/b"]})
        assert (plan.steps, plan.differences) == ([], ())


RESCUE = "Environment= of etcd.service (/etc/systemd/system/etcd.service.d/rescue.conf)"


class TestALeftoverOfARescue:
    def debug(self, **unit):
        """A member that serves, is to restart for a setting, and was rescued by hand some day."""
        wanted = bare(2, etcd_settings={"log-level": "debug"}).wanted
        return seeing(replace(serve(2), wanted=wanted), unit=unit)

    def test_is_named_before_anything_is_restarted(self):
        text = refused([serve(0), serve(1), self.debug(forced_by=RESCUE)])
        assert text.startswith(f"etcd-host2: etcd would start with force-new-cluster, because of {RESCUE}.")
        assert "two clusters" in text
        assert "systemctl daemon-reload" in text

    def test_that_the_service_manager_gives_is_known_by_the_process(self):
        host = self.debug()
        sources = [["systemctl set-environment", {"ETCD_FORCE_NEW_CLUSTER": "1"}]]
        host = seeing(host, runtime={"sources": sources})
        assert "because of systemctl set-environment" in refused([serve(0), serve(1), host])

    def test_does_not_keep_another_member_from_being_started(self):
        plan = cluster_plan.plan([serve(0), stopped(bare(1)), self.debug(forced_by=RESCUE)])
        assert kinds(plan) == [("start", ["etcd-host1"]), ("await", ["etcd-host1"])]
        assert RESCUE in str(plan.differences)

    def test_keeps_a_stopped_member_down(self):
        plan = cluster_plan.plan([serve(0), serve(1), seeing(stopped(bare(2)), unit={"forced_by": RESCUE})])
        assert kinds(plan) == []
        assert RESCUE in str(plan.differences)

    def test_is_refused_before_a_cluster_is_founded(self):
        assert RESCUE in refused([bare(0), bare(1), seeing(bare(2), unit={"forced_by": RESCUE})])

    @pytest.mark.parametrize(
        "source", ["/etc/etcd/etcd.conf", "ExecStart= of etcd.service (/etc/systemd/system/etcd.service)"]
    )
    def test_in_a_file_of_ours_goes_with_the_turn_that_writes_it(self, source):
        (step,) = cluster_plan.plan([serve(0), serve(1), self.debug(forced_by=source)]).steps
        assert step.kind == "update"

    def test_that_only_the_process_still_has_goes_with_a_restart(self):
        host = seeing(serve(2), runtime={"command": ["/opt/etcd/etcd", "--force-new-cluster"]})
        (step,) = cluster_plan.plan([serve(0), serve(1), host]).steps
        assert step.act.restart
        assert "it runs with --force-new-cluster" in step.title


def test_a_first_start_is_judged_elsewhere():
    host = remembering(marked(bare(2), markers.NEVER_STARTED), machine_id="another")
    with pytest.raises(Refused, match="carries the marker of another machine"):
        cluster_plan.plan([serve(0), serve(1), host])
