# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A new host joins: added as a learner, started, awaited until it has caught up and itself answers, promoted.

All of it is one call, under the host's lock and the cluster's. Wherever it was interrupted the same call goes on: what
is there already is found in the member list, the marker and the log.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, TypeVar

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline, Growth
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, link_proof, membership, queries
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.cluster_lock import Lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    exit_reason,
    gate_check,
    host_files,
    installed_releases,
    local_member,
    member_files,
    peer_side,
    processes,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, guard, markers, peer_links
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service

_T = TypeVar("_T")

# A new member whose first registration is lost serves nobody for 7 s: 5 s and twice the election timeout.
_AT_LEAST = 15.0
_POLL = 0.3

_BEHIND = (
    "It answers on this host, and is still behind the leader, or cannot be reached at the client URLs that it "
    "advertises: compare them with its address."
)


@dataclass(frozen=True)
class Joining:
    """Who joins what.

    :param cluster: the cluster's name.
    :param name: the new member's name.
    :param peer_urls: its peer URLs; by these it is known before it has started.
    :param endpoints: client URLs of members that serve.
    :param members: the members as the plan foresaw them, see C(_model.expected_members).
    :param timeout: seconds that it may get no further before it votes; never less than 15.
    :param witnesses: how the other members report their new connections.
    """

    cluster: str
    name: str
    peer_urls: Sequence[str]
    endpoints: Sequence[str]
    members: Sequence[Mapping[str, Any]]
    timeout: float
    witnesses: Witnesses = link_proof.NOBODY


@dataclass(frozen=True)
class _JoinAct:
    """One joining under way, with both locks held.

    :param version: the release that it will run.
    """

    systemd: Systemd
    layout: Layout
    joining: Joining
    credentials: Credentials
    client: Client
    lock: Lock
    version: str

    def votes(self) -> Votes:
        return queries.votes(self.joining.endpoints, self.credentials)

    def proof(self) -> link_proof.LockedAct:
        return link_proof.LockedAct(self.joining.endpoints, self.credentials, self.joining.witnesses, self.lock)

    def side(self) -> Side:
        """With what the new member opens connections."""
        process = processes.describe(self.systemd.show(self.layout.unit)["pid"])
        return peer_side.of_running(self.layout, process) if process else Side()


def join(systemd: Systemd, layout: Layout, content: Content, joining: Joining, check: bool) -> dict[str, Any]:
    """Make a voter of this host.

    :param check: only say what would be written.
    :returns: C(changed), C(diff), and but in check mode C(member_id) and C(cluster_id).
    :raises Refused: this host, the cluster or its members are not so that it may join.
    :raises HostError: it does not start, or has not caught up in time; it stays a learner.
    """
    diff = member_files.differences(content)
    if check:
        return {"changed": True, "diff": diff}
    with host_files.acting(layout):
        before, has_log = _settled(systemd, layout)
        _check_host(layout, before, has_log)
        goes_on = has_log and _goes_on(systemd, layout, content, joining)
        if not goes_on:
            # The first thing, for they hold the certificate with which the cluster is asked.
            member_files.ensure_directories(layout)
            member_files.write(layout, content)
            systemd.control("daemon-reload")
            checkpoints.at("join: files written")
        credentials = local_member.credentials(layout)
        owner = cluster_lock.owner(f"joining of {joining.name}")
        with (
            cluster_lock.held(joining.endpoints, credentials, owner) as lock,
            Client(joining.endpoints, credentials, queries.TIMEOUT) as client,
        ):
            release = installed_releases.to_run(content.files, layout)
            act = _JoinAct(systemd, layout, joining, credentials, client, lock, release)
            link_proof.open_question(act.proof())
            own = _add_or_find(act, before, has_log)
            if not goes_on:
                service.launch(systemd, layout, again=True)
                checkpoints.at("join: started")
            ids = _await(act, own, Deadline(max(joining.timeout, _AT_LEAST)))
        snapshot_timer.follow_file(systemd, layout, content)
    return {"changed": True, "diff": diff, **ids}


def _goes_on(systemd: Systemd, layout: Layout, content: Content, joining: Joining) -> bool:
    """Does a member run here that is left to run? A voter is. A learner is, where it has read all that it is to read: a
    restart would lose what it has received of the leader's snapshot.
    """
    status = service.observe(systemd, layout, joining.endpoints).status
    if status is not None and not status.is_learner:
        return True
    unit = systemd.show(layout.unit)
    process = processes.describe(unit["pid"]) if unit["pid"] else None
    if process is None or unit["sub_state"] == "auto-restart" or unit["job_pending"]:
        return False
    record = host_files.read_record(layout, process.identity.invocation)
    differs = content.leaves or member_files.differences(content) or member_files.read_otherwise(content, record)
    return bool(record) and not differs


