# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Asks name servers for the SRV records of a cluster. The only file that imports dnspython.

A name server is asked by itself and not through the system's own resolver, so that it is known which one has answered,
that all together lasts no longer than it may, and that no file of the controller stands in for the zone.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._base.python_library import Python
from ansible_collections.quorum.etcd.plugins.module_utils._model import srv

#: First minor that a forged answer does not put off from waiting for the right one (CVE-2023-29483, in 2.6.1).
MINIMUM = "2.6"


def shortcoming(version: str) -> str:
    """What is wrong with a library of this version, or an empty string."""
    found, needed = (tuple(map(int, text.split(".")[:2])) for text in (version, MINIMUM))
    return f"{version} was found" if found < needed else ""


try:
    import dns.exception
    import dns.message
    import dns.query
    import dns.rcode
    import dns.rdatatype
    import dns.resolver
    import dns.version

    MISSING = shortcoming(dns.version.version)
except ImportError as exc:
    MISSING = f"{sys.executable} cannot import it ({exc})"

PORT = 53


class NameServers:
    """Name servers, of which the first that answers is believed.

    :param servers: their IP addresses; those of this machine's C(/etc/resolv.conf) where there is none.
    :param seconds: how long all questions together may last.
    :raises HostError: dnspython is missing or too old, or no name server is known.
    :raises BadInput: one is no IP address.
    """

    def __init__(self, servers: Sequence[str], port: int, seconds: float) -> None:
        if MISSING:
            raise HostError(
                f"DNS is asked on the controller with the Python library dnspython {MINIMUM} or newer, and {MISSING}. "
                f"{Python.running().installing(f'dnspython>={MINIMUM}')}"
            )
        self._servers = [_address(server) for server in servers] or _of_this_machine()
        self._port = port
        self._deadline = Deadline(seconds)
        #: The one that answered last.
        self.asked = ""

    def records(self, domain: str, suffix: str) -> srv.Records:
        """Return all SRV records of a cluster, and the addresses of the hosts that they name.

        :raises TransportError: no name server answers.
        """
        answers = {service: self._ask(service.name(domain, suffix), "SRV") for service in srv.SERVICES}
        names = {str(one.target).rstrip(".").lower() for found in answers.values() for _ttl, one in found}
        addresses = {name: self._addresses(name) for name in sorted(names)}
        of = {
            service: sorted(
                (_record(ttl, one, addresses) for ttl, one in found),
                key=lambda one: (one.priority, -one.weight, one.target, one.port),
            )
            for service, found in answers.items()
        }
        return srv.Records(domain, suffix, self.asked, of)

    def _addresses(self, name: str) -> tuple[str, ...]:
        return tuple(str(one.address) for kind in ("A", "AAAA") for _ttl, one in self._ask(name, kind))

    def _ask(self, name: str, kind: str) -> list[tuple[int, Any]]:
        """The time to live and the data of each record; none where a name server says that there is none."""
        question = dns.message.make_query(name, kind)
        refusals = []
        for at, server in enumerate(self._servers):
            # One that swallows questions must leave time for the next.
            seconds = max(self._deadline.left() / (len(self._servers) - at), 0.001)
            try:
                answer, _tcp = dns.query.udp_with_fallback(question, server, seconds, self._port)
            except (OSError, dns.exception.DNSException) as exc:
                refusals.append(f"{server} port {self._port}: {_reason(exc, self._deadline.seconds)}")
                continue
            if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                refusals.append(f"{server} port {self._port}: {dns.rcode.to_text(answer.rcode())}.")
                continue
            self.asked = server if self._port == PORT else f"{server} port {self._port}"
            wanted = dns.rdatatype.from_text(kind)
            # The records of a name that stands for another one come with the other name.
            return [(found.ttl, one) for found in answer.answer if found.rdtype == wanted for one in found]
        raise TransportError("DNS", f"no name server tells of {name}. {' '.join(refusals)}")


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, dns.exception.Timeout):
        return f"no answer within {seconds:g} s in all."
    return f"{getattr(error, 'strerror', None) or error}."


def _record(ttl: int, data: Any, addresses: dict[str, tuple[str, ...]]) -> srv.Record:
    target = str(data.target).rstrip(".").lower()
    return srv.Record(target, data.port, data.priority, data.weight, ttl, addresses[target])


def _address(server: str) -> str:
    try:
        return str(ipaddress.ip_address(server.strip("[]")))
    except ValueError:
        raise BadInput(f"The name server '{server}' is no IP address. Write one such as 10.0.0.53.") from None


def _of_this_machine() -> list[str]:
    try:
        found: Iterable[Any] = dns.resolver.Resolver().nameservers
    except dns.resolver.NoResolverConfiguration as exc:
        raise HostError(f"No name server is known here: {exc}. Give name_servers.") from exc
    return [str(one) for one in found]
