# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit: hardened, patient, and deaf to proxies."""

from __future__ import annotations

import re

import pytest


def test_it_runs_and_comes_back_after_a_reboot(host):
    assert host.service("etcd").is_running
    assert host.service("etcd").is_enabled


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Type", "notify"),
        ("TimeoutStartUSec", "infinity"),
        ("Restart", "on-failure"),
        ("RestartUSec", "5s"),
        ("StartLimitIntervalUSec", "0"),
        ("User", "etcd"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
    ],
)
def test_its_properties(run, name, value):
    assert run(f"systemctl show etcd --property {name} --value").strip() == value


def test_systemd_calls_its_exposure_low(run):
    exposure = re.search(r"exposure level for etcd.service: ([0-9.]+)", run("systemd-analyze security etcd.service"))
    assert float(exposure.group(1)) <= 1.5


def test_the_versioned_binary_is_what_runs(run):
    pid = run("systemctl show etcd --property MainPID --value").strip()
    assert run(f"readlink /proc/{pid}/exe").strip() == "/opt/etcd/etcd-v3.6.14-linux-amd64/etcd"


def test_a_proxy_given_to_all_services_does_not_reach_it(run):
    assert "HTTP_PROXY=" in run("systemctl show-environment")
    pid = run("systemctl show etcd --property MainPID --value").strip()
    environment = run(f"tr '\\0' '\\n' </proc/{pid}/environ")
    assert "ETCD_NAME=" in environment
    assert "proxy" not in environment.lower()


def test_nothing_of_the_first_start_is_left_running(run):
    assert "quorum-etcd-probe" not in run("systemctl list-units --all --no-legend --plain")


def test_whoever_is_not_root_cannot_hold_the_locks(host):
    assert host.run("runuser -u nobody -- flock -n /run/quorum.etcd/etcd/marker.lock true").rc != 0
