# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The command line and the systemd unit of a gateway or a gRPC proxy. Neither reads variables, so flags say it all."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import sandbox
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import SIGNATURE, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.proxy import BUNDLE_VARIABLE, GATEWAY, Proxy

#: The name of the certificate that a proxy shows to members and to clients. It has no common name: etcd would take the
#: proxy for a user of that name, and the proxy itself ends (server/etcdmain/grpc_proxy.go, C(checkArgs)).
LEAF = "proxy"

_UNIT = """\
{signature}changes made by hand are put right at the next run. Use a drop-in for what is yours.
[Unit]
Description=etcd {title} {name} of {cluster}
Documentation=https://etcd.io/docs/
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
# It says READY as soon as it listens, whether or not a member can be reached.
Type=notify
# A signal such as SIGHUP ends it with success.
Restart=always
RestartSec=1
User={user}
Group={group}
WorkingDirectory=/
# It would send its traffic through a proxy named in the environment.
UnsetEnvironment=HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
{bundle}ExecStart={command}
LimitNOFILE=65536
UMask=0077

{sandbox}
[Install]
WantedBy=multi-user.target
"""

_BUNDLE = """\
# The CA bundle is read at the start: another one is another process.
Environment={variable}={bundle}
"""


def is_ours(unit: str) -> bool:
    """Whether a unit file is that of a proxy that this collection has written."""
    return unit.startswith(SIGNATURE) and (" grpc-proxy " in unit or " gateway " in unit)


def check_ours(layout: Layout, unit: str, label: str = "") -> None:
    """See that a unit file which is there is that of a proxy.

    :param unit: what it says.
    :param label: what the sentence begins with, such as a host and a colon.
    :raises Refused: it is somebody else's.
    """
    if not is_ours(unit):
        raise Refused(
            f"{label}{layout.unit_file} is there, and is no unit of a proxy of this collection.",
            "Whatever it belongs to would be overwritten.",
            f"Call the proxy otherwise, or remove the unit if nothing needs it: systemctl disable --now {layout.unit} "
            f"&& rm {layout.unit_file}",
            code="proxy-unit",
        )


def command(proxy: Proxy, layout: Layout, binary: str, version: str) -> list[str]:
    """The arguments of the process, the executable first.

    :param binary: the versioned path of etcd.
    :param version: of etcd, without C(v).
    :raises BadInput: this version does not know one of its settings.
    """
    kind = "gateway" if proxy.kind == GATEWAY else "grpc-proxy"
    flags = {**_source(proxy, layout), **(_gateway(proxy) if proxy.kind == GATEWAY else _grpc(proxy, layout, version))}
    return [binary, kind, "start", *(f"--{name}={value}" for name, value in flags.items() if value != "")]


def _source(proxy: Proxy, layout: Layout) -> dict[str, str]:
    """Where the members are."""
    listen = {"listen-addr": _without_scheme(str(proxy.listen))}
    if not proxy.domain:
        # A gateway passes bytes on to HOST:PORT.
        endpoints = [_without_scheme(url) if proxy.kind == GATEWAY else url for url in proxy.endpoints]
        return {**listen, "endpoints": ",".join(endpoints)}
    found = {**listen, "discovery-srv": proxy.domain, "discovery-srv-name": proxy.suffix}
    if proxy.insecure_discovery or not proxy.secure:
        found["insecure-discovery"] = "true"
    elif proxy.kind == GATEWAY:
        found["trusted-ca-file"] = _bundle_of_members(proxy, layout)
    return found


def _bundle_of_members(proxy: Proxy, layout: Layout) -> str:
    return proxy.client_files.get("client_ca") or layout.certificate("ca")


def _gateway(proxy: Proxy) -> dict[str, str]:
    return {"retry-delay": proxy.retry_delay}


def _grpc(proxy: Proxy, layout: Layout, version: str) -> dict[str, str]:
    # 3.5 and 3.6 dial their own advertised URL at the start, and end where nothing answers there.
    found = {"advertise-client-url": str(proxy.advertised)}
    if proxy.secure:
        asking = towards_members(proxy, layout)
        found.update(cacert=asking["ca"], cert=asking["cert"], key=asking["key"])
    if proxy.serves_tls:
        found["cert-file"] = layout.certificate(LEAF)
        found["key-file"] = layout.certificate(f"{LEAF}-key")
        found["trusted-ca-file"] = layout.certificate("ca")
    found["namespace"] = proxy.namespace
    if proxy.resolver_prefix:
        found.update({"resolver-prefix": proxy.resolver_prefix, "resolver-ttl": str(proxy.resolver_ttl)})
    found["metrics-addr"] = str(proxy.metrics) if proxy.metrics else ""
    found["max-concurrent-streams"] = "" if proxy.max_streams is None else str(proxy.max_streams)
    found["endpoints-auto-sync-interval"] = _sync(proxy, version)
    return found


def _sync(proxy: Proxy, version: str) -> str:
    sync = proxy.syncs(version)
    if sync and releases.minor(version) == 4:
        raise BadInput(
            f"etcd_proxy_instances, {proxy.name}: etcd {version} has no auto_sync, and would end. Take it out, or set "
            "etcd_proxy_version to a newer release."
        )
    return sync


def _without_scheme(url: str) -> str:
    return url.partition("://")[2]


def render(proxy: Proxy, layout: Layout, cluster: str, words: Sequence[str], bundle: str) -> str:
    """The unit file.

    :param words: as C(command) returns them.
    :param bundle: the checksum of the CA bundle; empty where it reads none.
    """
    return _UNIT.format(
        signature=SIGNATURE,
        title="gateway" if proxy.kind == GATEWAY else "gRPC proxy",
        name=proxy.name,
        cluster=cluster.replace("%", "%%"),
        user=layout.user,
        group=layout.group,
        bundle=_BUNDLE.format(variable=BUNDLE_VARIABLE, bundle=bundle) if bundle else "",
        command=" \\\n  ".join(map(_quoted, words)),
        sandbox=sandbox.lines([], proxy.client_files.values(), withheld_calls="@privileged @resources"),
    )


def _quoted(word: str) -> str:
    """A word of a command line (systemd.service(5), COMMAND LINES; systemd.unit(5), SPECIFIERS)."""
    text = word.replace("%", "%%").replace("$", "$$")
    if not any(char in text for char in " \\\"'"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def health(proxy: Proxy, layout: Layout) -> dict[str, str]:
    """How to ask on its own host whether it serves.

    :returns: C(url), and C(ca), C(cert) and C(key) where it takes TLS. A gateway has no certificate to show: that a
        member has shown its own is proof enough.
    """
    found = {"kind": proxy.kind, "url": str(proxy.url), "ca": "", "cert": "", "key": ""}
    if proxy.serves_tls:
        found.update(ca=layout.certificate("ca"), cert=layout.certificate(LEAF), key=layout.certificate(f"{LEAF}-key"))
    elif proxy.kind == GATEWAY and proxy.secure:
        found["ca"] = _bundle_of_members(proxy, layout)
    return found


def towards_members(proxy: Proxy, layout: Layout) -> dict[str, str]:
    """How a gRPC proxy asks members: C(ca), C(cert) and C(key), empty without TLS."""
    if not proxy.secure:
        return {"ca": "", "cert": "", "key": ""}
    own = proxy.client_files
    return {
        "ca": _bundle_of_members(proxy, layout),
        "cert": own.get("client_cert") or layout.certificate(LEAF),
        "key": own.get("client_key") or layout.certificate(f"{LEAF}-key"),
    }
