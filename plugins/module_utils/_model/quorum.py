# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The arithmetic of a majority. Pure."""

from __future__ import annotations


def quorum(size: int) -> dict[str, int]:
    """How many of C(size) voters must agree, and how many may be lost.

    :returns: C(size), C(needed) and C(tolerance).
    """
    needed = size // 2 + 1
    return {"size": size, "needed": needed, "tolerance": max(size - needed, 0)}
