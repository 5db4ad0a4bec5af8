# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One key, or a range of them, and which of them are not for tasks to write."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import prefix_range

# What ends with the last key there is (api/etcdserverpb/rpc.proto, RangeRequest.range_end).
_TO_THE_LAST = b"\0"

#: What is no data of anybody: the collection's own lock among them.
RESERVED = (b"/quorum.etcd/", b"/_etcd/")


@dataclass(frozen=True)
class KeyRange:
    """One key or several.

    :param first: the key, or the first of the range.
    :param end: the first key behind the range; empty for one key, a zero byte for all from ``first`` on.
    """

    first: bytes
    end: bytes = b""

    @classmethod
    def beginning_with(cls, prefix: bytes) -> KeyRange:
        """Return all keys that begin with a prefix; every key if it is empty."""
        found = prefix_range(prefix)
        return cls(found["key"], found["range_end"])

    @property
    def request(self) -> dict[str, bytes]:
        """The two fields of etcd's requests."""
        return {"key": self.first, "range_end": self.end}

    def behind(self, key: bytes) -> KeyRange:
        """Return what is left of the range behind one of its keys."""
        return KeyRange(key + b"\0", self.end)

    def overlaps(self, other: KeyRange) -> bool:
        """Whether a key lies in both."""
        return self._begins_before_the_end_of(other) and other._begins_before_the_end_of(self)

    def _begins_before_the_end_of(self, other: KeyRange) -> bool:
        end = other.end or other.first + b"\0"
        return end == _TO_THE_LAST or self.first < end

    def __str__(self) -> str:
        if not self.end:
            return texts.for_people(self.first)
        if self.first == b"\0" and self.end == _TO_THE_LAST:
            return "all keys"
        if prefix_range(self.first)["range_end"] == self.end:
            return f"all keys that begin with {texts.for_people(self.first)}"
        last = "the last one" if self.end == _TO_THE_LAST else f"before {texts.for_people(self.end)}"
        return f"all keys from {texts.for_people(self.first)} to {last}"


def one_or_prefix(key: bytes, prefix: bool) -> KeyRange:
    """Return one key, or all that begin with it.

    :raises BadInput: an empty key, which etcd does not have.
    """
    if prefix:
        return KeyRange.beginning_with(key)
    if not key:
        raise BadInput("key is empty; name a key, or a prefix (prefix: true), which may be empty for all keys.")
    return KeyRange(key)


def check_writable(where: KeyRange) -> None:
    """Keep tasks away from what etcd and this collection keep in etcd.

    :raises Refused: such a key would be written or deleted.
    """
    for prefix in RESERVED:
        if where.overlaps(KeyRange.beginning_with(prefix)):
            raise Refused(
                f"A task would write or delete {where}, and {prefix.decode()} is reserved.",
                "The lock lies there that keeps two runs from changing the cluster at once, with what etcd and this "
                "collection note for themselves.",
                "Name a key or a prefix beside it, such as /app/. To remove one such key by hand: etcdctl del KEY",
                code="key-reserved",
            )
