# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan of a restore: a pure function of what all hosts say and of a snapshot, to an order of acts or a refusal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import quota as _quota
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    advice,
    identity,
    markers,
    quorum,
    releases,
    snapshot_compatibility,
    snapshot_manifest,
    topology,
    upgrade_rules,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import CORRUPT, Alarm, ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._plan import (
    bootstrap,
    cluster_plan,
    machines,
    member_releases,
    preflight,
    revision_bump,
    roster,
    safety,
    sources,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore_plan import Candidate, RestorePlan

#: Bytes that a member needs beside its database: two segments of its log, and room for a while.
ROOM = 512 << 20


@dataclass(frozen=True)
class RestoreRequest:
    """What the operator has said.

    :param cluster: the cluster's name.
    :param snapshot: a path on the controller or on a host; empty for the newest that is known.
    :param snapshot_of: the other cluster whose snapshot it is, by its name or id.
    :param allow_missing_hash: a copied database will do.
    :param fenced: machines that are off, as C(fenced_by) finds them: word -> all words for the host that it names.
    """

    cluster: str
    snapshot: str = ""
    snapshot_of: str = ""
    allow_missing_hash: bool = False
    fenced: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True)
class HostView:
    """What one host says.

    :param record: the restore that is under way there.
    :param prepared: are its member's new data made?
    :param kept: snapshots of this cluster.
    :param staged: checksum -> path of copies of snapshots that a restore has brought there.
    :param named: what is at C(RestoreRequest.snapshot) there.
    :param known: the members by the database of its own.
    :param applied: up to which entry of the log that knows them.
    :param revision: of that database, 0 without one.
    :param heard: members that C(etcd_fenced) names and that answer: C(name), C(peer_urls), and C(answer) for a person.
    :param devices: numbers of the file systems of its C(data) and its C(snapshots).
    """

    host: Host
    record: Restoration | None = None
    prepared: bool = False
    kept: Sequence[Candidate] = ()
    staged: Mapping[str, str] | None = None
    named: Candidate | None = None
    known: Sequence[ClusterMember] = ()
    applied: int = 0
    revision: int = 0
    heard: Sequence[Mapping[str, Any]] = ()
    devices: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_results(cls, host: Host, told: Mapping[str, Any]) -> HostView:
        """From what the module C(etcd_internal_restore) told as C(looked)."""
        return cls(
            host,
            Restoration.from_dict(told["record"]) if told["record"] else None,
            bool(told["prepared"]),
            tuple(candidate(host.name, one) for one in told["kept"]),
            {one["sha256"]: one["path"] for one in told["staged"]},
            candidate(host.name, told["named"]) if told["named"] else None,
            tuple(map(ClusterMember.from_dict, told["known"])),
            int(told["applied"]),
            int(told["revision"]),
            tuple(told["heard"]),
            told["devices"],
        )

    @property
    def is_pending(self) -> bool:
        return self.host.state == markers.RESTORE_PENDING

    def has_data_of(self, token: str) -> bool:
        """Has it the new data of a restore, in their place?"""
        marker = self.host.marker
        return marker is not None and marker.state in (markers.RESTORED, markers.STARTED) and marker.token == token

    @property
    def is_under_way(self) -> bool:
        """Was it marked, and has not finished?"""
        finishes = self.record is not None and self.has_data_of(self.record.token)
        return self.is_pending or self.host.state == markers.RESTORED or finishes

    def path_of(self, sha256: str) -> str:
        """Where this host has a snapshot, empty where it has not."""
        known = {one.sha256: one.path for one in (*self.kept, *([self.named] if self.named else []))}
        return {**known, **(self.staged or {})}.get(sha256, "")


def candidate(host: str, told: Mapping[str, Any]) -> Candidate:
    """From C(path), C(manifest) and, if it was read, C(details) and C(modified), else C(alarms)."""
    manifest = Manifest.from_dict(told["manifest"]) if told["manifest"] else None
    details = told.get("details")
    alarms = details["alarms"] if details else told["alarms"]
    return Candidate(
        host, told["path"], manifest, details, float(told.get("modified", 0.0)), [Alarm(**one) for one in alarms]
    )


