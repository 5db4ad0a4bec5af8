# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""bbolt's file format, version 2, read without bbolt (go.etcd.io/bbolt, internal/common/{page,meta,bucket}.go).

A file is pages of one size. The first two are meta pages, of which the one with the newer transaction counts; it names
the root of a tree of buckets, which are trees of keys themselves, or small enough to lie inline in their parent's leaf.
Numbers have the byte order of the machine that wrote them.

Nothing in the file is believed: a number of a page, a length or an offset is compared with the file before it is used,
pages that refer to each other in circles are noticed, and memory never grows with the file. It is read and not mapped
into memory, for a mapped file that is cut off meanwhile kills its reader.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError

_MAGIC = 0xED0CDAED
_VERSION = 2
_PAGE_HEADER = 16
_ELEMENT = 16
_BUCKET_HEADER = 16
_META = 64
_BRANCH, _LEAF, _META_PAGE, _FREELIST = 0x01, 0x02, 0x04, 0x10
_BUCKET = 0x01
_PAGE_SIZES = [1 << bits for bits in range(9, 21)]
# How often a page is visited at most, on average: each search for a bucket begins at the root.
_VISITS = 20
# A tree that is deeper than this holds more than any disk.
_DEPTH = 40
_LARGEST_KEY = 1 << 15
# What is read whole of a bucket is small: names, ids, descriptions of members.
_LARGEST_BUCKET = 1 << 24


class BadDatabase(EtcdError):
    """Bytes that are no bbolt database, or a damaged one. Says what is wrong, not where they came from."""


@dataclass(frozen=True)
class Meta:
    """What a meta page says.

    :param order: the byte order, as C(struct) writes it.
    :param page_size: bytes.
    :param root: the page of the root bucket.
    :param freelist: the page of the list of free pages, or 2**64-1 where it is not kept.
    :param pages: how many pages the database has, the free ones included.
    :param transaction: the number of the transaction that wrote it.
    """

    order: str
    page_size: int
    root: int
    freelist: int
    pages: int
    transaction: int


