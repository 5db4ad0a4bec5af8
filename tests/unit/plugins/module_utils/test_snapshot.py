# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom to ask for a snapshot, and what is made of the bytes that come; real ones are saved in tests/component."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils import _snapshot
from ansible_collections.quorum.etcd.plugins.module_utils._client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._errors import (
    BadInput,
    HostError,
    NoAnswer,
    Refused,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._health import Seen
from hypothesis import given
from hypothesis import strategies as st

CONTENT = b"content of a database" * 1000
SAVED = CONTENT + hashlib.sha256(CONTENT).digest()


def seen(name, error="", alarms=(), leads=False, learner=False, applied=0):
    status = {"member_id": name, "is_leader": leads, "is_learner": learner, "raft_applied_index": applied}
    raised = [{"member_id": one, "alarm": alarm} for one, alarm in alarms]
    return Seen(name, status, [], raised, error)


def silent(name):
    return Seen(name, error="no answer within 5 s.")


def order(*given):
    return [one.endpoint for one in _snapshot.ranked(given)]


def test_a_healthy_follower_comes_before_the_leader_and_a_learner_last():
    learner, leader = seen("learner", learner=True), seen("leader", leads=True)
    assert order(learner, leader, seen("a"), seen("b")) == ["a", "b", "leader", "learner"]


def test_who_does_not_answer_is_not_asked():
    assert order(silent("a"), seen("b")) == ["b"]


def test_who_answers_without_a_quorum_comes_after_who_has_one_and_the_furthest_first():
    behind, ahead = seen("behind", error="no leader", applied=5), seen("ahead", error="no leader", applied=7)
    assert order(behind, ahead, seen("leader", leads=True)) == ["leader", "ahead", "behind"]


def test_whose_data_differ_is_not_asked():
    alarms = [("a", "CORRUPT"), ("b", "NOSPACE")]
    assert order(seen("a"), seen("b", alarms=alarms), seen("c", leads=True)) == ["b", "c"]


def test_if_all_differ_a_person_must_choose():
    alarms = [("a", "CORRUPT"), ("b", "CORRUPT")]
    with pytest.raises(Refused, match="alarm CORRUPT: a, b.*name its URL as the endpoint"):
        order(seen("a", alarms=alarms), seen("b"))


def test_if_nobody_answers_each_reason_is_told():
    with pytest.raises(NoAnswer, match=r"none of 2 endpoints answered\. a: no answer within 5 s\. b: no answer"):
        order(silent("a"), silent("b"))


@given(st.lists(st.integers(0, len(SAVED)), max_size=30))
def test_however_it_is_cut_into_pieces_it_is_written_and_compared(cuts):
    places = [0, *sorted(cuts), len(SAVED)]
    file = io.BytesIO()
    found = _snapshot._stream([SAVED[a:b] for a, b in zip(places, places[1:])], file, "a")
    assert file.getvalue() == SAVED
    assert found == hashlib.sha256(SAVED).hexdigest()


@pytest.mark.parametrize(
    "content", [b"", b"x", SAVED[:-1], SAVED[1:], SAVED + b"x", CONTENT, SAVED[:-32], b"x" + SAVED[1:]]
)
def test_what_is_not_what_was_sent_is_told(content):
    with pytest.raises(TransportError, match="a: what it sent as a snapshot is damaged: its checksum says sha256"):
        _snapshot._stream([content], io.BytesIO(), "a")


@pytest.fixture
def disk():
    """What waits for the disk."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        yield beside


def test_what_comes_goes_to_the_disk_on_its_way_unchanged(disk, monkeypatch):
    monkeypatch.setattr(_snapshot, "_TO_DISK", 1)
    flushed = []
    monkeypatch.setattr(_snapshot.os, "fsync", flushed.append)
    assert list(_snapshot._on_their_way([b"a", b"", b"bc"], 7, disk)) == [b"a", b"", b"bc"]
    assert set(flushed) == {7}


def test_a_disk_that_fails_while_more_comes_is_told(disk, monkeypatch):
    def fail(_descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_snapshot.os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        list(_snapshot._on_their_way([b"a"], 7, disk))


@pytest.mark.parametrize("cluster", ["", ".", "../x", "a/b", "-x", "a b", "ä", "x" * 101, "x\n"])
def test_a_name_that_is_none_for_a_file_is_refused_before_anything(tmp_path, cluster):
    with pytest.raises(BadInput, match="is no name for files"):
        _snapshot.save(["http://127.0.0.1:1"], Credentials(), str(tmp_path / "x"), cluster)
    assert not (tmp_path / "x").exists()


def test_a_relative_directory_is_refused_before_anything():
    with pytest.raises(BadInput, match="directory x is not absolute"):
        _snapshot.save(["http://127.0.0.1:1"], Credentials(), "x", "prod")


def test_where_there_is_no_room_that_is_told_with_what_is_needed(tmp_path):
    with pytest.raises(HostError, match=f"{tmp_path}/not/there has [0-9]+ bytes free; a snapshot of {1 << 60} bytes"):
        _snapshot._check_room(str(tmp_path / "not" / "there"), 1 << 60)


def test_the_reserve_is_part_of_the_room(tmp_path):
    room = os.statvfs(tmp_path)
    free = room.f_bavail * room.f_frsize
    with pytest.raises(HostError, match="reserve"):
        _snapshot._check_room(str(tmp_path), free - (32 << 20))
