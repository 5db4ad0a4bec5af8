# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Facts about certificates that the plan needs as well as their maker."""

from __future__ import annotations

from datetime import timedelta

#: A host whose clock is a little behind must accept a certificate made just now.
BACKDATED = timedelta(minutes=5)
