# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to real hosts: power lost, hung, disk full, disk slow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lab.commands import LabError
from lab.engine import CGROUPS, Engine
from lab.state import Host, Lab

#: The file that fills a disk.
BALLAST = ".ballast"
#: A larger disk is not filled: it would be this machine's own.
LARGEST_FILLED = 8 * 1024**3


def kill(engine: Engine, lab: Lab, hosts: Sequence[Host]) -> None:
    """Power lost: every process ends at once, nothing is told to anybody."""
    engine.output("kill", "--signal", "KILL", *(lab.container(host) for host in hosts))


def pause(engine: Engine, lab: Lab, hosts: Sequence[Host]) -> None:
    """A hung host: its connections stay open, nobody answers."""
    engine.output("pause", *(lab.container(host) for host in hosts))


def unpause(engine: Engine, lab: Lab, hosts: Sequence[Host]) -> None:
    engine.output("unpause", *(lab.container(host) for host in hosts))


def fill(engine: Engine, lab: Lab, host: Host, path: str) -> None:
    """Fill the disk that holds a path, to the last byte.

    :raises LabError: the disk is larger than a host's own would be.
    """
    size, mount = _inside(engine, lab, host, ["df", "--block-size=1", "--output=size,target", path]).split()[-2:]
    if int(size) > LARGEST_FILLED:
        raise LabError(
            f"{path} of {host.name} lies on {mount}, which has {int(size) // 1024**3} GiB and is this machine's own "
            f"disk: make the host with `up --data-tmpfs 512m` and fill /var/lib/etcd."
        )
    # dd fails, as it should, when the disk is full.
    zeros = 'dd if=/dev/zero of="$1" bs=64k 2>/dev/null || :'
    _inside(engine, lab, host, ["sh", "-c", zeros, "sh", f"{path}/{BALLAST}"])


def drain(engine: Engine, lab: Lab, host: Host, path: str) -> None:
    """Give back what filled the disk."""
    _inside(engine, lab, host, ["rm", "-f", f"{path}/{BALLAST}"])


def slow(engine: Engine, lab: Lab, host: Host, writes: int) -> None:
    """Let a host's disk do so many writes a second, whatever its processes are; 0 for as many as it can.

    :raises LabError: the host's data lies in memory, or the machine cannot throttle the disk.
    """
    if host.disk:
        raise LabError(f"{host.name} keeps its data in memory (--data-tmpfs), which no disk can slow down.")
    container, pid = engine.output("inspect", "--format", "{{.Id}} {{.State.Pid}}", lab.container(host)).split()
    groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    file, line = throttle(groups, container, whole_disk(engine.storage()), writes)
    try:
        file.write_text(line, encoding="utf-8")
    except OSError as problem:
        raise LabError(
            f"The disk of {host.name} cannot be slowed down here ({file}: {problem.strerror}). It takes root, and a "
            f"kernel with the blkio controller of cgroup v1 or the io controller of v2."
        ) from None


def throttle(groups: str, container: str, disk: str, writes: int) -> tuple[Path, str]:
    """The file that limits a container's writes, and what to write into it.

    :param groups: C(/proc/PID/cgroup) of a process in the container.
    :param container: the container's full id.
    :param disk: the disk's device numbers, C(MAJOR:MINOR).
    :raises LabError: the container is in no group of its own.
    """
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("blkio", "") or container not in path:
            continue
        # systemd in the container has groups of its own below that of the container.
        parts = path.split("/")
        own = "/".join(parts[: 1 + next(place for place, part in enumerate(parts) if container in part)]).lstrip("/")
        if controllers == "blkio":
            return CGROUPS / "blkio" / own / "blkio.throttle.write_iops_device", f"{disk} {writes}\n"
        return CGROUPS / own / "io.max", f"{disk} wiops={writes or 'max'}\n"
    raise LabError("The container has no control group of its own, so its disk cannot be slowed down.")


def whole_disk(path: Path) -> str:
    """The device numbers of the disk below a path: limits apply to disks, not to partitions.

    :raises LabError: the path lies on no disk.
    """
    device = path.stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not block.exists():
        raise LabError(f"{path} lies on no block device, so no disk can be slowed down.")
    block = block.resolve()
    whole = block.parent if (block / "partition").exists() else block
    return (whole / "dev").read_text(encoding="utf-8").strip()


def _inside(engine: Engine, lab: Lab, host: Host, command: Sequence[str]) -> str:
    return engine.output("exec", lab.container(host), *command)
