# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that the lab and the static checks need on this machine, and how a Debian gets them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from lab.commands import LabError, output
from lab.engine import docker_serves

#: Debian's packages, by the programs that they bring.
ALWAYS = {
    "ssh": "openssh-client",
    "ip": "iproute2",
    "nft": "nftables",
    "shellcheck": "shellcheck",
    "dnsmasq": "dnsmasq-base",
}
PODMAN = {"podman": "podman"}
#: What Debian's podman works with but does not always bring, and what makes images without a container registry.
COMPLETE = {
    "runc": "runc",
    "iptables": "iptables",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
    "mmdebstrap": "mmdebstrap",
}
#: Programs of the administrator lie outside of an ordinary user's path.
SYSTEM_PATH = "/usr/sbin:/sbin"


def missing(present: Callable[[str], bool], docker: bool, debian: bool) -> list[str]:
    """The packages whose programs are not present.

    :param docker: a Docker engine makes the containers, so podman is not needed.
    :param debian: we are root on a Debian, and may as well make podman complete.
    """
    needed = ALWAYS | ({} if docker else PODMAN | (COMPLETE if debian else {}))
    return [package for program, package in needed.items() if not present(program)]


def install(say: Callable[[str], None]) -> None:
    """Install what is missing.

    :raises LabError: this is no Debian, or we are not root; the packages are named.
    """
    apt = shutil.which("apt-get") is not None
    debian = apt and os.geteuid() == 0
    packages = missing(_present, docker_serves(), debian)
    if not packages:
        return
    if not debian:
        how = "run `sudo python3 -m lab deps`" if apt else "install them with this system's package manager"
        raise LabError(f"These packages are missing: {', '.join(packages)}; {how}.")
    say(f"Installing {', '.join(packages)}")
    output(["apt-get", "-q", "update"])
    output(
        ["apt-get", "-q", "-y", "--no-install-recommends", "install", *packages],
        environment={"DEBIAN_FRONTEND": "noninteractive"},
    )


def _present(program: str) -> bool:
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}") is not None
