# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timer follows its file, in an update and when an update is undone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import archive, snapshot_timer
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import update
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms
from ansible_collections.quorum.etcd.plugins.module_utils._steps.update import Update

RUNS = {"UnitFileState": "enabled", "ActiveState": "active"}
NAME = "etcd-snapshot.timer"


@pytest.fixture
def file(layout):
    path = Path(layout.snapshot_timer_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def content(layout, *paths):
    return Content([{"path": path, "content": ""} for path in paths], {}, {}, {})


class TestATimerThatIsWanted:
    def test_runs_now_and_at_every_boot(self, service_manager, layout, file):
        file.touch()
        snapshot_timer.follow_file(service_manager.systemd, layout, content(layout, str(file)))
        assert service_manager.done == [f"enable --now {NAME}"]

    def test_is_left_alone_once_it_does(self, service_manager, layout, file):
        file.touch()
        service_manager.units[NAME] = RUNS
        assert snapshot_timer.differs(service_manager.systemd, layout, content(layout, str(file))) is False
        assert snapshot_timer.follow(service_manager.systemd, layout) is False
        assert service_manager.done == []

    @pytest.mark.parametrize("lacks", [{"UnitFileState": "disabled"}, {"ActiveState": "inactive"}])
    def test_is_put_right(self, service_manager, layout, file, lacks):
        file.touch()
        service_manager.units[NAME] = {**RUNS, **lacks}
        assert snapshot_timer.differs(service_manager.systemd, layout, content(layout, str(file))) is True
        assert snapshot_timer.follow(service_manager.systemd, layout) is True

    def test_is_the_operators_to_mask(self, service_manager, layout, file):
        file.touch()
        service_manager.units[NAME] = {"LoadState": "masked", "UnitFileState": "masked"}
        assert snapshot_timer.follow(service_manager.systemd, layout) is False
        assert service_manager.done == []


class TestATimerThatIsNot:
    def test_is_taken_away_with_its_file(self, service_manager, layout, file):
        file.touch()
        service_manager.units[NAME] = RUNS
        assert snapshot_timer.differs(service_manager.systemd, layout, content(layout)) is True
        snapshot_timer.follow_file(service_manager.systemd, layout, content(layout))
        assert service_manager.done == [f"stop {NAME}", f"disable --no-reload {NAME}", "daemon-reload"]
        assert not file.exists()

    def test_is_no_matter_where_there_is_none(self, service_manager, layout):
        assert snapshot_timer.differs(service_manager.systemd, layout, content(layout)) is False
        snapshot_timer.follow_file(service_manager.systemd, layout, content(layout))
        assert service_manager.done == []


def test_it_rests_with_its_member(service_manager, layout, file):
    file.touch()
    service_manager.units[NAME] = RUNS
    archive.disable_unit(service_manager.systemd, layout)
    assert service_manager.done == [f"stop {NAME}", f"disable --no-reload {NAME}"]
    assert file.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes a member's files")
class TestInAnUpdate:
    @pytest.fixture
    def updated(self, service_manager, layout, file):
        """Updates a member without a restart."""
        planned = Marker(markers.STARTED, cluster="prod", name="etcd-host0", token="t", member_id="8e9e")
        for directory in (layout.state_dir, layout.log_dir, layout.conf_dir):
            Path(directory).mkdir(parents=True)
        Path(layout.log_dir, "0.wal").touch()
        Path(layout.marker_file).write_text(markers.render(planned))

        def updated(*files, owner="root", check=False):
            sent = [
                {"path": path, "content": text, "mode": "0644", "owner": owner, "group": "root"} for path, text in files
            ]
            asked = Update(planned, "etcd-host0", restart=False, peer_urls=[], environment={}, timeout=0.0)
            return update.apply(
                service_manager.systemd, layout, Content(sent, {}, {}, {}), asked, Terms("update"), check=check
            )

        return updated

    def test_it_comes(self, updated, service_manager, layout, file):
        assert updated((str(file), "[Timer]\n"))["changed"]
        assert service_manager.done == ["daemon-reload", f"enable --now {NAME}"]

    def test_it_goes_and_that_is_a_change(self, updated, service_manager, file):
        file.touch()
        service_manager.units[NAME] = RUNS
        assert updated()["changed"]
        assert not file.exists()

    def test_in_check_mode_it_stays(self, updated, service_manager, file):
        file.touch()
        assert updated(check=True)["changed"]
        assert file.exists()
        assert service_manager.done == []

    def test_undone_it_is_as_before(self, updated, service_manager, layout, file):
        file.write_text("old\n")
        service_manager.units[NAME] = {"UnitFileState": "disabled"}
        with pytest.raises(HostError, match="was undone"):
            updated((str(file), "new\n"), owner="nobody of this name")
        assert file.read_text() == "old\n"
        assert service_manager.done[-2:] == ["daemon-reload", f"enable --now {NAME}"]
