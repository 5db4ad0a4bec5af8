# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Where the members of a new cluster learn each other's names and URLs from: one class for each kind.

It is the one difference that ``etcd_bootstrap`` makes, and only for the founding. What etcd itself concludes is the
same each time: a member's ID comes from its peer URLs and the token, and the first entries of the log from the IDs. So
a member that learned the names from a service and one that was given them found the same cluster
(server/etcdserver/api/membership/cluster.go, ``NewClusterFromURLsMap``; tried with 3.4.23, 3.5.33 and 3.6.14).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

# What a key of the registry may be called without being another key.
_NO_TOKEN = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Source:
    """Where names and URLs come from.

    :cvar kind: its name where it is written down.
    :cvar learns: whether a member asks somebody for the names at its first start, and is not told them.
    """

    kind: ClassVar[str]
    learns: ClassVar[bool] = True

    @property
    def given_token(self) -> str:
        """The token that the inventory names; empty where there is none, or where the run makes one."""
        return ""

    def token_named(self, name: str) -> str:
        """Return the token of a new cluster, out of a name that no other has; empty where it cannot be named."""
        return name

    def may_have_made(self, token: str) -> bool:
        """Whether a token can be one of this source's own, so that an interrupted run goes on with it."""
        return bool(token)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Static(Source):
    """The run itself knows them all: the settings of the first start name every member."""

    kind = "static"
    learns = False

    def may_have_made(self, token: str) -> bool:
        # Whatever it is called, it makes the same cluster.
        return True


@dataclass(frozen=True)
class Srv(Source):
    """The SRV records of a DNS domain: each member takes each record for a member.

    :param suffix: of one of several clusters of the domain.
    :param name_servers: IP addresses of those that the run asks; none for the controller's own.
    """

    kind = "srv"
    domain: str = ""
    suffix: str = ""
    name_servers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Service(Source):
    """A discovery service: each member registers there, and waits until all have."""


@dataclass(frozen=True)
class DiscoveryV3(Service):
    """Any etcd, asked by its API of version 3 (etcd 3.6 and newer).

    :param endpoints: its client URLs.
    :param token: empty where the run makes one.
    :param ca_file: on the hosts, as the other two; empty for the CAs that a host trusts by itself.
    :param user: empty where the service asks for none.
    :param has_password: the password itself travels apart, because this is printed.
    """

    kind = "discovery-v3"
    endpoints: tuple[str, ...] = ()
    token: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    user: str = ""
    has_password: bool = False

    @property
    def given_token(self) -> str:
        return self.token

    def token_named(self, name: str) -> str:
        return _NO_TOKEN.sub("-", name)

    def may_have_made(self, token: str) -> bool:
        return bool(token) and not _NO_TOKEN.search(token)


@dataclass(frozen=True)
class DiscoveryV2(Service):
    """A service with the keys API of version 2, named by a URL (etcd 3.4 to 3.6).

    :param url: of one token; with a slash at its end, of the directory in which the run makes one; or C(HOST/new),
        where the service itself draws one, as public ones do.
    :param proxy: by which it is asked; empty for none.
    """

    kind = "discovery-v2"
    url: str = ""
    proxy: str = ""

    @property
    def given_token(self) -> str:
        return "" if self.url.endswith("/") or self.draws else self.url

    @property
    def draws(self) -> bool:
        """Whether a token has no name before the service has drawn it."""
        return self._plain.endswith("/new")

    @property
    def size(self) -> str:
        """For how many members it is to draw one; empty where the URL does not say."""
        return self.url.partition("?size=")[2]

    @property
    def _plain(self) -> str:
        return self.url.partition("?")[0]

    def token_named(self, name: str) -> str:
        return "" if self.draws else self.url + _NO_TOKEN.sub("-", name)

    def may_have_made(self, token: str) -> bool:
        place = self._plain[: -len("new")] if self.draws else self.url
        return token.startswith(place) and token not in (place, self._plain)


#: The one of most clusters.
STATIC = Static()

KINDS: dict[str, type[Source]] = {one.kind: one for one in (Static, Srv, DiscoveryV3, DiscoveryV2)}


def read(told: Mapping[str, Any]) -> Source:
    """Return a source from what ``to_dict`` made of it."""
    kind = KINDS[str(told["kind"])]
    values = {one.name: told[one.name] for one in fields(kind)}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
