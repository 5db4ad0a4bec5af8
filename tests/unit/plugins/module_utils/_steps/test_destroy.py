# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a whole cluster away: what one host lets happen, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, isolated_member
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import SIGNATURE
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import destroy as _destroy
from ansible_collections.quorum.etcd.plugins.module_utils._steps import restore, v2_info

RUNS = {"ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}
RESTS = {"ActiveState": "inactive", "SubState": "dead", "UnitFileState": "disabled"}


def leave_a_log(layout):
    Path(layout.log_dir).mkdir(parents=True)
    Path(layout.log_dir, "0.wal").touch()


def mark(layout, state, cluster="prod"):
    Path(layout.state_dir).mkdir(parents=True, exist_ok=True)
    Path(layout.marker_file).write_text(markers.render(Marker(state, cluster=cluster, name="m0", member_id="8e9e")))


def written(directory, text):
    path = directory / "etcd.service"
    path.write_text(text)
    return str(path)


def state(layout):
    marker = host_files.read_marker(layout)
    return marker.state if marker else None


@pytest.fixture
def member(service_manager, layout):
    """A host whose member runs."""
    service_manager.units[layout.unit] = dict(RUNS)
    mark(layout, markers.STARTED)
    leave_a_log(layout)
    return service_manager


def destroy(manager, layout):
    """All acts of one host, as the playbook has them."""
    _destroy.stop(manager.systemd, layout, "prod", check=False)
    manager.units[layout.unit] = dict(RESTS)
    _destroy.archive_data(manager.systemd, layout, check=False)
    _destroy.forget(layout, "prod", check=False)


def test_members_of_the_cluster_beside_it_are_told(member, layout):
    for instance, state, cluster in (
        ("etcd2", markers.STARTED, "prod"),
        ("etcd3", markers.REMOVED, "prod"),
        ("etcd4", markers.STARTED, "another"),
    ):
        mark(replace(layout, instance=instance), state, cluster)
    told = _destroy.observe(member.systemd, layout, "prod", [])
    assert (told["instance"], told["beside"]) == ("etcd", {"etcd2": "m0"})


class TestAMember:
    def test_is_stopped_moved_aside_and_forgotten(self, member, layout):
        Path(layout.drained_file).write_text("{}")
        destroy(member, layout)
        assert member.done == [f"stop {layout.unit}", f"disable {layout.unit}"]
        assert not Path(layout.marker_file).exists()
        assert not Path(layout.drained_file).exists()
        (aside,) = Path(layout.data_dir).iterdir()
        assert aside.name.startswith("member.destroyed-")
        assert (aside / "wal" / "0.wal").exists()

    def test_that_never_got_beyond_its_first_start_is_forgotten(self, service_manager, layout):
        """A power cut has left it with a marker, perhaps a database, and no log."""
        service_manager.units[layout.unit] = {"ActiveState": "activating", "SubState": "auto-restart"}
        mark(layout, markers.STARTING)
        Path(layout.data_dir, "member", "snap").mkdir(parents=True)
        destroy(service_manager, layout)
        assert not Path(layout.marker_file).exists()
        assert not Path(layout.data_dir, "member").exists()

    def test_that_was_stopped_carries_on_from_there(self, member, layout):
        assert _destroy.stop(member.systemd, layout, "prod", check=False)
        assert state(layout) == markers.LEAVING
        assert wal.segments(layout.log_dir), "data are moved when all members have stopped"

    def test_is_taken_away_once(self, member, layout):
        destroy(member, layout)
        before = list(member.done)
        assert not _destroy.stop(member.systemd, layout, "prod", check=False)
        assert not _destroy.archive_data(member.systemd, layout, check=False)
        assert not _destroy.forget(layout, "prod", check=False)
        assert member.done == before

    def test_keeps_its_data_where_it_was_started_again(self, member, layout):
        _destroy.stop(member.systemd, layout, "prod", check=False)
        with pytest.raises(Refused, match="Somebody else has changed this host"):
            _destroy.archive_data(member.systemd, layout, check=False)
        assert wal.segments(layout.log_dir)

    def test_that_a_restore_has_left_apart_from_its_clients_is_stopped_too(self, member, layout):
        mark(layout, markers.RESTORED)
        apart = isolated_member.unit_of(layout, restore.PURPOSE)
        member.units[apart] = dict(RUNS)
        destroy(member, layout)
        assert f"stop {apart}" in member.done
        assert state(layout) is None

    def test_that_a_migration_has_left_on_its_data_is_stopped_too(self, member, layout):
        mark(layout, markers.STARTED)
        apart = isolated_member.unit_of(layout, v2_info.PURPOSE)
        assert apart == layout.stand_in_unit
        member.units[apart] = dict(RUNS)
        destroy(member, layout)
        assert f"stop {apart}" in member.done
        assert state(layout) is None

    def test_is_not_forgotten_before_its_data_are_aside(self, member, layout):
        _destroy.stop(member.systemd, layout, "prod", check=False)
        with pytest.raises(Refused, match="its data were to be archived"):
            _destroy.forget(layout, "prod", check=False)
        assert state(layout) == markers.LEAVING

    def test_is_left_as_it_is_in_check_mode(self, member, layout):
        assert _destroy.stop(member.systemd, layout, "prod", check=True)
        assert _destroy.archive_data(member.systemd, layout, check=True)
        assert _destroy.forget(layout, "prod", check=True)
        assert (state(layout), member.done) == (markers.STARTED, [])


class TestAHost:
    @pytest.mark.parametrize("before", [None, markers.OFFERED, markers.REMOVED])
    def test_that_never_had_a_member_or_has_none_any_more_is_only_forgotten(self, service_manager, layout, before):
        if before:
            mark(layout, before)
        destroy(service_manager, layout)
        assert state(layout) is None
        assert service_manager.done == []

    def test_of_another_cluster_is_refused(self, member, layout):
        mark(layout, markers.STARTED, cluster="other")
        with pytest.raises(Refused, match="is of the cluster 'other', not of 'prod'"):
            _destroy.check_ours(layout, "prod")

    def test_that_has_left_another_cluster_passes_and_still_says_so(self, service_manager, layout):
        mark(layout, markers.REMOVED, cluster="other")
        _destroy.check_ours(layout, "prod")
        destroy(service_manager, layout)
        assert (state(layout), service_manager.done) == (markers.REMOVED, [])

    def test_that_has_left_another_cluster_and_has_a_log_is_refused(self, layout):
        mark(layout, markers.REMOVED, cluster="other")
        leave_a_log(layout)
        with pytest.raises(Refused, match="is of the cluster 'other'"):
            _destroy.check_ours(layout, "prod")

    def test_with_data_that_no_marker_speaks_of_is_refused(self, layout):
        leave_a_log(layout)
        with pytest.raises(Refused, match="no marker that says whose it is"):
            _destroy.check_ours(layout, "prod")

    @pytest.mark.parametrize(
        "unit", [RUNS, {**RUNS, "UnitFileState": "disabled"}, {**RESTS, "UnitFileState": "enabled"}]
    )
    @pytest.mark.parametrize("before", [None, markers.OFFERED, markers.REMOVED])
    def test_with_a_unit_that_somebody_else_wrote_is_refused(self, service_manager, layout, tmp_path, unit, before):
        service_manager.units[layout.unit] = {**unit, "FragmentPath": written(tmp_path, "[Unit]\n")}
        if before:
            mark(layout, before)
        with pytest.raises(Refused, match="was not written by this collection"):
            _destroy.check_unit(service_manager.systemd, layout)

    def test_whose_unit_is_ours_or_harms_nobody_is_taken(self, service_manager, layout, tmp_path):
        for unit, text in ((RUNS, f"{SIGNATURE}see there.\n"), (RESTS, "[Unit]\n")):
            service_manager.units[layout.unit] = {**unit, "FragmentPath": written(tmp_path, text)}
            _destroy.check_unit(service_manager.systemd, layout)

    def test_of_this_cluster_is_taken_by_whomever_its_unit_was_written(self, member, layout, tmp_path):
        member.units[layout.unit]["FragmentPath"] = written(tmp_path, "[Unit]\n")
        _destroy.check_unit(member.systemd, layout)

    def test_of_this_cluster_is_taken(self, member, layout):
        _destroy.check_ours(layout, "prod")
