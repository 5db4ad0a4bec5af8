# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a step presumes of its cluster: the members at the moment it acts, as the plan foresaw them.

Whoever planned before somebody else changed the members finds them different, and stops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember


class ExpectedMember(NamedTuple):
    """What a step carries of a member.

    :param id: empty for one that an earlier step adds.
    """

    id: str
    peer_urls: list[str]
    is_learner: bool

    def __str__(self) -> str:
        kind = "learner" if self.is_learner else "voter"
        return f"{kind} {self.id or '(new)'} at {', '.join(self.peer_urls)}"


def describe(members: Iterable[ClusterMember]) -> list[dict[str, Any]]:
    """What a step carries of a member list."""
    return [_expected(member)._asdict() for member in members]


def check(presumed: Sequence[Mapping[str, Any]], members: Sequence[ClusterMember], but: str = "") -> None:
    """Are these still the members that the plan foresaw?

    :param presumed: as C(describe) gives them.
    :param but: the id of a member that may be any way: the one that this step itself has begun to change.
    :raises Refused: somebody else changed them.
    """
    found = [_expected(member) for member in members if member.id != but]
    known = {member.id for member in found}
    unmatched = []
    for one in presumed:
        wanted = ExpectedMember(one["id"], sorted(one["peer_urls"]), one["is_learner"])
        if wanted.id == but and but:
            continue
        match = next(
            (
                member
                for member in found
                if member.id == wanted.id or (not wanted.id and member.peer_urls == wanted.peer_urls)
            ),
            None,
        )
        if match is None or match._replace(id=wanted.id) != wanted:
            unmatched.append(wanted)
        else:
            known.discard(match.id)
    if unmatched or known:
        raise Refused(
            "The cluster's members changed meanwhile: "
            + "; ".join(
                [f"{member} is not there as planned" for member in unmatched]
                + [f"{member} was not foreseen" for member in found if member.id in known]
            )
            + ".",
            "The plan was made for other members; its next step may be the wrong one now.",
            AGAIN,
            code="members-changed",
        )


def _expected(member: ClusterMember) -> ExpectedMember:
    return ExpectedMember(member.id, sorted(member.peer_urls), member.is_learner)
