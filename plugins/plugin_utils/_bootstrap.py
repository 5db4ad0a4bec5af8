# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Where the members of a new cluster learn names and URLs from, out of C(etcd_bootstrap) and what belongs to it."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import parse_urls
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import (
    DiscoveryV2,
    DiscoveryV3,
    Source,
    Srv,
    Static,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.srv import check_domain

STATIC, DISCOVERY, SRV = KINDS = ("static", "discovery", "srv")

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
_OF_V3 = ("token", "ca_file", "cert_file", "key_file", "user", "password")
_OF_SERVICE = ("endpoints", "url", "proxy", *_OF_V3)
# The domain is in certificates as well, and both are in the records for clients, whichever way a cluster is founded.
_OF_RECORDS = ("srv", "srv_name")
_OF_SRV = ("name_servers", *_OF_RECORDS)


def source_of(given: Mapping[str, Any], etcd_nodes: Any) -> Source:
    """Read the source of a host.

    :param given: C(kind), and the rest under its name without C(etcd_discovery_).
    :param etcd_nodes: ETCD_NODES, None where it is not given.
    :raises BadInput: something is wrong, or does not go together.
    """
    kind = given["kind"]
    if kind not in KINDS:
        raise BadInput(f"etcd_bootstrap is {kind!r}. Use {', '.join(KINDS[:-1])} or {KINDS[-1]}.")
    told = {name: value for name, value in given.items() if name != "kind" and value not in (None, "", [])}
    findings = Findings()
    for of, names in ((DISCOVERY, _OF_SERVICE), (SRV, _OF_SRV)):
        findings.run(_check_used, kind, of, [name for name in told if name in names and name not in _OF_RECORDS])
    findings.end()
    if kind == STATIC:
        return Static()
    if etcd_nodes is not None:
        raise BadInput(
            f"etcd_bootstrap is {kind}, and ETCD_NODES names the members as well: etcd takes one of them. Take "
            f"ETCD_NODES out, or set etcd_bootstrap: {STATIC}."
        )
    return _srv(told) if kind == SRV else _service(told)


def _check_used(kind: str, of: str, names: list[str]) -> None:
    if names and kind != of:
        raise BadInput(f"{_named(names)} says nothing without etcd_bootstrap: {of}. Set that, or take it out.")


def _srv(told: Mapping[str, Any]) -> Srv:
    if "srv" not in told:
        raise BadInput(
            f"etcd_bootstrap is {SRV}: name the domain of the SRV records in etcd_discovery_srv, such as example.com."
        )
    suffix, servers = str(told.get("srv_name", "")), told.get("name_servers", [])
    return Srv(
        domain=check_domain(str(told["srv"]), suffix),
        suffix=suffix,
        name_servers=tuple(map(str, [servers] if isinstance(servers, str) else servers)),
    )


def _service(told: Mapping[str, Any]) -> Source:
    if ("url" in told) == ("endpoints" in told):
        raise BadInput(
            f"etcd_bootstrap is {DISCOVERY}: name one service, {'not two' if 'url' in told else 'and not none'}. "
            "Either etcd_discovery_endpoints, the client URLs of any etcd (for members of 3.6 and newer), or "
            "etcd_discovery_url, a URL of the API of version 2 (for 3.4 to 3.6)."
        )
    return _v3(told) if "endpoints" in told else _v2(told)


def _v3(told: Mapping[str, Any]) -> DiscoveryV3:
    findings = Findings()
    urls = findings.run(parse_urls, told["endpoints"], "etcd_discovery_endpoints") or []
    findings.run(_check_same_scheme, [url.scheme for url in urls])
    token = str(told.get("token", ""))
    findings.run(_check_token, token)
    files = {name: str(told.get(name, "")) for name in ("ca_file", "cert_file", "key_file")}
    for name, path in files.items():
        findings.run(_check_path, f"etcd_discovery_{name}", path)
    findings.run(_check_together, told)
    findings.end()
    return DiscoveryV3(
        endpoints=tuple(str(url) for url in urls),
        token=token,
        user=str(told.get("user", "")),
        has_password="password" in told,
        **files,
    )


def _check_same_scheme(schemes: list[str]) -> None:
    if len(set(schemes)) > 1:
        raise BadInput("etcd_discovery_endpoints has URLs with http and with https. etcd takes one or the other.")


def _check_token(token: str) -> None:
    if token and not _TOKEN.fullmatch(token):
        raise BadInput(
            f"etcd_discovery_token is {token!r}. Use letters, digits, - and _; or leave it out, and the run makes one."
        )


def _check_path(name: str, path: str) -> None:
    if path and not (path.startswith("/") and path.isprintable()):
        raise BadInput(f"{name} is {path!r}. Give an absolute path; the file lies on every host, and etcd can read it.")


def _check_together(told: Mapping[str, Any]) -> None:
    if "proxy" in told:
        raise BadInput(
            "etcd_discovery_proxy is for etcd_discovery_url alone: etcd asks by the API of version 3 itself."
        )
    if ("user" in told) != ("password" in told):
        raise BadInput("etcd_discovery_user and etcd_discovery_password are given together, or neither is.")
    if ("cert_file" in told) != ("key_file" in told):
        raise BadInput("etcd_discovery_cert_file and etcd_discovery_key_file are given together, or neither is.")


def _v2(told: Mapping[str, Any]) -> DiscoveryV2:
    of_v3 = {name: value for name, value in told.items() if name in _OF_V3}
    if of_v3:
        raise BadInput(
            f"{_named(of_v3)} is not for etcd_discovery_url: the URL ends with its token, and etcd has neither "
            "certificates nor a user for the API of version 2. Take it out."
        )
    url, proxy = str(told["url"]).strip(), str(told.get("proxy", "")).strip()
    _check_v2_url("etcd_discovery_url", url)
    if "?" in url and not re.fullmatch(r"[^?]+/new\?size=[0-9]+", url):
        raise BadInput(f"etcd_discovery_url is {url!r}. What follows a ? is for https://HOST/new?size=3 alone.")
    if proxy:
        _check_v2_url("etcd_discovery_proxy", proxy if "://" in proxy else f"http://{proxy}")
    return DiscoveryV2(url=url, proxy=proxy)


def _check_v2_url(name: str, url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or " " in url:
        raise BadInput(f"{name} is {url!r}, which is no URL such as http://10.0.0.9:2379/v2/keys/discovery/.")
    if "@" in parts.netloc:
        raise BadInput(f"{name} has a user or a password in it, which etcd would write into its log. Take it out.")


def _named(names: Iterable[str]) -> str:
    return " and ".join(f"etcd_discovery_{name}" for name in names)
