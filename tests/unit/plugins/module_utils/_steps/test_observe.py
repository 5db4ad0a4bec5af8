# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at this very machine, with a member's directories inside a temporary one."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import struct
import subprocess
import typing
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import bbolt_file
import pytest
import wal_segment
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    local_member,
    network,
    processes,
    rollback,
    systemd,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Observation
from ansible_collections.quorum.etcd.plugins.module_utils._steps import observe
from ansible_collections.quorum.etcd.plugins.module_utils._steps.observe import Interest

NOTHING = Interest([], [], [], [], 0.2)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees all of a host")


@pytest.fixture
def look(service_manager, layout, monkeypatch):
    """Look at this host, where systemd is what the test says."""
    monkeypatch.setattr(systemd, "is_running", lambda: True)

    def look(on=layout, **interest):
        return observe.observe(service_manager.systemd, on, replace(NOTHING, **interest))

    return look


@pytest.fixture
def etcd(layout):
    """A process that is called etcd, from a release's own directory."""
    started = []

    def etcd(**environment):
        path = Path(layout.release_dir("3.6.14", "amd64"), "etcd")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            shutil.copy(shutil.which("sleep"), path)
        process = subprocess.Popen([str(path), "60"], env={"LAST": "1", **environment})
        started.append(process)
        while b"LAST" not in Path(f"/proc/{process.pid}/environ").read_bytes():
            assert process.poll() is None
        return process

    yield etcd
    for process in started:
        process.kill()
        process.wait()


def test_whoever_is_not_root_is_told_so(look, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostError, match="Set ansible_become: true"):
        look()


@needs_root
class TestABareHost:
    def test_shows_what_a_plan_asks_for(self, look):
        """The observation that plans are made of has the same shape."""
        seen = look(files=["/etc/hostname"])
        assert set(seen) == {field.name for field in fields(Observation)}
        for part, kind in typing.get_type_hints(Observation).items():
            if is_dataclass(kind) and seen[part] is not None:
                assert set(seen[part]) == {field.name for field in fields(kind)}, part
        assert Observation.from_dict(seen).file("/etc/hostname").exists

    def test_shows_nothing_of_etcd(self, look):
        seen = look()
        assert (seen["marker"], seen["marker_error"], seen["runtime"], seen["cluster"]) == (None, "", None, None)
        assert (seen["releases"], seen["record"], seen["refused"]) == ([], {}, "")
        assert seen["data"]["log"] is False

    def test_is_left_as_it_was(self, look, tmp_path):
        before = sorted(tmp_path.rglob("*"))
        look(files=[str(tmp_path / "gone")], certificates=[str(tmp_path / "gone")])
        assert sorted(tmp_path.rglob("*")) == before

    def test_draws_another_number_at_each_look(self, look):
        assert look()["host"]["nonce"] != look()["host"]["nonce"]

    def test_measures_the_disk_that_a_directory_would_be_on(self, look, layout):
        free = look(replace(layout, data_dir=f"{layout.root}/not/yet/there"))["free"]["data"]
        assert abs(free - shutil.disk_usage(layout.root).free) < 1 << 28

    def test_without_systemd_says_so(self, look, monkeypatch):
        monkeypatch.setattr(systemd, "is_running", lambda: False)
        seen = look()
        assert seen["host"]["systemd"] is False
        assert seen["unit"]["load_state"] == "not-found"

    def test_says_which_addresses_are_not_its_own(self, look):
        assert look(addresses=["127.0.0.1", "192.0.2.9"])["host"]["not_here"] == ["192.0.2.9"]


