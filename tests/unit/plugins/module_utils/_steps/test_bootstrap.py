# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import wal_segment
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, peer_probe
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import bootstrap
from ansible_collections.quorum.etcd.plugins.module_utils._steps.bootstrap import Offer

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root writes a member's files")

OFFERED = Marker(markers.OFFERED, cluster="etcd_cluster", name="etcd-host0", token="t", initial_cluster="a=http://b:1")


def content(layout, settings="ETCD_NAME=a\n"):
    """The settings alone."""
    file = {"path": layout.conf_file, "content": settings, "mode": "0640", "owner": "root", "group": layout.group}
    return Content([file], {}, {}, {})


@pytest.fixture
def write(service_manager, layout):
    def write(sent=None, expected=None, wanted=OFFERED, listen=(), check=False, on=layout):
        part = Offer(expected, wanted, listen)
        return bootstrap.offer(on, sent or content(on), part, service_manager.systemd, check)

    return write


def marker(layout):
    return host_files.read_marker(layout)


def everything(layout):
    return sorted(str(path.relative_to(layout.root)) for path in Path(layout.root).rglob("*") if not path.is_dir())


class TestAnOffer:
    def test_claims_the_host_with_its_own_machine_and_mounts(self, write, layout):
        write()
        found = marker(layout)
        assert found == replace(OFFERED, machine_id=found.machine_id, mounts=found.mounts, data_dir=layout.data_dir)
        assert found.machine_id == host_files.machine_id()
        assert list(found.mounts) == host_files.mounts_under(layout)

    @pytest.mark.parametrize("check", [True, False])
    def test_of_a_member_that_runs_changes_nothing_that_it_runs_with(self, write, layout, service_manager, check):
        Path(layout.log_dir).mkdir(parents=True)
        Path(layout.log_dir, "0.wal").touch()
        service_manager.units[layout.unit] = {"ActiveState": "active", "MainPID": "77"}
        assert write(wanted=replace(OFFERED, state=markers.STARTED), check=check) == {"changed": True, "diff": []}
        assert (marker(layout) is None) is check
        assert not Path(layout.conf_file).exists()
        assert service_manager.done == []

    def test_of_a_host_that_left_another_cluster_forgets_that_one(self, write, layout):
        os.makedirs(layout.state_dir)
        left = Marker(markers.REMOVED, cluster="other", name="m3", member_id="abc", token="theirs", data_dir="/d")
        Path(layout.marker_file).write_text(markers.render(left))
        write(expected=left)
        found = marker(layout)
        assert (found.state, found.cluster, found.token, found.member_id) == (markers.OFFERED, "etcd_cluster", "t", "")

    def test_tells_systemd(self, write, service_manager):
        write()
        assert service_manager.done == ["daemon-reload"]

    def test_stands_on_the_peer_port_from_then_on(self, write, layout, service_manager):
        with peer_probe.socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            url = f"https://127.0.0.1:{one.getsockname()[1]}"
        write(listen=[url])
        assert list(peer_probe.failures([{"name": "etcd-host0", "urls": [url]}], "t")) == []


class TestCheckMode:
    def test_says_what_would_be_written_and_writes_nothing(self, write, layout, service_manager):
        before = everything(layout)
        said = write(check=True)
        assert said["changed"]
        assert layout.conf_file in [one["before_header"] for one in said["diff"]]
        assert everything(layout) == before
        assert service_manager.done == []


class TestAHostThatChangedMeanwhile:
    def test_by_another_run_is_refused_before_any_file(self, write, layout):
        write(wanted=replace(OFFERED, token="theirs"))
        before = Path(layout.conf_file).read_text()
        with pytest.raises(Refused, match="changed this host meanwhile"):
            write(content(layout, settings="ours"))
        assert Path(layout.conf_file).read_text() == before
        assert marker(layout).token == "theirs"

    def test_by_a_start_is_refused(self, write, layout):
        log = Path(layout.log_dir)
        log.mkdir(parents=True)
        (log / "0.wal").touch()
        with pytest.raises(Refused, match="There is a write-ahead log"):
            write()
        assert marker(layout) is None

    def test_by_the_gate_is_refused(self, write, layout):
        write()
        seen = marker(layout)
        Path(layout.marker_file).write_text(markers.render(replace(seen, state=markers.STARTING)))
        with pytest.raises(Refused, match="says 'starting' now, not 'offered'"):
            write(expected=seen)


