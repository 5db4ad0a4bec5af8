# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One member made to be what is wanted: in the cluster or not, learner or voter, at these peer URLs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import (
    cluster_lock,
    link_proof,
    membership,
    queries,
    signs_of_life,
)
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.cluster_lock import Lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.signs_of_life import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, guard, peer_links
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.peer_links import Demand
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

LEARNER, VOTER, ABSENT = "learner", "voter", "absent"
ADD, UPDATE, PROMOTE, REMOVE = "add", "update", "promote", "remove"

_CALLED = {ADD: "addition", UPDATE: "change of the peer URLs", PROMOTE: "promotion", REMOVE: "removal"}
_POLL = 0.3


@dataclass(frozen=True)
class WantedMember:
    """What a member shall be.

    :param state: one of the states above.
    :param name: its name; empty to go by the others.
    :param member_id: its id; empty to go by the others.
    :param peer_urls: its peer URLs, normalised.
    :param members: the members as a plan foresaw them, see C(_model.expected_members); C(None) for no plan.
    :param only_if_silent: remove it only if nothing answers at its URLs.
    :param ignore_unidentified: remove it, too, if what answers there does not say who it is.
    :param allow_outage: change the peer URLs though one voter less would be no quorum.
    """

    state: str
    name: str = ""
    member_id: str = ""
    peer_urls: tuple[str, ...] = ()
    members: Sequence[Mapping[str, Any]] | None = None
    only_if_silent: bool = False
    allow_outage: bool = False
    ignore_unidentified: bool = False

    def __str__(self) -> str:
        return self.name or self.member_id or ", ".join(self.peer_urls)


@dataclass(frozen=True)
class MemberTimeouts:
    """How long to wait, in seconds.

    :param answer: for one answer of one member.
    :param lock: for somebody else who is at work on the cluster.
    :param catch_up: for a learner that is to be promoted.
    """

    answer: float
    lock: float
    catch_up: float = 0.0


def find(members: Sequence[ClusterMember], wanted: WantedMember) -> ClusterMember | None:
    """The member that is meant: by id, by name, or by exactly these peer URLs while it has no name.

    :raises Refused: what was given belongs to different members, or to several.
    """
    if wanted.member_id:
        found = [one for one in members if one.id == wanted.member_id]
    else:
        found = [one for one in members if wanted.name and one.name == wanted.name]
        found = found or [one for one in members if sorted(one.peer_urls) == sorted(wanted.peer_urls)]
    if len(found) > 1:
        raise _mistaken(f"{len(found)} members are called {wanted}: {', '.join(one.id for one in found)}.")
    if found and wanted.name and found[0].name not in ("", wanted.name):
        raise _mistaken(
            f"{wanted.member_id or ', '.join(wanted.peer_urls)} is the member {found[0].name}, not {wanted.name}."
        )
    return found[0] if found else None


def changes(members: Sequence[ClusterMember], wanted: WantedMember) -> list[str]:
    """What is to be done, in order.

    :raises Refused, BadInput: it cannot be done, or not in a safe way.
    """
    found = find(members, wanted)
    moves = bool(found and wanted.peer_urls and sorted(found.peer_urls) != sorted(wanted.peer_urls))
    if wanted.state == ABSENT:
        if found and moves:
            raise _mistaken(f"{wanted} has the peer URLs {', '.join(found.peer_urls)}, not those given.")
        return [REMOVE] if found else []
    if found is None:
        _check_addition(members, wanted)
        return [ADD]
    if moves:
        _check_free(members, wanted, found.id)
    return [UPDATE] * moves + [PROMOTE] * (wanted.state == VOTER and found.is_learner)


