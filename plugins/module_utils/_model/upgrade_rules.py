# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""From which release of etcd a running cluster may go to which, and by way of which others.

etcd itself takes steps that lose data or end in a panic, and says nothing: a member of 3.6 starts on the data of 3.4,
and one of 3.4 on those of 3.6. So what is allowed stands here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor, order

_UPGRADES = "https://etcd.io/docs/v3.7/upgrades"

#: Minor of etcd 3 -> what every member must run before the first member gets it, and who says so.
FLOORS: dict[int, tuple[str, str]] = {
    6: ("3.5.32", f"{_UPGRADES}/upgrade_3_6/"),
    7: ("3.6.11", f"{_UPGRADES}/upgrade_3_7/"),
}

#: The oldest minor to which etcd goes back.
OLDEST_BACK = 5


class Flaw(NamedTuple):
    """Releases of one minor with a known fault.

    :param minor: of etcd 3.
    :param first: the first patch that has it.
    :param fixed: the first patch that has it no more.
    :param refused: no member gets such a release; otherwise it is a warning.
    :param what: what happens, as the end of a sentence.
    :param source: who says so.
    """

    minor: int
    first: int
    fixed: int
    refused: bool
    what: str
    source: str

    def has(self, version: str) -> bool:
        return minor(version) == self.minor and self.first <= order(version)[2] < self.fixed


_CHANGES = "https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-3"
_DEFRAGMENTED = "a member that gets the leader's snapshot while it is defragmented can end with damaged data"
_VULNERABLE = "a client can stop a member by TLS connections, or watch keys that it may not read (GHSA-xg4h-6gfc-h4m8)"

#: Releases with faults that cost data or let strangers in.
FLAWS = (
    Flaw(
        5,
        0,
        3,
        True,
        "a member that is killed under load can end with other data than its cluster, without a word",
        "https://github.com/etcd-io/etcd/blob/main/Documentation/postmortems/v3.5-data-inconsistency.md",
    ),
    Flaw(4, 0, 22, False, "members can end with different data; from 3.4.22 on they do not", f"{_CHANGES}.4.md"),
    Flaw(5, 3, 6, False, "members can end with different data; from 3.5.6 on they do not", f"{_CHANGES}.5.md"),
    Flaw(5, 6, 23, False, _DEFRAGMENTED, f"{_CHANGES}.5.md"),
    Flaw(6, 0, 5, False, _DEFRAGMENTED, f"{_CHANGES}.6.md"),
    Flaw(5, 23, 33, False, _VULNERABLE, f"{_CHANGES}.5.md"),
    Flaw(6, 5, 14, False, _VULNERABLE, f"{_CHANGES}.6.md"),
    Flaw(7, 0, 1, False, _VULNERABLE, f"{_CHANGES}.7.md"),
)


def check_release(version: str, by: str = "etcd_version") -> None:
    """May a member be given this release?

    :param by: the variable that asks for it.
    :raises Refused: it loses data.
    """
    for flaw in FLAWS:
        if flaw.refused and flaw.has(version):
            better = releases.of_minor(version)
            raise Refused(
                f"{by} is {version}, a release with a known fault: {flaw.what}.",
                f"Acknowledged writes can be lost ({flaw.source}).",
                f"Give one without it: -e {by}={better}",
                code="release-loses-data",
            )


def remarks(version: str, options: str = "") -> Iterator[str]:
    """What a person should know of a release that runs.

    :param options: by which another one is to be had where it cannot come as this one did.
    """
    for flaw in FLAWS:
        if flaw.has(version):
            yield (
                f"etcd {version} has a known fault: {flaw.what}. It is mended in 3.{flaw.minor}.{flaw.fixed} "
                f"({flaw.source})."
            )
    if minor(version) < releases.MAINTAINED[0]:
        newest = releases.DEFAULT_VERSION
        yield (
            f"etcd {version} gets no more fixes by upstream's rule, which maintains the current minor and the one "
            f"before (as of {releases.READ_ON}). To upgrade: -e etcd_version={newest}{options}"
        )


def destination(asked: str, stop_at: str, running: Collection[str] = ()) -> str:
    """The release at which an upgrade is to end for now. It is a ceiling, and takes from no member what it runs.

    :param asked: C(etcd_version).
    :param stop_at: C(etcd_upgrade_stop_at), a minor or a release; empty for none.
    :param running: the releases of the members.
    :raises BadInput: it is none, or none on the way.
    """
    if not stop_at:
        return asked
    release = stop_at if stop_at.count(".") == 2 else ""
    if not release:
        try:
            release = releases.of_minor(stop_at)
        except (ValueError, IndexError):
            release = ""
    if not release:
        raise BadInput(
            f"etcd_upgrade_stop_at is {stop_at!r}. Give a minor such as 3.6, or a full version such as "
            f"{releases.DEFAULT_VERSION}."
        )
    releases.check_version(release)
    if not asked:
        raise BadInput(
            f"etcd_upgrade_stop_at is {stop_at}, and no etcd_version says where the upgrade goes. Give both."
        )
    if minor(release) >= minor(asked):
        # Nothing to stop at before the end.
        return asked
    highest = max(running, key=order, default="")
    if highest and order(release) < order(highest):
        return asked if minor(asked) < minor(highest) else highest
    return release


