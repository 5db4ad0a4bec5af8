# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection of this checkout, importable under its own name."""

from __future__ import annotations

import sys

from lab.paths import CHECKOUT

LINKS = CHECKOUT / ".collections"


def make_importable() -> None:
    """Put the directory on Python's path in which the checkout is C(ansible_collections/quorum/etcd)."""
    if str(LINKS) not in sys.path:
        sys.path.insert(0, str(LINKS))
