# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker

ME, MINE = os.geteuid(), os.getegid()


class TestAFile:
    def test_is_replaced_whole(self, tmp_path):
        path = tmp_path / "file"
        path.write_text("old")
        host_files.write(str(path), b"new", 0o640, ME, MINE)
        assert path.read_text() == "new"
        assert path.stat().st_mode & 0o7777 == 0o640
        assert os.listdir(tmp_path) == ["file"]

    def test_takes_the_place_of_a_link_and_spares_what_it_points_to(self, tmp_path):
        (tmp_path / "theirs").write_text("theirs")
        (tmp_path / "file").symlink_to("theirs")
        host_files.write(str(tmp_path / "file"), b"new", 0o600, ME, MINE)
        assert (tmp_path / "theirs").read_text() == "theirs"
        assert not (tmp_path / "file").is_symlink()

    def test_that_a_killed_writer_left_half_done_is_taken_over(self, tmp_path):
        (tmp_path / ".file.new").write_text("half")
        host_files.write(str(tmp_path / "file"), b"whole", 0o600, ME, MINE)
        assert os.listdir(tmp_path) == ["file"]

    def test_is_never_readable_by_others_while_it_is_written(self, tmp_path, monkeypatch):
        seen = []
        replacing = os.replace

        def watching(source, target):
            seen.append(os.stat(source).st_mode & 0o777)
            replacing(source, target)

        monkeypatch.setattr(os, "replace", watching)
        host_files.write(str(tmp_path / "key"), b"secret", 0o600, ME, MINE)
        assert seen == [0o600]

    def test_that_cannot_be_written_leaves_the_old_one(self, tmp_path, monkeypatch):
        path = tmp_path / "file"
        path.write_text("old")

        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(atomic.os, "fsync", full)
        with pytest.raises(HostError, match=r"file cannot be written: No space left on device\. Make room"):
            host_files.write(str(path), b"new", 0o600, ME, MINE)
        assert path.read_text() == "old"

    def test_without_its_directory_is_a_clear_error(self, tmp_path):
        with pytest.raises(HostError, match="gone/file cannot be written: No such file or directory"):
            host_files.write(str(tmp_path / "gone" / "file"), b"", 0o600, ME, MINE)

    def test_that_cannot_be_read_is_empty_text_and_a_clear_error_in_bytes(self, tmp_path):
        assert host_files.read_text(str(tmp_path / "gone")) == ""
        assert host_files.read_text(str(tmp_path)) == ""
        with pytest.raises(HostError, match="gone cannot be read"):
            host_files.read_bytes(str(tmp_path / "gone"))


class TestALink:
    def test_is_turned_in_one_step(self, tmp_path):
        path = tmp_path / "current"
        for target in ("one", "two"):
            host_files.link(str(path), target)
            assert os.readlink(path) == target
        assert os.listdir(tmp_path) == ["current"]

    def test_takes_the_place_of_a_file(self, tmp_path):
        (tmp_path / "etcd").write_text("a binary")
        host_files.link(str(tmp_path / "etcd"), "/opt/etcd/etcd")
        assert os.readlink(tmp_path / "etcd") == "/opt/etcd/etcd"

    def test_does_not_take_the_place_of_a_directory(self, tmp_path):
        (tmp_path / "current").mkdir()
        with pytest.raises(HostError, match="current cannot be written"):
            host_files.link(str(tmp_path / "current"), "one")


class TestADirectory:
    def test_is_made_with_its_parents_or_put_right(self, tmp_path):
        path = tmp_path / "a" / "b"
        host_files.make_directory(str(path), 0o700, ME, MINE)
        assert path.stat().st_mode & 0o7777 == 0o700
        assert path.parent.stat().st_mode & 0o7777 == 0o755
        path.chmod(0o777)
        host_files.make_directory(str(path), 0o700, ME, MINE)
        assert path.stat().st_mode & 0o7777 == 0o700

    def test_has_its_name_once_it_is_what_it_should_be(self, tmp_path, monkeypatch):
        """One that was half made is never taken for one of somebody else's."""
        path = tmp_path / "etcd"

        def cut(*_arguments):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(os, "chmod", cut)
            host_files.make_directory(str(path), 0o750, ME, MINE)
        assert not path.exists()
        host_files.make_directory(str(path), 0o750, ME, MINE)
        assert path.stat().st_mode & 0o7777 == 0o750
        assert [one.name for one in tmp_path.iterdir()] == ["etcd"]

    @pytest.mark.parametrize("where", ["file", "file/below"])
    def test_in_the_place_of_a_file_is_a_clear_error(self, tmp_path, where):
        (tmp_path / "file").touch()
        with pytest.raises(HostError, match="file"):
            host_files.make_directory(str(tmp_path / where), 0o700, ME, MINE)


