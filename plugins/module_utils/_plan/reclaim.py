# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan to reclaim the space of databases: compact once, defragment one member after the other, disarm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Step, Wave
from ansible_collections.quorum.etcd.plugins.module_utils._model.reclaim_acts import Compact, Defragment, Disarm
from ansible_collections.quorum.etcd.plugins.module_utils._plan import chosen_host
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan


@dataclass(frozen=True)
class Database:
    """What a host says of its member's database, as C(etcd_defrag) tells it.

    :param size: bytes that it has.
    :param used: bytes of it that are in use.
    :param free: bytes that are free beside it.
    :param alarms: names of alarms that are raised.
    """

    host: str
    name: str
    endpoints: Sequence[str]
    leads: bool
    size: int
    used: int
    free: int
    alarms: Sequence[str] = ()

    @property
    def text(self) -> str:
        alarms = ", ".join(dict.fromkeys(self.alarms)) or "none"
        return (
            f"{self.name}: the database has {_in_mib(self.size)} MiB, {_in_mib(self.used)} MiB of it in use. Beside it "
            f"{_in_mib(self.free)} MiB are free. Alarms: {alarms}"
        )


def plan(databases: Sequence[Database], keep_revisions: int, allow_outage: bool) -> Plan:
    """Return the steps. What the cluster does once is the first host's, and its leader is the last to be defragmented.

    :param databases: of all members, in the inventory's order.
    :param keep_revisions: how many of the newest revisions stay.
    """
    waves = tuple(_waves(databases, keep_revisions, allow_outage))
    return Plan("reclaim the space of its databases", waves, notes=tuple(one.text for one in databases))


def _waves(databases: Sequence[Database], keep_revisions: int, allow_outage: bool) -> Iterator[Wave]:
    first, names = databases[0], {one.host: one.name for one in databases}
    title = f"compact the history, and keep the newest {keep_revisions} revisions"
    yield (Step(first.host, title, Compact(first.endpoints, keep_revisions)),)
    for host in chosen_host.leader_last([one.host for one in databases], {one.host: one.leads for one in databases}):
        yield (Step(host, f"defragment {names[host]}", Defragment(allow_outage)),)
    yield (Step(first.host, "disarm NOSPACE, where it is raised", Disarm(first.endpoints)),)


def _in_mib(size: int) -> str:
    return f"{size / (1 << 20):.1f}"
