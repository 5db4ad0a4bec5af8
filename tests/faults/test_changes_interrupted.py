# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of a cluster that serves is interrupted, wherever and by whatever: the same command brings it to its end.

A client writes all the while. Each case goes on with the cluster that the one before has left.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from accidents import Accident, DiskOf, Ended, Killed, KilledDuring, NoAccident, PowerCut, Trouble
from changes import FIVE, REFILL, REPLACE, Change, grow, readdress, settings, shrink
from ledger import Ledger
from living import Living, Ways
from playbook import TASKS

HERE = Path(__file__).parent
MODULE_UTILS = HERE.parents[1] / "plugins" / "module_utils"
_TOLD = re.compile(r'checkpoints\.at\("([^"]+)"\)')

#: In memory: kept while a host is switched off, and small enough to be filled.
DISK = "512m"
HOSTS = FIVE

#: A change and the one that takes it back, so that each case begins where the one before has ended.
PAIRS = ((grow(), shrink()), (readdress(), readdress(2380)), (settings(), settings(100)))
TO_FIVE = (grow(FIVE), shrink(FIVE))
ALONE = (REPLACE, REFILL)
EVERY = (*itertools.chain.from_iterable(PAIRS), *TO_FIVE, *ALONE)

#: The first task of a run that may touch a host. What comes before is the same whatever is to change.
WALK = 1 + TASKS.index("Walk the plan")

#: Where the most is at stake: the cluster knows of something that the host does not know yet.
SAMPLE: list[tuple[Change, Accident]] = [
    (grow(), Ended("join: added")),
    (shrink(), PowerCut("leave: removed")),
    (settings(), KilledDuring("Update the member", 1.0)),
]


def _there_and_back(there: Change, back: Change) -> Iterator[tuple[Change, str]]:
    """Each step of two changes in turn; one that has no step left goes through with none.

    Where both go by the same act, each of its steps once.
    """
    if there.steps == back.steps:
        yield from zip(itertools.cycle((there, back)), there.steps)
        if len(there.steps) % 2:
            yield back, ""
        return
    for first, second in itertools.zip_longest(there.steps, back.steps, fillvalue=""):
        yield there, first
        yield back, second


def _inside_each_act() -> Iterator[tuple[Change, Accident]]:
    for accident in (Ended, PowerCut):
        for there, back in PAIRS:
            for change, step in _there_and_back(there, back):
                yield change, accident(step) if step else NoAccident()
        for change in ALONE:
            for step in change.steps:
                yield change, accident(step)
    # With another one that waits to join.
    for step in TO_FIVE[0].steps:
        yield TO_FIVE[0], Ended(step)
        yield TO_FIVE[1], NoAccident()


def _during_each_act() -> Iterator[tuple[Change, Accident]]:
    for change in EVERY:
        yield change, KilledDuring(change.task, 0.7)
    for victim, trouble in itertools.product(("member", "leader"), ("power cut", "partition")):
        for change in EVERY:
            yield change, Trouble(victim, trouble)
    for there, back in PAIRS:
        yield there, DiskOf("full")
        yield back, NoAccident()


def _cases() -> Iterator[object]:
    rest = [case for case in (*_inside_each_act(), *_during_each_act()) if case not in SAMPLE]
    for number, (change, accident) in enumerate([*SAMPLE, *rest]):
        marks = () if number < len(SAMPLE) else (pytest.mark.matrix,)
        yield pytest.param(change, accident, Ways.of(number), marks=marks, id=f"{change.name}, {accident}")


@pytest.mark.parametrize(("change", "accident", "ways"), list(_cases()))
def test_the_same_command_brings_an_interrupted_change_to_its_end(
    living: Living, ledger: Ledger, change: Change, accident: Accident, ways: Ways
) -> None:
    ledger.add(change.name, accident.name, living.goes_through(change, accident, ways))


@pytest.mark.matrix
@pytest.mark.parametrize(("there", "back"), [*PAIRS, TO_FIVE], ids=lambda change: change.name)
def test_a_run_that_is_killed_before_any_of_its_tasks_is_completed_by_the_same_command(
    living: Living, ledger: Ledger, there: Change, back: Change
) -> None:
    """Each time one task later, until the run is over before."""
    for number in itertools.count(1 if there is PAIRS[0][0] else WALK):
        # Where both go by the same act, each of its tasks once.
        for change in [(there, back)[number % 2]] if there.steps == back.steps else (there, back):
            result = living.goes_through(change, Killed(number), Ways.of(number))
            if result.undisturbed:
                return
            ledger.add(change.name, Killed.name, result)


@pytest.mark.matrix
@pytest.mark.parametrize("change", ALONE, ids=lambda change: change.name)
def test_a_replacement_that_is_killed_before_any_of_its_tasks_is_completed_by_the_same_command(
    living: Living, ledger: Ledger, change: Change
) -> None:
    for number in itertools.count(WALK):
        result = living.goes_through(change, Killed(number), Ways.of(number))
        if result.undisturbed:
            return
        ledger.add(change.name, Killed.name, result)


def test_every_step_of_every_act_is_one_at_which_something_goes_wrong() -> None:
    told = {step for source in MODULE_UTILS.rglob("*.py") for step in _TOLD.findall(source.read_text(encoding="utf-8"))}
    tried = {step for change in EVERY for step in change.steps}
    others = (HERE.parent / "component").glob("test_*.py"), HERE.parents[1].glob("molecule/*/tests/test_*.py")
    tests = [*HERE.glob("test_*.py"), *itertools.chain(*others)]
    elsewhere = {step for test in tests for step in told if f'"{step}"' in test.read_text()}
    assert told
    assert told - tried - elsewhere == set()
