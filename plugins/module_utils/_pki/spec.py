# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What certificates are wanted: their kinds, names and keys, checked before anything is made. No cryptography here."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput

CA_DAYS = 3650
LEAF_DAYS = 1095
RENEW_BEFORE_DAYS = 30

_KEY_SIZES = {"ec": (256, 384, 521), "rsa": (3072, 2048, 4096)}

_DNS_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


@dataclass(frozen=True)
class Profile:
    """What a certificate is for.

    :param authority: the CA that signs it, C(client) or C(peer).
    :param usages: its extended key usages.
    """

    authority: str
    usages: tuple[str, ...]


# A server is also a client: of its peers on the peer port, and of itself through the gRPC gateway. etcd checks both
# usages on the peer port: https://etcd.io/docs/v3.6/op-guide/security/
PROFILES = {
    "server": Profile("client", ("serverAuth", "clientAuth")),
    "peer": Profile("peer", ("serverAuth", "clientAuth")),
    "client": Profile("client", ("clientAuth",)),
}


@dataclass(frozen=True)
class KeySpec:
    """The kind of a private key.

    :param type: C(ec) or C(rsa).
    :param size: bits; for C(ec) of the curve (256, 384, 521), for C(rsa) of the modulus (2048, 3072, 4096).
        0 takes 256 for C(ec) and 3072 for C(rsa).
    :raises BadInput: for any other type or size.
    """

    type: str = "ec"
    size: int = 0

    def __post_init__(self) -> None:
        sizes = _KEY_SIZES.get(self.type)
        if sizes is None:
            raise BadInput(f"There is no key type {self.type!r} here. Use ec or rsa.")
        if not self.size:
            object.__setattr__(self, "size", sizes[0])
        if self.size not in sizes:
            allowed = ", ".join(map(str, sorted(sizes)))
            raise BadInput(f"A key of type {self.type} cannot have {self.size} bits here. Use one of {allowed}.")

    def __str__(self) -> str:
        return f"{self.type} {self.size}"


@dataclass(frozen=True)
class AuthoritySpec:
    """A CA as it is wanted.

    :param common_name: CN of its subject.
    :param key: the kind of its key.
    :param days: how long it is valid.
    :raises BadInput: for anything that no certificate could satisfy.
    """

    common_name: str
    key: KeySpec = KeySpec()
    days: int = CA_DAYS

    def __post_init__(self) -> None:
        if not self.common_name:
            raise BadInput("A CA needs a common name.")
        _check_subject(self.common_name)
        _check_days(self.days)


@dataclass(frozen=True)
class LeafSpec:
    """A certificate as it is wanted. :meth:`for_names` is the comfortable way to make one.

    :param profile: one of :data:`PROFILES`.
    :param dns_names: names it is valid for, in any case; kept in lower case.
    :param ip_addresses: addresses it is valid for, in any spelling; kept in the canonical one.
    :param common_name: for a client the name of the etcd user, and required. None for server and peer: with
        authentication on, etcd takes the CN of whoever connects for a user name.
    :param organization: O of the subject.
    :param key: the kind of its key.
    :param days: how long it is valid.
    :raises BadInput: for anything that no certificate could satisfy.
    """

    profile: str
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    common_name: str | None = None
    organization: str | None = None
    key: KeySpec = KeySpec()
    days: int = LEAF_DAYS

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise BadInput(f"There is no certificate profile {self.profile!r}. Use one of {', '.join(PROFILES)}.")
        if self.profile == "client" and not self.common_name:
            raise BadInput("A client certificate needs a common name: it is the name of its etcd user, such as root.")
        if self.profile != "client" and self.common_name:
            raise BadInput(
                f"A {self.profile} certificate must have no common name, and {self.common_name!r} was given: with "
                "authentication on, etcd would take the member for a user of that name. Leave the common name out."
            )
        if self.profile != "client" and not self.dns_names and not self.ip_addresses:
            raise BadInput(f"A {self.profile} certificate must name at least one address or DNS name of its member.")
        _check_subject(self.common_name, self.organization)
        _check_days(self.days)
        object.__setattr__(self, "dns_names", _unique(map(_dns_name, self.dns_names)))
        object.__setattr__(self, "ip_addresses", _unique(map(_ip_address, self.ip_addresses)))

    @classmethod
    def for_names(
        cls,
        profile: str,
        names: t.Iterable[str] = (),
        *,
        common_name: str | None = None,
        organization: str | None = None,
        key: KeySpec | None = None,
        days: int = LEAF_DAYS,
    ) -> LeafSpec:
        """A specification from names and addresses in one list, in any order and spelling, as an inventory has them.

        A server and a peer are always also reached as localhost, 127.0.0.1 and ::1; these are added.

        :raises BadInput: for anything that no certificate could satisfy.
        """
        loopback = () if profile == "client" else ("localhost", "127.0.0.1", "::1")
        wanted = [str(name).strip() for name in (*names, *loopback)]
        return cls(
            profile=profile,
            dns_names=tuple(name for name in wanted if not _is_address(name)),
            ip_addresses=tuple(name for name in wanted if _is_address(name)),
            common_name=common_name,
            organization=organization,
            key=key or KeySpec(),
            days=days,
        )


def check_renewal(spec: LeafSpec, renew_before_days: int) -> None:
    """:raises BadInput: the certificate would be renewed as soon as it is made."""
    if renew_before_days >= spec.days:
        raise BadInput(
            f"A certificate valid for {spec.days} days and renewed {renew_before_days} days before it expires would be "
            "renewed in every run. Let it be valid for longer, or renew it later."
        )


def _check_subject(common_name: str | None, organization: str | None = None) -> None:
    # RFC 5280, appendix A.1: ub-common-name, ub-organization-name.
    for what, value in (("common name", common_name), ("organization", organization)):
        if value and len(value) > 64:
            raise BadInput(f"The {what} {value!r} has {len(value)} characters; a certificate holds 64. Shorten it.")


def _check_days(days: int) -> None:
    if days < 1:
        raise BadInput(f"A certificate cannot be valid for {days} days. Use 1 or more.")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _ip_address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError as exc:
        raise BadInput(f"{text!r} is not an IP address.") from exc
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            raise BadInput(f"The address {text!r} has a zone, which no certificate can hold. Use another address.")
        return str(address.ipv4_mapped or address)
    return str(address)


def _dns_name(text: str) -> str:
    name = text.lower().rstrip(".")
    labels = name.split(".")
    if labels[0] == "*" and len(labels) > 2:
        labels = labels[1:]
    if len(name) > 253 or labels[-1].isdigit() or not all(map(_DNS_LABEL.fullmatch, labels)):
        raise BadInput(
            f"{text!r} is neither an IP address nor a DNS name that a certificate can hold. "
            "Write an international name in its xn-- form."
        )
    return name


def _unique(values: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
