# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A cluster's SRV records: what they are called, which ones the inventory needs, and how those that are there differ.

A member that founds its cluster by them takes each record for a member, and knows of no other (client/pkg/srv/srv.go,
GetCluster). So where one is missing the others found a smaller cluster. The peer URLs of the members are made of the
names in the records. They are an identity, so the inventory must have the same ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Callable, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import (
    Url,
    as_ip,
    from_elsewhere,
    is_dns_name,
    parse_url,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import Member

PEER, CLIENT = KINDS = ("etcd-server", "etcd-client")

#: How records differ from what the inventory wants.
MISSING = "missing"
SURPLUS = "surplus"
TWICE = "twice"
WRONG_PORT = "wrong-port"
WRONG_SCHEME = "wrong-scheme"
OTHER_NAME = "other-name"
UNRESOLVED = "unresolved"
ELSEWHERE = "elsewhere"

# etcd's minor -> whether it ends where the name with -ssl has no record, also in a cluster without TLS (tried).
_ENDS_WITHOUT_SSL = {4: True, 5: False, 6: False, 7: False}

TTL = 300


class Service(NamedTuple):
    """What a record is for.

    :param kind: C(PEER) or C(CLIENT).
    """

    kind: str
    tls: bool

    def name(self, domain: str, suffix: str = "") -> str:
        """The name of its records, without a dot at its end."""
        return f"_{self.kind}{'-ssl' if self.tls else ''}{f'-{suffix}' if suffix else ''}._tcp.{domain}"

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"


SERVICES = tuple(Service(kind, tls) for kind in KINDS for tls in (True, False))


class Record(NamedTuple):
    """One record.

    :param target: in lower case, without a dot at its end.
    :param ttl: seconds.
    :param addresses: of the target; empty where the same server knows none.
    """

    target: str
    port: int
    priority: int = 0
    weight: int = 0
    ttl: int = 0
    addresses: tuple[str, ...] = ()


class Records(NamedTuple):
    """What a name server says of a cluster.

    :param server: the name server that was asked.
    :param of: the records of each service, in the order of their priority, weight and target.
    """

    domain: str
    suffix: str
    server: str
    of: Mapping[Service, Sequence[Record]]

    def urls(self, kind: str) -> list[str]:
        """The URLs that the records of one kind mean, those with TLS first."""
        return [str(url) for service in SERVICES if service.kind == kind for url in self._urls(service)]

    def _urls(self, service: Service) -> Iterator[Url]:
        return (Url(service.scheme, one.target, one.port) for one in self.of.get(service, ()))


class Difference(NamedTuple):
    """Where the records are not those that the inventory wants.

    :param kind: C(MISSING) and so on.
    :param member: the name of the member; empty for a record that is no member's.
    :param found: what was found, in one sentence.
    :param remedy: what makes it right, in one sentence.
    """

    kind: str
    member: str
    found: str
    remedy: str


def check_domain(domain: str, suffix: str = "") -> str:
    """Return a domain in its shortest form.

    :raises BadInput: it is none, or the suffix cannot be part of a name.
    """
    short = topology.domain_of(domain, "domain")
    if not short:
        raise BadInput("domain is empty. Write one such as example.com.")
    if suffix and (not is_dns_name(suffix) or "." in suffix):
        raise BadInput(f"The suffix '{suffix}' cannot be part of a DNS name. Use letters, digits and '-'.")
    return short


def zone_lines(members: Iterable[Member], domain: str, suffix: str = "", ttl: int = TTL) -> list[str]:
    """Return what a zone must hold so that members find each other, and clients them.

    Of a member whose peer URL has an address it holds that address, too.

    :param ttl: seconds.
    :raises BadInput: the domain is none, or a member's name cannot be part of one.
    """
    domain = check_domain(domain, suffix)
    found = list(members)
    lines = [
        _line(
            Service(kind, url.scheme == "https"),
            domain,
            suffix,
            ttl,
            topology.discovery_name(member, url.host, domain),
            url,
        )
        for kind in KINDS
        for member in found
        for url in map(_url, member.peer_urls if kind == PEER else from_elsewhere(member.client_urls))
    ]
    for member in found:
        for host in dict.fromkeys(_url(url).host for url in member.peer_urls):
            address = as_ip(host)
            if address:
                kind = "A" if address.version == 4 else "AAAA"
                lines.append(f"{topology.discovery_name(member, host, domain)}. {ttl} IN {kind} {address}")
    return lines


def _line(service: Service, domain: str, suffix: str, ttl: int, target: str, url: Url) -> str:
    return f"{service.name(domain, suffix)}. {ttl} IN SRV 0 0 {url.port} {target}."


def compare(
    records: Records, wanted: Mapping[str, Sequence[str]], hosts: Mapping[str, Collection[str]] | None = None
) -> list[Difference]:
    """Return how the records of members differ from what the inventory wants; nothing if they are right.

    :param wanted: name of a member -> its peer URLs.
    :param hosts: name of a member -> addresses of its host, where they are known.
    """
    return _Comparison(records, wanted, hosts or {}).differences()


class _Comparison:
    """One comparison, with the records that no member has claimed yet."""

    def __init__(
        self, records: Records, wanted: Mapping[str, Sequence[str]], hosts: Mapping[str, Collection[str]]
    ) -> None:
        self._records = records
        self._wanted = [(member, _url(text)) for member, texts in wanted.items() for text in texts]
        self._hosts = hosts
        self._left = {tls: list(records.of.get(Service(PEER, tls), ())) for tls in (True, False)}

    def differences(self) -> list[Difference]:
        # Members of one machine may share a name, so all that are right come before what is nearly so.
        right = [self._claim_exact(url) for _member, url in self._wanted]
        found = [one for (member, url), its in zip(self._wanted, right) for one in self._judge(member, url, its)]
        return [*found, *(self._surplus(tls, record) for tls, rest in self._left.items() for record in rest)]

    def _judge(self, member: str, url: Url, right: Sequence[Record]) -> Iterator[Difference]:
        if not right:
            yield self._absent(member, url)
            return
        if len(right) > 1:
            yield self._differs(TWICE, member, url, f"{url.host} port {url.port} stands in {len(right)} records")
        yield from self._judge_addresses(member, url, right[0].addresses)

    def _absent(self, member: str, url: Url) -> Difference:
        """What there is in place of the record of a peer URL."""
        tls = url.scheme == "https"
        named = self._claim(tls, lambda one: one.target == url.host)
        if named:
            return self._differs(WRONG_PORT, member, url, f"The record of {url.host} has the port {named[0].port}")
        if self._claim(not tls, lambda one: one.target == url.host):
            return self._differs(WRONG_SCHEME, member, url, f"{url.host} has a record of {self._name(not tls)} only")
        by_address = self._claim(tls, lambda one: url.host in one.addresses and one.port == url.port)
        if by_address:
            target = by_address[0].target
            return Difference(
                OTHER_NAME,
                member,
                self._said(f"The record of {member} names {target}, and the inventory has it at {url.host}"),
                f"Set etcd_address of its host: {target}",
            )
        return self._differs(MISSING, member, url, f"{self._name(tls)} has no record of {member}")

    def _judge_addresses(self, member: str, url: Url, addresses: Collection[str]) -> Iterator[Difference]:
        known = self._hosts.get(member, ())
        if not addresses:
            yield self._differs(UNRESOLVED, member, url, f"{url.host} has no address")
        elif known and not set(addresses) & set(known):
            others = (one for one, theirs in self._hosts.items() if set(addresses) & set(theirs))
            whose = next((f", which is {one}" for one in others), "")
            yield Difference(
                ELSEWHERE,
                member,
                self._said(f"{url.host} leads to {', '.join(addresses)}{whose}"),
                f"Let {url.host} lead to the host of {member}, {' or '.join(known)}.",
            )

    def _surplus(self, tls: bool, record: Record) -> Difference:
        member = next((member for member, url in self._wanted if url.host == record.target), "")
        whose = f"{member} once more" if member else "a member that the inventory does not have"
        return Difference(
            SURPLUS,
            member,
            self._said(f"{self._name(tls)} names {record.target} port {record.port}: {whose}"),
            "Take that record out of the zone"
            + ("." if member else ", or put the host of that member into the group."),
        )

    def _differs(self, kind: str, member: str, url: Url, found: str) -> Difference:
        line = f"{self._name(url.scheme == 'https')}. IN SRV 0 0 {url.port} {url.host}."
        return Difference(kind, member, self._said(found), f"Let the zone say of it: {line}")

    def _name(self, tls: bool) -> str:
        return Service(PEER, tls).name(self._records.domain, self._records.suffix)

    def _said(self, found: str) -> str:
        return f"{found}, says the name server {self._records.server}."

    def _claim_exact(self, url: Url) -> list[Record]:
        return self._claim(url.scheme == "https", lambda one: (one.target, one.port) == (url.host, url.port))

    def _claim(self, tls: bool, is_its: Callable[[Record], bool]) -> list[Record]:
        """Take the records of a member out of those that are left."""
        claimed = [one for one in self._left[tls] if is_its(one)]
        self._left[tls] = [one for one in self._left[tls] if not is_its(one)]
        return claimed


def refusals(differences: Iterable[Difference]) -> list[Refused]:
    """Return why no cluster may be founded by such records, a refusal for each difference."""
    return [_refusal(one) for one in differences]


def _refusal(one: Difference) -> Refused:
    if one.kind == OTHER_NAME:
        danger = "The cluster would list it under that name, and each later run would take it for one that moves."
        return Refused(one.found, danger, one.remedy, code="srv-other-name")
    if one.kind == SURPLUS:
        danger = "Each member takes every record for a member. They would wait for one that is none, or found with it."
        return Refused(one.found, danger, one.remedy, code="srv-surplus")
    if one.kind == ELSEWHERE:
        danger = "The others would take the machine there for this member."
        return Refused(one.found, danger, one.remedy, code="srv-elsewhere")
    danger = "Each member takes the records for all members: without this one the others would found a smaller cluster."
    return Refused(one.found, danger, one.remedy, code="srv-incomplete")


def check_release(version: str, tls: bool) -> None:
    """Make sure that a release founds such a cluster by SRV records.

    :param version: without C(v).
    :raises Refused: it does not.
    """
    if not tls and _ENDS_WITHOUT_SSL.get(releases.minor(version), False):
        raise Refused(
            f"etcd {version} needs the records of TLS, and a cluster without TLS has none.",
            "No member would start.",
            f"Set etcd_tls: true, or a newer release such as etcd_version: {releases.DEFAULT_VERSION}",
            code="srv-without-tls",
        )


def _url(text: str) -> Url:
    return parse_url(text, "URL of a member")
