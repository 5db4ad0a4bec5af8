# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from lab.commands import LabError
from lab.engine import Engine, is_hybrid

HYBRID = Engine("podman", rootless=False, hybrid=True, apparmor=False)
UNIFIED = Engine("podman", rootless=False, hybrid=False, apparmor=False)
DOCKER = Engine("docker", rootless=False, hybrid=False, apparmor=True)


@pytest.mark.parametrize("engine", [HYBRID, UNIFIED, DOCKER])
def test_no_host_may_change_this_machines_kernel(engine: Engine) -> None:
    assert "--privileged" not in engine.systemd_options()
    assert not any("unmask" in option for option in engine.systemd_options())


def test_a_hybrid_machine_lends_only_its_second_tree_of_groups() -> None:
    volumes = [option for option in HYBRID.systemd_options() if ":/sys/fs/cgroup" in option]
    assert volumes == ["/sys/fs/cgroup/unified:/sys/fs/cgroup:rw"]


def test_a_machine_of_today_leaves_systemd_to_podman() -> None:
    options = UNIFIED.systemd_options()
    assert options[options.index("--systemd") + 1] == "always"
    assert "--volume" not in options


def test_apparmor_lets_systemd_mount() -> None:
    assert "apparmor=unconfined" in DOCKER.systemd_options()


def test_rootless_networks_are_entered_before_a_host_is_reached() -> None:
    rootless = Engine("podman", rootless=True, hybrid=False, apparmor=False)
    assert rootless.in_network(["ssh", "host"])[-2:] == ["ssh", "host"]
    assert rootless.in_network(["ssh", "host"]) != ["ssh", "host"]
    assert UNIFIED.in_network(["ssh", "host"]) == ["ssh", "host"]


def test_a_machine_is_told_by_its_mounts() -> None:
    version_1 = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
    assert is_hybrid(f"{version_1}cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n")
    assert not is_hybrid("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
    with pytest.raises(LabError, match="mounts no cgroup v2, which systemd needs"):
        is_hybrid(version_1)
