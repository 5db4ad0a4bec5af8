# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A snapshot of a cluster, streamed from a member into a directory, and known to be whole once it has its name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import IO

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints, disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    EtcdError,
    HostError,
    NoAnswer,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.survey import ask, survey
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._formats.snapshot_file import HASH_SIZE, BadSnapshot, Details
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import CORRUPT, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog, store
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.catalog import KeptSnapshot
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Seconds without a byte: a member that is asked for its database commits what it has first.
_IDLE = 30.0
# Bytes after which the disk is given what was written.
_TO_DISK = 32 << 20
#: Bytes of a database up to which the member is asked for etcd's hash of its keys, for which it applies no write.
MAX_HASH_SIZE = 64 << 20
# Bytes a second at which a member counts and hashes its keys at least.
_HASHING = 10 << 20


@dataclass(frozen=True)
class Saved:
    """A snapshot that was saved, or in check mode one that would be.

    :param path: the file.
    :param manifest: what lies beside it. In check mode it has the member's present revision and size, and no checksum.
    :param endpoint: where it was streamed from.
    :param deleted: the older snapshots that are not kept any longer.
    """

    path: str
    manifest: Manifest
    endpoint: str
    deleted: tuple[str, ...] = ()


def save(
    endpoints: Sequence[str],
    credentials: Credentials,
    directory: str,
    cluster: str,
    *,
    endpoint: str = "",
    retention: Retention | None = None,
    member_dirs: Sequence[str] = (),
    max_hash_size: int = MAX_HASH_SIZE,
    timeout: float = 5.0,
    check: bool = False,
    clock: Callable[[], float] = time.time,
) -> Saved:
    """Save a snapshot.

    :param endpoints: client URLs of any members; they tell the others.
    :param directory: where to; made for this user alone if it is not there.
    :param cluster: the cluster's name, the beginning of the file's.
    :param endpoint: take it from this URL and from nowhere else; otherwise from a healthy follower if there is one, see
        C(ranked), and from the next where that fails.
    :param retention: what is kept of older ones; all without it.
    :param member_dirs: directories of members' data and logs on this host, which need room beside the snapshot.
    :param max_hash_size: bytes of the database up to which its member is asked for etcd's hash.
    :param timeout: seconds for one question.
    :param check: touch nothing.
    :param clock: seconds since 1970.
    :raises BadInput: an option is wrong.
    :raises Refused: no member could be asked whose data are believed.
    :raises HostError: there is no room, or the directory does not take it. Nothing is left behind.
    :raises TransportError, RpcError: no member gave it.
    """
    if not _NAME.fullmatch(cluster):
        raise BadInput(f"cluster {cluster!r} is no name for files; use letters, digits, '.', '_' and '-'.")
    if not os.path.isabs(directory):
        raise BadInput(f"directory {directory} is not absolute; give a path like /var/lib/etcd-snapshots.")
    directory = os.path.normpath(directory)
    if endpoint:
        sources = [_only(ask(endpoint, credentials, timeout, endpoints))]
    else:
        sources = ranked(survey(endpoints, credentials, timeout, cluster=True))
    failures: list[EtcdError] = []
    made: tuple[str, ...] = ()
    for source in sources:
        manifest = _expected(source, cluster, clock())
        coming = KeptSnapshot(store.name_of(directory, manifest), manifest)
        made += _made_room(directory, coming, retention, member_dirs, check)
        if check:
            return _pruned(Saved(coming.path, manifest, source.endpoint, made), retention, True)
        store.prepare(directory)
        try:
            with Client([source.endpoint, *endpoints], credentials, timeout) as client:
                saved = _from(client, source.endpoint, directory, manifest, max_hash_size)
        except (TransportError, RpcError) as exc:
            failures.append(exc)
            continue
        except OSError as exc:
            raise HostError(
                f"{directory} takes no snapshot: {exc.strerror}. Nothing of it is left there. Make room, or name "
                "another directory."
            ) from exc
        return _pruned(replace(saved, deleted=made), retention, False)
    raise failures[0] if len(failures) == 1 else NoAnswer(tuple(failures))


