# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""From one minor back to the one before, through etcd's own downgrade: what is allowed, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Collection

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, releases, upgrade_rules
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor, order

_TARGET = re.compile(r"3\.[0-9]+(\.[0-9]+)?")


def destination(to: str, asked: str, running: Collection[str]) -> str:
    """The release that every member is to run after the downgrade.

    :param to: C(etcd_downgrade_to), a minor or a release.
    :param asked: C(etcd_version); empty if it is unset.
    :param running: the releases of the members; not empty.
    :raises BadInput: no target is named, or none that is known.
    :raises Refused: there is no safe way there.
    """
    given = releases.plain(to)
    if not _TARGET.fullmatch(given):
        raise BadInput(
            (f"etcd_downgrade_to is {to!r}. " if to else "The downgrade has no target. ")
            + "Name the minor that the members are to run: -e etcd_downgrade_to=3.6. To cancel one that is pending: "
            "-e etcd_downgrade_cancel=true"
        )
    lowest, highest = min(running, key=order), max(running, key=order)
    _check_direction(given, lowest, highest)
    _check_asked(given, asked)
    found = _release(given, asked, [one for one in running if minor(one) == minor(given)])
    upgrade_rules.check_release(found)
    if minor(highest) > minor(found) and upgrade_rules.is_below_floor(found, minor(highest)):
        floor, source = upgrade_rules.FLOORS[minor(highest)]
        raise Refused(
            f"etcd {found} would start beside members of {highest}.",
            f"Releases before {floor} cannot go on beside them ({source}).",
            f"Name a newer one: -e etcd_downgrade_to={releases.of_minor(found) or floor}"
            + (", and take etcd_version out or let it be the same." if asked else ""),
            code="version-jump",
        )
    return found


def _check_direction(given: str, lowest: str, highest: str) -> None:
    if minor(given) > minor(lowest) or (minor(given) == minor(lowest) and given.count(".") == 2 and lowest == highest):
        if given == highest:
            return
        known = highest if minor(given) == minor(highest) else releases.of_minor(given) or f"{given}.Z"
        newer = given if given.count(".") == 2 else known
        raise Refused(
            f"Members run etcd {lowest}, and the downgrade is to lead to {given} (etcd_downgrade_to).",
            "That is no older minor: etcd refuses such a downgrade.",
            "To give the members a newer minor, or another patch of their own: ansible-playbook quorum.etcd.etcd "
            f"-i INVENTORY -e etcd_version={newer}",
            code="downgrade-not-lower",
        )
    if minor(given) < upgrade_rules.OLDEST_BACK and minor(given) != minor(highest):
        begun = minor(given) == minor(lowest)
        raise Refused(
            f"Members run etcd {highest}, and the downgrade is to lead to {given} (etcd_downgrade_to).",
            "etcd 3.5 says that it can go back to 3.4, and then does not: the request times out. 3.4 starts on such "
            "data and misreads them.",
            "An upgrade that has not reached all members is taken back by the ordinary playbook, while the cluster "
            f"speaks the older minor: ansible-playbook quorum.etcd.etcd -i INVENTORY -e etcd_version={lowest}"
            if begun
            else "Stay with etcd 3.5. Who needs an older one founds another cluster with it and copies the keys there "
            "(etcdctl make-mirror).",
            code="downgrade-unsupported",
        )
    if minor(highest) - minor(given) > 1:
        raise Refused(
            f"Members run etcd {highest}, and the downgrade is to lead to {given} (etcd_downgrade_to).",
            "etcd goes back one minor at a time.",
            f"Name the one before first: {advice.downgrade(minor(highest) - 1)}",
            code="downgrade-jump",
        )


def _check_asked(given: str, asked: str) -> None:
    """The next ordinary run brings back what C(etcd_version) says."""
    if asked and asked != given and not asked.startswith(f"{given}."):
        raise Refused(
            f"etcd_version is {asked}, and the downgrade is to lead to {given} (etcd_downgrade_to).",
            "The next ordinary run would bring that release back at once.",
            f"Take etcd_version out, or let it be {given if given.count('.') == 2 else f'a release of {given}'}.",
            code="downgrade-not-asked",
        )


def _release(given: str, asked: str, there: Collection[str]) -> str:
    """The release of a minor: what is named, else what members have of it already, else the newest that is known."""
    found = given if given.count(".") == 2 else asked or max(there, key=order, default="") or releases.of_minor(given)
    if not found:
        raise BadInput(f"This collection knows no release of etcd {given}. Name one: -e etcd_downgrade_to={given}.Z")
    return found
