# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The hosts of a cluster as this run has seen them, out of what each registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import result_named


def hosts_of(members: Sequence[str], batch: Sequence[str], hostvars: Mapping[str, Any]) -> list[Host]:
    """Every host of the group.

    :param members: their names, in the inventory's order.
    :param batch: the hosts of this run.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for asker in batch:
        # A result outlives its play; only those of hosts in this batch are of this run.
        for item in result_named(hostvars, asker, "__etcd_seen").get("results", []):
            found.setdefault(item["item"], item)
    return [host_of(name, found.get(name), hostvars) for name in members]


def host_of(name: str, item: Mapping[str, Any] | None, hostvars: Mapping[str, Any]) -> Host:
    """One host. Who it is the inventory tells where it gave no answer.

    :param item: what was registered for it, None without anything.
    """
    if item is not None and "wanted" in item and not item["silent"]:
        return Host.from_observation(name, item)
    told = {"msg": "it was not asked."} if item is None else item
    silent = str(told.get("silent") or told.get("msg", "")).strip() or "no result."
    problems = tuple(told.get("problems", ()))
    try:
        return Host(name, silent=silent, problems=problems, inventory=topology.identity_of(name, hostvars[name]))
    except BadInput as exc:
        return Host(name, silent=silent, problems=problems or exc.texts)
