# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories of snapshots that are made up here; real ones are saved in tests/component."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from a_manifest import MANIFEST
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats.snapshot_file import BadSnapshot
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_manifest
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog, store
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.catalog import KeptSnapshot
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention
from bbolt_file import database, etcd_buckets, snapshot

CONTENT = snapshot(database(etcd_buckets()))
KNOWN = replace(MANIFEST, size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), revision=31)


@pytest.fixture
def directory(tmp_path):
    made = str(tmp_path / "snapshots")
    store.prepare(made)
    return made


def keep(directory, content=CONTENT, **changes):
    with store.part(directory, "x") as part:
        part.file.write(content)
        return store.keep(part, replace(KNOWN, **changes))


def names(directory):
    return sorted(os.listdir(directory))


def mode(path):
    return os.stat(path).st_mode & 0o777


def test_a_snapshot_has_its_cluster_its_time_and_its_revision_in_its_name(directory):
    path = keep(directory)
    assert path == f"{directory}/prod-20261122T074000Z-31.db"
    assert names(directory) == ["prod-20261122T074000Z-31.db", "prod-20261122T074000Z-31.db.json"]
    assert Path(path).read_bytes() == CONTENT
    assert catalog.manifest_of(path) == KNOWN


def test_nobody_else_can_read_any_of_it(directory):
    path = keep(directory)
    assert [mode(one) for one in (directory, path, snapshot_manifest.path_of(path))] == [0o700, 0o600, 0o600]


def test_a_directory_that_is_there_is_left_as_it_is(tmp_path):
    os.chmod(tmp_path, 0o755)
    store.prepare(str(tmp_path))
    assert mode(tmp_path) == 0o755


def test_something_else_of_its_name_is_told(tmp_path):
    (tmp_path / "x").touch()
    for path in ("x", "x/y"):
        with pytest.raises(HostError, match="x/y cannot be made|x is no directory"):
            store.prepare(str(tmp_path / path))


def test_two_snapshots_of_one_second_and_one_revision_are_two(directory):
    paths = [keep(directory), keep(directory, member="another"), keep(directory)]
    assert len(set(paths)) == 3
    assert [one.path for one in catalog.found(directory, "prod")] == paths
    assert catalog.manifest_of(paths[1]).member == "another"


def test_they_are_found_oldest_first(directory):
    times = ["2026-11-22T07:40:00Z", "2026-11-20T07:40:00Z", "2026-11-21T07:40:00Z"]
    for time in times:
        keep(directory, taken_at=time)
    assert [one.manifest.taken_at for one in catalog.found(directory, "prod")] == sorted(times)
    newest = catalog.newest(directory, "prod")
    assert newest is not None
    assert newest.manifest.taken_at == times[0]


def test_only_what_is_of_this_cluster_and_whole_is_found(directory):
    ours = keep(directory)
    keep(directory, cluster="another")
    for number, content in enumerate(["", "no json", "[" * 100_000, "{}", json.dumps({"format": 2})]):
        Path(directory, f"{number}.db").write_bytes(CONTENT)
        Path(directory, f"{number}.db.json").write_text(content)
    Path(directory, "without.db").write_bytes(CONTENT)
    Path(directory, "short.db").write_bytes(CONTENT[:-1])
    Path(directory, "short.db.json").write_text(json.dumps(KNOWN.to_dict()))
    Path(directory, "nothing.db.json").write_text(json.dumps(KNOWN.to_dict()))
    os.mkdir(f"{directory}/directory.db")
    assert [one.path for one in catalog.found(directory, "prod")] == [ours]


def test_where_nothing_is_nothing_is_found(tmp_path):
    assert catalog.found(str(tmp_path / "missing"), "prod") == []
    assert catalog.newest(str(tmp_path), "prod") is None


def test_a_writer_that_fails_leaves_nothing(directory):
    with pytest.raises(ValueError, match="fails"), store.part(directory, "x") as part:
        part.file.write(b"half")
        raise ValueError("fails")
    assert names(directory) == []


def test_what_a_dead_writer_left_is_removed_by_the_next(directory):
    ours = keep(directory)
    for name in (".prod-1-999.part", ".prod-1.db.json.new"):
        Path(directory, name).write_bytes(b"half")
    Path(directory, "prod-1.db.json").write_text(json.dumps(KNOWN.to_dict()))
    another = keep(directory)
    assert names(directory) == sorted(
        os.path.basename(path) + more for path in (ours, another) for more in ("", ".json")
    )


def test_what_is_not_ours_is_never_removed(directory):
    for name in ("notes.json", "x.db.json", "x.db", ".hidden", "file.part", ".bigfile.iso.part", ".hidden.json.new"):
        Path(directory, name).write_text("of somebody else")
    Path(directory, "y.db.json").write_text("of somebody else")
    before = names(directory)
    keep(directory)
    store.prune(directory, catalog.newest(directory, "prod"), Retention(1))
    assert set(before) <= set(names(directory))


def test_who_writes_at_the_same_time_is_left_alone(directory):
    with store.part(directory, "first") as first:
        first.file.write(CONTENT)
        with store.part(directory, "second") as second:
            second.file.write(CONTENT)
            paths = [store.keep(part, KNOWN) for part in (second, first)]
    assert [one.path for one in catalog.found(directory, "prod")] == sorted(paths)


@pytest.fixture
def nfs(monkeypatch):
    """Locks as NFS takes them: those of files only if they are open for writing."""
    flock = fcntl.flock

    def locked(file, operation):
        descriptor = file if isinstance(file, int) else file.fileno()
        writable = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
        if operation & fcntl.LOCK_EX and not writable and not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", locked)


