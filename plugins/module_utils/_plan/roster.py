# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which member lives on which host: the cluster's own list beside the inventory. Never by position, never by part of a
name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker


@dataclass(frozen=True)
class Roster:
    """The members as a serving one tells them.

    :param living: host name -> the member that lives there.
    :param leader: the leader's id, empty without one.
    """

    cluster_id: str
    members: tuple[ClusterMember, ...]
    living: Mapping[str, ClusterMember]
    leader: str

    def on(self, host: Host) -> ClusterMember | None:
        """The member that lives on a host."""
        return self.living.get(host.name)

    def unmanaged(self) -> list[ClusterMember]:
        """Members that live on no host of the inventory."""
        known = {member.id for member in self.living.values()}
        return [member for member in self.members if member.id not in known]


def identity_of(host: Host) -> Identity:
    """All by which a host and its member are known, as far as it was observed."""
    if host.wanted is None:
        return host.inventory or Identity(host.name)
    wanted, marker = host.wanted.member, host.marker
    runs = host.seen.cluster.member_id
    # A log alone proves nothing: it may have been copied.
    kept = str(host.seen.data.member_id) if _is_member(marker) else ""
    own = runs or kept or (marker.member_id if marker is not None else "")
    return Identity(
        host.name,
        wanted.name,
        (own,) if own else (),
        tuple(dict.fromkeys([wanted.address, wanted.ansible_host, *identity.hosts_of(wanted.peer_urls)])),
        wanted.peer_urls,
        is_new=not runs and not _is_member(marker),
    )


def _is_member(marker: Marker | None) -> bool:
    """Whether a marker says that its host has a member, which may not have started yet."""
    state = "" if marker is None else marker.before if marker.state in markers.PENDING else marker.state
    return state not in ("", markers.OFFERED, markers.REMOVED)


def known(hosts: Iterable[Host], members: Sequence[ClusterMember]) -> list[Identity]:
    """All that the operator can name: the hosts, and the members that live on none of them."""
    return identity.known(map(identity_of, hosts), members)


def build(hosts: Sequence[Host]) -> Roster | None:
    """The roster of a cluster, None while nobody serves.

    :raises Refused: what a host says of itself contradicts the cluster or another host.
    """
    here = [host for host in hosts if not host.silent and host.wanted is not None]
    serving = [host for host in hosts if host.answers and host.seen.members]
    if not serving:
        _check_apart(here)
        return None
    newest = max(serving, key=lambda host: host.seen.status.raft_applied_index)
    told = newest.seen.cluster
    members = newest.seen.members
    living: dict[str, ClusterMember] = {}
    for host in here:
        _check_cluster(host, told.cluster_id, newest)
        elsewhere = {member_id(other) for other in here if other is not host}
        member = _by_id(host, members, elsewhere)
        if member is None:
            continue
        twin = next((other for other in here if other.name in living and living[other.name].id == member.id), None)
        if twin is not None:
            raise _twins(host, twin, member.id)
        living[host.name] = member
    claimed = {member.id for member in living.values()}
    for host in here:
        if host.name not in living and not member_id(host):
            free = [member for member in members if member.id not in claimed]
            found = _by_urls(host, free)
            if found is not None:
                living[host.name] = found
    return Roster(told.cluster_id, tuple(members), living, newest.seen.status.leader)


def _check_apart(hosts: Sequence[Host]) -> None:
    """While nobody serves their own data tell: whoever is started on them may vote."""
    living: dict[str, Host] = {}
    for host in hosts:
        own = member_id(host)
        if not own or host.state == markers.REMOVED:
            continue
        if own in living:
            raise _twins(host, living[own], own)
        living[own] = host
        first = next(iter(living.values()))
        _check_cluster(host, cluster_id(first), first)


def _twins(host: Host, twin: Host, own: str) -> Refused:
    return Refused(
        f"{host.label} and {twin.label} both hold the data of member {own}.",
        "One was copied from the other; two processes that vote as one member can lose acknowledged writes.",
        "Find out which of the two is the member, stop the other for good and move its data directory aside.",
        code="member-twice",
    )


def _check_cluster(host: Host, serving: str, newest: Host) -> None:
    own = cluster_id(host)
    if own and own != serving and host.state != markers.REMOVED:
        raise Refused(
            f"{host.label} belongs to cluster {own}, and {newest.label} to {serving}.",
            "They are two clusters in one group: whatever is done for one would harm the other.",
            "Give each cluster a group of its own, or move the data that are not needed aside.",
            code="several-clusters",
        )


def _by_id(host: Host, members: Sequence[ClusterMember], elsewhere: Collection[str]) -> ClusterMember | None:
    """By the id that the process or its log tells, else by the marker's.

    :param elsewhere: the ids that the processes or logs of the other hosts tell.
    """
    marker = host.marker
    own = member_id(host)
    if own not in ("", *elsewhere) and marker is not None and _is_anothers(host, marker, members):
        # The data of another member lie here (_config.gate_refusals): its own is still the one that lives on this host.
        own = marker.member_id
    if own:
        found = next((member for member in members if member.id == own), None)
        stays = host.wanted is not None and host.wanted.present
        if found is None and stays and marker is not None and marker.state != markers.LEAVING:
            raise Refused(
                f"{host.label} has the data of member {own}, which the cluster's member list does not have.",
                "It was removed from the cluster: started again it ends by itself, and its name would stand for data "
                "that nobody may use.",
                f"Write etcd_member_state: absent for {host.name} and run: its data are archived. Without that line "
                "the next run lets it join anew.",
                code="member-removed",
            )
        return found
    known = marker.member_id if marker is not None and marker.state != markers.REMOVED else ""
    return next((member for member in members if member.id == known), None)


def _is_anothers(host: Host, marker: Marker, members: Sequence[ClusterMember]) -> bool:
    """Does a host whose member stands still hold the data of another one, which its cluster has?"""
    listed = {member.id for member in members}
    own = member_id(host)
    return not host.runs and own != marker.member_id and {own, marker.member_id} <= listed


def _by_urls(host: Host, members: Sequence[ClusterMember]) -> ClusterMember | None:
    """By exact peer URLs: so is known who has not started, and whose host was built anew."""
    urls = sorted(host.wanted.member.peer_urls) if host.wanted is not None else []
    return next((member for member in members if sorted(member.peer_urls) == urls), None)


def member_id(host: Host) -> str:
    """The id that a host's own process or log tells, empty if neither is there."""
    told = host.seen.cluster.member_id
    return str(told or host.seen.data.member_id)


def cluster_id(host: Host) -> str:
    """The id of the cluster that a host's own process or log tells, empty if neither is there."""
    told = host.seen.cluster.cluster_id
    return str(told or host.seen.data.cluster_id)


def endpoints(members: Sequence[ClusterMember], but: str = "") -> list[str]:
    """Client URLs by which members are asked from elsewhere.

    :param but: the id of a member that is left out.
    """
    return [url for member in members if member.id != but for url in member.urls_for_others]


def forgotten(hosts: Sequence[Host], members: Sequence[ClusterMember], given: Sequence[str]) -> list[ClusterMember]:
    """The members that C(etcd_forget) names.

    :raises BadInput: a word names no member, or two.
    """
    listed = {member.id: member for member in members}
    found = [one for one in known(hosts, members) if not listed.keys().isdisjoint(one.member_ids)]
    named = identity.named("etcd_forget", given, found)
    return [listed[next(known for known in one.member_ids if known in listed)] for one in named]