def test_a_host_whose_directories_are_not_etcds_is_not_claimed(write, layout):
    theirs = Path(layout.root, "theirs")
    theirs.mkdir(mode=0o755)
    os.chown(theirs, 54321, 54321)
    with pytest.raises(HostError, match="Set etcd_wal_dir one directory deeper"):
        write(on=replace(layout, wal_dir=f"{theirs}/wal"))
    assert marker(layout) is None


def test_a_host_with_data_of_another_member_is_not_claimed(write, layout):
    """They came since the host was looked at."""
    path = Path(layout.data_dir, "member", "wal", wal_segment.name(0))
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(Refused, match="etcd would take the data of another member for its own"):
        write(on=replace(layout, wal_dir=f"{layout.root}/fast/etcd/wal"))
    assert marker(layout) is None


class TestAcceptedGround:
    """The operator has accepted where a member's data are now: its marker alone is written."""

    MARKER = Marker(
        markers.STARTING,
        cluster="etcd_cluster",
        token="t",
        member_id=f"{wal_segment.MEMBER:x}",
        mounts=("/gone",),
        machine_id="another",
    )

    @pytest.fixture
    def accept(self, write, layout):
        Path(layout.state_dir).mkdir(parents=True)
        Path(layout.marker_file).write_text(markers.render(self.MARKER))
        Path(layout.log_dir).mkdir(parents=True)
        Path(layout.log_dir, wal_segment.name(3)).write_bytes(wal_segment.segment())
        return lambda check=False: write(Content([], {}, {}, {}), self.MARKER, self.MARKER, check=check)

    def test_is_that_of_this_host(self, accept, layout):
        assert accept() == {"changed": True, "diff": []}
        mounts, machine_id = tuple(host_files.mounts_under(layout)), host_files.machine_id()
        wanted = replace(self.MARKER, mounts=mounts, machine_id=machine_id, data_dir=layout.data_dir)
        assert marker(layout) == wanted
        assert not Path(layout.conf_file).exists()

    def test_in_check_mode_is_only_said(self, accept, layout):
        assert accept(check=True)["changed"]
        assert marker(layout) == self.MARKER

    @pytest.mark.parametrize("what", ["no log", "an older log", "another log"])
    def test_is_not_taken_without_the_members_own_newest_log(self, accept, layout, what):
        (segment,) = Path(layout.log_dir).iterdir()
        if what == "no log":
            segment.unlink()
        elif what == "an older log":
            Path(layout.newest_file).write_text(
                f"{wal_segment.name(4)} {wal_segment.MEMBER:x} {wal_segment.CLUSTER:x}\n"
            )
        else:
            segment.write_bytes(wal_segment.segment(member=7))
        with pytest.raises(Refused):
            accept()
        assert marker(layout) == self.MARKER


class TestAgreement:
    def test_moves_the_marker_on(self, write, layout):
        write()
        offered = marker(layout)
        bootstrap.agree(layout, offered, check=False)
        assert marker(layout) == replace(offered, state=markers.NEVER_STARTED)
        bootstrap.agree(layout, marker(layout), check=False)
        assert marker(layout).state == markers.NEVER_STARTED

    def test_is_refused_where_the_marker_is_another(self, write, layout):
        write()
        with pytest.raises(Refused, match="changed this host meanwhile"):
            bootstrap.agree(layout, OFFERED.becoming(markers.OFFERED, token="another"), check=False)
        assert marker(layout).state == markers.OFFERED

    def test_in_check_mode_writes_nothing(self, write, layout):
        write()
        bootstrap.agree(layout, marker(layout), check=True)
        assert marker(layout).state == markers.OFFERED
