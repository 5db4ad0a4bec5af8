# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Leadership moved to a voter, or away from one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, queries
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import member as _member
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.member import MemberTimeouts, WantedMember
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials

LEADER, FOLLOWER = "leader", "follower"

# Seconds in which elections that come in between have ended.
_SETTLE = 20.0
_POLL = 0.2


def ensure(
    endpoints: Sequence[str], credentials: Credentials, wanted: WantedMember, patience: MemberTimeouts, check: bool
) -> dict[str, Any]:
    """Let a member lead, or let another one lead, under the cluster's lock.

    :param wanted: the member, and as its state C(leader) or C(follower).
    :param check: only say who would lead.
    :returns: C(changed), C(leader) and C(before): C(id) and C(name) of who leads and led.
    :raises Refused: there is no such member, or nobody healthy to lead instead.
    :raises EtcdError: no answer, or etcd's own.
    """
    members = queries.members(endpoints, credentials, patience.answer)
    member = _member.find(members, wanted)
    if member is None:
        raise Refused(
            f"The cluster has no member {wanted}.", "", "List the members (etcd_member_info).", code="member-not-known"
        )
    member_id = member.id
    leads = wanted.state == LEADER
    before = queries.leader(endpoints, credentials, patience.answer)
    if (before == member_id) is leads:
        return _result(members, before, before)
    if check:
        return _result(members, before, _target(_votes(endpoints, credentials, patience), member_id, leads))
    with cluster_lock.held(endpoints, credentials, cluster_lock.owner(f"move of leadership, {wanted}"), patience.lock):
        deadline = Deadline(_SETTLE)
        while True:
            target = _target(_votes(endpoints, credentials, patience), member_id, leads)
            leading = queries.leader(endpoints, credentials, patience.answer)
            if leading and (leading == member_id) is leads:
                return _result(members, before, leading)
            if not deadline.left():
                raise Refused(
                    f"{_label(members, leading) or 'Nobody'} leads, though {_label(members, target)} was asked to.",
                    "Leadership that moves by itself means that members lose sight of each other.",
                    "See whether they are well (etcd_health_info), then run again.",
                    code="leader-moved",
                )
            if not queries.hand_over(endpoints, credentials, leading, to=target, timeout=patience.answer):
                time.sleep(_POLL)


def _votes(endpoints: Sequence[str], credentials: Credentials, patience: MemberTimeouts) -> Votes:
    return queries.votes(endpoints, credentials, patience.answer)


def _target(votes: Votes, member_id: str, leads: bool) -> str:
    """Who is to lead.

    :raises Refused: nobody who could.
    """
    guard.check_quorum(votes)
    if not leads:
        target = guard.transferee(votes, member_id)
        if not target:
            raise Refused(
                f"Nobody but {_label(votes.members, member_id)} could lead: no other voter is healthy.",
                "Without a leader the cluster serves nobody.",
                "Bring another voter up first (etcd_health_info says which is not well), then run again.",
                code="no-healthy-voter",
            )
        return target
    if member_id not in votes.healthy:
        kind = "a voter that is not healthy" if member_id in votes.voters else "a learner, which has no vote"
        raise Refused(
            f"{_label(votes.members, member_id)} is {kind}.",
            "The cluster would be without a leader until it has elected another one.",
            "Let a healthy voter lead (etcd_health_info says which are).",
            code="unfit-leader",
        )
    return member_id


def _label(members: Sequence[ClusterMember], member_id: str) -> str:
    return next((guard.label(one) for one in members if one.id == member_id), "")


def _result(members: Sequence[ClusterMember], before: str, leading: str) -> dict[str, Any]:
    return {
        "changed": before != leading,
        "before": _told(members, before),
        "leader": _told(members, leading),
    }


def _told(members: Sequence[ClusterMember], member_id: str) -> dict[str, str]:
    return {"id": member_id, "name": _label(members, member_id)}
