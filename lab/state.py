# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lab is: its hosts, their addresses, and the file that remembers them."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.commands import LabError
from lab.network import Subnet
from lab.paths import LABS
from lab.processes import Process

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True)
class Host:
    """One host of a lab.

    :param number: its place in the lab's subnet, from 0; it never changes.
    :param debian: the release of Debian.
    :param disk: size of a disk of its own for C(/var/lib/etcd), in the words of tmpfs (C(512m)); empty for none.
    :param user: who logs in.
    :param password: what C(sudo) asks that user for; empty for root.
    """

    name: str
    number: int
    debian: int = 12
    disk: str = ""
    user: str = "root"
    password: str = ""


@dataclass(frozen=True)
class Server:
    """The release server of a lab: where it listens, and its process."""

    port: int
    process: Process


@dataclass
class Lab:
    """One lab. Every container, network, table and process of it carries its name."""

    name: str
    subnet: Subnet | None = None
    hosts: list[Host] = field(default_factory=list)
    server: Server | None = None

    def __post_init__(self) -> None:
        check_name("lab", self.name)

    @property
    def prefix(self) -> str:
        return f"quorum-{self.name}"

    @property
    def network(self) -> str:
        return f"{self.prefix}-network"

    @property
    def directory(self) -> Path:
        return LABS / self.name

    @property
    def key(self) -> Path:
        return self.directory / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def lock(self) -> Path:
        return LABS / f".{self.name}.lock"

    def container(self, host: Host) -> str:
        return f"{self.prefix}-{host.name}"

    def disk(self, host: Host) -> Path:
        return self.directory / "disks" / host.name

    def host(self, name: str) -> Host:
        """:raises LabError: the lab has no host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts) or "none: run `up` first"
        raise LabError(f"Lab {self.name} has no host {name}. Its hosts: {known}.")

    @property
    def placed(self) -> Subnet:
        """:raises LabError: the lab is not up."""
        if self.subnet is None:
            raise LabError(f"Lab {self.name} is not up: run `python3 -m lab --name {self.name} up`.")
        return self.subnet

    def address(self, host: Host, version: int = 4) -> str:
        return self.placed.address(host.number, version)

    def save(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        beside = self.directory / "state.json.new"
        # It holds the passwords of the hosts' users.
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        beside.replace(self.directory / "state.json")

    def forget(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


def load(name: str) -> Lab:
    """The lab of that name; an empty one where none was made."""
    lab = Lab(name)
    try:
        state = json.loads((lab.directory / "state.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return lab
    lab.subnet = Subnet(**state["subnet"]) if state["subnet"] else None
    lab.hosts = [Host(**host) for host in state["hosts"]]
    if state["server"]:
        lab.server = Server(state["server"]["port"], Process(**state["server"]["process"]))
    return lab


def names() -> list[str]:
    """The labs of this checkout."""
    return sorted(path.parent.name for path in LABS.glob("*/state.json"))


def check_name(what: str, name: str) -> None:
    """:raises LabError: the name would not do as part of a container's or a host's name."""
    if not NAME.fullmatch(name):
        raise LabError(f"{name!r} is no name for a {what}: use a to z, 0 to 9 and -, at most 32 characters.")
