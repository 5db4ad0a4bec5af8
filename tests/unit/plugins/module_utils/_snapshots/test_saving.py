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
from dataclasses import replace
from pathlib import Path

import pytest
from a_manifest import MANIFEST
from ansible_collections.quorum.etcd.plugins.module_utils._base import disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    HostError,
    NoAnswer,
    Refused,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog, saving, store
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.catalog import KeptSnapshot
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention
from bbolt_file import database, etcd_buckets, snapshot
from hypothesis import given
from hypothesis import strategies as st

CONTENT = b"content of a database" * 1000
SAVED = CONTENT + hashlib.sha256(CONTENT).digest()


def seen(name, error="", alarms=(), leads=False, learner=False, applied=0):
    leader = name if leads else ""
    status = Status(member_id=name, leader=leader, is_learner=learner, raft_applied_index=applied)
    raised = [Alarm(one, alarm) for one, alarm in alarms]
    return View(name, status, [], raised, error)


def silent(name):
    return View(name, error="no answer within 5 s.")


def order(*given):
    return [one.endpoint for one in saving.ranked(given)]


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
    found = saving._stream([SAVED[a:b] for a, b in zip(places, places[1:])], file, "a")
    assert file.getvalue() == SAVED
    assert found == hashlib.sha256(SAVED).hexdigest()


@pytest.mark.parametrize(
    "content", [b"", b"x", SAVED[:-1], SAVED[1:], SAVED + b"x", CONTENT, SAVED[:-32], b"x" + SAVED[1:]]
)
def test_what_is_not_what_was_sent_is_told(content):
    with pytest.raises(TransportError, match="a: what it sent as a snapshot is damaged: its checksum says sha256"):
        saving._stream([content], io.BytesIO(), "a")