def fenced_by(given: Sequence[str], hosts: Sequence[Identity], looks: Sequence[HostView]) -> dict[str, list[str]]:
    """Whom C(etcd_fenced) names: word -> all words for the host that it names, none for a member without a host.

    :param hosts: all of the group, by what the inventory says.
    :param looks: at those that are not off by the inventory's names.
    :raises BadInput: a word names two things. One that names nothing is found out where the snapshot is known.
    """
    members: dict[str, ClusterMember] = {}
    for look in looks:
        kept = look.kept[-1].members if look.kept else []
        listed = look.host.seen.members or look.known or kept
        members.update({one.id: one for one in listed})
    observed = {look.host.name: roster.identity_of(look.host) for look in looks if not look.host.silent}
    found = identity.known([observed.get(host.host, host) for host in hosts], list(members.values()))
    known = [word for word in given if word not in identity.unnamed(given, found)]
    named = dict(zip(known, identity.named("etcd_fenced", known, found)))
    return {word: list(named[word].words) if word in named and named[word].host else [] for word in given}


def fenced_hosts(fenced: Mapping[str, Sequence[str]], hosts: Iterable[str]) -> list[str]:
    """The hosts of the group that are off, by the inventory's names."""
    words = {word for others in fenced.values() for word in others}
    return [host for host in hosts if host in words]


def plan(looks: Sequence[HostView], wish: RestoreRequest, given: Candidate | None = None) -> RestorePlan:
    """What to do.

    :param looks: of every host of the group but those that are off.
    :param given: the file C(RestoreRequest.snapshot) on the controller, if there is one.
    :raises BadInput: something that was said is wrong; nothing was touched.
    :raises Refused: going on would be dangerous; nothing was touched.
    """
    hosts = [look.host for look in looks]
    _check_hosts(looks, wish)
    _check_heard(looks)
    under_way = _under_way(looks, wish)
    if under_way is not None and all(look.host.state == markers.STARTED for look in looks if look.is_under_way):
        return _ended(looks, under_way)
    found = _continued(looks, wish, under_way, given) if under_way is not None else _begun(looks, wish, given)
    version = found.restoration.version
    cluster_plan.check_settings(hosts, version)
    safety.check_clocks(hosts, {host.name for host in hosts})
    _check_quota(hosts, found.restoration)
    lacking = [look for look in looks if not look.prepared and not look.has_data_of(found.restoration.token)]
    _check_room(lacking, found.having, found.restoration.size)
    leader = next((host.name for host in hosts if _tells(host) and host.seen.status.is_leader), "")
    return replace(found, leader=leader)


def roll_back(looks: Sequence[HostView], wish: RestoreRequest) -> list[str]:
    """The hosts on which something is to be rolled back.

    :raises Refused: one of them has its new data already, or nothing is under way.
    """
    tokens = {look.record.token for look in looks if look.record is not None}
    restored = [look.host.label for look in looks if any(look.has_data_of(token) for token in tokens)]
    if restored:
        raise Refused(
            f"{', '.join(restored)} {'have' if len(restored) > 1 else 'has'} the restored data already.",
            "Rolled back on the others, two clusters would serve under one name.",
            f"Let it go on: {advice.restore(wish.cluster, _fenced_hosts(wish))}. The old data of every host stay "
            "where they were archived.",
            code="rollback-too-late",
        )
    _check_heard_all(looks, wish)
    found = [look.host.name for look in looks if look.record is not None or look.is_pending or look.staged]
    if not found:
        raise Refused(
            "No restore is under way on any host.",
            "There is nothing to roll back.",
            "Run etcd.yml.",
            code="nothing-to-roll-back",
        )
    return found


# -- a restore that begins -------------------------------------------------------------------------------------------


