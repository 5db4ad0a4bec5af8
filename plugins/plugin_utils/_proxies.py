# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The proxies of one host: what they are to be, what is to be done, and the call of the module that does it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._config import proxy_unit
from ansible_collections.quorum.etcd.plugins.module_utils._config.render import File
from ansible_collections.quorum.etcd.plugins.module_utils._model import proxy as model
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.proxy import Neighbour, Proxy, Running, Site
from ansible_collections.quorum.etcd.plugins.module_utils._pki import engine
from ansible_collections.quorum.etcd.plugins.module_utils._pki.spec import LeafSpec
from ansible_collections.quorum.etcd.plugins.plugin_utils._authorities import Pki

_AUTHORITY = "client"


@dataclass(frozen=True)
class Step:
    """What is to be done with one proxy.

    :param title: in words.
    :param version: of etcd that it is to run; empty for one that is to go.
    :param due: why its certificate is to be issued; empty where it stays.
    """

    name: str
    title: str
    version: str = ""
    due: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is to be done on a host, and what a person should know beside."""

    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    ill: tuple[str, ...] = ()


class Host:
    """A host of proxies.

    :param name: its inventory name.
    :param inputs: the role's C(__etcd_proxy_inputs).
    :param pki: how certificates are made.
    :raises EtcdError: what the inventory says of its proxies is wrong.
    """

    def __init__(self, name: str, inputs: Mapping[str, Any], pki: Pki, address: str = "") -> None:
        self._name = name
        self._inputs = inputs
        self._pki = pki
        self._held: Mapping[str, engine.Authority] | None = None
        site = Site(tuple(inputs["endpoints"]), inputs["tls"], address)
        findings = Findings()
        if inputs["version"]:
            findings.run(releases.check_version, self._given_version)
        self.wanted, self.absent = model.read(inputs["proxies"], site, findings)
        others = self._neighbours()
        for proxy in self.wanted:
            findings.run(model.check_targets, name, proxy, others)
        findings.end()

    @property
    def _given_version(self) -> str:
        return releases.plain(str(self._inputs["version"] or ""))

    def _neighbours(self) -> list[Neighbour]:
        return [
            one
            for host, told in self._inputs["hosts"].items()
            for one in model.neighbours(host, [host, *filter(None, [told["address"]])], told["proxies"])
        ]

    def layout(self, name: str) -> Layout:
        account = self._inputs["account"]
        return model.layout_of(name, account["user"], account["group"], self._inputs["install_dir"])

    def looks(self) -> list[dict[str, Any]]:
        """Return what the module is to look at."""
        found = []
        for proxy in self.wanted:
            layout = self.layout(proxy.name)
            hosts = [url.host for url in proxy.listeners if not urls.is_wildcard(url.host)]
            found.append(
                {
                    "layout": layout.to_dict(),
                    "health": proxy_unit.health(proxy, layout),
                    "ports": [url.port for url in proxy.listeners],
                    "hosts": hosts,
                    "files": list(proxy.client_files.values()),
                }
            )
        for name in self.absent:
            found.append({"layout": self.layout(name).to_dict(), "health": {}, "ports": [], "hosts": [], "files": []})
        return found

    def plan(self, seen: Mapping[str, Any], now: datetime) -> Plan:
        """Return what is to be done.

        :param seen: as the module returned it.
        :raises EtcdError: it must not be done; all reasons at once.
        """
        findings = Findings()
        findings.run(_check_host, self._name, seen)
        findings.run(releases.architecture, seen["machine"])
        for proxy in self.wanted:
            findings.run(self._check_ports, proxy, seen)
            findings.run(self._check_files, proxy, seen, now)
        findings.end()
        steps, notes, ill = [], [], []
        for proxy in self.wanted:
            own = seen["proxies"][proxy.instance]
            step = findings.run(self._step, proxy, seen, now)
            if step and step.title:
                steps.append(step)
            elif own["problem"]:
                ill.append(f"{proxy.instance}.service does not serve: {own['problem']}")
            if model.is_overridden(own["drop_ins"], own["effective"], own["command"]):
                notes.append(f"{proxy.instance}.service runs what {', '.join(own['drop_ins'])} says.")
        findings.end()
        for name in self.absent:
            own = seen["proxies"][model.instance_of(name)]
            if proxy_unit.is_ours(own["unit"]):
                steps.append(Step(name, f"{name}: remove"))
        for instance in seen["others"]:
            name = instance.removeprefix(model.PREFIX)
            notes.append(
                f"{instance}.service is on this host, and etcd_proxy_instances does not name it: it is left alone. To "
                f"remove it, write {{name: {name}, state: absent}}."
            )
        return Plan(tuple(steps), tuple(notes), tuple(ill))

    def _step(self, proxy: Proxy, seen: Mapping[str, Any], now: datetime) -> Step:
        own = seen["proxies"][proxy.instance]
        version = self._version(own)
        words, bundle, unit = self._rendered(proxy, version, seen["machine"], now)
        due = tuple(self._why_issue(proxy, own, now))
        running = Running(tuple(own["command"]), own["bundle"], own["enabled"] == "enabled")
        reasons = []
        if not model.is_overridden(own["drop_ins"], own["effective"], own["command"]):
            reasons = model.why_restart(running, words, bundle)
        if not running.command and not own["unit"]:
            title = f"{proxy.name}: start, etcd {version}"
        elif reasons:
            title = f"{proxy.name}: restart, because {', '.join(reasons)}"
        elif own["unit"] != unit or own["bundle_file"] != (bundle or own["bundle_file"]) or not running.enabled:
            title = f"{proxy.name}: write its files, no restart"
        elif due:
            title = f"{proxy.name}: issue its certificate, because {', '.join(due)}"
        else:
            title = ""
        return Step(proxy.name, title, version, due)

    def _version(self, own: Mapping[str, Any]) -> str:
        """What the inventory says, or what its unit says, or what a new cluster would get."""
        return self._given_version or own["version"] or releases.DEFAULT_VERSION

    def _rendered(self, proxy: Proxy, version: str, machine: str, now: datetime) -> tuple[list[str], str, str]:
        """The arguments of its process, the checksum of its CA bundle, and its unit."""
        layout = self.layout(proxy.name)
        binary = f"{layout.release_dir(version, releases.architecture(machine))}/etcd"
        words = proxy_unit.command(proxy, layout, binary, version)
        bundle = self._bundle(now) if proxy.needs_bundle else b""
        read = hashlib.sha256(bundle).hexdigest() if bundle and proxy.kind != model.GATEWAY else ""
        return words, read, proxy_unit.render(proxy, layout, self._inputs["cluster"], words, read)

    def _bundle(self, now: datetime) -> bytes:
        return self._authority(now).bundle_pem

    def _authority(self, now: datetime) -> engine.Authority:
        # Each time it would be read and judged anew, for every proxy several times.
        held = self._held = self._pki.load(now) if self._held is None else self._held
        if _AUTHORITY not in held:
            raise BadInput(
                f"There is no {_AUTHORITY} CA in {self._pki.place or 'etcd_proxy_pki_dir, which is not set'}, and the "
                "proxies of this host need a certificate of the cluster's. Found the cluster first, with the same "
                "inventory, or say where its CAs are: etcd_proxy_pki_dir."
            )
        return held[_AUTHORITY]

    def _leaf(self, proxy: Proxy) -> LeafSpec:
        told = self._inputs["hosts"][self._name]
        names = [
            self._name,
            told["address"],
            proxy.listen.host,
            proxy.advertised and proxy.advertised.host,
            *proxy.sans,
        ]
        fit = [name for name in map(str, filter(None, names)) if _is_name(name)]
        return LeafSpec.for_names("server", dict.fromkeys(fit), key=self._pki.key, days=self._pki.days)

    def _why_issue(self, proxy: Proxy, own: Mapping[str, Any], now: datetime) -> list[str]:
        if not proxy.needs_leaf:
            return []
        user, group = self._inputs["account"]["user"], self._inputs["account"]["group"]
        key = own["key"]
        if not own["certificate"] or not key["exists"]:
            return ["there is none yet"]
        if (key["mode"], key["owner"], key["group"]) != ("0600", user, group):
            return [f"its key is {key['owner']}:{key['group']} {key['mode']}, not {user}:{group} 0600"]
        if own["unpaired"]:
            return [own["unpaired"]]
        return engine.why_renew(
            own["certificate"].encode(), self._leaf(proxy), self._bundle(now), now, self._pki.renew_before_days
        )

    def _check_ports(self, proxy: Proxy, seen: Mapping[str, Any]) -> None:
        for url in proxy.listeners:
            if url.host in seen["foreign_hosts"]:
                raise BadInput(
                    f"{self._name}: the proxy {proxy.name} is to listen on {url.host}, which is no address of this "
                    "host. Give one that is, or 0.0.0.0 for all."
                )
            for one in seen["listeners"]:
                if (
                    one["port"] == url.port
                    and one["unit"] != f"{proxy.instance}.service"
                    and _meets(url, one["address"])
                ):
                    raise Refused(
                        f"{self._name}: {one['process'] or 'a process'} ({one['unit'] or 'no unit'}, PID {one['pid']}) "
                        f"listens on {one['address']} port {one['port']}, where the proxy {proxy.name} is to.",
                        "The proxy would end at once, again and again.",
                        f"Give the proxy another port in listen or metrics_url, or stop what has it: ss -ltnp 'sport = "
                        f":{one['port']}'",
                        code="port-taken",
                    )

    def _check_files(self, proxy: Proxy, seen: Mapping[str, Any], now: datetime) -> None:
        own = seen["proxies"][proxy.instance]
        if own["unit_exists"]:
            proxy_unit.check_ours(self.layout(proxy.name), own["unit"], f"{self._name}: ")
        for path in proxy.client_files.values():
            if not seen["files"][path]:
                raise BadInput(f"{self._name}: {path}, of the proxy {proxy.name}, is missing or empty.")
        certificate = proxy.client_files.get("client_cert")
        if certificate:
            subject = engine.describe(seen["files"][certificate].encode(), now)["subject"]
            if "CN=" in subject:
                raise Refused(
                    f"{self._name}: {certificate}, with which the proxy {proxy.name} is to ask the members, has the "
                    f"subject {subject}.",
                    "etcd would take each of its clients for the user of that name. The proxy ends at once: cert has "
                    "non empty Common Name.",
                    "Give it a certificate without a common name, or leave client_cert, client_key and client_ca out, "
                    "and it gets one.",
                    code="proxy-common-name",
                )

    def call(self, step: Step, seen: Mapping[str, Any], now: datetime, check: bool) -> dict[str, Any]:
        """Return the options of the module that does a step.

        :param check: issue no certificates.
        :raises EtcdError: the authority is missing or cannot be used.
        """
        layout = self.layout(step.name)
        if not step.version:
            return {"state": "absent", "layout": layout.to_dict()}
        proxy = next(one for one in self.wanted if one.name == step.name)
        words, bundle, unit = self._rendered(proxy, step.version, seen["machine"], now)
        files = [File(layout.unit_file, unit, "0644")]
        if proxy.needs_bundle:
            files.insert(0, File(layout.certificate("ca"), self._bundle(now).decode(), "0644"))
        leaf = proxy_unit.LEAF
        issued = {}
        if step.due and not check:
            pair = engine.issue(self._authority(now), self._leaf(proxy), now)
            issued = {
                "certificates": {leaf: pair.cert_pem.decode()},
                "private_keys": {leaf: pair.key_pem.decode()},
            }
        names = (leaf, f"{leaf}-key") if proxy.needs_leaf else ()
        return {
            "state": "present",
            "layout": layout.to_dict(),
            "files": [vars(file) for file in files],
            "links": {layout.certificate(name): f"current/{name}.pem" for name in names},
            **issued,
            "command": words,
            "bundle": bundle,
            "health": proxy_unit.health(proxy, layout),
            # Who has no certificate to show cannot ask members that want one.
            "members": list(proxy.endpoints) if proxy.kind == model.GRPC or not proxy.secure else [],
            "ask": proxy_unit.towards_members(proxy, layout),
            "timeout": self._inputs["start_timeout"],
        }


def _check_host(name: str, seen: Mapping[str, Any]) -> None:
    if not seen["is_root"]:
        raise BadInput(f"{name}: proxies are units of systemd, and this user is not root. Set ansible_become: true.")
    if not seen["has_systemd"]:
        raise BadInput(f"{name}: there is no systemd, which starts a proxy and keeps it running.")


def _meets(url: urls.Url, address: str) -> bool:
    """Whether two listeners of one port would be in each other's way."""
    host = "127.0.0.1" if url.host == "localhost" else url.host
    return host == address or urls.is_wildcard(host) or urls.is_wildcard(address)


def _is_name(name: str) -> bool:
    return not urls.is_wildcard(name) and (urls.as_ip(name) is not None or urls.is_dns_name(name))
