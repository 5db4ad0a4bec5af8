# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The instances of a machine, each a member: what they may be called, and which ports they have by their names."""

from __future__ import annotations

import re

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput

# What is between the ports of two: C(etcd2) has 22379, as the guides for one machine have it.
_APART = 10000
# Each begins alike, so that no instance has the unit of something else, nor C(etcdctl) as the name of its link.
_NAME = re.compile(r"etcd([0-9]{1,3}|-[a-z0-9-]{1,40})?")


def check(name: str) -> None:
    """May an instance be called so?

    :raises BadInput: it may not.
    """
    # INSTANCE-snapshot.service is a unit of INSTANCE.
    if not _NAME.fullmatch(name) or name.endswith("-snapshot"):
        raise BadInput(
            f"etcd_instance is {name!r}. Its unit, its directories and its links are named by it: give etcd, or etcd "
            "with a number or a word behind it, as etcd2 or etcd-events (small letters, digits and '-', and no "
            "-snapshot at its end)."
        )


def port_of(instance: str, base: int) -> int:
    """A port of an instance: that of C(etcd) itself, and the number at the end of its name times 10000 above.

    May be more than there are ports.
    """
    number = re.search(r"[0-9]+$", instance)
    return base + _APART * (int(number.group()) if number else 0)