def _begun(looks: Sequence[HostView], wish: RestoreRequest, given: Candidate | None) -> RestorePlan:
    hosts = [look.host for look in looks]
    # Who tells us nothing could not be saved first, and has revisions that nobody knows.
    cluster_plan.check_login(hosts)
    chosen = _chosen(looks, wish, given)
    known = _cluster_ids(hosts)
    restored = any(host.answers and host.marker is not None and host.marker.origin == markers.RESTORE for host in hosts)
    snapshot_compatibility.check_cluster(
        wish.cluster, known, wish.snapshot_of, chosen.manifest, chosen.members, _member_ids(hosts), restored
    )
    _check_not_corrupt(hosts, chosen)
    version = _version(hosts, chosen)
    snapshot_compatibility.check_version(snapshot_compatibility.versions_in(chosen.manifest, chosen.details), version)
    preflight.check(hosts, version)
    sources.check([(host, version) for host in hosts])
    cluster_plan.check_authorities(hosts, founding=not any(host.seen.certificates for host in hosts))
    _check_fenced(looks, wish, chosen)
    _check_quorum(looks, wish)
    now = max(float(host.seen.host.time) for host in hosts)
    telling = [host for host in hosts if _tells(host)]
    live = [_revision(host) for host in telling]
    # A member that runs writes to its database while that is read.
    stopped = [look.revision for look in looks if not look.host.runs]
    own = chosen.manifest.cluster_id if chosen.manifest is not None else ""
    serving = [_revision(host) for host in telling if host.answers and host.seen.cluster.cluster_id == own]
    manifests = [one.manifest for look in looks for one in look.kept if one.manifest is not None]
    manifests += [chosen.manifest] if chosen.manifest is not None else []
    restoration = Restoration(
        cluster=wish.cluster,
        token=_token(wish.cluster, hosts),
        began=f"{datetime.fromtimestamp(now, timezone.utc):%Y%m%dT%H%M%SZ}",
        sha256=chosen.sha256,
        size=chosen.size,
        revision=chosen.revision,
        key_count=chosen.manifest.key_count if chosen.manifest is not None else 0,
        bump=(
            revision_bump.bump(
                chosen.revision,
                [*live, *stopped],
                serving,
                manifests,
                now,
                chosen.modified if chosen.manifest is None else None,
            )
            if releases.can_raise_revision(version)
            else 0
        ),
        initial_cluster=topology.initial_cluster(host.wanted.member for host in hosts if host.wanted is not None),
        version=version,
        allow_missing_hash=wish.allow_missing_hash,
    )
    drilling = next((host for host in hosts if not host.runs), hosts[-1])
    return RestorePlan(
        restoration,
        [host.name for host in hosts],
        chosen,
        _having(looks, chosen.sha256),
        bootstrap.installing(hosts, version),
        any(host.wanted is not None and host.wanted.tls and host.authorities.missing for host in hosts),
        _saving(hosts),
        drilling.name,
        True,
        f"restore {_described(chosen)} into {len(hosts)} member{'s' * (len(hosts) > 1)} with etcd {version}",
        tuple(_notes(restoration, chosen, live, wish)),
    )


def _chosen(looks: Sequence[HostView], wish: RestoreRequest, given: Candidate | None) -> Candidate:
    """The one file that all members are made of."""
    if wish.snapshot:
        found = [one for one in (given, *(look.named for look in looks)) if one is not None]
        if not found:
            raise BadInput(
                f"There is no file {wish.snapshot} on the controller, and none on any of "
                f"{', '.join(look.host.name for look in looks)}. etcd_snapshot is the path of a snapshot."
            )
        if len({one.sha256 for one in found}) > 1:
            raise BadInput(
                f"There are different files {wish.snapshot}: "
                + "; ".join(f"revision {one.revision} on {one.host or 'the controller'}" for one in found)
                + ". Name one that only one of them has."
            )
        return found[0]
    kept = [one for look in looks for one in look.kept if one.manifest is not None]
    known = _cluster_ids([look.host for look in looks])
    # One from before an earlier restore is of another cluster, whatever its name.
    own = [one for one in kept if one.manifest is not None and one.manifest.cluster_id in known]
    newest = _in_order(own or kept)
    if not newest:
        raise BadInput(
            f"No host of {wish.cluster} has a snapshot of it. Name a file on the controller or on a host: -e "
            "etcd_snapshot=PATH"
        )
    return newest[-1]


def _in_order(found: Iterable[Candidate]) -> list[Candidate]:
    """Those with a manifest, oldest first."""
    return snapshot_manifest.in_order([one for one in found if one.manifest is not None], lambda one: one._said)


def _asked(hosts: Sequence[Host]) -> str:
    """What C(etcd_version) says, or where C(etcd_upgrade_stop_at) ends the way to it for now."""
    asked, running = cluster_plan.asked_version(hosts), member_releases.running_version(hosts)
    stop_at = cluster_plan.stop_at(hosts) if asked else ""
    return upgrade_rules.destination(asked, stop_at, [running] if running else [])


def _version(hosts: Sequence[Host], chosen: Candidate) -> str:
    """What is asked for, else what is there, else what wrote the snapshot."""
    written = chosen.manifest.etcd_version if chosen.manifest is not None else ""
    version = _asked(hosts) or member_releases.running_version(hosts) or written or releases.DEFAULT_VERSION
    releases.check_version(version)
    return version


def _token(cluster: str, hosts: Sequence[Host]) -> str:
    """Of numbers that all hosts drew, so that every host's plan arrives at the same, and no other one ever."""
    drawn = "".join(sorted(host.seen.host.nonce for host in hosts))
    return f"{cluster}-restored-{hashlib.sha256(drawn.encode()).hexdigest()[:16]}"


def _tells(host: Host) -> bool:
    return host.seen.cluster.status is not None


