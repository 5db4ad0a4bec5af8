# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A gateway or a gRPC proxy in front of a cluster, as the inventory wants it and as it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import Url
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

GATEWAY, GRPC = "gateway", "grpc"
PRESENT, ABSENT = "present", "absent"

#: How the name of a proxy's instance, and of its unit, begins.
PREFIX = "etcd-proxy-"
#: etcd's own, of both kinds.
USUAL_LISTEN = "127.0.0.1:23790"
#: The port of a member that is given without one, as the guides give it.
_CLIENT_PORT = 2379
#: The first minor whose first release has C(--endpoints-auto-sync-interval) (CHANGELOG-3.6.md).
SYNCS_SINCE = 6
# At each of them etcd 3.6 writes 5 KiB into its log.
_SYNC = "5m"
_RESOLVER_TTL = 60

#: Checksum of the CA bundle that the process read: it is read at the start alone, and stands in no argument.
BUNDLE_VARIABLE = "QUORUM_ETCD_PROXY_CA"

_VARIABLE = "etcd_proxy_instances"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+")
_LARGEST_COUNT = 2**32 - 1

_COMMON = ("name", "kind", "state", "listen", "endpoints", "discovery_srv", "discovery_srv_name", "insecure_discovery")
_OWN = ("client_cert", "client_key", "client_ca")
#: What an entry may say, by its kind.
KEYS = {
    GATEWAY: (*_COMMON, "retry_delay", "client_ca"),
    GRPC: (
        *_COMMON,
        "namespace",
        "resolver_prefix",
        "resolver_ttl",
        "advertise_client_url",
        "tls",
        "allow_plain",
        "certificate_sans",
        "metrics_url",
        "max_concurrent_streams",
        "auto_sync",
        *_OWN,
    ),
}


@dataclass(frozen=True)
class Site:
    """What the proxies of one host have in common.

    :param endpoints: client URLs of the members, for proxies that name none.
    :param tls: whether the members' clients use TLS.
    :param address: by which the host is reached; empty where it is not known yet.
    """

    endpoints: tuple[str, ...]
    tls: bool
    address: str = ""


@dataclass(frozen=True)
class Proxy:
    """One proxy, as it is wanted.

    :param kind: ``GATEWAY`` or ``GRPC``.
    :param listen: where it listens; its scheme says whether its clients use TLS.
    :param endpoints: client URLs of members, sorted; empty where SRV records name them.
    :param domain: of those records, or empty; ``suffix`` is etcd's ``--discovery-srv-name``.
    :param secure: whether the members' clients use TLS.
    :param advertised: what its clients are told, a gRPC proxy's own check included.
    :param sync: how often a gRPC proxy asks the cluster for its endpoints, a Go duration; empty for never, ``None``
        for what the release makes possible.
    :param client_files: ``client_cert``, ``client_key`` and ``client_ca`` of the operator's own; empty for ours.
    """

    name: str
    kind: str
    listen: Url
    endpoints: tuple[str, ...] = ()
    domain: str = ""
    suffix: str = ""
    insecure_discovery: bool = False
    secure: bool = True
    retry_delay: str = ""
    namespace: str = ""
    resolver_prefix: str = ""
    resolver_ttl: int = _RESOLVER_TTL
    advertised: Url | None = None
    sans: tuple[str, ...] = ()
    metrics: Url | None = None
    max_streams: int | None = None
    sync: str | None = None
    client_files: Mapping[str, str] = field(default_factory=dict)

    @property
    def instance(self) -> str:
        return instance_of(self.name)

    @property
    def serves_tls(self) -> bool:
        """Whether its own clients use TLS with the proxy itself."""
        return self.kind == GRPC and self.listen.scheme == "https"

    @property
    def needs_leaf(self) -> bool:
        """Whether it shows a certificate of ours, to members or to clients. A gateway only passes bytes on."""
        return self.kind == GRPC and (self.serves_tls or (self.secure and not self.client_files))

    @property
    def needs_bundle(self) -> bool:
        """Whether it, or who asks whether it serves, judges certificates by our CA."""
        return self.needs_leaf or (self.secure and not self.client_files)

    @property
    def url(self) -> Url:
        """Where it answers on its own host."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.listen.host, self.listen.host)
        scheme = "https" if self.kind == GATEWAY and self.secure else self.listen.scheme
        return Url(scheme, host, self.listen.port)

    @property
    def listeners(self) -> list[Url]:
        return [self.listen, *([self.metrics] if self.metrics else [])]

    def syncs(self, version: str) -> str:
        """How often it asks the cluster for its endpoints; empty for never.

        :param version: of etcd, without C(v).
        """
        if self.kind != GRPC or self.domain:
            return ""
        if self.sync is None:
            return _SYNC if releases.minor(version) >= SYNCS_SINCE else ""
        return self.sync


def instance_of(name: str) -> str:
    """The name of a proxy's instance."""
    return f"{PREFIX}{name}"