class Database:
    """A database in a file.

    :param file: open for reading, and seekable.
    :param size: how many bytes of it are to be read.
    :raises BadDatabase: neither of the meta pages is whole.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._descriptor = file.fileno()
        self._size = size
        self._visits = 0
        self.metas = self._metas()
        if not self.metas:
            raise BadDatabase("neither of its first two pages describes a database")
        self.meta = max(self.metas, key=lambda meta: meta.transaction)

    @property
    def length(self) -> int:
        """Bytes of all pages together."""
        return self.meta.pages * self.meta.page_size

    def bucket(self, name: bytes) -> Bucket | None:
        """A bucket of the root, or None if there is no such.

        :raises BadDatabase: the tree is damaged.
        """
        for page, at in self._root().elements():
            if page.key(at) == name and page.is_bucket(at):
                return self._nested(page, at)
        return None

    def check(self) -> None:
        """Walk the whole tree: every page is of a kind, used once, and its keys are in order and where they belong.

        For a file without a checksum. What is wrong within a value is not seen.

        :raises BadDatabase: something is not so.
        """
        used = bytearray(self.meta.pages)
        if self.meta.freelist < self.meta.pages:
            freelist = self.page(self.meta.freelist, _FREELIST)
            _mark(used, self.meta.freelist, freelist.overflow)
        self._check(self._root(), used)

    def page(self, number: int, kinds: int) -> Page:
        """A page by its number.

        :param kinds: the flags that are acceptable.
        :raises BadDatabase: there is no such page, or it is of another kind.
        """
        self._visits += 1
        if self._visits > _VISITS * (self.meta.pages + _VISITS):
            raise BadDatabase("its pages refer to each other in circles")
        if not 2 <= number < self.meta.pages:
            raise BadDatabase(f"a reference to page {number} of {self.meta.pages}")
        start = number * self.meta.page_size
        own, _flags, _count, overflow = struct.unpack(f"{self.meta.order}QHHI", self.read(start, _PAGE_HEADER))
        if own != number:
            raise BadDatabase(f"page {number} says that it is page {own}")
        if overflow >= self.meta.pages - number:
            raise BadDatabase(f"page {number} ends beyond the last page")
        return Page(self, number, start, (1 + overflow) * self.meta.page_size, kinds)

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the file.

        :raises BadDatabase: they are not there.
        """
        if at < 0 or size < 0 or at + size > self._size:
            raise BadDatabase(f"a reference to byte {at + size} of {self._size}")
        data = os.pread(self._descriptor, size, at)
        if len(data) != size:
            raise BadDatabase("it was cut off while it was read")
        return data

    def _metas(self) -> list[Meta]:
        first = self._meta_at(0)
        if first is not None:
            second = self._meta_at(first.page_size)
            return [first] if second is None else [first, second]
        # The page size is known from a meta page only; the second lies somewhere among the first megabyte.
        for size in _PAGE_SIZES:
            second = self._meta_at(size)
            if second is not None and second.page_size == size:
                return [second]
        return []

    def _meta_at(self, start: int) -> Meta | None:
        if start + _PAGE_HEADER + _META > self._size:
            return None
        header, body = self.read(start, _PAGE_HEADER), self.read(start + _PAGE_HEADER, _META)
        for order in "<>":
            magic, version, page_size, _flags, root, _sequence, freelist, pages, transaction, checksum = struct.unpack(
                f"{order}IIIIQQQQQQ", body
            )
            (flags,) = struct.unpack_from(f"{order}H", header, 8)
            whole = magic == _MAGIC and flags == _META_PAGE and checksum == _fnv1a(body[:-8])
            if whole and version == _VERSION and page_size in _PAGE_SIZES:
                return Meta(order, page_size, root, freelist, pages, transaction)
        return None

    def _root(self) -> Bucket:
        return Bucket(self, self.meta.root)

    def _nested(self, page: Page, at: int) -> Bucket:
        start, size = page.value_place(at)
        if size < _BUCKET_HEADER:
            raise BadDatabase(f"a bucket of {size} bytes")
        root, _sequence = struct.unpack(f"{self.meta.order}QQ", self.read(start, _BUCKET_HEADER))
        if root:
            return Bucket(self, root)
        inline = Page(self, 0, start + _BUCKET_HEADER, size - _BUCKET_HEADER, _LEAF)
        return Bucket(self, 0, inline)

    def _check(self, bucket: Bucket, used: bytearray, depth: int = 0) -> None:
        if depth > _DEPTH:
            raise BadDatabase("buckets within buckets without an end")
        last = b""
        for page, at in bucket.elements(used):
            key = page.key(at)
            if key <= last:
                raise BadDatabase(f"the keys of page {page.number} are not in order")
            last = key
            page.value_place(at)
            if page.is_bucket(at):
                self._check(self._nested(page, at), used, depth + 1)