def _revision(host: Host) -> int:
    return host.seen.status.revision


def _saving(hosts: Sequence[Host]) -> str:
    """Of whom to save the present state: a voter that serves, a follower first, else who answers at all."""
    # A learner may lack what the others have, and that of etcd 3.4 gives no snapshot.
    telling = [host for host in hosts if _tells(host) and not host.seen.status.is_learner]
    telling.sort(key=lambda host: (not host.answers, host.seen.status.is_leader))
    return telling[0].name if telling else ""


def _described(chosen: Candidate) -> str:
    manifest = chosen.manifest
    said = f"revision {chosen.revision}"
    if manifest is not None:
        keys = f", {manifest.key_count} keys" if manifest.key_count else ""
        said = f"{said}{keys}, saved from {manifest.member} of {manifest.cluster} at {manifest.taken_at}"
    return f"{chosen.label} ({said})"


def _notes(restoration: Restoration, chosen: Candidate, live: Sequence[int], wish: RestoreRequest) -> Iterable[str]:
    if live:
        yield (
            f"the cluster is at revision {max(live)}: what was written after revision {restoration.revision} is not in "
            "the snapshot, and will be gone"
        )
    if restoration.bump:
        yield (
            f"the restored cluster begins at revision {restoration.restored_revision}; watchers that go on from an "
            "older one are told that it is compacted, and begin anew"
        )
    else:
        yield (
            f"etcd {restoration.version} cannot raise the revision: watchers and caches that have seen a later one "
            f"than {restoration.revision} must be restarted. These can, and newer ones (etcd_version): "
            + ", ".join(".".join(map(str, first)) for first in releases.RAISING)
        )
    if chosen.alarms:
        raised = " and ".join(sorted({one.alarm for one in chosen.alarms}))
        yield f"the snapshot was saved under {raised}; the restored cluster is without that alarm, and takes writes"
    yield (
        f"the old data stay on every host: member.restore-{restoration.began} in its data directory. Remove them once "
        "nobody misses anything"
    )
    if wish.fenced:
        yield f"{', '.join(sorted(wish.fenced))}: said to be off, and not looked at"


# -- a restore that goes on --------------------------------------------------------------------------------------------


def _under_way(looks: Sequence[HostView], wish: RestoreRequest) -> Restoration | None:
    """The restore whose first host was marked."""
    active = [look for look in looks if look.is_under_way]
    unknown = [look for look in active if look.record is None]
    if unknown:
        raise Refused(
            f"{_labels(unknown)} {'are' if len(unknown) > 1 else 'is'} in the middle of a restore, and its record is "
            "gone there.",
            "Members that are made of different snapshots serve different keys under one name.",
            f"To go on without what is there, {_taking_away(looks, unknown, wish)}. All data are archived, none "
            "deleted. Then run this again.",
            code="restore-record-lost",
        )
    found = {look.record for look in active if look.record is not None}
    if len(found) > 1:
        raise Refused(
            "Hosts are in the middle of different restores: "
            + ", ".join(f"{look.host.label} of {look.record.token}" for look in active if look.record is not None)
            + ".",
            "They would not find each other, and serve different keys under one name.",
            _keeping_one(looks, active, wish),
            code="several-restores",
        )
    return next(iter(found), None)


def _keeping_one(looks: Sequence[HostView], active: Sequence[HostView], wish: RestoreRequest) -> str:
    """How to go on with the restore that came furthest, on most hosts."""

    def reached(look: HostView) -> tuple[bool, int]:
        has_data = any(one.has_data_of(one.record.token) for one in active if one.record and one.record == look.record)
        return has_data, sum(one.record == look.record for one in active)

    kept = max(active, key=reached)
    others = [look for look in active if look.record != kept.record]
    return (
        f"If they are of different clusters, correct the inventory. To go on with the one of {kept.host.label}, "
        f"{_taking_away(looks, others, wish)}. All data are archived, none deleted. Then run this again."
    )


