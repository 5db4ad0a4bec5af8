# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Who the members of a cluster are, from the inventory alone: names, addresses and URLs.

A host's own member follows from its own variables (C(member_of)); whether the members make a cluster is judged over all
of them (C(check_members)). So each host can compute its own, where it sees its role and play variables, and the plan
judges what they computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import (
    Url,
    as_ip,
    check_listen,
    from_elsewhere,
    is_bindable,
    is_dns_name,
    is_loopback,
    is_wildcard,
    normal_host,
    normal_port,
    parse_url,
    parse_urls,
    texts,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity
from ansible_collections.quorum.etcd.plugins.module_utils._model import initial_cluster as _initial_cluster
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.instances import port_of

CLIENT_PORT = 2379
PEER_PORT = 2380
METRICS_PORT = 2381

#: Where an address comes from a person's hand. Only such an address may change a live member's peer URL.
WRITTEN = ("etcd_address", "ETCD_NODES")

_PORTS = {"etcd_client_port": CLIENT_PORT, "etcd_peer_port": PEER_PORT}

# What would break a name out of C(initial-cluster), of a settings file, or of a shell line.
_ILLEGAL_IN_NAME = re.compile(r"[\s=,'\"`$\\\x00-\x1f\x7f]")


class Address(NamedTuple):
    """An address and where it comes from.

    :param text: an IP address or a DNS name, normalised.
    :param source: C(etcd_address), C(ETCD_NODES), C(ansible_host), C(inventory_hostname) or C(observed).
    """

    text: str
    source: str


@dataclass(frozen=True)
class Member:
    """One member as the inventory wants it. All URLs are normalised texts.

    :param host: the inventory's name of its host.
    :param name: etcd's C(name).
    :param ansible_host: where Ansible reaches the host, as written.
    :param address: where members and clients reach it: an IP address or a DNS name.
    :param address_source: see C(Address).
    :param peer_urls: C(initial-advertise-peer-urls), the member's identity together with its name.
    :param client_urls: C(advertise-client-urls).
    :param listen_peer_urls: C(listen-peer-urls).
    :param listen_client_urls: C(listen-client-urls).
    :param certificate_sans: further names and addresses that its certificates are to hold.
    :param etcd_nodes: the ETCD_NODES that this host saw, as C(initial-cluster); empty when it saw none.
    :param discovery_srv: the DNS domain whose SRV records name the members; empty without one.
    """

    host: str
    name: str
    ansible_host: str
    address: str
    address_source: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    listen_peer_urls: tuple[str, ...]
    listen_client_urls: tuple[str, ...]
    certificate_sans: tuple[str, ...] = ()
    etcd_nodes: str = ""
    discovery_srv: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Member:
        """The member that C(to_dict) came from, after a journey through JSON."""
        plain: dict[str, Any] = {field.name: values[field.name] for field in fields(cls)}
        plain = {key: str(value) if isinstance(value, str) else tuple(map(str, value)) for key, value in plain.items()}
        return cls(**plain)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def tls(self) -> bool:
        return self.peer_urls[0].startswith("https:")

    @property
    def written(self) -> bool:
        """Whether a person wrote the address, rather than it being derived."""
        return self.address_source in WRITTEN


def members(
    hosts: Sequence[str], hostvars: Mapping[str, Mapping[str, Any]], observed: Mapping[str, str] | None = None
) -> tuple[Member, ...]:
    """All members of a cluster, in inventory order, checked as a whole.

    :param hosts: the inventory names of the cluster's group.
    :param hostvars: host -> its variables.
    :param observed: host -> its default IP address, where it is known.
    :raises BadInput: when they do not make a cluster.
    """
    for host in hosts:
        if host not in hostvars:
            raise BadInput(f"{host} is no host of the inventory. Give the hosts of a group: groups['etcd_cluster'].")
    found = tuple(member_of(host, hostvars[host], (observed or {}).get(host)) for host in hosts)
    check_members(found)
    return found


def member_of(host: str, variables: Mapping[str, Any], observed: str | None = None) -> Member:
    """One host's member.

    :param host: its inventory name.
    :param variables: its variables.
    :param observed: its default IP address, where it is known.
    :raises BadInput: when a variable is wrong, or no address can be had.
    """
    _check_each(host, variables)
    name = name_of(host, variables)
    tls = _bool(variables.get("etcd_tls"), f"etcd_tls of {host}", True)
    scheme = "https" if tls else "http"
    nodes = _initial_cluster.of_etcd_nodes(variables.get("ETCD_NODES"))
    if nodes is None:
        address = address_of(host, variables, observed)
        peers = [Url(scheme, address.text, _port(variables, "etcd_peer_port", host))]
    else:
        peers = _own_nodes(nodes, host, name, variables)
        address = _address_beside_nodes(peers, host, variables)
        _check_peer_scheme(peers, host, scheme, "ETCD_NODES")

    ansible_host = _text(variables, "ansible_host", host) or host
    any_host = "::" if ":" in (observed or "") or ":" in ansible_host else "0.0.0.0"
    # etcd binds no names, so a member that is reached by one listens on all addresses.
    bind = address.text if is_bindable(address.text) else any_host

    listen_peers = _urls(variables, "etcd_listen_peer_urls", host)
    if listen_peers is None:
        listen_peers = [url if is_bindable(url.host) else url._replace(host=bind) for url in peers]
    elif nodes is None:
        _check_port(peers[0], listen_peers, f"etcd_listen_peer_urls of {host}", "etcd_peer_port", "ETCD_NODES")
    _check_peer_scheme(listen_peers, host, scheme, "etcd_listen_peer_urls")

    client = Url(scheme, bind, _port(variables, "etcd_client_port", host))
    listen_clients = _urls(variables, "etcd_listen_client_urls", host) or _with_loopback(client)
    _check_client_schemes(listen_clients, f"etcd_listen_client_urls of {host}", tls)
    check_listen(
        {f"etcd_listen_peer_urls of {host}": listen_peers, f"etcd_listen_client_urls of {host}": listen_clients}
    )
    clients = _advertised(variables, host, client._replace(host=address.text), listen_clients, tls)
    _check_listened(peers, listen_peers, host, "etcd_listen_peer_urls")
    _check_listened(clients, listen_clients, host, "etcd_listen_client_urls")
    sans = variables.get("etcd_certificate_sans")
    return Member(
        host=str(host),
        name=name,
        ansible_host=ansible_host,
        address=address.text,
        address_source=address.source,
        peer_urls=_plain(peers),
        client_urls=_plain(clients),
        listen_peer_urls=_plain(dict.fromkeys(listen_peers)),
        listen_client_urls=_plain(listen_clients),
        certificate_sans=() if sans is None else tuple(texts(sans, f"etcd_certificate_sans of {host}")),
        etcd_nodes="" if nodes is None else _initial_cluster.write(nodes),
        discovery_srv=_discovery_domain(variables, host),
    )


def _check_each(host: str, variables: Mapping[str, Any]) -> None:
    """Check every variable by itself, so that all wrong ones are named at once.

    :raises BadInput: with a text for each.
    """
    findings = Findings()
    findings.run(name_of, host, variables)
    findings.run(_bool, variables.get("etcd_tls"), f"etcd_tls of {host}", True)
    findings.run(_initial_cluster.of_etcd_nodes, variables.get("ETCD_NODES"))
    if variables.get("etcd_address") is not None:
        findings.run(address_of, host, variables)
    for variable in _PORTS:
        findings.run(_port, variables, variable, host)
    for variable in ("etcd_listen_peer_urls", "etcd_listen_client_urls", "etcd_advertise_client_urls"):
        findings.run(_urls, variables, variable, host)
    findings.run(texts, variables.get("etcd_certificate_sans") or [], f"etcd_certificate_sans of {host}")
    findings.run(_discovery_domain, variables, host)
    findings.end()


def name_of(host: str, variables: Mapping[str, Any]) -> str:
    """etcd's name of a host: C(NODE_NAME), else C(etcd_name), else the inventory name.

    :raises BadInput: when it cannot stand in C(initial-cluster).
    """
    source = next((source for source in ("NODE_NAME", "etcd_name") if variables.get(source) is not None), None)
    name = str(host) if source is None else str(variables[source]).strip()
    source = source or "The inventory name"
    if not name:
        raise BadInput(f"{source} of {host} is empty. Give every member a name of its own, as {source}=etcd-host0.")
    illegal = _ILLEGAL_IN_NAME.search(name)
    if illegal:
        raise BadInput(
            f"{source} of {host} is {name!r}, and {illegal.group()!r} cannot stand in a member's name. "
            "Use letters, digits, '-', '_' and '.'."
        )
    if len(name) > 253:
        raise BadInput(f"{source} of {host} has {len(name)} characters. Use at most 253.")
    return name


def identity_of(host: str, variables: Mapping[str, Any]) -> Identity:
    """By what the inventory alone knows a host, also one that gives no answer.

    :raises BadInput: a variable is wrong.
    """
    name = name_of(host, variables)
    nodes = _initial_cluster.of_etcd_nodes(variables.get("ETCD_NODES")) or {}
    written = [str(variables[source]) for source in ("etcd_address", "ansible_host") if variables.get(source)]
    addresses = [*map(identity.normal, written), identity.normal(str(host))]
    addresses += identity.hosts_of(nodes.get(name, ()))
    return Identity(str(host), name, addresses=tuple(dict.fromkeys(addresses)))


def address_of(host: str, variables: Mapping[str, Any], observed: str | None = None) -> Address:
    """The address of a host without ETCD_NODES: C(etcd_address), else C(ansible_host) or the inventory name where that
    is an IP address, else the one that was observed.

    :raises BadInput: when there is none, or none that others could reach.
    """
    written = _text(variables, "etcd_address", host)
    if written is not None:
        return Address(_reachable(written, f"etcd_address of {host}"), "etcd_address")
    for source, text in (
        ("ansible_host", _text(variables, "ansible_host", host)),
        ("inventory_hostname", str(host)),
        ("observed", observed),
    ):
        if text and as_ip(text.strip("[]")) is not None:
            return Address(_reachable(text, f"{source} of {host}"), source)
    raise BadInput(
        f"No address is known for {host}. Set etcd_address to the IP address or DNS name at which the other members "
        "reach it, or ansible_host to its IP address, or gather its facts, so that its default address is known."
    )


def check_members(found: Sequence[Member], everybody: bool = True) -> None:
    """Make sure that members, each computed by itself, make a cluster.

    :param everybody: these are all of them; else what is judged is whether these contradict each other.
    :raises BadInput: when they do not: no member, a name or a peer URL twice, http and https, loopback for some only,
        or an ETCD_NODES that is not the same everywhere or does not name exactly these members.
    """
    if not found and not everybody:
        return
    if not found:
        raise BadInput("The cluster's group has no host. Put its members, one a line, under it in the inventory.")
    findings = Findings()
    findings.run(_check_names, found)
    findings.run(_check_nodes, found, everybody)
    findings.run(_check_peer_urls, found)
    findings.run(_check_tls, found)
    findings.run(_check_loopback, found)
    findings.end()


def _check_names(found: Sequence[Member]) -> None:
    hosts: dict[str, str] = {}
    same = [member for member in found if hosts.setdefault(member.name, member.host) != member.host]
    if same:
        raise BadInput(
            *(
                f"{hosts[member.name]} and {member.host} are both named {member.name}. Give each a NODE_NAME of its "
                "own."
                for member in same
            )
        )


def _check_peer_urls(found: Sequence[Member]) -> None:
    owners: dict[str, Member] = {}
    same = [
        f"{owners[url].name} ({owners[url].host}) and {member.name} ({member.host}) have the same peer URL {url}. Give "
        f"each the address of its own machine, or where they share one, an etcd_instance of its own (etcd1, etcd2): "
        "its ports follow from that."
        for member in found
        for url in member.peer_urls
        if owners.setdefault(url, member) is not member
    ]
    if same:
        raise BadInput(*same)


def _check_tls(found: Sequence[Member]) -> None:
    tls = {member.tls: member for member in reversed(found)}
    if len(tls) > 1:
        raise BadInput(
            f"{tls[True].host} has etcd_tls true and {tls[False].host} has it false, and they could not talk to each "
            "other. Set etcd_tls once, for the group."
        )


def _check_loopback(found: Sequence[Member]) -> None:
    local = [member for member in found if any(is_loopback(_url(url).host) for url in member.peer_urls)]
    if local and len(local) != len(found):
        raise BadInput(
            *(
                f"The other members cannot reach {member.name} ({member.host}) at {member.peer_urls[0]}: only that "
                "host itself can. Set its etcd_address to an address of its network."
                for member in local
            )
        )


def check_own_addresses(found: Sequence[Member]) -> None:
    """Has each member a place of its own? An address is that of one machine, so each of its ports is one member's.

    :raises BadInput: two would listen at one.
    """
    owners: dict[tuple[str, int], Member] = {}
    for member in found:
        for url in map(_url, member.listen_peer_urls):
            other = member if is_wildcard(url.host) else owners.setdefault((url.host, url.port), member)
            if other is not member:
                raise BadInput(
                    f"{other.name} ({other.host}) and {member.name} ({member.host}) would both listen on port "
                    f"{url.port} of {url.host} for their peers, as one machine. Give each the address of its own: "
                    "etcd_address, or etcd_listen_peer_urls where others reach both at one address. Where they share a "
                    "machine, give each an etcd_instance of its own (etcd1, etcd2): its ports follow from that."
                )


def initial_cluster(found: Iterable[Member]) -> str:
    """etcd's C(initial-cluster) of the members, in their order."""
    return _initial_cluster.write(peer_urls(found))


def peer_urls(found: Iterable[Member]) -> dict[str, list[str]]:
    """Name -> advertised peer URLs."""
    return {member.name: list(member.peer_urls) for member in found}


def on_loopback_only(found: Sequence[Member]) -> list[Member]:
    """Members that others are to ask before each change, and that tell them client URLs on loopback alone."""
    if len(found) < 2:
        return []
    return [member for member in found if from_elsewhere(member.peer_urls) and not from_elsewhere(member.client_urls)]


def client_urls_elsewhere(member: Member) -> list[str]:
    """The client URLs at which other members ask it; those on loopback only where its peer URLs are there, too."""
    return from_elsewhere(member.client_urls) or list(member.client_urls)


def endpoints(found: Iterable[Member]) -> list[str]:
    """One client URL a member: the first that is reachable from elsewhere, where there is one."""
    return [
        next((url for url in member.client_urls if not is_loopback(_url(url).host)), member.client_urls[0])
        for member in found
    ]


def cert_sans(member: Member) -> dict[str, list[str]]:
    """Every name and address that a member is reached by, for its certificates.

    :returns: C(dns) and C(ip), without repetitions, in a stable order.
    :raises BadInput: when C(etcd_certificate_sans) holds something that is neither.
    """
    urls = [*member.peer_urls, *member.client_urls, *member.listen_peer_urls, *member.listen_client_urls]
    hosts = [text for text in (member.name, member.host, member.ansible_host) if as_ip(text) or is_dns_name(text)]
    hosts += [member.address, *(_url(url).host for url in urls)]
    for text in member.certificate_sans:
        wildcard = "*." if text.startswith("*.") else ""
        hosts.append(wildcard + normal_host(text[len(wildcard) :], f"etcd_certificate_sans of {member.host}"))
    if member.discovery_srv:
        # Clients that look for the cluster by its domain may ask any member for a certificate of that name.
        hosts += [member.discovery_srv, *_discovery_names(member)]
    hosts += ["localhost", "127.0.0.1", "::1"]
    return {
        "dns": list(dict.fromkeys(host.lower() for host in hosts if as_ip(host) is None)),
        "ip": list(dict.fromkeys(str(as_ip(host)) for host in hosts if as_ip(host) and not is_wildcard(host))),
    }


def domain_of(text: str, what: str) -> str:
    """A DNS domain in its shortest form; empty for an empty text.

    :param what: the variable that holds the text, for the message.
    :raises BadInput: it is no DNS domain.
    """
    domain = text.strip().rstrip(".").lower()
    if domain and not is_dns_name(domain):
        raise BadInput(f"{what} is '{text}', which is no DNS domain. Write it like example.com.")
    return domain


def _discovery_domain(variables: Mapping[str, Any], host: str) -> str:
    return domain_of(str(variables.get("etcd_discovery_srv") or ""), f"etcd_discovery_srv of {host}")


def discovery_name(member: Member, host: str, domain: str) -> str:
    """The name that stands in the SRV record of one of a member's URLs.

    :param host: that of the URL. A DNS name is the record's target as it is; for an address a name is made.
    :raises BadInput: the member's name cannot be part of one.
    """
    if as_ip(host) is None:
        return host
    name = member.name.lower()
    if not is_dns_name(name):
        raise BadInput(
            f"NODE_NAME of {member.host} is {member.name!r}, of which no DNS name can be made. Set its etcd_address to "
            f"the name that is to stand in its SRV record, as in etcd_address: etcd-host0.{domain}"
        )
    return name if name.endswith(f".{domain}") else f"{name}.{domain}"


def _discovery_names(member: Member) -> Iterable[str]:
    return (discovery_name(member, _url(url).host, member.discovery_srv) for url in member.peer_urls)


def _own_nodes(nodes: Mapping[str, list[str]], host: str, name: str, variables: Mapping[str, Any]) -> list[Url]:
    if name in nodes:
        return [_url(url) for url in nodes[name]]
    ansible_host = _text(variables, "ansible_host", host) or str(host)
    there = [node for node, urls in nodes.items() if _normal(ansible_host) in {_url(url).host for url in urls}]
    hint = there[0] if len(there) == 1 else _nearest(name, nodes)
    raise BadInput(
        f"ETCD_NODES has no member {name}, which is the NODE_NAME of {host}; it names {', '.join(nodes)}."
        + (f" Did you mean {hint}?" if hint else "")
        + " Make the names in ETCD_NODES and the NODE_NAMEs of the group the same, or take ETCD_NODES out: without it "
        "the peer URLs follow from the inventory."
    )


def _address_beside_nodes(peers: Sequence[Url], host: str, variables: Mapping[str, Any]) -> Address:
    if variables.get("etcd_address") is None:
        return Address(_reachable(peers[0].host, f"ETCD_NODES for {host}"), "ETCD_NODES")
    address = address_of(host, variables)
    if as_ip(address.text) and all(as_ip(url.host) and url.host != address.text for url in peers):
        raise BadInput(
            f"ETCD_NODES says {', '.join(_plain(peers))} for {host}, and its etcd_address is {address.text}. "
            "Make them the same, or take one of the two out."
        )
    return address


def _check_nodes(found: Sequence[Member], everybody: bool) -> None:
    first = found[0]
    nodes = _initial_cluster.read(first.etcd_nodes)
    for member in found:
        if _initial_cluster.read(member.etcd_nodes) != nodes:
            raise BadInput(
                f"ETCD_NODES is not the same for all members: {first.host} has '{first.etcd_nodes}', {member.host} has "
                f"'{member.etcd_nodes}'. Set it once, in the group's variables."
            )
    if not nodes:
        return
    names = [member.name for member in found]
    unknown = [name for name in nodes if name not in names]
    if unknown and everybody:
        raise BadInput(
            f"ETCD_NODES names {', '.join(unknown)}, which no host of the group has as NODE_NAME; the group has "
            f"{', '.join(names)}. Add the host to the group, or take the entry out."
        )
    homes = {_normal(member.ansible_host): member for member in found}
    for member in found:
        for url in member.peer_urls:
            owner = homes.get(_url(url).host, member)
            if _normal(owner.ansible_host) != _normal(member.ansible_host):
                raise BadInput(
                    f"ETCD_NODES gives {member.name} ({member.host}) the peer URL {url}, which is the address of "
                    f"{owner.name} ({owner.host}). Put the addresses in ETCD_NODES right."
                )


def _normal(host: str) -> str:
    """A host as it would stand in a normalised URL, whatever it is."""
    return str(as_ip(host.strip("[]")) or host.lower())


def _nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant: of those with the same number at their end the only one, or a similar one."""
    same = [other for other in names if _number(other) == _number(name)]
    if len(same) == 1 and _number(name) is not None:
        return same[0]
    return next(iter(get_close_matches(name, same, n=1)), None)


def _number(name: str) -> int | None:
    found = re.search(r"[0-9]+$", name)
    return int(found.group()) if found else None


def _reachable(text: str, what: str) -> str:
    host = normal_host(text, what)
    address = as_ip(host)
    # A link-local IPv6 address is one only together with a zone, which etcd's URLs cannot hold.
    if address and (address.is_unspecified or address.is_multicast or (":" in host and address.is_link_local)):
        raise BadInput(f"{what}: nobody can reach a member at {host}. Give an address of the host's network.")
    return host


def _advertised(variables: Mapping[str, Any], host: str, derived: Url, listen: Sequence[Url], tls: bool) -> list[Url]:
    """The client URLs that etcd tells its clients."""
    variable = "etcd_advertise_client_urls"
    urls = _urls(variables, variable, host)
    if urls is None:
        _check_port(derived, listen, f"etcd_listen_client_urls of {host}", "etcd_client_port", variable)
        return [derived]
    for url in urls:
        if is_wildcard(url.host):
            raise BadInput(f"{variable} of {host}: nobody can reach {url}. Advertise an address of the host.")
    _check_client_schemes(urls, f"{variable} of {host}", tls)
    return urls


def _check_peer_scheme(urls: Sequence[Url], host: str, scheme: str, what: str) -> None:
    for url in urls:
        if url.scheme != scheme:
            raise BadInput(
                f"{what} says {url} for {host}, but etcd_tls is {str(scheme == 'https').lower()}. "
                f"Write {scheme}://, or set etcd_tls to {str(url.scheme == 'https').lower()}."
            )


def _check_client_schemes(urls: Sequence[Url], what: str, tls: bool) -> None:
    for url in urls:
        if url.scheme == "https" and not tls:
            raise BadInput(f"{what}: {url} needs certificates; etcd_tls is false. Write http://, or set it to true.")
        if url.scheme == "http" and tls and not is_loopback(url.host):
            raise BadInput(
                f"{what}: {url} would let anybody who reaches it read and write without a certificate, though etcd_tls "
                "is true. Write https://, keep http:// to 127.0.0.1, or set etcd_tls to false."
            )


def _check_port(advertised: Url, listen: Sequence[Url], what: str, variable: str, alternative: str) -> None:
    """An advertised URL that was derived, not written, must be one that is listened on."""
    if advertised.port not in {url.port for url in listen}:
        raise BadInput(
            f"{what} has no port {advertised.port}, and others would be told {advertised}. Set {variable} to the port "
            f"that etcd listens on; if they reach it at another one, write {alternative}."
        )


def _check_listened(advertised: Sequence[Url], listen: Sequence[Url], host: str, variable: str) -> None:
    """Does something listen where others are told to connect, as far as the inventory can know?

    Behind a translated address others have another URL than the host. So what is known is a port of an address on which
    the member listens at other ports, and any other machine where it listens on loopback alone.
    """
    loopback_only = all(is_loopback(url.host) for url in listen)
    for url in advertised:
        there = [one for one in listen if one.host == url.host]
        if is_loopback(url.host) and not there:
            continue
        if (loopback_only and not is_loopback(url.host)) or (there and url.port not in {one.port for one in there}):
            right = [*listen, url] if is_bindable(url.host) else [url._replace(host="0.0.0.0")]
            raise BadInput(
                f"{variable} of {host} is {', '.join(_plain(listen))}, and others would be told {url}, where nothing "
                f"listens. Write {variable}: {','.join(_plain(right))}"
            )


def _with_loopback(url: Url) -> list[Url]:
    if is_wildcard(url.host) or is_loopback(url.host):
        return [url]
    return [url, url._replace(host="::1" if ":" in url.host else "127.0.0.1")]


def _urls(variables: Mapping[str, Any], variable: str, host: str) -> list[Url] | None:
    value = variables.get(variable)
    return None if value is None else parse_urls(value, f"{variable} of {host}")


def _text(variables: Mapping[str, Any], variable: str, host: str) -> str | None:
    value = variables.get(variable)
    text = None if value is None else str(value).strip()
    if text == "":
        raise BadInput(f"{variable} of {host} is empty. Give it a value or take it out.")
    return text


def _port(variables: Mapping[str, Any], variable: str, host: str) -> int:
    """A port: the one that is written, else that of its instance."""
    value = variables.get(variable)
    if value is not None:
        return normal_port(value, f"{variable} of {host}")
    instance = variables.get("etcd_instance")
    return derived_port(str(instance) if instance else "etcd", _PORTS[variable], f"{variable} of {host}", variable)


def derived_port(instance: str, base: int, what: str, setting: str) -> int:
    """The port that an instance has by its name, see C(instances.port_of).

    :param what: what it is for, in messages.
    :param setting: what to write where there is none.
    :raises BadInput: there is none.
    """
    found = port_of(instance, base)
    if found > 65535:
        raise BadInput(
            f"{what} would be {found}, by the number of etcd_instance {instance}, and ports end at 65535. Write "
            f"{setting} for it, or name it by a smaller number."
        )
    return found


def _bool(value: Any, what: str, default: bool) -> bool:
    if value is None:
        return default
    try:
        return bool(boolean(value))
    except TypeError:
        raise BadInput(f"{what} is '{value}'. Write true or false.") from None


def _url(text: str) -> Url:
    return parse_url(text, "URL")


def _plain(urls: Iterable[Url]) -> tuple[str, ...]:
    return tuple(str(url) for url in urls)
