# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""etcd's alarms: who has which, and one disarmed once its cause is gone.

A member whose database has reached its quota raises NOSPACE, and the whole cluster takes no writes until that is
disarmed (server/etcdserver/api/v3rpc/quota.go). One whose data differ from the others' raises CORRUPT.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries, survey
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import (
    CORRUPT,
    NOSPACE,
    Alarm,
    View,
    members_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials


@dataclass(frozen=True, order=True)
class NamedAlarm(Alarm):
    """An alarm that is raised.

    :param name: of the member; empty for one that is in the list no more.
    """

    name: str


# It is written and gone again at once; its lease sees to that where this process dies in between.
_KEY = "/quorum.etcd/written"
_LEASE = 10

# Bytes of the largest request that etcd takes by default (server/embed/config.go, DefaultMaxRequestBytes).
_LARGE = 3 << 19

_REMEDY = (
    "Keep fewer revisions (etcd_compaction) and defragment every member (etcd_defrag): ansible-playbook "
    "quorum.etcd.reclaim -i INVENTORY -e etcd_reclaim_keep_revisions=0 does both. What is left then are the keys "
    "themselves: delete those that nobody needs (etcdctl del works under NOSPACE), and run it again."
)

# Seconds in which whoever is over its quota says so: each member finds it out when it applies the write.
_SETTLE = 2.0
_POLL = 0.1


def listed(client: Client) -> list[NamedAlarm]:
    """The alarms that are raised, by the names of the members.

    :raises EtcdError: no answer, or etcd refuses.
    """
    queries.refuse_proxy(client)
    raised = client.alarms()
    names = {one.id: one.name for one in client.member_list().members} if raised else {}
    named = [NamedAlarm(one.member_id, one.alarm, names.get(one.member_id, "")) for one in raised]
    return sorted(named, key=lambda one: (one.name, one.member_id, one.alarm))


def disarm(
    endpoints: Sequence[str], credentials: Credentials, timeout: float, alarm: str, member_id: str, check: bool
) -> dict[str, Any]:
    """Disarm an alarm. After NOSPACE every member is seen to take a write.

    :param endpoints: of any members; they tell the others.
    :param timeout: seconds for each question.
    :param member_id: whose alarm, lower-case hex; empty for everybody's, which only NOSPACE may be.
    :param check: only say what would be disarmed.
    :returns: C(changed), C(before) and C(alarms): the alarms as C(listed) gives them.
    :raises BadInput: nobody is named whose CORRUPT is to go.
    :raises Refused: its cause is still there.
    :raises HostError: it was raised again at once.
    :raises EtcdError: no answer, or etcd refuses.
    """
    if alarm == CORRUPT and not member_id:
        raise BadInput(
            "An alarm CORRUPT is disarmed of one member only, which is named: member_id. What its data are worth has "
            "to be known before (etcdctl endpoint hashkv --cluster)."
        )
    with Client(endpoints, credentials, timeout) as client:
        before = listed(client)
        due = [one for one in before if one.alarm == alarm and member_id in ("", one.member_id)]
        after = [one for one in before if one not in due]
        if check or not due:
            return _result(bool(due), before, after)
        seen = survey.survey(endpoints, credentials, timeout, cluster=True)
        if alarm == NOSPACE:
            check_room(seen)
        for raised in due:
            client.alarm_disarm(raised.member_id, alarm)
            checkpoints.at("alarm: disarmed")
        if alarm == NOSPACE and not any(one.alarm == NOSPACE for one in after):
            for member in seen:
                if member.status and not member.status.is_learner and not member.error:
                    _check_write(member.endpoint, credentials, timeout)
            _check_quiet(client, Deadline(_SETTLE))
        return _result(True, before, listed(client))


def _result(changed: bool, before: Sequence[NamedAlarm], after: Sequence[NamedAlarm]) -> dict[str, Any]:
    return {"changed": changed, "before": list(map(asdict, before)), "alarms": list(map(asdict, after))}


def let_write(client: Client) -> list[NamedAlarm]:
    """Disarm the alarms of ids that are no members, and see that a restored member takes a write.

    A snapshot brings the alarms of then along. All members were made of the same data, and the room below their quotas
    is known, so that such an alarm says nothing of any of them.

    :param client: of one member.
    :returns: the alarms of members, as C(listed) gives them, under which a write is refused; none if one was taken.
    :raises HostError: it takes none, and there is no alarm that says why.
    :raises EtcdError: no answer, or etcd refuses.
    """
    for raised in listed(client):
        if not raised.name:
            client.alarm_disarm(raised.member_id, raised.alarm)
            checkpoints.at("alarm: disarmed")
    try:
        _write(client)
    except EtcdError as exc:
        left = listed(client)
        if not left:
            raise HostError(f"The restored member takes no write: {exc}") from exc
        return left
    return []


def check_room(seen: Sequence[View]) -> None:
    """Is every database below its quota, by a large write at least? Else the next one raises the alarm again.

    Only etcd 3.6 and newer tell their quota; of older ones the write that follows tells.

    :raises Refused: naming the members.
    """
    names = {one.id: guard.label(one) for one in members_of(seen)}
    full = [
        f"{names.get(status.member_id, status.member_id)} ({status.db_size} of {status.db_size_quota} bytes)"
        for status in (one.status for one in seen)
        if status and 0 < status.db_size_quota < status.db_size + _LARGE
    ]
    if full:
        raise Refused(
            f"The database of {', '.join(full)} has no room below its quota.",
            "The first write would raise NOSPACE again.",
            _REMEDY,
            code="quota-too-small",
        )


def _write(client: Client) -> None:
    lease = client.lease_grant(_LEASE)["lease"]
    client.put(_KEY, "", lease=lease)
    client.lease_revoke(lease)


def _check_write(endpoint: str, credentials: Credentials, timeout: float) -> None:
    """See that a member takes a write: each judges by its own database."""
    with Client([endpoint], credentials, timeout) as client:
        try:
            _write(client)
        except EtcdError as exc:
            raise HostError(f"NOSPACE was disarmed, and a write by way of {endpoint} fails: {exc}. {_REMEDY}") from exc


def _check_quiet(client: Client, deadline: Deadline) -> None:
    while deadline.left():
        again = [one for one in listed(client) if one.alarm == NOSPACE]
        if again:
            raise HostError(
                f"NOSPACE was disarmed, and raised again at once by {_named(again)}: there the database has no room "
                f"below its quota. {_REMEDY}"
            )
        time.sleep(_POLL)


def _named(alarms: Sequence[NamedAlarm]) -> str:
    return ", ".join(one.name or one.member_id for one in alarms)