def _continued(
    looks: Sequence[HostView], wish: RestoreRequest, restoration: Restoration, given: Candidate | None
) -> RestorePlan:
    named = [one for one in (given, *(look.named for look in looks)) if one is not None]
    other = next((one for one in named if one.sha256 != restoration.sha256), None)
    done = [look for look in looks if look.has_data_of(restoration.token)]
    may_roll_back = not done
    if wish.snapshot and other is not None:
        raise Refused(
            f"The snapshot of revision {restoration.revision} is being restored, and {other.label} is another one.",
            "Members that are made of different snapshots serve different keys under one name.",
            "Let that go on: the same command without etcd_snapshot."
            + (f" Or roll it back: {advice.rollback('restore', wish.cluster)}" if may_roll_back else ""),
            code="another-snapshot",
        )
    _check_same_members(looks, restoration, wish)
    _check_enough(looks, restoration, wish, may_roll_back)
    _check_not_lost(looks, done, restoration, wish)
    sources.check([(look.host, restoration.version) for look in looks])
    needing = [look for look in looks if not look.prepared and look not in done]
    source = None
    if needing:
        having = _having(looks, restoration.sha256)
        source = next((Candidate(host, path, None) for host, path in having.items()), given)
        if source is None:
            raise Refused(
                f"No host has the snapshot any more that is being restored (sha256 {restoration.sha256}), and "
                f"{', '.join(look.host.label for look in needing)} needs it.",
                "",
                "Name it: -e etcd_snapshot=PATH",
                code="snapshot-not-found",
            )
    return RestorePlan(
        restoration,
        [look.host.name for look in looks],
        source,
        _having(looks, restoration.sha256),
        bootstrap.installing([look.host for look in looks], restoration.version),
        False,
        "",
        "",
        may_roll_back,
        f"go on with the restore of revision {restoration.revision} that began at {restoration.began}",
    )


def _ended(looks: Sequence[HostView], restoration: Restoration) -> RestorePlan:
    """Remove what a restore has left behind whose last act was not done on every host.

    The cluster may have lived on for months. Neither its members nor the snapshot that is asked for are compared with
    those of then.
    """
    return RestorePlan(
        restoration,
        [look.host.name for look in looks],
        None,
        {},
        (),
        False,
        "",
        "",
        False,
        f"remove what is left of the restore that began at {restoration.began}; this run restores nothing",
        ending=[look.host.name for look in looks if look.is_under_way],
    )


def _having(looks: Iterable[HostView], sha256: str) -> dict[str, str]:
    return {look.host.name: look.path_of(sha256) for look in looks if look.path_of(sha256)}


def _check_same_members(looks: Sequence[HostView], restoration: Restoration, wish: RestoreRequest) -> None:
    begun = restoration.members
    now = {look.host.wanted.name: sorted(look.host.wanted.member.peer_urls) for look in looks if look.host.wanted}
    changed = [name for name, urls in now.items() if sorted(begun.get(name, [])) != urls]
    away = [name for name in begun if name not in now and name not in _words(wish)]
    if changed or away:
        raise Refused(
            f"The restore began with the members {restoration.initial_cluster}, and the inventory says otherwise of "
            f"{', '.join([*changed, *away])}.",
            "Members that are made for different member lists do not find each other.",
            "Put the inventory back as it was; change it once the cluster serves. A machine that is off for good is "
            f"named: -e etcd_fenced={_and_fenced(wish, away or ['NAME'])}",
            code="restore-members-changed",
        )


def _check_enough(
    looks: Sequence[HostView], restoration: Restoration, wish: RestoreRequest, may_roll_back: bool
) -> None:
    """Can those that are left agree?

    :raises Refused: most machines are off.
    """
    size = len(restoration.members)
    needed = quorum.quorum(size)["needed"]
    if len(looks) >= needed:
        return
    fenced = _fenced_hosts(wish)
    raise Refused(
        f"{len(looks)} of the {size} members that are being restored are left: a quorum needs {needed}; "
        f"{','.join(fenced)} are said to be off.",
        "They would never serve.",
        "Bring the others back. If they are lost for good, take away what there is of this restore: "
        f"{advice.destroy(wish.cluster, fenced)}. Then restore again, with machines in the inventory that are there."
        + (f" Or roll it back: {advice.rollback('restore', wish.cluster, fenced)}" if may_roll_back else ""),
        code="restore-too-few-members",
    )