def layout_of(name: str, user: str, group: str, install_dir: str) -> Layout:
    """Where a proxy lies on its host. It has no data; what names a directory of data is the account's home."""
    return Layout(
        instance=instance_of(name),
        user=user,
        group=group,
        conf_dir=f"/etc/etcd-proxy/{name}",
        data_dir="/var/lib/etcd",
        wal_dir="",
        log_file="",
        install_dir=install_dir,
        bin_dir="/usr/local/bin",
    )


def read(entries: Any, site: Site, findings: Findings) -> tuple[list[Proxy], list[str]]:
    """The proxies that a host is to have, and the names of those that it is not to have any more.

    :param entries: ``etcd_proxy_instances``.
    :param findings: gets a text for each mistake; what has none is returned nevertheless.
    """
    if not isinstance(entries, Sequence) or isinstance(entries, (str, bytes)):
        findings.run(_bad, f"{_VARIABLE} must be a list of proxies, each with a name and a kind.")
        return [], []
    wanted: list[Proxy] = []
    absent: list[str] = []
    names: list[str] = []
    for at, entry in enumerate(entries):
        name = findings.run(_name, entry, at)
        if name is None:
            continue
        if name in names:
            findings.run(_bad, f"{_VARIABLE}: two proxies of this host are called {name}. Give each its own name.")
        names.append(name)
        if entry.get("state", PRESENT) == ABSENT:
            absent.append(name)
            continue
        proxy = findings.run(_proxy, name, entry, site)
        if proxy:
            wanted.append(proxy)
    findings.run(_check_ports, wanted)
    return wanted, absent


def _bad(text: str) -> None:
    raise BadInput(text)


def _name(entry: Any, at: int) -> str:
    if not isinstance(entry, Mapping):
        raise BadInput(
            f"{_VARIABLE}[{at}] is {entry!r}. Give a mapping with name and kind, such as {{name: web, kind: grpc}}."
        )
    name = str(entry.get("name", ""))
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{_VARIABLE}[{at}] has the name {name!r}. Its unit is called by it: give up to 40 small letters, digits "
            "and '-', such as web."
        )
    return name


def _proxy(name: str, entry: Mapping[str, Any], site: Site) -> Proxy:
    kind, state = entry.get("kind"), entry.get("state", PRESENT)
    what = f"{_VARIABLE}, {name}"
    if kind not in KEYS:
        raise BadInput(f"{what}: its kind is {kind!r}. Give {GATEWAY} or {GRPC}.")
    if state != PRESENT:
        raise BadInput(f"{what}: its state is {state!r}. Give {PRESENT} or {ABSENT}.")
    unknown = sorted(str(key) for key in entry if key not in KEYS[kind])
    if unknown:
        raise BadInput(f"{what}: a {_called(kind)} takes no {', '.join(unknown)}. It takes {', '.join(KEYS[kind])}.")
    given = {key: value for key, value in entry.items() if value is not None}
    domain, endpoints, secure = _source(given, site, what)
    own = {key: str(given[key]) for key in _OWN if key in given}
    if own and kind == GRPC and len(own) < len(_OWN):
        raise BadInput(
            f"{what}: give all of {', '.join(_OWN)}, or none, and it gets a certificate of the cluster's CA."
        )
    tls = _bool(given.get("tls", secure), f"{what}: tls") if kind == GRPC else False
    listen = _address(given.get("listen", USUAL_LISTEN), "https" if tls else "http", f"{what}: listen")
    if not urls.is_bindable(listen.host):
        raise BadInput(
            f"{what}: nothing can listen on the name {listen.host}. Give an IP address of the host, or 0.0.0.0."
        )
    if kind == GRPC and secure and not tls and not urls.is_loopback(listen.host):
        _check_plain(given, listen, what)
    return Proxy(
        name=name,
        kind=kind,
        listen=listen,
        endpoints=endpoints,
        domain=domain,
        suffix=str(given.get("discovery_srv_name", "")),
        insecure_discovery=_bool(given.get("insecure_discovery", False), f"{what}: insecure_discovery"),
        secure=secure,
        retry_delay=_duration(given.get("retry_delay", ""), f"{what}: retry_delay"),
        namespace=_text(given.get("namespace", ""), f"{what}: namespace"),
        resolver_prefix=_text(given.get("resolver_prefix", ""), f"{what}: resolver_prefix"),
        resolver_ttl=_count(given.get("resolver_ttl", _RESOLVER_TTL), f"{what}: resolver_ttl"),
        advertised=_advertised(given, listen, site, what) if kind == GRPC else None,
        sans=tuple(urls.texts(given.get("certificate_sans", []), f"{what}: certificate_sans")),
        metrics=urls.parse_url(str(given["metrics_url"]), f"{what}: metrics_url") if "metrics_url" in given else None,
        max_streams=(
            _count(given["max_concurrent_streams"], f"{what}: max_concurrent_streams")
            if "max_concurrent_streams" in given
            else None
        ),
        sync=_sync(given, what),
        client_files=own,
    )


