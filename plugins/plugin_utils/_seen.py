# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The hosts of a cluster as this run has seen them, out of what each registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils import _topology
from ansible_collections.quorum.etcd.plugins.module_utils._model import Host


def hosts_of(members: Sequence[str], batch: Sequence[str], hostvars: Mapping[str, Any]) -> list[Host]:
    """Every host of the group.

    :param members: their names, in the inventory's order.
    :param batch: the hosts of this run.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for asker in batch:
        # A result outlives its play; only those of hosts in this batch are of this run.
        for item in (hostvars[asker].get("__etcd_seen") or {}).get("results", []):
            found.setdefault(item["item"], item)
    return [_host(name, found.get(name)) for name in members]


def fenced(members: Sequence[str], given: Sequence[str], hostvars: Mapping[str, Any]) -> list[str]:
    """The hosts whose machines are said to be off.

    :param given: their names in the inventory, or those of their members.
    :raises BadInput: a member's name is wrong.
    """
    # Without any nobody's variables are looked at.
    return [name for name in members if given and {name, _topology.name_of(name, hostvars[name])} & set(given)]


def _host(name: str, item: Mapping[str, Any] | None) -> Host:
    if item is None:
        return Host(name, silent="it was not asked.")
    if "wanted" not in item:
        return Host(name, silent=str(item.get("msg", "no result.")).strip() or "no result.")
    if item["silent"]:
        return Host(name, silent=item["silent"])
    return Host.from_observation(name, item)
