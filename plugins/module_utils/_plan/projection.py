# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The cluster as the steps that are planned so far would leave it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, cast

from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, health
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import CORRUPT, ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster as _roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster

# Stands before the name of a host whose member has no id yet.
_NEW = "+"


class Projection:
    """Members and who of them is well, changed step by step."""

    def __init__(self, hosts: Sequence[Host], roster: Roster | None) -> None:
        self._roster = roster
        told = [host.seen.cluster for host in hosts if host.answers]
        self._downgrade = health.downgrade_in(told)
        self._versions = health.versions_in(told)
        self.members: list[ClusterMember] = list(roster.members) if roster is not None else []
        self._healthy = _healthy(hosts, roster) if roster is not None else set()
        self._joined: list[Host] = []

    def on(self, host: Host) -> ClusterMember | None:
        """The member that lives on a host and is still there."""
        found = self._roster.on(host) if self._roster is not None else None
        return next((member for member in self.members if found is not None and member.id == found.id), None)

    def votes(self) -> Votes:
        return self._votes(self.members, self._healthy)

    def serving(self, hosts: Sequence[Host]) -> list[Host]:
        """The hosts whose members are healthy voters."""
        return [
            host
            for host in hosts
            if host in self._joined or ((member := self.on(host)) is not None and member.id in self._healthy)
        ]

    def without(self, member_id: str) -> Votes:
        """The votes as they will be once a member is gone."""
        rest = [member for member in self.members if member.id != member_id]
        return self._votes(rest, self._healthy - {member_id})

    def _votes(self, members: Sequence[ClusterMember], healthy: Collection[str]) -> Votes:
        return Votes(members, frozenset(healthy), downgrade=self._downgrade, versions=self._versions)

    def presumed(self) -> list[dict[str, Any]]:
        """The members as the next step will find them; one that an earlier step adds has an id that nobody knows."""
        known = [replace(one, id="") if one.id.startswith(_NEW) else one for one in self.members]
        return expected_members.describe(known)

    def endpoints(self, but: str = "") -> list[str]:
        return _roster.endpoints(self.members, but)

    def well(self, host: Host) -> None:
        """It was brought up."""
        member = self.on(host)
        if member is not None and not member.is_learner:
            self._healthy.add(member.id)

    def lost(self, member_id: str) -> None:
        """Whether it answers nobody knows; for the arithmetic it is lost."""
        self._healthy.discard(member_id)

    def gone(self, member_id: str) -> None:
        """It was removed."""
        self.members = [member for member in self.members if member.id != member_id]
        self._healthy.discard(member_id)

    def joined(self, host: Host) -> None:
        """It was made a voter."""
        wanted = cast(Desired, host.wanted)
        begun = self.on(host)
        joined = ClusterMember(
            begun.id if begun else f"{_NEW}{host.name}",
            wanted.name,
            sorted(wanted.member.peer_urls),
            wanted.member.client_urls,
        )
        self.members = [*(member for member in self.members if member is not begun), joined]
        self._healthy.add(joined.id)
        self._joined.append(host)

    def readdressed(self, member: ClusterMember, peer_urls: Sequence[str]) -> None:
        """The cluster knows it by other peer URLs."""
        self._change(member, peer_urls=sorted(peer_urls))

    def started(self, host: Host) -> None:
        """It was started with the files of the inventory: from now on clients reach it at the URLs that these say."""
        member = self.on(host)
        if member is not None and host.wanted is not None:
            self._change(member, client_urls=host.wanted.member.client_urls)
            self.well(host)

    def _change(self, member: ClusterMember, **what: Any) -> None:
        self.members = [replace(one, **what) if one.id == member.id else one for one in self.members]


def _healthy(hosts: Sequence[Host], roster: Roster) -> set[str]:
    """Voters that answer. One that lives on no host of the inventory is not asked here: it is taken for well, unless a
    host is silent that may be its own. Whoever acts asks it.
    """
    answering = {member.id for host in hosts if host.answers and (member := roster.on(host)) is not None}
    if not any(host.silent for host in hosts):
        answering |= {member.id for member in roster.unmanaged() if member.started}
    alarms = [alarm for host in hosts for alarm in host.seen.cluster.alarms or []]
    corrupt = {alarm.member_id for alarm in alarms if alarm.alarm == CORRUPT}
    voters = {member.id for member in roster.members if not member.is_learner}
    return (voters & answering) - corrupt
