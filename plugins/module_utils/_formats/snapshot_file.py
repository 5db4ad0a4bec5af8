# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A snapshot file, judged and read without etcd.

It is etcd's database with the SHA-256 of all that precedes at its end. etcd takes a file for one that has it when its
length says so, and so is it here (etcdutl/snapshot/v3_snapshot.go, hasChecksum). A database that was copied from a data
directory has none: nothing tells whether it is whole, and it may have been copied while it was written.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._formats.bbolt import BadDatabase, Bucket, Database

HASH_SIZE = 32
# Lengths of databases are multiples of it.
_SECTOR = 512
_PIECE = 1 << 20
_REVISION = 17


class BadSnapshot(EtcdError):
    """A file that is no snapshot, or a damaged one. Says what is wrong with which file, and what follows.

    :param path: the file.
    :param problem: what is wrong, as the end of a sentence that the path begins.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.path = path
        self.problem = problem


@dataclass(frozen=True)
class Details:
    """What is in a snapshot file.

    :param size: bytes of the whole file.
    :param sha256: of the whole file, hex.
    :param has_hash: whether etcd's checksum ends the file; if so it was right.
    :param page_size: of the database, bytes.
    :param revision: of the newest change.
    :param last_key_revision: of the newest entry, 0 without any. It is below C(revision) where a compaction has removed
        the entry of the newest change, a deletion.
    :param compact_revision: the changes up to this one are compacted; 0 without any.
    :param consistent_index: the entry of the raft log that was applied last.
    :param term: its term; 0 before etcd 3.5.
    :param cluster_version: the cluster's, for example C(3.6.0); empty where it was not written yet.
    :param storage_version: for example C(3.6.0); empty before etcd 3.6.
    :param members: dicts with C(id), C(name), C(peer_urls), C(client_urls) and C(is_learner), ordered by id.
    :param authentication: whether it is switched on.
    :param alarms: that were raised, dicts with C(member_id) and C(alarm), as C(Client.alarms) gives them.
    """

    size: int
    sha256: str
    has_hash: bool
    page_size: int
    revision: int
    last_key_revision: int
    compact_revision: int
    consistent_index: int
    term: int
    cluster_version: str
    storage_version: str
    members: list[dict[str, Any]]
    authentication: bool
    alarms: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def read(path: str, allow_missing_hash: bool = False) -> Details:
    """Judge a file, and read what is in it. All of it is read once.

    :param allow_missing_hash: take a copied database, too. Its structure is walked as a whole instead, which does not
        see damage within values.
    :raises BadSnapshot: it is none, or it is damaged.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        database = _database(path, file, size)
        has_hash = size % _SECTOR == HASH_SIZE
        if not has_hash and not allow_missing_hash:
            raise BadSnapshot(
                path,
                "does not end with etcd's checksum: it is a copied database, or a snapshot whose last bytes are "
                "missing. Nothing tells whether the rest is right. Take another snapshot; if this is the last that "
                "there is, allow a missing hash.",
            )
        sha256 = _hashed(path, file, size, has_hash)
        try:
            if not has_hash:
                database.check()
            return _details(database, size, sha256, has_hash)
        except BadDatabase as exc:
            raise BadSnapshot(path, f"is damaged: {exc}.") from exc


