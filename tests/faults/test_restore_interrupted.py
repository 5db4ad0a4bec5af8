# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore that is interrupted goes on by the same command, or is put back by the one that its message names."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from machines import Machines
from playbook import How, Kill, Run
from sites import CLUSTER, PUT_BACK, Site, kept, sampled

DIRECTORY = "/var/lib/etcd-snapshots"
#: Whose module ends, and whose machine loses its power.
ACTOR = Machines.names[1]

#: The acts of a restore in their order, from the first that leaves something on a host.
TASKS = (
    "Copy the snapshot to every host",
    "Save a snapshot of what is served now",
    "Restore the snapshot for a trial",
    "Make every member's new data",
    "Mark every host",
    "Stop every member but the leader",
    "Stop the leader",
    "Archive every member's old data",
    "Put every member's new data in place",
    "Start every member without its clients",
    "Compare revision, keys and members",
    "Start the member for its clients",
    "Await every member",
)
#: From this one on there is no way back.
POINT_OF_NO_RETURN = TASKS.index("Put every member's new data in place")

#: The steps of the acts at which a module may end. Of the first ones the run itself puts all of it back.
UNDONE = (
    "restore: written down",
    "restore: data made",
    "restore: prepared",
    "restore: marked",
    "restore: stopped",
    "restore: data archived",
)
LASTING = (
    "restore: files written",
    "restore: in place",
    "restore: restored",
    "restore: started apart",
    "restore: stopped apart",
    "restore: open",
)
DRILL = ("drill: begun", "drill: restored", "drill: serves")
BACK = ("restore: data back", "restore: marker back", "restore: started again")

SAVE = f"""\
- hosts: etcd_cluster[0]
  gather_facts: false
  tasks:
    - quorum.etcd.etcd_snapshot:
        directory: {DIRECTORY}
        cluster: {CLUSTER}
        endpoints: ["https://{{{{ ansible_host | default(inventory_hostname) }}}}:2379"]
        ca_path: /etc/etcd/ssl/ca.pem
        client_cert: /etc/etcd/ssl/admin.pem
        client_key: /etc/etcd/ssl/admin-key.pem
"""


@dataclass
class Restored(Site):
    """A cluster with a snapshot of it, and writes from before and after that."""

    number: int = 0

    #: Room for the data of now, the new ones and those of the trial, and small enough to be filled.
    DISK = "1g"
    BY_NAME = True
    PLAYBOOK = "quorum.etcd.restore"
    SAY = ("-e", f"etcd_confirm_cluster={CLUSTER}")

    def begin(self) -> None:
        """Write, save a snapshot, and write more."""
        self.number += 1
        self.is_whole = False
        for host in self.machines.names:
            # What was archived is an operator's to delete: the disk has room for some of it only.
            self.machines.run(host, "rm -rf /var/lib/etcd/member.*")
        self.members.write(self.machines.names, 0.5)
        saving = self.directory / "save.yml"
        saving.write_text(SAVE)
        run = self.play(str(saving)).run()
        assert run.code == 0, run.output
        assert self.members.takes_a_write(self.machines.names[0], self.later)

    @property
    def later(self) -> str:
        return f"/later/{self.number}"

    def is_restored(self) -> None:
        """One cluster serves, it has what the snapshot had, and not what was written after it."""
        self.members.are_one_healthy_cluster()
        self.members.hold_every_acknowledged_write(self.machines.names, records=1)
        assert not self.has_later()
        assert self.leftovers() == ""
        self.is_whole = True

    def is_as_before(self) -> None:
        """One cluster serves, and it has all that was ever written."""
        self.members.are_one_healthy_cluster()
        self.members.hold_every_acknowledged_write(self.machines.names, records=1)
        assert self.has_later()
        assert self.leftovers() == ""

    def has_later(self) -> bool:
        with self.members.client(self.machines.names[0]) as client:
            return bool(client.read(self.later)["kvs"])

    def leftovers(self) -> str:
        """What was needed for a restore alone."""
        places = "/var/lib/etcd/member.*ing-* /var/lib/etcd/member.drill-* /var/lib/quorum.etcd/etcd/restore.json"
        # Reports of new connections end by themselves, half a minute after the last act.
        units = "systemctl list-units --all --plain --no-legend 'quorum-etcd-*' | grep -v ^quorum-etcd-report- || :"
        command = f"ls -d {places} {DIRECTORY}/restoring-* 2>/dev/null || :; {units}"
        return "".join(self.machines.run(host, command) for host in self.machines.names)

    def never_are_two_clusters(self) -> None:
        """Of all members that serve now, to any client that knows their addresses, none is of another cluster."""
        found = set()
        for host in self.machines.names:
            with contextlib.suppress(EtcdError), self.members.client(host) as client:
                found.add(client.member_list().cluster_id)
        assert len(found) <= 1, found


