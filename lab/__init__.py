# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab: makes real hosts out of containers, breaks them on request, and serves them etcd releases.

Python's standard library only. ``python3 -m lab --help`` in the checkout tells the rest.
"""

from __future__ import annotations

from lab.collection import make_importable

# Before any module of the lab is read: the writer speaks the collection's own client.
make_importable()
