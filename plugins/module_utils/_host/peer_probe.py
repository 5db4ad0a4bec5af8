# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Proof that members reach each other's peer and client ports, before any of them starts.

A firewall between them would otherwise leave a half-made cluster, or one that no later change can ask about its quorum.
Until the first start a small listener stands where etcd will; it is a transient unit and ends by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import parse_url
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

# Long enough for the slowest host of a large cluster to get ready, short enough to be gone by the next day.
_LIFETIME = 3600
_DIAL_TIMEOUT = 5.0

_LISTENER = r"""
import selectors, socket, sys
greeting, ready = sys.argv[1].encode() + b"\n", selectors.DefaultSelector()
for where in sys.argv[2:]:
    host, port = where.rsplit(",", 1)
    family, kind, proto, _name, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
    listener.bind(address)
    listener.listen(64)
    ready.register(listener, selectors.EVENT_READ)
while True:
    for key, _events in ready.select():
        connection, _peer = key.fileobj.accept()
        with connection:
            try:
                connection.sendall(greeting)
            except OSError:
                pass
"""


def greeting(token: str, name: str) -> str:
    """What the listener of a member says, so that a dialler knows that it reached this very one."""
    return "quorum.etcd " + hashlib.sha256(f"{token}\n{name}".encode()).hexdigest()


def listen(systemd: Systemd, layout: Layout, urls: Sequence[str], says: str) -> None:
    """Put the listener where etcd will listen.

    :param urls: http and https at one address are one place, as they are for etcd.
    :raises HostError: it cannot stand there.
    """
    stop(systemd, layout)
    parsed = [parse_url(text, "listen URL") for text in urls]
    places = list(dict.fromkeys((url.host, url.port) for url in parsed))
    systemd.run_transient(
        layout.probe_unit,
        {
            "RuntimeMaxSec": str(_LIFETIME),
            "User": layout.user,
            "Group": layout.group,
            "Description": "quorum.etcd port probe",
        },
        [sys.executable, "-c", _LISTENER, says, *(f"{host},{port}" for host, port in places)],
    )
    for host, port in places:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        if not _answers_soon(here, port, says):
            text = systemd.journal(layout.probe_unit, 3)
            stop(systemd, layout)
            raise HostError(f"Nothing can listen on {host}, port {port} of this host: {text or 'no answer there.'}")


def _answers_soon(host: str, port: int, says: str) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if _read(host, port) == says:
                return True
        time.sleep(0.01)
    return False


def stop(systemd: Systemd, layout: Layout) -> None:
    """Take the listener away; nothing happens where there is none."""
    if systemd.show(layout.probe_unit)["load_state"] != "not-found":
        systemd.control("stop", layout.probe_unit)


def _read(host: str, port: int) -> str:
    with socket.create_connection((host, port), timeout=_DIAL_TIMEOUT) as connection:
        connection.settimeout(_DIAL_TIMEOUT)
        received = b""
        while not received.endswith(b"\n") and len(received) < 200:
            chunk = connection.recv(200)
            if not chunk:
                break
            received += chunk
        return received.decode(errors="replace").strip()


def failures(peers: Sequence[Mapping[str, Any]], token: str) -> Iterator[str]:
    """Dial every peer at once, and say which could not be reached and why.

    :param peers: C(name) of the others, and C(urls), one of which must lead to that member.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(peers))) as pool:
        for text in pool.map(lambda peer: _failure(peer, token), peers):
            if text:
                yield text


def _failure(peer: Mapping[str, Any], token: str) -> str:
    found = []
    for url in peer["urls"]:
        text = _failure_at(peer["name"], url, token)
        if not text:
            return ""
        found.append(text)
    return " ".join(found)


def _failure_at(name: str, where: str, token: str) -> str:
    try:
        url = parse_url(where, "URL")
        said = _read(url.host, url.port)
    except socket.timeout:
        return (
            f"{name} does not answer at {where}: a firewall drops it, or the address is wrong. Open that TCP port "
            "between all members, in both directions."
        )
    except socket.gaierror as exc:
        return f"{name}: the name in {where} does not resolve on this host: {exc.strerror}."
    except (OSError, EtcdError) as exc:
        return (
            f"{name} cannot be reached at {where}: {exc}. Is the address right, and is that port open between all "
            "members?"
        )
    if said != greeting(token, name):
        return f"Something else than {name} answers at {where}: the address leads to another machine or service."
    return ""
