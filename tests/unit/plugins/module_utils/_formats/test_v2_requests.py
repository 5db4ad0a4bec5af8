# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which entries of a log etcd 3.7 cannot read. Real logs of 3.5 are read in tests/component/test_upgrade.py."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf, v2_requests
from wal_segment import name, record

#: C(etcdserverpb.Request): an ID, and the method PUT.
BARE = b"\x08\x07\x12\x03PUT\x1a\x02/0"
#: C(etcdserverpb.InternalRaftRequest): an ID, and a request of version 2 in it.
WRAPPED = b"\x08\x07\x12\x03\x08\x01\x12"
#: The same with a range, or with a header before it, which etcd writes last.
OF_VERSION_3 = b"\x08\x07\x1a\x04\x0a\x02ab"


def entry(index, data, kind=0):
    return record(2, protobuf.encode("raftpb.Entry", {"type": kind, "term": 2, "index": index, "data": data}))


@pytest.fixture
def log(tmp_path):
    def write(*entries, sequence=0, first=0, end=bytes(64)):
        (tmp_path / name(sequence, first)).write_bytes(record(4, b"") + b"".join(entries) + end)
        return str(tmp_path)

    return write


@pytest.mark.parametrize("data", [BARE, WRAPPED])
def test_a_request_of_version_2_is_found_behind_an_index(log, data):
    directory = log(entry(1, OF_VERSION_3), entry(2, data), entry(3, OF_VERSION_3))
    assert v2_requests.first_after(directory, 0) == 2
    assert v2_requests.first_after(directory, 1) == 2
    assert v2_requests.first_after(directory, 2) == 0


@pytest.mark.parametrize("data", [OF_VERSION_3, b"", b"\x08", b"\xff\xff", b"\x0d\x01\x02\x03\x04"])
def test_all_else_is_none(log, data):
    assert v2_requests.first_after(log(entry(1, data)), 0) == 0


def test_a_change_of_the_members_is_none(log):
    assert v2_requests.first_after(log(entry(1, BARE, kind=1)), 0) == 0


def test_segments_before_the_index_are_not_read(log, tmp_path):
    log(entry(1, BARE), sequence=0, first=0)
    directory = log(entry(8, OF_VERSION_3), sequence=1, first=8)
    assert v2_requests.first_after(directory, 0) == 1
    (tmp_path / name(0)).write_bytes(b"\x01" * 64)
    assert v2_requests.first_after(directory, 7) == 0


@pytest.mark.parametrize("end", [b"", b"\x10", b"\x40" + bytes(7) + b"torn"])
def test_a_record_that_is_not_whole_is_the_end(log, end):
    assert v2_requests.first_after(log(entry(1, OF_VERSION_3), end=end), 0) == 0


def test_the_newest_raft_snapshot_is_known_by_its_name(tmp_path):
    assert v2_requests.newest_snapshot(str(tmp_path / "none")) == 0
    for file in ("0000000000000002-000000000000000a.snap", "0000000000000003-0000000000000009.snap", "db", "x.snap.db"):
        (tmp_path / file).touch()
    assert v2_requests.newest_snapshot(str(tmp_path)) == 10


def test_a_directory_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="cannot be read"):
        v2_requests.newest_snapshot(str(tmp_path / "file"))
