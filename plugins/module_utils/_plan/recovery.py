# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The way out of a lost quorum: may it be taken, and which member is to go on alone. A pure function.

Whoever has the last entry of the highest term, and of that term the highest index, has all that the others left had
agreed on: so raft itself compares logs (raft thesis, 3.6.1). Never by C(Status), which shows what was committed, and a
term that rises with each election that fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    advice,
    identity,
    markers,
    recovery_space,
    releases,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.recovery_acts import GoOnAlone
from ansible_collections.quorum.etcd.plugins.module_utils._model.recovery_space import Place
from ansible_collections.quorum.etcd.plugins.module_utils._plan import (
    bootstrap,
    cluster_plan,
    machines,
    member_releases,
    roster,
    sources,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan.recovery_plan import Recovery


@dataclass(frozen=True)
class MemberRemains:
    """What is left of a member on its host, as C(etcd_internal_recovery) tells it.

    :param state: the marker's, empty without one.
    :param founded: has this host made the new cluster, so that there is no way back?
    :param member_id: by its log.
    :param cluster_id: by its log.
    :param log: C(term), C(index), C(commit), C(keepable) and C(torn) of C(wal_tail.Tail); None where there is no log.
    :param damaged: why the log cannot be used, or an empty string.
    :param members: the members as this one knows them.
    :param copies: where a copy of its data and its log would lie.
    :param snapshot: where the snapshot of a member that answers is saved; None where none is.
    :param version: of the etcd that wrote its database last, as the database says; empty without one.
    :param heard: members of C(etcd_fenced) that answer: C(id), C(name), and C(answer), which has the URL.
    """

    state: str = ""
    founded: bool = False
    member_id: str = ""
    cluster_id: str = ""
    log: Mapping[str, Any] | None = None
    damaged: str = ""
    members: Sequence[ClusterMember] = ()
    copies: Sequence[Place] = ()
    snapshot: Place | None = None
    version: str = ""
    heard: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> MemberRemains:
        """From what a module has returned: it says more than this."""
        found = {one.name: result[one.name] for one in fields(cls)}
        snapshot = Place.from_dict(found["snapshot"]) if found["snapshot"] else None
        members = tuple(map(ClusterMember.from_dict, found["members"]))
        copies = tuple(map(Place.from_dict, found["copies"]))
        return cls(**{**found, "members": members, "copies": copies, "snapshot": snapshot})

    @property
    def pending(self) -> bool:
        return self.state == markers.RECOVERY_PENDING

    @property
    def is_learner(self) -> bool:
        return any(member.id == self.member_id and member.is_learner for member in self.members)

    @property
    def place(self) -> tuple[int, int]:
        return (self.log["term"], self.log["index"]) if self.log else (0, 0)


@dataclass(frozen=True)
class RecoveryConsent:
    """What the operator has said, because no run can see it.

    :param fenced: words for hosts and members whose machines are off and stay off.
    :param quorum_lost: the quorum does not come back by itself, although enough members have their data.
    :param roll_back: undo what an interrupted run has begun.
    """

    fenced: tuple[str, ...] = ()
    quorum_lost: bool = False
    roll_back: bool = False


def plan(
    hosts: Sequence[Host], left: Mapping[str, MemberRemains], words: RecoveryConsent, at_rest: bool = False
) -> Recovery:
    """What to do about a lost quorum.

    :param hosts: every host of the group in the inventory's order.
    :param left: what is left on each that was heard.
    :param at_rest: every member was stopped since C(hosts) were looked at.
    :raises BadInput: C(etcd_fenced) is wrong.
    :raises Refused: the quorum is not lost, or what is left is no ground to go on.
    """
    return _Recovering(hosts, left, words, at_rest).plan()


class _Recovering:
    def __init__(
        self, hosts: Sequence[Host], left: Mapping[str, MemberRemains], words: RecoveryConsent, at_rest: bool
    ) -> None:
        self._all = hosts
        self._left = left
        self._words = words
        self._at_rest = at_rest
        self._hosts = [host for host in hosts if not host.silent and host.name in left]
        wanted = [host.wanted for host in hosts if host.wanted is not None]
        self._cluster = wanted[0].cluster if wanted else ""
        members = {member.id: member for host in self._hosts for member in self._of(host).members}
        self._known = roster.known(hosts, list(members.values()))
        self._fenced: list[Identity] = []

    def plan(self) -> Recovery:
        cluster_plan.check_inventory(self._all)
        self._check_restores()
        self._fenced = self._named()
        self._check_fenced()
        found = self._back() if self._words.roll_back else self._forth()
        return replace(found, off=tuple(host.name for host in self._all if self._is_off(host)))

    def _forth(self) -> Recovery:
        self._check_heard()
        if not self._at_rest:
            cluster_plan.check_login(self._hosts)
        serving = [host for host in self._hosts if host.answers and not self._at_rest]
        if serving:
            return self._finishing(serving[0])
        founded = [host for host in self._hosts if self._of(host).founded]
        survivor = founded[0] if founded else self._best()
        if not founded:
            self._check_lost(survivor)
            self._check_room(survivor)
        self._check_known(survivor)
        cluster_plan.check_authorities([survivor], founding=False)
        version = self._version(survivor)
        sources.check([(survivor, version)])
        return Recovery(
            summary=self._summary(survivor),
            survivor=survivor.name,
            saves=tuple(host.name for host in self._hosts if _still_answers(host)),
            rests=tuple(host.name for host in self._hosts),
            founds=True,
            installs=bootstrap.installing([survivor], version),
            # One that has made the new cluster already goes on whatever its log says.
            goes_on=GoOnAlone(version, *self._of(survivor).place),
            facts=tuple(self._facts(survivor, bool(founded))),
        )

    def _of(self, host: Host) -> MemberRemains:
        return self._left[host.name]

    # -- may it be done ----------------------------------------------------------------------------------------------

    def _check_restores(self) -> None:
        for host in self._hosts:
            if self._of(host).state in (markers.RESTORE_PENDING, markers.RESTORED):
                raise Refused(
                    f"A restore from a snapshot is under way: {host.label} says {self._of(host).state!r}.",
                    "Two ways out at once would end in two clusters.",
                    f"Let it go on: {advice.restore(self._cluster, self._words.fenced)}",
                    code="restore-or-recovery-pending",
                )

    def _named(self) -> list[Identity]:
        """Whom C(etcd_fenced) names. Once the new cluster is made its members know the lost ones no more.

        :raises BadInput: a word names nothing, or two things.
        """
        given = list(self._words.fenced)
        if any(self._of(host).founded or self._was_recovered(host) for host in self._hosts):
            unknown = identity.unnamed(given, self._known)
            given = [word for word in given if word not in unknown]
        return identity.named("etcd_fenced", given, self._known)

    def _is_off(self, host: Host) -> bool:
        return any(one.host == host.name for one in self._fenced)

    def _check_fenced(self) -> None:
        for host in self._hosts:
            if self._is_off(host):
                raise BadInput(
                    f"etcd_fenced names {host.label}, whose machine was just looked at: it is on. Take it out; its "
                    "member is stopped by this."
                )
            for one in self._of(host).heard:
                if any(one["id"] in fenced.member_ids for fenced in self._fenced):
                    raise Refused(
                        f"etcd_fenced names {one['name']}, and asked from {host.label} it {one['answer']}.",
                        "It may go on with others of the old cluster beside the new one.",
                        "Switch its machine off, or cut it off for good. Then run again.",
                        code="fenced-machine-runs",
                    )

    def _check_heard(self) -> None:
        unheard = [host for host in self._all if host not in self._hosts and not self._is_off(host)]
        if unheard:
            raise Refused(
                " ".join(
                    f"{host.label} could not be looked at: {(host.silent or 'it was not asked').rstrip('. ')}."
                    for host in unheard
                ),
                "Its member may come back beside the new cluster, or have what no other has. If the new cluster was "
                "made there, what is rolled back here would serve beside it."
                if self._words.roll_back
                else "Its member may come back beside the new cluster, or have what no other has.",
                f"See that it can be reached. If its machine is off for good: {self._fencing(unheard)}",
                code="host-unreachable",
            )

    def _fencing(self, hosts: Iterable[Host]) -> str:
        """What to say of machines that are off: all that was said, and these."""
        found = [one for host in hosts for one in self._known if one.host == host.name]
        return advice.fencing([*self._words.fenced, *(identity.word_for(one, self._known) for one in found)])

    def _candidates(self) -> list[Host]:
        return [host for host in self._hosts if self._of(host).log and not self._of(host).is_learner]

    def _best(self) -> Host:
        """Whose log goes furthest; of equal ones the first in the inventory.

        :raises Refused: there is none, or they are of different clusters.
        """
        found = self._candidates()
        if not found:
            damaged = [f"{host.label}: {self._of(host).damaged}" for host in self._hosts if self._of(host).damaged]
            raise Refused(
                "No host of the group has a write-ahead log that a cluster could go on with. " + " ".join(damaged),
                "There is nothing to recover from.",
                self._instead(),
                code="nothing-to-recover",
            )
        clusters = {self._of(host).cluster_id: host for host in found}
        for host in self._hosts:
            marker = host.marker
            if marker is not None and marker.cluster_id and self._of(host).cluster_id not in ("", marker.cluster_id):
                clusters.setdefault(marker.cluster_id, host)
        if len(clusters) > 1:
            raise Refused(
                "The logs on these hosts are of different clusters: "
                + ", ".join(f"{host.label} of {self._of(host).cluster_id}" for host in found)
                + ".",
                "One would be taken for the other, and its data given up.",
                "Move the data directory that does not belong to this cluster aside, or put the inventory right.",
                code="several-clusters",
            )
        return max(found, key=lambda host: self._of(host).place)

    def _check_lost(self, survivor: Host) -> None:
        """Refuse while enough members are there: they need no more than to be started.

        A run that was interrupted has stopped them itself; it was decided then.
        """
        if self._words.quorum_lost or any(self._of(host).pending for host in self._hosts):
            return
        voters = [member.id for member in self._of(survivor).members if not member.is_learner]
        there = [host for host in self._candidates() if self._of(host).member_id in voters]
        if not voters or len(there) < len(voters) // 2 + 1:
            return
        raise Refused(
            f"{len(there)} of {len(voters)} voters are here with their data: "
            f"{', '.join(host.label for host in there)}. That is a quorum.",
            "What only the others hold would be given up without need.",
            "Run etcd.yml: it starts those that are stopped. If all of them run and cannot agree, see why they do not "
            "reach each other: their peer URLs, certificates, firewalls. If that cannot be mended, because all of them "
            "got other addresses, say: -e etcd_quorum_lost=true",
            code="quorum-not-lost",
        )

    def _check_room(self, survivor: Host) -> None:
        """Room for all that is written before the new cluster is made.

        A log that is still written may end further than that of the survivor once all members are stopped.
        """
        saving = [host for host in self._hosts if _still_answers(host) and not self._at_rest]
        for host in saving:
            snapshot = self._of(host).snapshot
            if snapshot is not None and host.wanted is not None:
                beside = [one for one in self._snapshots_beside(host, saving) if one is not snapshot]
                recovery_space.check_snapshot(host.label, snapshot, host.wanted.layout.instance, beside)
        others = [one for one in self._candidates() if one.runs and not self._at_rest and one is not survivor]
        for host in [survivor, *others]:
            recovery_space.check_copies(host.label, self._of(host).copies, self._snapshots_beside(host, saving))

    def _snapshots_beside(self, host: Host, saving: Sequence[Host]) -> list[Place]:
        """Where the members of a machine save their snapshots, at the same time."""
        here = [one for one in machines.beside(host, self._hosts) if one in saving]
        return [snapshot for one in here if (snapshot := self._of(one).snapshot) is not None]

    def _check_known(self, survivor: Host) -> None:
        """A member whose host is not in the inventory could come back beside the new cluster.

        Nor does its name prove anything, or a DNS name: a new machine may have got it while the old one goes on.
        """
        accounted = {one for known in self._known if known.host or known in self._fenced for one in known.member_ids}
        missing = [member for member in self._of(survivor).members if member.id not in accounted]
        if missing:
            strange = [one for member in missing for one in self._known if member.id in one.member_ids]
            words = [identity.word_for(one, self._known) for one in strange]
            raise Refused(
                f"{survivor.label} knows members that no host of the inventory is: "
                + ", ".join(f"{_name(member)} at {', '.join(member.peer_urls)}" for member in missing)
                + ". A host that has its name or its DNS name, and none of its data, is another machine.",
                "One that still runs, or is switched on again, would go on as the old cluster beside the new one.",
                "Put its host into the inventory. If its machine is off for good: "
                + advice.fencing([*self._words.fenced, *words]),
                code="members-not-in-inventory",
            )

    # -- what is to be done ------------------------------------------------------------------------------------------

    def _finishing(self, serving: Host) -> Recovery:
        """A member serves. Either it is the new cluster, or the old one is back."""
        pending = [host for host in self._hosts if self._of(host).pending]
        listed = {member.id for member in serving.seen.cluster.members or []}
        back = [host for host in pending if self._of(host).member_id in listed]
        if not pending and self._was_recovered(serving):
            return Recovery(f"{serving.label} serves as the new cluster: what is left is an ordinary run")
        if not pending or back:
            undoing = advice.rollback("recover", self._cluster, self._words.fenced)
            raise Refused(
                f"{serving.label} serves: the quorum is not lost.",
                "Members that serve would be given up without need.",
                f"Roll it back: {undoing}" if back else "Run etcd.yml: it says what is wrong, and mends it.",
                code="quorum-not-lost",
            )
        return Recovery(
            summary=f"{serving.label} serves as the new cluster: the others are to follow",
            survivor=serving.name,
            rests=tuple(host.name for host in pending),
        )

    def _was_recovered(self, host: Host) -> bool:
        """Whether a member started as the new cluster of a recovery, this one or an earlier one."""
        marker = host.marker
        return marker is not None and (marker.state, marker.origin) == (markers.STARTED, markers.RECOVERY)

    def _back(self) -> Recovery:
        """Roll back what an interrupted run has begun, on all hosts or on none.

        A machine that is off may have made the new cluster. It stays off, so what is rolled back serves alone.
        """
        pending = [host for host in self._hosts if self._of(host).pending]
        if not pending:
            raise Refused(
                "No host of the group is in a recovery.",
                "There is nothing to roll back.",
                "Run etcd.yml.",
                code="nothing-to-roll-back",
            )
        self._check_heard()
        for host in self._hosts:
            if self._has_made(host, pending):
                raise Refused(
                    f"{host.label} has made the new cluster.",
                    "What is rolled back on the others would serve beside it.",
                    f"Let it go on: {advice.recover(self._cluster, self._words.fenced)}",
                    code="rollback-too-late",
                )
        names = tuple(host.name for host in pending)
        return Recovery(summary="no new cluster was made: the recovery is rolled back", rolls_back=names)

    def _instead(self) -> str:
        """The way out where no data are left to recover from."""
        restoring = f"estore a snapshot: {advice.restore(self._cluster, self._words.fenced)}"
        pending = [host for host in self._hosts if self._of(host).pending]
        if not pending:
            return f"R{restoring}"
        if any(self._has_made(host, pending) for host in self._hosts):
            away = advice.destroy(self._cluster, self._words.fenced)
            return f"Take away what is left of the new cluster: {away}. Then r{restoring}"
        undoing = advice.rollback("recover", self._cluster, self._words.fenced)
        return f"Roll this recovery back: {undoing}. Then r{restoring}"

    def _has_made(self, host: Host, pending: Iterable[Host]) -> bool:
        """Whether a host's member is the new cluster, also where a second attempt has stopped it before it served.

        Its member list lacks all others that were stopped. Where that cannot be read the marker tells.
        """
        if self._of(host).founded:
            return True
        others = {self._of(one).member_id for one in pending if one is not host} - {"", self._of(host).member_id}
        known = {member.id for member in self._of(host).members}
        if not known:
            return self._was_recovered(host)
        return bool(others and not others & known)

    def _version(self, survivor: Host) -> str:
        """That of the survivor, else that of another, else the one that is asked for, else one of the data's minor.

        :raises Refused: it would be another minor than the one that wrote the data.
        """
        hosts = [survivor, *self._hosts]
        told = [host.version or str(host.seen.unit.version) for host in hosts]
        found = next((version for version in told if version), "")
        if found:
            return found
        asked = next((host.wanted.version for host in hosts if host.wanted is not None and host.wanted.version), "")
        written = self._of(survivor).version
        unconfirmed = None if written else member_releases.untold(survivor, hosts, asked)
        if unconfirmed is not None:
            raise unconfirmed
        found = asked or (releases.of_minor(written) if written else "")
        if not found or (written and releases.order(found)[:2] != releases.order(written)[:2]):
            data = f"etcd {'.'.join(written.split('.')[:2])}" if written else "an unknown etcd"
            wrong = f"etcd_version is {asked}" if asked else "no release of it is known here"
            way = "Give the version that the member had: -e etcd_version=X.Y.Z"
            if not written and survivor.wanted is not None:
                way = advice.release_of_data(survivor.wanted.layout.unit)
            raise Refused(
                f"{survivor.label} has data of {data}, and {wrong}.",
                "An older etcd does not start on the data of a newer one, and a newer one changes the data of an older "
                "one.",
                f"{way}. Upgrade once the cluster serves.",
                code="version-unknown",
            )
        return found

    def _summary(self, survivor: Host) -> str:
        members = self._of(survivor).members
        if self._of(survivor).founded:
            return f"{survivor.label} has begun as the new cluster"
        voters = sum(not member.is_learner for member in members)
        there = len(self._candidates())
        return f"{there} of {voters} voters {'is' if there == 1 else 'are'} left: {survivor.label} is to go on alone"

    def _facts(self, survivor: Host, founded: bool) -> Iterable[str]:
        for host in self._hosts:
            left = self._of(host)
            if left.damaged:
                yield f"{host.label}: {left.damaged}"
            elif left.log:
                yield (
                    f"{host.label}: its log ends at term {left.log['term']}, entry {left.log['index']}"
                    + (" (torn behind that)" if left.log["torn"] else "")
                    + (", as a learner's: it is not taken" if left.is_learner else "")
                )
            else:
                yield f"{host.label}: no data"
        log = self._of(survivor).log
        if log and not founded:
            kept = log["keepable"] - log["commit"]
            yield (
                f"{kept} entries at the end of that log were not known to be agreed on, and are kept; they may hold "
                "acknowledged writes, and such as were not"
            )
        if self._words.fenced:
            yield f"given up: {', '.join(self._words.fenced)}. Never switch them on again with their old disks"
        yield "writes that were acknowledged by lost members only are lost"


def _still_answers(host: Host) -> bool:
    """Whether a member answered when it was looked at, although it cannot agree on anything."""
    return bool(host.runs and host.seen.cluster.status)


def _name(member: ClusterMember) -> str:
    return member.name or member.id
