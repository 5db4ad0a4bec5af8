# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where logs end that are made up here; those of real members are read in tests/component."""

from __future__ import annotations

import contextlib
import struct

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import crc32c, protobuf, wal_tail
from hypothesis import given
from hypothesis import strategies as st

MEMBER = 0xBEEF
SIZE = 1 << 16


class Log:
    """A write-ahead log as etcd writes one."""

    def __init__(self, directory):
        self.directory = directory
        self._crc = 0
        self._number = 0
        self.cut()

    def cut(self, at=0):
        """Begin a new segment."""
        self.path = self.directory / f"{self._number:016x}-{at:016x}.wal"
        self._number += 1
        self.path.write_bytes(bytes(SIZE))
        self.end = 0
        self._write(4, b"", self._crc)
        self.add(1, protobuf.encode("walpb.Metadata", {"NodeID": MEMBER, "ClusterID": 1}))

    def _write(self, kind, data, crc):
        body = protobuf.encode("walpb.Record", {"type": kind, "crc": crc, "data": data})
        padding = -len(body) % 8
        word = len(body) | ((0x80 | padding) << 56 if padding else 0)
        frame = struct.pack("<Q", word) + body + bytes(padding)
        content = bytearray(self.path.read_bytes())
        content[self.end : self.end + len(frame)] = frame
        self.path.write_bytes(content)
        self.end += len(frame)

    def add(self, kind, data):
        self._crc = crc32c.update(self._crc, data)
        self._write(kind, data, self._crc)

    def entry(self, index, term=2, kind=0, data=b"what a client has written"):
        self.add(2, protobuf.encode("raftpb.Entry", {"type": kind, "term": term, "index": index, "data": data}))

    def removal(self, index, member=MEMBER):
        change = protobuf.encode("raftpb.ConfChange", {"id": 1, "type": 1, "node_id": member})
        self.entry(index, kind=1, data=change)

    def state(self, commit, term=2, vote=7):
        self.add(3, protobuf.encode("raftpb.HardState", {"term": term, "vote": vote, "commit": commit}))

    def snapshot(self, index, term=2):
        self.add(5, protobuf.encode("walpb.Snapshot", {"index": index, "term": term}))

    def damage(self, at, data):
        content = bytearray(self.path.read_bytes())
        content[at : at + len(data)] = data
        self.path.write_bytes(content)

    def tail(self):
        return wal_tail.tail(str(self.directory))

    def agree(self):
        return wal_tail.commit_all_entries(str(self.directory))


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def entries(log, first, last, term=2):
    for index in range(first, last + 1):
        log.entry(index, term)


class TestALogEnds:
    def test_with_its_last_entry(self, log):
        entries(log, 1, 9)
        log.state(commit=7)
        assert log.tail().to_dict() == {"term": 2, "index": 9, "commit": 7, "keepable": 9, "torn": False}

    def test_where_a_later_leader_has_replaced_its_entries(self, log):
        entries(log, 1, 9)
        log.state(commit=4)
        log.entry(5, term=3)
        assert log.tail().place == (3, 5)

    def test_with_the_snapshot_that_a_leader_has_sent(self, log):
        entries(log, 1, 3)
        log.state(commit=3)
        log.snapshot(50, term=4)
        log.state(commit=50, term=4)
        assert (log.tail().place, log.tail().keepable) == ((4, 50), 50)
        log.entry(51, term=4)
        assert log.tail().place == (4, 51)

    def test_with_its_last_entry_when_its_own_snapshot_is_older(self, log):
        entries(log, 1, 9)
        log.snapshot(5)
        log.state(commit=9)
        assert log.tail().place == (2, 9)

    def test_in_the_last_segment_that_has_any_entry(self, log):
        entries(log, 1, 9)
        log.state(commit=6)
        log.cut(at=10)
        log.state(commit=6)
        assert (log.tail().index, log.tail().commit) == (9, 6)

    def test_with_an_entry_of_an_earlier_segment_than_its_own_last_snapshot(self, log):
        entries(log, 1, 10)
        log.state(commit=9)
        log.cut(at=11)
        log.state(commit=9)
        log.snapshot(5, term=1)
        assert (log.tail().place, log.tail().keepable) == ((2, 10), 10)
        assert log.agree() == 1

    def test_before_a_record_of_which_a_sector_was_never_written(self, log):
        entries(log, 1, 3)
        log.state(commit=3)
        before = log.end
        log.entry(4, data=b"x" * 2000)
        begin = before + 1024 - before % 512
        log.damage(begin, bytes(512))
        assert (log.tail().index, log.tail().torn) == (3, True)

    @given(st.integers(0, 60))
    def test_before_a_record_that_the_end_of_the_file_cuts_off(self, tmp_path_factory, missing):
        log = Log(tmp_path_factory.mktemp("wal"))
        entries(log, 1, 3)
        log.state(commit=3)
        before = log.end
        log.entry(4, data=b"x" * 100)
        end = max(before, log.end - missing)
        log.path.write_bytes(log.path.read_bytes()[:end])
        assert log.tail().index == (4 if end == log.end else 3)
        assert log.tail().torn == (before < end < log.end)


