# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""etcd's four ways to change the members, with what it answers when it would rather not.

What passes by itself is tried again. What the other answers mean: api/v3rpc/rpctypes/error.go.
"""

from __future__ import annotations

import time
import typing as t
from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    EtcdError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, outcome_unknown

_T = t.TypeVar("_T")

#: Seconds after which etcd's own check no longer refuses what is sound: it counts a member once it has been connected
#: for five (server/etcdserver/server.go, HealthInterval).
SETTLING = 7.0

_POLL = 0.2

_UNHEALTHY = "unhealthy cluster"
_NOT_STARTED = "not enough started members"
_NOT_IN_SYNC = "in sync with leader"
_IS_VOTER = "can only promote a learner member"
_IS_GONE = "member not found"
_IS_THERE = ("Peer URLs already exists", "member ID already exist")
_TOO_MANY = "too many learner members"
_BAD_URLS = "given member URLs are invalid"


def add(client: Client, peer_urls: Sequence[str]) -> list[ClusterMember]:
    """Add a learner, which has not started. It may be there already.

    :returns: the members, as all functions here.
    :raises Refused, BadInput: etcd does not take it, or it is not known whether it did.
    """
    wanted = sorted(peer_urls)
    try:
        return _settled(lambda: client.member_add(peer_urls), _soon())
    except EtcdError as exc:
        if not _says(exc, *_IS_THERE):
            raise _explained(exc, f"add a member at {', '.join(wanted)}", client) from exc
        members = _listed(client)
        found = next((one for one in members if set(one.peer_urls) & set(wanted)), None)
        if found and sorted(found.peer_urls) == wanted and not found.started:
            return members
        raise Refused(
            f"{guard.label(found) if found else 'Another member'} has one of {', '.join(wanted)} as its peer URL.",
            "Two members at one address are never both reached.",
            "Remove that member first if it is gone for good, or give the new one an address of its own.",
            code="peer-url-taken",
        ) from exc


def promote(client: Client, member_id: str, deadline: Deadline) -> list[ClusterMember]:
    """Make a voter of a learner. It may be one already.

    :param deadline: until when it may take to be in sync with the leader.
    :raises Refused: etcd does not do it, or it is not known whether it did.
    """
    try:
        return _settled(lambda: client.member_promote(member_id), deadline, _NOT_IN_SYNC)
    except EtcdError as exc:
        if not _says(exc, _IS_VOTER) or _says(exc, _NOT_IN_SYNC):
            raise _explained(exc, f"promote {member_id}", client) from exc
        return _listed(client)


def remove(client: Client, member_id: str) -> list[ClusterMember]:
    """Remove a member for good. It may be gone already.

    :raises Refused: etcd does not do it, or it is not known whether it did.
    """
    try:
        return _settled(lambda: client.member_remove(member_id), _soon())
    except EtcdError as exc:
        if not _says(exc, _IS_GONE):
            raise _explained(exc, f"remove {member_id}", client) from exc
        # etcd 3.4 lists what the asked member knows, which may be behind.
        return [one for one in _listed(client) if one.id != member_id]


def update(client: Client, member_id: str, peer_urls: Sequence[str]) -> list[ClusterMember]:
    """Change a member's peer URLs.

    :raises Refused, BadInput: etcd does not do it, or it is not known whether it did.
    """
    try:
        return _settled(lambda: client.member_update(member_id, peer_urls), _soon())
    except EtcdError as exc:
        raise _explained(exc, f"give {member_id} the peer URLs {', '.join(peer_urls)}", client) from exc


def _settled(change: t.Callable[[], _T], deadline: Deadline, *passing: str) -> _T:
    """Try again what may pass by itself; also what had no clear answer, since each change is made once at most."""
    unclear: list[EtcdError] = []
    while True:
        try:
            return change()
        except EtcdError as exc:
            if outcome_unknown(exc):
                unclear.append(exc)
            elif unclear and isinstance(exc, TransportError):
                # That nobody can be reached now leaves open what came of it.
                raise unclear[-1] from exc
            elif not _says(exc, _UNHEALTHY, *passing):
                raise
            if not deadline.left():
                raise
        time.sleep(_POLL)


def _soon() -> Deadline:
    return Deadline(SETTLING)


def _listed(client: Client) -> list[ClusterMember]:
    return client.member_list().members


def _says(error: EtcdError, *texts: str) -> bool:
    return isinstance(error, RpcError) and any(text in error.detail for text in texts)


def _explained(error: EtcdError, act: str, client: Client) -> EtcdError:
    """What an answer means; the answer itself where it is clear."""
    if _says(error, _UNHEALTHY):
        return Refused(
            f"etcd refuses to {act}: the member that was asked has not been connected to enough others for 5 seconds.",
            "If one of them failed now, there would be no quorum.",
            "See that every member is up (etcd_health_info says which is not), then run again.",
            code="not-connected",
        )
    if _says(error, _NOT_STARTED):
        return Refused(
            f"etcd refuses to {act}: a voter in the list has never started.",
            "It counts for the quorum already, and nobody knows whether it ever will be of use to it.",
            "Start that member, or remove it if it is not to come, then run again.",
            code="voter-unstarted",
        )
    if _says(error, _NOT_IN_SYNC):
        return Refused(
            f"etcd refuses to {act}: it is not in sync with the leader.",
            "As a voter it would count for the quorum and be of no use to it.",
            "See that it runs and reaches the others at their peer URLs, then run again.",
            code="learner-behind",
        )
    if _says(error, _TOO_MANY):
        learners = [guard.label(one) for one in _listed(client) if one.is_learner]
        return Refused(
            f"etcd refuses to {act}: it has as many learners as it takes (max-learners, 1 by default): "
            f"{', '.join(learners)}.",
            "",
            "Make a voter of one first (state: voter), or remove it (state: absent).",
            code="learner-limit",
        )
    if _says(error, _IS_THERE[0]):
        return Refused(
            f"etcd refuses to {act}: another member has one of these peer URLs.",
            "Two members at one address are never both reached.",
            "List the members (etcd_member_info), then give this one an address of its own.",
            code="peer-url-taken",
        )
    if _says(error, _BAD_URLS):
        return BadInput(f"etcd refuses to {act}: it takes no such URLs. Write them like https://10.0.0.1:2380.")
    if _says(error, _IS_GONE):
        return Refused(
            f"etcd refuses to {act}: there is no such member any more.",
            "Somebody else changed the members meanwhile.",
            "Run again: it looks again and goes on from what it finds.",
            code="members-changed",
        )
    if outcome_unknown(error):
        return Refused(
            f"No clear answer came to this: {act}. It may have happened, or happen yet. {error}",
            "Done twice it could be one change too many.",
            "Run again: it looks first, and does only what is missing.",
            code="unclear-answer",
        )
    return error
