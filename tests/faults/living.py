# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster that lives through one change after the other, whatever goes wrong on the way."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from accidents import Accident
from changes import Change, built_anew
from inventories import Inventory
from ledger import Result
from machines import Machines
from members import Members, Verdict
from playbook import How, Playbook

#: How often the same command may have to be given once nothing goes wrong any more.
MOST_RUNS = 4


@dataclass(frozen=True)
class Ways:
    """How the runs of a case go.

    :param how: Ansible's way.
    :param pause: seconds between what went wrong and the next run.
    :param by_name: the inventory calls hosts by their names, not by their addresses.
    """

    how: How
    pause: float
    by_name: bool

    @classmethod
    def of(cls, number: int) -> Ways:
        """Half of the cases without pipelining, half at once, half by names, a third with C(any_errors_fatal)."""
        how = How(pipelining=number % 2 == 0, strict=number % 3 == 0)
        return cls(how, pause=4.0 if number % 4 < 2 else 0.0, by_name=number % 8 < 4)


class Living:
    """A cluster on some hosts, founded when it is needed and kept until a test fails.

    :param directory: for inventories, and the records of writes.
    """

    def __init__(self, machines: Machines, directory: Path) -> None:
        self.machines = machines
        self._directory = directory
        self.members = Members(machines, directory)
        self.playbook = self.controller("controller")
        #: Whether the inventory calls hosts by their names, not by their addresses: the same cluster either way.
        self.by_name = False
        #: What the writer says of the last change.
        self.verdict = Verdict(0, 0, 0.0)
        #: What is true now, and whether it calls hosts by their names.
        self._now: tuple[Inventory, bool] | None = None

    def controller(self, name: str, playbook: str = "quorum.etcd.etcd") -> Playbook:
        """A machine of an operator, who has the same inventory."""
        directory = self._directory / name
        directory.mkdir(exist_ok=True)
        return Playbook(self._inventory / "hosts", directory, playbook)

    def going_back(self, minor: str) -> Playbook:
        """The playbook that lets the members go back to a minor."""
        playbook = self.controller("controller", "quorum.etcd.downgrade")
        playbook.variables = {"etcd_downgrade_to": minor}
        return playbook

    @property
    def cancelling(self) -> Playbook:
        """The playbook that cancels a downgrade."""
        playbook = self.controller("controller", "quorum.etcd.downgrade")
        playbook.variables = {"etcd_downgrade_cancel": True}
        return playbook

    def rival(self, wanted: Inventory) -> Playbook:
        """A machine of another operator, who has the same authorities and means something else."""
        directory = self._directory / "rival"
        directory.mkdir(exist_ok=True)
        playbook = Playbook(wanted.write(self.machines, directory / "inventory", self.by_name), directory)
        playbook.variables = {"etcd_pki_dir": str(self._inventory / "etcd-pki" / "etcd_cluster")}
        return playbook

    def goes_through(self, change: Change, accident: Accident, ways: Ways) -> Result:
        """Make a change, let something go wrong with it, and give the same command until nothing is left to do.

        Afterwards the cluster is as the inventory says, and nobody was restarted without need. While it lasts a client
        writes: nothing of what is acknowledged is lost, and there is no write that has to be given up.
        """
        self.by_name = ways.by_name
        self.be(change.before)
        playbook = self.going_back(change.downgrades_to) if change.downgrades_to else self.playbook
        if change.leads:
            self.members.lead(change.actor, change.before.members)
        lasting = [host for host in change.lasting if host not in accident.stops(change)]
        bears_it = not accident.costs_quorum(change)
        with self.becoming(change.after, change.before.members, lasting, bears_it):
            if change.happens:
                change.happens(self.machines)
            disturbed = accident.happens(self.machines, playbook, self.members, change, ways.how)
            time.sleep(ways.pause)
            left = set(change.before.members) - set(accident.stops(change))
            updated = self.pids(self.members.with_release(change.after.version, left))
            runs = playbook.run_until_done(MOST_RUNS, ways.how)
            assert self.pids(updated) == updated, "a member that had its release was restarted once more"
        return Result(disturbed.done, runs, self.verdict)

    @contextmanager
    def becoming(
        self, wanted: Inventory, asked: Sequence[str], lasting: Iterable[str] = (), bears_it: bool = True
    ) -> Iterator[None]:
        """Write another inventory; what is done here is to make it true, while a client writes.

        :param asked: the hosts by way of whose members it writes.
        :param lasting: those whose members are not restarted.
        :param bears_it: no write has to be given up.
        """
        before = self.pids(lasting)
        self._now = None
        with self.members.written_meanwhile(asked):
            self.write(wanted)
            yield
        self.members.are_one_healthy_cluster(wanted.members)
        self.members.are_gone_from(set(self.machines.names) - set(wanted.members))
        self.members.leave_no_lock(wanted.members[0])
        if wanted.version:
            assert self.members.with_release(wanted.version, wanted.members) == list(wanted.members)
            self.members.hold_the_same_keys(wanted.members)
            # By the ordinary command, too, nothing is left to do.
            assert self.playbook.run_until_done(1) == 1
        assert self.pids(lasting) == before, "a member was restarted without need"
        self.verdict = self.members.hold_every_acknowledged_write(wanted.members, records=1)
        assert self.verdict.failed == 0 or not bears_it, self.verdict
        self._clear()
        self._now = wanted, self.by_name

    def _clear(self) -> None:
        """What was archived is an operator's to delete: a disk has room for some of it only."""
        for host in self.machines.names:
            self.machines.run(host, "rm -rf /var/lib/etcd/member.*")

    @contextmanager
    def enduring(self, hosts: Sequence[str]) -> Iterator[None]:
        """What is done here breaks it and mends it, while a client writes; the inventory stays as it is.

        Afterwards it is whole, and has every write that was acknowledged.

        :param hosts: whose members it has.
        """
        now, self._now = self._now, None
        with self.members.written_meanwhile(hosts):
            yield
        self.members.are_one_healthy_cluster(hosts)
        self.members.leave_no_lock(hosts[0])
        self.verdict = self.members.hold_every_acknowledged_write(hosts, records=1)
        self._now = now

    @property
    def is_whole(self) -> bool:
        """Is it what some inventory says?"""
        return self._now is not None

    def begin_anew(self, wanted: Inventory) -> None:
        """A cluster of its own on the same machines, of which nothing is left but their addresses."""
        self._now = None
        for host in self.machines.names:
            self.machines.run(host, built_anew())
        self.be(wanted)

    @property
    def version(self) -> str:
        """C(etcd_version) of the inventory that is true; empty where none is, or where it says nothing of that."""
        return self._now[0].version if self._now else ""

    def falls_apart(self) -> None:
        """It is no longer what any inventory says."""
        self._now = None

    def be(self, wanted: Inventory) -> None:
        """As an inventory says, by a run of which nothing is asked but that."""
        now, by_name = self._now or (None, False)
        if now and replace(now, absent=()) == wanted and by_name is self.by_name:
            return
        # A line that is only taken out removes nobody.
        leaving = tuple(host for host in (now.members if now else ()) if host not in wanted.members)
        told = replace(wanted, absent=leaving)
        self.write(told)
        self.playbook.run_until_done(MOST_RUNS)
        self._now = told, self.by_name

    def write(self, wanted: Inventory) -> None:
        """Write an inventory, and do nothing."""
        wanted.write(self.machines, self._inventory, self.by_name)

    def pids(self, hosts: Iterable[str]) -> dict[str, list[str]]:
        """The processes of the members on these hosts."""
        return {host: self.members.processes(host) for host in hosts}

    @property
    def _inventory(self) -> Path:
        return self._directory / "inventory"
