# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What follows on a host from ports whose certificates etcd makes itself, see C(_model/auto_tls)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config.flags import flag_name
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value
from ansible_collections.quorum.etcd.plugins.module_utils._model.auto_tls import AutoTls
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import UNVERIFIED, Layout

#: In the place of the CAs of a client port that has none.
NO_AUTHORITIES = f"""\
{UNVERIFIED}: each member of this cluster made its certificate itself (etcd_auto_tls).
#
# quorum.etcd asks this host's own member and the others of its cluster all the same, over TLS and without a proof of
# who answers. There is nothing to prove it by: etcd makes such a certificate when its data directory is new, and every
# machine that could pass for a member could make one too.
"""

_VALIDITY = "self-signed-cert-validity"

# What makes etcd ask for certificates, or judge them, by the variable that takes it back: it then asks for none,
# whatever these say, and logs no word of it (client/pkg/transport/listener.go, SelfCert).
_WITHOUT_EFFECT = {
    "etcd_auto_tls": ("client-cert-auth", "client-cert-allowed-hostname", "client-crl-file", "trusted-ca-file"),
    "etcd_peer_auto_tls": (
        "peer-client-cert-auth",
        "peer-cert-allowed-cn",
        "peer-cert-allowed-hostname",
        "peer-crl-file",
        "peer-skip-client-san-verification",
        "peer-trusted-ca-file",
    ),
}

# The variable of the process, the directory below C(fixtures) in its data directory, and our leaf of that port.
_CLIENTS, _PEERS = ("ETCD_AUTO_TLS", "client", "etcd"), ("ETCD_PEER_AUTO_TLS", "peer", "peer")


def flags(auto: AutoTls) -> dict[str, Value]:
    """Return the settings of the ports that have such certificates."""
    given: dict[str, Value] = {"auto-tls": auto.clients, "peer-auto-tls": auto.peers}
    return {name: value for name, value in given.items() if value}


def check(auto: AutoTls, tls: bool, settings: Mapping[str, Any]) -> None:
    """See that nothing is asked for that such ports silently do without.

    :param settings: C(etcd_settings) as it was given.
    :raises BadInput: with everything that is wrong.
    """
    problems = list(_problems(auto, tls, {flag_name(name): name for name in map(str, settings)}))
    if problems:
        raise BadInput("\n".join(problems))


def _problems(auto: AutoTls, tls: bool, given: Mapping[str, str]) -> Iterator[str]:
    variables = auto.variables
    if variables and not tls:
        named = " and ".join(variables)
        yield (
            f"{named} {'is' if len(variables) == 1 else 'are'} true and etcd_tls is false, which means no TLS at all. "
            f"Take etcd_tls out, or {named}."
        )
    for variable in variables:
        for name in filter(given.__contains__, _WITHOUT_EFFECT[variable]):
            yield (
                f"etcd_settings has {given[name]} beside {variable}: etcd would start, ask nobody for a certificate "
                f"and say nothing of it. Take {given[name]} out; or take {variable} out, and certificates of a CA are "
                "required."
            )
    if _VALIDITY in given and not variables:
        yield (
            f"etcd_settings has {given[_VALIDITY]}, and no member makes its certificate itself. Take it out; how long "
            "those of the CAs last says etcd_pki_days."
        )


def published(wanted: AutoTls, layout: Layout, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the links by which a member that made its certificates itself shows those of the CAs, without a restart.

    etcd makes a pair only where there is none (client/pkg/transport/listener.go, SelfCert), and reads it at each
    handshake. So the members that still verify nobody are accepted by those that do already. Empty where none is due.

    :param wanted: the ports that are to stay as they are.
    :param environment: of the process.
    """
    found = {}
    for (variable, directory, leaf), stays in zip((_CLIENTS, _PEERS), wanted):
        if environment.get(variable) == "true" and not stays:
            fixtures = posixpath.join(layout.data_dir, "fixtures", directory)
            for name, ending in (("cert", ""), ("key", "-key")):
                found[posixpath.join(fixtures, f"{name}.pem")] = posixpath.join(
                    layout.ssl_dir, "current", f"{leaf}{ending}.pem"
                )
    return found
