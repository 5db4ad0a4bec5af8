# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The groups of an inventory that have the members of a cluster each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.plugin_utils import _live_inventory

#: The group of the members where no variable names another.
USUAL = "etcd_cluster"

_EMPTY = (
    "The group {names} has no host in this inventory. Put the members under [{headings}], one a line, or name the "
    "group that has them: etcd_group among its own variables, or -e etcd_group=GROUP (of -i HOST,HOST, it is all)."
)
_SHARED = (
    "Of the groups {names} more than one has {hosts}, and a host can be a member of one cluster only. Nothing was "
    "touched. Take it out of the others, or say which cluster is meant: -e etcd_group={first}"
)
_SEVERAL = (
    "This inventory has {number} clusters, and this playbook is for one at a time: the groups {names}. Nothing was "
    "touched. Say which: -e etcd_group={first}"
)
_ONE_NAME = (
    "The groups {names} would be clusters of these names: {clusters}. Two clusters of one name share their CAs and the "
    "names of their snapshots, and a confirmation names both. Nothing was touched. Give each its own etcd_cluster_name "
    "among the variables of its group, or say which is meant: -e etcd_group={first}"
)

Groups = Mapping[str, Sequence[str]]
Hostvars = Mapping[str, Mapping[str, Any]]


def find(groups: Groups, hostvars: Hostvars, confirmed: Sequence[str], one_only: bool) -> list[str]:
    """Return the groups that a playbook is for.

    :param groups: the hosts of each group of the inventory.
    :param confirmed: the words by which a person may have confirmed what happens to one cluster.
    :param one_only: whether the playbook is for one cluster.
    :raises BadInput: a group has no host, two clusters share a host or a name, or it is not said which one is meant.
    :raises Refused: hosts were taken from a live cluster.
    """
    every = _named(groups, hostvars)
    found = [group for group in every if group in confirmed] or every
    said = {"names": ", ".join(found), "first": found[0]}
    # With a live inventory alone there may be no such group, which would be a poor reason.
    _live_inventory.check([host for group in found for host in groups.get(group) or groups.get("all", ())], hostvars)
    empty = [group for group in found if not groups.get(group)]
    if empty:
        raise BadInput(_EMPTY.format(names=", ".join(empty), headings="], [".join(empty)))
    hosts = [host for group in found for host in groups[group]]
    shared = [host for host in dict.fromkeys(hosts) if hosts.count(host) > 1]
    if shared:
        raise BadInput(_SHARED.format(**said, hosts=" ".join(shared)))
    if one_only and len(found) > 1:
        raise BadInput(_SEVERAL.format(**said, number=len(found)))
    clusters = [_variable(hostvars, groups[group][0], "etcd_cluster_name") or group for group in found]
    if len(set(clusters)) < len(clusters):
        raise BadInput(_ONE_NAME.format(**said, clusters=", ".join(clusters)))
    return found


def _named(groups: Groups, hostvars: Hostvars) -> list[str]:
    """The groups that a variable names, and the usual one where a host of it names none.

    Of each group the first host speaks.
    """
    speakers = dict.fromkeys(["localhost", *(hosts[0] for hosts in groups.values() if hosts)])
    said = [word for host in speakers for word in _words(_variable(hostvars, host, "etcd_group"))]
    is_usual = not said or not all(_variable(hostvars, host, "etcd_group") for host in groups.get(USUAL, []))
    return list(dict.fromkeys([*said, USUAL] if is_usual else said))


def _variable(hostvars: Hostvars, host: str, name: str) -> Any:
    return hostvars[host].get(name) or ""


def _words(given: Any) -> list[str]:
    """One name, several with commas between them, or a list of either."""
    texts = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    return [word.strip() for text in texts for word in str(text).split(",") if word.strip()]