#: What a run hears that follows one which was killed once nothing was left to do, or only to tidy up.
OVER = (
    "This cluster was restored, and serves: a run that was interrupted at its very end has nothing left to do.",
    "this run restored nothing",
)


def may_have_voted(run: Run) -> bool:
    """Did it go on to the end, or is all that it says that there was nothing to restore any more?"""
    return run.code == 0 or any(said in run.said for said in OVER)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Restored]]:
    """A site that serves."""
    yield from kept(Restored, "faults-restore", tmp_path_factory)


@pytest.fixture
def site(made: Callable[[], Restored]) -> Restored:
    site = made()
    site.begin()
    return site


@pytest.mark.parametrize("task", sampled(TASKS, "Archive every member's old data"))
def test_a_run_killed_between_two_acts_goes_on_by_the_same_command(site: Restored, task: str) -> None:
    run = site.bring_back(kill=Kill(task))
    assert run.killed, run.output
    site.never_are_two_clusters()
    again = site.bring_back()
    assert may_have_voted(again) if task == TASKS[-1] else again.code == 0, again.output
    site.is_restored()


@pytest.mark.matrix
@pytest.mark.parametrize("after", [0.3, 0.9])
@pytest.mark.parametrize("task", TASKS)
def test_a_run_killed_during_an_act_goes_on_by_the_same_command(site: Restored, task: str, after: float) -> None:
    """At once: what the killed run began may still be at work on a host."""
    run = site.bring_back(kill=Kill(task, after), how=How(pipelining=after < 0.5))
    assert run.killed or run.code == 0, run.output
    site.never_are_two_clusters()
    if run.killed:
        again = site.bring_back(how=How(pipelining=after < 0.5))
        assert may_have_voted(again), again.output
    site.is_restored()


@pytest.mark.parametrize("task", sampled(TASKS[: POINT_OF_NO_RETURN + 1]))
def test_a_run_killed_between_two_acts_is_rolled_back(site: Restored, task: str) -> None:
    run = site.bring_back(kill=Kill(task))
    assert run.killed, run.output
    back = site.bring_back(*PUT_BACK)
    begun = TASKS.index(task) > TASKS.index("Copy the snapshot to every host")
    assert (back.code == 0) == begun, back.output
    site.members.are_one_healthy_cluster()
    if begun:
        site.is_as_before()
    again = site.bring_back()
    assert again.code == 0, again.output
    site.is_restored()


@pytest.mark.parametrize("step", sampled(LASTING))
def test_an_act_that_ends_between_two_of_its_steps_goes_on_by_the_same_command(site: Restored, step: str) -> None:
    site.machines.end_at(ACTOR, step)
    run = site.bring_back()
    assert site.machines.has_ended(ACTOR), run.output
    assert run.code != 0, run.output
    site.never_are_two_clusters()
    refused = site.play("quorum.etcd.etcd").run()
    if step != "restore: open":
        assert "A restore from a snapshot is under way" in refused.said, refused.output
        command = re.search(r"quorum\.etcd\.(\w+) -i INVENTORY -e (\w+=\w+)", refused.said)
        assert command is not None
        assert (command[1], command[2]) == ("restore", site.SAY[1])
    again = site.bring_back()
    assert may_have_voted(again) if step == "restore: open" else again.code == 0, again.output
    site.is_restored()


