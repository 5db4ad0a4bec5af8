# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A downgrade is cancelled at each stage, a member is lost while one is pending, and two operators want two releases.

A client writes all the while. Each test goes on with the cluster that the one before has left.
"""

from __future__ import annotations

import pytest
from changes import THREE, Change, lose_data
from inventories import Inventory
from ledger import Ledger, Result
from living import MOST_RUNS, Living
from playbook import Kill, Playbook, at_once
from stages import cancel, running, stage, stand_before

DISK = "1g"
HOSTS = THREE
FIRST, _SECOND, LAST = THREE

#: Each test has the one of these on which the test before has left the cluster.
FROM_SEVEN = stage("3.7.1", "3.6.14")
TO_FIVE = stage("3.6.14", "3.5.33")

#: What a run says that does not go on because of another one, or of what that has left.
REFUSALS = (
    "Somebody else is at work on this cluster",
    "Somebody else gave it another release meanwhile",
    "Run the same command again",
    "refused, no",
    "not all is done",
    "is pending.",
    "The cluster is being downgraded to",
)


def begun(living: Living, change: Change, kill: Kill | None = None) -> Playbook:
    """A downgrade that goes as far as that it is enabled, or until it is killed; its playbook.

    The inventory asks for no release then: one that is newer would be refused.
    """
    living.write(Inventory(THREE))
    playbook = living.going_back(change.downgrades_to)
    if kill is None:
        living.machines.end_at(FIRST, "downgrade: enabled")
    run = playbook.run(kill=kill)
    assert run.code != 0, run.output
    return playbook


@pytest.mark.matrix
def test_of_two_operators_who_want_two_releases_the_last_one_has_his(living: Living, ledger: Ledger) -> None:
    before = "3.5.33"
    stand_before(living, stage(before, "3.6.14"))
    with living.becoming(running("3.7.1"), THREE):
        _at_once(living, living.rival(running("3.6.14")))
        runs = living.playbook.run_until_done(MOST_RUNS)
    ledger.add(f"{before} to 3.7.1", "somebody else wants 3.6.14", Result(False, runs, living.verdict))


@pytest.mark.matrix
def test_cancelled_between_two_members_the_newer_release_comes_back(living: Living, ledger: Ledger) -> None:
    change = FROM_SEVEN
    stand_before(living, change)
    with living.becoming(change.before, THREE):
        begun(living, change, Kill("Update the member", 1.5))
        cancel(living)
        living.write(change.before)
        runs = living.playbook.run_until_done(MOST_RUNS)
    ledger.add(change.name, "run killed, cancelled, upgraded again", Result(False, runs, living.verdict))


@pytest.mark.matrix
def test_one_that_is_begun_again_right_after_it_was_cancelled_is_done(living: Living, ledger: Ledger) -> None:
    """The module that cancels ends before the version has risen again, which takes seconds."""
    change = FROM_SEVEN
    stand_before(living, change)
    with living.becoming(change.after, THREE):
        playbook = begun(living, change)
        living.machines.end_at(FIRST, "downgrade: cancelled")
        run = living.cancelling.run()
        assert living.machines.has_ended(FIRST), run.output
        runs = playbook.run_until_done(MOST_RUNS)
        living.write(change.after)
    ledger.add(change.name, "module killed while it cancels, begun again", Result(False, runs, living.verdict))


@pytest.mark.matrix
def test_cancelled_before_the_first_update_no_member_has_restarted(living: Living, ledger: Ledger) -> None:
    change = TO_FIVE
    stand_before(living, change)
    with living.becoming(change.before, THREE, lasting=THREE):
        begun(living, change)
        cancel(living)
        living.write(change.before)
    ledger.add(change.name, "cancelled once it is enabled", Result(False, 1, living.verdict))


@pytest.mark.matrix
def test_an_upgrade_beside_a_downgrade_of_somebody_else_is_done_once_that_is_cancelled(
    living: Living, ledger: Ledger
) -> None:
    before = "3.6.14"
    stand_before(living, stage(before, "3.7.1"))
    with living.becoming(running("3.7.1"), THREE):
        other = living.going_back("3.5")
        other.variables["etcd_version"] = ""
        _at_once(living, other)
        cancel(living)
        runs = living.playbook.run_until_done(MOST_RUNS)
    ledger.add(f"{before} to 3.7.1", "somebody else wants 3.5", Result(False, runs, living.verdict))


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("change", "task"),
    [(FROM_SEVEN, "Await the cluster version"), (TO_FIVE, "Update the member")],
    ids=["before any update", "during an update"],
)
def test_a_member_that_is_lost_while_one_is_pending_is_replaced_once_it_is_cancelled(
    living: Living, ledger: Ledger, change: Change, task: str
) -> None:
    stand_before(living, change)
    if change is TO_FIVE:
        living.members.lead(LAST, THREE)
    with living.becoming(change.after, THREE, bears_it=False):
        playbook = begun(living, change, Kill(task, 1.0))
        lose_data(living.machines, LAST)
        run = playbook.run()
        if not run.done:
            assert run.code != 0, run.output
            assert "etcd_downgrade_cancel=true" in run.said, run.output
            cancel(living)
            living.playbook.run()
            living.members.are_one_healthy_cluster(THREE)
        runs = playbook.run_until_done(MOST_RUNS)
        living.write(change.after)
    ledger.add(change.name, f"run killed during {task}, a disk lost, cancelled", Result(False, runs, living.verdict))


def _at_once(living: Living, other: Playbook) -> None:
    """Both are done, or one says that it does not go on because of the other."""
    for run in at_once(living.playbook, other):
        assert run.done or run.code == 0 or any(refusal in run.said for refusal in REFUSALS), run.output
