# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may change on a cluster that serves, and by which steps of its own each change goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inventories import Inventory
from machines import Machines

THREE = ("etcd-host0", "etcd-host1", "etcd-host2")
FOUR = (*THREE, "etcd-host3")
FIVE = (*FOUR, "etcd-host4")

JOIN = ("join: files written", "join: added", "join: marked", "join: started", "join: caught up", "join: promoted")
LEAVE = ("leave: marked", "leave: handed over", "leave: removed", "leave: at rest", "leave: data archived")
UPDATE = (
    "update: previous kept",
    "update: files written",
    "update: leadership moved",
    "update: restarted",
    "update: serves",
)
READDRESS = (UPDATE[0], "update: readdressed", *UPDATE[1:])


@dataclass(frozen=True)
class Change:
    """One change of an inventory, or of a host.

    :param name: as the table of results calls it.
    :param before: the inventory that is true when it begins.
    :param after: the one that is to become true.
    :param task: of the run, in which an act changes the cluster.
    :param actor: the host on which that act is.
    :param steps: the act's own.
    :param leads: does the actor's member lead when it begins?
    :param updates: the hosts whose members restart.
    :param happens: what befalls a host beforehand.
    :param downgrades_to: the minor to which another playbook than the ordinary one leads; empty for the ordinary one.
    """

    name: str
    before: Inventory
    after: Inventory
    task: str
    actor: str
    steps: Sequence[str]
    leads: bool = False
    updates: Sequence[str] = ()
    happens: Callable[[Machines], None] | None = None
    downgrades_to: str = ""

    @property
    def lasting(self) -> list[str]:
        """The hosts whose members are there before, after and all the while, and are not restarted."""
        replaced = {self.actor} if self.happens else set()
        touched = {*self.updates, *replaced}
        return [host for host in self.before.members if host in self.after.members and host not in touched]


def built_anew() -> str:
    """What makes another machine of one: nothing of it is left but its address."""
    return (
        "systemctl disable --now etcd 2>/dev/null || :;"
        "find /var/lib/etcd /etc/etcd -mindepth 1 -delete 2>/dev/null || :;"
        "rm -rf /var/lib/quorum.etcd /run/quorum.etcd /etc/systemd/system/etcd.service; systemctl daemon-reload"
    )


def _built_anew(machines: Machines) -> None:
    """The machine of a member is another one."""
    machines.run("etcd-host2", built_anew())


def lose_data(machines: Machines, host: str = "etcd-host2") -> None:
    """The disk of a member is empty."""
    machines.run(host, "systemctl kill --signal KILL etcd; rm -rf /var/lib/etcd/member")


def grow(size: Sequence[str] = FOUR) -> Change:
    return Change(f"3 to {len(size)}", Inventory(THREE), Inventory(size), "Join the cluster", size[-1], JOIN)


def shrink(size: Sequence[str] = FOUR) -> Change:
    """The leader is among those who leave."""
    gone = size[len(THREE) :]
    return Change(
        f"{len(size)} to 3",
        Inventory(size),
        Inventory(THREE, absent=gone),
        "Leave the cluster",
        gone[-1],
        LEAVE,
        leads=True,
    )


REPLACE = Change(
    "a machine built anew",
    Inventory(THREE),
    Inventory(THREE),
    "Join the cluster",
    "etcd-host2",
    JOIN,
    happens=_built_anew,
)
REFILL = Change(
    "data lost",
    Inventory(THREE),
    Inventory(THREE),
    "Leave the cluster",
    "etcd-host2",
    ("leave: marked", "leave: stopped", *LEAVE[2:], *JOIN),
    happens=lose_data,
)


def readdress(port: int = 2480) -> Change:
    """To another peer port, or back from it."""
    ports = [{}, {"etcd-host1": 2480}]
    before, after = ports if port == 2480 else ports[::-1]
    return Change(
        "another address" if port == 2480 else "the address of before",
        Inventory(THREE, peer_ports=before),
        Inventory(THREE, peer_ports=after),
        "Update the member",
        "etcd-host1",
        READDRESS,
        leads=True,
        updates=["etcd-host1"],
    )


def settings(interval: int = 120) -> Change:
    """Another heartbeat interval, or back from it. The leader is last."""
    chosen: list[dict[str, object]] = [{}, {"heartbeat-interval": 120}]
    before, after = chosen if interval == 120 else chosen[::-1]
    return Change(
        "a changed setting" if interval == 120 else "the setting of before",
        Inventory(THREE, settings=before),
        Inventory(THREE, settings=after),
        "Update the member",
        "etcd-host1",
        UPDATE,
        leads=True,
        updates=THREE,
    )