def path(running: Collection[str], target: str, by: str = "etcd_version") -> list[str]:
    """The releases that the members get, one after another, each on all members before the next on the first.

    :param running: the releases of the members; not empty.
    :param target: the last one.
    :param by: the variable that asks for it.
    :raises Refused: there is no safe way.
    """
    lowest, highest = min(running, key=order), max(running, key=order)
    check_release(target, by)
    _check_not_back(lowest, highest, target)
    _check_together(lowest, highest, target)
    _check_floor_on_the_way_back(running, highest, target, by)
    found: list[str] = []
    at = lowest
    for next_minor in range(minor(lowest) + 1, minor(target) + 1):
        if is_below_floor(at, next_minor):
            # Of a minor that some members have left already the others go on directly.
            found.append(_known(minor(at), target))
        at = target if next_minor == minor(target) else _known(next_minor, target)
        found.append(at)
    return found or [target]


def check_step(others: Collection[str], version: str) -> None:
    """May one member start with this release beside members that run these? etcd would try it.

    :raises Refused: the step is larger than a minor, or one goes below the floor of the other.
    """
    for other in others:
        apart = minor(version) - minor(other)
        if abs(apart) > 1:
            raise Refused(
                f"etcd {version} would start beside a member of {other}.",
                "Members two minors apart can misread each other's data; etcd starts them without a word.",
                "Run the playbook again: it plans one minor after another.",
                code="version-jump",
            )
        if apart == 1 and is_below_floor(other, minor(version)):
            floor, source = FLOORS[minor(version)]
            raise Refused(
                f"etcd {version} would start beside a member of {other}, and every member must run {floor} or newer "
                "first.",
                f"Older ones cannot go on beside it ({source}).",
                "Run the playbook again: it plans that release first.",
                code="version-jump",
            )
        if apart == -1 and is_below_floor(version, minor(other)):
            floor, source = FLOORS[minor(other)]
            raise Refused(
                f"etcd {version} would start beside a member of {other}, and beside that every member must run {floor} "
                "or newer.",
                f"Older ones cannot go on beside it ({source}).",
                "Run the playbook again: it plans a release that can.",
                code="version-jump",
            )


def is_below_floor(version: str, next_minor: int) -> bool:
    """Is this too old a patch of a minor for its members to go on to the next?"""
    floor = FLOORS.get(next_minor)
    return floor is not None and minor(version) == next_minor - 1 and order(version) < order(floor[0])


def _check_floor_on_the_way_back(running: Collection[str], highest: str, target: str, by: str) -> None:
    if minor(target) != minor(highest) - 1 or not is_below_floor(target, minor(highest)):
        return
    floor, source = FLOORS[minor(highest)]
    fit = [one for one in running if minor(one) == minor(target) and not is_below_floor(one, minor(highest))]
    better = max(fit, key=order, default=releases.of_minor(target))
    raise Refused(
        f"Members run etcd {highest}, and the inventory asks for {target} ({by}). Beside the former every member must "
        f"run {floor} or newer.",
        f"Older ones cannot go on beside it ({source}).",
        f"Give a release that can: -e {by}={better}. A lower one is possible once all members have that.",
        code="version-jump",
    )


def _known(of_minor: int, target: str) -> str:
    found = releases.of_minor(f"3.{of_minor}")
    if not found:
        raise Refused(
            f"The way to etcd {target} leads through etcd 3.{of_minor}, of which this collection knows no release.",
            "A minor that is skipped can cost the data.",
            f"Give a release of that minor first: -e etcd_version=3.{of_minor}.Z",
            code="version-jump",
        )
    return found


def _check_not_back(lowest: str, highest: str, target: str) -> None:
    """Back within a minor is a release like another. Back to a minor that some members never left is the way out of an
    upgrade that was begun; whether it is still open is asked where it is gone.
    """
    if minor(target) < minor(lowest) or minor(target) + 1 < minor(highest):
        raise Refused(
            f"Members run etcd {highest}, and the inventory asks for {target} (etcd_version).",
            "An older minor does not start on these data, or starts and misreads them.",
            f"Leave etcd_version unset, or give the version that runs: -e etcd_version={highest}. {_way_back(highest)}",
            code="version-lower",
        )


def _way_back(highest: str) -> str:
    """etcd's own way back from a minor."""
    if minor(highest) <= OLDEST_BACK:
        return f"From 3.{OLDEST_BACK} etcd has no way back."
    return f"etcd's own way back, a minor at a time: {advice.downgrade(minor(highest) - 1)}"


def _check_together(lowest: str, highest: str, target: str) -> None:
    if minor(highest) - minor(lowest) > 1:
        raise Refused(
            f"Members run etcd {lowest} and etcd {highest}, more than one minor apart, and the inventory asks for "
            f"{target}.",
            "No release is known to go on beside both.",
            f"Bring the members of {lowest} one minor further by hand, or take them out (etcd_member_state: absent) "
            "and let them join anew.",
            code="version-jump",
        )