def ranked(seen: Sequence[View]) -> list[View]:
    """Whom to ask for a snapshot, in this order. Whoever has the alarm CORRUPT is not among them.

    First healthy followers: they have what was committed, and are less busy than the leader, who comes next. Then
    voters that answer without a quorum, who has applied most first, and at last learners, who may lag behind.

    :raises NoAnswer: nobody answers.
    :raises Refused: only members answer whose data differ from the others'.
    """
    answering = [one for one in seen if one.status]
    if not answering:
        raise NoAnswer(tuple(TransportError(one.endpoint, one.error) for one in seen))
    corrupt = {alarm.member_id for one in answering for alarm in one.alarms or () if alarm.alarm == CORRUPT}
    believed = [one for one in answering if one.member_id not in corrupt]
    if not believed:
        raise Refused(
            f"All members that answer have the alarm CORRUPT: {', '.join(one.endpoint for one in answering)}.",
            "Their data differ from each other's, and a snapshot would be of one side only.",
            "Find out which member is right, and name its URL as the endpoint to take the snapshot from.",
            code="data-corrupt",
        )
    return sorted(believed, key=rank)


def rank(one: View) -> tuple[bool, bool, bool, int]:
    """The place in the order of C(ranked) of a member that answers; the lower, the better."""
    status = one.status or Status()
    unhealthy = bool(one.error)
    return status.is_learner, unhealthy, status.is_leader, -status.raft_applied_index if unhealthy else 0


def _only(seen: View) -> View:
    if not seen.status:
        raise TransportError(seen.endpoint, seen.error)
    return seen


def _expected(source: View, cluster: str, now: float) -> Manifest:
    """What is known of a snapshot before it is there."""
    status, members = source.status or Status(), source.members or ()
    return Manifest(
        cluster=cluster,
        cluster_id=status.cluster_id,
        member=next((one.name for one in members if one.id == status.member_id), ""),
        member_id=status.member_id,
        revision=status.revision,
        compact_revision=0,
        key_count=0,
        hash_kv=0,
        etcd_version=status.version,
        storage_version=status.storage_version,
        members=[asdict(one) for one in members],
        size=status.db_size + HASH_SIZE,
        sha256="",
        taken_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
    )


def _from(client: Client, endpoint: str, directory: str, expected: Manifest, max_hash_size: int) -> Saved:
    with store.part(directory, f"{expected.cluster}-{expected.member_id}") as part:
        checkpoints.at("snapshot: streaming")
        with ThreadPoolExecutor(max_workers=1) as beside:
            pieces = _on_their_way(client.snapshot(endpoint, _IDLE), part.file.fileno(), beside)
            sha256 = _stream(pieces, part.file, endpoint)
            # The disk and the member are busy for about as long.
            on_disk = beside.submit(os.fsync, part.file.fileno())
            manifest = _described(client, endpoint, part.path, sha256, expected, max_hash_size)
            on_disk.result()
        checkpoints.at("snapshot: written")
        saved = Saved(store.keep(part, manifest), manifest, endpoint)
    checkpoints.at("snapshot: kept")
    return saved


def _described(
    client: Client, endpoint: str, path: str, sha256: str, expected: Manifest, max_hash_size: int
) -> Manifest:
    try:
        details = snapshot_file.described(path, sha256)
    except BadSnapshot as exc:
        raise TransportError(endpoint, f"what it sent as a snapshot {exc.problem}") from exc
    return replace(
        expected,
        revision=details.revision,
        compact_revision=details.compact_revision,
        key_count=_key_count(client, endpoint, details),
        hash_kv=_hash_kv(client, endpoint, details) if details.size <= max_hash_size else 0,
        storage_version=details.storage_version,
        members=details.members,
        size=details.size,
        sha256=details.sha256,
    )


def _on_their_way(pieces: Iterable[bytes], descriptor: int, beside: ThreadPoolExecutor) -> Iterator[bytes]:
    """The same pieces. What is written of them goes to the disk while others come, so that little is left to wait for.

    :raises OSError: the disk does not take it.
    """
    written, due = 0, _TO_DISK
    flushed = beside.submit(os.fsync, descriptor)
    for piece in pieces:
        yield piece
        written += len(piece)
        if written >= due and flushed.done():
            # The kernel tells of an error once only.
            flushed.result()
            flushed = beside.submit(os.fsync, descriptor)
            due = written + _TO_DISK
    flushed.result()