class TestWhatLiesAtAPath:
    def test_nothing(self, tmp_path):
        nothing = {"exists": False, "sha256": "", "mode": "", "owner": "", "group": "", "link": ""}
        (tmp_path / "file").touch()
        (tmp_path / "dangling").symlink_to("gone")
        for name in ("gone", "gone/deeper", "file/deeper"):
            assert host_files.describe(str(tmp_path / name)) == nothing
        assert host_files.describe(str(tmp_path / "dangling")) == {**nothing, "link": "gone"}

    def test_a_file(self, tmp_path):
        path = tmp_path / "file"
        path.write_text("text")
        path.chmod(0o4750)
        found = host_files.describe(str(path))
        assert found["sha256"] == hashlib.sha256(b"text").hexdigest()
        assert (found["mode"], found["link"]) == ("4750", "")

    def test_a_link_with_what_it_points_to(self, tmp_path):
        (tmp_path / "file").write_text("text")
        (tmp_path / "link").symlink_to("file")
        found = host_files.describe(str(tmp_path / "link"))
        assert (found["link"], found["sha256"]) == ("file", hashlib.sha256(b"text").hexdigest())

    def test_a_directory(self, tmp_path):
        assert host_files.describe(str(tmp_path))["exists"]
        assert host_files.describe(str(tmp_path))["sha256"] == ""

    @pytest.mark.skipif(ME != 0, reason="only root gives files away")
    def test_an_owner_without_a_name(self, tmp_path):
        path = tmp_path / "file"
        path.touch()
        os.chown(path, 54321, 54322)
        found = host_files.describe(str(path))
        assert (found["owner"], found["group"]) == ("54321", "54322")


class TestTheHostsLock:
    def test_is_held_by_one_at_a_time(self, layout, monkeypatch):
        monkeypatch.setattr(host_files, "LOCK_WAIT", 0.0)
        second = host_files.acting(layout)
        with host_files.acting(layout), pytest.raises(Refused, match="Wait until it ends"), second:
            raise AssertionError("two at once")
        with host_files.acting(layout):
            pass

    def test_is_waited_for(self, layout, monkeypatch):
        path = f"{layout.run_dir}/lock"
        os.makedirs(layout.run_dir)
        with open(path, "a") as holder:
            fcntl.flock(holder, fcntl.LOCK_EX)
            monkeypatch.setattr(host_files.time, "sleep", lambda seconds: holder.close())
            with host_files.acting(layout):
                assert holder.closed

    def test_is_let_go_after_an_error(self, layout, monkeypatch):
        monkeypatch.setattr(host_files, "LOCK_WAIT", 0.0)
        with pytest.raises(KeyError), host_files.acting(layout):
            raise KeyError
        with host_files.acting(layout):
            pass

    def test_lies_where_only_root_gets_at_it(self, layout):
        """Whoever may open a lock may hold it for ever."""
        with host_files.acting(layout):
            assert os.stat(layout.run_dir).st_mode & 0o777 == 0o700


