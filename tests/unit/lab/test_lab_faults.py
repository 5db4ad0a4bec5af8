# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from lab.commands import LabError
from lab.engine import Engine
from lab.faults import slow, throttle
from lab.state import Host, Lab

CONTAINER = "0123abcd"


def test_a_disk_is_throttled_in_the_containers_group_of_version_1() -> None:
    groups = (
        f"9:name=systemd:/x/libpod-{CONTAINER}\n7:blkio:/x/libpod-{CONTAINER}\n0::/x/libpod-{CONTAINER}/init.scope\n"
    )
    assert throttle(groups, CONTAINER, "254:0", 20) == (
        Path(f"/sys/fs/cgroup/blkio/x/libpod-{CONTAINER}/blkio.throttle.write_iops_device"),
        "254:0 20\n",
    )


def test_a_disk_is_throttled_in_the_containers_group_of_version_2() -> None:
    groups = f"0::/machine.slice/libpod-{CONTAINER}.scope/container/init.scope\n"
    assert throttle(groups, CONTAINER, "8:0", 20) == (
        Path(f"/sys/fs/cgroup/machine.slice/libpod-{CONTAINER}.scope/io.max"),
        "8:0 wiops=20\n",
    )


def test_a_throttle_is_lifted_in_the_words_of_each_version() -> None:
    assert throttle(f"7:blkio:/{CONTAINER}\n", CONTAINER, "8:0", 0)[1] == "8:0 0\n"
    assert throttle(f"0::/{CONTAINER}\n", CONTAINER, "8:0", 0)[1] == "8:0 wiops=max\n"


def test_the_group_of_the_whole_machine_is_never_throttled() -> None:
    with pytest.raises(LabError, match="no control group of its own"):
        throttle("7:blkio:/\n0::/\n", CONTAINER, "8:0", 20)


def test_a_disk_in_memory_cannot_be_slowed_down() -> None:
    engine = Engine("podman", rootless=False, hybrid=True, apparmor=False)
    with pytest.raises(LabError, match="keeps its data in memory"):
        slow(engine, Lab("demo"), Host("etcd-host0", 0, disk="512m"), 20)