def described(path: str, sha256: str) -> Details:
    """What is in a file whose every byte was just compared with etcd's checksum. A few pages of it are read.

    :param sha256: of the whole file, hex.
    :raises BadSnapshot: it is none all the same.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        database = _database(path, file, size)
        try:
            return _details(database, size, sha256, True)
        except BadDatabase as exc:
            raise BadSnapshot(path, f"is damaged: {exc}.") from exc


def _opened(path: str) -> BinaryIO:
    try:
        # A pipe would be waited for without an end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise BadSnapshot(path, f"cannot be read: {exc.strerror}.") from exc
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadSnapshot(path, "is no regular file, and so no snapshot.")
    return os.fdopen(descriptor, "rb", buffering=0)


def _database(path: str, file: BinaryIO, size: int) -> Database:
    """The database, if as much of it is there as should be."""
    if not size:
        raise BadSnapshot(path, "is empty: nothing was ever saved in it.")
    has_hash = size % _SECTOR == HASH_SIZE
    body = size - HASH_SIZE if has_hash else size
    try:
        database = Database(file, body)
    except BadDatabase as exc:
        raise BadSnapshot(path, f"is no etcd snapshot, or its beginning is destroyed: {exc}.") from exc
    whole = database.length + HASH_SIZE
    if body < database.length or database.length < size < whole:
        raise BadSnapshot(path, f"is truncated: {size} bytes are left of {whole}.")
    if has_hash and body != database.length:
        raise BadSnapshot(path, f"is damaged: {size} bytes where {whole} are due.")
    return database


def _hashed(path: str, file: BinaryIO, size: int, has_hash: bool) -> str:
    """The checksum of the whole file, hex, after that of its body was compared."""
    digest = hashlib.sha256()
    left = size - HASH_SIZE if has_hash else size
    file.seek(0)
    piece = memoryview(bytearray(_PIECE))
    while left:
        got = file.readinto(piece[: min(left, _PIECE)])  # type: ignore[attr-defined]
        if not got:
            raise BadSnapshot(path, "was cut off while it was read.")
        digest.update(piece[:got])
        left -= got
    if has_hash:
        trailer = file.read(HASH_SIZE)
        if digest.digest() != trailer:
            raise BadSnapshot(
                path,
                f"is damaged: its checksum says sha256 {trailer.hex()}, its content has {digest.hexdigest()}. "
                "Use another snapshot.",
            )
        digest.update(trailer)
    return digest.hexdigest()


def _details(database: Database, size: int, sha256: str, has_hash: bool) -> Details:
    keys, meta, cluster, auth = (database.bucket(name) for name in (b"key", b"meta", b"cluster", b"auth"))
    if keys is None or meta is None:
        raise BadDatabase("it is a bbolt database, but not one of etcd")
    said = dict(meta.items())
    compacted = max(_main(said.get(f"{step}CompactRev".encode())) for step in ("finished", "scheduled"))
    key = keys.last_key()
    last = _main(key[:_REVISION] if key else None)
    return Details(
        size=size,
        sha256=sha256,
        has_hash=has_hash,
        page_size=database.meta.page_size,
        # An empty store is at revision 1. Where the newest change was a deletion, compaction may have taken it, and
        # tells its revision itself (server/storage/mvcc/kvstore.go, restore).
        revision=max(1, compacted, last),
        last_key_revision=last,
        compact_revision=compacted,
        consistent_index=_number(said.get(b"consistent_index")),
        term=_number(said.get(b"term")),
        cluster_version=_text(dict(cluster.items()).get(b"clusterVersion")) if cluster else "",
        storage_version=_text(said.get(b"storageVersion")),
        members=_members(database.bucket(b"members"), database.bucket(b"members_removed")),
        # One byte (server/storage/schema/auth.go).
        authentication=auth is not None and dict(auth.items()).get(b"authEnabled") == b"\1",
        alarms=_alarms(database.bucket(b"alarm")),
    )


def _alarms(raised: Bucket | None) -> list[dict[str, Any]]:
    """Each key is an alarm (server/storage/schema/alarm.go)."""
    try:
        found = [protobuf.decode("AlarmMember", key) for key, _value in (raised.items() if raised else ())]
    except WireError as exc:
        raise BadDatabase("an alarm is none") from exc
    return [{"member_id": format(one["memberID"], "x"), "alarm": str(one["alarm"])} for one in found]


def _main(revision: bytes | None) -> int:
    """The main revision of a key of the store: eight bytes, an underscore, eight bytes of the change within it."""
    if revision is None:
        return 0
    if len(revision) != _REVISION or revision[8:9] != b"_":
        raise BadDatabase(f"the revision {revision.hex()} is none")
    return int(struct.unpack_from(">q", revision)[0])


def _number(value: bytes | None) -> int:
    if value is None:
        return 0
    if len(value) != 8:
        raise BadDatabase(f"the number {value.hex()} is none")
    return int(struct.unpack(">Q", value)[0])


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _members(members: Bucket | None, removed: Bucket | None) -> list[dict[str, Any]]:
    gone = {key for key, _value in removed.items()} if removed else set()
    found = [_member(value) for key, value in (members.items() if members else ()) if key not in gone]
    return sorted(found, key=lambda member: int(member["id"], 16))


def _member(text: bytes) -> dict[str, Any]:
    """A member as etcd writes it (server/etcdserver/api/membership/member.go)."""
    try:
        given = json.loads(text)
        return {
            "id": format(int(given["id"]), "x"),
            "name": str(given.get("name", "")),
            "peer_urls": list(map(str, given.get("peerURLs") or ())),
            "client_urls": list(map(str, given.get("clientURLs") or ())),
            "is_learner": bool(given.get("isLearner", False)),
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise BadDatabase("the description of a member is none") from exc
