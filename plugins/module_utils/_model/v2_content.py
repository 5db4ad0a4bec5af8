# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What an etcd holds in its API of version 2: a tree of keys and directories, as its listing tells it.

The listing leaves out every key, and every directory, whose name begins with an underscore
(server/etcdserver/api/v2store/node.go, IsHidden). Only who knows their names can read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: The word at the command by which a person says that keys with a time to live may move.
TTL_WORD = "v2-ttl"

# How many names are told of a kind: the numbers tell all.
_NAMED = 100
# What Go's JSON writes for bytes that are no UTF-8. The listing has nothing else for them.
_DAMAGED = "\ufffd"


@dataclass(frozen=True, order=True)
class V2Key:
    """One key.

    :param index: of etcd's act that wrote it last (C(modifiedIndex)).
    :param ttl: seconds that were left to it when it was listed, or to a directory above it; 0 for ever.
    """

    name: str
    value: str
    index: int
    ttl: int = 0

    @property
    def is_readable(self) -> bool:
        """Whether the listing has the value as it is."""
        return _DAMAGED not in self.value and _DAMAGED not in self.name


@dataclass(frozen=True)
class V2Content:
    """All that the listing shows, but what has expired: etcd lists that for up to half a second more.

    :param directories: names, each behind the one that it is in.
    :param empty: those of them without a key or a directory that shows.
    """

    keys: tuple[V2Key, ...] = ()
    directories: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()

    @classmethod
    def from_node(cls, node: Mapping[str, Any]) -> V2Content:
        """Return what a recursive listing of the root has.

        :param node: as etcd answers it.
        """
        keys: list[V2Key] = []
        directories: list[str] = []
        empty: list[str] = []
        for one, ttl in _walk(node, 0):
            name = str(one["key"])
            if not one.get("dir"):
                keys.append(V2Key(name, str(one.get("value", "")), int(one["modifiedIndex"]), ttl))
                continue
            directories.append(name)
            if not one.get("nodes"):
                empty.append(name)
        # etcd lists them in no order, and differently each time.
        return cls(tuple(sorted(keys)), tuple(sorted(directories)), tuple(sorted(empty)))

    @property
    def expiring(self) -> list[V2Key]:
        return [one for one in self.keys if one.ttl]

    def summary(self) -> dict[str, Any]:
        """Return numbers and names, and no value: of each kind the first hundred names."""
        return {
            "key_count": len(self.keys),
            "directories": len(self.directories),
            "expiring": len(self.expiring),
            "expiring_keys": [{"key": one.name, "ttl": one.ttl} for one in self.expiring[:_NAMED]],
            "empty_directories": list(self.empty[:_NAMED]),
        }


def _walk(node: Mapping[str, Any], ttl: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield what is below a directory, with the time that is left to it: no longer than its directory has."""
    for one in node.get("nodes") or []:
        own = int(one.get("ttl") or 0)
        # What is over has its time as nothing, and nothing is what etcd leaves out.
        if own <= 0 and "expiration" in one:
            continue
        left = min(filter(None, (own, ttl)), default=0)
        yield one, left
        if one.get("dir"):
            yield from _walk(one, left)