def _check_not_lost(
    looks: Sequence[HostView], done: Sequence[HostView], restoration: Restoration, wish: RestoreRequest
) -> None:
    """Nobody is made from the snapshot twice: what it had voted for until then could be outvoted, and be gone.

    :param done: those that have the new data in their place.
    :raises Refused: one that may have voted has nothing left, or has joined the restored cluster since.
    """
    started = [look for look in done if look.host.state == markers.STARTED]
    made = {look.host.marker.cluster_id for look in done if look.host.marker is not None} - {""}
    others = [look for look in looks if look not in done and not look.is_pending and look.record != restoration]
    lost = [look for look in done if not look.host.has_log]
    lost += [look for look in others if started and look.host.marker is None]
    if lost:
        raise Refused(
            f"{_labels(lost)} may have had a part in the restore that is under way, and nothing is left of it there.",
            "Made from the snapshot once more it could be a majority, with others, that lacks what was written since.",
            f"Bring its disk back. If that is lost for good, {_without(looks, lost, restoration, wish)}",
            code="restore-host-lost",
        )
    joined = [look for look in others if look.host.marker is not None and look.host.marker.cluster_id in made]
    if joined:
        late = [look for look in looks if look.is_under_way and look not in started]
        raise Refused(
            f"{_labels(joined)} has joined the restored cluster, and {_labels(late)} was not there meanwhile.",
            "The restore would go on there with members that the cluster no longer has.",
            f"To let it join empty instead, {_taking_away(looks, late, wish)}. Then run etcd.yml.",
            code="restore-host-lost",
        )


def _without(
    looks: Sequence[HostView], lost: Sequence[HostView], restoration: Restoration, wish: RestoreRequest
) -> str:
    """How to do without hosts whose disks are lost although their machines are there."""
    if len(looks) - len(lost) < quorum.quorum(len(restoration.members))["needed"]:
        destroy = advice.destroy(wish.cluster, list(wish.fenced or ()))
        return f"the others are no quorum: take away what there is of this restore: {destroy}. Then restore again."
    marked = [look for look in lost if look.host.state == markers.RESTORED]
    forgetting = f"{_taking_away(looks, marked, wish)}. Then " if marked else ""
    fenced = _and_fenced(wish, (look.host.name for look in lost))
    joining = f"Once they serve, {forgetting}etcd.yml lets it join empty."
    return f"the others go on without it: -e etcd_fenced={fenced}. {joining}"


def _taking_away(looks: Iterable[HostView], from_these: Sequence[HostView], wish: RestoreRequest) -> str:
    """How a host forgets its part in a restore."""
    others = [*(wish.fenced or ()), *(look.host.name for look in looks if look not in from_these)]
    return f"take away what {_labels(from_these)} has of it: {advice.destroy(wish.cluster, others)}"


def _labels(looks: Iterable[HostView]) -> str:
    return ", ".join(look.host.label for look in looks)


# -- what must be so ---------------------------------------------------------------------------------------------------


def _check_hosts(looks: Sequence[HostView], wish: RestoreRequest) -> None:
    hosts = [look.host for look in looks]
    if not hosts:
        raise BadInput(f"{wish.cluster} has no host that is not fenced (etcd_fenced).")
    _check_heard_all(looks, wish)
    off = [Host(name, silent="its machine is off.") for name in _fenced_hosts(wish)]
    cluster_plan.check_inventory([*hosts, *off])
    if off:
        # ETCD_NODES still names who is off; everything else is judged of those that are there.
        topology.check_members([replace(host.wanted.member, etcd_nodes="") for host in hosts if host.wanted])
    for host in hosts:
        if host.wanted is not None and not host.wanted.present:
            raise BadInput(
                f"{host.label} is to be absent (etcd_member_state). Restore with the members that the cluster is to "
                "have: take the line out, and name its machine once it is off: -e etcd_fenced=NAME"
            )
        if host.masked:
            unit = host.seen.unit.name
            raise Refused(
                f"{host.label}: {unit} is masked.",
                "The restored member could not be started, and by then all old data are archived.",
                f"systemctl unmask {unit} on that host, then run again.",
                code="unit-masked",
            )
        if host.state is None:
            bootstrap.check_nothing_foreign(host)
    _check_no_recovery(looks, wish)


def _check_no_recovery(looks: Sequence[HostView], wish: RestoreRequest) -> None:
    """Is no host in the middle of a recovery?

    :raises Refused: one is.
    """
    recovering = [look for look in looks if look.host.state == markers.RECOVERY_PENDING]
    if not recovering:
        return
    fenced = list(wish.fenced or ())
    recover = advice.recover(wish.cluster, fenced)
    roll_back = advice.rollback("recover", wish.cluster, fenced)
    restores = any(look.is_under_way for look in looks)
    raise Refused(
        f"{_labels(recovering)} {'are' if len(recovering) > 1 else 'is'} in the middle of a recovery from a lost "
        f"quorum{', and other hosts in the middle of a restore' if restores else ''}.",
        "Two ways out at once would end in two clusters.",
        f"To let the restore go on, {_taking_away(looks, recovering, wish)}. Then run this again."
        if restores
        else f"Let it go on: {recover}. Or roll it back, and restore then: {roll_back}",
        code="restore-or-recovery-pending",
    )


