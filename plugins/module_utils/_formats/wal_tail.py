# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""How far the write-ahead log of a stopped member goes, which no member tells: C(Status) shows what was committed.

Records are checked as etcd checks them: each carries the CRC-32C of all data up to its own, and a segment begins with
that of the segments before. A last record of which a sector was never written is torn, and etcd drops it
(server/storage/wal/{decoder,repair,wal}.go).
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import crc32c, protobuf, wal

_ENTRY, _STATE, _CRC, _SNAPSHOT = 2, 3, 4, 5
_FRAME, _SECTOR = 8, 512
# Bytes of data that are compared with one checksum.
_BATCH = 1 << 20
# raftpb.EntryConfChange and raftpb.ConfChangeRemoveNode.
_CHANGE, _REMOVE = 1, 1


@dataclass(frozen=True)
class Tail:
    """The end of a log.

    :param term: the term of its last entry.
    :param index: the index of its last entry.
    :param commit: up to which index this member knew the entries to be agreed on.
    :param keepable: up to which index they can be agreed on: the last one before one that removes this very member.
    :param torn: was the last record written only in part?
    """

    term: int
    index: int
    commit: int
    keepable: int
    torn: bool

    @property
    def place(self) -> tuple[int, int]:
        """Of two logs of one cluster the one with the greater place holds all that the other had agreed on."""
        return self.term, self.index

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Log:
    """What the records say, read one after the other.

    :param removals: indexes of entries that remove this member.
    :param first: the index of the first entry that was read; 0 before any.
    """

    member: int
    term: int = 0
    index: int = 0
    state: dict[str, int] = field(default_factory=lambda: {"term": 0, "vote": 0, "commit": 0})
    removals: list[int] = field(default_factory=list)
    first: int = 0

    def take(self, kind: int, data: bytes) -> None:
        if kind == _ENTRY:
            self._entry(protobuf.decode("raftpb.Entry", data))
        elif kind == _STATE:
            self.state = protobuf.decode("raftpb.HardState", data)
        elif kind == _SNAPSHOT:
            snapshot = protobuf.decode("walpb.Snapshot", data)
            if snapshot["index"] > self.index:
                # What a leader sent to a member that was too far behind for entries.
                # Only read in order is it known to be that: a member's own snapshot is older than its last entries,
                # which may stand in an earlier segment. So it never counts as the first entry.
                self.term, self.index = snapshot["term"], snapshot["index"]

    def _entry(self, entry: protobuf.Message) -> None:
        self.term, self.index = entry["term"], entry["index"]
        self.first = min(self.first or self.index, self.index)
        # An entry replaces the one of its index and all behind it: another leader knew better.
        while self.removals and self.removals[-1] >= self.index:
            self.removals.pop()
        if entry["type"] == _CHANGE:
            change = protobuf.decode("raftpb.ConfChange", entry["data"])
            if change["type"] == _REMOVE and change["node_id"] == self.member:
                self.removals.append(self.index)


@dataclass(frozen=True)
class _End:
    """Where the last segment's records end.

    :param offset: of the first byte behind them.
    :param crc: the checksum that the next record goes on from.
    """

    offset: int
    crc: int
    torn: bool


@dataclass(frozen=True)
class _Record:
    """A record, and where the next one begins."""

    kind: int
    data: bytes
    end: _End


@dataclass(frozen=True)
class _WrittenFrame:
    """What was written for one record.

    :param at: where its length is.
    :param body: behind that, with what it is padded with.
    :param record: empty where that is none.
    :param whole: is all of it in the file?
    """

    at: int
    body: bytes
    record: protobuf.Message
    whole: bool

    @property
    def kind(self) -> int:
        return int(self.record.get("type", 0))

    @property
    def end(self) -> int:
        return self.at + _FRAME + len(self.body)


def tail(directory: str) -> Tail:
    """Read the end of a log.

    :param directory: that of the log's segments.
    :raises HostError: there is no log, or a record is damaged.
    """
    return _tail(*_read(directory))


def _tail(log: _Log, end: _End) -> Tail:
    commit = log.state["commit"]
    removed = [index for index in log.removals if index > commit]
    keepable = removed[0] - 1 if removed else log.index
    return Tail(log.term, log.index, commit, max(keepable, commit), end.torn)


def commit_all_entries(directory: str) -> int:
    """Write into a log that all its entries are agreed on, so that C(--force-new-cluster) discards none.

    That discards what is behind the commit index of the last hard state. Once a majority is lost, acknowledged writes
    are among it: a follower learns of a commit only with the next message of its leader. To be done to a copy.

    :returns: how many entries are kept by it.
    :raises HostError: there is no log, a record is damaged, or it cannot be written.
    """
    log, end = _read(directory)
    found = _tail(log, end)
    kept = found.keepable - found.commit
    if kept <= 0:
        return 0
    term, vote = log.state["term"], log.state["vote"]
    if log.term > term:
        # Torn between an entry and the state that follows it: nobody was voted for in that term.
        term, vote = log.term, 0
    data = protobuf.encode("raftpb.HardState", {"term": term, "vote": vote, "commit": found.keepable})
    body = protobuf.encode("walpb.Record", {"type": _STATE, "crc": crc32c.update(end.crc, data), "data": data})
    _append(wal.segments(directory)[-1], end.offset, body)
    return kept