@needs_root
class TestWhatLiesThere:
    def test_releases_that_are_complete(self, look, layout):
        for name in ("etcd-v3.6.14-linux-amd64", "etcd-v3.5.33-linux-amd64", ".fetch", "etcd-v3.7-linux-amd64", "x"):
            Path(layout.install_dir, name).mkdir(parents=True)
        assert look()["releases"] == ["3.5.33", "3.6.14"]

    def test_a_marker(self, look, layout):
        marker = Marker(markers.NEVER_STARTED, token="t", mounts=("/data",))
        Path(layout.state_dir).mkdir(parents=True)
        Path(layout.marker_file).write_text(markers.render(marker))
        assert look()["marker"] == marker.to_dict()

    def test_the_markers_of_other_instances_of_this_machine(self, look, layout):
        other = replace(layout, instance="etcd-events")
        Path(other.state_dir).mkdir(parents=True)
        Path(other.marker_file).write_text(markers.render(Marker("started", cluster="events", name="e0")))
        # One that has no marker, and one that nobody understands, remember no member.
        Path(replace(layout, instance="etcd2").state_dir).mkdir()
        Path(replace(layout, instance="etcd3").marker_file).parent.mkdir()
        Path(replace(layout, instance="etcd3").marker_file).write_text("FORMAT=9\n")
        seen = Observation.from_dict(look()).others
        assert {name: (one.cluster, one.name) for name, one in seen.items()} == {"etcd-events": ("events", "e0")}
        assert look(on=other)["others"] == {}

    def test_a_marker_that_is_not_understood_is_not_none(self, look, layout):
        Path(layout.state_dir).mkdir(parents=True)
        Path(layout.marker_file).write_text("FORMAT=9\n")
        seen = look()
        assert seen["marker"] is None
        assert "format '9'" in seen["marker_error"]

    def test_a_log_that_cannot_be_read_does_not_make_the_host_silent_about_having_one(self, look, layout):
        log = Path(layout.log_dir)
        log.mkdir(parents=True)
        (log / "0.wal").write_bytes(b"")
        assert look()["data"]["log"] is True

    def test_things_of_others_in_the_data_directory(self, look, layout):
        for name in ("member", "lost+found", "photos", "mail"):
            Path(layout.data_dir, name).mkdir(parents=True)
        assert look()["data"]["foreign"] == ["mail", "photos"]

    def test_what_our_own_settings_put_there_is_not_somebody_elses(self, look, layout):
        data = Path(layout.data_dir)
        for name in ("snapshots", "logs", "etcd-2026-11-22T10-00-00.000.log.gz", "etcd-2026-11-22T10-00-00.000.log"):
            (data / name).mkdir(parents=True)
        (data / "etcd.log").touch()
        own = replace(layout, log_file=f"{data}/etcd.log", wal_dir=f"{data}/logs/wal")
        assert look(own, snapshot_dir=f"{data}/snapshots/daily")["data"]["foreign"] == []
        assert len(look()["data"]["foreign"]) == 5

    @pytest.mark.parametrize(
        "left, apart",
        [
            ("member/wal/0000000000000000-0000000000000000.wal", True),
            ("member/snap/0000000000000002-0000000000002711.snap", False),
            ("member/snap/db", False),
            ("member/snap/db", True),
        ],
    )
    def test_data_of_a_member_beside_the_log_that_etcd_would_use(self, look, layout, left, apart):
        path = Path(layout.data_dir, left)
        path.parent.mkdir(parents=True)
        path.write_bytes(bbolt_file.database(bbolt_file.etcd_buckets()))
        on = replace(layout, wal_dir=f"{layout.root}/fast/wal") if apart else layout
        assert look(on)["data"]["left"] == str(path)
        assert look(on)["data"]["log"] is False

    @pytest.mark.parametrize(
        "said, found",
        [
            ({}, "3.6.0"),
            ({"storageVersion": b"3.7.0"}, "3.7.0"),
            # As before 3.6: there the cluster's version is all that tells.
            ({"storageVersion": b""}, "3.6.0"),
            ({"storageVersion": b"new"}, "3.6.0"),
        ],
    )
    def test_the_minor_that_the_data_of_a_member_at_rest_are_of(self, look, layout, said, found):
        path = Path(layout.data_dir, "member", "snap", "db")
        path.parent.mkdir(parents=True)
        path.write_bytes(bbolt_file.database(bbolt_file.etcd_buckets(**said)))
        assert look()["data"]["version"] == ""
        Path(layout.log_dir).mkdir()
        Path(layout.log_dir, "0000000000000000-0000000000000000.wal").write_bytes(b"a log")
        assert look()["data"]["version"] == found
        path.write_bytes(b"no database")
        assert look()["data"]["version"] == ""

    @pytest.mark.parametrize("content, used", [(bbolt_file.database({}), False), (b"no database", True), (b"", True)])
    def test_what_a_first_start_leaves_that_failed_are_no_data(self, look, layout, content, used):
        path = Path(layout.data_dir, "member", "snap", "db")
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        assert bool(look()["data"]["left"]) is used

    @pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
    @pytest.mark.parametrize("where", ["data_dir", "log_dir"])
    def test_that_its_data_cannot_be_read(self, look, layout, monkeypatch, number, where):
        dead, listdir = getattr(layout, where), os.listdir
        Path(layout.log_dir).mkdir(parents=True)

        def failing(path="."):
            if str(path) == dead:
                raise OSError(number, os.strerror(number), str(path))
            return listdir(path)

        monkeypatch.setattr(os, "listdir", failing)
        data = look()["data"]
        assert data["unreadable"] == f"{dead} cannot be read: {os.strerror(number)}."
        assert (data["log"], data["path"]) == (False, layout.data_dir)

    def test_data_that_were_moved_aside_are_not_somebody_elses(self, look, layout):
        Path(layout.data_dir, "member.removed-20261121T150405Z").mkdir(parents=True)
        Path(layout.data_dir, "member.old").mkdir()
        assert look()["data"]["foreign"] == ["member.old"]

    @needs_root
    def test_data_that_its_account_does_not_own(self, look, layout):
        segment = Path(layout.log_dir, "0.wal")
        segment.parent.mkdir(parents=True)
        segment.touch()
        assert (look()["data"]["not_its_own"], look()["data"]["owner"]) == ("", layout.user)
        os.chown(segment, 1, 1)
        assert look()["data"]["not_its_own"] == f"{segment} (daemon:daemon)"

    def test_what_an_interrupted_turn_has_replaced(self, look, layout):
        assert look()["previous"] is False
        Path(layout.state_dir).mkdir(parents=True)
        Path(rollback.path_of(layout)).touch()
        assert look()["previous"] is True

    @needs_root
    def test_whether_the_member_served_with_that(self, look, layout):
        Path(layout.state_dir).mkdir(parents=True)
        assert look()["previous_doubtful"] is False
        rollback.keep(layout, [], serves=False)
        assert look()["previous_doubtful"] is True
        Path(rollback.path_of(layout)).write_text("whoever needs it says that it cannot be read")
        assert look()["previous_doubtful"] is False

    def test_certificates_by_their_text_and_keys_by_their_checksum(self, look, tmp_path):
        (tmp_path / "etcd.pem").write_text("public")
        (tmp_path / "etcd-key.pem").write_text("secret")
        paths = [str(tmp_path / name) for name in ("etcd.pem", "etcd-key.pem")]
        seen = look(files=paths, certificates=[paths[0], str(tmp_path / "gone")])
        assert seen["certificates"] == {paths[0]: "public"}
        assert seen["files"][paths[1]]["exists"]
        assert "secret" not in str(seen)

    def test_the_record_of_the_last_start(self, look, layout):
        Path(layout.run_dir).mkdir(parents=True)
        Path(layout.run_dir, "started").write_text("ab12  /etc/etcd/etcd.conf\ncd34  /opt/with  blanks\n")
        assert look()["record"] == {"/etc/etcd/etcd.conf": "ab12", "/opt/with  blanks": "cd34"}

    def test_why_the_gate_refused(self, look, layout):
        Path(layout.run_dir).mkdir(parents=True)
        Path(layout.run_dir, "refused").write_text("A disk is missing.\n")
        assert look()["refused"] == "A disk is missing."

    def test_that_its_log_is_an_older_copy(self, look, layout):
        Path(layout.log_dir).mkdir(parents=True)
        Path(layout.log_dir, wal_segment.name(2)).write_bytes(wal_segment.segment())
        Path(layout.state_dir).mkdir(parents=True)
        known = f"{wal_segment.name(3)} {wal_segment.MEMBER:x} {wal_segment.CLUSTER:x}\n"
        Path(layout.newest_file).write_text(known)
        assert look()["data"]["older_than"] == wal_segment.name(3)
        Path(layout.log_dir, wal_segment.name(3)).write_bytes(wal_segment.segment())
        assert look()["data"]["older_than"] == ""

    def test_a_write_ahead_log_directory_that_is_a_mount_point(self, look, layout):
        assert look(replace(layout, wal_dir="/proc"))["data"]["wal_dir_is_mount"]
        assert not look(replace(layout, wal_dir="/proc/wal"))["data"]["wal_dir_is_mount"]

    def test_a_file_system_that_is_mounted_read_only(self, look, layout):
        rows = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        mounted = [row[1] for row in rows if "ro" in row[3].split(",") and os.path.isdir(row[1])]
        if not mounted:
            pytest.skip("no file system of this machine is mounted read-only")
        assert look(replace(layout, data_dir=f"{mounted[0]}/etcd"))["read_only"] == [f"{mounted[0]}/etcd"]


