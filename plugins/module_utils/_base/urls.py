# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Addresses and URLs as etcd takes them, in one spelling, so that equal ones compare equal.

etcd wants C(SCHEME://HOST:PORT) without a path (client/pkg/types/urls.go, NewURLs), and an IP address or C(localhost)
where it binds (server/embed/config.go, checkBindURLs). It also takes unix sockets: this collection does not.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[^\]]*\]|[^/:\[\]]*)(?::(?P<port>[^/:]*))?(?P<path>/.*)?"
)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class Url(NamedTuple):
    """One URL of etcd.

    :param scheme: C(http) or C(https).
    :param host: an IP address in its shortest form, without brackets, or a DNS name in lower case.
    :param port: 1 to 65535.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def as_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a text is, or None. An address with a zone (C(fe80::1%eth0)) is none that etcd can use."""
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def is_dns_name(text: str) -> bool:
    """Whether a text can be a DNS name. A last label of digits only is a mistyped IPv4 address, never a name."""
    labels = text.split(".")
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def is_loopback(host: str) -> bool:
    """Whether a normalised host is reachable from its own machine only."""
    address = as_ip(host)
    return host == "localhost" if address is None else address.is_loopback


def from_elsewhere(urls: Iterable[str]) -> list[str]:
    """Those that other hosts can use: a loopback URL leads each of them to itself.

    :raises BadInput: one is malformed.
    """
    return [url for url in urls if not is_loopback(parse_url(url, "client URL").host)]


def is_wildcard(host: str) -> bool:
    """Whether a normalised host stands for all addresses of a machine: C(0.0.0.0) or C(::)."""
    address = as_ip(host)
    return address is not None and address.is_unspecified


def is_bindable(host: str) -> bool:
    """Whether etcd can listen on a normalised host."""
    return host == "localhost" or as_ip(host) is not None


def normal_host(text: str, what: str) -> str:
    """An IP address in its shortest form or a DNS name in lower case.

    :param what: the variable that holds the text, for the message.
    :raises BadInput: when it is neither.
    """
    address = as_ip(text.strip("[]"))
    if address is not None:
        return str(address)
    if is_dns_name(text):
        return text.lower()
    raise BadInput(
        f"{what}: '{text}' is neither an IP address nor a DNS name. Write an address such as 10.0.0.1, 2001:db8::1 or "
        "etcd1.example.com, without scheme and port."
    )


def normal_port(value: Any, what: str) -> int:
    """A port number from 1 to 65535.

    :raises BadInput: when the value is none.
    """
    text = str(value)
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise BadInput(f"{what}: '{text}' is not a port. Write a number from 1 to 65535.")


# A plan of nine hosts reads the same few 600 times, on each of them.
@functools.lru_cache(maxsize=256)
def parse_url(text: str, what: str) -> Url:
    """One URL, normalised.

    :param what: the variable that holds the URL, for the message.
    :raises BadInput: when etcd would not take it.
    """
    text = text.strip()

    def bad(why: str) -> BadInput:
        return BadInput(f"{what}: '{text}' {why}. Write it like https://10.0.0.1:2380 or https://[2001:db8::1]:2380.")

    found = _URL.fullmatch(text)
    if found is None:
        colons = text.partition("://")[2].count(":")
        raise bad("has an IPv6 address without brackets" if colons > 1 else "is not a URL")
    scheme = found["scheme"].lower()
    if scheme not in ("http", "https"):
        raise bad(f"has the scheme {scheme}, and only http and https are supported")
    if found["path"]:
        raise bad(f"has a path ({found['path']}), which etcd refuses")
    if not found["port"]:
        raise bad("has no port")
    if not found["host"]:
        raise bad("has no host")
    if found["host"].startswith("[") and ":" not in found["host"]:
        raise bad("has brackets around something that is not an IPv6 address")
    return Url(scheme, normal_host(found["host"], f"{what}: {text}"), normal_port(found["port"], f"{what}: {text}"))


def parse_urls(value: Any, what: str) -> list[Url]:
    """URLs from a list or from a text separated by commas, as etcd's own settings are written.

    :raises BadInput: when one is wrong, one is there twice, or there is none.
    """
    urls = [parse_url(text, what) for text in texts(value, what)]
    if not urls:
        raise BadInput(f"{what} is empty. Leave it out or give at least one URL.")
    for url in urls:
        if urls.count(url) > 1:
            raise BadInput(f"{what} has {url} twice. Write it once.")
    return urls


def texts(value: Any, what: str) -> list[str]:
    """The items of a list or of a text separated by commas, spaces and line breaks after the commas included.

    :raises BadInput: when the value is neither, or an item is empty.
    """
    if isinstance(value, str):
        items = [item.strip() for item in value.split(",")] if value.strip() else []
    elif isinstance(value, Sequence):
        items = [str(item).strip() for item in value]
    else:
        raise BadInput(f"{what} must be a list or a text separated by commas, not '{value}'.")
    if not all(items):
        raise BadInput(f"{what} has an empty item. Take the comma too many out.")
    return items


def check_listen(groups: Mapping[str, Sequence[Url]]) -> None:
    """Make sure that one process can bind all its URLs.

    http and https on one address are one listener to etcd, if they belong to one setting (server/embed/etcd.go,
    configureClientListeners).

    :param groups: the setting -> its URLs.
    :raises BadInput: when a name is to be bound, or two settings, or an address and the wildcard, share a port.
    """
    sockets = [(what, url) for what, urls in groups.items() for url in urls]
    for what, url in sockets:
        if not is_bindable(url.host):
            raise BadInput(
                f"{what}: etcd cannot listen on the name {url.host} ({url}). Give an IP address of the host, or "
                f"{Url(url.scheme, '0.0.0.0', url.port)} for all of them."
            )
    for (what, url), (other_what, other) in combinations(sockets, 2):
        if url.port == other.port and _overlap(url, other, what == other_what):
            raise BadInput(
                f"{what} {url} and {other_what} {other} ask for the same port of the same address: the second could "
                "not be bound. Give one of them another port, or leave one out."
            )


def _overlap(one: Url, other: Url, one_setting: bool) -> bool:
    hosts = {"127.0.0.1" if url.host == "localhost" else url.host for url in (one, other)}
    if len(hosts) == 1:
        return not (one_setting and one.scheme != other.scheme)
    if "::" in hosts:  # Linux lets the IPv6 wildcard take the IPv4 port as well
        return True
    return "0.0.0.0" in hosts and all(":" not in host for host in hosts)


def local(listen_urls: Sequence[str]) -> str:
    """The URL at which a process of the same host reaches a listener: a loopback one, else any.

    :param listen_urls: what etcd listens on, wildcards included.
    """
    reachable = [url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:") for url in listen_urls]
    loopback = ("//127.", "//[::1]", "//localhost:")
    return next((url for url in reachable if any(host in url for host in loopback)), reachable[0])
