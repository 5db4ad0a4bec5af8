# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Keys of API version 2 written anew through API version 3, and taken out of version 2 once they are there.

Everything goes through the cluster's own agreement, so all members have the same. C(etcdctl migrate) of etcd 3.4 writes
into the stopped database of each member instead, at the revision that is the key's C(modifiedIndex): a key of version 3
that was written at that revision is gone then (etcdctl/ctlv3/command/migrate_command.go, writeKeys).

A key is written only where version 3 has none of that name, and taken out of version 2 only as it was read. So nothing
that somebody else has written is lost, and what was interrupted goes on from what it finds.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._model import v2_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Content, V2Key
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_keys import Keys

# Keys of a transaction: etcd takes 128 operations (max-txn-ops), and 1.5 MiB (max-request-bytes).
_KEYS_AT_ONCE = 64
_BYTES_AT_ONCE = 512 << 10
# What is no data of anybody.
_RESERVED = ("/quorum.etcd/", "/_etcd/")


def address(endpoint: str, name: str = "/") -> str:
    """The URL of a key.

    :param endpoint: a client URL of a member.
    """
    return f"{endpoint.rstrip('/')}/v2/keys{urllib.parse.quote(name)}"


def listed(keys: Keys, endpoint: str) -> V2Content:
    """Return all that shows, as a quorum agrees on it.

    :raises EtcdError: the member does not serve the API, or demands a login of version 2.
    """
    node = keys.get(f"{address(endpoint)}?recursive=true&quorum=true")
    return V2Content.from_node(node or {})


@dataclass(frozen=True)
class Compared:
    """What version 3 has of the keys of version 2.

    :param missing: nothing; they are still to be written.
    :param there: names of those that have the same value.
    :param conflicts: names of those that cannot be written, each with the reason.
    """

    missing: tuple[V2Key, ...] = ()
    there: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def compare(client: Client, content: V2Content) -> Compared:
    """Read every key of version 2 in version 3."""
    missing, there, conflicts = [], [], []
    for some in _groups(content.keys):
        wanted = [{"request_range": {"key": one.name.encode()}} for one in some]
        answers = client.txn([], wanted)["responses"]
        for one, answer in zip(some, answers):
            found = answer["response_range"]["kvs"]
            if one.name.startswith(_RESERVED):
                conflicts.append(f"{one.name} (that is where the collection keeps its locks)")
            elif not one.is_readable:
                conflicts.append(f"{one.name} (its value is no UTF-8, and version 2 does not tell it)")
            elif not found:
                missing.append(one)
            elif found[0]["value"] == one.value.encode():
                there.append(one.name)
            else:
                conflicts.append(f"{one.name} (version 3 has another value)")
    return Compared(tuple(missing), tuple(there), tuple(conflicts))


def check(found: Compared) -> None:
    """May every key be written?

    :raises Refused: one may not.
    """
    if found.conflicts:
        raise v2_refusals.conflicting(found.conflicts)


def write(client: Client, missing: Iterable[V2Key]) -> int:
    """Write keys that version 3 has not, each with what is left of its time.

    :returns: how many got a lease.
    :raises Refused: somebody else has written one of them meanwhile.
    """
    leases = _Leases(client)
    for some in _groups(missing):
        absent = [_absent(one) for one in some]
        puts = [
            {"request_put": {"key": one.name.encode(), "value": one.value.encode(), "lease": leases.of(one.ttl)}}
            for one in some
        ]
        if not client.txn(absent, puts)["succeeded"]:
            # Where an answer was lost they may be there already.
            left = compare(client, V2Content(tuple(some)))
            check(left)
            if left.missing:
                raise HostError("Keys are written and deleted in version 3 while they are to move. Run again.")
    return leases.given


@dataclass
class _Leases:
    """A lease for each time that is left, in seconds: keys that end together share it."""

    client: Client
    known: dict[int, int] = field(default_factory=dict)
    given: int = 0

    def of(self, ttl: int) -> int:
        if not ttl:
            return 0
        self.given += 1
        if ttl not in self.known:
            self.known[ttl] = int(self.client.lease_grant(ttl)["lease"])
        return self.known[ttl]


def take_out(keys: Keys, endpoint: str, content: V2Content) -> list[str]:
    """Take keys out of version 2 that version 3 has, and the directories in which nothing is left.

    :returns: directories that stay, because they hold hidden keys.
    :raises HostError: a key has changed since it was read.
    """
    for one in content.keys:
        url = address(endpoint, one.name)
        if not keys.delete_unchanged(url, one.index) and keys.get(f"{url}?quorum=true") is not None:
            raise HostError(f"{one.name} was written in version 2 while it was to move. Run again.")
    # The innermost first.
    left = [name for name in reversed(content.directories) if not keys.delete_directory(address(endpoint, name))]
    return [name for name in reversed(left) if keys.get(f"{address(endpoint, name)}?quorum=true") is not None]


def _absent(one: V2Key) -> dict[str, Any]:
    return {"result": "EQUAL", "target": "CREATE", "key": one.name.encode(), "create_revision": 0}


def _groups(keys: Iterable[V2Key]) -> Iterator[list[V2Key]]:
    """As many at a time as a transaction holds."""
    some: list[V2Key] = []
    size = 0
    for one in keys:
        own = len(one.name) + len(one.value.encode())
        if some and (len(some) == _KEYS_AT_ONCE or size + own > _BYTES_AT_ONCE):
            yield some
            some, size = [], 0
        some.append(one)
        size += own
    if some:
        yield some
