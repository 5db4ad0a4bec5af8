# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import wal_segment
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, local_member, processes
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service
from data_writer import having_open

ACTIVE = {"ActiveState": "active", "SubState": "running", "UnitFileState": "enabled", "MainPID": str(os.getpid())}
STARTING = {"ActiveState": "activating", "SubState": "start", "UnitFileState": "enabled", "MainPID": "0"}
WAITING = {"ActiveState": "activating", "SubState": "auto-restart", "UnitFileState": "enabled", "MainPID": "0"}
RESTING = {"ActiveState": "inactive", "SubState": "dead", "UnitFileState": "disabled", "MainPID": "0"}
SERVES = View("http://127.0.0.1:2379", Status("cdf818194e3a8c32", "8e9e05c52164694d"))


@pytest.fixture
def host(service_manager, layout):
    """A host with a member that has agreed on its first start."""
    service_manager.units[layout.unit] = dict(RESTING)
    mark(layout, markers.NEVER_STARTED)
    Path(layout.run_dir).mkdir(parents=True)
    return service_manager


def mark(layout, state):
    Path(layout.state_dir).mkdir(parents=True, exist_ok=True)
    Path(layout.marker_file).write_text(markers.render(Marker(state, token="t")))


class TestAStartBesideAProcessThatWritesTheData:
    @pytest.mark.parametrize("state", [RESTING, WAITING])
    def test_is_refused_until_that_has_ended(self, host, layout, state):
        host.units[layout.unit] = dict(state)
        with having_open(f"{layout.log_dir}/0.wal") as left:
            with pytest.raises(Refused) as refused:
                service.launch(host.systemd, layout)
            assert refused.value.code == "data-in-use"
            assert host.done == []
            left.terminate()
            left.wait()
            service.launch(host.systemd, layout)
        assert host.done

    def test_is_a_restart_where_it_is_the_member_itself(self, host, layout):
        with having_open(f"{layout.log_dir}/0.wal") as own:
            host.units[layout.unit] = {**ACTIVE, "MainPID": str(own.pid)}
            service.launch(host.systemd, layout, again=True)
        assert f"restart --no-block {layout.unit}" in host.done

    def test_is_allowed_where_it_stands_in_for_the_member(self, host, layout, monkeypatch):
        """systemd ends it before the unit starts."""
        monkeypatch.setattr(processes, "unit_of", lambda _pid: layout.stand_in_unit)
        with having_open(f"{layout.log_dir}/0.wal"):
            service.launch(host.systemd, layout)
        assert host.done

    def test_is_refused_where_a_unit_that_has_ended_has_left_it(self, host, layout, monkeypatch):
        """Docker's containers are outside of their units: only its record of the container says whose it was."""
        monkeypatch.setattr(processes, "unit_of", lambda _pid: layout.unit)
        with having_open(f"{layout.log_dir}/0.wal"), pytest.raises(Refused, match="has the data"):
            service.launch(host.systemd, layout)


class TestAStart:
    def test_enables_the_unit_and_does_not_wait(self, host, layout):
        assert service.start(host.systemd, layout, check=False)
        enable, start = host.done
        assert enable.startswith("enable ")
        assert start == f"start --no-block {layout.unit}"

    def test_takes_the_probe_away_first(self, host, layout):
        host.units[layout.probe_unit] = dict(ACTIVE)
        service.start(host.systemd, layout, check=False)
        assert host.done[0] == f"stop {layout.probe_unit}"

    @pytest.mark.parametrize("state", [ACTIVE, STARTING])
    def test_of_a_unit_that_starts_or_runs_is_none(self, host, layout, state):
        host.units[layout.unit] = dict(state)
        assert not service.start(host.systemd, layout, check=False)
        assert host.done == []

    def test_of_a_unit_that_waits_for_its_next_try_is_that_try(self, host, layout):
        host.units[layout.unit] = dict(WAITING)
        refused = Path(layout.run_dir, "refused")
        refused.write_text("A disk was missing.\n")
        assert service.start(host.systemd, layout, check=False)
        assert f"start --no-block {layout.unit}" in host.done
        assert not refused.exists(), "what the gate said before is not what it will say now"

    def test_of_a_unit_that_runs_and_is_not_enabled_enables_it(self, host, layout):
        host.units[layout.unit] = {**ACTIVE, "UnitFileState": "disabled"}
        assert service.start(host.systemd, layout, check=False)

    def test_in_check_mode_only_looks(self, host, layout):
        assert service.start(host.systemd, layout, check=True)
        assert host.done == []

    @pytest.mark.parametrize("state", [markers.STARTING, markers.STARTED])
    def test_is_allowed_after_the_first_one(self, host, layout, state):
        mark(layout, state)
        assert service.start(host.systemd, layout, check=False)

    def test_is_allowed_where_it_was_to_leave_and_never_did(self, host, layout):
        mark(layout, markers.LEAVING)
        Path(layout.log_dir).mkdir(parents=True)
        Path(layout.log_dir, "0.wal").touch()
        assert service.start(host.systemd, layout, check=False)

    @pytest.mark.parametrize("state", [markers.LEAVING, markers.REMOVED, markers.RESTORE_PENDING])
    def test_is_not_refused_for_the_first_one_once_that_was_made(self, host, layout, state):
        mark(layout, state)
        with pytest.raises(Refused) as caught:
            service.start(host.systemd, layout, check=False)
        assert "first start" not in str(caught.value)
        assert host.done == []

    @pytest.mark.parametrize("state", [None, markers.OFFERED])
    def test_is_refused_where_the_gate_would_refuse_it(self, host, layout, state):
        if state is None:
            os.unlink(layout.marker_file)
        else:
            mark(layout, state)
        with pytest.raises(Refused, match="Not all hosts have agreed"):
            service.start(host.systemd, layout, check=False)
        assert host.done == []


