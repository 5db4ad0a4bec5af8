# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._config import unit as _unit
from inventory_of import LAYOUT

BINARY = "/opt/etcd/etcd-v3.6.14-linux-amd64/etcd"


def unit(layout=LAYOUT, name="etcd-host0", cluster="etcd_cluster"):
    """Key -> values, in order, of the rendered file."""
    found: dict[str, list[str]] = {}
    for line in _unit.render(layout, name, cluster, BINARY).splitlines():
        if line and line[0] not in "#[":
            key, _equals, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_gate_stands_before_every_start_as_root():
    found = unit()
    assert found["ExecStartPre"] == [f"+{LAYOUT.gate_file} before"]
    assert found["ExecStartPost"] == [f"+{LAYOUT.gate_file} ready"]
    assert found["ExecStopPost"] == [f"+{LAYOUT.gate_file} after"]


def test_it_names_the_release_and_never_a_link():
    assert unit()["ExecStart"] == [BINARY]


def test_bootstrap_settings_outrank_the_file_and_need_not_be_there():
    assert unit()["EnvironmentFile"] == [LAYOUT.conf_file, f"-{LAYOUT.run_dir}/bootstrap.env"]


def test_a_start_may_take_for_ever_and_a_refused_one_is_tried_for_ever():
    found = unit()
    assert found["Type"] == ["notify"]
    assert found["TimeoutStartSec"] == ["infinity"]
    assert found["StartLimitIntervalSec"] == ["0"]
    assert (found["Restart"], found["RestartSec"]) == (["on-failure"], ["5"])


def test_no_proxy_reaches_etcd():
    unset = unit()["UnsetEnvironment"][0].split()
    assert {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} <= set(unset)


@pytest.mark.parametrize(
    "changes, writable",
    [
        ({}, ["/var/lib/etcd"]),
        ({"data_dir": "/srv/etcd"}, ["/srv/etcd"]),
        ({"wal_dir": "/wal/etcd"}, ["/var/lib/etcd", "/wal"]),
        ({"log_file": "/var/log/etcd/etcd.log"}, ["/var/lib/etcd", "/var/log/etcd"]),
        ({"wal_dir": "/var/lib/etcd/wal"}, ["/var/lib/etcd"]),
        ({"wal_dir": "/a/b/wal", "log_file": "/a/b/log"}, ["/var/lib/etcd", "/a/b"]),
    ],
)
def test_etcd_writes_to_its_own_directories_and_nowhere_else(changes, writable):
    found = unit(replace(LAYOUT, **changes))
    assert found["ProtectSystem"] == ["strict"]
    # Without the dash systemd would not even run the gate where a disk is missing.
    assert found["ReadWritePaths"] == [" ".join(f"-{path}" for path in writable)]


@pytest.mark.parametrize(
    "data_dir, home, tmp",
    [
        ("/var/lib/etcd", "yes", "yes"),
        ("/home/etcd/data", "no", "yes"),
        ("/homes/etcd", "yes", "yes"),
        ("/root/etcd", "no", "yes"),
        ("/tmp/etcd", "yes", "no"),
        ("/var/tmp/etcd", "yes", "no"),
        ("/run/user/1/etcd", "no", "yes"),
    ],
)
def test_the_sandbox_never_hides_the_data(data_dir, home, tmp):
    found = unit(replace(LAYOUT, data_dir=data_dir))
    assert (found["ProtectHome"], found["PrivateTmp"]) == ([home], [tmp])


def test_it_runs_as_the_account_it_was_given():
    found = unit(replace(LAYOUT, user="kv", group="stores"))
    assert (found["User"], found["Group"]) == (["kv"], ["stores"])


@pytest.mark.parametrize("name", ["etcd-host0", "{name}", "50%"])
def test_a_name_is_a_name_and_nothing_more(name):
    description = unit(name=name)["Description"]
    assert description == [f"etcd member {name.replace('%', '%%')} of etcd_cluster"]
    assert unit(cluster="50%")["Description"] == ["etcd member etcd-host0 of 50%%"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not on this machine")
@pytest.mark.parametrize("name", ["etcd-host0", "50%"])
def test_systemd_understands_it(tmp_path, name):
    path = tmp_path / "etcd.service"
    path.write_text(_unit.render(LAYOUT, name, "etcd_cluster", "/bin/true").replace(LAYOUT.gate_file, "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    )
    assert "etcd.service" not in done.stderr
    assert done.returncode == 0


def test_of_a_member_that_reads_a_file_the_gate_is_told_of_it_and_etcd_of_what_the_gate_writes():
    layout = replace(LAYOUT, config_format="yaml")
    found = unit(layout)
    assert found["Environment"] == ["QUORUM_ETCD_SETTINGS=/etc/etcd/etcd.conf.yml"]
    assert found["ExecStart"] == [f"{BINARY} --config-file=/run/quorum.etcd/etcd.conf.yml"]
    assert "EnvironmentFile" not in found, "etcd would ignore it without a word"
    same = {key: value for key, value in unit().items() if key not in ("EnvironmentFile", "ExecStart")}
    assert {key: value for key, value in found.items() if key not in ("Environment", "ExecStart")} == same
