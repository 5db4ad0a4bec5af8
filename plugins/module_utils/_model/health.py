# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The verdict on a cluster: pure functions of what its members have said."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import (
    CORRUPT,
    NOSPACE,
    Alarm,
    ClusterMember,
    Status,
    View,
    members_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.quorum import quorum

Result = dict[str, t.Any]

# What is passed on of a status.
_PASSED_ON = (
    "member_id",
    "version",
    "storage_version",
    "db_size",
    "db_size_in_use",
    "db_size_quota",
    "is_leader",
    "is_learner",
    "raft_term",
    "raft_index",
    "raft_applied_index",
)

_COLUMNS = (
    "ENDPOINT",
    "ID",
    "NAME",
    "VERSION",
    "DB SIZE",
    "IS LEADER",
    "IS LEARNER",
    "RAFT TERM",
    "RAFT INDEX",
    "APPLIED",
    "HEALTH",
)


def downgrade_in(seen: t.Sequence[View]) -> str:
    """The version to which the cluster is being downgraded, by whoever says so; empty without such a job."""
    return next((one.status.downgrade for one in seen if one.status and one.status.downgrade), "")


def versions_in(seen: t.Sequence[View]) -> dict[str, str]:
    """Member id -> the release that it runs, of all who say so."""
    return {one.status.member_id: one.status.version for one in seen if one.status and one.status.version}


def judge(seen: t.Sequence[View]) -> Result:
    """The verdict on each endpoint and on the cluster.

    A healthy voter has started, answers a linearizable read of its own, is no learner and has no CORRUPT alarm. NOSPACE
    is named but not counted: the member is well, its quota is full. A learner that answers is healthy, but no voter.

    :returns: C(healthy) and C(reasons) (sentences; the cluster may be healthy with some), C(quorum) (see C(quorum)),
        C(leader) (member id, empty without one), C(cluster_id), C(alarms), C(endpoints): what C(_judge_endpoint) says
        of each, and C(table).
    """
    members = members_of(seen)
    alarms = _alarms(seen)
    endpoints = [_judge_endpoint(one, members, alarms) for one in seen]
    complaints = _complaints(seen, members)
    reasons = complaints + [
        f"{row['name'] or row['endpoint']}: {reason}" for row in endpoints for reason in row["reasons"]
    ]
    leaders = [one.status.leader for one in seen if one.status and one.status.leader]
    clusters = [one.status.cluster_id for one in seen if one.status]
    return {
        "healthy": not complaints and all(row["healthy"] for row in endpoints),
        "reasons": reasons,
        "quorum": _quorum(endpoints, members),
        "leader": leaders[0] if leaders else "",
        "cluster_id": clusters[0] if clusters else "",
        "alarms": [asdict(alarm) for alarm in alarms],
        "endpoints": endpoints,
        "table": table(endpoints),
    }


def table(endpoints: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """The verdict on the endpoints as a table for people, after the manner of C(etcdctl endpoint status -w table)."""
    rows = [_COLUMNS, *map(_cells, endpoints)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    ruler = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([ruler, lines[0], ruler, *lines[1:], ruler])


def _cells(row: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    told: list[t.Any] = [""] * 7
    if row["member_id"]:
        told = [row["version"], _size(row["db_size"]), str(row["is_leader"]).lower(), str(row["is_learner"]).lower()]
        told += [row["raft_term"], row["raft_index"], row["raft_applied_index"]]
    health = "healthy" if row["healthy"] else "unhealthy"
    return tuple(map(str, (row["endpoint"], row["member_id"], row["name"], *told, health)))


def _judge_endpoint(one: View, members: list[ClusterMember], alarms: list[Alarm]) -> Result:
    status = one.status or Status()
    member_id = status.member_id
    # Whoever gives no status is known by its URL alone.
    named = [m.name for m in members if m.id == member_id or (not member_id and one.endpoint in m.client_urls)]
    own_alarms = [alarm.alarm for alarm in alarms if alarm.member_id == member_id]
    faults = []
    if one.error:
        faults.append(one.error)
    if one.status and not status.leader:
        faults.append("it knows no leader.")
    if CORRUPT in own_alarms:
        faults.append("alarm CORRUPT: its data differs from that of other members.")
    remarks = []
    if NOSPACE in own_alarms:
        remarks.append("alarm NOSPACE: its database has reached its quota; the cluster refuses writes.")
    if status.is_learner:
        remarks.append("it is a learner, which has no vote.")
    return {
        "endpoint": one.endpoint,
        "name": named[0] if named else "",
        "healthy": not faults,
        "reasons": faults + remarks,
        "took": round(one.took, 6),
        **{name: getattr(status, name) for name in _PASSED_ON},
    }


def _complaints(seen: t.Sequence[View], members: list[ClusterMember]) -> list[str]:
    """What is wrong with the cluster beyond its single endpoints."""
    complaints = []
    answers = [(one.endpoint, one.status) for one in seen if one.status]
    if not answers:
        complaints.append("No endpoint answers.")
    for name, what in (("cluster_id", "different clusters"), ("leader", "different leaders")):
        said: dict[str, list[str]] = {}
        for endpoint, status in answers:
            value = getattr(status, name)
            if value:
                said.setdefault(value, []).append(endpoint)
        if len(said) > 1:
            listing = "; ".join(f"{value}: {', '.join(endpoints)}" for value, endpoints in said.items())
            complaints.append(f"The endpoints name {what}: {listing}.")
    complaints += [
        f"Member {member.id} ({', '.join(member.peer_urls)}) has never started."
        for member in members
        if not member.started
    ]
    return complaints


def _quorum(endpoints: list[Result], members: list[ClusterMember]) -> Result:
    """The arithmetic of the votes.

    :returns: C(size) (voters in the member list), C(needed) (for a quorum), C(healthy) (healthy voters among the
        endpoints), C(tolerance) (how many of those may fail before the quorum is lost).
    """
    voters = {member.id for member in members if not member.is_learner}
    healthy = {row["member_id"] for row in endpoints if row["healthy"] and not row["is_learner"]} & voters
    votes = quorum(len(voters))
    return {**votes, "healthy": len(healthy), "tolerance": max(0, len(healthy) - votes["needed"])}


def _alarms(seen: t.Sequence[View]) -> list[Alarm]:
    return sorted({alarm for one in seen for alarm in one.alarms or ()})


def _size(size: int) -> str:
    """Bytes in decimal units, as etcdctl prints them."""
    number, units = float(size), ["B", "kB", "MB", "GB"]
    while number >= 1000 and len(units) > 1:
        number /= 1000
        units.pop(0)
    return f"{number:.0f} {units[0]}" if number >= 10 or units[0] == "B" else f"{number:.1f} {units[0]}"
