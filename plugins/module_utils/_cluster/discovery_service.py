# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Tokens of a discovery service: looked at, made and removed. One class for each API that such a service has."""

from __future__ import annotations

import posixpath
import urllib.parse
from abc import ABC, abstractmethod
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._model.discovery_registry import Registered, Registry
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_keys import Keys

# Below the name of the token: how many members there are (etcd's discovery protocol).
_SIZE = "_config/size"


class Token(ABC):
    """One token of a service.

    :ivar name: what a member is given: a name, or a URL.
    """

    name: str

    @abstractmethod
    def look(self) -> Registry:
        """Return what is registered. A service that does not answer, or not as such, raises an C(EtcdError)."""

    @abstractmethod
    def make(self, size: int) -> None:
        """Make it, unless it is there already."""

    @abstractmethod
    def remove(self, found: Registry, check: bool) -> None:
        """Remove it with all that is registered there. What is no token raises an C(EtcdError).

        :param found: what lies there.
        :param check: only see that it is one.
        """


class TokenV3(Token):
    """In any etcd, by its API of version 3 (server/etcdserver/api/v3discovery/discovery.go)."""

    def __init__(self, client: Client, name: str) -> None:
        if not name or "/" in name or name in (".", ".."):
            raise BadInput(f"token is {name!r}. Give a name without a slash, such as etcd-cluster-1.")
        self.name = name
        self._client = client
        self._place = f"/_etcd/registry/{name}/"

    def look(self) -> Registry:
        found = self._client.read(self._place, prefix=True)["kvs"]
        texts = {one["key"].decode(errors="replace"): one for one in found}
        size = texts.get(f"{self._place}{_SIZE}")
        members = sorted(
            (one for key, one in texts.items() if key.startswith(f"{self._place}members/")),
            key=lambda one: int(one["create_revision"]),
        )
        return Registry(
            size["value"].decode(errors="replace") if size else "",
            tuple(
                Registered.from_text(
                    posixpath.basename(one["key"].decode(errors="replace")), one["value"].decode(errors="replace")
                )
                for one in members
            ),
        )

    def make(self, size: int) -> None:
        key = f"{self._place}{_SIZE}".encode()
        is_absent = {"result": "EQUAL", "target": "CREATE", "key": key, "create_revision": 0}
        put = {"request_put": {"key": key, "value": str(size).encode()}}
        self._client.txn([is_absent], [put])

    def remove(self, found: Registry, check: bool) -> None:
        if found.is_there and not check:
            self._client.delete(self._place, prefix=True)


class TokenV2(Token):
    """In a service with the keys API of version 2.

    :param url: of the token.
    """

    def __init__(self, keys: Keys, url: str) -> None:
        self.name = url
        self._keys = keys

    def look(self) -> Registry:
        found = self._keys.get(self.name)
        if found is None:
            return Registry()
        # A service of one's own hides what begins with an underscore from the list.
        size = self._keys.get(f"{self.name}/{_SIZE}")
        nodes = [one for one in found.get("nodes") or [] if not _base(one).startswith("_")]
        nodes.sort(key=lambda one: int(one.get("createdIndex", 0)))
        return Registry(
            str(size.get("value", "")) if size else "",
            tuple(Registered.from_text(_base(one), str(one.get("value", ""))) for one in nodes),
        )

    def make(self, size: int) -> None:
        self._keys.create(f"{self.name}/{_SIZE}", str(size))

    def remove(self, found: Registry, check: bool) -> None:
        """A directory of tokens, or of anybody's keys, would be deleted with all that is in it.

        :raises Refused: what lies there has no size, so it is no token.
        """
        if found.is_there and not found.size:
            raise Refused(
                f"What lies at {self.name} is no token: there is no {_SIZE} below it.",
                "All that lies below it would be deleted, such as the tokens of other clusters.",
                f"Give the URL of one token, {self.name}/TOKEN. See which there are: state: gathered",
                code="discovery-no-token",
            )
        if found.is_there and not check:
            self._keys.delete(self.name)


class DrawnToken(Token):
    """One that a service draws when it is made, as the public ones do.

    :param url: C(https://HOST/new).
    """

    def __init__(self, keys: Keys, url: str) -> None:
        self.name = url
        self._keys = keys
        self._url = url

    def look(self) -> Registry:
        return Registry() if self.name == self._url else TokenV2(self._keys, self.name).look()

    def make(self, size: int) -> None:
        found = self._keys.text(f"{self._url}?size={size}")
        parts = urllib.parse.urlsplit(found)
        if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
            raise WireError(f"{self._url} answered {found[:200]!r}, which is no URL of a token.")
        self.name = found

    def remove(self, found: Registry, check: bool) -> None:
        raise BadInput(f"{self._url} draws tokens. Give the URL of one of them.")


def at_url(url: str, name: str | None, proxy: str, ca_path: str | None, timeout: float) -> Token:
    """Return the token at a URL.

    :param url: of the token; of the directory that has it, with C(name); or C(https://HOST/new).
    :param timeout: seconds for each request, see C(Keys) as for the rest.
    :raises BadInput: that is no time, or no CA.
    """
    if not timeout > 0:
        raise BadInput(f"timeout {timeout:g} is no time; give seconds above 0.")
    keys = Keys(proxy, ca_path, timeout)
    plain = url.partition("?")[0].rstrip("/")
    if name or not plain.endswith("/new"):
        return TokenV2(keys, f"{plain}/{name}" if name else plain)
    return DrawnToken(keys, plain)


def settle(token: Token, state: str, size: int, check: bool) -> dict[str, Any]:
    """Bring a token to a state.

    :param state: C(present), C(absent) or C(gathered).
    :param size: how many members it is for, where it is to be present.
    :param check: only say what would change.
    :returns: what a module returns.
    :raises Refused: it is there for another number of members, or what is to be removed is no token.
    """
    if state == "present" and size < 1:
        raise BadInput(f"size is {size}. Give the number of members, 1 or more.")
    before = token.look()
    changes = state != "gathered" and before.is_there != (state == "present")
    if state == "present" and before.is_there and before.size != str(size):
        raise Refused(
            f"The token {token.name} is there for {before.size or 'no number of'} members, and {size} are asked for.",
            "Members that wait by it would found a cluster of another size.",
            "Take another token; or, if nothing waits by this one, remove it first with state: absent.",
            code="discovery-size",
        )
    if state == "absent":
        token.remove(before, check)
    after = before
    if changes and check:
        after = Registry(str(size)) if state == "present" else Registry()
    elif changes:
        if state == "present":
            token.make(size)
        after = token.look()
    shown = [{name: value for name, value in one.to_dict().items() if name != "exists"} for one in (before, after)]
    return {
        "changed": changes,
        "diff": {"before": shown[0] if before.is_there else {}, "after": shown[1] if after.is_there else {}},
        "token": token.name,
        "url": "" if isinstance(token, TokenV3) else token.name,
        **after.to_dict(),
    }


def _base(node: dict[str, object]) -> str:
    return posixpath.basename(str(node.get("key", "")))
