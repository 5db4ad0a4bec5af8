# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rendered gate itself, run by every POSIX shell of this machine: the table in docs/architecture.md, row by row."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import wal_segment
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, first_start, gate, yaml_file
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import DiscoveryV3
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ENV, MACHINE_ID_FILE, YAML
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layout_below import layout_below
from wal_segment import CLUSTER, MEMBER

SHELLS = [words for words in (["dash"], ["busybox", "sh"], ["bash", "--posix"]) if shutil.which(words[0])]
STATES = [None, markers.OFFERED, markers.NEVER_STARTED, markers.STARTING, markers.STARTED]
SETTINGS = 'ETCD_INITIAL_CLUSTER_STATE="new"\n'
# What else stands in a YAML file.
THE_REST = {
    "log-level": "info",
    "initial-cluster-state": "existing",
    "peer-trusted-ca-file": "/etc/etcd/ssl/peer-ca.pem",
    "trusted-ca-file": "/etc/etcd/ssl/ca.pem",
}
# The host's own: a unit has a namespace in which its directories are mount points.
KERNELS_TABLE = "/proc/1/mountinfo"
MOUNTINFO = "36 35 98:0 / {point} rw,noatime master:1 - ext4 /dev/sdb1 rw\n"


class Unit:
    """What systemd does with the gate of one member, and what an operator sees of it."""

    def __init__(self, shell, layout, directory):
        self.written = {}
        self.layout = layout
        self.shell = shell
        self.mountinfo = directory / "mountinfo"
        self.mountinfo.write_text(MOUNTINFO.format(point="/"))
        self.state_dir, self.run_dir = Path(layout.state_dir), Path(layout.run_dir)
        self.state_dir.mkdir(parents=True)
        self.conf_file = Path(layout.conf_file)
        self.conf_file.parent.mkdir(parents=True)
        if layout.config_format == ENV:
            self.conf_file.write_text('ETCD_NAME="etcd-host0"\n')
        self.script = directory / "gate"
        text = gate.render(layout, [layout.conf_file, f"{layout.conf_dir}/gone"])
        assert KERNELS_TABLE in text
        self.machine_id = directory / "machine-id"
        self.machine_id.write_text("a1\n")
        text = text.replace(KERNELS_TABLE, str(self.mountinfo))
        self.script.write_text(text.replace(MACHINE_ID_FILE, str(self.machine_id)))
        self.environment = {"PATH": "/usr/bin:/bin", "ETCD_DATA_DIR": layout.data_dir}

    def marker(self, state, **fields):
        if state is not None:
            (self.state_dir / "marker").write_text(markers.render(Marker(state, name="etcd-host0", **fields)))
        (self.state_dir / "bootstrap.env").write_text(SETTINGS)

    @property
    def log_dir(self):
        return Path(self.environment.get("ETCD_WAL_DIR", self.layout.log_dir))

    def log(self):
        self.log_dir.mkdir(parents=True, exist_ok=True)
        (self.log_dir / "0000000000000000-0000000000000000.wal").touch()

    def segment(self, sequence, member=MEMBER, cluster=CLUSTER, crc=7):
        """One more segment of the log, as etcd begins it."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        (self.log_dir / wal_segment.name(sequence)).write_bytes(wal_segment.segment(member, cluster, crc))

    def serve(self, *sequences, **ids):
        """Start, run until these segments are there, and end."""
        for sequence in sequences:
            self.segment(sequence, **ids)
        for when in ("before", "ready", "after"):
            assert self.run(when) == 0, self.said

    @property
    def known(self):
        path = Path(self.layout.newest_file)
        return path.read_text() if path.exists() else ""

    def run(self, when):
        environment = dict(self.environment)
        if self.layout.config_format == YAML:
            environment = self._with_file(environment)
        done = subprocess.run(
            [*self.shell, str(self.script), when], env=environment, capture_output=True, text=True, check=False
        )
        self.said = done.stderr
        return done.returncode

    def _with_file(self, environment):
        """What the environment says of places and names stands in the file instead."""
        named = {"data-dir": "ETCD_DATA_DIR", "wal-dir": "ETCD_WAL_DIR", "name": "ETCD_NAME"}
        settings = {flag: environment.pop(name) for flag, name in named.items() if name in environment}
        if settings != self.written:
            self.written = settings
            self.conf_file.write_text(yaml_file.render({**settings, **THE_REST}))
        return {**environment, env_file.SETTINGS_VARIABLE: str(self.conf_file)}

    @property
    def etcd_reads(self):
        """The settings that etcd would find."""
        path = Path(self.layout.started_file)
        return env_file.read(path.read_text()) if path.exists() else {}

    def starts(self):
        """Whether the gate lets the member start; where it does not, systemd runs what follows a failed start."""
        if self.run("before") == 0:
            return True
        said = self.said
        self.run("after")
        self.said = said
        return False

    def instead_of(self, tool, script):
        """A tool of the host that does something else."""
        tools = self.script.parent / "tools"
        tools.mkdir(exist_ok=True)
        (tools / tool).write_text(f"#!/bin/sh\n{script}\n")
        (tools / tool).chmod(0o755)
        self.environment["PATH"] = f"{tools}:/usr/bin:/bin"

    def power_cut(self):
        shutil.rmtree(self.run_dir, ignore_errors=True)

    @property
    def state(self):
        path = self.state_dir / "marker"
        return markers.parse(path.read_text()).state if path.exists() else None

    @property
    def published(self):
        path = self.run_dir / "bootstrap.env"
        return path.read_text() if path.exists() else ""

    @property
    def record(self):
        return (self.run_dir / "started").read_text()


@pytest.fixture(params=[ENV, YAML])
def layout(request, tmp_path):
    return replace(layout_below(tmp_path), config_format=request.param)


@pytest.fixture(params=SHELLS, ids=[words[0] for words in SHELLS])
def unit(request, layout, tmp_path):
    return Unit(request.param, layout, tmp_path)


@pytest.fixture(params=SHELLS, ids=[words[0] for words in SHELLS])
def reading(request, tmp_path):
    """A unit whose etcd reads a file."""
    return Unit(request.param, replace(layout_below(tmp_path), config_format=YAML), tmp_path)


class TestTheTable:
    @pytest.mark.parametrize("state", STATES)
    def test_without_a_log_only_a_member_that_never_started_starts(self, unit, state):
        unit.marker(state)
        assert unit.starts() is (state == markers.NEVER_STARTED)
        assert unit.state == (markers.STARTING if state == markers.NEVER_STARTED else state)

    @pytest.mark.parametrize("state", STATES)
    def test_with_a_log_only_a_member_that_has_started_starts(self, unit, state):
        unit.marker(state)
        unit.log()
        assert unit.starts() is (state in (markers.STARTING, markers.STARTED))
        assert unit.state == state

    @pytest.mark.parametrize("state", STATES)
    @pytest.mark.parametrize("log", [False, True])
    def test_the_settings_of_a_first_start_are_published_for_it_and_for_no_other(self, unit, state, log):
        unit.marker(state)
        unit.run_dir.mkdir(parents=True)
        (unit.run_dir / "bootstrap.env").write_text("left by somebody")
        if log:
            unit.log()
        unit.run("before")
        assert unit.published == (SETTINGS if state == markers.NEVER_STARTED and not log else "")

    def test_nothing_but_the_state_changes_in_the_marker(self, unit):
        marker = Marker(
            markers.NEVER_STARTED, name="etcd-host0", token="a=1", initial_cluster="a=http://b:1,c=http://d:2"
        )
        (unit.state_dir / "marker").write_text(markers.render(marker))
        (unit.state_dir / "bootstrap.env").write_text(SETTINGS)
        assert unit.starts()
        assert host_files.read_marker(unit.layout) == replace(marker, state=markers.STARTING)

    def test_a_log_directory_without_a_log_is_none(self, unit):
        """A first start that failed can leave directories."""
        unit.marker(markers.NEVER_STARTED)
        unit.log_dir.mkdir(parents=True)
        (unit.log_dir / "0.tmp").touch()
        assert unit.starts()

    def test_a_log_directory_of_its_own_is_where_the_log_is_looked_for(self, unit, tmp_path):
        unit.environment["ETCD_WAL_DIR"] = str(tmp_path / "wal" / "etcd")
        unit.marker(markers.STARTED)
        assert not unit.starts()
        unit.log()
        assert unit.starts()


class TestAFirstStart:
    def test_that_becomes_ready_has_started(self, unit):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        unit.log()
        assert unit.run("ready") == 0
        assert (unit.state, unit.published) == (markers.STARTED, "")

    def test_that_ends_without_a_log_never_was(self, unit):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        unit.run("after")
        assert (unit.state, unit.published, unit.said) == (markers.NEVER_STARTED, "", "")
        assert unit.starts(), "it may be tried again"

    @pytest.mark.parametrize("log", [False, True])
    def test_leaves_nothing_behind_where_it_was_published(self, unit, log):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        if log:
            unit.log()
        unit.run("after")
        assert {path.name for path in unit.run_dir.iterdir()} == {"marker.lock", "started"}

    def test_that_cannot_be_taken_back_is_said(self, unit):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        (unit.state_dir / "marker.gate").mkdir()
        unit.run("after")
        assert "marker could not be written" in unit.said
        assert unit.state == markers.STARTING

    def test_that_ends_with_a_log_goes_on_from_it(self, unit):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        unit.log()
        unit.run("after")
        assert unit.state == markers.STARTING
        assert unit.starts()
        assert unit.published == "", "etcd takes what it needs from its log"

    def test_that_a_power_cut_ended_is_never_forgotten(self, unit):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        unit.power_cut()
        assert not unit.starts()
        assert unit.state == markers.STARTING
        assert "its data are gone" in unit.said

    def test_that_left_a_log_is_not_forgotten_by_a_later_one_that_left_none(self, unit):
        """Whatever became of the end of the first, as when systemd itself was killed."""
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        unit.log()
        assert unit.starts()
        shutil.rmtree(unit.layout.data_dir)
        unit.run("after")
        assert unit.state == markers.STARTING

    def test_that_was_ready_is_never_forgotten(self, unit):
        """Not even where nobody could write that down."""
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        unit.log()
        unit.instead_of("mv", "exit 1")
        unit.run("ready")
        shutil.rmtree(unit.layout.data_dir)
        unit.environment["PATH"] = "/usr/bin:/bin"
        unit.run("after")
        assert unit.state == markers.STARTING

    def test_whose_disk_went_away_is_never_forgotten(self, unit, tmp_path):
        disk = str(tmp_path / "disk")
        unit.marker(markers.NEVER_STARTED, mounts=(disk,))
        unit.mountinfo.write_text(MOUNTINFO.format(point=disk))
        assert unit.starts()
        unit.mountinfo.write_text("")
        unit.run("after")
        assert unit.state == markers.STARTING, "its log may be on the disk"

    def test_does_not_begin_without_its_settings(self, unit):
        unit.marker(markers.NEVER_STARTED)
        (unit.state_dir / "bootstrap.env").unlink()
        assert not unit.starts()
        assert "bootstrap.env is missing" in unit.said
        assert unit.state == markers.NEVER_STARTED

    def test_does_not_begin_where_the_marker_cannot_be_written(self, unit):
        unit.marker(markers.NEVER_STARTED)
        (unit.state_dir / "marker.gate").mkdir()
        assert not unit.starts()
        assert "marker cannot be written" in unit.said
        assert (unit.state, unit.published) == (markers.NEVER_STARTED, "")

    def test_may_be_tried_again_where_its_settings_could_not_be_published(self, unit):
        unit.marker(markers.NEVER_STARTED)
        settings = unit.state_dir / "bootstrap.env"
        settings.unlink()
        settings.mkdir()
        assert not unit.starts()
        assert unit.state == markers.NEVER_STARTED
        settings.rmdir()
        settings.write_text(SETTINGS)
        assert unit.starts()

    def test_is_on_the_disk_before_the_member_runs(self, unit, tmp_path):
        """A power cut must not take the memory of it and leave what others know of the member."""
        told = tmp_path / "told"
        unit.instead_of("sync", f'echo "sync $*" >>{told}')
        unit.instead_of("mv", f'echo "mv $*" >>{told}; exec /bin/mv "$@"')
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        marker = unit.state_dir / "marker"
        assert [line for line in told.read_text().splitlines() if str(unit.run_dir) not in line] == [
            f"sync {marker}.gate",
            f"mv {marker}.gate {marker}",
            f"sync {unit.state_dir}",
        ]

    @pytest.mark.parametrize("tool", ["sync", "mv"])
    def test_does_not_begin_where_the_disk_would_not_take_it(self, unit, tool):
        unit.instead_of(tool, "exit 1")
        unit.marker(markers.NEVER_STARTED)
        assert not unit.starts()
        assert unit.state == markers.NEVER_STARTED

    def test_leaves_settings_that_only_root_reads(self, unit):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        assert (unit.run_dir / "bootstrap.env").stat().st_mode & 0o077 == 0
        assert (unit.state_dir / "marker").stat().st_mode & 0o077 == 0


class TestAMemberThatHasRun:
    def test_and_restarts_stays_what_it_is(self, unit):
        unit.marker(markers.STARTED)
        unit.log()
        for when in ("before", "ready", "after", "before"):
            assert unit.run(when) == 0
        assert unit.state == markers.STARTED

    def test_and_lost_its_log_stays_down_also_after_it_ended(self, unit):
        unit.marker(markers.STARTED)
        unit.log()
        assert unit.starts()
        assert unit.run("ready") == 0
        shutil.rmtree(unit.layout.data_dir)
        unit.run("after")
        assert unit.state == markers.STARTED
        assert not unit.starts()
        assert "run the playbook: it says what is safe" in unit.said

    def test_runs_on_where_the_marker_cannot_be_written_and_says_so(self, unit):
        unit.marker(markers.STARTING)
        unit.log()
        (unit.state_dir / "marker.gate").mkdir()
        assert unit.run("ready") == 0
        assert "could not be written" in unit.said
        (unit.state_dir / "marker.gate").rmdir()
        assert unit.run("ready") == 0
        assert unit.state == markers.STARTED


class TestAMemberOfAClusterThatIsRestoredOrRecovered:
    @pytest.mark.parametrize("log", [False, True])
    @pytest.mark.parametrize(
        "state, playbook", [(markers.RESTORE_PENDING, "restore.yml"), (markers.RECOVERY_PENDING, "recover.yml")]
    )
    def test_does_not_start_while_that_is_under_way(self, unit, state, playbook, log):
        unit.marker(state, before=markers.STARTED, token="a", next_token="b")
        if log:
            unit.log()
        assert not unit.starts()
        assert f"Run {playbook} again" in unit.said
        assert (unit.state, unit.published) == (state, "")

    def test_starts_from_restored_data_and_stays_restored_until_they_are_verified(self, unit):
        unit.marker(markers.RESTORED)
        assert not unit.starts()
        assert "its data are gone" in unit.said
        unit.log()
        for when in ("before", "ready", "after", "before"):
            assert unit.run(when) == 0
        assert unit.state == markers.RESTORED


class TestAMemberThatLeaves:
    def test_runs_on_until_it_is_removed(self, unit):
        unit.marker(markers.LEAVING)
        unit.log()
        assert unit.starts()

    @pytest.mark.parametrize("state", [markers.LEAVING, markers.REMOVED])
    def test_does_not_start_without_its_log_and_is_told_how_to_come_back(self, unit, state):
        unit.marker(state)
        assert not unit.starts()
        assert f"was taken out of its cluster (the marker says '{state}')" in unit.said


class TestMountPoints:
    @pytest.mark.parametrize("state", [markers.NEVER_STARTED, markers.STARTED])
    def test_a_missing_mount_keeps_the_member_down_until_it_returns(self, unit, tmp_path, state):
        disks = (str(tmp_path / "data"), str(tmp_path / "wal"))
        both = "".join(MOUNTINFO.format(point=disk) for disk in disks)
        unit.marker(state, mounts=disks)
        if state == markers.STARTED:
            unit.log()
        for missing in disks:
            unit.mountinfo.write_text(both.replace(missing, "/elsewhere"))
            assert not unit.starts()
            assert f"{missing} was a mount point" in unit.said
            assert unit.state == state
        unit.mountinfo.write_text(both)
        assert unit.starts()

    def test_the_first_that_is_missing_is_named(self, unit, tmp_path):
        unit.marker(markers.NEVER_STARTED, mounts=("/one", "/two"))
        assert not unit.starts()
        (line,) = unit.said.splitlines()
        assert "/one was a mount point" in line

    def test_a_path_with_an_equals_sign_can_be_one(self, unit, tmp_path):
        disk = str(tmp_path / "a=b")
        unit.marker(markers.NEVER_STARTED, mounts=(disk,))
        unit.mountinfo.write_text(MOUNTINFO.format(point=disk))
        assert unit.starts()

    def test_a_longer_path_is_another_mount_point(self, unit, tmp_path):
        unit.marker(markers.NEVER_STARTED, mounts=("/data",))
        unit.mountinfo.write_text(MOUNTINFO.format(point="/data2") + MOUNTINFO.format(point="/srv/data"))
        assert not unit.starts()

    def test_the_kernels_own_table_is_understood(self, unit, tmp_path):
        script = unit.script.read_text().replace(str(unit.mountinfo), KERNELS_TABLE)
        unit.script.write_text(script)
        unit.marker(markers.NEVER_STARTED, mounts=(str(tmp_path),))
        assert not unit.starts()
        unit.marker(markers.NEVER_STARTED, mounts=("/proc",))
        assert unit.starts()

    def test_of_data_that_were_moved_the_way_out_is_named(self, unit):
        unit.environment["ETCD_NAME"] = "etcd-host0"
        unit.marker(markers.STARTED, mounts=("/data",))
        unit.segment(0)
        assert not unit.starts()
        assert unit.said.endswith(
            f"If the data were moved for good, and {unit.log_dir} holds the newest: ansible-playbook "
            "quorum.etcd.etcd -i INVENTORY -e etcd_accept_mounts=etcd-host0\n"
        )

    @pytest.mark.parametrize("log", [False, True])
    def test_below_which_no_data_or_old_ones_lie_cannot_be_given_up(self, unit, log):
        unit.marker(markers.STARTED)
        unit.serve(3)
        shutil.rmtree(unit.layout.data_dir)
        unit.marker(markers.STARTED, mounts=("/data",))
        if log:
            unit.segment(2)
        assert not unit.starts()
        assert "/data was a mount point" in unit.said
        assert "etcd_accept_mounts" not in unit.said


class TestAnOlderLog:
    """A copy that lay below a mount point, or a disk that went back in time alone."""

    def test_does_not_start_and_its_segments_are_named(self, unit):
        unit.marker(markers.STARTED)
        unit.serve(0, 1, 0x1F)
        (unit.log_dir / wal_segment.name(0x1F)).unlink()
        assert not unit.starts()
        assert f"is {wal_segment.name(1)}, and this member had {wal_segment.name(0x1F)} already" in unit.said
        assert "run the playbook: it says what is safe" in unit.said

    def test_is_told_by_what_was_there_when_the_member_was_ready(self, unit):
        unit.marker(markers.STARTED)
        unit.segment(1)
        assert unit.starts()
        assert unit.run("ready") == 0
        (unit.log_dir / wal_segment.name(1)).unlink()
        unit.segment(0)
        unit.power_cut()
        assert not unit.starts()

    def test_is_told_by_what_was_there_when_the_member_ended(self, unit):
        unit.marker(markers.STARTED)
        unit.segment(0)
        assert unit.starts()
        assert unit.run("ready") == 0
        unit.segment(1)
        assert unit.run("after") == 0
        (unit.log_dir / wal_segment.name(1)).unlink()
        assert not unit.starts()

    def test_does_not_become_the_newest_for_having_been_refused(self, unit):
        unit.marker(markers.STARTED)
        unit.serve(0, 1)
        (unit.log_dir / wal_segment.name(1)).unlink()
        for _again in range(2):
            assert not unit.starts()
        unit.segment(1)
        assert unit.starts()

    def test_is_not_one_whose_oldest_segments_were_purged(self, unit):
        unit.marker(markers.STARTED)
        unit.serve(0, 1, 2)
        for old in (0, 1):
            (unit.log_dir / wal_segment.name(old)).unlink()
        assert unit.starts()

    @pytest.mark.parametrize("other", [{"member": 5}, {"cluster": 5}])
    def test_is_not_one_of_a_member_that_was_made_anew(self, unit, other):
        """It joined again under another ID, or was restored from a snapshot."""
        unit.marker(markers.STARTED)
        unit.serve(0, 7)
        shutil.rmtree(unit.log_dir)
        unit.serve(0, **other)
        assert unit.known.startswith(wal_segment.name(0))

    def test_of_others_is_not_taken_for_the_own_one_after_a_refused_start(self, unit):
        unit.marker(markers.STARTED, member_id=f"{MEMBER:x}")
        unit.serve(0, 1)
        known = unit.known
        shutil.rmtree(unit.log_dir)
        unit.segment(0, member=5)
        assert not unit.starts()
        assert unit.known == known

    def test_is_not_told_by_what_lies_below_a_missing_disk(self, unit, tmp_path):
        unit.marker(markers.STARTED, mounts=("/data",))
        unit.mountinfo.write_text(MOUNTINFO.format(point="/data"))
        unit.segment(0)
        assert unit.starts()
        unit.mountinfo.write_text("")
        assert unit.run("ready") == 0
        assert unit.known == ""

    @pytest.mark.parametrize("known", ["", "not a segment", f"{wal_segment.name(9)} 1 2\n", "zzzz 8e9e05c52164694d"])
    def test_is_not_told_by_what_nobody_can_read(self, unit, known):
        Path(unit.layout.newest_file).write_text(known)
        unit.marker(markers.STARTED)
        unit.serve(0)
        assert unit.known == f"{wal_segment.name(0)} {MEMBER:x} {CLUSTER:x}\n"

    def test_that_cannot_be_read_starts_as_before(self, unit):
        unit.marker(markers.STARTED, member_id="1")
        unit.log()
        unit.serve()
        assert unit.known == ""

    def test_is_written_down_whole_and_after_the_log_itself(self, unit, tmp_path):
        told = tmp_path / "told"
        unit.marker(markers.STARTED)
        unit.segment(0)
        assert unit.starts()
        unit.instead_of("sync", f'echo "sync $*" >>{told}')
        unit.instead_of("mv", f'echo "mv $*" >>{told}; exec /bin/mv "$@"')
        assert unit.run("ready") == 0
        newest = unit.layout.newest_file
        assert told.read_text().splitlines() == [
            f"sync {unit.log_dir}",
            f"sync {newest}.gate",
            f"mv {newest}.gate {newest}",
            f"sync {unit.state_dir}",
        ]
        told.unlink()
        assert unit.run("after") == 0
        assert not told.exists(), "nothing is new"

    def test_is_not_known_where_the_log_could_not_be_synced(self, unit):
        unit.marker(markers.STARTED)
        unit.segment(0)
        assert unit.starts()
        unit.instead_of("sync", "exit 1")
        assert unit.run("ready") == 0
        assert unit.known == ""
        assert "could not be written" in unit.said


class TestTheDataOfAnother:
    def test_do_not_start(self, unit):
        unit.marker(markers.STARTED, member_id="abc")
        unit.segment(0)
        assert not unit.starts()
        assert f"{unit.log_dir} holds the data of member {MEMBER:x}, and this host's member is abc" in unit.said

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.integers(1, 2**64 - 1), st.integers(1, 2**64 - 1), st.integers(0, 2**32 - 1))
    def test_are_never_taken_for_it_whatever_the_ids(self, unit, member, cluster, crc):
        unit.marker(markers.STARTED, member_id=f"{member:x}")
        unit.segment(0, member, cluster, crc)
        assert unit.starts(), unit.said
        unit.run("ready")
        assert unit.known == f"{wal_segment.name(0)} {member:x} {cluster:x}\n"
        unit.marker(markers.STARTED, member_id=f"{member ^ 1 << 63 or 1:x}")
        assert not unit.starts()

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.binary(max_size=200) | st.binary(max_size=64).map(lambda tail: wal_segment.segment()[:36] + tail))
    def test_are_not_seen_in_a_segment_that_cannot_be_read(self, unit, content):
        unit.marker(markers.STARTED)
        unit.log_dir.mkdir(parents=True, exist_ok=True)
        (unit.log_dir / wal_segment.name(0)).write_bytes(content)
        assert unit.starts()
        assert unit.said == ""


class TestAnotherMachine:
    """A virtual machine that was cloned with its disk."""

    @pytest.mark.parametrize("state", [markers.NEVER_STARTED, markers.STARTED])
    def test_does_not_start_the_member(self, unit, state):
        unit.marker(state, machine_id="b2")
        if state == markers.STARTED:
            unit.segment(0)
        assert not unit.starts()
        assert "The machine ID is a1, and this member was set up on b2." in unit.said
        assert ("-e etcd_accept_machine=" in unit.said) is (state == markers.STARTED)

    @pytest.mark.parametrize("known", ["a1", "", "uninitialized"])
    def test_is_not_the_same_one_and_not_one_that_nobody_knows(self, unit, known):
        unit.marker(markers.STARTED, machine_id=known)
        unit.serve(0)

    @pytest.mark.parametrize("here", ["", "uninitialized\n", None])
    def test_is_not_one_without_an_id(self, unit, here):
        unit.machine_id.unlink() if here is None else unit.machine_id.write_text(here)
        unit.marker(markers.STARTED, machine_id="b2")
        unit.serve(0)

    def test_is_not_one_that_gets_a_new_id_at_each_boot(self, unit):
        """systemd mounts such an ID over the file (machine-id(5))."""
        unit.mountinfo.write_text(MOUNTINFO.format(point=unit.machine_id))
        unit.marker(markers.STARTED, machine_id="b2")
        unit.serve(0)


class TestALeftoverOfARescue:
    @pytest.mark.parametrize("log", [False, True])
    def test_in_the_environment_keeps_the_member_down(self, unit, log):
        unit.environment["ETCD_FORCE_NEW_CLUSTER"] = "true"
        unit.marker(markers.STARTED if log else markers.NEVER_STARTED)
        if log:
            unit.log()
        assert not unit.starts()
        assert "ETCD_FORCE_NEW_CLUSTER in its environment, which drops all other members" in unit.said
        assert unit.said.endswith("Remove it, then: systemctl daemon-reload\n")

    @pytest.mark.parametrize("text", ["", "0", "false", "F"])
    def test_that_says_no_is_none(self, unit, text):
        unit.environment["ETCD_FORCE_NEW_CLUSTER"] = text
        unit.marker(markers.STARTED)
        unit.serve(0)

    @pytest.mark.parametrize(
        "line, starts",
        [
            ("ExecStart=/opt/etcd --force-new-cluster", False),
            ("ExecStart=/opt/etcd -force-new-cluster=true --name=a", False),
            ("ExecStart=/opt/etcd --force-new-cluster=false", True),
            ("# ExecStart=/opt/etcd --force-new-cluster", True),
            ("Nice=5", True),
        ],
    )
    @pytest.mark.parametrize("drop_in", [True, False])
    def test_in_the_command_line_keeps_the_member_down(self, unit, layout, line, starts, drop_in):
        path = Path(f"{layout.unit_file}.d/rescue.conf" if drop_in else layout.unit_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[Service]\n{line}")
        unit.marker(markers.STARTED)
        unit.segment(0)
        assert unit.starts() is starts
        assert (f"--force-new-cluster in {path}" in unit.said) is not starts


class TestTheSettingsOfAFirstStart:
    def test_are_gone_once_the_member_is_ready(self, unit):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        assert (unit.state_dir / "bootstrap.env").exists(), "a start that leaves no log is made once more"
        unit.segment(0)
        assert unit.run("ready") == 0
        assert not (unit.state_dir / "bootstrap.env").exists()

    def test_stay_where_the_start_came_to_nothing(self, unit):
        unit.marker(markers.NEVER_STARTED)
        assert unit.starts()
        assert unit.run("after") == 0
        assert unit.state == markers.NEVER_STARTED
        assert unit.starts()
        assert unit.published == SETTINGS


class TestWhatEtcdReads:
    """Where that is a file: of the environment etcd then reads nothing."""

    FIRST = 'ETCD_INITIAL_CLUSTER="a=http://h:1,b=http://i:2"\nETCD_INITIAL_CLUSTER_STATE="new"\n'

    def test_is_the_settings_file_with_no_word_of_a_first_start(self, reading):
        reading.marker(markers.STARTED)
        reading.serve(0)
        with reading.conf_file.open("a") as stream:
            stream.write('initial-cluster: "a=http://h:1"\ninitial-cluster-state: "new"\n')
        assert reading.starts()
        assert reading.etcd_reads["ETCD_LOG_LEVEL"] == "info"
        assert reading.etcd_reads["ETCD_PEER_TRUSTED_CA_FILE"] == "/etc/etcd/ssl/peer-ca.pem"
        assert "ETCD_INITIAL_CLUSTER" not in reading.etcd_reads
        assert reading.etcd_reads["ETCD_INITIAL_CLUSTER_STATE"] == "existing"

    @pytest.mark.parametrize("token", ["", "etcd_cluster-01"])
    def test_has_the_settings_of_a_first_start_once(self, reading, token):
        reading.marker(markers.NEVER_STARTED)
        more = f'ETCD_INITIAL_CLUSTER_TOKEN="{token}"\n' if token else ""
        (reading.state_dir / "bootstrap.env").write_text(self.FIRST + more)
        assert reading.starts()
        first = {name: value for name, value in reading.etcd_reads.items() if name.startswith("ETCD_INITIAL")}
        assert first == env_file.read(self.FIRST + more)
        reading.segment(0)
        assert reading.run("ready") == 0
        reading.run("after")
        assert reading.etcd_reads == {}, "no start but that of the gate finds it"
        assert reading.starts()
        assert "ETCD_INITIAL_CLUSTER" not in reading.etcd_reads

    def test_has_a_discovery_service_once_and_no_password_for_longer(self, reading):
        source = DiscoveryV3(endpoints=("https://10.0.0.9:2379",), token="t1", user="finder", has_password=True)
        reading.marker(markers.NEVER_STARTED)
        first = first_start.render(source, "a=http://h:1", "t1", 6, True, 'S3cret "$`')
        (reading.state_dir / "bootstrap.env").write_text(first)
        assert reading.starts()
        read = yaml.safe_load(Path(reading.layout.started_file).read_text())
        assert read["discovery-config"]["client"]["auth"] == {"username": "finder", "password": 'S3cret "$`'}
        assert (read["initial-cluster-state"], "initial-cluster" in read) == ("new", False)
        before = reading.etcd_reads
        reading.segment(0)
        assert reading.run("ready") == 0
        after = reading.etcd_reads
        assert {name for name in before if name not in after} == {"ETCD_DISCOVERY_CONFIG"}
        assert all(after[name] == before[name] for name in after), "it stays the record of what the process has read"
        assert oct(Path(reading.layout.started_file).stat().st_mode & 0o777) == "0o640"
        assert not [
            path for path in reading.script.parent.rglob("*") if path.is_file() and b"S3cret" in path.read_bytes()
        ]

    @pytest.mark.parametrize(
        "line", ['discovery: "http://h/t"', 'discovery-srv: "example.com"', "Discovery-Config: {}"]
    )
    def test_takes_no_discovery_from_its_settings(self, reading, line):
        reading.marker(markers.STARTED)
        reading.serve(0)
        with reading.conf_file.open("a") as stream:
            stream.write(f"{line}\n")
        assert reading.starts()
        names = yaml.safe_load(Path(reading.layout.started_file).read_text())
        assert not [name for name in names if "discovery" in name.lower()]

    @pytest.mark.parametrize("end", ["---", "..."])
    def test_says_it_in_the_document_that_etcd_reads(self, reading, end):
        """etcd reads the first one of a file only, and takes a state that is not there for new."""
        reading.marker(markers.STARTED)
        reading.serve(0)
        assert reading.starts()
        with reading.conf_file.open("a") as stream:
            stream.write(f"{end}\nlog-level: debug")
        assert reading.starts()
        first = next(yaml.safe_load_all(Path(reading.layout.started_file).read_text()))
        assert first["initial-cluster-state"] == "existing"

    def test_has_of_a_first_start_no_word_of_the_units_environment(self, reading):
        reading.marker(markers.NEVER_STARTED)
        (reading.state_dir / "bootstrap.env").write_text(self.FIRST)
        reading.environment["ETCD_INITIAL_CLUSTER_TOKEN"] = "of-a-drop-in"
        assert reading.starts()
        assert "ETCD_INITIAL_CLUSTER_TOKEN" not in reading.etcd_reads

    def test_is_never_a_part_of_its_settings(self, reading):
        """Without the rest a member would ask its clients for no certificate."""
        reading.marker(markers.STARTED)
        reading.serve(0)
        reading.instead_of("grep", "case $* in *initial*) echo 'name: \"m0\"'; exit 2 ;; esac; exit 1")
        assert not reading.starts()
        assert "cannot be written" in reading.said
        assert reading.etcd_reads == {}

    def test_is_left_by_no_start_that_was_refused(self, reading):
        reading.marker(markers.STARTED)
        reading.log()
        assert reading.starts()
        shutil.rmtree(reading.layout.data_dir)
        assert not reading.starts()
        assert reading.etcd_reads == {}

    def test_is_for_its_group_alone(self, reading):
        reading.marker(markers.STARTED)
        reading.log()
        assert reading.starts()
        path = Path(reading.layout.started_file)
        assert oct(path.stat().st_mode & 0o777) == "0o640"
        assert oct(path.parent.stat().st_mode & 0o777) == "0o755", "etcd finds it as its own user"

    def test_cannot_be_written_and_the_member_never_started(self, reading):
        reading.marker(markers.NEVER_STARTED)
        reading.instead_of("chgrp", "exit 1")
        assert not reading.starts()
        assert "cannot be written" in reading.said
        assert reading.state == markers.NEVER_STARTED

    def test_is_whole_or_there_is_no_start(self, reading):
        reading.marker(markers.NEVER_STARTED)
        reading.instead_of("grep", "exit 2")
        assert not reading.starts()
        assert "cannot be written" in reading.said
        assert (reading.state, reading.etcd_reads) == (markers.NEVER_STARTED, {})

    @pytest.mark.parametrize("text", ["", "data-dir: /var/lib/etcd\n", '"data-dir": "/var/lib/etcd"\n'])
    def test_does_not_say_where_the_data_are_as_we_write_it(self, reading, text):
        reading.marker(markers.STARTED)
        reading.log()
        assert reading.starts()
        reading.conf_file.write_text(text)
        assert not reading.starts()
        assert f"{reading.conf_file} does not say data-dir" in reading.said

    def test_is_gone_and_a_first_start_is_not_forgotten(self, reading):
        """Without it nobody knows where the log is."""
        reading.marker(markers.NEVER_STARTED)
        assert reading.starts()
        reading.segment(0)
        reading.conf_file.unlink()
        Path(reading.layout.started_file).unlink()
        reading.run("after")
        assert reading.state == markers.STARTING

    def test_counts_once_it_runs_and_not_what_was_written_since(self, reading):
        reading.marker(markers.NEVER_STARTED)
        assert reading.starts()
        reading.segment(4)
        text = reading.conf_file.read_text()
        reading.conf_file.write_text(text.replace(reading.layout.data_dir, "/elsewhere"))
        assert reading.run("ready") == 0
        assert reading.known.startswith(wal_segment.name(4))

    @pytest.mark.parametrize(
        "line, starts",
        [
            ("force-new-cluster: true", False),
            ("force-new-cluster: yes", False),
            ('"force-new-cluster" : True', False),
            ("force-new-cluster: true # not false", False),
            ("force-new-cluster: false", True),
            ("force-new-cluster:   False # not true", True),
            ("Force-New-Cluster: true", False),
            ("force-new-cluster: true  # false again after the rescue", False),
            ("force-new-cluster: false  # was true", True),
            ("# force-new-cluster: true", True),
        ],
    )
    def test_drops_no_other_members(self, reading, line, starts):
        reading.marker(markers.STARTED)
        reading.serve(0)
        with reading.conf_file.open("a") as stream:
            stream.write(line)
        assert reading.starts() is starts
        assert (f"force-new-cluster in {reading.conf_file}" in reading.said) is not starts

    def test_names_the_bundle_by_which_peers_are_judged(self, reading, tmp_path):
        bundle = tmp_path / "bundle.pem"
        bundle.write_text("peers")
        reading.marker(markers.STARTED)
        reading.serve(0)
        reading.conf_file.write_text(reading.conf_file.read_text().replace("/etc/etcd/ssl/peer-ca.pem", str(bundle)))
        assert reading.starts()
        assert Path(reading.layout.peer_bundle).read_text() == "peers"


class TestWhatItSays:
    def test_each_reason_once(self, unit):
        unit.marker(markers.OFFERED)
        assert not unit.starts()
        (line,) = unit.said.splitlines()
        assert line.startswith("quorum.etcd gate: this member is not started. ")
        assert "not agreed on by all hosts" in line
        assert not unit.starts()
        assert unit.said == ""

    def test_another_reason_again(self, unit):
        unit.marker(markers.OFFERED)
        assert not unit.starts()
        unit.marker(markers.STARTED)
        assert not unit.starts()
        assert "its data are gone" in unit.said

    def test_the_same_reason_again_after_a_start(self, unit):
        unit.marker(markers.STARTED)
        assert not unit.starts()
        unit.log()
        assert unit.starts()
        shutil.rmtree(unit.layout.data_dir)
        assert not unit.starts()
        assert "its data are gone" in unit.said

    def test_that_a_log_is_not_this_members(self, unit):
        unit.marker(markers.NEVER_STARTED)
        unit.log()
        assert not unit.starts()
        assert "these data are not this member's" in unit.said

    def test_that_there_is_no_marker(self, unit):
        unit.log()
        assert not unit.starts()
        assert "There is no marker" in unit.said

    @pytest.mark.parametrize("text", ["", "FORMAT=2\nSTATE=started\n", "STATE=started\n", "FORMAT=1"])
    def test_that_the_marker_is_of_another_format(self, unit, text):
        unit.log()
        (unit.state_dir / "marker").write_text(text)
        assert not unit.starts()
        assert "another format" in unit.said

    def test_that_no_data_directory_is_set(self, unit):
        unit.marker(markers.NEVER_STARTED)
        del unit.environment["ETCD_DATA_DIR"]
        assert not unit.starts()
        assert "data-dir" in unit.said.lower().replace("_", "-")
        assert unit.state == markers.NEVER_STARTED

    def test_how_it_is_called(self, unit):
        assert unit.run("start") == 2
        assert "usage" in unit.said

    def test_in_the_words_that_a_module_reads(self, unit, layout):
        unit.marker(markers.STARTED)
        assert not unit.starts()
        assert "its data are gone" in host_files.read_text(f"{layout.run_dir}/refused")

    def test_nothing_where_nothing_is_wrong(self, unit):
        unit.marker(markers.NEVER_STARTED)
        for when in ("before", "ready", "after"):
            assert unit.run(when) == 0
            assert unit.said == ""


class TestTheRecord:
    def test_holds_the_checksums_of_what_is_read_at_a_start(self, unit):
        unit.marker(markers.STARTED)
        unit.log()
        assert unit.starts()
        digest = hashlib.sha256(unit.conf_file.read_bytes()).hexdigest()
        assert host_files.read_record(unit.layout, "") == {str(unit.conf_file): digest}

    def test_counts_for_the_process_of_that_start_only(self, unit):
        """A start that failed leaves one behind, and the process that goes on instead never read those files."""
        unit.marker(markers.STARTED)
        unit.log()
        unit.environment["INVOCATION_ID"] = "0a1b"
        assert unit.starts()
        assert host_files.read_record(unit.layout, "0a1b")[str(unit.conf_file)]
        assert host_files.read_record(unit.layout, "2c3d") == {}
        assert host_files.read_record(unit.layout, "") == {}

    def test_of_a_former_gate_names_no_start_and_counts(self, unit):
        unit.run_dir.mkdir(parents=True)
        (unit.run_dir / "started").write_text("ab12  /etc/etcd/etcd.conf\n")
        assert host_files.read_record(unit.layout, "0a1b") == {"/etc/etcd/etcd.conf": "ab12"}

    def test_of_a_refused_start_does_not_replace_that_of_the_last_one(self, unit):
        unit.marker(markers.STARTED)
        unit.log()
        assert unit.starts()
        before = unit.record
        unit.conf_file.write_text("changed")
        shutil.rmtree(unit.layout.data_dir)
        assert not unit.starts()
        assert unit.record == before


class TestAMemberThatIsReadyOrHasEnded:
    """systemd would stop a member that has just begun to serve."""

    @pytest.mark.parametrize("when", ["ready", "after"])
    def test_is_not_told_that_it_failed_where_a_module_holds_the_marker(self, unit, layout, when):
        unit.marker(markers.STARTING)
        unit.run_dir.mkdir(parents=True)
        with open(f"{layout.run_dir}/marker.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unit.script.write_text(unit.script.read_text().replace("flock -w 30", "flock -n"))
            assert unit.run(when) == 0
        assert "held" in unit.said
        assert not (unit.run_dir / "refused").exists()

    @pytest.mark.parametrize("when", ["ready", "after"])
    @pytest.mark.parametrize("in_the_way", ["run_dir", "lock", "marker"])
    def test_is_not_told_that_it_failed_where_nothing_can_be_written(self, unit, when, in_the_way):
        if in_the_way == "run_dir":
            unit.run_dir.parent.mkdir(parents=True, exist_ok=True)
            unit.run_dir.touch()
        elif in_the_way == "lock":
            (unit.run_dir / "marker.lock").mkdir(parents=True)
        assert unit.run(when) == 0


def test_it_waits_for_a_module_that_holds_the_marker(unit, layout):
    """Both take the same lock, so neither sees the other's half."""
    unit.marker(markers.NEVER_STARTED)
    unit.run_dir.mkdir(parents=True)
    with open(f"{layout.run_dir}/marker.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unit.script.write_text(unit.script.read_text().replace("flock -w 30", "flock -n"))
        assert not unit.starts()
        assert "held" in unit.said
        assert unit.state == markers.NEVER_STARTED


def test_a_module_that_holds_the_marker_for_a_moment_only_delays_it(unit, layout):
    unit.marker(markers.NEVER_STARTED)
    unit.run_dir.mkdir(parents=True)
    with open(f"{layout.run_dir}/marker.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        release = threading.Timer(0.3, fcntl.flock, (lock, fcntl.LOCK_UN))
        release.start()
        assert unit.starts()
        release.join()


@pytest.mark.parametrize("in_the_way", ["run_dir", "lock"])
def test_no_member_starts_where_the_gate_cannot_work(unit, in_the_way):
    """To systemd a gate that ends well has let the member through."""
    unit.marker(markers.NEVER_STARTED)
    if in_the_way == "lock":
        (unit.run_dir / "marker.lock").mkdir(parents=True)
    else:
        unit.run_dir.parent.mkdir(parents=True)
        unit.run_dir.touch()
    assert unit.run("before") != 0
    assert unit.state == markers.NEVER_STARTED


def test_a_marker_that_the_gate_wrote_is_one_that_a_module_reads(unit, layout):
    unit.marker(markers.NEVER_STARTED)
    assert unit.starts()
    marker = host_files.read_marker(layout)
    assert marker == Marker(markers.STARTING, name="etcd-host0")
    with pytest.raises(Refused, match="cannot follow"):
        marker.becoming(markers.NEVER_STARTED)


def test_shellcheck_has_nothing_to_say(layout, tmp_path):
    assert shutil.which("shellcheck"), "shellcheck is missing: `make deps` installs it"
    script = tmp_path / "gate"
    script.write_text(gate.render(layout, [layout.conf_file]))
    done = subprocess.run(["shellcheck", "--shell=sh", str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
