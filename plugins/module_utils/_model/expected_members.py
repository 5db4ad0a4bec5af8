# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a step presumes of its cluster: the members at the moment it acts, as the plan foresaw them.

Whoever planned before somebody else changed the members finds them different, and stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, Refused

Member = Mapping[str, Any]


def describe(members: Iterable[Member]) -> list[dict[str, Any]]:
    """What a step carries of a member list: C(id) (empty for one that an earlier step adds), C(peer_urls),
    C(is_learner).
    """
    return [
        {"id": member["id"], "peer_urls": sorted(member["peer_urls"]), "is_learner": member["is_learner"]}
        for member in members
    ]


def check(presumed: Sequence[Member], members: Sequence[Member], but: str = "") -> None:
    """Are these still the members that the plan foresaw?

    :param but: the id of a member that may be any way: the one that this step itself has begun to change.
    :raises Refused: somebody else changed them.
    """
    found = [member for member in describe(members) if member["id"] != but]
    known = {member["id"] for member in found}
    unmatched = []
    for member in presumed:
        if member["id"] == but and but:
            continue
        wanted = dict(member, peer_urls=sorted(member["peer_urls"]))
        match = next(
            (
                one
                for one in found
                if one["id"] == wanted["id"] or (not wanted["id"] and one["peer_urls"] == wanted["peer_urls"])
            ),
            None,
        )
        if match is None or dict(match, id=wanted["id"]) != wanted:
            unmatched.append(wanted)
        else:
            known.discard(match["id"])
    if unmatched or known:
        raise Refused(
            "The cluster's members changed meanwhile: "
            + "; ".join(
                [f"{_text(member)} is not there as planned" for member in unmatched]
                + [f"{_text(member)} was not foreseen" for member in found if member["id"] in known]
            )
            + ".",
            "The plan was made for other members; its next step may be the wrong one now.",
            AGAIN,
            code="members-changed",
        )


def _text(member: Member) -> str:
    kind = "learner" if member["is_learner"] else "voter"
    return f"{kind} {member['id'] or '(new)'} at {', '.join(member['peer_urls'])}"
