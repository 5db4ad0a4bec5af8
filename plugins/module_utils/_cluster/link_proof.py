# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Before an act stops, removes or promotes a member the others are asked for new connections to each other, until
enough of them have shown that they can open them, or the time is up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import link_reports, queries
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.cluster_lock import Lock
from ansible_collections.quorum.etcd.plugins.module_utils._model import peer_links
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.peer_links import Demand, Links
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side

# Seconds until it is refused: a connection may be slow once.
_PATIENCE = 15.0
# Seconds for one round of answers. A member that is dead costs each of the others the time of a dial.
_ROUND = 2 * peer_port.TIMEOUT
_POLL = 0.1


@dataclass(frozen=True)
class Witnesses:
    """How the other members report.

    :param nonce: under which they do; empty if nobody was asked to.
    :param reports: what they have returned when they were asked to, see C(peer_links.Links); it stands for their
        reports where etcd takes no writes.
    """

    nonce: str = ""
    reports: Links | None = None

    @classmethod
    def from_options(cls, nonce: str, returned: Sequence[Mapping[str, Any]]) -> Witnesses:
        """From the options of a module.

        :param returned: what C(etcd_peer_report) has returned for each of the others.
        """
        return cls(nonce, {str(one["member_id"]): dict(one["reached"]) for one in returned if one.get("member_id")})


#: Nobody was asked to report.
NOBODY = Witnesses()


@dataclass(frozen=True)
class LockedAct:
    """An act that has the cluster's lock.

    :param endpoints: of the members that go on meanwhile.
    :param lock: None where nobody can have it.
    """

    endpoints: Sequence[str]
    credentials: Credentials
    witnesses: Witnesses
    lock: Lock | None


def open_question(act: LockedAct) -> None:
    """Ask before anything is demanded, so that the others go on reporting however long it takes until then.

    :raises EtcdError: the question could not be written.
    """
    if act.witnesses.nonce and act.lock is not None:
        with Client(act.endpoints, act.credentials, queries.TIMEOUT) as client:
            link_reports.ask(client, act.witnesses.nonce, act.lock.lease)


def require(act: LockedAct, demand_of: Callable[[Votes], Demand | None], side: Side | None = None) -> None:
    """Wait until the other members have shown new connections as demanded.

    :param demand_of: what is demanded of the members as they are now; None if nothing is. It may refuse.
    :param side: with what the member of the act opens connections itself; None where it need not.
    :raises Refused: too few of them can, or nobody was asked to report.
    :raises EtcdError: the cluster does not answer.
    """
    deadline = Deadline(_PATIENCE)
    while True:
        votes = queries.votes(act.endpoints, act.credentials)
        demand = demand_of(votes)
        if demand is None:
            return
        links = _links_of(act, demand, votes, side)
        if peer_links.is_met(demand, votes, links):
            return
        if act.lock is None or not deadline.left():
            peer_links.check(demand, votes, links)
        time.sleep(_POLL)


def _links_of(act: LockedAct, demand: Demand, votes: Votes, side: Side | None) -> Links:
    """One round of answers."""
    if not act.witnesses.nonce:
        raise Refused(
            f"To {demand.act}, the other members must show that they can still open new connections to each other, and "
            "none of them was asked to.",
            "Connections that were made before live on, so a member seems healthy that may not come back.",
            "Run quorum.etcd.etcd_peer_report on the hosts of all other members first, with a nonce of your choice, "
            "and give the same nonce here.",
            code="links-not-shown",
        )
    with Client(act.endpoints, act.credentials, queries.TIMEOUT) as client:
        own = _own(client, demand, votes, side)
        if act.lock is None:
            return {**(act.witnesses.reports or {}), **own}
        question = link_reports.ask(client, act.witnesses.nonce, act.lock.lease)
        deadline = Deadline(_ROUND)
        while True:
            links = {**link_reports.answers(client, act.witnesses.nonce, question), **own}
            waiting = votes.healthy - {demand.member_id} - set(links)
            if not waiting or not deadline.left() or peer_links.is_met(demand, votes, links):
                return links
            time.sleep(_POLL)


def _own(client: Client, demand: Demand, votes: Votes, side: Side | None) -> dict[str, dict[str, str]]:
    """What the member of the act can open a connection to itself."""
    if side is None or not demand.reaches:
        return {}
    others = [one for one in votes.members if one.id != demand.member_id]
    cluster_id = client.member_list().cluster_id
    return {demand.member_id: peer_port.failures(others, side, cluster_id)}
