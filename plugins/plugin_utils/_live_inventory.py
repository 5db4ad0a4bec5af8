# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Hosts that were taken from a live cluster: they are for reading, and no cluster is moved to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused

#: The variable of such a host.
MARK = "etcd_inventory_is_live"


def check(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse hosts that were taken from a live cluster.

    :raises Refused: some were.
    """
    live = [host for host in hosts if is_live(hostvars[host])]
    if live:
        raise Refused(
            f"The inventory was taken from the live cluster itself (quorum.etcd.members), and {MARK} says so of "
            f"{' '.join(live)}. Nothing was touched.",
            "A cluster is moved to its inventory. This one would follow whatever has become of the cluster, so that a "
            "member that is lost, or one that does not belong there, would never be noticed.",
            "Give the inventory that was written for this cluster, in place of it: -i INVENTORY",
            code="inventory-is-live",
        )


def check_own(variables: Mapping[str, Any]) -> None:
    """Refuse the host that a task is for.

    :param variables: the task's.
    :raises Refused: it was taken from a live cluster.
    """
    check(["this host"], {"this host": variables})


def is_live(variables: Mapping[str, Any]) -> bool:
    """Whether a host says so of itself."""
    return bool(boolean(variables.get(MARK, False), strict=False))
