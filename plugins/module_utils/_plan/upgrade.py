# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which releases the members of a cluster that serves are still to get, and whether they are all fit for it.

Nothing is remembered of an upgrade that was begun: what each member runs, and which version the cluster speaks, says
how far it came.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard, upgrade_rules
from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Install, Update
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import CANNOT_READ_V2, minor, order
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster


@dataclass(frozen=True)
class Course:
    """The way of a cluster to the release that the inventory asks for.

    :param target: the release at which it ends for now.
    :param stages: releases, each of which all members get before the first gets the next; empty where all run the
        target.
    :param running: host name -> the release that its member runs.
    :param awaits: the minor, such as C(3.6), that the cluster must speak before the first stage; empty if it does.
    :param held_at: C(etcd_upgrade_stop_at), below what some members run already; else empty.
    :param goes_back: whether it is a downgrade. Whether one is pending is known where all run the target as well.
    """

    target: str
    stages: tuple[str, ...]
    running: Mapping[str, str]
    awaits: str = ""
    held_at: str = ""
    goes_back: bool = False

    @property
    def is_due(self) -> bool:
        return bool(self.stages or self.awaits or self.goes_back)

    @property
    def changes_minor(self) -> bool:
        """Does a member get another minor than it has?"""
        had = set(map(minor, self.running.values()))
        return len(had) > 1 or any(minor(stage) not in had for stage in self.stages)

    def text(self) -> str:
        """The way for a person."""
        had = " and ".join(sorted(set(self.running.values()), key=order))
        return " -> ".join([had, *self.stages])

    def due_at(self, stage: str, host: str) -> bool:
        """Does a member get this release in its stage? Who is ahead of a stage that others need goes on from there."""
        has = self.running.get(host, "")
        if not has or has == stage:
            return False
        return stage == self.stages[-1] or order(has) < order(stage)


def course(hosts: Sequence[Host], roster: Roster | None, asked: str, stop_at: str) -> Course | None:
    """The way that is still ahead; None where no release is asked for, or nobody serves.

    :param asked: C(etcd_version).
    :param stop_at: C(etcd_upgrade_stop_at).
    :raises BadInput: the second is wrong.
    :raises Refused: there is no safe way.
    """
    running = {host.name: host.version for host in hosts if host.runs and host.version}
    has = set(running.values())
    target = upgrade_rules.destination(asked, stop_at, has)
    if roster is None or not target or not running:
        return None
    if stop_at and len(set(map(minor, has))) > 1 and target == max(has, key=order) and _is_below(stop_at, target):
        # What some members are behind is what they are not to get.
        return Course(target, (), running, held_at=stop_at)
    by = "etcd_version" if target == asked else "etcd_upgrade_stop_at"
    stages = () if has == {target} else tuple(upgrade_rules.path(has, target, by))
    return Course(target, stages, running, _awaited(hosts, has))


def _is_below(stop_at: str, target: str) -> bool:
    return order(stop_at)[:2] < order(target)[:2]


def _awaited(hosts: Sequence[Host], running: Collection[str]) -> str:
    """The minor that all members have and that the cluster does not speak yet."""
    minors = set(map(minor, running))
    told = [host.seen.cluster_version for host in hosts if host.answers and host.seen.cluster_version.count(".") == 2]
    if len(minors) > 1 or not told or all(minor(one) in minors for one in told):
        return ""
    return f"3.{minors.pop()}"


def check(hosts: Sequence[Host], roster: Roster, found: Course, votes: guard.Votes) -> None:
    """May the members of this cluster get another minor?

    :param votes: as the cluster is now.
    :raises BadInput: a release on the way does not take the settings.
    :raises Refused: not every member can go along.
    """
    for stage in found.stages:
        for host in hosts:
            if host.wanted is not None and host.wanted.present and not host.silent:
                render.flags(host.wanted, stage)
    if not found.changes_minor:
        return
    check_downgrade(found, votes, hosts)
    _check_all_go_along(hosts, roster, found, votes)


def behind(hosts: Sequence[Host], roster: Roster, votes: guard.Votes) -> list[str]:
    """Who cannot go along to another minor, and why. etcd goes on to it once all members have it."""
    strangers = roster.unmanaged()
    silent = [host for host in hosts if host.silent]
    return [
        *(f"{host.label} could not be looked at" for host in silent),
        *(f"member {guard.label(one)} is on no host of this inventory" for one in strangers if not silent),
        *(f"{guard.label(one)} is a learner" for one in votes.members if one.is_learner),
        *(f"{votes.named(frozenset({one}))} is not healthy" for one in sorted(votes.lost)),
    ]


def awaited_later(found: Course, missing: Sequence[str]) -> str:
    """Why nobody waits for the cluster version, for a person."""
    return (
        f"The cluster does not speak {found.awaits} yet: etcd goes on to it once every member has it, and "
        f"{'; '.join(missing)}. Bring them back, or take out those that are gone for good (-e etcd_forget=NAME)."
    )


def _check_all_go_along(hosts: Sequence[Host], roster: Roster, found: Course, votes: guard.Votes) -> None:
    """One that stays behind holds the cluster between two minors."""
    missing = behind(hosts, roster, votes)
    if missing:
        raise Refused(
            f"The upgrade to etcd {found.target} ({found.text()}) needs every member, and {'; '.join(missing)}.",
            "Members of two minors would be left beside each other, and a member that is lost then can no longer be "
            "replaced by all of them.",
            "Bring them back, or take out those that are gone for good (-e etcd_forget=NAME), then run again. Without "
            f"the upgrade everything else is done: -e etcd_upgrade_stop_at={min(found.running.values(), key=order)}",
            code="upgrade-not-all-members",
        )


def renews_raft_snapshots(found: Course) -> bool:
    """Is every member to write a raft snapshot before the first one gets 3.7? Where one has it, that was done."""
    return all(minor(one) < CANNOT_READ_V2 for one in found.running.values()) and any(
        minor(stage) == CANNOT_READ_V2 for stage in found.stages
    )


def _is_renewing(found: Course, votes: guard.Votes, hosts: Sequence[Host]) -> bool:
    """Is the pending downgrade the one by which members write raft snapshots? The act asks once more."""
    said = any(host.seen.cluster.is_renewing for host in hosts)
    return (
        said and votes.downgrade == "3.5.0" and {minor(one) for one in found.running.values()} == {CANNOT_READ_V2 - 1}
    )


def check_downgrade(found: Course, votes: guard.Votes, hosts: Sequence[Host]) -> None:
    """See that no downgrade is pending but the one by which members write raft snapshots.

    :raises Refused: one is.
    """
    if not _is_renewing(found, votes, hosts):
        guard.check_downgrade(votes)


def comes_first(steps: Collection[Step], hosts: Sequence[Host]) -> list[Step]:
    """Of what is due with the releases that the members have: what is done before any of them gets another. The update
    of a member that answers goes along with its new release; one that does not may need its own to come up.
    """
    serving = {host.name for host in hosts if host.answers}
    return [
        step
        for step in steps
        if not isinstance(step.act, Install)
        and not (isinstance(step.act, Update) and not step.act.peer_urls and step.host in serving)
    ]
