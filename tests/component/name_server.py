# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real name server, dnsmasq, with one zone on loopback."""

from __future__ import annotations

import getpass
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import dns.exception
import dns.message
import dns.query
from cluster import free_ports

DOMAIN = "example.com"
READY_WITHIN = 10.0

#: Of a record: the beginning of its name, its target and its port.
Srv = tuple[str, str, int]


class NameServer:
    """A name server of this machine that knows C(DOMAIN) and nothing else.

    :param port: without one it takes a free one.
    :param address: where it listens.
    """

    def __init__(self, directory: Path, port: int = 0, address: str = "127.0.0.1") -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_ports(1)[0]
        self.address = address

    def serve(self, records: Sequence[Srv], addresses: Mapping[str, str], ttl: int = 300) -> NameServer:
        """Begin to answer with this zone, in place of the one before.

        :param addresses: name of a host in the domain -> its IP address.
        """
        self.stop()
        program = shutil.which("dnsmasq", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        assert program, "dnsmasq is needed, a real name server: make deps"
        settings = [
            f"port={self.port}",
            f"listen-address={self.address}",
            "bind-interfaces",
            "no-resolv",
            "no-hosts",
            f"local-ttl={ttl}",
            f"local=/{DOMAIN}/",
            f"user={getpass.getuser()}",
            "pid-file",
            *(f"host-record={name}.{DOMAIN},{address}" for name, address in addresses.items()),
            *(f"srv-host={name}._tcp.{DOMAIN},{target}.{DOMAIN},{port}" for name, target, port in records),
        ]
        file = self._directory / "dnsmasq.conf"
        file.write_text("".join(f"{line}\n" for line in settings))
        log = (self._directory / "dnsmasq.log").open("ab")
        with log:
            self._process = subprocess.Popen([program, "-k", "-C", file], stdout=log, stderr=log)
        self._await()
        return self

    def _await(self) -> None:
        end = time.monotonic() + READY_WITHIN
        question = dns.message.make_query(DOMAIN, "A")
        while True:
            try:
                dns.query.udp(question, self.address, timeout=0.5, port=self.port)
                return
            except (OSError, dns.exception.DNSException):
                assert self._process is not None and self._process.poll() is None, self._log()
                assert time.monotonic() < end, self._log()
                time.sleep(0.05)

    def _log(self) -> str:
        return (self._directory / "dnsmasq.log").read_text()

    def stop(self) -> None:
        """Answer nothing any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
