# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan to take a whole cluster away.

Every host ends each act before any begins the next: no new cluster may be founded while an old member can still run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, identity, maintenance_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._model.destroy_acts import (
    ArchiveForGood,
    OfDestruction,
    RemoveMarker,
    StopForGood,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Step
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Holder
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan

_ACTS: tuple[type[OfDestruction], ...] = (StopForGood, ArchiveForGood, RemoveMarker)


def plan(hosts: Sequence[str]) -> Plan:
    """Return the steps.

    :param hosts: those whose machines are on, in the inventory's order.
    """
    named = ", ".join(hosts)
    waves = tuple(tuple(Step(host, kind.text.format(hosts=named), kind()) for host in hosts) for kind in _ACTS)
    return Plan("take the whole cluster away", waves, notes=("files, certificates and releases stay on the hosts",))


@dataclass(frozen=True)
class HostView:
    """What one host says before anything is stopped.

    :param name: what its member is called by the inventory.
    :param serves: whether its member answers a linearizable read.
    :param member_ids: of all members, as that one knows them.
    :param maintenance: who maintains the hosts, as a member says that serves.
    :param instance: the one of the inventory.
    :param beside: other instances of its machine that are members of this cluster -> their names.
    """

    name: str
    serves: bool = False
    member_ids: frozenset[str] = frozenset()
    maintenance: Holder | None = None
    instance: str = ""
    beside: Mapping[str, str] | None = None

    @classmethod
    def from_result(cls, name: str, told: Mapping[str, Any]) -> HostView:
        """From what C(etcd_internal_destroy) returned as C(checked)."""
        holder = told.get("maintenance")
        return cls(
            name,
            bool(told.get("serves")),
            frozenset(one["id"] for one in told.get("members", ())),
            Holder.from_dict(holder) if holder else None,
            str(told.get("instance", "")),
            told.get("beside", {}),
        )


def check(hosts: Mapping[str, HostView], known: Sequence[Identity], fenced: Sequence[str]) -> None:
    """Is all of the cluster taken away, and is nobody else at work on it? Asked before any member is stopped.

    :param hosts: those whose machines are on.
    :param known: all hosts of the group and all members.
    :param fenced: words for machines that are off.
    :raises Refused: a member would go on, or somebody maintains the hosts; with every reason.
    """
    found = Findings()
    holder = next((host.maintenance for host in hosts.values() if host.maintenance is not None), None)
    if holder is not None:
        found.refuse([maintenance_refusals.of_holder(holder)])
    serving = [host for host in hosts.values() if host.serves]
    if serving:
        found.run(_check_known, serving, known, fenced)
    for label, host in hosts.items():
        found.run(_check_beside, label, host, {one.name: one.instance for one in hosts.values()}, known)
    found.end()


def _check_known(serving: Sequence[HostView], known: Sequence[Identity], fenced: Sequence[str]) -> None:
    """While the cluster serves, those that the inventory does not have may be a quorum without the others."""
    listed = {one for host in serving for one in host.member_ids}
    words = {*fenced, *map(identity.normal, fenced)}
    # One of a name that the inventory has, or that has not begun yet, is that host's, whose marker has no ID.
    names = {"", *(one.name for one in known if one.host)}
    away = [
        one
        for one in known
        if not one.host and one.name not in names and listed & {*one.member_ids} and not one.is_named_by(words)
    ]
    if away:
        raise Refused(
            f"The cluster serves, and has members on no host of the inventory: {', '.join(one.label for one in away)}.",
            "They would go on serving, beside the cluster that is founded next.",
            "Put their hosts into the inventory. If their machines are off for good: "
            + advice.fencing([*fenced, *(identity.word_for(one, known) for one in away)]),
            code="members-not-in-inventory",
        )


def _check_beside(label: str, host: HostView, lines: Mapping[str, str], known: Sequence[Identity]) -> None:
    """A line that says another instance than its member is would leave that one as it is, and say that all is done."""
    away = {one.name for one in known if one.host} - {*lines}
    for instance, name in (host.beside or {}).items():
        if lines.get(name) != instance and name not in away:
            raise Refused(
                f"The machine of {label} has a member of this cluster, {instance} ({name}), and no line of the "
                "inventory is that one.",
                "It would go on serving, or come back beside the cluster that is founded next.",
                f"Write its line: {name} with etcd_instance={instance}. Then run the same command again.",
                code="instance-changed",
            )
