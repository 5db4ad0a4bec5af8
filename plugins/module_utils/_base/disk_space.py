# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Free space below a path that need not exist yet, and how much of it a copy of a database must leave."""

from __future__ import annotations

import os
from collections.abc import Iterable

# Bytes that stay free on any file system: others write there, too.
_LEAST = 64 << 20
# etcd writes its log in segments of 64 MiB, makes the next one in advance, and ends when it cannot.
_SEGMENT = 64 << 20
_LEAST_BESIDE_MEMBER = 512 << 20


def file_system(path: str) -> os.statvfs_result:
    """The file system on which a path is, or would be made.

    :raises OSError: it cannot be asked.
    """
    return os.statvfs(_existing(path))


def reserve(path: str, database: int, member_dirs: Iterable[str]) -> int:
    """Bytes that a copy of a database must leave free below a path.

    :param database: bytes of the database.
    :param member_dirs: directories of members' data and logs; those that do not exist do not count.
    :raises OSError: a file system cannot be asked.
    """
    here = device(path)
    if any(os.path.exists(one) and os.stat(one).st_dev == here for one in member_dirs):
        return beside_member(database)
    return _LEAST


def beside_member(database: int) -> int:
    """Bytes that a copy of a database must leave free on the file system of a member: its log and database grow.

    :param database: bytes of the database.
    """
    return max(_LEAST_BESIDE_MEMBER, 2 * _SEGMENT + database // 10)


def device(path: str) -> int:
    """The number of that file system.

    :raises OSError: it cannot be asked.
    """
    return os.stat(_existing(path)).st_dev


def free(path: str) -> int:
    """Bytes that a service, which is not root, can write below a path.

    :raises OSError: its file system cannot be asked.
    """
    found = file_system(path)
    return found.f_bavail * found.f_frsize


def _existing(path: str) -> str:
    """The path, or the nearest directory above it that exists."""
    there = os.path.abspath(path)
    while not os.path.exists(there):
        there = os.path.dirname(there)
    return there