def _stream(pieces: Iterable[bytes], file: IO[bytes], endpoint: str) -> str:
    """Write what comes, and compare it with the checksum that comes at its end.

    :returns: the checksum of all of it, hex.
    :raises TransportError: it is another.
    """
    digest = hashlib.sha256()
    # The last 32 bytes are known for what they are only when nothing follows.
    last = b""
    for piece in pieces:
        file.write(piece)
        if len(piece) < HASH_SIZE:
            last += piece
            continue
        digest.update(last)
        last = piece
    digest.update(last[:-HASH_SIZE])
    trailer = last[-HASH_SIZE:]
    if digest.digest() != trailer:
        raise TransportError(
            endpoint,
            f"what it sent as a snapshot is damaged: its checksum says sha256 {trailer.hex()}, its content has "
            f"{digest.hexdigest()}.",
        )
    digest.update(trailer)
    return digest.hexdigest()


def _key_count(client: Client, endpoint: str, details: Details) -> int:
    """How many keys live at the snapshot's revision, from the member itself; 0 where it cannot tell any more."""
    request = {
        "key": b"\0",
        "range_end": b"\0",
        "revision": details.revision,
        "count_only": True,
        "serializable": True,
    }
    try:
        return int(client.call("KV.Range", request, endpoint=endpoint, timeout=_patience(client, details))["count"])
    except (TransportError, RpcError):
        return 0


def _hash_kv(client: Client, endpoint: str, details: Details) -> int:
    """etcd's hash at the snapshot's revision, from the member itself; 0 where it cannot tell any more."""
    request = {"revision": details.revision}
    try:
        answer = client.call("Maintenance.HashKV", request, endpoint=endpoint, timeout=_patience(client, details))
    except (TransportError, RpcError):
        return 0
    # It depends on what is compacted, which may have gone on. Without any the member says -1.
    return int(answer["hash"]) if max(0, answer["compact_revision"]) == details.compact_revision else 0


def _patience(client: Client, details: Details) -> float:
    return client.timeout + details.size / _HASHING


def _made_room(
    directory: str, coming: KeptSnapshot, retention: Retention | None, member_dirs: Sequence[str], check: bool
) -> tuple[str, ...]:
    """See that a snapshot fits. Where it does not, delete before saving what would be deleted afterwards.

    :returns: what was deleted, or would be.
    :raises HostError: it does not fit all the same.
    """
    size = coming.manifest.size
    needed = size + disk_space.reserve(directory, size, member_dirs)
    if disk_space.free(directory) >= needed:
        return ()
    if not check and os.path.isdir(directory):
        with contextlib.suppress(OSError):
            store.clean(directory)
    free = disk_space.free(directory)
    there = _of_same_cluster(directory, coming.manifest)
    good = next(filter(_is_good, reversed(there)), None) if retention and free < needed else None
    doomed = store.prune(directory, good, retention, True, coming) if good and retention else []
    if free + _size_of(one for one in there if one.path in doomed) < needed:
        can_keep_fewer = good and free + _size_of(one for one in there if one != good) >= needed
        fewer = f"keep fewer snapshots (there are {len(there)} of this cluster), " if can_keep_fewer else ""
        raise HostError(
            f"{directory} has {free >> 20} MiB free. A snapshot of {_in_mib(size)} MiB needs {_in_mib(needed)} MiB, of "
            f"which {_in_mib(needed - size)} MiB stay free. Make room, {fewer}or name another directory."
        )
    if good and retention and not check:
        store.prune(directory, good, retention, False, coming)
    return tuple(doomed)


def _size_of(kept: Iterable[KeptSnapshot]) -> int:
    return sum(one.manifest.size for one in kept)


def _of_same_cluster(directory: str, manifest: Manifest) -> list[KeptSnapshot]:
    there = catalog.found(directory, manifest.cluster)
    return [one for one in there if one.manifest.cluster_id == manifest.cluster_id]


def _is_good(kept: KeptSnapshot) -> bool:
    try:
        store.checked(kept.path)
    except EtcdError:
        return False
    return True


def _in_mib(size: int) -> int:
    return -(-size >> 20)


def _pruned(saved: Saved, retention: Retention | None, check: bool) -> Saved:
    if retention is None:
        return saved
    directory = os.path.dirname(saved.path)
    good = KeptSnapshot(saved.path, saved.manifest)
    later = [path for path in store.prune(directory, good, retention, check) if path not in saved.deleted]
    return replace(saved, deleted=(*saved.deleted, *later))
