# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""A live cluster as hosts of an inventory: what its members are called there, in which groups, with which variables.

All that a cluster says of itself is somebody else's text. A member may call itself ``localhost``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, MemberList, Status, View
from ansible_collections.quorum.etcd.plugins.plugin_utils import _host_names
from ansible_collections.quorum.etcd.plugins.plugin_utils._live_inventory import MARK

LEADER, FOLLOWERS, LEARNERS, UNREACHABLE = GROUPS = ("leader", "followers", "learners", "unreachable")


class LiveHost(NamedTuple):
    """A member as a host.

    :param group: one of C(GROUPS); empty where nobody was asked what it is.
    """

    name: str
    group: str
    variables: Mapping[str, Any]


def check_cluster(listed: MemberList, expected: str) -> None:
    """Make sure that the cluster is the one that was meant.

    :param expected: its ID; empty if any will do.
    :raises Refused: it is another one.
    """
    if expected and listed.cluster_id != expected.lower():
        raise Refused(
            f"The cluster that answers has the ID {listed.cluster_id}, and cluster_id is {expected}.",
            "Tasks for the hosts of one cluster would be done on those of another.",
            "Put endpoints right; or, if this is the one that you mean, set cluster_id: " + listed.cluster_id,
            code="another-cluster",
        )


def hosts_of(listed: MemberList, seen: Iterable[View], taken: Collection[str]) -> list[LiveHost]:
    """Return the members as hosts, in the order of the member list.

    :param seen: what the members said; those of another cluster count for nothing.
    :param taken: names that no host may have, such as those of groups.
    :raises EtcdError: no member says who leads.
    """
    status = {one.member_id: one.status for one in seen if one.status and one.cluster_id == listed.cluster_id}
    leader = _leader(status.values())
    if not leader:
        raise EtcdError(
            f"No member of the cluster {listed.cluster_id} says who leads it, so that nobody knows what each of them "
            "is. Look at the members: etcdctl endpoint status --cluster"
        )
    names = _names(listed.members, {*taken, *GROUPS})
    return [
        LiveHost(name, _group(member, leader), _variables(member, listed.cluster_id, leader, status.get(member.id)))
        for name, member in zip(names, listed.members)
    ]


def hosts_at(places: Mapping[str, Sequence[str]], taken: Collection[str]) -> list[LiveHost]:
    """Return the hosts that SRV records name, of which nobody was asked what they are.

    :param places: name of a host -> its peer URLs.
    :param taken: names that no host may have.
    :raises BadInput: a name cannot be that of a host.
    """
    wrong = [name for name in places if not _host_names.is_usable(name) or name in taken]
    if wrong:
        raise BadInput(
            f"SRV records name {', '.join(map(repr, wrong))}, which no host of an inventory can be called. Use "
            f"{_host_names.ALLOWED}, and no name of a group."
        )
    return [
        LiveHost(name, "", {MARK: True, "ansible_host": name, "etcd_peer_urls": list(peer_urls)})
        for name, peer_urls in places.items()
    ]


def _leader(said: Iterable[Status]) -> str:
    """Who leads, as whoever knows the newest term says."""
    newest = max((one for one in said if one.leader), key=lambda one: one.raft_term, default=None)
    return newest.leader if newest else ""


def _names(members: Sequence[ClusterMember], taken: Collection[str]) -> list[str]:
    """What each is called: by its own name where that is one, and else by its ID, which no member chooses."""
    often = Counter(member.name for member in members)
    by_id = {member.id: f"member-{member.id}" for member in members}
    unusable = {*taken, *by_id.values()}
    return [
        member.name
        if often[member.name] == 1 and member.name not in unusable and _host_names.is_usable(member.name)
        else by_id[member.id]
        for member in members
    ]


def _group(member: ClusterMember, leader: str) -> str:
    if not _elsewhere(member.client_urls):
        return UNREACHABLE
    if member.id == leader:
        return LEADER
    return LEARNERS if member.is_learner else FOLLOWERS


def _variables(member: ClusterMember, cluster_id: str, leader: str, status: Status | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        MARK: True,
        "NODE_NAME": member.name,
        "etcd_cluster_id": cluster_id,
        "etcd_member_id": member.id,
        "etcd_peer_urls": list(member.peer_urls),
        "etcd_client_urls": list(member.client_urls),
        "etcd_is_leader": member.id == leader,
        "etcd_is_learner": member.is_learner,
        "etcd_is_started": member.started,
        # A member that is down, or that this controller does not reach.
        "etcd_answers": status is not None,
        "etcd_runs_version": status.version if status else "",
    }
    # Where others reach it. Without one Ansible would look for the name.
    addresses = _elsewhere(member.client_urls) or _elsewhere(member.peer_urls)
    return {**found, "ansible_host": addresses[0]} if addresses else found


def _elsewhere(texts: Iterable[str]) -> list[str]:
    """The hosts of URLs that lead to the same machine from everywhere."""
    found = []
    for text in texts:
        try:
            host = urls.parse_url(text, "URL of a member").host
        except BadInput:
            # A socket of its machine, such as unix://localhost:2379.
            continue
        if not urls.is_loopback(host) and not urls.is_wildcard(host):
            found.append(host)
    return found
