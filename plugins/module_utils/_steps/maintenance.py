# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A member is to be down for a while: whether its cluster can spare it is asked under the cluster's lock, and again
once it no longer leads, right before it goes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, link_proof, queries
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.cluster_lock import Lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, local_member
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, guard, markers, peer_links
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.peer_links import Demand
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side


@dataclass(frozen=True)
class Terms:
    """On what terms a member may be down.

    :param act: what for, in a word, for whoever waits for the lock: C(restart).
    :param endpoints: client URLs of the other members; empty for those that the member itself tells.
    :param members: the members as the plan foresaw them, see C(_model.expected_members); None for whatever they are.
    :param allow_outage: of two voters one may be down, although nobody can write then.
    :param wait: seconds to wait for whoever else is at work on the cluster.
    :param makes_room: it is what ends NOSPACE, under which nobody can have the cluster's lock: then go on without.
    :param witnesses: how the other members report their new connections.
    :param machine: ids of all members that are down while this machine is; empty where the member alone goes down.
    :param maintenance: the revision of the maintenance key under which the act is done; 0 where there must be none.
    """

    act: str
    endpoints: Sequence[str] = ()
    members: Sequence[Mapping[str, Any]] | None = None
    allow_outage: bool = False
    wait: float = cluster_lock.WAIT
    makes_room: bool = False
    witnesses: Witnesses = link_proof.NOBODY
    machine: frozenset[str] = frozenset()
    maintenance: int = 0


@dataclass(frozen=True)
class MaintenanceWindow:
    """A member that its cluster can spare, for as long as the lock is held.

    :param lock: None in check mode, and where nobody can have it.
    :param unlocked: nobody can have it, so that somebody else may be at work too.
    :param guarded: its cluster was seen to be able to spare it.
    """

    member_id: str
    endpoints: Sequence[str]
    credentials: Credentials
    votes: Votes
    lock: Lock | None
    unlocked: bool = False
    terms: Terms = Terms("act")
    guarded: bool = False

    @property
    def peer_urls(self) -> tuple[str, ...]:
        """What its cluster knows it by."""
        return next((tuple(one.peer_urls) for one in self.votes.members if one.id == self.member_id), ())

    @property
    def notes(self) -> list[str]:
        """What a person should know of it."""
        found = []
        if self.member_id in self.votes.healthy and len(self.votes.voters) <= 2:
            name = self.votes.named(frozenset({self.member_id}))
            found.append(f"{name} is needed for the quorum: while it is down nobody can write.")
        if self.unlocked:
            found.append(
                "Under NOSPACE etcd keeps no lock for anybody: let nobody else be at work on this cluster meanwhile."
            )
        return found

    def hand_over(self) -> None:
        """Let another member lead from now on.

        :raises Refused: the lock was lost meanwhile.
        :raises EtcdError: it goes on leading.
        """
        queries.hand_over(self.endpoints, self.credentials, self.member_id)
        if self.lock is not None:
            self.lock.check()

    def leave_service(self, side: Side | None = None, reached: bool = True) -> None:
        """The last thing before it is stopped: another leads, and the others are still a quorum, by new connections.

        :param side: with what it will open connections once it is back; None for one that does not serve now.
        :param reached: must the others reach it now? Not where it is about to move to another address.
        :raises Refused: the cluster cannot spare it any more, or the lock was lost meanwhile.
        :raises EtcdError: it goes on leading, or the cluster does not answer.
        """
        self.hand_over()
        allowed, own_side = self.terms.allow_outage, side is not None

        def demand(now: Votes) -> Demand | None:
            self.check_machine(now)
            return peer_links.before_stop(now, self.member_id, allowed, reached, own_side)

        self._require(demand, side)
        if self.lock is not None:
            self.lock.check()

    def check_machine(self, votes: Votes) -> None:
        """May all members of its machine be down at once?

        :raises Refused: the others would not be a quorum.
        """
        guard.check_stop_of_all(votes, self.terms.machine, self.terms.allow_outage)

    def welcome(self, side: Side) -> None:
        """It serves again: see that it is connected by new connections, both ways, before another one is stopped.

        :param side: with what it opens connections.
        :raises Refused: it is not.
        :raises EtcdError: the cluster does not answer.
        """
        # Where nobody can have the lock, nobody can report either.
        if self.lock is not None:
            self._require(lambda now: peer_links.after_start(now, self.member_id, self.terms.allow_outage), side)

    def _require(self, demand_of: Callable[[Votes], Demand | None], side: Side | None) -> None:
        act = link_proof.LockedAct(self.endpoints, self.credentials, self.terms.witnesses, self.lock)
        link_proof.require(act, demand_of, side)

    def readdress(self, peer_urls: Sequence[str]) -> None:
        """Let the cluster know it by these peer URLs.

        :raises EtcdError: it does not.
        """
        with Client(self.endpoints, self.credentials, queries.TIMEOUT) as client:
            client.member_update(self.member_id, list(peer_urls))


def on_host(layout: Layout, check: bool) -> contextlib.AbstractContextManager[None]:
    """The host's lock, which nobody needs who only looks.

    :raises Refused: somebody else holds it.
    """
    return contextlib.nullcontext() if check else host_files.acting(layout)


