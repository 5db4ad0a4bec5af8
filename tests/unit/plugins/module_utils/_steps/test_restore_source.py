# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host knows of snapshots that a restore has brought there, and what is removed of them."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog, store
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention
from ansible_collections.quorum.etcd.plugins.module_utils._steps import restore_source
from bbolt_file import database, etcd_buckets, snapshot
from snapshot_below import snapshot_below

COPY = f"restoring-{'ab' * 32}.db"


def names(directory):
    return sorted(os.listdir(directory))


def test_copies_are_removed_and_half_ones_too(tmp_path):
    for name in (COPY, f"restoring-{'cd' * 32}.db.part"):
        (tmp_path / name).touch()
    restore_source.clear(str(tmp_path))
    assert names(tmp_path) == []


def test_snapshots_of_a_cluster_stay_whatever_its_name_is(tmp_path):
    snapshot_below(tmp_path, "restoring-prod")
    (tmp_path / "restoring-my-notes.db").touch()
    before = names(tmp_path)
    restore_source.clear(str(tmp_path))
    assert names(tmp_path) == before


def test_where_nothing_is_there_is_nothing_to_remove(tmp_path):
    restore_source.clear(str(tmp_path / "none"))


def test_a_host_tells_the_copies_that_are_whole(layout, tmp_path):
    path = snapshot_below(tmp_path, "restoring-prod")
    for name in (COPY, f"restoring-{'cd' * 32}.db.part"):
        (tmp_path / name).touch()
    told = restore_source.observe(layout, str(tmp_path), "restoring-prod", "", False)
    assert told["staged"] == [{"path": str(tmp_path / COPY), "sha256": "ab" * 32}]
    assert [one["path"] for one in told["kept"]] == [str(path)]
    assert told["newest"] == told["kept"][0]["manifest"]


CONTENT = snapshot(database(etcd_buckets()))
RESTORATION = Restoration(
    cluster="prod",
    token="prod-restored-1",
    began="20261122T074000Z",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    revision=31,
    key_count=7,
    bump=1_000_000,
    initial_cluster="a=http://10.0.0.1:2380",
    version="3.6.14",
)


class TestASnapshotThatIsKeptHereAnyway:
    @pytest.fixture
    def kept(self, tmp_path):
        return snapshot_below(tmp_path, "prod", CONTENT)

    def staged(self, kept):
        assert restore_source.stage(str(kept.parent), RESTORATION, str(kept), [], check=False)
        return Path(restore_source.path_of(str(kept.parent), RESTORATION))

    def test_is_not_copied(self, kept):
        assert self.staged(kept).samefile(kept)

    def test_is_copied_where_a_file_has_one_name_only(self, kept, monkeypatch):
        def one_name(_source, _target):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", one_name)
        assert self.staged(kept).read_bytes() == CONTENT
        assert not self.staged_again(kept)

    def staged_again(self, kept):
        return restore_source.stage(str(kept.parent), RESTORATION, str(kept), [], check=False)

    def test_outlives_its_retention(self, kept):
        """The timer saves another one meanwhile, and keeps that alone."""
        staged = self.staged(kept)
        snapshot_below(kept.parent, "prod", b"newer", revision=40, taken_at="2026-11-22T08:40:00Z")
        newest = catalog.newest(str(kept.parent), "prod")
        assert store.prune(str(kept.parent), newest, Retention(keep=1)) == [str(kept)]
        assert staged.read_bytes() == CONTENT
        assert not self.staged_again(kept)

    def test_stays_when_the_restore_is_over(self, kept):
        self.staged(kept)
        restore_source.clear(str(kept.parent))
        assert names(kept.parent) == [kept.name, f"{kept.name}.json"]


class TestASnapshotThatIsSentHere:
    """Its room is looked at before the first byte comes."""

    def test_takes_the_place_of_one_that_a_killed_run_has_left(self, tmp_path):
        for name, age in (("ansible-tmp-1", 2 * 86400), ("ansible-tmp-2", 60), ("ansible-tmp-3", 0)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "snapshot.db").touch()
            os.utime(tmp_path / name / "snapshot.db", (time.time() - age,) * 2)
        restore_source.make_way(str(tmp_path / "ansible-tmp-3" / "snapshot.db"))
        assert [bool(list((tmp_path / f"ansible-tmp-{one}").iterdir())) for one in (1, 2, 3)] == [False, True, True]

    def check(self, monkeypatch, free, devices):
        monkeypatch.setattr(disk_space, "free", lambda path: free[path] << 20)
        monkeypatch.setattr(disk_space, "device", lambda path: devices[path])
        restore_source.check_room("/snapshots", "/home/ansible/.ansible/tmp/snapshot.db", 100 << 20, [])

    def test_lies_there_twice_until_it_is_staged(self, monkeypatch):
        here = "/home/ansible/.ansible/tmp"
        free = {here: 263, "/snapshots": 263}
        with pytest.raises(HostError, match=f"{here}, where the snapshot arrives, has 263 MiB free, and 264 MiB"):
            self.check(monkeypatch, free, {here: 1, "/snapshots": 1})
        self.check(monkeypatch, {here: 264, "/snapshots": 264}, {here: 1, "/snapshots": 1})

    def test_leaves_the_member_of_this_host_its_room(self, monkeypatch, tmp_path):
        monkeypatch.setattr(disk_space, "free", lambda _path: 700 << 20)
        arriving, data = str(tmp_path / "tmp" / "snapshot.db"), str(tmp_path)
        restore_source.check_room(str(tmp_path / "snapshots"), arriving, 94 << 20, [data])
        with pytest.raises(HostError, match="has 700 MiB free, and 702 MiB are needed"):
            restore_source.check_room(str(tmp_path / "snapshots"), arriving, 95 << 20, [data])

    def test_needs_room_in_both_places(self, monkeypatch):
        here = "/home/ansible/.ansible/tmp"
        with pytest.raises(HostError, match="/snapshots, where the snapshot is kept, has 163 MiB free, and 164 MiB"):
            self.check(monkeypatch, {here: 164, "/snapshots": 163}, {here: 1, "/snapshots": 2})
        self.check(monkeypatch, {here: 164, "/snapshots": 164}, {here: 1, "/snapshots": 2})