def test_an_interrupted_snapshot_on_nfs_is_removed_by_the_next(directory, nfs):
    Path(directory, ".prod-1-999.part").write_bytes(b"half")
    path = keep(directory)
    assert names(directory) == [os.path.basename(path), f"{os.path.basename(path)}.json"]


def test_another_writer_on_nfs_is_left_alone(directory, nfs):
    with store.part(directory, "prod-1") as first, store.part(directory, "prod-2"):
        assert os.path.exists(first.path)


def test_a_file_system_without_locks_takes_snapshots_and_keeps_what_may_be_in_use(directory, monkeypatch):
    def refuse(_file, _operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    left = Path(directory, ".prod-1-999.part")
    left.write_bytes(b"half")
    path = keep(directory)
    assert [one.path for one in catalog.found(directory, "prod")] == [path]
    assert left.exists()


def test_the_manifest_of_another_host_that_is_about_to_name_its_file_stays(directory):
    """The lock on the directory is not seen by another host, the one on the file is."""
    described = Path(directory, "prod-1.db.json")
    with store.part(directory, "prod-1"):
        described.write_text(json.dumps(KNOWN.to_dict()))
        keep(directory)
        assert described.exists()
    keep(directory)
    assert not described.exists()


def test_a_snapshot_that_cannot_get_its_name_leaves_no_manifest(directory, monkeypatch):
    def fail(*_names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="No space left"):
        keep(directory)
    assert names(directory) == []


def test_the_manifest_is_there_before_the_snapshot_has_its_name(directory, monkeypatch):
    seen = []
    rename = os.rename

    def look(source, target):
        seen.append(names(directory))
        rename(source, target)

    monkeypatch.setattr(os, "rename", look)
    path = keep(directory)
    assert [name for name in seen[0] if not name.startswith(".")] == [os.path.basename(path) + ".json"]


def test_pruning_deletes_file_and_manifest(directory):
    paths = [keep(directory, taken_at=f"2026-11-{day}T00:00:00Z") for day in (20, 21, 22)]
    newest = KeptSnapshot(paths[-1], replace(KNOWN, taken_at="2026-11-22T00:00:00Z"))
    assert store.prune(directory, newest, Retention(2)) == paths[:1]
    assert [one.path for one in catalog.found(directory, "prod")] == paths[1:]
    assert len(names(directory)) == 4


def test_check_mode_counts_the_one_that_would_be_there(directory):
    paths = [keep(directory, taken_at=f"2026-11-{day}T00:00:00Z") for day in (20, 21)]
    coming = KeptSnapshot(f"{directory}/coming.db", replace(KNOWN, taken_at="2026-11-22T00:00:00Z"))
    assert store.prune(directory, coming, Retention(2), check=True) == paths[:1]
    assert len(catalog.found(directory, "prod")) == 2


def test_of_one_second_the_one_that_was_just_saved_stays(directory):
    paths = [keep(directory) for _time in range(3)]
    assert store.prune(directory, KeptSnapshot(paths[-1], KNOWN), Retention(1)) == paths[:2]
    assert [one.path for one in catalog.found(directory, "prod")] == paths[2:]


def test_one_that_was_saved_while_the_clock_was_ahead_is_neither_newest_nor_kept_for_long(directory):
    ahead = keep(directory, revision=100, taken_at="2031-01-01T00:00:00Z")
    paths = [keep(directory, revision=100 + day, taken_at=f"2026-11-{day}T00:00:00Z") for day in (20, 21, 22)]
    newest = catalog.newest(directory, "prod")
    assert newest is not None
    assert newest.path == paths[-1]
    assert store.prune(directory, newest, Retention(2)) == [ahead, paths[0]]
    assert [one.path for one in catalog.found(directory, "prod")] == paths[1:]


def test_the_newest_stays_although_the_one_just_saved_says_that_it_is_from_long_ago(directory):
    older = keep(directory, revision=100, taken_at="2026-11-21T00:00:00Z")
    saved = keep(directory, revision=200, taken_at="1970-01-01T00:00:00Z")
    newest = catalog.newest(directory, "prod")
    assert newest is not None
    assert newest.path == saved
    assert store.prune(directory, newest, Retention(0, daily=1)) == [older]


def test_another_cluster_of_the_same_name_is_left_alone(directory):
    other = keep(directory, cluster_id="another", taken_at="2026-11-20T00:00:00Z")
    ours = keep(directory)
    assert store.prune(directory, KeptSnapshot(ours, KNOWN), Retention(1)) == []
    assert Path(other).exists()


def test_a_snapshot_is_judged_with_its_manifest(directory):
    path = keep(directory)
    details, manifest = store.checked(path)
    assert (details.revision, manifest) == (31, KNOWN)


def test_a_snapshot_without_a_manifest_is_judged_alone(directory):
    path = keep(directory)
    os.unlink(snapshot_manifest.path_of(path))
    details, manifest = store.checked(path)
    assert (details.revision, manifest) == (31, None)


def test_a_manifest_that_is_none_or_of_another_file_is_told(directory):
    path = keep(directory)
    beside = Path(snapshot_manifest.path_of(path))
    beside.write_text(json.dumps(replace(KNOWN, sha256="00").to_dict()))
    with pytest.raises(Refused, match="disagree: sha256"):
        store.checked(path)
    beside.write_text("x")
    with pytest.raises(BadInput, match=f"{beside} cannot be used: it is no manifest"):
        store.checked(path)
    beside.write_text(json.dumps({"format": 3}))
    with pytest.raises(BadInput, match="a manifest of format 3"):
        store.checked(path)
    beside.unlink()
    beside.mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        store.checked(path)


def test_a_bad_file_is_told_whatever_its_manifest_says(directory):
    path = keep(directory, content=CONTENT[:-1])
    with pytest.raises(BadSnapshot, match="truncated"):
        store.checked(path)
