# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recovery from a lost quorum that is interrupted goes on by the same command, or is put back.

Never do two clusters serve, and all that the survivor has is there afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from machines import Machines
from playbook import How, Kill
from sites import CLUSTER, PUT_BACK, Site, kept, sampled

#: Whose member goes on, and those whose members are lost.
SURVIVOR, *LOST = Machines.names

#: The acts of a recovery in their order.
TASKS = (
    "Save a snapshot while the member still answers",
    "Stop every member",
    "Plan again, now that every member is stopped",
    "Make a cluster of one member",
    "Archive the data of the others",
    "Let the others join",
)
#: The steps of the acts at which a module may end, on the host whose member goes on, and on another.
RESCUE = (
    "rescue: files written",
    "rescue: copied",
    "rescue: agreed",
    "rescue: alone",
    "rescue: no way back",
    "rescue: old data archived",
    "rescue: data in place",
    "rescue: marked",
    "rescue: started",
)
REST = ("recover: marked", "recover: stopped", "recover: data archived")
BACK = "recover: put back"


@dataclass
class Recovered(Site):
    """A cluster, and the writes that it has acknowledged."""

    PLAYBOOK = "quorum.etcd.recover"
    SAY = ("-e", f"etcd_confirm_cluster={CLUSTER}")

    def begin(self) -> None:
        self.is_whole = False
        for host in Machines.names:
            self.machines.run(host, "rm -rf /var/lib/etcd/member.* /var/lib/etcd-snapshots")
        self.members.write(Machines.names, 0.5)

    def lose_disks(self) -> None:
        """Two of three lose their data."""
        for host in LOST:
            self.machines.run(host, "systemctl kill --signal KILL etcd; rm -rf /var/lib/etcd/member")

    def is_recovered(self) -> None:
        """One cluster serves that has all members again, and all that was ever acknowledged."""
        self.members.are_one_healthy_cluster()
        self.members.hold_every_acknowledged_write(Machines.names, records=1)
        for host in Machines.names:
            assert self.leftovers(host) == "", host
        self.is_whole = True

    def leftovers(self, host: str) -> str:
        """What was needed for the recovery alone."""
        # Reports of new connections end by themselves, half a minute after the last act.
        units = "systemctl list-units --all --plain --no-legend 'quorum-etcd-*' | grep -v ^quorum-etcd-report- || :"
        return self.machines.run(host, f"ls -d /var/lib/etcd/recovering 2>/dev/null || :; {units}")

    def never_are_two_clusters(self) -> None:
        """All members that serve now, to any client that knows their addresses, are members of the same."""
        found = set()
        for host in Machines.names:
            with contextlib.suppress(EtcdError), self.members.client(host) as client:
                found.add(tuple(sorted(member.id for member in client.member_list().members)))
        assert len(found) <= 1, found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Recovered]]:
    """A site that serves."""
    yield from kept(Recovered, "faults-recovery", tmp_path_factory)


@pytest.fixture
def site(made: Callable[[], Recovered]) -> Recovered:
    site = made()
    site.begin()
    return site


@pytest.mark.parametrize("task", sampled(TASKS))
def test_a_run_killed_between_two_acts_goes_on_by_the_same_command(site: Recovered, task: str) -> None:
    site.lose_disks()
    run = site.bring_back(kill=Kill(task))
    assert run.killed, run.output
    site.never_are_two_clusters()
    again = site.bring_back()
    assert again.code == 0, again.output
    site.is_recovered()


@pytest.mark.matrix
@pytest.mark.parametrize("after", [0.3, 1.5])
@pytest.mark.parametrize("task", TASKS)
def test_a_run_killed_during_an_act_goes_on_by_the_same_command(site: Recovered, task: str, after: float) -> None:
    """At once: what the killed run began may still be at work on a host."""
    site.lose_disks()
    how = How(pipelining=after < 1)
    run = site.bring_back(kill=Kill(task, after), how=how)
    assert run.killed or run.code == 0, run.output
    site.never_are_two_clusters()
    if run.killed:
        again = site.bring_back(how=how)
        assert again.code == 0, again.output
    site.is_recovered()


@pytest.mark.parametrize(
    ("host", "step"),
    [
        pytest.param(host, step, marks=() if step == "rescue: old data archived" else pytest.mark.matrix, id=step)
        for host, steps in ((SURVIVOR, RESCUE), (LOST[0], REST))
        for step in steps
    ],
)
def test_an_act_that_ends_between_two_of_its_steps_goes_on_by_the_same_command(
    site: Recovered, host: str, step: str
) -> None:
    site.lose_disks()
    site.machines.end_at(host, step)
    run = site.bring_back()
    assert site.machines.has_ended(host), run.output
    assert run.code != 0, run.output
    site.never_are_two_clusters()
    refused = site.play("quorum.etcd.etcd").run()
    assert f"quorum.etcd.recover -i INVENTORY -e etcd_confirm_cluster={CLUSTER}" in refused.said, refused.output
    again = site.bring_back()
    assert again.code == 0, again.output
    site.is_recovered()


@pytest.mark.matrix
def test_machines_that_come_back_are_the_cluster_again_and_what_was_begun_is_rolled_back(site: Recovered) -> None:
    """They were said to be off for good, and were not: with their data they are a quorum."""
    site.machines.power_off(*LOST)
    fenced = ("-e", f"etcd_fenced={','.join(LOST)}")
    run = site.bring_back(*site.SAY, *fenced, kill=Kill("Make a cluster of one member"))
    assert run.killed, run.output
    site.machines.power_on(*LOST)
    for host in LOST:
        site.members.awaited(host)
    site.never_are_two_clusters()
    refused = site.bring_back()
    assert "the quorum is not lost." in refused.said, refused.output
    assert "Members that serve would be given up without need." in refused.said, refused.output
    assert " ".join(PUT_BACK) in refused.said, refused.output
    back = site.bring_back(*PUT_BACK)
    assert back.code == 0, back.output
    site.is_recovered()


@pytest.mark.matrix
def test_a_rollback_that_ends_between_two_of_its_steps_goes_on(site: Recovered) -> None:
    site.machines.power_off(*LOST)
    fenced = ("-e", f"etcd_fenced={','.join(LOST)}")
    assert site.bring_back(*site.SAY, *fenced, kill=Kill("Make a cluster of one member")).killed
    site.machines.power_on(*LOST)
    site.machines.end_at(SURVIVOR, BACK)
    assert site.bring_back(*PUT_BACK).code != 0
    assert site.machines.has_ended(SURVIVOR)
    # Its marker is back: an ordinary run starts it.
    site.play("quorum.etcd.etcd").run_until_done()
    site.is_recovered()


@pytest.mark.matrix
@pytest.mark.parametrize("task", TASKS[2:])
def test_a_survivor_that_loses_its_power_comes_back_to_the_same_command(site: Recovered, task: str) -> None:
    site.lose_disks()
    assert site.bring_back(kill=Kill(task)).killed
    site.machines.power_off(SURVIVOR)
    without = site.bring_back()
    assert f"{SURVIVOR} could not be looked at" in without.said or "unreachable" in without.said.lower()
    assert without.code != 0, without.output
    site.machines.power_on(SURVIVOR)
    site.never_are_two_clusters()
    again = site.bring_back()
    assert again.code == 0, again.output
    site.is_recovered()