class Bucket:
    """A bucket: a tree of pages, or one inline page.

    :param root: the number of its root page, unless it is inline.
    """

    def __init__(self, database: Database, root: int, inline: Page | None = None) -> None:
        self._database = database
        self._root = root
        self._inline = inline

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Its keys and values in order, nested buckets left out. For small buckets.

        :raises BadDatabase: the tree is damaged, or the bucket is large.
        """
        left = _LARGEST_BUCKET
        for page, at in self.elements():
            if not page.is_bucket(at):
                left -= page.value_place(at)[1] + _ELEMENT
                if left < 0:
                    raise BadDatabase("a bucket of descriptions is larger than any can be")
                yield page.key(at), page.value(at)

    def last_key(self) -> bytes | None:
        """Its largest key, or None if it is empty. It takes one page a level, however large the bucket is.

        :raises BadDatabase: the tree is damaged.
        """
        page = self._first_page()
        for _level in range(_DEPTH):
            if not page.count:
                return None
            if page.flags == _LEAF:
                return page.key(page.count - 1)
            page = self._database.page(page.child(page.count - 1), _BRANCH | _LEAF)
        raise BadDatabase("a tree without leaves")

    def elements(self, used: bytearray | None = None) -> Iterator[tuple[Page, int]]:
        """The places of its elements in order: a leaf, and the number of the element in it.

        :param used: marks of the pages that were met already; met again, they are damage.
        :raises BadDatabase: the tree is damaged.
        """
        yield from self._below(self._first_page(), used, _DEPTH)

    def _below(self, page: Page, used: bytearray | None, levels: int) -> Iterator[tuple[Page, int]]:
        if used is not None and page.number:
            _mark(used, page.number, page.overflow)
        if page.flags == _LEAF:
            for at in range(page.count):
                yield page, at
            return
        if not levels or not page.count:
            raise BadDatabase("a tree without leaves")
        for at in range(page.count):
            yield from self._below(self._database.page(page.child(at), _BRANCH | _LEAF), used, levels - 1)

    def _first_page(self) -> Page:
        return self._inline or self._database.page(self._root, _BRANCH | _LEAF)


class Page:
    """A page of elements, those that it runs over into included.

    :param number: its number, zero for an inline page.
    :param start: its first byte in the file.
    :param extent: its bytes.
    :param kinds: the flags that are acceptable.
    :raises BadDatabase: it is of another kind, or its table of elements does not fit.
    """

    def __init__(self, database: Database, number: int, start: int, extent: int, kinds: int) -> None:
        self.number = number
        self._database = database
        self._start = start
        self._extent = extent
        if extent < _PAGE_HEADER:
            raise BadDatabase(f"a page of {extent} bytes")
        # Almost always all of it.
        self._head = database.read(start, min(extent, database.meta.page_size))
        self._order = database.meta.order
        _own, self.flags, self.count, overflow = struct.unpack_from(f"{self._order}QHHI", self._head)
        self.overflow = overflow if number else 0
        if not self.flags & kinds or self.flags & (self.flags - 1):
            raise BadDatabase(f"page {number} is of kind {self.flags:#x}")
        self._table = _PAGE_HEADER + self.count * _ELEMENT
        if self.flags in (_BRANCH, _LEAF) and self._table > extent:
            raise BadDatabase(f"page {number} has {self.count} elements, which do not fit")

    def child(self, at: int) -> int:
        """Of a branch: the page below an element."""
        return int(struct.unpack(f"{self._order}Q", self._bytes(_PAGE_HEADER + at * _ELEMENT + 8, 8))[0])

    def is_bucket(self, at: int) -> bool:
        """Of a leaf: whether an element is a nested bucket."""
        return bool(self._leaf(at)[0] & _BUCKET)

    def key(self, at: int) -> bytes:
        """Of a leaf: the key of an element."""
        _flags, place, key_size, _value_size = self._leaf(at)
        if key_size > _LARGEST_KEY:
            raise BadDatabase(f"a key of {key_size} bytes")
        return self._bytes(place, key_size)

    def value(self, at: int) -> bytes:
        """Of a leaf: the value of an element."""
        _flags, place, key_size, value_size = self._leaf(at)
        return self._bytes(place + key_size, value_size)

    def value_place(self, at: int) -> tuple[int, int]:
        """Of a leaf: where in the file the value of an element begins, and its bytes."""
        _flags, place, key_size, value_size = self._leaf(at)
        return self._start + place + key_size, value_size

    def _leaf(self, at: int) -> tuple[int, int, int, int]:
        start = _PAGE_HEADER + at * _ELEMENT
        flags, place, key_size, value_size = struct.unpack(f"{self._order}IIII", self._bytes(start, _ELEMENT))
        # Its place counts from the element itself.
        if start + place < self._table or start + place + key_size + value_size > self._extent:
            raise BadDatabase(f"element {at} of page {self.number} lies outside of its page")
        return flags, start + place, key_size, value_size

    def _bytes(self, at: int, size: int) -> bytes:
        if at + size <= len(self._head):
            return self._head[at : at + size]
        return self._database.read(self._start + at, size)


def _mark(used: bytearray, number: int, overflow: int) -> None:
    if any(used[number : number + 1 + overflow]):
        raise BadDatabase(f"page {number} is used twice")
    used[number : number + 1 + overflow] = b"\1" * (1 + overflow)


def _fnv1a(data: bytes) -> int:
    """The 64-bit FNV-1a hash (http://www.isthe.com/chongo/tech/comp/fnv)."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value