def ensure(
    endpoints: Sequence[str],
    credentials: Credentials,
    wanted: WantedMember,
    patience: MemberTimeouts,
    check: bool,
    asker: Asker = signs_of_life.UNKNOWN,
    witnesses: Witnesses = link_proof.NOBODY,
) -> dict[str, Any]:
    """Make the member what is wanted, under the guard and the cluster's lock.

    :param check: only say what would be done; nothing is written, so no lock is taken.
    :param asker: what is known here of whoever answers at a member's URLs; the rest is added.
    :param witnesses: how the other members report their new connections.
    :returns: C(changed), C(before) and C(members) (all of them, before and after), C(member) (empty without it).
    :raises Refused: the guard, or etcd itself, does not allow it.
    :raises EtcdError: no answer, or etcd's own where it is clear.
    """
    before = queries.members(endpoints, credentials, patience.answer)
    todo = changes(before, wanted)
    if not todo:
        return _result(before, before, wanted)
    # What is given leads on from here, even if the member that it is for ends.
    endpoints = list(dict.fromkeys([*endpoints, *queries.endpoints_of(before)]))
    with Client(endpoints, credentials, patience.answer) as client:
        act = _MemberChange(endpoints, credentials, client, wanted, patience, asker, witnesses)
        if check:
            after = before
            act.check_presumed(before)
            for change in todo:
                act.check(change)
                after = _foreseen(change, after, wanted)
            return _result(before, after, wanted)
        owner = cluster_lock.owner(f"{_CALLED[todo[0]]} of member {wanted}")
        with cluster_lock.held(endpoints, credentials, owner, patience.lock) as lock:
            before = after = client.member_list().members
            act.check_presumed(before)
            for change in changes(before, wanted):
                act.check(change)
                act.prepare(change, lock)
                lock.check()
                after = act.do(change, after)
            return _result(before, after, wanted)


@dataclass(frozen=True)
class _MemberChange:
    """One call under way."""

    endpoints: Sequence[str]
    credentials: Credentials
    client: Client
    wanted: WantedMember
    patience: MemberTimeouts
    asker: Asker
    witnesses: Witnesses

    def check_presumed(self, members: Sequence[ClusterMember]) -> None:
        if self.wanted.members is not None:
            expected_members.check(self.wanted.members, members)

    def check(self, change: str) -> None:
        """May this change be made now?

        :raises Refused: it may not.
        """
        votes = self._votes()
        member = find(votes.members, self.wanted)
        if member is None:
            guard.check_add(votes)
        elif change == PROMOTE:
            guard.check_promote(self._when_caught_up(votes, member.id), member.id)
        elif change == UPDATE:
            # Until it listens there, the others cannot reach it.
            guard.check_quorum(votes)
            guard.check_same_minor(votes)
            guard.check_stop(votes, member.id, self.wanted.allow_outage)
        else:
            guard.check_remove(votes, member.id)
            if self.wanted.only_if_silent:
                self._check_silent(member)

    def prepare(self, change: str, lock: Lock) -> None:
        """Let another member lead than the one that goes, and see that new connections are as the change demands.

        :raises Refused: they are not, or nobody was asked to report.
        """
        demands: dict[str, Callable[[Votes, str], Demand | None]] = {
            # Whom the learner itself reaches is known on its own host only.
            PROMOTE: lambda votes, own: peer_links.before_promotion(votes, own, own_side=False),
            UPDATE: lambda votes, own: peer_links.before_stop(
                votes, own, self.wanted.allow_outage, reached=False, own_side=False
            ),
            REMOVE: peer_links.before_removal,
        }
        if change == REMOVE:
            own = _id(self.client.member_list().members, self.wanted)
            queries.hand_over(self.endpoints, self.credentials, own, timeout=self.patience.answer)
        if change in demands:
            proof = link_proof.LockedAct(self.endpoints, self.credentials, self.witnesses, lock)
            link_proof.require(proof, lambda votes: demands[change](votes, _id(votes.members, self.wanted)))

    def do(self, change: str, members: Sequence[ClusterMember]) -> list[ClusterMember]:
        """Make a change that was found to be allowed.

        :returns: the members after it.
        """
        if change == ADD:
            return membership.add(self.client, self.wanted.peer_urls)
        member_id = _id(members, self.wanted)
        if change == UPDATE:
            return membership.update(self.client, member_id, self.wanted.peer_urls)
        if change == PROMOTE:
            return membership.promote(self.client, member_id, Deadline(self.patience.catch_up))
        return membership.remove(self.client, member_id)

    def _votes(self) -> Votes:
        return queries.votes(self.endpoints, self.credentials, self.patience.answer)

    def _when_caught_up(self, votes: Votes, member_id: str) -> Votes:
        deadline = Deadline(self.patience.catch_up)
        while member_id not in votes.caught_up and deadline.left():
            time.sleep(_POLL)
            votes = self._votes()
        return votes

    def _check_silent(self, member: ClusterMember) -> None:
        cluster_id = self.client.member_list(linearizable=False).cluster_id
        asker = self.asker._replace(credentials=self.credentials, cluster_id=cluster_id)
        sign = signs_of_life.find(member, asker, self.patience.answer)
        if sign is None or (self.wanted.ignore_unidentified and not sign.certain):
            return
        raise Refused(
            f"{guard.label(member)} was to be forgotten, and it {sign}.",
            "A member that lives still votes: it would be ended, and with it what it alone can do.",
            "If it is to leave for good, remove it without only_if_silent."
            if sign.certain
            else "See what listens there. If it is something else, and the machine of the member is gone for good: -e "
            f"etcd_confirm={member.id}, or ignore_unidentified: true for a task of your own.",
            code="member-lives",
        )


