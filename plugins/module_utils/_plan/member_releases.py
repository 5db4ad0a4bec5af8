# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which release the member of each host has, or is to get when it joins or starts again.

What runs says so itself. What stands still says it by its unit, unless etcd would end on that or misread its data: the
cluster may have gone on meanwhile, and a unit can lie beside data that it is not for.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, releases, upgrade_rules
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import WITHOUT_V2, minor, order
from ansible_collections.quorum.etcd.plugins.module_utils._plan import next_action
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster


def running_version(hosts: Sequence[Host]) -> str:
    """What runs, else what the units name: an unset version means the one that is there."""
    named = [host.seen.unit.version for host in hosts if not host.silent]
    return _of_the_oldest([host.version for host in hosts]) or _of_the_oldest(named)


def _of_the_oldest(versions: Sequence[str]) -> str:
    """Of several minors the cluster speaks the oldest; of its patches the newest is as good as any."""
    told = [version for version in versions if version]
    oldest = min(map(minor, told), default=0)
    return max((version for version in told if minor(version) == oldest), key=order, default="")


def own(host: Host) -> str:
    """The release that a host's member runs or would start with; empty where there is none, or no longer."""
    if host.silent:
        return ""
    return host.version or str(host.seen.unit.version if host.has_log else "")


def version_there(hosts: Sequence[Host], asked: str) -> str:
    """What runs, else what the units name, else a release of the minor that the data are of; empty if nothing tells.

    :param asked: C(etcd_version); taken where it is of that minor.
    """
    return running_version(hosts) or _for_data(hosts, asked)


def _for_data(hosts: Sequence[Host], asked: str) -> str:
    wrote = _wrote(hosts)
    if not wrote:
        return ""
    return asked if asked and minor(asked) == wrote else releases.of_minor(f"3.{wrote}")


def _wrote(hosts: Sequence[Host]) -> int:
    """The minor of etcd 3 that the data of those that stand still are of; 0 where none tells. One that lags behind may
    not have heard of the newest.
    """
    told = [host.seen.data.version for host in hosts if not host.silent and not host.runs and host.has_log]
    return max((minor(version) for version in told if version), default=0)


def choose(host: Host, hosts: Sequence[Host], roster: Roster | None, asked: str) -> str:
    """The release that a host's member has or is to get; empty where nothing tells.

    :param roster: None while nobody serves.
    :param asked: C(etcd_version).
    """
    there = version_there(hosts, asked)
    if roster is None:
        if _fits_data(host, hosts):
            return own(host) or there
        return asked if asked and minor(asked) == _wrote(hosts) else own(host) or _for_data(hosts, asked)
    if _comes_anew(host, roster):
        # Its own release may be that of an upgrade which the others have not had, or of one that they have left behind.
        voters = [one for one in hosts if one.answers and not one.seen.status.is_learner]
        return _of_the_oldest([one.version for one in voters if not _comes_anew(one, roster)]) or there
    return _to_catch_up(host, hosts) or own(host) or there


def _comes_anew(host: Host, roster: Roster) -> bool:
    """Is it to join, and has not begun to?"""
    due = next_action.choose(host, roster)
    return due == next_action.REPLACE or (due == next_action.JOIN and not host.has_log)


def _speaks(hosts: Sequence[Host]) -> int:
    """The minor of etcd 3 that the cluster speaks; 0 where nobody tells."""
    told = [host.seen.cluster_version for host in hosts if host.answers]
    # It says 3.0.0 for the first moments, and "not_decided" before that.
    return min((minor(version) for version in told if version.count(".") == 2), default=0)


def _is_left_behind(host: Host, hosts: Sequence[Host]) -> bool:
    """Does a member that is down have an older minor than its cluster speaks? etcd ends on that: invalid downgrade."""
    has = _had(host)
    return bool(has and host.has_log and not host.answers and minor(has) < _speaks(hosts))


def _had(host: Host) -> str:
    """The release of a member that is down; where its unit is gone, the minor of its data with the patch 0."""
    return own(host) or ("" if host.silent else host.seen.data.version)


