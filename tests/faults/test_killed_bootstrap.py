# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A first run that is killed is completed by the same command, or refused where a disk was lost in between."""

from __future__ import annotations

import time

import pytest
from machines import Machines
from members import MARKER, Members
from playbook import TASKS, How, Kill, Playbook, Run

ACTS = (
    "Install",
    "Make the certificate authorities",
    "Write the member's files",
    "Reach every member",
    "Start the member",
    "Await the member",
)

LOSER = Machines.names[1]
STATE = MARKER.rpartition("/")[0]
LOSE_MARKER = f"rm -r {STATE}"
LOSE_DATA = "rm -r /var/lib/etcd/member"


@pytest.mark.parametrize("task", ["Start the member"])
def test_a_run_killed_between_two_steps_is_completed_by_the_same_command(
    playbook: Playbook, members: Members, task: str
) -> None:
    run = _killed(playbook, Kill.at(task))
    assert run.tasks == TASKS[: 1 + TASKS.index(task)], run.output
    playbook.run_until_done()
    members.are_one_healthy_cluster()


@pytest.mark.matrix
def test_a_run_killed_while_hosts_write_their_files_is_completed_by_the_same_command(
    playbook: Playbook, members: Members
) -> None:
    _killed(playbook, Kill.at("Write the member's files", after=0.4))
    playbook.run_until_done()
    members.are_one_healthy_cluster()


@pytest.mark.matrix
@pytest.mark.parametrize("number", range(1, 1 + len(TASKS)), ids=lambda number: f"{number}, {TASKS[number - 1]}")
def test_a_run_killed_at_any_boundary_is_completed_by_the_same_command(
    playbook: Playbook, members: Members, number: int
) -> None:
    """With ssh's connections used in either of Ansible's ways, and run again at once or after a pause."""
    run = _killed(playbook, Kill(number), pipelining=number % 2 == 0)
    assert run.tasks == TASKS[:number], run.output
    time.sleep(5 if number % 4 < 2 else 0)
    playbook.run_until_done()
    members.are_one_healthy_cluster()


@pytest.mark.matrix
def test_a_run_killed_again_and_again_is_completed_by_the_same_command(playbook: Playbook, members: Members) -> None:
    """On the same hosts, each time one task later: some of its work has been done before, by runs that were killed."""
    for number in range(1, 1 + len(TASKS)):
        run = playbook.run(kill=Kill(number))
        assert run.killed or run.done, run.output
    playbook.run_until_done()
    members.are_one_healthy_cluster()


@pytest.mark.matrix
def test_these_are_all_boundaries(playbook: Playbook) -> None:
    assert playbook.run().tasks == TASKS


@pytest.mark.matrix
@pytest.mark.parametrize("after", [0.3, 0.7])
@pytest.mark.parametrize("task", ACTS)
def test_a_run_killed_during_any_act_is_completed_by_the_same_command(
    playbook: Playbook, members: Members, task: str, after: float
) -> None:
    """At once: what the killed run began may still be at work on a host."""
    _killed(playbook, Kill.at(task, after), pipelining=after < 0.5)
    playbook.run_until_done()
    members.are_one_healthy_cluster()


@pytest.mark.matrix
@pytest.mark.parametrize("power", ["", "power cut"])
@pytest.mark.parametrize("step", ["found: claimed", "found: files written", "found: agreed"])
def test_a_host_that_is_lost_between_two_steps_of_an_act_is_completed_by_the_same_command(
    machines: Machines, playbook: Playbook, members: Members, step: str, power: str
) -> None:
    machines.end_at(LOSER, step)
    run = playbook.run()
    assert machines.has_ended(LOSER), run.output
    assert run.code != 0, run.output
    if power:
        machines.power_off(LOSER)
        machines.power_on(LOSER)
    playbook.run_until_done()
    members.are_one_healthy_cluster()


@pytest.mark.matrix
def test_a_marker_lost_before_all_had_agreed_costs_nothing(
    machines: Machines, playbook: Playbook, members: Members
) -> None:
    _killed(playbook, Kill.at("Reach every member"))
    machines.run(LOSER, LOSE_MARKER)
    playbook.run_until_done()
    members.are_one_healthy_cluster()


@pytest.mark.matrix
def test_a_marker_lost_after_all_had_agreed_is_a_refusal(
    machines: Machines, playbook: Playbook, members: Members
) -> None:
    _killed(playbook, Kill.at("Start the member"))
    machines.run(LOSER, LOSE_MARKER)
    run = playbook.run()
    assert run.code != 0, run.output
    assert f"{LOSER} ({machines.address(LOSER)}) has no marker" in run.said
    assert "all hosts had a marker then" in run.said
    assert f"remove {STATE} on every host of the group and run again" in run.said
    members.none_has_started()

    for host in machines.names:
        machines.run(host, f"rm -rf {STATE}")
    playbook.run_until_done(runs=1)
    members.are_one_healthy_cluster()


@pytest.mark.matrix
def test_data_lost_after_the_first_start_are_not_made_anew(
    machines: Machines, playbook: Playbook, members: Members
) -> None:
    _started(playbook, members)
    _reboot_without(machines, LOSE_DATA)
    run = playbook.run()
    assert run.code != 0, run.output
    assert "there is no write-ahead log in /var/lib/etcd/member/wal: its data are gone" in run.said
    assert "mount it: the unit starts by itself" in run.said
    _keep_what_was_written(members)


@pytest.mark.matrix
def test_a_marker_lost_after_the_first_start_is_a_refusal(
    machines: Machines, playbook: Playbook, members: Members
) -> None:
    _started(playbook, members)
    _reboot_without(machines, LOSE_MARKER)
    run = playbook.run()
    assert run.code != 0, run.output
    assert f"{LOSER} ({machines.address(LOSER)}) has a write-ahead log in /var/lib/etcd/member/wal" in run.said
    assert "its marker (none) does not say that it is ours" in run.said
    _keep_what_was_written(members)


@pytest.mark.matrix
def test_a_host_that_lost_everything_after_the_first_start_is_not_founded_anew(
    machines: Machines, playbook: Playbook, members: Members
) -> None:
    _started(playbook, members)
    _reboot_without(machines, f"{LOSE_MARKER}; {LOSE_DATA}")
    run = playbook.run()
    assert run.code != 0, run.output
    assert f"{LOSER} ({machines.address(LOSER)}) has no marker" in run.said
    _keep_what_was_written(members)


def _killed(playbook: Playbook, kill: Kill, pipelining: bool = True) -> Run:
    run = playbook.run(kill=kill, how=How(pipelining=pipelining))
    assert run.killed, run.output
    return run


def _started(playbook: Playbook, members: Members) -> None:
    """A cluster that takes writes, and a run that did not live to see it."""
    _killed(playbook, Kill.at("Await the member"))
    for host in Machines.names:
        members.awaited(host)
    members.write(Machines.names)


def _reboot_without(machines: Machines, loss: str) -> None:
    machines.run(LOSER, f"systemctl stop etcd; {loss}")
    machines.power_off(LOSER)
    machines.power_on(LOSER)


def _keep_what_was_written(members: Members) -> None:
    """The others serve on, and the host that lost something is no member of anything."""
    assert members.processes(LOSER) == []
    members.hold_every_acknowledged_write([host for host in Machines.names if host != LOSER])
