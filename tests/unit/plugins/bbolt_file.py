# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""bbolt files made up here, page by page, and snapshots made of them."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._formats.bbolt import _fnv1a

BRANCH, LEAF, META, FREELIST = 0x01, 0x02, 0x04, 0x10
BUCKET = 0x01
NO_FREELIST = (1 << 64) - 1

Items = Mapping[bytes, bytes]


class Pages:
    """Pages as they are added, and at last the file that they make.

    :param fanout: elements a page has at most, so that small trees have several levels.
    """

    def __init__(self, page_size: int = 4096, order: str = "<", fanout: int = 4) -> None:
        self.page_size = page_size
        self.order = order
        self.fanout = fanout
        self.pages = [b"", b""]

    def page(self, flags: int, count: int, body: bytes, number: int | None = None) -> int:
        """Add a page, and those that it runs over into: its number."""
        at = len(self.pages)
        overflow = (16 + len(body) - 1) // self.page_size
        content = struct.pack(f"{self.order}QHHI", at if number is None else number, flags, count, overflow) + body
        content = content.ljust((1 + overflow) * self.page_size, b"\0")
        self.pages += [content[i : i + self.page_size] for i in range(0, len(content), self.page_size)]
        return at

    def leaf_body(self, items: Sequence[tuple[bytes, bytes, int]]) -> bytes:
        table, data = b"", b""
        for at, (key, value, flags) in enumerate(items):
            place = (len(items) - at) * 16 + len(data)
            table += struct.pack(f"{self.order}IIII", flags, place, len(key), len(value))
            data += key + value
        return table + data

    def tree(self, items: Sequence[tuple[bytes, bytes, int]]) -> int:
        """Add the pages of a tree: the number of its root."""
        parts = [items[at : at + self.fanout] for at in range(0, len(items), self.fanout)] or [[]]
        level = [(part[0][0] if part else b"", self.page(LEAF, len(part), self.leaf_body(part))) for part in parts]
        while len(level) > 1:
            groups = [level[at : at + self.fanout] for at in range(0, len(level), self.fanout)]
            level = [(group[0][0], self.page(BRANCH, len(group), self.branch_body(group))) for group in groups]
        return level[0][1]

    def branch_body(self, children: Sequence[tuple[bytes, int]]) -> bytes:
        table, data = b"", b""
        for at, (key, page) in enumerate(children):
            table += struct.pack(f"{self.order}IIQ", (len(children) - at) * 16 + len(data), len(key), page)
            data += key
        return table + data

    def bucket(self, items: Items, inline: bool = False) -> bytes:
        """What a bucket is in its parent's leaf."""
        elements = [(key, value, 0) for key, value in sorted(items.items())]
        if inline:
            header = struct.pack(f"{self.order}QQQHHI", 0, 0, 0, LEAF, len(elements), 0)
            return header + self.leaf_body(elements)
        return struct.pack(f"{self.order}QQ", self.tree(elements), 0)

    def meta(self, root: int, freelist: int, transaction: int, pages: int | None = None, version: int = 2) -> bytes:
        """A meta page that says so."""
        count = len(self.pages) if pages is None else pages
        said = struct.pack(
            f"{self.order}IIIIQQQQQ",
            0xED0CDAED,
            version,
            self.page_size,
            0,
            root,
            0,
            freelist,
            count,
            transaction,
        )
        header = struct.pack(f"{self.order}QHHI", transaction % 2, META, 0, 0)
        checksum = struct.pack(f"{self.order}Q", _fnv1a(said))
        return (header + said + checksum).ljust(self.page_size, b"\0")

    def file(self, root: int, freelist: int | None = None) -> bytes:
        """All of it, as bbolt writes a copy: both meta pages say the same, the second of one transaction before."""
        free = self.page(FREELIST, 0, b"") if freelist is None else freelist
        return self.meta(root, free, 8) + self.meta(root, free, 7) + b"".join(self.pages[2:])


def database(buckets: Mapping[bytes, Items], inline: Sequence[bytes] = (), **how: object) -> bytes:
    """A whole database."""
    pages = Pages(**how)  # type: ignore[arg-type]
    elements = [(name, pages.bucket(items, name in inline), BUCKET) for name, items in sorted(buckets.items())]
    return pages.file(pages.tree(elements))


def snapshot(content: bytes) -> bytes:
    """A database and its checksum."""
    return content + hashlib.sha256(content).digest()


def revision(main: int, sub: int = 0, tombstone: bool = False) -> bytes:
    return struct.pack(">q", main) + b"_" + struct.pack(">q", sub) + (b"t" if tombstone else b"")


def member(number: int, **more: object) -> tuple[bytes, bytes]:
    value = {"id": number, "peerURLs": [f"http://10.0.0.{number}:2380"], "name": f"m{number}", **more}
    return format(number, "x").encode(), json.dumps(value).encode()


def etcd_buckets(revisions: int = 30, **meta: bytes) -> dict[bytes, Items]:
    """What etcd has in its database."""
    return {
        b"key": {revision(2 + at): b"value" * 5 for at in range(revisions)},
        b"meta": {
            b"consistent_index": struct.pack(">Q", 77),
            b"term": struct.pack(">Q", 5),
            b"storageVersion": b"3.6.0",
            **{name.encode(): value for name, value in meta.items()},
        },
        b"cluster": {b"clusterVersion": b"3.6.0"},
        b"members": dict([member(3), member(20, clientURLs=["http://10.0.0.20:2379"], isLearner=True)]),
        b"members_removed": {},
        b"lease": {},
    }
