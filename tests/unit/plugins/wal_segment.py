# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Segments of a write-ahead log as etcd begins them."""

from __future__ import annotations

import struct

from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf

MEMBER, CLUSTER = 0x8E9E05C52164694D, 0xCDF818194E3A8C32


def record(kind: int, data: bytes, crc: int = 7) -> bytes:
    body = protobuf.encode("walpb.Record", {"type": kind, "crc": crc, "data": data})
    padding = -len(body) % 8
    length = len(body) | ((0x80 | padding) << 56 if padding else 0)
    return struct.pack("<Q", length) + body + bytes(padding)


def segment(member: int = MEMBER, cluster: int = CLUSTER, crc: int = 7) -> bytes:
    """A CRC record, then the metadata, then an entry; then zeros, for a segment is made in advance.

    :param crc: the checksum that it goes on from.
    """
    metadata = protobuf.encode("walpb.Metadata", {"NodeID": member, "ClusterID": cluster})
    return record(4, b"", crc) + record(1, metadata, crc) + record(2, b"an entry") + bytes(4096)


def name(sequence: int, index: int = 0) -> str:
    """The file name of a segment."""
    return f"{sequence:016x}-{index:016x}.wal"
