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

They move in groups, each of which is written and then taken out. A run that ends between the two leaves one group in
both versions. Of that group alone the next run writes those again that clients of version 3 have deleted meanwhile.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._model import v2_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import NOSPACE
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Content, V2Key
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_limits import Limits
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_member import V2Member

# What is no data of anybody.
_RESERVED = ("/quorum.etcd/", "/_etcd/")


@dataclass(frozen=True)
class Listing:
    """What version 2 showed, and when: what is left to a key is counted from then on.

    :param at: of C(clock), before it was asked.
    :param clock: seconds that only go forward.
    """

    content: V2Content
    at: float
    clock: Callable[[], float]

    def left(self, one: V2Key) -> int:
        """Seconds that are left to a key now; not above zero once its time is over. Only for one that has a time."""
        return math.ceil(one.ttl - (self.clock() - self.at))

    def is_over(self, one: V2Key) -> bool:
        return one.ttl > 0 and self.left(one) <= 0


def listed(member: V2Member, agreed: bool, clock: Callable[[], float] = time.monotonic) -> Listing:
    """Return all that shows.

    :param agreed: as a quorum has it, for what acts. To look costs the cluster no request in its log.
    :raises EtcdError: the member does not serve the API, or demands a login of version 2.
    """
    at = clock()
    return Listing(V2Content.from_node(member.tree(agreed)), at, clock)


@dataclass(frozen=True)
class Compared:
    """What version 3 has of the keys of version 2.

    :param missing: nothing; they are still to be written.
    :param there: the same value.
    :param conflicts: names of those that cannot be written, each with the reason.
    """

    missing: tuple[V2Key, ...] = ()
    there: tuple[V2Key, ...] = ()
    conflicts: tuple[str, ...] = ()


def compare(client: Client, keys: Iterable[V2Key], limits: Limits) -> Compared:
    """Read every key of version 2 in version 3."""
    missing, there, conflicts = [], [], []
    for some in limits.groups(keys):
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
                there.append(one)
            else:
                conflicts.append(f"{one.name} (version 3 has another value)")
    return Compared(tuple(missing), tuple(there), tuple(conflicts))


def check(found: Compared) -> None:
    """May every key be written?

    :raises Refused: one may not.
    """
    if found.conflicts:
        raise v2_refusals.conflicting(found.conflicts)


@dataclass
class Moved:
    """What has become of the keys so far.

    :param copied: keys that were written in version 3.
    :param there: keys that it had already.
    :param expiring: of both, those with a time to live.
    """

    copied: int = 0
    there: int = 0
    expiring: int = 0


@dataclass
class Mover:
    """Moves what was listed, by one member.

    :param member: its API of version 2.
    :param client: its API of version 3.
    """

    member: V2Member
    client: Client
    limits: Limits
    listing: Listing
    moved: Moved = field(default_factory=Moved)
    _leases: dict[int, int] = field(default_factory=dict)

    def move(self) -> Moved:
        """Move every key that is still there. What has expired since it was listed is gone in both versions.

        :raises Refused: somebody else has written one of them in version 3 meanwhile.
        :raises HostError: one was written in version 2 meanwhile.
        """
        for some in self.limits.groups(self.listing.content.keys):
            self._move(some)
        return self.moved

    def take_directories_out(self) -> list[str]:
        """Delete directories in which nothing is left.

        :returns: those that stay, because they hold hidden keys.
        """
        # The innermost first.
        names = reversed(self.listing.content.directories)
        left = [name for name in names if not self.member.delete_directory(name)]
        return [name for name in reversed(left) if self.member.get(name) is not None]

    def _move(self, some: list[V2Key]) -> None:
        still = [one for one in some if self._is_still_there(one)]
        found = compare(self.client, still, self.limits)
        check(found)
        copied = self._write(found.missing)
        checkpoints.at("v2: written")
        for one in still:
            # Between the two its time may have ended.
            if not self.member.delete_unchanged(one.name, one.index) and self.member.get(one.name) is not None:
                raise _written(one)
        checkpoints.at("v2: taken out")
        self.moved.copied += len(copied)
        self.moved.there += len(found.there)
        self.moved.expiring += sum(1 for one in (*copied, *found.there) if one.ttl)

    def _is_still_there(self, one: V2Key) -> bool:
        node = self.member.get(one.name)
        if node is None or self.listing.is_over(one):
            return False
        if int(node["modifiedIndex"]) != one.index:
            raise _written(one)
        return True

    def _write(self, missing: Iterable[V2Key]) -> list[V2Key]:
        """Write keys where version 3 has none of these names, and see by the same transaction that it has them.

        :returns: those of them whose time was not over.
        """
        keys = [one for one in missing if not self.listing.is_over(one)]
        if not keys:
            return []
        names = [one.name.encode() for one in keys]
        absent = [{"result": "EQUAL", "target": "CREATE", "key": name, "create_revision": 0} for name in names]
        puts = [
            {"request_put": {"key": one.name.encode(), "value": one.value.encode(), "lease": self._lease(one)}}
            for one in keys
        ]
        done = self.client.txn(absent, [*puts, *({"request_range": {"key": name}} for name in names)])
        if done["succeeded"]:
            read = [answer["response_range"]["kvs"] for answer in done["responses"][len(puts) :]]
            if [kvs[0]["value"] if kvs else None for kvs in read] != [one.value.encode() for one in keys]:
                raise HostError("Version 3 does not have what was written there. No key of this group left version 2.")
            return keys
        # Somebody else was there first: with the same, or with something else.
        found = compare(self.client, keys, self.limits)
        check(found)
        if found.missing:
            raise HostError("Keys are written and deleted in version 3 while they are to move. Run again.")
        return keys

    def _lease(self, one: V2Key) -> int:
        """A lease for what is left now. Keys that end together share it."""
        if not one.ttl:
            return 0
        if one.ttl not in self._leases:
            self._leases[one.ttl] = int(self.client.lease_grant(max(1, self.listing.left(one)))["lease"])
        return self._leases[one.ttl]


def _written(one: V2Key) -> HostError:
    return HostError(f"{one.name} was written in version 2 while it was to move. Run again.")


def largest_database(client: Client, endpoints: Iterable[str]) -> int:
    """Bytes of the largest database of the members that are asked.

    :raises EtcdError: one does not answer.
    """
    return max(client.status(endpoint).db_size for endpoint in endpoints)


def check_alarms(client: Client) -> None:
    """Does the cluster take writes?

    :raises Refused: it does not.
    """
    if any(alarm.alarm == NOSPACE for alarm in client.alarms()):
        raise v2_refusals.full()
