# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster whose databases are full is reclaimed, and that is interrupted: the same command brings it to its end.

A client writes all the while, and is told that there is no room until there is some.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from accidents import Accident, Ended, KilledDuring, PowerCut
from changes import FIVE, THREE, Change
from inventories import Inventory
from living import Living
from playbook import How, Kill, Playbook

#: As many files of the log as etcd keeps, the next one, and a database that is written anew beside itself.
DISK = "1g"
HOSTS = FIVE
BY_NAME = True

QUOTA = 20 << 20
SMALL = Inventory(THREE, settings={"quota-backend-bytes": QUOTA})
#: Does what the cluster does once; defragments.
FIRST, ACTOR, _ = THREE

ONCE = ("compaction: agreed", "alarm: disarmed")
EACH = ("defrag: begun", "defrag: done")

#: Where the most is at stake: nobody can have the lock.
SAMPLE: list[tuple[str, Accident]] = [(ACTOR, Ended("defrag: begun"))]
EVERY: list[tuple[str, Accident]] = [
    *((FIRST, Ended(step)) for step in ONCE),
    *((ACTOR, accident(step)) for accident in (Ended, PowerCut) for step in EACH),
    (ACTOR, KilledDuring("Defragment", 0.3)),
    (FIRST, KilledDuring("Disarm the alarm", 0.3)),
]


def cases() -> Iterator[object]:
    for actor, accident in [*SAMPLE, *(case for case in EVERY if case not in SAMPLE)]:
        marks = () if (actor, accident) in SAMPLE else (pytest.mark.matrix,)
        yield pytest.param(actor, accident, marks=marks, id=str(accident))


@contextmanager
def full(living: Living) -> Iterator[Playbook]:
    """What is done here is to make a full cluster take writes again.

    :returns: the playbook for that.
    """
    living.be(SMALL)
    with living.enduring(THREE):
        living.members.fill(FIRST)
        reclaim = living.controller("controller", "quorum.etcd.reclaim")
        reclaim.variables = {"etcd_reclaim_keep_revisions": 10}
        yield reclaim
        assert living.members.alarms(FIRST) == set()
        for host, size in living.members.sizes(THREE).items():
            assert size < QUOTA / 2, host
            assert living.members.takes_a_write(host, f"/reclaimed/{host}")


@pytest.mark.matrix
def test_a_full_cluster_takes_writes_again(living: Living) -> None:
    """And the same command, given without need, costs nothing."""
    with full(living) as reclaim:
        before = living.members.sizes(THREE)
        foreseen = reclaim.run("--check")
        assert foreseen.code == 0, foreseen.output
        assert all(f"defragment {host}" in foreseen.said for host in THREE)
        assert living.members.alarms(FIRST) == {"NOSPACE"}
        assert all(size >= before[host] for host, size in living.members.sizes(THREE).items())
        named = living.playbook.run("--check")
        assert "has the alarm NOSPACE. The cluster takes no writes." in named.said
        assert "ansible-playbook quorum.etcd.reclaim" in named.said

        pids = living.pids(THREE)
        done = reclaim.run()
        assert done.code == 0, done.output
        again = reclaim.run()
        assert again.code == 0, again.output
        assert living.pids(THREE) == pids


@pytest.mark.parametrize(("actor", "accident"), list(cases()))
def test_the_same_command_reclaims_what_an_interrupted_one_has_left(
    living: Living, actor: str, accident: Accident
) -> None:
    change = Change("reclaim", SMALL, SMALL, "Defragment", actor, (*ONCE, *EACH))
    with full(living) as reclaim:
        accident.happens(living.machines, reclaim, living.members, change, How())
        living.members.awaited(actor)
        run = reclaim.run()
        assert run.code == 0, run.output


@pytest.mark.matrix
def test_a_run_that_is_killed_before_any_of_its_tasks_is_completed_by_the_same_command(living: Living) -> None:
    """Each time one task later, until the run is over before."""
    killed = True
    for number in itertools.count(1):
        if not killed:
            return
        with full(living) as reclaim:
            run = reclaim.run(kill=Kill(number))
            killed = run.killed
            if killed:
                run = reclaim.run()
            assert run.code == 0, run.output


@pytest.mark.matrix
def test_a_full_file_system_is_named_and_nothing_is_defragmented_on_it(living: Living) -> None:
    with full(living) as reclaim:
        living.machines.fill(ACTOR)
        try:
            run = reclaim.run()
            assert run.code != 0, run.output
            # As long as etcd has not noticed it serves.
            assert "0 MiB free, and to write the database" in run.said or "0 MiB are free where" in run.said
        finally:
            living.machines.drain(ACTOR)
        living.members.awaited(ACTOR)
        run = reclaim.run()
        assert run.code == 0, run.output
