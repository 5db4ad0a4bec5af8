# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The identity that etcd wrote into its own write-ahead log: it can be read of a member that is stopped.

Each segment begins with a CRC record and a metadata record. A record is eight bytes of little-endian length (the upper
byte says how it is padded) and a walpb.Record (server/storage/wal/{decoder,wal}.go, wal/walpb/record.proto).
"""

from __future__ import annotations

import os
import re
import struct
from typing import BinaryIO

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf

_METADATA = 1
_RECORD_LIMIT = 1 << 20


class DamagedLog(HostError):
    """Not one segment says whose log it is."""


def segments(directory: str) -> list[str]:
    """The log's files, oldest first; empty where there is no log. They are the evidence of data.

    :raises HostError: the disk does not tell.
    """
    try:
        return sorted(os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(".wal"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        # No answer is no evidence that there is none.
        raise HostError(f"{directory} cannot be read: {exc.strerror}.") from exc


def newest(directory: str) -> str:
    """The file name of the newest segment, empty where there is no log."""
    return os.path.basename(next(reversed(segments(directory)), ""))


def place_of(segment: str) -> int:
    """The place of a segment in its log, by its file name C(SEQUENCE-INDEX.wal); 0 where that is none."""
    sequence = segment.partition("-")[0]
    return int(sequence, 16) if re.fullmatch("[0-9a-f]{16}", sequence) else 0


def identity(directory: str) -> tuple[str, str]:
    """The member id and the cluster id of a log, in lower-case hex; two empty strings where it has none yet.

    :raises DamagedLog: it is not what etcd wrote.
    :raises HostError: the log cannot be read.
    """
    damage: DamagedLog | None = None
    for path in segments(directory):
        try:
            with open(path, "rb") as stream:
                found = _metadata(stream)
            if found is not None:
                metadata = protobuf.decode("walpb.Metadata", found)
                return format(metadata["NodeID"], "x"), format(metadata["ClusterID"], "x")
        except FileNotFoundError:
            # etcd has purged it meanwhile: the next segment says the same.
            continue
        except OSError as exc:
            raise HostError(f"{path} cannot be read: {exc}") from exc
        except WireError as exc:
            # Of those that a snapshot has made superfluous etcd reads none: the next segment says the same.
            damage = damage or DamagedLog(f"{path} cannot be read: {exc}")
    if damage is not None:
        raise damage
    return "", ""


def _metadata(stream: BinaryIO) -> bytes | None:
    """The metadata among a segment's first records, or None where the segment was never written to."""
    for _record in range(2):
        header = stream.read(8)
        if len(header) < 8:
            return None
        (word,) = struct.unpack("<Q", header)
        length, padding = word & ((1 << 56) - 1), (word >> 56) & 0x7 if word >> 63 else 0
        if not 0 < length <= _RECORD_LIMIT:
            return None
        record = protobuf.decode("walpb.Record", stream.read(length + padding)[:length])
        if record["type"] == _METADATA:
            return bytes(record["data"])
    return None