def _check_heard_all(looks: Sequence[HostView], wish: RestoreRequest) -> None:
    silent = [look.host for look in looks if look.host.silent]
    if silent:
        raise Refused(
            "\n".join(f"{host.label} gave no answer: {host.silent.rstrip('. ')}." for host in silent),
            "A member that is not stopped may go on serving, or come back, beside the restored cluster.",
            "See that every host can be looked at. If its machine is off for good: -e etcd_fenced="
            + _and_fenced(wish, (host.inventory.words[0] if host.inventory else host.name for host in silent)),
            code="host-unreachable",
        )


def _check_heard(looks: Sequence[HostView]) -> None:
    """Is off what is said to be? Whoever cannot be looked at may serve all the same.

    :raises Refused: a member of it answers.
    """
    here = _peer_urls(looks)
    for look in looks:
        for one in look.heard:
            # An address may be that of several members, one of which was looked at.
            if here & set(one["peer_urls"]):
                continue
            raise Refused(
                f"etcd_fenced names {one['name']}, and asked from {look.host.label} it {one['answer']}.",
                "With others of its kind it goes on beside the restored cluster.",
                "Switch its machine off, or cut it off for good. Or take it out of etcd_fenced, and see that it can be "
                "looked at. Then run again.",
                code="fenced-machine-runs",
            )


def _check_quorum(looks: Sequence[HostView], wish: RestoreRequest) -> None:
    """Nobody who is said to be off votes: whoever serves needs no more than the members that were looked at.

    :raises Refused: one does.
    """
    running = _member_ids(look.host for look in looks if look.host.runs)
    for host in (look.host for look in looks if look.host.answers and wish.fenced):
        voters = {one.id for one in host.seen.members if not one.is_learner}
        needed = quorum.quorum(len(voters))["needed"]
        if voters and len(voters & running) < needed:
            raise Refused(
                f"{host.label} serves, which takes {needed} of {len(voters)} voters, and {len(voters & running)} of "
                f"them run on the hosts that were looked at. Another one votes: {', '.join(sorted(wish.fenced or ()))} "
                "cannot all be off.",
                "With others of its kind it goes on beside the restored cluster.",
                "See which of them still runs. Switch its machine off, or take it out of etcd_fenced and see that it "
                "can be looked at. Then run again.",
                code="members-not-in-inventory",
            )


def _check_fenced(looks: Sequence[HostView], wish: RestoreRequest, chosen: Candidate) -> None:
    """Every member of the cluster that is to be replaced is stopped, or its machine is off.

    :raises Refused: one is neither.
    :raises BadInput: somebody is said to be off whom nobody knows.
    """
    members = _last_known(looks, wish, chosen)
    found = roster.known([look.host for look in looks], members)
    here = {member_id for one in found if one.host for member_id in one.member_ids}
    words = _words(wish)
    away = [one for one in members if one.id not in here]
    loose = [one for one in away if not identity.of_member(one).is_named_by(words)]
    if loose:
        named = [identity.word_for(identity.of_member(one), found) for one in loose]
        raise Refused(
            f"The cluster has members that are not in this inventory: {', '.join(_member(one) for one in loose)}. A "
            "host that has its name or its DNS name, and none of its data, is another machine.",
            "One that is not stopped goes on serving, or comes back, beside the restored cluster.",
            "Put them into the inventory. If their machines are off for good, say so: -e etcd_fenced="
            + _and_fenced(wish, named),
            code="members-not-in-inventory",
        )
    identity.named("etcd_fenced", [word for word, others in (wish.fenced or {}).items() if not others], found)


def _last_known(looks: Sequence[HostView], wish: RestoreRequest, chosen: Candidate) -> Sequence[ClusterMember]:
    """The members of the cluster that is to be replaced, as the newest source tells them."""
    for look in looks:
        members = look.host.seen.members
        if members and look.host.answers:
            return list(members)
    for look in looks:
        members = look.host.seen.members
        if members:
            return list(members)
    stopped = max(looks, key=lambda look: look.applied)
    if stopped.known:
        return stopped.known
    kept = [one for look in looks for one in look.kept]
    # Where it is a copy of another cluster, that goes on.
    known = _in_order(kept if wish.snapshot_of else [chosen, *kept])
    if known:
        return known[-1].members
    return [] if wish.snapshot_of else chosen.members


def _peer_urls(looks: Iterable[HostView]) -> set[str]:
    return {url for look in looks if look.host.wanted for url in look.host.wanted.member.peer_urls}


def _member(one: ClusterMember) -> str:
    return f"{one.name or one.id} at {', '.join(one.peer_urls)}"