class TestALogIsNotTaken:
    def test_that_is_not_there(self, tmp_path):
        with pytest.raises(HostError, match="There is no write-ahead log in"):
            wal_tail.tail(str(tmp_path))

    def test_in_which_a_bit_has_flipped(self, log):
        entries(log, 1, 9)
        at = log.path.read_bytes().index(b"client")
        log.damage(at, b"Client")
        with pytest.raises(
            HostError, match=r"\.wal cannot be read: the record at byte \d+ does not match its checksum"
        ):
            log.tail()

    def test_that_is_torn_before_its_last_segment(self, log):
        entries(log, 1, 3)
        log.damage(log.end, struct.pack("<Q", 1 << 20))
        log.cut(at=4)
        log.state(commit=1)
        with pytest.raises(HostError, match="its last record is incomplete, and more segments follow"):
            log.tail()

    @given(st.integers(0, 400), st.binary(min_size=1, max_size=16))
    def test_or_it_is_whatever_lies_there(self, tmp_path_factory, at, noise):
        log = Log(tmp_path_factory.mktemp("wal"))
        entries(log, 1, 5)
        log.state(commit=5)
        log.damage(at, noise)
        with contextlib.suppress(HostError):
            assert log.tail().index <= 5


class TestAllEntriesAreAgreedOn:
    def test_by_one_record_more(self, log):
        entries(log, 1, 9)
        log.state(commit=7)
        before = log.path.read_bytes()[: log.end]
        assert log.agree() == 2
        assert (log.tail().commit, log.tail().index) == (9, 9)
        after = log.path.read_bytes()
        assert after.startswith(before)
        assert len(after) == SIZE

    def test_once(self, log):
        entries(log, 1, 9)
        log.state(commit=7)
        log.agree()
        content = log.path.read_bytes()
        assert log.agree() == 0
        assert log.path.read_bytes() == content

    def test_in_the_place_of_what_was_torn(self, log):
        entries(log, 1, 3)
        log.state(commit=1)
        end = log.end
        log.entry(4, data=b"x" * 3000)
        log.damage(end + 1024 - end % 512, bytes(512))
        assert log.agree() == 2
        assert (log.tail().commit, log.tail().torn) == (3, False)
        assert not any(log.path.read_bytes()[end + 64 :])

    def test_but_not_that_this_very_member_is_removed(self, log):
        """Agreed on, nothing of the log could be used any more."""
        entries(log, 1, 5)
        log.removal(6)
        log.entry(7)
        log.state(commit=3)
        assert log.tail().keepable == 5
        assert log.agree() == 2
        assert log.tail().commit == 5

    def test_where_another_member_is_removed_or_a_later_leader_knew_better(self, log):
        entries(log, 1, 5)
        log.removal(6, member=1)
        log.removal(7)
        log.state(commit=3)
        log.entry(7, term=3)
        log.state(commit=3, term=3)
        assert log.tail().keepable == 7

    def test_across_segments(self, log):
        entries(log, 1, 3)
        log.removal(4)
        log.state(commit=2)
        log.cut(at=5)
        log.state(commit=2)
        entries(log, 5, 6)
        assert log.tail().keepable == 3
        assert log.agree() == 1

    def test_in_a_term_that_the_log_has_reached(self, log):
        """A power cut can come between an entry and the state of its term."""
        entries(log, 1, 3)
        log.state(commit=1, term=2, vote=7)
        log.entry(4, term=6)
        log.agree()
        state = wal_tail._read(str(log.directory))[0].state
        assert state == {"term": 6, "vote": 0, "commit": 4}