def _to_catch_up(host: Host, hosts: Sequence[Host]) -> str:
    """The release with which a member that was left behind can start; empty for any other."""
    if not _is_left_behind(host, hosts) or _is_too_far_behind(host, hosts):
        return ""
    speaks = _speaks(hosts)
    others = [one.version for one in hosts if one.answers and one.version and minor(one.version) == speaks]
    return max(others, key=order, default=releases.of_minor(f"3.{speaks}"))


def _is_too_far_behind(host: Host, hosts: Sequence[Host]) -> bool:
    has, speaks = own(host), _speaks(hosts)
    if not has:
        # Before an update its data are examined; its files alone are written without that.
        return minor(_had(host)) < max(speaks - 1, WITHOUT_V2 if speaks >= WITHOUT_V2 else 0)
    return minor(has) < speaks - 1 or upgrade_rules.is_below_floor(has, speaks)


def _fits_data(host: Host, hosts: Sequence[Host]) -> bool:
    """Does a unit name a release for its data: of the minor that wrote them, or of the next, to which they are to go?
    An older one does no harm, for etcd ends on them, and the others are started first.
    """
    wrote = _wrote(hosts)
    if host.silent or host.runs or not host.has_log or not wrote:
        return True
    has = own(host) or running_version(hosts)
    return bool(has) and minor(has) in (wrote, wrote + 1)


def problem(host: Host, hosts: Sequence[Host], roster: Roster | None, asked: str) -> Refused | None:
    """Why a member that stands still is not started with the release that it has; None where it may be."""
    if host.silent or host.runs or not host.has_log:
        return None
    if roster is None:
        return _unknown(host, hosts, asked)
    if not _is_left_behind(host, hosts) or not _is_too_far_behind(host, hosts):
        return None
    has = f"is down with etcd {own(host)}" if own(host) else f"has data of etcd 3.{minor(_had(host))} and no unit"
    return Refused(
        f"{host.label} {has}, and its cluster speaks 3.{_speaks(hosts)}.",
        "Its own release ends on that (invalid downgrade), and one that the others run is too far from its data: it "
        "could misread them, or end on them.",
        "Take this member out (etcd_member_state: absent for its host), run the playbook, and let it join anew: it "
        "gets the release of the others.",
        code="version-jump",
    )


def untold(host: Host, hosts: Sequence[Host], asked: str) -> Refused | None:
    """Why a release that the inventory asks for is not started on data of which nothing tells the release; None where a
    person has said that it is theirs, or where none is asked for.
    """
    said = {word for one in hosts if one.wanted is not None for word in one.wanted.said.confirm}
    if not asked or asked in said:
        return None
    return Refused(
        f"{host.label} has data of an unknown etcd: neither the database nor a member or a unit says of which. "
        f"etcd_version is {asked}.",
        "That is what the members are to get, not what they had. An older etcd does not start on the data of a newer "
        "one, and a newer one changes the data of an older one.",
        f"{advice.release_of_data(host.wanted.layout.unit if host.wanted is not None else 'etcd')}. Upgrade once the "
        "cluster serves.",
        code="version-unknown",
    )


def _unknown(host: Host, hosts: Sequence[Host], asked: str) -> Refused | None:
    wrote, to = _wrote(hosts), choose(host, hosts, None, asked)
    if not wrote and not running_version(hosts):
        return untold(host, hosts, asked)
    mine = minor(host.seen.data.version) if host.seen.data.version else wrote
    # On a release that is too old etcd ends by itself, and the others may serve.
    if not wrote or (to and minor(to) <= mine + 1):
        return None
    has = f"its unit names etcd {own(host)}" if own(host) else f"no release of etcd 3.{wrote} is known here"
    better = releases.of_minor(f"3.{wrote}") or f"3.{wrote}.Z"
    return Refused(
        f"{host.label} has data of etcd 3.{mine}, nobody serves, and {has}"
        + (f" (etcd_version is {asked})." if asked else "."),
        "An older etcd does not start on the data of a newer one, and a newer one changes the data of an older one.",
        f"Give a release of the minor that the data are of: -e etcd_version={better}. Upgrade once the cluster serves.",
        code="version-unknown",
    )