def _called(kind: str) -> str:
    return "gateway" if kind == GATEWAY else "gRPC proxy"


def _source(given: Mapping[str, Any], site: Site, what: str) -> tuple[str, tuple[str, ...], bool]:
    """The domain of SRV records, or endpoints, and whether members are asked by TLS."""
    domain = str(given.get("discovery_srv", ""))
    if domain and "endpoints" in given:
        raise BadInput(f"{what}: endpoints and discovery_srv are both given. Take one of them out.")
    if domain:
        return urls.normal_host(domain, f"{what}: discovery_srv"), (), site.tls
    texts = urls.texts(given.get("endpoints", list(site.endpoints)), f"{what}: endpoints")
    scheme = "https" if site.tls else "http"
    found = sorted({_address(text, scheme, f"{what}: endpoints") for text in texts})
    if not found:
        raise BadInput(
            f"{what}: nothing says where the members are. Put the hosts of the cluster into the group that "
            "etcd_proxy_cluster_group names, or give endpoints."
        )
    schemes = {url.scheme for url in found}
    if len(schemes) > 1:
        raise BadInput(f"{what}: endpoints have http:// and https://. Write one of them for all.")
    return "", tuple(map(str, found)), schemes == {"https"}


def _check_plain(given: Mapping[str, Any], listen: Url, what: str) -> None:
    if not _bool(given.get("allow_plain", False), f"{what}: allow_plain"):
        raise Refused(
            f"{what}: it would listen without TLS on {listen.host}, in front of a cluster that uses TLS.",
            "Everybody who reaches that address could read and write every key, by the proxy's own certificate.",
            "Set tls: true, or listen: 127.0.0.1:PORT. If the network lets nobody else in: allow_plain: true",
            code="proxy-open",
        )


def _advertised(given: Mapping[str, Any], listen: Url, site: Site, what: str) -> Url:
    if "advertise_client_url" in given:
        return _address(given["advertise_client_url"], listen.scheme, f"{what}: advertise_client_url")
    host = site.address if urls.is_wildcard(listen.host) and site.address else listen.host
    return Url(listen.scheme, host, listen.port)


def _sync(given: Mapping[str, Any], what: str) -> str | None:
    if "auto_sync" not in given:
        return None
    text = str(given["auto_sync"])
    return "" if text in ("", "0", "0s") else _duration(text, f"{what}: auto_sync")


def _address(text: Any, scheme: str, what: str) -> Url:
    """A URL, or ``HOST:PORT``, or a host whose port is that of members."""
    given = str(text).strip()
    if "://" not in given:
        port = "" if re.search(r":\d+$", given) and (given.count(":") == 1 or "]" in given) else f":{_CLIENT_PORT}"
        given = f"{scheme}://{given}{port}"
    return urls.parse_url(given, what)


def _bool(value: Any, what: str) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return text in ("true", "yes", "on", "1")
    raise BadInput(f"{what} is {value!r}. Give true or false.")


def _duration(value: Any, what: str) -> str:
    text = str(value)
    if text and not _DURATION.fullmatch(text):
        raise BadInput(f"{what} is {text!r}. Give a number and its unit, such as 10s or 1m.")
    return text


def _count(value: Any, what: str) -> int:
    text = str(value)
    if text.isascii() and text.isdigit() and 0 < int(text) <= _LARGEST_COUNT:
        return int(text)
    raise BadInput(f"{what} is {value!r}. Give a number from 1 to {_LARGEST_COUNT}.")


def _text(value: Any, what: str) -> str:
    text = str(value)
    if not text.isprintable():
        raise BadInput(f"{what} has characters that cannot stand in a unit. Give printable text.")
    return text


