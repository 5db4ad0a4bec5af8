# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An upgrade or a downgrade is interrupted, wherever and by whatever: the same command brings it to its end.

A client writes all the while. The cluster goes up and down again: each case goes on with what the one before has left.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from accidents import Accident, DataLost, DiskOf, Ended, Killed, KilledDuring, NoAccident, PowerCut, Trouble
from changes import THREE, UPDATE, Change
from ledger import Ledger
from living import Living, Ways
from playbook import TASKS as RUN
from stages import ENABLE, RENEW, stage, stand_before

DISK = "1g"
HOSTS = THREE
#: How many cases are in the fixed sample: the first of a way up.
SAMPLE = 1

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
#: Each stage begins where the one before has ended, so that none is gone through for nothing.
ROUND = (("3.6.14", "3.7.1"), ("3.7.1", "3.6.14"), ("3.6.14", "3.5.33"), ("3.5.33", "3.6.14"))

#: The step of an update after which a member has data of another release.
RESTARTED = "update: restarted"

#: The first task of a run that may touch a host. What comes before is the same whatever is to change.
WALK = 1 + RUN.index("Walk the plan")

#: What goes wrong, and with whose update.
Case = tuple[Accident, dict[str, Any]]
LED_BY_ANOTHER: dict[str, Any] = {"leads": False}
FIRST_ACTS: dict[str, Any] = {"actor": THREE[0], "leads": False}


def _on_any_stage() -> list[list[Case]]:
    """What may go wrong with each stage, for all are updates by the same steps: what goes wrong on each.

    Each step once by its module's end and once by a power cut, one of them on a way up and the other on a way down; and
    on every stage the one that gives a member another release.
    """
    queues: list[list[Case]] = [[], [], [], []]
    # Right before the act, an idle wave: the release is there, and who leads is last.
    for number, queue in enumerate(queues):
        queue.append((PowerCut(RESTARTED) if number % 2 else Ended(RESTARTED), {}))
    for number, step in enumerate(step for step in UPDATE if step != RESTARTED):
        queues[number].append((Ended(step), {}))
        queues[number - 2].append((PowerCut(step), {}))
    troubles = itertools.product(("member", "leader"), ("power cut", "partition"))
    for number, (queue, (victim, trouble)) in enumerate(zip(queues, troubles)):
        queue.append((Trouble(victim, trouble), LED_BY_ANOTHER))
        queue.append((DiskOf("slow" if number % 2 else "full"), LED_BY_ANOTHER))
        queue.append((KilledDuring("Update the member", 1.5 if number % 2 else 0.7), {}))
    return queues


def _on_each_stage() -> list[list[Case]]:
    """What goes wrong on each: of what only one of them has, as well."""
    to_seven, from_seven, to_five, from_five = _on_any_stage()
    renewing: list[Case] = [(Ended(step), FIRST_ACTS) for step in RENEW]
    renewing += [(PowerCut(step), FIRST_ACTS) for step in RENEW[:2]]
    enabling: list[Case] = [(accident(step), FIRST_ACTS) for step in ENABLE for accident in (Ended, PowerCut)]
    # A downgrade that is pending lets nobody be replaced: that is another test's.
    install, update, await_version = ((DataLost(task, 1.0, "etcd-host2"), {}) for task in TASKS[:3])
    save, enable, await_end = ((KilledDuring(task, 0.7), {}) for task in TASKS[3:])
    return [
        [*renewing[1:], renewing[0], *to_seven, update],
        [*from_seven, *enabling, save, await_end],
        [*to_five, (Ended(ENABLE[1]), FIRST_ACTS), enable],
        [*from_five, install, await_version],
    ]


def _around() -> Iterator[tuple[Change, Accident]]:
    """Each case on the stage where the one before has left the cluster."""
    for cases in itertools.zip_longest(*_on_each_stage()):
        for (before, after), case in zip(ROUND, cases):
            if case:
                accident, how = case
                yield stage(before, after, **how), accident


def _once() -> Iterator[tuple[Change, Accident]]:
    yield stage(*ONCE), Ended(RESTARTED)
    yield stage(*ONCE), Trouble("leader", "power cut")
    yield stage(*ONCE), DataLost("Update the member", 1.0, "etcd-host2")


def _ways(number: int) -> Ways:
    """How the runs of a case go: in other ways on the same stage of the next round."""
    return Ways.of(number + number // len(ROUND))


def _cases() -> Iterator[object]:
    for number, (change, accident) in enumerate((*_around(), *_once())):
        # Where the cluster knows of something that its members do not have yet.
        marks = () if number < SAMPLE else (pytest.mark.matrix,)
        yield pytest.param(change, accident, _ways(number), marks=marks, id=f"{change.name}, {accident}")


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
    """Each time one task later and on the next stage, until all runs are over before.

    A step has two tasks, of which the first asks who reaches whom: before one of them a run up is killed, before the
    other a run down.
    """
    over: set[str] = set()
    for number, (before, after) in zip(itertools.count(), itertools.cycle(ROUND)):
        change = stage(before, after, leads=False)
        stand_before(living, change)
        accident = NoAccident() if change.name in over else Killed(WALK + number)
        result = living.goes_through(change, accident, _ways(number))
        if result.undisturbed:
            over.add(change.name)
        else:
            ledger.add(change.name, Killed.name, result)
        if len(over) == len(ROUND):
            return