def _and_fenced(wish: RestoreRequest, more: Iterable[str]) -> str:
    """What to say as C(etcd_fenced): all that was said, and more."""
    return ",".join([*(wish.fenced or ()), *more])


def _fenced_hosts(wish: RestoreRequest) -> list[str]:
    return [name for name, others in (wish.fenced or {}).items() if others]


def _words(wish: RestoreRequest) -> set[str]:
    return {word for name, others in (wish.fenced or {}).items() for word in (name, *others)}


def _cluster_ids(hosts: Iterable[Host]) -> set[str]:
    """The ids by which the hosts know their cluster."""
    found = set()
    for host in hosts:
        marker = host.marker
        found |= {
            marker.cluster_id if marker is not None else "",
            host.seen.data.cluster_id,
            host.seen.cluster.cluster_id,
        }
    return found - {""}


def _member_ids(hosts: Iterable[Host]) -> set[str]:
    found = set()
    for host in hosts:
        marker = host.marker
        found |= {marker.member_id if marker is not None else "", host.seen.data.member_id}
    return found - {""}


def _check_not_corrupt(hosts: Iterable[Host], chosen: Candidate) -> None:
    """Is it certain whose data are right, where the members' data differed when it was saved?

    :raises Refused: it is not.
    """
    corrupt = [one.member_id for one in chosen.alarms if one.alarm == CORRUPT]
    if not corrupt or any(CORRUPT in host.wanted.said.confirm for host in hosts if host.wanted is not None):
        return
    names = {one.id: one.name for one in chosen.members}
    source = f", from {chosen.manifest.member}" if chosen.manifest is not None else ""
    raise Refused(
        f"{chosen.label} was saved{source}, while the alarm CORRUPT was raised for "
        f"{', '.join(f'{names[one]} ({one})' if names.get(one) else one for one in corrupt)}.",
        "The data of its members differed. If it was saved from one whose data are wrong, every restored member has "
        "them.",
        "Restore one that was saved before: -e etcd_snapshot=PATH. If you know that the data in this one are right, "
        f"confirm that, and the restored cluster is without the alarm: -e etcd_confirm={CORRUPT}",
        code="data-corrupt",
    )


def _check_quota(hosts: Iterable[Host], restoration: Restoration) -> None:
    for host in hosts:
        if host.wanted is None:
            continue
        quota = _quota.quota_bytes(render.flags(host.wanted, restoration.version).get(_quota.FLAG))
        needed = int(restoration.size * safety.ROOM) + 1
        if quota < needed:
            raise Refused(
                f"{_quota.FLAG} for {host.label} is {quota}, and the snapshot has {restoration.size} bytes.",
                "etcd starts with this quota, and one of the first writes raises NOSPACE: the cluster takes no more "
                "writes.",
                f"Set {_quota.FLAG} in etcd_settings to at least {needed}, then run again.",
                code="quota-too-small",
            )


def _check_room(lacking: Sequence[HostView], having: Mapping[str, str], size: int) -> None:
    """Is there room for the new data of all beside the old ones, of which most are still served?

    :param having: host -> where it has the snapshot already.
    :param size: of the snapshot, bytes.
    """
    hosts = [look.host for look in lacking]
    texts = [
        f"{host.label} has {int(host.seen.free.data) >> 20} MiB free for its data, and the restored ones "
        f"need {(size + ROOM) >> 20} MiB beside the old ones. Make room there."
        for host in hosts
        if int(host.seen.free.data) < size + ROOM
    ]
    for machine in machines.of(hosts):
        texts += _short_together([look for look in lacking if look.host in machine], having, size)
    if texts:
        raise BadInput(*texts)


def _short_together(lacking: Sequence[HostView], having: Mapping[str, str], size: int) -> Iterator[str]:
    """All members of a machine get their data side by side: those on one file system share what is free there."""
    for device in dict.fromkeys(look.devices["data"] for look in lacking if look.devices):
        there = [look for look in lacking if look.devices.get("data") == device]
        copies = [look for look in lacking if look.devices.get("snapshots") == device and look.host.name not in having]
        needed, free = len(there) * (size + ROOM) + len(copies) * size, min(look.host.seen.free.data for look in there)
        if len(there) > 1 and needed > free:
            yield (
                f"{_labels(there)} are one machine and have their data on one file system: {free >> 20} MiB are free "
                f"there, and the restored data of all need {needed >> 20} MiB beside the old ones, with the copies of "
                "the snapshot that each gets. Make room there, or give them file systems of their own (etcd_data_dir, "
                "etcd_snapshot_dir)."
            )