def _check_ports(wanted: Sequence[Proxy]) -> None:
    urls.check_listen({f"{_VARIABLE}, {proxy.name}:": proxy.listeners for proxy in wanted})


@dataclass(frozen=True)
class Neighbour:
    """A proxy of some host of the inventory, as others can reach it.

    :param host: its inventory name.
    :param names: names and addresses of the host.
    :param listen: where the proxy listens.
    """

    host: str
    name: str
    names: frozenset[str]
    listen: Url

    def is_at(self, endpoint: Url, from_host: str) -> bool:
        """Whether an endpoint leads from a host to this proxy."""
        if endpoint.port != self.listen.port:
            return False
        own = self.host == from_host
        if urls.is_loopback(endpoint.host):
            return own and (urls.is_loopback(self.listen.host) or urls.is_wildcard(self.listen.host))
        if urls.is_wildcard(self.listen.host):
            return endpoint.host in self.names
        return not urls.is_loopback(self.listen.host) and (
            endpoint.host == self.listen.host or (endpoint.host in self.names and self.listen.host in self.names)
        )


def neighbours(host: str, names: Iterable[str], entries: Any) -> list[Neighbour]:
    """The proxies of a host, for those that must not point at them. What is wrong in them is told by their own host."""
    found = []
    for entry in entries if isinstance(entries, Sequence) and not isinstance(entries, str) else ():
        if not isinstance(entry, Mapping) or entry.get("state", PRESENT) == ABSENT:
            continue
        try:
            listen = _address(entry.get("listen", USUAL_LISTEN), "http", _VARIABLE)
        except BadInput:
            continue
        found.append(Neighbour(host, str(entry.get("name", "")), frozenset(map(str, names)), listen))
    return found


def check_targets(host: str, proxy: Proxy, others: Sequence[Neighbour]) -> None:
    """See that a proxy leads to members and to no proxy.

    :raises Refused: it leads to itself, or to another one.
    """
    for text in proxy.endpoints:
        endpoint = urls.parse_url(text, "endpoints")
        at = next((other for other in others if other.is_at(endpoint, host)), None)
        if at:
            itself = (at.host, at.name) == (host, proxy.name)
            target = "itself" if itself else f"the proxy {at.name} of {at.host}"
            raise Refused(
                f"{_VARIABLE}, {proxy.name}: its endpoint {text} is {target}.",
                "A request would go round in circles, or be answered by whatever that proxy still knows.",
                "Name client URLs of members in endpoints, or leave it out and the inventory's are taken.",
                code="proxy-endpoint",
            )


@dataclass(frozen=True)
class Running:
    """What runs of a proxy.

    :param command: the arguments of its process; empty where none runs.
    :param bundle: the checksum of the CA bundle that it read.
    :param enabled: whether it starts at boot.
    """

    command: tuple[str, ...] = ()
    bundle: str = ""
    enabled: bool = False


def is_overridden(drop_ins: Sequence[str], effective: str, command: Sequence[str]) -> bool:
    """Whether a drop-in says what runs, so that no restart would make it what is wanted.

    :param effective: the command line that systemd would start.
    :param command: that of the process.
    """
    return bool(drop_ins and command) and effective == " ".join(command)


def why_restart(running: Running, command: Sequence[str], bundle: str) -> list[str]:
    """Why another process is needed, in words; empty where the one that runs may stay.

    A gRPC proxy that asks the cluster for its endpoints learns of others by itself. It stays while one of those that
    it was started with is still right, from which it can learn.

    :param command: the arguments as they are wanted.
    :param bundle: the checksum of the CA bundle as it is wanted.
    """
    if not running.command:
        return ["it does not run"]
    reasons = []
    has, wanted = _options(running.command), _options(command)
    if running.command[:3] != tuple(command[:3]):
        reasons.append(f"it runs {running.command[0]}")
    for flag in sorted({*has, *wanted}):
        if has.get(flag) == wanted.get(flag):
            continue
        if flag == "--endpoints" and _learns(has, wanted):
            continue
        reasons.append(f"{flag} changes")
    if running.bundle != bundle:
        reasons.append("the CA bundle changes")
    return reasons


def _learns(has: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    sync = "--endpoints-auto-sync-interval"
    known = set(has.get("--endpoints", "").split(",")) & set(wanted.get("--endpoints", "").split(","))
    return bool(known and has.get(sync) and wanted.get(sync))


def _options(command: Sequence[str]) -> dict[str, str]:
    return {name: value for name, _equals, value in (word.partition("=") for word in command[3:])}
