# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages by which three members get another minor of etcd, forth and back, and a cluster that stands before one."""

from __future__ import annotations

from changes import THREE, UPDATE, Change
from inventories import Inventory
from living import MOST_RUNS, Living

RELEASES = ("3.4.23", "3.5.33", "3.6.14", "3.7.1")

RENEW = (
    "raft snapshots: announced",
    "raft snapshots: downgrade enabled",
    "raft snapshots: about to cancel",
    "raft snapshots: downgrade cancelled",
)
ENABLE = ("downgrade: validated", "downgrade: enabled")


def running(version: str) -> Inventory:
    """Three members of a release."""
    return Inventory(THREE, version=version)


def stage(before: str, after: str, actor: str = "etcd-host1", leads: bool = True) -> Change:
    """All members get another minor.

    :param actor: whose update something goes wrong with; the leader's is the last.
    """
    goes_back = RELEASES.index(after) < RELEASES.index(before)
    return Change(
        f"{before} to {after}",
        running(before),
        running(after),
        "Update the member",
        actor,
        UPDATE,
        leads=leads,
        updates=THREE,
        downgrades_to=after.rpartition(".")[0] if goes_back else "",
    )


def stand_before(living: Living, change: Change) -> None:
    """A cluster that is as a stage finds it. What is nowhere on its way there is founded with an older release, so that
    there is in its log what that has written.
    """
    before = change.before.version
    if living.version == before:
        return
    if living.version not in RELEASES or RELEASES.index(living.version) > RELEASES.index(before):
        living.begin_anew(running(RELEASES[0] if before == RELEASES[0] else RELEASES[1]))
    if living.version != before:
        living.be(change.before)


def cancel(living: Living) -> None:
    """Cancel a downgrade, again and again until it says that none is pending."""
    for _run in range(MOST_RUNS):
        run = living.cancelling.run()
        if run.code == 0 and "no downgrade is pending" in run.said:
            return
    raise AssertionError(run.output)