def _settled(systemd: Systemd, layout: Layout) -> tuple[Marker | None, bool]:
    """The marker, and whether there is a log, once a first start that is under way has made one or ended."""
    deadline = Deadline(_AT_LEAST)
    while True:
        marker, has_log = host_files.read_marker(layout), bool(wal.segments(layout.log_dir))
        starting = marker is not None and marker.state == markers.STARTING and not has_log
        if not starting or not systemd.show(layout.unit)["pid"] or not deadline.left():
            return marker, has_log
        time.sleep(_POLL)


def _add_or_find(act: _JoinAct, marker: Marker | None, has_log: bool) -> ClusterMember:
    """The member of this host in the cluster's list, with all that its first start needs on the host."""
    told = act.client.member_list()
    members = told.members
    own = _find(act.joining, members, marker, has_log)
    expected_members.check(act.joining.members, members, own.id if own else "")
    if own is None:
        guard.check_add(act.votes(), act.version)
        act.lock.check()
        members = membership.add(act.client, act.joining.peer_urls)
        own = next(member for member in members if sorted(member.peer_urls) == sorted(act.joining.peer_urls))
        checkpoints.at("join: added")
    elif own.is_learner and sorted(own.peer_urls) != sorted(act.joining.peer_urls):
        # It has never voted: nobody loses it while the others learn where it is.
        act.lock.check()
        members = membership.update(act.client, own.id, act.joining.peer_urls)
        checkpoints.at("join: readdressed")
    if not has_log:
        _prepare(act, marker, members, own.id, told.cluster_id)
    return own


def _await(act: _JoinAct, own: ClusterMember, deadline: Deadline) -> dict[str, str]:
    """Wait until it has caught up, promote it, and wait until it serves as a voter."""
    if own.is_learner:
        votes = _await_learner(act, own.id, deadline)
        checkpoints.at("join: caught up")
        guard.check_promote(votes, own.id)
        link_proof.require(act.proof(), lambda now: peer_links.before_promotion(now, own.id), act.side())
        act.lock.check()
        membership.promote(act.client, own.id, deadline)
        checkpoints.at("join: promoted")
    return service.remember(act.layout, _await_voter(act, deadline))


def _check_host(layout: Layout, marker: Marker | None, has_log: bool) -> None:
    """May this host join, or go on joining?"""
    state = marker.state if marker else None
    ours = marker is not None and marker.origin == markers.JOIN
    if has_log:
        allowed = ours and state in (markers.STARTING, markers.STARTED)
    else:
        allowed = state in (None, markers.REMOVED) or (ours and state == markers.NEVER_STARTED)
    if not allowed:
        raise Refused(
            f"This host has {'a' if has_log else 'no'} write-ahead log in {layout.log_dir}, and its marker says "
            f"{state or 'nothing'!r}{f' (origin {marker.origin})' if marker else ''}.",
            "Only a host without data can join; data of a member that ran must not be lost or mixed up by it.",
            AGAIN,
            code="host-changed",
        )
    # A first start that goes on may be making its database now.
    if state in (None, markers.REMOVED):
        gate_check.check_empty(layout)


def _find(
    joining: Joining, members: Sequence[ClusterMember], marker: Marker | None, has_log: bool
) -> ClusterMember | None:
    """The member that an interrupted run has added for this host, None if there is none yet.

    :raises Refused: the name or the URLs are somebody else's.
    """
    if has_log and marker is not None:
        found = next((member for member in members if member.id == marker.member_id), None)
        if found is None:
            raise Refused(
                f"This host has the data of member {marker.member_id}, which the cluster's member list does not have.",
                "It was removed while it joined; started again it ends by itself.",
                "Write etcd_member_state: absent for it and run: its data are archived. Then it can join anew.",
                code="member-removed",
            )
        return found
    found = next((member for member in members if set(member.peer_urls) & set(joining.peer_urls)), None)
    namesake = next((member for member in members if member.name == joining.name), None)
    if namesake is not None and namesake is not found:
        raise Refused(
            f"The cluster has a member {joining.name} already: {namesake.id} at {', '.join(namesake.peer_urls)}.",
            "Two members of one name cannot be told apart.",
            "Give this host another NODE_NAME. If that member's machine is gone for good, remove it first: -e "
            f"etcd_forget={namesake.id}.",
            code="member-name-taken",
        )
    if found is None:
        return None
    if found.started or not found.is_learner or sorted(found.peer_urls) != sorted(joining.peer_urls):
        kind = "learner" if found.is_learner else "voter"
        raise Refused(
            f"The cluster has the {kind} {guard.label(found)} with the id {found.id} at "
            f"{', '.join(found.peer_urls)}, and this host has no data of it.",
            "Started empty under an id that may have voted it could bring acknowledged writes to nothing.",
            f"Remove that member first, then this host can join: -e etcd_forget={found.id}.",
            code="member-without-data",
        )
    return found


