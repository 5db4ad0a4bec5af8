# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The settings that are good for one start: a member's first one.

They lie beside the marker. The gate publishes them for that start, and removes them once the member is ready: a member
that lost its data and still had them would come back with an empty log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, gate, yaml_file
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import (
    DiscoveryV2,
    DiscoveryV3,
    Source,
    Srv,
)

_NEW: dict[str, Value] = {"initial-cluster-state": "new"}


def static(initial_cluster: str, token: str) -> str:
    """Return the file of a member that is given the names of all."""
    return _lines({"initial-cluster": initial_cluster, "initial-cluster-token": token, **_NEW})


def render(source: Source, initial_cluster: str, token: str, minor: int, is_yaml: bool, password: str = "") -> str:
    """Return the file of a member that learns the names where its inventory says.

    :param token: the agreed one.
    :param minor: of the etcd 3 that reads it.
    :param is_yaml: whether etcd reads a configuration file.
    :param password: of the discovery service. Secret, and only for etcd's configuration file: etcd writes each variable
        that it reads into its log (pkg/flags/flag.go, ``setFlagFromEnv``).
    :raises BadInput: this etcd does not know the way. It would ignore what it does not know, and found a cluster of its
        own.
    """
    if not source.learns:
        return static(initial_cluster, token)
    problems = list(problems_of(source, minor, is_yaml))
    if problems:
        raise BadInput(*problems)
    settings = _IN_VARIABLES[type(source)](source, token, minor)
    if not is_yaml:
        return _lines({**settings, **_NEW})
    line = _IN_A_FILE[type(source)](source, token, password)
    return "".join(
        [f'{gate.FIRST_START_VARIABLE}="{env_file.escaped(line)}"\n', *_lines(_NEW).splitlines(keepends=True)]
    )


def problems_of(source: Source, minor: int, is_yaml: bool) -> Iterator[str]:
    """Why members of this etcd 3 cannot be founded by a source, in sentences."""
    if isinstance(source, DiscoveryV3):
        if minor < 6:
            yield (
                "etcd_discovery_endpoints is discovery by etcd's API of version 3, which came with etcd 3.6, and this "
                f"is 3.{minor}. Use a service with the API of version 2 (etcd_discovery_url), a newer etcd_version, or "
                "etcd_bootstrap: static."
            )
        if source.has_password and not is_yaml:
            yield (
                "etcd_discovery_password would be in the journal of every member: etcd writes each variable that it "
                "reads into its log. Set etcd_config_format: yaml, with which it is not."
            )
    if isinstance(source, DiscoveryV2):
        if minor > 6:
            yield (
                "etcd_discovery_url is discovery by etcd's API of version 2, which is gone in etcd 3.7, and this is "
                f"3.{minor}. Use etcd_discovery_endpoints (any etcd is such a service), or etcd_bootstrap: static."
            )
        elif minor < 6 and is_yaml:
            yield (
                "etcd's configuration file has no key for discovery-fallback before 3.6: a member for which the token "
                "has no place would run as a proxy and say that it is ready. Set etcd_config_format: env."
            )


def _lines(settings: dict[str, Value]) -> str:
    return "".join(f"{line}\n" for line in env_file.assignments(settings))


def _variables_srv(source: Srv, token: str, _minor: int) -> dict[str, Value]:
    # The ID of the cluster is made of this token, as it is where the members are told the names.
    found: dict[str, Value] = {"discovery-srv": source.domain, "initial-cluster-token": token}
    return {**found, "discovery-srv-name": source.suffix} if source.suffix else found


def _variables_v3(source: DiscoveryV3, token: str, _minor: int) -> dict[str, Value]:
    given: dict[str, Value] = {
        "discovery-token": token,
        "discovery-endpoints": list(source.endpoints),
        "discovery-insecure-transport": not _is_tls(source),
        "discovery-cacert": source.ca_file,
        "discovery-cert": source.cert_file,
        "discovery-key": source.key_file,
        "discovery-user": source.user,
    }
    return {flag: value for flag, value in given.items() if value != ""}


def _variables_v2(source: DiscoveryV2, token: str, minor: int) -> dict[str, Value]:
    found: dict[str, Value] = {"discovery": token}
    if source.proxy:
        found["discovery-proxy"] = source.proxy
    if minor <= 5:
        # By default a member for which there is no place becomes a proxy, and says that it is ready.
        found["discovery-fallback"] = "exit"
    return found


def _line_srv(source: Srv, token: str, _password: str) -> str:
    settings = _variables_srv(source, token, 0)
    return "\n".join(f"{key}: {yaml_file.quoted(value)}" for key, value in settings.items())


def _line_v3(source: DiscoveryV3, token: str, password: str) -> str:
    files = {"cacert": source.ca_file, "cert": source.cert_file, "key": source.key_file}
    secure = {"insecure-transport": not _is_tls(source), **{key: path for key, path in files.items() if path}}
    client: dict[str, Any] = {"endpoints": list(source.endpoints), "secure": secure}
    if source.user:
        client["auth"] = {"username": source.user, "password": password}
    return "discovery-config: " + yaml_file.quoted({"token": token, "client": client})


def _line_v2(source: DiscoveryV2, token: str, _password: str) -> str:
    proxy = f"\ndiscovery-proxy: {yaml_file.quoted(source.proxy)}" if source.proxy else ""
    return f"discovery: {yaml_file.quoted(token)}{proxy}"


def _is_tls(source: DiscoveryV3) -> bool:
    return any(url.startswith("https://") for url in source.endpoints)


_IN_VARIABLES: dict[type[Source], Callable[[Any, str, int], dict[str, Value]]] = {
    Srv: _variables_srv,
    DiscoveryV3: _variables_v3,
    DiscoveryV2: _variables_v2,
}
_IN_A_FILE: dict[type[Source], Callable[[Any, str, str], str]] = {
    Srv: _line_srv,
    DiscoveryV3: _line_v3,
    DiscoveryV2: _line_v2,
}
