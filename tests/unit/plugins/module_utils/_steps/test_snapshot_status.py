# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host tells of its snapshots, and what it lends of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import shared_copy
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import Try
from ansible_collections.quorum.etcd.plugins.module_utils._steps import snapshot_status
from snapshot_below import snapshot_below


class TestAHost:
    def test_without_anything_has_nothing(self, layout, tmp_path):
        assert snapshot_status.on_host(layout, str(tmp_path / "none"), "prod") == {
            "newest": None,
            "since": 0.0,
            "last": None,
        }

    def test_tells_the_newest_of_the_cluster(self, layout, tmp_path):
        for number, cluster in ((1, "prod"), (2, "prod"), (3, "other")):
            snapshot_below(tmp_path, cluster, taken_at=f"2026-11-2{number}T07:40:00Z", revision=number)
        found = snapshot_status.on_host(layout, str(tmp_path), "prod")["newest"]
        assert (found["taken_at"], found["revision"]) == ("2026-11-22T07:40:00Z", 2)

    def test_tells_the_newest_by_the_clusters_id(self, tmp_path):
        snapshot_below(tmp_path, "prod", taken_at="2026-11-21T07:40:00Z", cluster_id="aa")
        snapshot_below(tmp_path, "prod", taken_at="2026-11-22T07:40:00Z", cluster_id="bb")
        assert snapshot_status.newest_of(str(tmp_path), "aa")["taken_at"] == "2026-11-21T07:40:00Z"
        assert snapshot_status.newest_of(str(tmp_path), "cc") is None

    def test_with_a_directory_that_cannot_be_read_shows_none(self, layout, tmp_path):
        path = tmp_path / "file"
        path.touch()
        assert snapshot_status.on_host(layout, str(path), "prod")["newest"] is None

    def test_tells_its_last_try_and_since_when_it_has_a_timer(self, layout):
        last = Try("2026-11-22T07:40:00Z", snapshot_agent.FAILED, "no room.")
        for path, text in ((layout.snapshot_state, last.to_json()), (layout.snapshot_timer_file, "[Timer]\n")):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        found = snapshot_status.on_host(layout, "", "prod")
        assert Try(**found["last"]) == last
        assert found["since"] == Path(layout.snapshot_timer_file).stat().st_mtime


class TestAFileThatIsLent:
    def test_to_root_lies_where_it_lies(self, tmp_path):
        if os.geteuid() != 0:
            pytest.skip("only root lends")
        assert shared_copy.make_readable("/some/file", str(tmp_path / "copy")) == "/some/file"
        assert list(tmp_path.iterdir()) == []

    def test_to_another_is_a_copy_that_is_theirs_alone(self, tmp_path):
        if os.geteuid() != 0:
            pytest.skip("only root lends")
        source, place = tmp_path / "file", tmp_path / "theirs"
        source.write_text("a database")
        place.mkdir()
        os.chown(place, 65534, 65534)
        copy = Path(shared_copy.make_readable(str(source), str(place / "copy")))
        assert copy.read_text() == "a database"
        assert (copy.stat().st_uid, copy.stat().st_mode & 0o777) == (65534, 0o600)

    @pytest.fixture
    def task(self, tmp_path):
        """The directory of one task, which no root owns."""
        place = tmp_path / "tmp" / "ansible-tmp-1-2-3"
        place.mkdir(parents=True)
        os.chown(place, 65534, 65534)
        return place

    def left(self, task, directory, age, name="snapshot.db"):
        """What a killed run has left there."""
        place = task.with_name(directory)
        place.mkdir()
        os.chown(place, 65534, 65534)
        path = place / name
        path.write_text("a database")
        os.utime(path, (time.time() - age,) * 2)
        return path

    def test_is_removed_by_a_later_run_if_its_own_was_killed(self, task):
        if os.geteuid() != 0:
            pytest.skip("only root lends")
        old = self.left(task, "ansible-tmp-0-0-1", 2 * 86400)
        others = [
            self.left(task, "ansible-tmp-0-0-2", 60),
            self.left(task, "ansible-tmp-0-0-3", 2 * 86400, "notes.db"),
            self.left(task, "of-a-person", 2 * 86400),
        ]
        os.symlink(others[2].parent, task.with_name("ansible-tmp-0-0-4"))
        source = task.parent / "file"
        source.write_text("a database")
        shared_copy.make_readable(str(source), str(task / "snapshot.db"))
        assert not old.exists()
        assert all(one.exists() for one in others)

    def test_is_not_begun_where_there_is_no_room(self, task, monkeypatch):
        if os.geteuid() != 0:
            pytest.skip("only root lends")
        source = task.parent / "file"
        source.write_text("a database")
        monkeypatch.setattr(disk_space, "free", lambda _path: 512 << 20)
        with pytest.raises(
            HostError, match=r"has 512 MiB free, and a copy of .* needs 513 MiB, .* set ansible_remote_tmp"
        ):
            shared_copy.make_readable(str(source), str(task / "snapshot.db"))
        assert list(task.iterdir()) == []

    def test_into_nothing_is_an_error(self, tmp_path):
        with pytest.raises(HostError, match="cannot be copied to"):
            shared_copy.make_readable("/some/file", str(tmp_path / "none" / "copy"))