@needs_root
class TestWhatRuns:
    def unit(self, service_manager, layout, process):
        service_manager.units[layout.unit] = {"ActiveState": "active", "MainPID": str(process.pid)}

    def test_is_the_process_of_the_unit_whatever_the_files_say(self, look, layout, etcd, service_manager):
        process = etcd(ETCD_NAME="etcd-host0", ETCD_LISTEN_CLIENT_URLS="http://127.0.0.1:1")
        self.unit(service_manager, layout, process)
        runtime = look()["runtime"]
        assert (runtime["kind"], runtime["version"]) == ("systemd", "3.6.14")
        assert runtime["identity"]["pid"] == process.pid
        assert runtime["environment"]["ETCD_NAME"] == "etcd-host0"

    def test_is_still_known_after_its_release_was_removed(self, look, layout, etcd, service_manager):
        self.unit(service_manager, layout, etcd(ETCD_LISTEN_CLIENT_URLS="http://127.0.0.1:1"))
        shutil.rmtree(layout.install_dir)
        assert look()["runtime"]["version"] == "3.6.14"

    def test_and_does_not_answer_says_why(self, look, layout, etcd, service_manager):
        self.unit(service_manager, layout, etcd(ETCD_LISTEN_CLIENT_URLS="http://127.0.0.1:1"))
        cluster = look()["cluster"]
        assert cluster["serves"] is False
        assert "refused" in cluster["error"]

    def test_while_the_gate_works_is_nothing_yet(self, look, layout, service_manager):
        with subprocess.Popen(["sleep", "60"]) as gate:
            self.unit(service_manager, layout, gate)
            assert look()["runtime"] is None
            gate.kill()

    def test_without_a_unit_of_ours_is_a_stranger(self, look, etcd):
        process = etcd()
        found = [one for one in look()["strangers"] if one["pid"] == process.pid]
        assert found[0]["command"][1:] == ["60"]

    @pytest.mark.parametrize("in_releases, uses", [(True, False), (False, True)])
    def test_uses_a_link_of_ours_only_where_that_leads_to_a_program_of_somebody_else(
        self, look, layout, etcd, in_releases, uses
    ):
        """All instances of a machine run the releases that are there."""
        process = etcd()
        link = Path(layout.link("etcd"))
        link.symlink_to(layout.release_dir("3.6.14", "amd64") + "/etcd")
        at = layout if in_releases else replace(layout, install_dir=f"{layout.install_dir}-of-ours")
        (found,) = [one for one in look(on=at)["strangers"] if one["pid"] == process.pid]
        assert (str(link) in found["uses"]) is uses

    @pytest.mark.parametrize("held", [True, False])
    def test_has_the_log_open_that_is_at_its_path_or_not(self, look, layout, etcd, service_manager, monkeypatch, held):
        self.unit(service_manager, layout, etcd(ETCD_LISTEN_CLIENT_URLS="http://127.0.0.1:1"))
        monkeypatch.setattr(processes, "has_open", lambda paths: held)
        assert look()["data"]["held"] is held

    def test_on_a_port_of_interest_is_told(self, look):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert [one["pid"] for one in look(ports=[port])["ports"]] == [os.getpid()]