class TestWhatItStandsOn:
    """The disk, the log and the machine that the gate will ask for."""

    @pytest.fixture
    def member(self, host, layout, monkeypatch):
        """One that serves, on a disk of its own and on this machine."""
        monkeypatch.setattr(host_files, "mounts_under", lambda _layout: ["/data"])
        monkeypatch.setattr(host_files, "machine_id", lambda: "here")
        monkeypatch.setattr(processes, "has_open", lambda paths: self.held and bool(paths))
        self.held = True
        Path(layout.log_dir).mkdir(parents=True)
        self.segment = Path(layout.log_dir, wal_segment.name(3))
        self.segment.write_bytes(wal_segment.segment())
        return host

    def mark(self, layout, **fields):
        marker = Marker(markers.STARTED, name="etcd-host0", data_dir=layout.data_dir, **fields)
        Path(layout.marker_file).write_text(markers.render(marker))
        return marker

    @pytest.mark.parametrize("before", [{}, {"mounts": ("/elsewhere",), "machine_id": "there"}])
    def test_is_written_down_when_it_is_seen_to_serve(self, member, layout, before):
        self.mark(layout, **before)
        service.remember(layout, SERVES)
        found = host_files.read_marker(layout)
        assert (found.mounts, found.machine_id) == (("/data",), "here")

    def test_is_left_as_it_was_where_its_log_is_not_the_one_at_its_path(self, member, layout):
        """Its disk was unmounted below it: what is there now is no ground to stand on."""
        self.held = False
        self.mark(layout, mounts=("/elsewhere",), machine_id="there")
        service.remember(layout, SERVES)
        found = host_files.read_marker(layout)
        assert (found.mounts, found.machine_id) == (("/elsewhere",), "there")

    def test_is_written_down_before_it_is_restarted(self, member, layout):
        self.mark(layout, mounts=("/elsewhere",), machine_id="there")
        service.check_startable(layout)
        assert host_files.read_marker(layout).mounts == ("/elsewhere",), "a question changes nothing"
        service.launch(member.systemd, layout, again=True)
        assert host_files.read_marker(layout).mounts == ("/data",)

    @pytest.mark.parametrize(
        "fields, way",
        [
            ({"mounts": ("/gone",)}, "-e etcd_accept_mounts=etcd-host0"),
            ({"machine_id": "there"}, "-e etcd_accept_machine=etcd-host0"),
            ({"member_id": "77"}, "Put the data back where they belong"),
        ],
    )
    def test_keeps_it_from_a_start_and_the_way_out_is_named(self, member, layout, fields, way):
        self.held = False
        self.mark(layout, **fields)
        with pytest.raises(Refused, match=way):
            service.check_startable(layout)

    def test_is_an_older_log_and_it_does_not_start(self, member, layout):
        self.mark(layout)
        newest = Path(layout.newest_file)
        newest.write_text(f"{wal_segment.name(3)} {wal_segment.MEMBER:x} {wal_segment.CLUSTER:x}\n")
        service.check_startable(layout)
        newest.write_text(f"{wal_segment.name(4)} {wal_segment.MEMBER:x} {wal_segment.CLUSTER:x}\n")
        with pytest.raises(Refused, match=f"ends before {wal_segment.name(4)}"):
            service.check_startable(layout)
        newest.write_text(f"{wal_segment.name(4)} {wal_segment.MEMBER:x} 77\n")
        service.check_startable(layout)

    def test_is_a_log_that_nobody_can_read_and_it_starts_as_before(self, member, layout):
        self.mark(layout, member_id="77")
        self.segment.write_bytes(b"\x18" + bytes(7) + b"\xff" * 24)
        service.check_startable(layout)


