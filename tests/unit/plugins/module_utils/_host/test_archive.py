# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import archive
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import is_archived
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from data_writer import having_open

NOW = datetime(2026, 11, 21, 15, 4, 5, tzinfo=timezone.utc)
NAME = "removed-20261121T150405Z"


def leave_data(data_dir, log_dir):
    for directory in (Path(data_dir, "member", "snap"), Path(log_dir)):
        directory.mkdir(parents=True, exist_ok=True)
    Path(data_dir, "member", "snap", "db").write_text("keys")
    Path(log_dir, "0.wal").write_text("log")


class TestData:
    def test_are_renamed_where_they_are_and_whole(self, layout):
        leave_data(layout.data_dir, layout.log_dir)
        inode = Path(layout.data_dir, "member").stat().st_ino
        (moved,) = archive.move(layout, "removed", NOW)
        assert moved == f"{layout.data_dir}/member.{NAME}"
        assert Path(moved).stat().st_ino == inode
        assert Path(moved, "wal", "0.wal").read_text() == "log"
        assert Path(moved, "snap", "db").read_text() == "keys"
        assert wal.segments(layout.log_dir) == []

    def test_take_with_them_what_the_gate_knew_of_their_log(self, layout):
        """What comes may be a log that somebody has chosen, and that ends before it."""
        leave_data(layout.data_dir, layout.log_dir)
        Path(layout.state_dir).mkdir(parents=True)
        Path(layout.newest_file).write_text("a segment")
        archive.move(layout, "recovered", NOW)
        assert not Path(layout.newest_file).exists()

    def test_that_are_not_there_are_none_to_move(self, layout):
        assert archive.move(layout, "removed", NOW) == []

    def test_below_a_symbolic_link_stay_on_the_disk_that_it_leads_to(self, layout, tmp_path):
        disk = tmp_path / "disk"
        leave_data(disk, disk / "member" / "wal")
        Path(layout.data_dir).parent.mkdir(parents=True)
        Path(layout.data_dir).symlink_to(disk)
        archive.move(layout, "removed", NOW)
        assert Path(layout.data_dir).is_symlink()
        assert (disk / f"member.{NAME}" / "wal" / "0.wal").exists()

    def test_go_with_a_log_that_lies_elsewhere(self, layout, tmp_path):
        apart = replace(layout, wal_dir=str(tmp_path / "fast" / "wal"))
        leave_data(apart.data_dir, apart.log_dir)
        moved = archive.move(apart, "removed", NOW)
        assert moved == [f"{layout.data_dir}/member.{NAME}", f"{tmp_path}/fast/wal.{NAME}"]
        assert Path(moved[1], "0.wal").exists()

    def test_half_moved_by_an_interrupted_run_are_moved_by_the_next(self, layout, tmp_path):
        apart = replace(layout, wal_dir=str(tmp_path / "fast" / "wal"))
        leave_data(apart.data_dir, apart.log_dir)
        Path(apart.data_dir, "member").rename(Path(apart.data_dir, "member.removed-20261121T150000Z"))
        assert archive.move(apart, "removed", NOW) == [f"{tmp_path}/fast/wal.{NAME}"]

    def test_that_cannot_be_renamed_are_named(self, layout):
        leave_data(layout.data_dir, layout.log_dir)
        taken = Path(layout.data_dir, f"member.{NAME}")
        taken.mkdir()
        (taken / "something").touch()
        with pytest.raises(HostError, match=r"member cannot be renamed to .*member\.removed-\S+: Directory not empty"):
            archive.move(layout, "removed", NOW)
        assert wal.segments(layout.log_dir)

    def test_lie_where_the_marker_says_whatever_the_inventory_says_by_now(self, layout):
        marker = Marker("started", data_dir="/srv/etcd", wal_dir="/fast/wal")
        found = markers.where_it_lies(layout, marker)
        assert (found.data_dir, found.wal_dir) == ("/srv/etcd", "/fast/wal")
        assert markers.where_it_lies(layout, Marker("started")) == layout
        assert markers.where_it_lies(layout, None) == layout


@pytest.mark.parametrize("name", ["wal/0.wal", "snap/db"])
class TestDataThatAProcessStillWrites:
    """Docker was killed, so that it and systemd say of the container that it has ended."""

    def test_are_moved_once_it_was_ended_as_the_refusal_says(self, layout, name):
        leave_data(layout.data_dir, layout.log_dir)
        with having_open(f"{layout.data_dir}/member/{name}") as left:
            with pytest.raises(Refused) as refused:
                archive.move(layout, "removed", NOW)
            assert refused.value.code == "data-in-use"
            assert f"Process {left.pid} (sleep)" in refused.value.found
            assert wal.segments(layout.log_dir)
            assert f"kill {left.pid}. Wait" in refused.value.remedy
            left.terminate()
            left.wait()
            assert archive.move(layout, "removed", NOW)

    def test_are_moved_where_it_only_reads_them(self, layout, name):
        leave_data(layout.data_dir, layout.log_dir)
        with having_open(f"{layout.data_dir}/member/{name}", "<"):
            assert archive.move(layout, "removed", NOW)

    def test_keep_their_unit_from_being_disabled(self, service_manager, layout, name):
        service_manager.units[layout.unit] = {"ActiveState": "active", "UnitFileState": "enabled"}
        with having_open(f"{layout.data_dir}/member/{name}"), pytest.raises(Refused, match="does not know of it"):
            archive.disable_unit(service_manager.systemd, layout)
        assert service_manager.done == [f"stop {layout.unit}"]

    def test_are_seen_where_there_is_no_unit_and_where_the_marker_says_that_they_lie(
        self, service_manager, layout, name, tmp_path
    ):
        Path(layout.state_dir).mkdir(parents=True)
        Path(layout.marker_file).write_text(markers.render(Marker("started", token="t", data_dir=f"{tmp_path}/before")))
        with having_open(f"{tmp_path}/before/member/{name}"), pytest.raises(Refused, match=f"{tmp_path}/before"):
            archive.disable_unit(service_manager.systemd, layout)


class TestADirectoryThatWasArchived:
    @pytest.mark.parametrize("name", [f"member.{NAME}", "member.destroyed-20261231T235959Z"])
    def test_is_known_by_its_name(self, name):
        assert is_archived(name)

    @pytest.mark.parametrize("name", ["member", "member.old", "member.removed-2026", f"member.{NAME}.tar"])
    def test_is_not_taken_for_one_by_a_similar_name(self, name):
        assert not is_archived(name)


class TestAUnitAtRest:
    def test_is_stopped_and_starts_at_no_boot(self, service_manager, layout):
        service_manager.units[layout.unit] = {"ActiveState": "active", "UnitFileState": "enabled"}
        archive.disable_unit(service_manager.systemd, layout)
        assert service_manager.done == [f"stop {layout.unit}", f"disable {layout.unit}"]

    def test_that_waits_for_its_next_try_gets_none(self, service_manager, layout):
        service_manager.units[layout.unit] = {"ActiveState": "activating", "SubState": "auto-restart"}
        archive.disable_unit(service_manager.systemd, layout)
        assert f"stop {layout.unit}" in service_manager.done

    def test_is_none_where_there_is_no_unit(self, service_manager, layout):
        archive.disable_unit(service_manager.systemd, layout)
        assert service_manager.done == []

    def test_that_is_masked_stays_masked(self, service_manager, layout):
        service_manager.units[layout.unit] = {"LoadState": "masked", "ActiveState": "active"}
        archive.disable_unit(service_manager.systemd, layout)
        assert service_manager.done == [f"stop {layout.unit}"]