@contextlib.contextmanager
def claimed(view: View, layout: Layout, terms: Terms, check: bool) -> Iterator[MaintenanceWindow]:
    """Hold the cluster's lock for an act on the member of this host.

    :param view: what the member itself says, see C(local_member.of_process).
    :param check: only look.
    :raises Refused: its members are not as foreseen, or somebody else is at work on the cluster.
    :raises EtcdError: the cluster does not answer.
    """
    marker = host_files.read_marker(layout)
    member_id = view.member_id or _own_id(layout, marker)
    endpoints = endpoints_for(view, layout, terms)
    credentials = local_member.credentials(layout)
    with contextlib.ExitStack() as stack:
        lock, unlocked = None, False
        if not check:
            owner = cluster_lock.owner(f"{terms.act} of {marker.name if marker else layout.unit}")
            try:
                lock = stack.enter_context(
                    cluster_lock.held(endpoints, credentials, owner, terms.wait, maintenance=terms.maintenance)
                )
            except cluster_lock.NoSpace:
                if not terms.makes_room:
                    raise
                unlocked = True
        votes = queries.votes(endpoints, credentials)
        if terms.members is not None:
            expected_members.check(terms.members, votes.members)
        yield MaintenanceWindow(member_id, endpoints, credentials, votes, lock, unlocked, terms)


def endpoints_for(view: View, layout: Layout, terms: Terms) -> list[str]:
    """Whom an act on the member of this host asks, see C(_endpoints)."""
    member_id = view.member_id or _own_id(layout, host_files.read_marker(layout))
    return _endpoints(view, member_id, layout, terms)


def _own_id(layout: Layout, marker: Marker | None) -> str:
    """The id of a member that does not answer: by its log, else by its marker; empty where neither has one."""
    with contextlib.suppress(wal.DamagedLog):
        told = wal.identity(markers.where_it_lies(layout, marker).log_dir)[0]
        if told:
            return told
    return marker.member_id if marker is not None else ""


@contextlib.contextmanager
def spared(view: View, layout: Layout, terms: Terms, check: bool) -> Iterator[MaintenanceWindow]:
    """Hold the cluster's lock, having seen under it that this member can be spared.

    :raises Refused: it cannot be spared; and as C(claimed).
    :raises EtcdError: the cluster does not answer.
    """
    with claimed(view, layout, terms, check) as spare:
        guard.check_stop(spare.votes, spare.member_id, terms.allow_outage)
        spare.check_machine(spare.votes)
        yield replace(spare, guarded=True)


@contextlib.contextmanager
def released(
    view: View,
    layout: Layout,
    terms: Terms,
    serves: bool,
    check: bool = False,
    window: MaintenanceWindow | None = None,
) -> Iterator[MaintenanceWindow | None]:
    """Have a member out of service that goes back to the files with which it served before.

    :param serves: whether it serves now. One that does not may still vote.
    :param check: only look.
    :param window: what is held for it already.
    :returns: what is held for it. None where no other voter is healthy either: then there is no quorum to lose and no
        lock to be had, and its previous files may be what brings the quorum back.
    :raises Refused: the cluster cannot spare it, or does not say whether it can.
    """
    with contextlib.ExitStack() as stack:
        try:
            window = window or stack.enter_context(spared(view, layout, terms, check))
            if not check:
                # That the others cannot reach it may be why it goes back.
                window.leave_service(reached=False)
        except EtcdError as exc:
            if serves:
                raise
            if not _is_quorum_lost(view, layout, terms):
                raise _stopped_by_hand(layout, exc) from exc
            window = None
        yield window


def _is_quorum_lost(view: View, layout: Layout, terms: Terms) -> bool:
    """Whether others answer, and none of them is healthy."""
    try:
        member_id = view.member_id or _own_id(layout, host_files.read_marker(layout))
        votes = queries.votes(_endpoints(view, member_id, layout, terms), local_member.credentials(layout))
    except EtcdError:
        return False
    return not votes.healthy


def _stopped_by_hand(layout: Layout, exc: EtcdError) -> Refused:
    refused = exc if isinstance(exc, Refused) else Refused(str(exc), "", "", code="quorum-unknown")
    by_hand = (
        f"If that cannot be: {layout.unit} serves nobody. Once it is stopped on this host (systemctl stop "
        f"{layout.unit}), the same command starts it with its previous files; until then nobody may be able to write."
    )
    return Refused(refused.found, refused.danger, f"{refused.remedy} {by_hand}".strip(), code=refused.code)


def _endpoints(view: View, member_id: str, layout: Layout, terms: Terms) -> list[str]:
    """Who is asked: those that go on while this member is down, and only where there are none itself."""
    found = list(terms.endpoints) or queries.endpoints_of(view.members or [], but=member_id)
    if not found and view.members is not None:
        return [view.endpoint]
    if not found:
        raise Refused(
            f"The member on this host does not say which others its cluster has: {view.error}",
            "Whether they can spare it is not known.",
            "Name their client URLs (endpoints), or start it if it is stopped (state: started). If it is the only "
            f"member, stop it on its host (systemctl stop {layout.unit}), and run again.",
            code="quorum-unknown",
        )
    return found
