# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The way of a cluster back to the minor before, and what is to be seen to on it.

Nothing is remembered of a downgrade that was begun: whether one is pending, which version the cluster speaks and what
each member runs says how far it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, downgrade_rules, guard
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor, order
from ansible_collections.quorum.etcd.plugins.module_utils._plan import upgrade
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.upgrade import Course


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    :param to: the minor or release; empty if none is named.
    :param cancels: whether a pending downgrade is to be cancelled instead.
    """

    to: str
    cancels: bool = False


def course(hosts: Sequence[Host], roster: Roster | None, asked: str, wish: Wish) -> Course | None:
    """The way that is still ahead; None where nobody serves.

    :param asked: C(etcd_version).
    :raises BadInput, Refused: there is no safe way.
    """
    running = {host.name: host.version for host in hosts if host.runs and host.version}
    if roster is None or not running:
        return None
    target = downgrade_rules.destination(wish.to, asked, list(running.values()))
    return Course(target, () if set(running.values()) == {target} else (target,), running, goes_back=True)


def pending_elsewhere(found: Course, votes: guard.Votes) -> bool:
    """Is the downgrade that is pending another one?"""
    return bool(votes.downgrade) and minor(votes.downgrade) != minor(found.target)


def is_held(hosts: Sequence[Host], found: Course) -> bool:
    """Does the cluster speak the version of the target, by all who answer, and is there a member that holds it
    there? Without one the version rises again in a moment.
    """
    if not any(minor(version) == minor(found.target) for version in found.running.values()):
        return False
    told = [host.seen.cluster_version for host in hosts if host.answers]
    return bool(told) and all(one.startswith(f"3.{minor(found.target)}.") for one in told)


def check(hosts: Sequence[Host], roster: Roster, found: Course, votes: guard.Votes) -> None:
    """May the members of this cluster go back?

    :param votes: as the cluster is now.
    :raises BadInput: the older release does not take the settings.
    :raises Refused: another downgrade is pending, or not every member can go along.
    """
    for host in hosts:
        if host.wanted is not None and host.wanted.present and not host.silent:
            render.flags(host.wanted, found.target)
    if pending_elsewhere(found, votes):
        guard.check_downgrade(votes)
    behind = upgrade.behind(hosts, roster, votes)
    if behind:
        raise Refused(
            f"The downgrade to etcd {found.target} ({found.text()}) needs every member, and {'; '.join(behind)}.",
            "A downgrade that is enabled ends once every member has followed. Until then no member can be replaced.",
            "Bring them back, then run again."
            + (
                f" If one is lost for good, cancel first: {advice.cancel_downgrade()}"
                if votes.downgrade
                else " What is gone for good is taken out by: ansible-playbook quorum.etcd.etcd -i INVENTORY "
                "-e etcd_forget=NAME"
            ),
            code="downgrade-not-all-members",
        )


def cancelled_first(refused: Refused, found: Course) -> Refused:
    """The same, with the way on where the members are to change before the downgrade goes on."""
    if refused.code != "downgrade-running":
        return refused
    return Refused(
        refused.found,
        refused.danger,
        f"Cancel it: {advice.cancel_downgrade()}. Then let the ordinary playbook change the members, "
        "with etcd_version unset: ansible-playbook quorum.etcd.etcd -i INVENTORY -e etcd_version= (for this run). Then "
        f"begin again: {advice.downgrade(minor(found.target))}",
        code=refused.code,
    )


def notes(hosts: Sequence[Host]) -> list[str]:
    """What is left of a downgrade that is cancelled."""
    running = {host.version for host in hosts if host.version}
    if len(set(map(minor, running))) < 2:
        return []
    highest = max(running, key=order)
    back = [host.label for host in hosts if host.version and minor(host.version) < minor(highest)]
    return [
        f"{', '.join(back)} {'has' if len(back) == 1 else 'have'} the older minor already. To bring all members to "
        f"{highest} again: ansible-playbook quorum.etcd.etcd -i INVENTORY -e etcd_version={highest}. Or to go "
        f"on with the downgrade: {advice.downgrade(minor(highest) - 1)}"
    ]
