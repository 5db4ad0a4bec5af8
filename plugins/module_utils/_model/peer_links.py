# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""New connections between members, and what an act on one of them demands of the others. Pure.

Members keep the connections that they have. A firewall rule, a key that does not match its certificate or a closed
port shows only when a member must be connected to anew, and a member that restarts is. One working direction is enough
for raft (server/etcdserver/api/rafthttp/peer.go: what has no stream goes by the pipeline), so that a member that nobody
can dial serves, until the member that it dials stops as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.quorum import quorum

#: Member id -> member id -> why the first cannot open a new connection to the second, empty if it can. A member that
#: has not reported is missing.
Links = Mapping[str, Mapping[str, str]]

_DANGER = (
    "Connections that were made before live on, so every member seems healthy; whichever is stopped may not come back, "
    "and the next one takes the quorum."
)


@dataclass(frozen=True)
class Demand:
    """What must hold before an act.

    :param act: what is to happen, for the message: C(restart etcd-host1).
    :param member_id: the member that the act is about.
    :param needed: how many healthy voters beside it must reach each other, both ways.
    :param reaches: it must reach each of these, too.
    :param reached: each of these must reach it, too.
    :param mutual: must these reach each other?
    """

    act: str
    member_id: str
    needed: int
    reaches: bool = False
    reached: bool = False
    mutual: bool = True


def before_stop(
    votes: Votes, member_id: str, allow_outage: bool = False, reached: bool = True, own_side: bool = True
) -> Demand | None:
    """What a member's stop demands, for good or for a restart.

    :param member_id: empty where it is not known which of them it is.
    :param allow_outage: of two voters the other one is enough.
    :param reached: must the others reach it now? Not where it is about to move to another address.
    :param own_side: is it known whom it reaches itself?
    :returns: None where nobody else votes, or it does not.
    :raises Refused: its cluster cannot spare it.
    """
    guard.check_stop(votes, member_id, allow_outage)
    if _is_alone(votes, member_id):
        return None
    healthy = member_id in votes.healthy
    # Where it may be any of them, it may be one of these.
    needed = _needed_without(votes, member_id, allow_outage) + (not member_id)
    return Demand(f"stop {_name(votes, member_id)}", member_id, needed, healthy and own_side, healthy and reached)


def after_start(votes: Votes, member_id: str, allow_outage: bool = False) -> Demand | None:
    """What is demanded of a member that is back, before the next one is stopped. Who has failed meanwhile is not its
    fault, nor whom the others cannot reach.
    """
    if _is_alone(votes, member_id):
        return None
    needed = min(_needed_without(votes, member_id, allow_outage), len(votes.healthy - {member_id}))
    return Demand(f"go on after {_name(votes, member_id)}", member_id, needed, True, True, mutual=False)


def before_removal(votes: Votes, member_id: str) -> Demand | None:
    """What the removal of a healthy voter demands. Whatever is lost already is no loss.

    :raises Refused: its cluster cannot spare it.
    """
    guard.check_remove(votes, member_id)
    if member_id not in votes.healthy:
        return None
    needed = quorum(len(votes.voters) - 1)["needed"]
    return Demand(f"remove {_name(votes, member_id)}", member_id, needed) if needed > 1 else None


def before_promotion(votes: Votes, member_id: str, own_side: bool = True) -> Demand | None:
    """What the promotion of a learner demands: a voter that nobody can dial would be lost with those that it dials.

    :param own_side: is it known whom the learner itself reaches?
    """
    needed = quorum(len(votes.voters) + 1)["needed"] - 1
    return Demand(f"make a voter of {_name(votes, member_id)}", member_id, needed, own_side, True)


def _is_alone(votes: Votes, member_id: str) -> bool:
    """Has it no vote, or the only one?"""
    return bool(member_id) and (member_id not in votes.voters or votes.voters == {member_id})


def _needed_without(votes: Votes, member_id: str, allow_outage: bool) -> int:
    needed = quorum(len(votes.voters))["needed"]
    return min(needed, len(votes.voters - {member_id})) if allow_outage else needed


def is_met(demand: Demand, votes: Votes, links: Links) -> bool:
    """Are there enough healthy voters, every two of which reach each other both ways?"""
    fit = [one for one in sorted(votes.healthy - {demand.member_id}) if _suits(one, demand, links)]
    return _has_clique(fit, demand.needed, links) if demand.mutual else len(fit) >= demand.needed


def check(demand: Demand, votes: Votes, links: Links) -> None:
    """Demand new connections.

    :raises Refused: there are too few, naming each that is missing and why.
    """
    if is_met(demand, votes, links):
        return
    raise Refused(
        f"To {demand.act}, {demand.needed} other healthy voter{'s' * (demand.needed > 1)} must be able to open new "
        f"peer connections {_to_whom(demand, votes)}. " + " ".join(_missing(demand, votes, links)),
        _DANGER,
        _remedy(sorted(votes.healthy - {demand.member_id} - set(links)), votes),
        code="no-new-connections",
    )


def _remedy(unreported: Sequence[str], votes: Votes) -> str:
    """Only a host of the inventory reports."""
    reach = "Let the members reach each other's peer URLs in both directions, with certificates that all of them accept"
    if not unreported:
        return f"{reach}, then run again."
    names = ", ".join(_name(votes, one) for one in unreported)
    return (
        f"Write the hosts of {names} into the inventory if they are not in it, with etcd_member_state: absent if they "
        f"are to leave. {reach}, then run again."
    )


def _to_whom(demand: Demand, votes: Votes) -> str:
    name = _name(votes, demand.member_id)
    ways = ["to each other"] * (demand.mutual and demand.needed > 1)
    ways += [f"to {name}"] * demand.reached + [f"from {name}"] * demand.reaches
    return " and ".join(ways)


def _reaches(links: Links, one: str, other: str) -> bool:
    return links.get(one, {}).get(other) == ""


def _suits(one: str, demand: Demand, links: Links) -> bool:
    to_it = not demand.reached or _reaches(links, one, demand.member_id)
    return to_it and (not demand.reaches or _reaches(links, demand.member_id, one))


def _has_clique(fit: Collection[str], needed: int, links: Links) -> bool:
    if needed <= 0 or len(fit) < needed:
        return needed <= 0
    first, *rest = fit
    connected = [one for one in rest if _reaches(links, first, one) and _reaches(links, one, first)]
    return _has_clique(connected, needed - 1, links) or _has_clique(rest, needed, links)


def _missing(demand: Demand, votes: Votes, links: Links) -> Iterator[str]:
    """What keeps the demand from being met."""
    healthy = votes.healthy - {demand.member_id}
    for one in sorted(votes.voters - {demand.member_id} - healthy):
        yield f"{_name(votes, one)} is not healthy."
    for one in sorted(healthy - set(links)):
        yield (
            f"{_name(votes, one)} reports none: it is on no host of this run, or its report does not arrive (the "
            "journal of quorum-etcd-report-* there says why)."
        )
    here = sorted(healthy & set(links))
    pairs = [(one, other) for one in here for other in here if demand.mutual and one != other]
    pairs += [(one, demand.member_id) for one in here if demand.reached]
    pairs += [(demand.member_id, one) for one in here if demand.reaches]
    for one, other in pairs:
        if not _reaches(links, one, other):
            why = links.get(one, {}).get(other, "it did not try, for it does not know of it.")
            yield f"{_name(votes, one)} cannot reach {_name(votes, other)}: {why}"


def _name(votes: Votes, member_id: str) -> str:
    return votes.named(frozenset({member_id})) or member_id or "the member of this host"