def _append(path: str, offset: int, body: bytes) -> None:
    padding = -len(body) % 8
    word = len(body) | ((0x80 | padding) << 56 if padding else 0)
    try:
        with open(path, "r+b") as stream:
            size = os.fstat(stream.fileno()).st_size
            # What was torn must be zeros, or the next record would be read into it.
            stream.truncate(offset)
            stream.seek(offset)
            stream.write(struct.pack("<Q", word) + body + bytes(padding))
            stream.flush()
            stream.truncate(max(size, stream.tell()))
            os.fsync(stream.fileno())
        atomic.sync_directory(os.path.dirname(path))
    except OSError as exc:
        raise HostError(f"{path} cannot be written: {exc.strerror}.") from exc


def _read(directory: str) -> tuple[_Log, _End]:
    """The newest segments, as many as are needed to have read every entry that is not yet agreed on."""
    paths = wal.segments(directory)
    if not paths:
        raise HostError(f"There is no write-ahead log in {directory}.")
    member = int(wal.identity(directory)[0] or "0", 16)
    for count in range(1, len(paths) + 1):
        log, end = _Log(member), _End(0, 0, False)
        for path in paths[-count:]:
            end = _segment(path, log, last=path == paths[-1])
        if log.first and log.first <= log.state["commit"] + 1:
            break
    return log, end


def _segment(path: str, log: _Log, last: bool) -> _End:
    """Take a segment's records.

    :param last: only the last segment may end in a record that is torn.
    """
    end = _End(0, 0, False)
    try:
        with open(path, "rb") as stream:
            # An empty file cannot be mapped, and has no records.
            if os.fstat(stream.fileno()).st_size:
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    for record in _records(data):
                        end = record.end
                        log.take(record.kind, record.data)
    except (OSError, WireError) as exc:
        raise HostError(f"{path} cannot be read: {exc}") from exc
    if end.torn and not last:
        raise HostError(
            f"{path} is damaged at byte {end.offset}: its last record is incomplete, and more segments follow."
        )
    return end


def _records(data: mmap.mmap) -> Iterator[_Record]:
    """A segment's records; the last of them may be nothing but a torn end."""
    crc, size = 0, 0
    batch: list[_WrittenFrame] = []
    for frame in _frames(data):
        batch.append(frame)
        size += len(frame.record.get("data", b""))
        if size >= _BATCH or frame.kind == _CRC:
            yield from _checked(batch, crc)
            crc, batch, size = frame.record.get("crc", crc), [], 0
    yield from _checked(batch, crc)


def _frames(data: mmap.mmap) -> Iterator[_WrittenFrame]:
    """What was written into a segment, one record after the other, to where it no longer makes sense."""
    at, size = 0, len(data)
    while size - at >= _FRAME:
        (word,) = struct.unpack("<Q", data[at : at + _FRAME])
        if word == 0:
            return
        length, padding = word & ((1 << 56) - 1), (word >> 56) & 0x7 if word >> 63 else 0
        body = data[at + _FRAME : at + _FRAME + min(length, size) + padding]
        whole = len(body) == length + padding
        record = _record(body[:length]) if whole else {}
        yield _WrittenFrame(at, body, record, whole)
        if not record:
            return
        at += _FRAME + len(body)
    if any(data[at:size]):
        yield _WrittenFrame(at, b"", {}, False)


def _checked(frames: Sequence[_WrittenFrame], crc: int) -> Iterator[_Record]:
    """Records that match their checksums. All at once, which is quick; one by one where one of them does not.

    :raises WireError: one is damaged, and not for being written in part.
    """
    sound = _match(frames, crc)
    for frame in frames:
        if not sound and not _match([frame], crc):
            if frame.whole and not _is_torn(frame.body, frame.at + _FRAME):
                raise WireError(f"the record at byte {frame.at} does not match its checksum")
            yield _Record(0, b"", _End(frame.at, crc, True))
            return
        crc = frame.record["crc"]
        yield _Record(frame.kind, frame.record["data"], _End(frame.end, crc, False))


def _match(frames: Sequence[_WrittenFrame], crc: int) -> bool:
    """Is the last one's checksum that of all their data? Then all data are as they were written.

    A record of the kind CRC has none, comes last, and says what the next one goes on from.
    """
    if not all(frame.record for frame in frames):
        return False
    written = [frame for frame in frames if frame.kind != _CRC]
    return not written or crc32c.update(crc, b"".join(f.record["data"] for f in written)) == written[-1].record["crc"]


def _record(body: bytes) -> protobuf.Message:
    """A record, empty where it is none."""
    try:
        return protobuf.decode("walpb.Record", body)
    except WireError:
        return {}


def _is_torn(frame: bytes, offset: int) -> bool:
    """Was a sector of it never written? etcd's own rule: the disk writes sectors, and a new segment is all zeros."""
    begin = 0
    while begin < len(frame):
        end = begin + _SECTOR - (offset + begin) % _SECTOR
        if not any(frame[begin:end]):
            return True
        begin = end
    return False
