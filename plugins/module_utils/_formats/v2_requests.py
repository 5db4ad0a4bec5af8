# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Requests of API version 2 in a write-ahead log, which etcd 3.7 cannot read.

A member replays its log from its newest raft snapshot on. An entry holds an C(etcdserverpb.InternalRaftRequest), whose
second field is such a request, or the request itself (C(etcdserverpb.Request)), whose second field is its method. So an
entry with a second field is one (server/etcdserver/server.go of 3.6, applyEntryNormal).
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf, wal

_ENTRY = 2
_NORMAL = 0
_SNAPSHOT = re.compile(r"[0-9a-f]{16}-([0-9a-f]{16})\.snap")
_SEGMENT = re.compile(r"[0-9a-f]{16}-([0-9a-f]{16})\.wal")


def newest_snapshot(directory: str) -> int:
    """The index of the newest raft snapshot among C(member/snap), 0 without one."""
    try:
        found = [_SNAPSHOT.fullmatch(name) for name in os.listdir(directory)]
    except FileNotFoundError:
        return 0
    except OSError as exc:
        raise HostError(f"{directory} cannot be read: {exc.strerror}.") from exc
    return max((int(match.group(1), 16) for match in found if match), default=0)


def first_after(log_dir: str, index: int) -> int:
    """The index of the first request of API version 2 behind an index, 0 where there is none.

    :raises HostError: the log cannot be read.
    """
    for path in _segments_from(log_dir, index):
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except FileNotFoundError:
            # etcd has purged it meanwhile: a raft snapshot lies behind all of it.
            continue
        except OSError as exc:
            raise HostError(f"{path} cannot be read: {exc.strerror}.") from exc
        for entry in _entries(data):
            if entry["index"] > index and entry["type"] == _NORMAL and _is_v2(entry["data"]):
                return int(entry["index"])
    return 0


def _segments_from(log_dir: str, index: int) -> list[str]:
    """The segments from the one on that holds what comes behind an index."""
    found = wal.segments(log_dir)
    begins = [_SEGMENT.fullmatch(os.path.basename(path)) for path in found]
    before = [at for at, match in enumerate(begins) if match and int(match.group(1), 16) <= index + 1]
    return found[max(before, default=0) :]


def _entries(data: bytes) -> Iterator[protobuf.Message]:
    """The entries of one segment. Its end is zeros that were made room for, or a record that is not yet whole."""
    at = 0
    while at + 8 <= len(data):
        (word,) = struct.unpack_from("<Q", data, at)
        length, padding = word & ((1 << 56) - 1), (word >> 56) & 0x7 if word >> 63 else 0
        if not length or at + 8 + length > len(data):
            return
        try:
            record = protobuf.decode("walpb.Record", data[at + 8 : at + 8 + length])
            if record["type"] == _ENTRY:
                yield protobuf.decode("raftpb.Entry", record["data"])
        except WireError:
            return
        at += 8 + length + padding


def _is_v2(data: bytes) -> bool:
    """Has it a second field? Its fields come in their order."""
    at = 0
    try:
        while at < len(data):
            key, at = _varint(data, at)
            field, kind = key >> 3, key & 7
            if field == 2:
                return True
            if field > 2 or kind not in (0, 2):
                return False
            value, at = _varint(data, at)
            at += value if kind == 2 else 0
    except IndexError:
        return False
    return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
