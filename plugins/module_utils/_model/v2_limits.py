# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What version 3 takes of the keys of version 2, which has no limit of its own: per transaction, and altogether."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import v2_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Key

#: etcd's own, where nothing is set.
DEFAULT_REQUEST, DEFAULT_OPERATIONS = 1536 << 10, 128

# What an interrupted run may bring back is one group.
_KEYS_AT_ONCE = 64
_BYTES_AT_ONCE = 512 << 10
# Bytes around the names and values of a key in a transaction, and around the transaction.
_AROUND_KEY, _AROUND_REQUEST = 64, 1024
# etcd counts 256 for a key, and 64 for a lease (server/storage/quota.go). A page of the database may be half empty.
_STORED_WITH, _PAGES = 256 + 64, 2


@dataclass(frozen=True)
class Limits:
    """Of one member, by its settings.

    :param request: bytes (C(max-request-bytes)).
    :param operations: of a transaction (C(max-txn-ops)).
    :param quota: bytes (C(quota-backend-bytes)).
    """

    request: int
    operations: int
    quota: int

    def groups(self, keys: Iterable[V2Key]) -> Iterator[list[V2Key]]:
        """As many at a time as one transaction writes and reads back."""
        most = max(1, min(_KEYS_AT_ONCE, self.operations // 2))
        bytes_at_once = min(_BYTES_AT_ONCE, self.request - _AROUND_REQUEST)
        some: list[V2Key] = []
        size = 0
        for one in keys:
            own = _request_of(one)
            if some and (len(some) == most or size + own > bytes_at_once):
                yield some
                some, size = [], 0
            some.append(one)
            size += own
        if some:
            yield some

    def check(self, needs: Needs, database: int) -> None:
        """Does version 3 take what is to be written?

        :param database: bytes of the largest database of a member.
        :raises Refused: it does not.
        """
        if needs.space and self.operations < 2:
            raise v2_refusals.too_few_operations(self.operations)
        if needs.request > self.request:
            raise v2_refusals.too_large(needs.largest, needs.request, self.request)
        if needs.space and database + needs.space > self.quota:
            raise v2_refusals.over_quota(needs.space, database, self.quota)


@dataclass(frozen=True)
class Needs:
    """What keys need in version 3.

    :param largest: the name of the one whose request is the largest; empty without a key.
    :param request: bytes of that request.
    :param space: bytes by which the database grows at most.
    """

    largest: str = ""
    request: int = 0
    space: int = 0

    @classmethod
    def of(cls, keys: Iterable[V2Key]) -> Needs:
        largest, request, space = "", 0, 0
        for one in keys:
            if (own := _request_of(one) + _AROUND_REQUEST) > request:
                largest, request = one.name, own
            space += _PAGES * (_STORED_WITH + len(one.name.encode()) + len(one.value.encode()))
        return cls(largest, request, space)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Needs:
        return cls(**told)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _request_of(one: V2Key) -> int:
    """Bytes in a transaction that compares a key, writes it and reads it back."""
    return 3 * len(one.name.encode()) + len(one.value.encode()) + _AROUND_KEY
