# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units by which snapshots are saved."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import snapshot_units
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import SnapshotPolicy
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import SIGNATURE
from inventory_of import LAYOUT

PYTHON = "/usr/bin/python3"


def read(text):
    """A unit file: section, setting, value. What is there twice is not looked at."""
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str
    found.read_string(text)
    return found


def service(python=PYTHON, user_file="", **snapshots):
    layout = replace(LAYOUT, user_file=user_file)
    return read(snapshot_units.service(layout, "prod", SnapshotPolicy(**snapshots), python))["Service"]


class TestTheService:
    def test_runs_the_program_with_its_settings_and_nothing_of_the_environment(self):
        assert service()["ExecStart"] == (
            '"/usr/bin/python3" -I /usr/local/libexec/quorum.etcd/etcd/snapshot /etc/etcd/etcd-snapshot.json'
        )

    def test_makes_the_directory_that_its_sandbox_lets_it_write(self):
        found = service(directory="/backup/etcd")
        assert found["ExecStartPre"] == "+/bin/mkdir -p -m 0700 /backup/etcd"
        assert found["ReadWritePaths"].split() == ["-/backup/etcd", "-/var/lib/quorum.etcd/etcd"]
        assert found["ProtectSystem"] == "strict"

    def test_is_not_held_back_by_a_member_that_waits_for_a_quorum(self):
        text = snapshot_units.service(LAYOUT, "prod", SnapshotPolicy(), PYTHON)
        assert read(text)["Unit"]["After"].split() == ["network-online.target"]

    def test_waits_for_a_disk_of_its_own(self):
        text = snapshot_units.service(LAYOUT, "prod", SnapshotPolicy(directory="/backup/etcd"), PYTHON)
        assert read(text)["Unit"]["RequiresMountsFor"] == "/backup/etcd"

    def test_may_write_metrics_beside_those_of_others(self):
        assert "-/srv/metrics" in service(metrics_file="/srv/metrics/etcd.prom")["ReadWritePaths"].split()

    @pytest.mark.parametrize(
        "changes", [{"directory": "/home/backup"}, {"user_file": "/root/user"}, {"python": "/root/.pyenv/python3"}]
    )
    def test_sees_homes_where_it_must(self, changes):
        assert service(**changes)["ProtectHome"] == "no"
        assert service()["ProtectHome"] == "yes"

    def test_leaves_the_operators_command_alone(self):
        """What that needs nobody knows: keys below /root, a socket, another directory."""
        found = service(after_command=("/usr/local/bin/upload",))
        assert "ProtectSystem" not in found
        assert "SystemCallFilter" not in found

    def test_does_not_hang_for_ever(self):
        assert service()["TimeoutStartSec"] == "6h"

    def test_is_never_started_too_often(self):
        unit = read(snapshot_units.service(LAYOUT, "prod", SnapshotPolicy(), PYTHON))["Unit"]
        assert unit["StartLimitIntervalSec"] == "0"

    def test_is_known_for_ours(self):
        assert snapshot_units.service(LAYOUT, "prod", SnapshotPolicy(), PYTHON).startswith(SIGNATURE)

    def test_takes_no_percent_sign_for_a_specifier(self):
        text = snapshot_units.service(LAYOUT, "100%", SnapshotPolicy(), PYTHON)
        assert "cluster 100%%," in text


class TestTheTimer:
    def test_fires_by_the_schedule_and_makes_up_for_what_it_missed(self):
        found = read(snapshot_units.timer("prod", "*-*-* 00/6:15"))
        assert found["Timer"]["OnCalendar"] == "*-*-* 00/6:15"
        assert found["Timer"]["Persistent"] == "true"
        assert found["Install"]["WantedBy"] == "timers.target"

    def test_differs_between_members_by_less_than_they_wait_for_their_second_look(self):
        found = read(snapshot_units.timer("prod", "daily"))
        assert found["Timer"]["RandomizedDelaySec"] == f"{snapshot_agent.RANDOM_DELAY}s"
        assert snapshot_agent.RANDOM_DELAY < snapshot_agent.SECOND_LOOK


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("snapshots", [SnapshotPolicy(), SnapshotPolicy(after_command=("/bin/true",))])
def test_systemd_takes_both(tmp_path, snapshots):
    unit, timer = tmp_path / LAYOUT.snapshot_unit, tmp_path / LAYOUT.snapshot_timer
    # What it runs is not on this machine.
    text = snapshot_units.service(LAYOUT, "prod", snapshots, PYTHON).replace("/usr/bin/python3", "/bin/true")
    unit.write_text(text)
    timer.write_text(snapshot_units.timer("prod", "daily"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", unit, timer], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "etcd-snapshot" in line] == []
