# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Which texts can be the name of a host in an inventory, where they come from elsewhere."""

from __future__ import annotations

import re

#: What a name may have, for messages.
ALLOWED = "letters, digits, '-', '_' and '.', and none of Ansible's own names: localhost, all, ungrouped"

# Ansible reads patterns such as a[1:3] and a,b out of other texts, and passes a name that begins with '-' to ssh.
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
# Ansible's own: the controller, and groups that each inventory has.
_TAKEN = ("localhost", "all", "ungrouped")


def is_usable(name: str) -> bool:
    """Whether a text can be a host's name, by itself."""
    return len(name) <= 253 and bool(_NAME.fullmatch(name)) and name not in _TAKEN