PANIC = """{"level":"info","msg":"raft.node: elected leader"}
{"level":"panic","msg":"tocommit(69) is out of range [lastIndex(41)]. Was the raft log corrupted, truncated, or lost?"}
panic: tocommit(69) is out of range [lastIndex(41)]. Was the raft log corrupted, truncated, or lost?

goroutine 186 [running]:
go.uber.org/zap/zapcore.CheckWriteAction.OnWrite(0x2?, 0x2?, {0x0?, 0x0?, 0xc0001f8000?})
"""


@needs_root
class TestAMemberThatEnds:
    ENDED = {"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "3"}

    def test_says_why_in_its_own_words(self, look, layout, service_manager):
        service_manager.units[layout.unit] = {"ActiveState": "failed", "SubState": "failed"}
        service_manager.journal = '{"level":"fatal","msg":"discovery failed","error":"no such host"}\n'
        seen = look()
        assert seen["unit"]["last_error"] == "discovery failed: no such host"
        assert seen["data"]["behind"] is False

    def test_because_its_disk_went_back_in_time_is_known_for_it(self, look, layout, service_manager):
        service_manager.units[layout.unit] = dict(self.ENDED)
        service_manager.journal = PANIC
        seen = look()
        assert "tocommit(69) is out of range" in seen["unit"]["last_error"]
        assert seen["data"]["behind"] is True

    @pytest.mark.parametrize(
        "error",
        [
            "walpb: crc mismatch: expected: db515401 computed: 13fd25e9: in file '0.wal' at position: 1152",
            "wal: crc mismatch",
            "failed to open database: invalid database",
        ],
    )
    def test_because_its_data_are_damaged_is_known_for_it(self, look, layout, service_manager, error):
        service_manager.units[layout.unit] = dict(self.ENDED)
        service_manager.journal = f'{{"level":"fatal","msg":"discovery failed","error":"{error}"}}\n'
        data = look()["data"]
        assert (data["damaged"], data["behind"]) == (True, False)

    def test_and_whose_log_does_not_say_whose_it_is_has_damaged_data(self, look, layout):
        """It is looked at all the same: it may be replaced, or taken out."""
        Path(layout.log_dir).mkdir(parents=True)
        Path(layout.log_dir, "0.wal").write_bytes(struct.pack("<Q", 24) + b"\xff" * 24)
        data = look()["data"]
        assert (data["log"], data["damaged"], data["member_id"], data["cluster_id"]) == (True, True, "", "")

    @pytest.mark.parametrize("state", [{"ActiveState": "active", "NRestarts": "3"}, {"ActiveState": "inactive"}])
    def test_once_and_serves_or_rests_by_now_is_no_matter(self, look, layout, service_manager, state):
        service_manager.units[layout.unit] = state
        service_manager.journal = PANIC
        seen = look()
        assert (seen["unit"]["last_error"], seen["data"]["behind"]) == ("", False)


@needs_root
class TestAMemberThatIsToBeForgotten:
    ID = "ca86ada95c07d5bb"

    @pytest.fixture
    def told(self, layout, etcd, service_manager, monkeypatch):
        """The member here tells of one other."""
        process = etcd(ETCD_LISTEN_CLIENT_URLS="http://127.0.0.1:1")
        service_manager.units[layout.unit] = {"ActiveState": "active", "MainPID": str(process.pid)}

        def tell(*peer_urls):
            view = View(members=[ClusterMember(self.ID, "etcd-host2", peer_urls)])
            monkeypatch.setattr(local_member, "of_process", lambda environment, layout, timeout: view)

        tell()
        return tell

    @pytest.mark.parametrize("named", ["etcd-host2", "ca86ada95c07d5bb"])
    def test_answers_if_anything_accepts_connections_for_it(self, look, told, named):
        with socket.create_server(("0.0.0.0", 0)) as listener:
            url = f"https://{network.default_address() or '127.0.0.2'}:{listener.getsockname()[1]}"
            told(url)
            assert look(forget=[named])["cluster"]["forgotten"] == {self.ID: {"url": url, "certain": False}}

    def test_is_silent_if_nothing_does(self, look, told):
        told("https://192.0.2.1:2380")
        assert look(forget=["etcd-host2"])["cluster"]["forgotten"] == {self.ID: None}

    @pytest.mark.parametrize("forget", [[], [""], ["etcd-host9"]])
    def test_is_not_asked_for_unless_it_is_named(self, look, told, forget):
        assert look(forget=forget)["cluster"]["forgotten"] == {}
