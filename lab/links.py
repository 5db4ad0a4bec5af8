# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of the links between hosts: partitions, and firewalls that let established connections live.

All of them are rules for this machine's bridges. The bridge family sees what goes from host to host, and not what goes
between this machine and a host.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.commands import output, succeeds
from lab.engine import Engine
from lab.state import Host, Lab

#: A packet that opens a TCP connection: it needs no connection tracking, which a kernel's bridges may not have.
OPENING = "tcp flags & (syn | ack) == syn"


def cut(engine: Engine, lab: Lab, hosts: Sequence[Host]) -> None:
    """A partition: these hosts reach each other, the others reach each other, and this machine reaches all.

    It replaces an earlier one, and lasts until healed, through reboots of hosts too.

    :raises LabError: this machine's bridges cannot be filtered; it takes root.
    """
    sides = [[lab.address(host, version) for host in hosts] for version in (4, 6)]
    _filter(engine, partition(lab.prefix, *sides))


def partition(table: str, ipv4: Sequence[str], ipv6: Sequence[str]) -> str:
    """Return the nft commands for a partition between these addresses and all others of the bridges."""
    rules = []
    for family, addresses in (("ip", ipv4), ("ip6", ipv6)):
        inside = _set(addresses)
        rules.append(f"{family} saddr {inside} {family} daddr != {inside} drop")
        rules.append(f"{family} daddr {inside} {family} saddr != {inside} drop")
    # Naming the table before deleting it makes the deletion right whether it was there or not.
    return f"table bridge {table}\ndelete table bridge {table}\n" + _chain(table, "partition", rules)


def block(engine: Engine, lab: Lab, sources: Sequence[Host], targets: Sequence[Host], port: int = 0) -> None:
    """Drop each TCP connection that one of some hosts opens to one of others; established ones live.

    It adds to earlier blocks. All of them last until unblocked or healed, through reboots of hosts too.

    :param port: of the targets; 0 for all.
    :raises LabError: this machine's bridges cannot be filtered; it takes root.
    """
    ipv4, ipv6 = ([[lab.address(host, version) for host in side] for side in (sources, targets)] for version in (4, 6))
    _filter(engine, firewall(_blocks(lab), ipv4, ipv6, port))


def firewall(table: str, ipv4: Sequence[Sequence[str]], ipv6: Sequence[Sequence[str]], port: int = 0) -> str:
    """Return the nft commands that drop new connections, in addition to those that are dropped already.

    :param ipv4: the addresses that connect, and those to which they do.
    """
    service = f"tcp dport {port} " if port else ""
    rules = [
        f"{family} saddr {_set(sources)} {family} daddr {_set(targets)} {service}{OPENING} drop"
        for family, (sources, targets) in (("ip", ipv4), ("ip6", ipv6))
    ]
    return _chain(table, "blocks", rules)


def unblock(engine: Engine, lab: Lab) -> None:
    """End all blocks, if there are any."""
    _delete(engine, _blocks(lab))


def heal(engine: Engine, lab: Lab) -> None:
    """End a partition and all blocks."""
    _delete(engine, lab.prefix)
    unblock(engine, lab)


def is_cut(engine: Engine, lab: Lab) -> bool:
    return _has(engine, lab.prefix)


def is_blocked(engine: Engine, lab: Lab) -> bool:
    return _has(engine, _blocks(lab))


def _blocks(lab: Lab) -> str:
    # A table of its own: whoever replaces a partition leaves the blocks alone.
    return f"{lab.prefix}-blocks"


def _set(addresses: Sequence[str]) -> str:
    return "{ " + ", ".join(addresses) + " }"


def _chain(table: str, chain: str, rules: Sequence[str]) -> str:
    lines = "\n".join(f"    {rule}" for rule in rules)
    return (
        f"table bridge {table} {{\n  chain {chain} {{\n    type filter hook forward priority 0; policy accept;\n"
        f"{lines}\n  }}\n}}\n"
    )


def _filter(engine: Engine, rules: str) -> None:
    output(engine.in_network(["nft", "-f", "-"]), stdin=rules)


def _has(engine: Engine, table: str) -> bool:
    return succeeds(engine.in_network(["nft", "list", "table", "bridge", table]))


def _delete(engine: Engine, table: str) -> None:
    if _has(engine, table):
        output(engine.in_network(["nft", "delete", "table", "bridge", table]))