@pytest.fixture
def disk():
    """What waits for the disk."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        yield beside


def test_what_comes_goes_to_the_disk_on_its_way_unchanged(disk, monkeypatch):
    monkeypatch.setattr(saving, "_TO_DISK", 1)
    flushed = []
    monkeypatch.setattr(saving.os, "fsync", flushed.append)
    assert list(saving._on_their_way([b"a", b"", b"bc"], 7, disk)) == [b"a", b"", b"bc"]
    assert set(flushed) == {7}


def test_a_disk_that_fails_while_more_comes_is_told(disk, monkeypatch):
    def fail(_descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(saving.os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        list(saving._on_their_way([b"a"], 7, disk))


@pytest.mark.parametrize("cluster", ["", ".", "../x", "a/b", "-x", "a b", "ä", "x" * 101, "x\n"])
def test_a_name_that_is_none_for_a_file_is_refused_before_anything(tmp_path, cluster):
    with pytest.raises(BadInput, match="is no name for files"):
        saving.save(["http://127.0.0.1:1"], Credentials(), str(tmp_path / "x"), cluster)
    assert not (tmp_path / "x").exists()


def test_a_relative_directory_is_refused_before_anything():
    with pytest.raises(BadInput, match="directory x is not absolute"):
        saving.save(["http://127.0.0.1:1"], Credentials(), "x", "prod")


class Disk:
    """A file system of which a directory of snapshots is all there is."""

    def __init__(self, directory: Path) -> None:
        self.directory = str(directory)
        self.size = 1 << 40

    def free(self, _path: str) -> int:
        there = os.listdir(self.directory) if os.path.isdir(self.directory) else []
        return self.size - sum(os.stat(f"{self.directory}/{name}").st_size for name in there if name.endswith(ENDINGS))

    def fill(self, room: int) -> None:
        """Leave so many bytes beside the reserve."""
        self.size += (64 << 20) + room - self.free("")

    def holds(self) -> list[str]:
        return [one.path for one in catalog.found(self.directory)]


ENDINGS = (".db", ".part")
CONTENT_OF_ONE = snapshot(database(etcd_buckets()))
SIZE = len(CONTENT_OF_ONE)


def kept(directory, day, content=CONTENT_OF_ONE, **changes):
    manifest = replace(
        MANIFEST,
        size=SIZE,
        sha256=hashlib.sha256(CONTENT_OF_ONE).hexdigest(),
        revision=31,
        taken_at=f"2026-11-{day:02}T07:40:00Z",
    )
    with store.part(directory, "prod-1") as part:
        part.file.write(content)
        return store.keep(part, replace(manifest, **changes))


class TestRoom:
    """What goes when a snapshot does not fit."""

    @pytest.fixture
    def full(self, tmp_path, monkeypatch):
        found = Disk(tmp_path / "snapshots")
        store.prepare(found.directory)
        monkeypatch.setattr(disk_space, "free", found.free)
        return found

    def coming(self, full, day=20):
        manifest = replace(MANIFEST, size=SIZE, revision=40, sha256="", taken_at=f"2026-11-{day:02}T07:40:00Z")
        return KeptSnapshot(f"{full.directory}/coming.db", manifest)

    def make_room(self, full, retention, check=False, members=()):
        return list(saving._made_room(full.directory, self.coming(full), retention, members, check))

    def test_is_looked_at_and_nothing_goes_where_there_is_some(self, full):
        paths = [kept(full.directory, day) for day in range(1, 6)]
        full.fill(SIZE)
        assert self.make_room(full, Retention(1)) == []
        assert full.holds() == paths

    def test_is_made_by_what_goes_afterwards_anyway(self, full):
        paths = [kept(full.directory, day) for day in (1, 2, 3)]
        full.fill(0)
        assert self.make_room(full, Retention(3)) == paths[:1]
        assert full.holds() == paths[1:]

    def test_is_made_by_a_smaller_number_to_keep(self, full):
        """What the message advises."""
        paths = [kept(full.directory, day) for day in range(1, 6)]
        full.fill(-2 * SIZE)
        with pytest.raises(HostError, match=r"keep fewer snapshots \(there are 5 of this cluster\), or name another"):
            self.make_room(full, Retention(5))
        assert full.holds() == paths
        assert self.make_room(full, Retention(1)) == paths[:4]
        assert full.holds() == paths[4:]

    def test_is_not_made_of_the_newest_good_one(self, full):
        older, good = (kept(full.directory, day) for day in (1, 2))
        damaged = kept(full.directory, 3, b"x" * SIZE)
        full.fill(-SIZE)
        assert self.make_room(full, Retention(1)) == [older, damaged]
        assert full.holds() == [good]

    def test_advises_nothing_that_would_not_help(self, full):
        kept(full.directory, 1)
        full.fill(-SIZE)
        with pytest.raises(HostError, match=r"MiB stay free\. Make room, or name another directory\."):
            self.make_room(full, Retention(3))

    def test_is_not_made_of_anything_good_where_all_is_kept(self, full):
        paths = [kept(full.directory, day) for day in (1, 2, 3)]
        full.fill(0)
        with pytest.raises(HostError, match="Make room"):
            self.make_room(full, None)
        assert full.holds() == paths

    def test_is_not_made_where_no_snapshot_is_good(self, full):
        paths = [kept(full.directory, day, b"x" * SIZE) for day in (1, 2, 3)]
        full.fill(0)
        with pytest.raises(HostError, match="Make room"):
            self.make_room(full, Retention(1))
        assert full.holds() == paths

    def test_is_not_made_of_another_cluster_of_the_same_name(self, full):
        paths = [kept(full.directory, day, cluster_id="another") for day in (1, 2)]
        paths.append(kept(full.directory, 3))
        full.fill(0)
        with pytest.raises(HostError, match="Make room, or name another"):
            self.make_room(full, Retention(1))
        assert full.holds() == paths

    def test_is_made_of_what_interrupted_runs_left_first(self, full):
        paths = [kept(full.directory, day) for day in (1, 2, 3)]
        left = Path(full.directory, ".prod-1-999.part")
        left.write_bytes(b"x" * SIZE)
        full.fill(0)
        assert self.make_room(full, Retention(3)) == []
        assert full.holds() == paths
        assert not left.exists()

    def test_is_foreseen_and_nothing_goes(self, full):
        paths = [kept(full.directory, day) for day in (1, 2, 3)]
        full.fill(0)
        assert self.make_room(full, Retention(3), check=True) == paths[:1]
        assert full.holds() == paths

    def test_is_left_for_the_member_on_the_same_file_system(self, full, tmp_path):
        full.fill(SIZE)
        with pytest.raises(HostError, match="of which 512 MiB stay free"):
            self.make_room(full, None, members=[str(tmp_path)])
