# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A host's own addresses and listening ports, from the kernel's tables; nothing is sent."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._host import processes

# Addresses kept for documentation (RFC 5737, RFC 3849): connecting a datagram socket only asks the routing table.
_SOMEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def default_address() -> str:
    """The address this host uses towards the world, IPv4 first; empty without a route."""
    for family, elsewhere in _SOMEWHERE:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            return str(probe.getsockname()[0])
    return ""


def has_address(address: str) -> bool:
    """Can this host bind to an address, that is, is it on one of its interfaces?

    A host name is resolved first; one that does not resolve is not here.
    """
    try:
        found = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    for family, kind, _protocol, _name, where in found:
        with contextlib.suppress(OSError), socket.socket(family, kind) as probe:
            probe.bind(where)
            return True
    return False


def _address(text: str) -> str:
    """An address as /proc/net/tcp writes it: words of four bytes in the machine's order."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(struct.pack("=I", word) for word in words)))


def listeners(ports: Iterable[int]) -> list[dict[str, Any]]:
    """Who listens on these TCP ports.

    :returns: for each socket C(port), C(address), C(pid) (0 if it cannot be seen), C(process) (its command name),
        C(unit) (its systemd unit).
    """
    wanted = set(ports)
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as stream:
                rows = [line.split() for line in stream.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            address, _colon, port = row[1].rpartition(":")
            if row[3] != "0A" or int(port, 16) not in wanted:
                continue
            pid = processes.of_socket(row[9])
            arguments = processes.command_line(pid) if pid else []
            found.append(
                {
                    "port": int(port, 16),
                    "address": _address(address),
                    "pid": pid,
                    "process": arguments[0] if arguments else "",
                    "unit": processes.unit_of(pid) if pid else "",
                }
            )
    return found