def _check_addition(members: Sequence[ClusterMember], wanted: WantedMember) -> None:
    if wanted.member_id:
        raise Refused(
            f"The cluster has no member {wanted.member_id}.",
            "etcd chooses the ids itself; a removed one never comes back.",
            "To add a member, leave member_id out and give peer_urls.",
            code="member-not-known",
        )
    if wanted.state == VOTER:
        raise Refused(
            f"The cluster has no member {wanted}.",
            "A member that is added as a voter counts for the quorum before anybody knows whether it will start.",
            "Add it with state: learner and start it; then state: voter promotes it.",
            code="voter-without-learner",
        )
    if not wanted.peer_urls:
        raise BadInput(
            f"The cluster has no member {wanted}. To add it, give peer_urls, where the others will reach it."
        )
    _check_free(members, wanted, "")


def _check_free(members: Sequence[ClusterMember], wanted: WantedMember, own: str) -> None:
    """Are the peer URLs nobody else's?"""
    for other in members:
        shared = set(other.peer_urls) & set(wanted.peer_urls)
        if shared and other.id != own:
            raise Refused(
                f"{', '.join(sorted(shared))} is a peer URL of {guard.label(other)}, id {other.id}.",
                "Two members at one address are never both reached.",
                "Give this one an address of its own, or remove the other first.",
                code="peer-url-taken",
            )


def _mistaken(found: str) -> Refused:
    return Refused(
        found,
        "The wrong member could be changed.",
        "List the members (etcd_member_info), and give what belongs together.",
        code="member-ambiguous",
    )


def _id(members: Sequence[ClusterMember], wanted: WantedMember) -> str:
    found = find(members, wanted)
    return found.id if found else ""


def _foreseen(change: str, members: Sequence[ClusterMember], wanted: WantedMember) -> list[ClusterMember]:
    """The members after a change that was not made."""
    if change == ADD:
        return [*members, ClusterMember(peer_urls=wanted.peer_urls, is_learner=True)]
    own = _id(members, wanted)
    if change == REMOVE:
        return [one for one in members if one.id != own]
    changed: dict[str, Any] = {"peer_urls": wanted.peer_urls} if change == UPDATE else {"is_learner": False}
    return [replace(one, **changed) if one.id == own else one for one in members]


def _result(before: Sequence[ClusterMember], after: Sequence[ClusterMember], wanted: WantedMember) -> dict[str, Any]:
    found = find(after, wanted)
    return {
        "changed": list(before) != list(after),
        "before": [one.to_dict() for one in before],
        "members": [one.to_dict() for one in after],
        "member": found.to_dict() if found else {},
    }
