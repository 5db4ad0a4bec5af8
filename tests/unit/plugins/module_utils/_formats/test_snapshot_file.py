# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots made up here, whole and damaged; those of real members are read in tests/component."""

from __future__ import annotations

import hashlib
import json
import os
import struct

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf, snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._formats.snapshot_file import BadSnapshot, read
from bbolt_file import Pages, database, etcd_buckets, member, revision, snapshot
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def saved(tmp_path):
    """Writes a file: its path."""

    def write(content: bytes) -> str:
        path = tmp_path / "snapshot.db"
        path.write_bytes(content)
        return str(path)

    return write


def test_everything_that_is_in_a_whole_snapshot_is_read(saved):
    content = snapshot(database(etcd_buckets(finishedCompactRev=revision(9), scheduledCompactRev=revision(12))))
    found = read(saved(content))
    assert found.to_dict() == {
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "has_hash": True,
        "page_size": 4096,
        "revision": 31,
        "last_key_revision": 31,
        "compact_revision": 12,
        "consistent_index": 77,
        "term": 5,
        "cluster_version": "3.6.0",
        "storage_version": "3.6.0",
        "members": [
            {
                "id": "3",
                "name": "m3",
                "peer_urls": ["http://10.0.0.3:2380"],
                "client_urls": [],
                "is_learner": False,
            },
            {
                "id": "14",
                "name": "m20",
                "peer_urls": ["http://10.0.0.20:2380"],
                "client_urls": ["http://10.0.0.20:2379"],
                "is_learner": True,
            },
        ],
        "authentication": False,
        "alarms": [],
    }


def test_the_newest_change_may_be_a_deletion(saved):
    buckets = etcd_buckets()
    buckets[b"key"] = {revision(5): b"", revision(6, 1, tombstone=True): b""}
    assert read(saved(snapshot(database(buckets)))).revision == 6


def test_where_compaction_took_the_newest_change_it_tells_the_revision(saved):
    content = snapshot(database(etcd_buckets(revisions=3, finishedCompactRev=revision(9))))
    found = read(saved(content))
    assert (found.revision, found.last_key_revision) == (9, 4)


def test_an_empty_store_is_at_revision_1(saved):
    buckets = etcd_buckets(revisions=0)
    buckets[b"meta"] = {}
    del buckets[b"members"], buckets[b"cluster"]
    found = read(saved(snapshot(database(buckets))))
    assert (found.revision, found.last_key_revision, found.consistent_index) == (1, 0, 0)
    assert (found.term, found.members) == (0, [])
    assert (found.cluster_version, found.storage_version) == ("", "")


def test_a_member_that_was_removed_is_none(saved):
    buckets = etcd_buckets()
    buckets[b"members_removed"] = {member(3)[0]: b"removed"}
    assert [one["name"] for one in read(saved(snapshot(database(buckets)))).members] == ["m20"]


@pytest.mark.parametrize(
    ("auth", "on"),
    [({b"authEnabled": b"\1", b"authRevision": b"\0" * 8}, True), ({b"authEnabled": b"\0"}, False), ({}, False)],
)
def test_whether_authentication_is_on_is_read(saved, auth, on):
    content = snapshot(database({**etcd_buckets(), b"auth": auth}))
    assert read(saved(content)).authentication is on


def test_the_alarms_of_then_are_read(saved):
    raised = [
        protobuf.encode("AlarmMember", {"memberID": 0x8E9E05C52164694D, "alarm": "NOSPACE"}),
        protobuf.encode("AlarmMember", {"memberID": 20, "alarm": "CORRUPT"}),
    ]
    found = read(saved(snapshot(database({**etcd_buckets(), b"alarm": dict.fromkeys(raised, b"")}))))
    assert sorted((one["member_id"], one["alarm"]) for one in found.alarms) == [
        ("14", "CORRUPT"),
        ("8e9e05c52164694d", "NOSPACE"),
    ]


@pytest.mark.parametrize("page_size", [4096, 16384, 65536])
def test_pages_have_the_size_that_the_machine_gave_them(saved, page_size):
    found = read(saved(snapshot(database(etcd_buckets(), page_size=page_size))))
    assert (found.page_size, found.revision) == (page_size, 31)


def test_just_after_it_was_compared_a_file_need_not_be_read_again(saved):
    content = snapshot(database(etcd_buckets()))
    path = saved(content)
    assert snapshot_file.described(path, hashlib.sha256(content).hexdigest()) == read(path)