class TestTheMarker:
    @pytest.fixture(autouse=True)
    def directory(self, layout):
        os.makedirs(layout.state_dir)

    def test_is_read_as_it_was_written(self, layout):
        assert host_files.read_marker(layout) is None
        marker = Marker(markers.OFFERED, token="t", mounts=("/data",))
        host_files.write_marker(layout, None, marker)
        placed = replace(marker, data_dir=layout.data_dir, wal_dir=layout.wal_dir)
        assert host_files.read_marker(layout) == placed
        assert os.stat(layout.marker_file).st_mode & 0o777 == 0o600

    def test_is_made_exclusively(self, layout):
        """It is the lock of a bootstrap: of two runs one claims the host."""
        host_files.write_marker(layout, None, Marker(markers.OFFERED, token="first"))
        with pytest.raises(Refused, match="says 'offered' now, not 'nothing'"):
            host_files.write_marker(layout, None, Marker(markers.OFFERED, token="second"))
        assert host_files.read_marker(layout).token == "first"

    def test_moves_on_only_from_what_the_plan_saw(self, layout):
        first = Marker(markers.OFFERED, token="t", data_dir=layout.data_dir)
        host_files.write_marker(layout, None, first)
        with pytest.raises(Refused, match="changed this host meanwhile"):
            host_files.write_marker(layout, replace(first, token="u"), first.becoming(markers.NEVER_STARTED))
        assert host_files.read_marker(layout) == first

    def test_never_goes_where_only_the_gate_may(self, layout):
        first = Marker(markers.OFFERED, data_dir=layout.data_dir)
        host_files.write_marker(layout, None, first)
        with pytest.raises(Refused, match="cannot follow"):
            host_files.write_marker(layout, first, Marker(markers.STARTED))

    def test_remembers_where_the_data_lie_and_not_where_they_should(self, layout):
        first = Marker(markers.STARTED, data_dir="/old/place")
        os.makedirs(layout.state_dir, exist_ok=True)
        host_files.write_marker(layout, None, first)
        host_files.write_marker(layout, first, first.becoming(markers.LEAVING))
        assert host_files.read_marker(layout).data_dir == "/old/place"

    def test_that_is_damaged_stops_everything(self, layout):
        with open(layout.marker_file, "w") as stream:
            stream.write("FORMAT=9\n")
        with pytest.raises(Refused, match="format '9'"):
            host_files.read_marker(layout)
        with pytest.raises(Refused, match="format '9'"):
            host_files.write_marker(layout, None, Marker(markers.OFFERED))


class TestTheMachinesId:
    @pytest.fixture
    def host(self, monkeypatch):
        texts = {"/etc/machine-id": "a1\n", "/proc/1/mountinfo": "36 35 98:0 / /data rw - ext4 /dev/sdb1 rw\n"}
        monkeypatch.setattr(host_files, "read_text", lambda path: texts.get(path, ""))
        return texts

    def test_is_what_its_file_says(self, host):
        assert host_files.machine_id() == "a1"

    @pytest.mark.parametrize("text", ["", "uninitialized\n"])
    def test_is_none_where_the_file_says_none(self, host, text):
        host["/etc/machine-id"] = text
        assert host_files.machine_id() == ""

    def test_is_none_where_it_is_a_new_one_at_each_boot(self, host):
        host["/proc/1/mountinfo"] += "37 35 0:22 /machine-id /etc/machine-id rw - tmpfs tmpfs rw\n"
        assert host_files.machine_id() == ""


class TestMountPoints:
    def test_of_a_directory_on_the_root_file_system_are_none(self, layout):
        assert host_files.mounts_under(replace(layout, data_dir="/nonexistent/etcd")) == []

    def test_are_those_on_which_data_and_log_lie(self, layout):
        assert host_files.mounts_under(replace(layout, data_dir="/proc")) == ["/proc"]
        assert host_files.mounts_under(replace(layout, data_dir="/proc/sys", wal_dir="/proc/tty/wal")) == ["/proc"]
        both = replace(layout, data_dir="/nonexistent/etcd", wal_dir="/proc/wal")
        assert host_files.mounts_under(both) == ["/proc"]

    @pytest.mark.parametrize("linked", ["member/wal", "member/snap", "member", "wal"])
    def test_are_found_where_a_directory_of_etcds_is_a_link_to_another_disk(self, layout, tmp_path, linked):
        data = tmp_path / "data"
        (data / linked).parent.mkdir(parents=True)
        (data / linked).symlink_to("/proc/tty")
        wal_dir = f"{data}/wal" if linked == "wal" else ""
        found = host_files.mounts_under(replace(layout, data_dir=str(data), wal_dir=wal_dir))
        assert "/proc" in found

    def test_are_found_behind_a_link_and_spelled_as_the_kernel_does(self, layout, tmp_path):
        (tmp_path / "data").symlink_to("/proc/")
        for path in (f"{tmp_path}/data", f"{tmp_path}/data/", "/proc/"):
            assert host_files.mounts_under(replace(layout, data_dir=path)) == ["/proc"]
