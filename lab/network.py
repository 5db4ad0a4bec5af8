# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: a subnet for each lab that nobody on this machine uses, and a fixed place in it for each host."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network

from lab.commands import LabError, output
from lab.engine import Engine

#: Addresses below this one are left to the engine: the gateway is the first.
FIRST_HOST = 10
MOST_HOSTS = 200
#: Routes with a prefix of this length or less are wider than all labs together.
WIDE = 16


@dataclass(frozen=True)
class Subnet:
    """The subnet of one lab.

    :param third: the third byte of its IPv4 addresses.
    """

    third: int

    @property
    def ipv4(self) -> str:
        return f"10.213.{self.third}.0/24"

    @property
    def ipv6(self) -> str:
        return str(IPv6Network(f"fd00:213:{self.third}::/64"))

    @property
    def gateway(self) -> str:
        """The address of this machine in the lab's network."""
        return f"10.213.{self.third}.1"

    def address(self, number: int, version: int = 4) -> str:
        """The address of a host by its number, of IP version 4 or 6.

        :raises LabError: the subnet has no place left.
        """
        if number >= MOST_HOSTS:
            raise LabError(f"A lab has room for {MOST_HOSTS} hosts.")
        place = FIRST_HOST + number
        if version == 4:
            return f"10.213.{self.third}.{place}"
        return str(IPv6Address(f"fd00:213:{self.third}::{place}"))

    def mac(self, number: int) -> str:
        """A fixed hardware address: with a new one at each start, peers would send into the void until ARP expires."""
        return "02:00:" + ":".join(f"{int(byte):02x}" for byte in self.address(number).split("."))


def free_subnet(taken: Iterable[IPv4Network]) -> Subnet:
    """The first subnet that overlaps with none of those taken.

    :raises LabError: all 256 are taken.
    """
    used = list(taken)
    for third in range(256):
        subnet = Subnet(third)
        if not any(IPv4Network(subnet.ipv4).overlaps(other) for other in used):
            return subnet
    raise LabError("All of 10.213.0.0/16 is taken: end a lab with `python3 -m lab --name NAME down`.")


def taken_subnets(engine: Engine) -> list[IPv4Network]:
    """What this machine routes somewhere already, and what the engine's networks use, up or not."""
    routes = [route["dst"] for route in json.loads(output(["ip", "-j", "-4", "route"]))]
    return narrow([*routes, *_engine_subnets(engine)])


def narrow(subnets: Iterable[str]) -> list[IPv4Network]:
    """The subnets that are in the way of a lab's. Wider ones, the default route among them, give way to it."""
    found = [IPv4Network(subnet, strict=False) for subnet in subnets if subnet != "default"]
    return [subnet for subnet in found if subnet.prefixlen > WIDE]


def create_network(engine: Engine, name: str, subnet: Subnet) -> None:
    """:raises LabError: a network of that name is there already, or the engine refuses to make it."""
    if name in _networks(engine):
        raise LabError(
            f"The network {name} is left from a lab that this checkout knows nothing of: another checkout's, or one "
            f"that was interrupted. Use another --name, or take that lab down."
        )
    arguments = ["network", "create", "--ipv6", "--subnet", subnet.ipv4, "--gateway", subnet.gateway]
    engine.output(*arguments, "--subnet", subnet.ipv6, name)


def remove_network(engine: Engine, name: str) -> None:
    if name in _networks(engine):
        engine.output("network", "rm", name)


def _networks(engine: Engine) -> list[str]:
    return engine.output("network", "ls", "--format", "{{.Name}}").split()


def _engine_subnets(engine: Engine) -> list[str]:
    described = json.loads(engine.output("network", "inspect", *_networks(engine)) or "[]")
    # Podman says "subnets": [{"subnet": ...}], Docker "IPAM": {"Config": [{"Subnet": ...}]}.
    found = [place["subnet"] for network in described for place in network.get("subnets") or []]
    found += [
        place["Subnet"]
        for network in described
        for place in (network.get("IPAM") or {}).get("Config") or []
        if "Subnet" in place
    ]
    return [subnet for subnet in found if ":" not in subnet]
