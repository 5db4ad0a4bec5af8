# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Clusters whose members make their certificates themselves: what is said of them, and their way to those of CAs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import auto_tls
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host

_PAGE = "docs/ways-to-begin.md#by-auto-tls"

# What says that the process has a certificate of a CA, by the port.
_OF_A_CA = {"etcd_auto_tls": "ETCD_CERT_FILE", "etcd_peer_auto_tls": "ETCD_PEER_CERT_FILE"}

_NOT_PROTECTED = {
    "etcd_auto_tls": "whoever reaches a client port can read and write all keys, and whoever stands in between can "
    "pass for a member",
    "etcd_peer_auto_tls": "whoever reaches a peer port can pass for a member",
}


def named(hosts: Sequence[Host]) -> str:
    """Return what a new cluster of these hosts is: C(TLS), C(without TLS), or which ports verify nobody."""
    found = [wanted for wanted in _wanted(hosts) if wanted.tls]
    if not found:
        return "without TLS"
    variables = found[0].auto_tls.variables
    return f"TLS by {' and '.join(variables)}" if variables else "TLS"


def warnings(hosts: Sequence[Host]) -> list[str]:
    """Return what such a cluster is not protected from; nothing for others."""
    variables = sorted({name for wanted in _wanted(hosts) for name in wanted.auto_tls.variables})
    if not variables:
        return []
    return [
        f"{' and '.join(variables)}: connections are encrypted, and nobody is verified: "
        f"{'; '.join(_NOT_PROTECTED[name] for name in variables)}. See {_PAGE}"
    ]


def check_alike(hosts: Sequence[Host]) -> None:
    """See that it is one for all members.

    :raises BadInput: they would not accept each other.
    """
    for name in _OF_A_CA:
        said = {name in wanted.auto_tls.variables: host.label for host in hosts for wanted in _wanted([host])}
        if len(said) > 1:
            raise BadInput(
                f"{name} is true for {said[True]} and false for {said[False]}, and those that verify would refuse the "
                f"others. Set {name} once, for the group."
            )


def check(hosts: Sequence[Host]) -> None:
    """See whether the members can be taken from what they run with to what is wanted.

    :raises Refused: they cannot, or not now.
    """
    for host in hosts:
        for wanted in _wanted([host]):
            _check_given_up(host, wanted)
    moving = [host for host in hosts if is_moving(host)]
    if not moving or any(_has_of_a_ca(host, name) for host in hosts for name in _leaving(moving)):
        return
    missing = [host.label for host in hosts if host.silent or not (host.answers or _stays_away(host))]
    if missing:
        back = " and ".join(_leaving(moving))
        raise Refused(
            f"The members of this cluster made their certificates themselves ({back}) and are to have those of the "
            f"CAs, and {' and '.join(missing)} {'does' if len(missing) == 1 else 'do'} not answer as a member.",
            "Each member must show a certificate of the CAs before the first one asks for it; one that does not would "
            "be cut off from those that do.",
            f"Set {back} for the group again, bring those members back or finish the change of members, and run. Then "
            f"take {back} out.",
            code="auto-tls-not-all",
        )


def is_moving(host: Host) -> bool:
    """Does its member run with a certificate that it made itself, and is it to have one of a CA?"""
    return any(
        auto_tls.published(wanted.auto_tls, wanted.layout, host.seen.runtime.environment)
        for wanted in _wanted([host])
        if host.runs
    )


def _leaving(moving: Sequence[Host]) -> list[str]:
    """The variables that no longer say what runs."""
    return [
        name
        for name in _OF_A_CA
        if any(
            host.seen.runtime.environment.get(name.upper()) == "true" and name not in wanted.auto_tls.variables
            for host in moving
            for wanted in _wanted([host])
        )
    ]


def _check_given_up(host: Host, wanted: Desired) -> None:
    given_up = [name for name in wanted.auto_tls.variables if _has_of_a_ca(host, name)]
    if given_up:
        back = " and ".join(given_up)
        raise Refused(
            f"{host.label} runs with certificates of the CAs, and the inventory says {back}.",
            "The first member without one would be refused by the others, and its clients by nobody: with the second "
            "one the quorum is gone.",
            f"Take {back} out. For a cluster that verifies nobody found a new one and move the data.",
            code="certificates-given-up",
        )


def _has_of_a_ca(host: Host, name: str) -> bool:
    return host.runs and bool(host.seen.runtime.environment.get(_OF_A_CA[name]))


def _stays_away(host: Host) -> bool:
    """Is it neither a member nor to be one?"""
    return host.wanted is not None and not host.wanted.present and not host.runs


def _wanted(hosts: Sequence[Host]) -> Iterator[Desired]:
    return (host.wanted for host in hosts if host.wanted is not None)