@pytest.mark.matrix
@pytest.mark.parametrize("step", UNDONE)
def test_a_restore_that_fails_before_any_host_is_restored_puts_itself_back(site: Restored, step: str) -> None:
    site.machines.end_at(ACTOR, step)
    run = site.bring_back()
    assert site.machines.has_ended(ACTOR), run.output
    assert run.code != 0, run.output
    assert "All that was done is rolled back: the cluster is as before" in run.said
    site.is_as_before()
    again = site.bring_back()
    assert again.code == 0, again.output
    site.is_restored()


@pytest.mark.matrix
@pytest.mark.parametrize("step", DRILL)
def test_a_drill_that_ends_between_two_of_its_steps_harms_nothing(site: Restored, step: str) -> None:
    site.machines.end_at(Machines.names[-1], step)
    run = site.bring_back()
    assert site.machines.has_ended(Machines.names[-1]), run.output
    assert run.code != 0, run.output
    assert site.has_later()
    again = site.bring_back()
    assert again.code == 0, again.output
    site.is_restored()


@pytest.mark.matrix
@pytest.mark.parametrize("step", BACK)
def test_a_rollback_that_ends_between_two_of_its_steps_goes_on(site: Restored, step: str) -> None:
    assert site.bring_back(kill=Kill("Put every member's new data in place")).killed
    site.machines.end_at(ACTOR, step)
    run = site.bring_back(*PUT_BACK)
    assert site.machines.has_ended(ACTOR), run.output
    assert run.code != 0, run.output
    site.never_are_two_clusters()
    assert site.bring_back(*PUT_BACK).code == 0
    site.is_as_before()
    assert site.bring_back().code == 0
    site.is_restored()


@pytest.mark.matrix
@pytest.mark.parametrize("task", TASKS[TASKS.index("Mark every host") :])
def test_a_machine_that_loses_its_power_comes_back_to_the_same_command(site: Restored, task: str) -> None:
    assert site.bring_back(kill=Kill(task)).killed
    site.machines.power_off(ACTOR)
    without = site.bring_back()
    assert without.code != 0, without.output
    assert "gave no answer" in without.said
    site.machines.power_on(ACTOR)
    site.never_are_two_clusters()
    again = site.bring_back()
    assert may_have_voted(again) if task == TASKS[-1] else again.code == 0, again.output
    site.is_restored()


@pytest.mark.matrix
def test_the_others_go_on_without_a_machine_that_is_off_and_it_comes_late(site: Restored) -> None:
    assert site.bring_back(kill=Kill("Start every member without its clients")).killed
    site.machines.power_off(ACTOR)
    others = [host for host in site.machines.names if host != ACTOR]
    run = site.bring_back(*site.SAY, "-e", f"etcd_fenced={site.machines.address(ACTOR)}")
    assert run.code == 0, run.output
    site.members.hold_every_acknowledged_write(others, records=1)
    site.machines.power_on(ACTOR)
    site.never_are_two_clusters()
    assert site.members.processes(ACTOR) == []
    back = site.bring_back(*PUT_BACK)
    assert "have the restored data already" in back.said, back.output
    late = site.bring_back()
    assert late.code == 0, late.output
    site.is_restored()


@pytest.mark.matrix
def test_without_room_for_the_new_data_nothing_is_begun(site: Restored) -> None:
    site.machines.fill(ACTOR)
    full = site.bring_back()
    site.machines.drain(ACTOR)
    assert full.code != 0, full.output
    assert "free" in full.said, full.output
    site.is_as_before()
    assert site.bring_back().code == 0
    site.is_restored()


@pytest.mark.matrix
@pytest.mark.parametrize("task", ["Put every member's new data in place", "Start every member without its clients"])
def test_a_disk_that_is_filled_meanwhile_stops_it_until_there_is_room(site: Restored, task: str) -> None:
    assert site.bring_back(kill=Kill(task)).killed
    site.machines.fill(ACTOR)
    full = site.bring_back()
    site.never_are_two_clusters()
    site.machines.drain(ACTOR)
    if full.code != 0:
        assert "no space left on device" in full.said.lower(), full.output
        again = site.bring_back()
        assert again.code == 0, again.output
    site.is_restored()
