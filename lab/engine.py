# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman or Docker: everything in which they, and the machines they run on, differ."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.commands import LabError, output, succeeds

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Engine:
    """A container engine on this machine.

    :param name: C(podman) or C(docker).
    :param rootless: the engine runs without root, its networks in a namespace of their own.
    :param hybrid: the machine mounts cgroup v2 below C(/sys/fs/cgroup/unified), beside v1, as old systems do.
    :param apparmor: the kernel confines containers by AppArmor, whose profiles forbid systemd its mounts.
    """

    name: str
    rootless: bool
    hybrid: bool
    apparmor: bool

    def command(self, *arguments: str) -> list[str]:
        # crun, the default of some podman packages, refuses hybrid machines.
        runtime = ["--runtime", "runc"] if self.name == "podman" and self.hybrid else []
        return [self.name, *runtime, *arguments]

    def output(self, *arguments: str, stdin: str | None = None, timeout: float | None = None) -> str:
        """What the engine prints.

        :raises LabError: it fails.
        """
        return output(self.command(*arguments), stdin=stdin, timeout=timeout)

    def in_network(self, command: Sequence[str]) -> list[str]:
        """The command, run where the addresses of the hosts can be reached."""
        return ["podman", "unshare", "--rootless-netns", *command] if self.rootless else list(command)

    def systemd_options(self) -> list[str]:
        """What a container needs so that systemd boots in it and hardened units start.

        Never ``--privileged``: it lets a host change the settings of this machine's kernel.
        """
        options = ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE"]
        if self.apparmor:
            options += ["--security-opt", "apparmor=unconfined"]
        if self.name == "podman":
            # The limits that podman would set are refused to a root without CAP_SYS_RESOURCE, ours are not.
            files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            options += ["--ulimit", f"nofile={files}:{files}", "--ulimit", "nproc=4096:4096", "--pids-limit", "0"]
            if not self.hybrid:
                return [*options, "--systemd", "always"]
            options += ["--systemd", "false"]
        # Newer systemd refuses cgroup v1. Only the v2 tree may be bound: given the whole of /sys/fs/cgroup of a
        # hybrid machine, systemd remounts it read-only for everybody.
        tree = CGROUPS / "unified" if self.hybrid else CGROUPS
        return [
            *options,
            *("--tmpfs", "/run:rw,mode=755", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"),
            *("--env", f"container={self.name}", "--cgroupns", "host", "--volume", f"{tree}:/sys/fs/cgroup:rw"),
        ]

    def build_options(self) -> list[str]:
        """What building an image needs beside the ordinary."""
        return ["--isolation", "chroot"] if self.name == "podman" and self.hybrid else []

    def storage(self) -> Path:
        """The directory in which the engine keeps the disks of its containers."""
        template = "{{.Store.GraphRoot}}" if self.name == "podman" else "{{.DockerRootDir}}"
        return Path(self.output("info", "--format", template).strip())


def find_engine(mounts: Path = Path("/proc/self/mounts")) -> Engine:
    """The engine of this machine: podman, else a Docker that answers; the variable C(LAB_ENGINE) overrides.

    :raises LabError: this is no Linux, there is no engine, or no systemd of today would boot in its containers.
    """
    if sys.platform != "linux":
        raise LabError("The lab needs Linux, whose containers can be reached by address: use a virtual machine.")
    name = "docker" if docker_serves() else "podman"
    if shutil.which(name) is None:
        raise LabError("Neither podman nor a Docker engine was found: run `python3 -m lab deps`, or install podman.")
    return Engine(
        name=name,
        rootless=name == "podman" and os.geteuid() != 0,
        hybrid=is_hybrid(mounts.read_text(encoding="utf-8")),
        apparmor=_says_yes(Path("/sys/module/apparmor/parameters/enabled")),
    )


def is_hybrid(mounts: str) -> bool:
    """Whether cgroup v2 is mounted beside v1, from the text of C(/proc/self/mounts).

    :raises LabError: there is no cgroup v2 at all.
    """
    trees = {line.split()[1] for line in mounts.splitlines() if line.split()[2] == "cgroup2"}
    if str(CGROUPS) in trees:
        return False
    if str(CGROUPS / "unified") in trees:
        return True
    raise LabError(
        f"This machine mounts no cgroup v2, which systemd needs: boot with systemd.unified_cgroup_hierarchy=1, "
        f"or `mount -t cgroup2 cgroup2 {CGROUPS / 'unified'}`."
    )


def docker_serves() -> bool:
    """Whether Docker is the engine: asked for, or the only one there."""
    asked = os.environ.get("LAB_ENGINE")
    if asked or shutil.which("podman"):
        return asked == "docker"
    # A docker command proves nothing: it may be a client without an engine.
    return succeeds(["docker", "info"], timeout=10)


def _says_yes(parameter: Path) -> bool:
    return parameter.exists() and parameter.read_text(encoding="utf-8").strip() == "Y"
