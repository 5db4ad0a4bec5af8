# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The clusters of a run, out of what each host registered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._plan import fleet
from ansible_collections.quorum.etcd.plugins.module_utils._plan.fleet import Cluster, Outcome
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import result_named

Hostvars = Mapping[str, Any]


def clusters_of(hosts: Sequence[str], hostvars: Hostvars) -> list[Cluster]:
    """Return the clusters that were planned, in the order of the inventory.

    :param hosts: those of this run.
    """
    found: dict[str, list[str]] = {}
    for host in hosts:
        found.setdefault(str(result_named(hostvars, host, "__etcd_plan").get("group", "")), []).append(host)
    return [_cluster(group, those, hostvars) for group, those in found.items() if group]


def _cluster(group: str, hosts: Sequence[str], hostvars: Hostvars) -> Cluster:
    plan = result_named(hostvars, hosts[0], "__etcd_plan")
    return Cluster(
        group,
        plan["cluster"],
        tuple(plan.get("alive") or hosts),
        plan.get("runs", ""),
        plan.get("due", 0),
        bool(plan["refusal"]),
        any(result_named(hostvars, host, "__etcd_pending").get("is_pending") for host in hosts),
    )


def is_refused(host: str, hostvars: Hostvars) -> bool:
    """Return whether a host's own cluster was refused, which is what is said of it then."""
    return bool(result_named(hostvars, host, "__etcd_plan").get("refusal"))


def check_alike(clusters: Sequence[Cluster], hostvars: Hostvars) -> None:
    """Do all clusters of the run say the same of their order?

    :raises BadInput: they do not.
    """
    hosts = {cluster.group: cluster.hosts[0] for cluster in clusters}
    wishes = {group: result_named(hostvars, host, "__etcd_plan")["wish"] for group, host in hosts.items()}
    for word, name in fleet.VARIABLES.items():
        said = {group: str(wish.get(word) or "nothing") for group, wish in wishes.items()}
        if len(set(said.values())) > 1:
            listing = ", ".join(f"{value} for {group}" for group, value in said.items())
            raise BadInput(
                f"{name} differs between the clusters of this run: {listing}. Give it once for all of them, in "
                f"group_vars/all.yml or with -e {name}=..."
            )


def outcomes_of(clusters: Sequence[Cluster], there: Collection[str], hostvars: Hostvars) -> dict[str, Outcome]:
    """Return what became of each cluster, by group.

    :param there: the hosts that have not failed.
    """
    return {cluster.group: _outcome(cluster, there, hostvars) for cluster in clusters}


def _outcome(cluster: Cluster, there: Collection[str], hostvars: Hostvars) -> Outcome:
    plans = [result_named(hostvars, host, "__etcd_plan") for host in cluster.hosts]
    judged = [result_named(hostvars, host, "__etcd_judged").get("verdict", "") for host in cluster.hosts]
    return Outcome(
        next((plan["runs"] for plan in plans if plan.get("runs")), ""),
        tuple(host for host in cluster.hosts if host not in there),
        next(filter(None, judged), ""),
    )
