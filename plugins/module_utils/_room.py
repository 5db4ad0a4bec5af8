# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""How much room there is where something is to be written, be it that nothing is there yet."""

from __future__ import annotations

import os


def file_system(path: str) -> os.statvfs_result:
    """The file system on which a path is, or would be made.

    :raises OSError: it cannot be asked.
    """
    there = os.path.abspath(path)
    while not os.path.exists(there):
        there = os.path.dirname(there)
    return os.statvfs(there)


def free(path: str) -> int:
    """Bytes that a service, which is not root, can write below a path.

    :raises OSError: its file system cannot be asked.
    """
    found = file_system(path)
    return found.f_bavail * found.f_frsize