def _prepare(
    act: _JoinAct, marker: Marker | None, members: Sequence[ClusterMember], member_id: str, cluster_id: str
) -> None:
    """Write what the one first start needs; the marker last, for it is what lets it through."""
    layout, joining = act.layout, act.joining
    initial_cluster = _initial_cluster(joining, members, member_id)
    settings: dict[str, Value] = {"initial-cluster": initial_cluster, "initial-cluster-state": "existing"}
    lines = "".join(f"{line}\n" for line in env_file.assignments(settings))
    host_files.write(layout.bootstrap_file, lines.encode(), 0o600, 0, 0)
    wanted = Marker(
        markers.NEVER_STARTED,
        origin=markers.JOIN,
        cluster=joining.cluster,
        name=joining.name,
        cluster_id=cluster_id,
        member_id=member_id,
        initial_cluster=initial_cluster,
        machine_id=host_files.machine_id(),
        mounts=tuple(host_files.mounts_under(layout)),
    )
    host_files.write_marker(layout, marker, wanted)
    checkpoints.at("join: marked")


def _initial_cluster(joining: Joining, members: Sequence[ClusterMember], own: str) -> str:
    """Every member with its URLs: a joining member compares them with the cluster's list (membership/cluster.go,
    ValidateClusterAndAssignIDs). Names do not matter to it but for its own; who has none yet goes by the id.
    """
    pairs = []
    for member in members:
        name = joining.name if member.id == own else member.name or member.id
        pairs += [f"{name}={url}" for url in member.peer_urls]
    return ",".join(pairs)


def _await_learner(act: _JoinAct, member_id: str, deadline: Deadline) -> Votes:
    """Wait until the learner itself answers and has what the leader had."""

    def caught_up(view: View) -> Votes | None:
        if not view.status:
            return None
        if view.member_id != member_id:
            raise Refused(
                f"What runs on this host is member {view.member_id}, and {member_id} was to be started.",
                "It has data of its own, which no marker speaks of.",
                f"Find out whose data lie in {act.layout.data_dir}, and move them aside.",
                code="foreign-data",
            )
        votes = act.votes()
        return votes if member_id in votes.caught_up else None

    def late(view: View) -> str:
        waits = (
            "It waits for the leader: see that the other members reach it at "
            f"{', '.join(act.joining.peer_urls)}. A wrong address is corrected in the inventory."
        )
        return (
            f"{act.joining.name} has joined as a learner, has not caught up, and has got no further for "
            f"{deadline.seconds:.0f} s. {_BEHIND if view.status else waits} If it only needs longer, raise "
            "etcd_start_timeout. It has no vote and harms nobody; the same command goes on from here, and does not "
            "restart it unless its files change."
        )

    return _until(act, deadline, caught_up, late)


def _await_voter(act: _JoinAct, deadline: Deadline) -> View:
    """Wait until it answers a linearizable read of its own."""

    def late(view: View) -> str:
        return (
            f"{act.joining.name} was made a voter, and does not serve. {view.error} It counts for the quorum: see "
            "what is wrong with it, or take it out (etcd_member_state: absent)."
        )

    return _until(act, deadline, lambda view: view if view.serves else None, late)


def _until(act: _JoinAct, deadline: Deadline, found: Callable[[View], _T | None], late: Callable[[View], str]) -> _T:
    """Look at the member again and again.

    :param found: what is awaited, None while it is not there.
    :param late: what to say at the deadline.
    :raises HostError: not in time, or it ends again and again; with its own last words.
    :raises Refused: its gate keeps it down.
    """
    unit = act.layout.unit
    restarts = act.systemd.show(unit)["restarts"]
    goal, growth = act.client.status().raft_index, Growth()
    while True:
        view = service.observe(act.systemd, act.layout, act.joining.endpoints)
        result = found(view)
        if result is not None:
            return result
        # systemd forgets the tries before when a start is asked for.
        restarts = min(restarts, act.systemd.show(unit)["restarts"])
        service.check_alive(act.systemd, act.layout, restarts)
        applied = view.status.raft_applied_index if view.status else 0
        # What was written since then may never end.
        if growth.seen(service.received(act.layout), min(applied, goal)):
            deadline.renew()
        if not deadline.left():
            raise HostError(f"{late(view)}\n{exit_reason.relevant_lines(act.systemd.journal(unit), unit)}")
        time.sleep(_POLL)
