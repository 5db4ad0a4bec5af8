# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The cluster as an act on it sees it: its votes, and who leads."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    EtcdError,
    HostError,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import survey
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, outcome_unknown

#: Seconds for one question to one member.
TIMEOUT = 5.0

# What the transaction that changes nothing would write if it could.
_NOTHING = b"/quorum.etcd/nothing"

_POLL = 0.1
# Seconds that a learner has to apply what the leader had; it is some milliseconds behind while writes go on.
_CATCH_UP = 1.0


def endpoints_of(members: Iterable[ClusterMember], but: str = "") -> list[str]:
    """The client URLs of started members, as other hosts reach them.

    :param but: the id of a member to leave out.
    """
    return [url for member in members if member.id != but for url in member.urls_for_others]


def refuse_proxy(client: Client) -> None:
    """See that a member answers, and no gRPC proxy. Who may not be told the members is none the wiser.

    :raises Refused: a proxy does.
    """
    with contextlib.suppress(TransportError, RpcError):
        client.member_list(linearizable=False)


def members(endpoints: Sequence[str], credentials: Credentials, timeout: float = TIMEOUT) -> list[ClusterMember]:
    """The members, as a quorum agrees on them.

    :param timeout: seconds that one endpoint has to answer.
    :raises Refused: there is no quorum.
    :raises EtcdError: no answer, or etcd refuses.
    """
    with Client(endpoints, credentials, timeout) as client:
        try:
            return client.member_list().members
        except (TransportError, RpcError) as exc:
            if isinstance(exc, TransportError) or outcome_unknown(exc):
                guard.check_quorum(votes(endpoints, credentials, timeout))
            raise


def votes(endpoints: Sequence[str], credentials: Credentials, timeout: float = TIMEOUT) -> Votes:
    """Ask every started member how it is. A learner has caught up once it has applied what the leader had, twice.

    :param endpoints: of any members; they tell the others.
    :param timeout: seconds for each question.
    :raises EtcdError: nobody tells the members.
    """
    return _votes_of(_seen(endpoints, credentials, timeout), credentials, timeout)


def lengthen_log(client: Client) -> None:
    """Let the members agree on one entry more, which changes no key: a transaction whose condition nothing meets.

    A member that was sent the leader's snapshot refuses every proposal, that of its own registration too, until an
    entry follows: the snapshot does not move its applied index, and etcd takes none while that is 5,000 entries
    behind (server/etcdserver/v3_server.go, processInternalRaftRequestOnce: "too many requests"). Where nobody writes
    it would never be ready.

    :raises EtcdError: they did not, or it is not known whether they did.
    """
    never = {"key": _NOTHING, "target": "VERSION", "result": "LESS", "version": 0}
    client.txn([never], [{"request_put": {"key": _NOTHING, "value": b""}}])


def storage_versions(endpoints: Sequence[str], credentials: Credentials, timeout: float = TIMEOUT) -> set[str]:
    """The versions that the members say their storage has; an empty text among them for one that says nothing.

    :raises EtcdError: nobody tells the members.
    """
    return {one.status.storage_version if one.status else "" for one in _seen(endpoints, credentials, timeout)}


def storage_of(endpoints: Sequence[str], credentials: Credentials, timeout: float = TIMEOUT) -> dict[str, str]:
    """Id of a member that answers -> the version that its storage has; empty before 3.6.

    :raises EtcdError: nobody tells the members.
    """
    seen = _seen(endpoints, credentials, timeout)
    return {one.status.member_id: one.status.storage_version for one in seen if one.status}


def leader(endpoints: Sequence[str], credentials: Credentials, timeout: float = TIMEOUT) -> str:
    """The id of who leads; empty while nobody does.

    :param timeout: seconds for each question.
    :raises EtcdError: nobody tells the members.
    """
    return _leader(_seen(endpoints, credentials, timeout))


def hand_over(
    endpoints: Sequence[str], credentials: Credentials, member_id: str, to: str = "", timeout: float = TIMEOUT
) -> str:
    """Move leadership away from a member, if it leads, and wait until it no longer does.

    :param to: the id of the voter that shall lead; without it C(guard.transferee) chooses.
    :param timeout: seconds for each question, and twice that for all.
    :returns: the id of the member that leads instead; empty if nothing was to be done, or there is no other.
    :raises EtcdError: it went on leading.
    """
    deadline = Deadline(2 * timeout)
    failure: EtcdError = HostError(f"Member {member_id} goes on leading.")
    moved_to = ""
    while True:
        seen = _seen(endpoints, credentials, timeout)
        leading = next((one for one in seen if one.status and one.member_id == _leader(seen)), None)
        if leading is None or leading.member_id != member_id:
            return moved_to and (_leader(seen) or moved_to)
        target = to or guard.transferee(guard.of_survey(seen), member_id)
        if not target:
            return ""
        if moved_to and not deadline.left():
            raise failure
        moved_to = target
        try:
            with Client([leading.endpoint, *endpoints], credentials, timeout) as client:
                client.move_leader(target)
        except (TransportError, RpcError) as exc:
            failure = exc
            time.sleep(_POLL)


def _seen(endpoints: Sequence[str], credentials: Credentials, timeout: float) -> list[View]:
    seen = survey.survey(endpoints, credentials, timeout, cluster=True)
    if all(one.members is None for one in seen):
        with Client(endpoints, credentials, timeout) as client:
            # It says why.
            client.member_list(linearizable=False)
    return seen


def _votes_of(seen: Sequence[View], credentials: Credentials, timeout: float) -> Votes:
    votes = guard.of_survey(seen)
    learners = [one for one in seen if one.status and one.status.is_learner and not one.error]
    leading = next((one.endpoint for one in seen if one.status and one.status.is_leader), None)
    if not learners or leading is None:
        return votes
    with Client([leading, *(one.endpoint for one in learners)], credentials, timeout) as client:
        return replace(votes, caught_up=frozenset(_caught_up(client, leading, learners)))


def _caught_up(client: Client, leading: str, learners: Sequence[View]) -> Iterator[str]:
    for one in learners:
        with contextlib.suppress(TransportError, RpcError):
            if all(_applies(client, one.endpoint, client.status(leading).raft_index) for _time in range(2)):
                yield one.member_id


def _applies(client: Client, endpoint: str, index: int) -> bool:
    deadline = Deadline(_CATCH_UP)
    while client.status(endpoint).raft_applied_index < index:
        if not deadline.left():
            return False
        time.sleep(_POLL)
    return True


def _leader(seen: Sequence[View]) -> str:
    """Who leads, as whoever knows the newest term says."""
    newest = max((one.status for one in seen if one.status), key=lambda status: status.raft_term, default=None)
    return newest.leader if newest else ""
