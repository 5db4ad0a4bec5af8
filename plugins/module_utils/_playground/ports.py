# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.
"""The ports of a playground: whether they can be had, and who has them."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import network
from ansible_collections.quorum.etcd.plugins.module_utils._model import playground as model
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Member, Playground

_FURTHER = 100


def check(playground: Playground, starting: Iterable[Member], is_new: bool, usual_place: str) -> None:
    """See that members that are to start can listen.

    :param is_new: the playground is not there yet, so that it can have other ports.
    :raises Refused: something else listens there.
    """
    taken = [port for member in starting for port in member.ports if not _is_free(port)]
    if not taken:
        return
    other = _with_free_ports(playground)
    again = model.command(other, usual_place) if is_new else model.remake(other, usual_place)
    raise Refused(
        f"The playground in {playground.place} needs ports of {model.ADDRESS} that are taken: {_held(taken)}.",
        "Clients of the one would talk to the other.",
        f"Stop what is there and run again, or take other ports: {again}",
        code="playground-ports",
    )


def _with_free_ports(playground: Playground) -> Playground:
    last = playground
    for _try in range(50):
        last = last.at_port(last.port + _FURTHER)
        if all(_is_free(port) for member in last.members for port in member.ports):
            break
    return last


def _held(ports: list[int]) -> str:
    seen = {one["port"]: one for one in network.listeners(ports)}
    return ", ".join(f"{port} by {_holder(seen.get(port, {}))}" for port in ports)


def _holder(found: dict[str, Any]) -> str:
    return f"{found['process']} (PID {found['pid']})" if found.get("pid") else "a process that cannot be seen"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As etcd does it: connections that have ended are in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((model.ADDRESS, port))
        except OSError:
            return False
    return True
