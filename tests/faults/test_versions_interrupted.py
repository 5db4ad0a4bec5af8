# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An upgrade or a downgrade is interrupted, wherever and by whatever: the same command brings it to its end.

A client writes all the while. The cluster goes up and down again: each case goes on with what the one before has left.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from accidents import Accident, DataLost, DiskOf, Ended, Killed, KilledDuring, NoAccident, PowerCut, Trouble
from changes import THREE, UPDATE, Change
from ledger import Ledger
from living import Living, Ways
from stages import ENABLE, RENEW, stage, stand_before

DISK = "1g"
HOSTS = THREE
FIRST = THREE[0]

#: Of an upgrade, and of a downgrade.
TASKS = (
    "Install",
    "Update the member",
    "Await the cluster version",
    "Save a snapshot before the downgrade",
    "Enable the downgrade",
    "Await the end of the downgrade",
)

#: From 3.5 no way leads back to 3.4.
ONCE = ("3.4.23", "3.5.33")
ROUND = (("3.5.33", "3.6.14"), ("3.6.14", "3.7.1"), ("3.7.1", "3.6.14"), ("3.6.14", "3.5.33"))

#: Where the cluster knows of something that its members do not have yet.
SAMPLE: list[tuple[Change, Accident]] = [
    (stage("3.6.14", "3.7.1", FIRST, leads=False), Ended("raft snapshots: downgrade enabled")),
    (stage("3.7.1", "3.6.14"), PowerCut("update: restarted")),
]


def _on_each_stage(accident: Accident, **how: object) -> Iterator[tuple[Change, Accident]]:
    for before, after in ROUND:
        yield stage(before, after, **how), accident  # type: ignore[arg-type]


def _inside_each_act() -> Iterator[tuple[Change, Accident]]:
    # Right before the act, an idle wave: the release is there, and who leads is last.
    for step in UPDATE:
        yield from _on_each_stage(Ended(step))
        yield from _on_each_stage(PowerCut(step))
    for renews, enables in itertools.zip_longest(RENEW, ENABLE):
        up, to_seven, down, to_five = (stage(before, after, FIRST, leads=False) for before, after in ROUND)
        for accident in (Ended, PowerCut) if enables else (Ended,):
            yield up, NoAccident()
            yield to_seven, accident(renews)
            yield down, accident(enables) if enables else NoAccident()
            yield to_five, accident(enables) if enables else NoAccident()


def _during_each_act() -> Iterator[tuple[Change, Accident]]:
    for after in (0.7, 1.5):
        yield from _on_each_stage(KilledDuring("Update the member", after))
    for victim, trouble in itertools.product(("member", "leader"), ("power cut", "partition")):
        yield from _on_each_stage(Trouble(victim, trouble), leads=False)
    yield from _on_each_stage(DiskOf("full"), leads=False)
    yield from _on_each_stage(DiskOf("slow"), leads=False)
    # A downgrade that is pending lets nobody be replaced: that is another test's.
    for going, returning in zip(TASKS[:3], TASKS[3:]):
        for before, after in ROUND[:2]:
            yield stage(before, after), DataLost(going, 1.0, "etcd-host2")
        for before, after in ROUND[2:]:
            yield stage(before, after), KilledDuring(returning, 0.7)


def _once() -> Iterator[tuple[Change, Accident]]:
    for step in UPDATE:
        yield stage(*ONCE), Ended(step)
    yield stage(*ONCE), Trouble("leader", "power cut")
    yield stage(*ONCE), DataLost("Update the member", 1.0, "etcd-host2")


def _cases() -> Iterator[object]:
    rest = [case for case in (*_inside_each_act(), *_during_each_act(), *_once()) if case not in SAMPLE]
    for number, (change, accident) in enumerate([*SAMPLE, *rest]):
        marks = () if number < len(SAMPLE) else (pytest.mark.matrix,)
        yield pytest.param(change, accident, Ways.of(number), marks=marks, id=f"{change.name}, {accident}")


@pytest.mark.parametrize(("change", "accident", "ways"), list(_cases()))
def test_the_same_command_brings_an_interrupted_change_of_release_to_its_end(
    living: Living, ledger: Ledger, change: Change, accident: Accident, ways: Ways
) -> None:
    stand_before(living, change)
    ledger.add(change.name, accident.name, living.goes_through(change, accident, ways))


@pytest.mark.matrix
def test_a_run_that_is_killed_before_any_of_its_tasks_is_completed_by_the_same_command(
    living: Living, ledger: Ledger
) -> None:
    """Each time one task later, until all runs are over before."""
    over: set[str] = set()
    for number in itertools.count(1):
        for before, after in ROUND:
            change = stage(before, after, leads=False)
            stand_before(living, change)
            accident = NoAccident() if change.name in over else Killed(number)
            result = living.goes_through(change, accident, Ways.of(number))
            if result.undisturbed:
                over.add(change.name)
            else:
                ledger.add(change.name, Killed.name, result)
        if len(over) == len(ROUND):
            return