class TestAwaiting:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch):
        """Every look takes a second; what is next to be seen is in C(coming)."""
        self.coming = []
        self.now = count()
        monkeypatch.setattr(service.time, "sleep", lambda seconds: None)

    @pytest.fixture
    def member(self, host, layout, monkeypatch):
        """What the member says once its unit is active."""
        self.said = SERVES
        monkeypatch.setattr(local_member, "of_process", lambda environment, layout, timeout, others: self.said)
        show = host._show

        def next_one(unit):
            if unit == layout.unit and self.coming:
                host.units[unit] = self.coming.pop(0)
            return show(unit)

        monkeypatch.setattr(host, "_show", next_one)

    def ready(self, host, layout, timeout=30):
        return service.await_ready(host.systemd, layout, timeout, now=lambda: next(self.now))

    def test_ends_when_the_member_serves_and_writes_down_which_it_is(self, host, layout, member):
        mark(layout, markers.STARTED)
        self.coming = [STARTING, STARTING, STARTING, ACTIVE]
        ids = {"member_id": SERVES.member_id, "cluster_id": SERVES.cluster_id}
        assert self.ready(host, layout) == {"changed": True, **ids}
        assert host_files.read_marker(layout) == Marker(markers.STARTED, token="t", data_dir=layout.data_dir, **ids)
        assert self.ready(host, layout) == {"changed": False, **ids}

    def test_lasts_while_the_job_waits_for_something_else(self, host, layout, member):
        self.coming = [{**RESTING, "Job": "77"}, {**RESTING, "Job": "77"}, ACTIVE]
        assert self.ready(host, layout)["member_id"] == SERVES.member_id

    def test_survives_one_more_try(self, host, layout, member):
        self.coming = [STARTING, STARTING, {**WAITING, "NRestarts": "1"}, {**ACTIVE, "NRestarts": "1"}]
        assert self.ready(host, layout)["changed"]

    def test_does_not_count_what_was_before(self, host, layout, member):
        self.coming = [{**STARTING, "NRestarts": "99"}, {**ACTIVE, "NRestarts": "99"}]
        assert self.ready(host, layout)["changed"]

    @pytest.mark.parametrize("end", [{**RESTING, "Result": "exit-code"}, {**WAITING, "NRestarts": "2"}])
    def test_ends_with_the_members_last_words(self, host, layout, member, end):
        self.coming = [STARTING, STARTING, end]
        with pytest.raises(HostError, match="ends as soon as it starts") as caught:
            self.ready(host, layout)
        assert "its last words" in str(caught.value)

    def test_lays_a_member_that_never_made_a_log_to_rest(self, host, layout, member):
        """So that its start can be tried again once its cause is mended."""
        self.coming = [STARTING, {**RESTING, "Result": "exit-code"}]
        with pytest.raises(HostError):
            self.ready(host, layout)
        assert host.done == [f"stop {layout.unit}"]

    def test_leaves_a_member_with_a_log_to_systemd(self, host, layout, member):
        log = Path(layout.log_dir)
        log.mkdir(parents=True)
        (log / "0.wal").touch()
        self.coming = [STARTING, {**WAITING, "NRestarts": "2"}]
        with pytest.raises(HostError):
            self.ready(host, layout)
        assert host.done == []

    def test_ends_with_the_gates_reason(self, host, layout, member):
        Path(layout.run_dir, "refused").write_text("A disk is missing.\n")
        self.coming = [WAITING]
        with pytest.raises(Refused, match=r"does not let it start\. A disk is missing\."):
            self.ready(host, layout)

    def test_ends_after_its_time_saying_what_is_missing(self, host, layout, member):
        self.coming = [STARTING] * 9
        with pytest.raises(HostError, match="does not serve after 5 s. It waits for a quorum of members"):
            self.ready(host, layout, timeout=5)
        self.said = replace(SERVES, error="it answers, and not to a read.")
        self.coming = [ACTIVE] * 9
        with pytest.raises(HostError, match="does not serve after 5 s. it answers, and not to a read."):
            self.ready(host, layout, timeout=5)

    @pytest.mark.parametrize("incoming", ["tmp123", "0000000000000007.snap.db"])
    def test_lasts_for_as_long_as_its_leaders_snapshot_comes_in(self, host, layout, member, monkeypatch, incoming):
        """However large the database is."""
        mark(layout, markers.STARTED)
        snap = Path(layout.data_dir, "member", "snap")
        snap.mkdir(parents=True)
        show = host._show

        def receive(unit):
            with (snap / incoming).open("ab") as stream:
                stream.write(b"more")
            return show(unit)

        monkeypatch.setattr(host, "_show", receive)
        self.coming = [STARTING] * 20 + [ACTIVE]
        assert self.ready(host, layout, timeout=5)["changed"]

    def test_ends_once_nothing_comes_in_any_more(self, host, layout, member):
        snap = Path(layout.data_dir, "member", "snap")
        snap.mkdir(parents=True)
        (snap / "tmp123").write_bytes(b"all that came")
        (snap / "db").write_bytes(b"the database itself")
        self.coming = [STARTING] * 20 + [ACTIVE]
        with pytest.raises(HostError, match="If it only needs longer: etcd_start_timeout"):
            self.ready(host, layout, timeout=5)

    def test_says_where_the_marker_is_gone(self, host, layout, member):
        os.unlink(layout.marker_file)
        self.coming = [ACTIVE]
        with pytest.raises(Refused, match="is gone while the member runs"):
            self.ready(host, layout)