WHOLE = snapshot(database(etcd_buckets()))
BODY = len(WHOLE) - 32


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty: nothing was ever saved in it"),
        (b"x", "is no etcd snapshot, or its beginning is destroyed"),
        (os.urandom(100_000), "is no etcd snapshot, or its beginning is destroyed"),
        (snapshot(os.urandom(512 * 100)), "is no etcd snapshot, or its beginning is destroyed"),
        (bytes(4096 * 2) + WHOLE[4096 * 2 :], "is no etcd snapshot, or its beginning is destroyed"),
        (WHOLE[:-1], f"is truncated: {len(WHOLE) - 1} bytes are left of {len(WHOLE)}"),
        (WHOLE[:-31], "is truncated"),
        (WHOLE[:-32], "does not end with etcd's checksum"),
        (WHOLE[:-100], "is truncated"),
        (WHOLE[:-512], "is truncated"),
        (WHOLE[: BODY - 4096], "is truncated"),
        (WHOLE[: BODY // 2], "is truncated"),
        (WHOLE[:4096], "is truncated"),
        (WHOLE[:80], "is truncated"),
        (WHOLE[:79], "is no etcd snapshot"),
        (WHOLE[:40], "is no etcd snapshot"),
        (WHOLE + b"x", "does not end with etcd's checksum"),
        (WHOLE + bytes(512), "is damaged"),
        (flipped(WHOLE, 0), "is damaged: its checksum says sha256"),
        (flipped(WHOLE, 20), "is damaged: its checksum says sha256"),
        (flipped(WHOLE, 4096 + 20), "is damaged: its checksum says sha256"),
        (flipped(WHOLE, BODY // 2), "is damaged: its checksum says sha256"),
        (flipped(WHOLE, BODY), "is damaged: its checksum says sha256"),
        (flipped(WHOLE, len(WHOLE) - 1), "is damaged: its checksum says sha256"),
        (snapshot(database({b"a": {}})), "is damaged: it is a bbolt database, but not one of etcd"),
    ],
)
def test_a_bad_file_is_told_with_what_is_wrong(saved, content, problem):
    path = saved(content)
    with pytest.raises(BadSnapshot) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} {problem}")


@given(st.integers(0, len(WHOLE) - 1))
def test_no_truncated_file_is_ever_taken(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("snapshot") / "x.db"
    path.write_bytes(WHOLE[:length])
    with pytest.raises(BadSnapshot):
        read(str(path))


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_changed_byte_is_ever_overlooked(tmp_path_factory, at, change):
    path = tmp_path_factory.mktemp("snapshot") / "x.db"
    path.write_bytes(WHOLE[:at] + bytes([WHOLE[at] ^ change]) + WHOLE[at + 1 :])
    with pytest.raises(BadSnapshot):
        read(str(path))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (os.mkdir, "is no regular file"),
        (os.mkfifo, "is no regular file"),
        (lambda path: os.symlink("/dev/zero", path), "is no regular file"),
    ],
)
def test_what_is_no_file_is_told(tmp_path, make, problem):
    path = str(tmp_path / "x")
    make(path)
    with pytest.raises(BadSnapshot, match=problem):
        read(path)


def test_a_copied_database_is_taken_only_if_that_is_said(saved):
    # Its file is longer than the database, as bbolt makes it in advance.
    path = saved(WHOLE[:-32] + bytes(8192))
    with pytest.raises(BadSnapshot, match="allow a missing hash"):
        read(path)
    found = read(path, allow_missing_hash=True)
    assert (found.has_hash, found.revision, len(found.members)) == (False, 31, 2)


def test_a_copied_database_may_have_a_torn_meta_page(saved):
    copied = bytes(4096) + WHOLE[4096:-32]
    assert read(saved(copied), allow_missing_hash=True).revision == 31


def test_that_a_hash_may_be_missing_does_not_make_a_wrong_one_right(saved):
    for content in (flipped(WHOLE, BODY // 2), flipped(WHOLE, len(WHOLE) - 1)):
        with pytest.raises(BadSnapshot, match="its checksum says sha256"):
            read(saved(content), allow_missing_hash=True)


def test_the_structure_of_a_copied_database_is_walked_as_a_whole(saved):
    pages = Pages()
    good = WHOLE[:-32]
    # The number of a page somewhere in the tree of keys.
    torn = good[: 3 * pages.page_size] + bytes(pages.page_size) + good[4 * pages.page_size :]
    with pytest.raises(BadSnapshot, match="is damaged: page 3 says that it is page 0"):
        read(saved(torn), allow_missing_hash=True)


@pytest.mark.parametrize(
    ("bucket", "key", "value", "problem"),
    [
        (b"key", b"zzz", b"", "the revision 7a7a7a is none"),
        (b"meta", b"finishedCompactRev", b"1", "the revision 31 is none"),
        (b"meta", b"consistent_index", b"123", "the number 313233 is none"),
        (b"alarm", b"\x08", b"", "an alarm is none"),
        (b"members", b"1", b"no json", "the description of a member is none"),
        (b"members", b"1", b"[]", "the description of a member is none"),
        (b"members", b"1", json.dumps({"id": "x"}).encode(), "the description of a member is none"),
        (b"members", b"1", b"[" * 20_000, "the description of a member is none"),
    ],
)
def test_what_etcd_never_writes_is_told_even_under_a_right_checksum(saved, bucket, key, value, problem):
    buckets = etcd_buckets()
    buckets[bucket] = {**buckets.get(bucket, {}), key: value}
    with pytest.raises(BadSnapshot, match=f"is damaged: {problem}"):
        read(saved(snapshot(database(buckets))))


def test_pages_beyond_the_last_are_told_even_under_a_right_checksum(saved):
    body = WHOLE[:-32] + struct.pack("<Q", 0).ljust(4096, b"\0")
    with pytest.raises(BadSnapshot, match="is damaged: .* bytes where .* are due"):
        read(saved(snapshot(body)))
