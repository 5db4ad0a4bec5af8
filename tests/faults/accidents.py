# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may go wrong with a change. Afterwards every machine is whole again, and some of the work is done."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from changes import Change, lose_data
from machines import Machines
from members import Members
from playbook import How, Kill, Meanwhile, Playbook, Run

#: Seconds within which a run gets to the step at which something goes wrong.
PATIENCE = 600
#: Seconds after which TCP has tried again (Linux: TCP_RTO_MAX is 120 s).
_LATEST = 150


class Accident(ABC):
    """Something that goes wrong."""

    name: str
    """As the table of results calls its kind."""

    def __str__(self) -> str:
        return self.name

    @abstractmethod
    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        """Run the playbook, and let it happen.

        :returns: the run in which it was to happen.
        """

    def stops(self, change: Change) -> Sequence[str]:
        """The hosts whose members do not live through it."""
        return ()

    def costs_quorum(self, change: Change) -> bool:
        """Are too many members gone by it, whatever anybody does?"""
        return False


@dataclass(frozen=True)
class NoAccident(Accident):
    """Only what the change itself brings."""

    name = "nothing"

    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        return playbook.run(how=how)


@dataclass(frozen=True)
class Ended(Accident):
    """The module ends between two steps of its act."""

    step: str
    name = "module killed inside its act"

    def __str__(self) -> str:
        return f"{self.name} at {self.step}"

    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        machines.end_at(change.actor, self.step)
        run = playbook.run(how=how)
        assert machines.has_ended(change.actor), f"nobody got to {self.step}: {run.output}"
        assert run.code != 0, run.output
        return run


@dataclass(frozen=True)
class PowerCut(Accident):
    """The machine on which the act is loses its power between two steps of it, and is switched on after another run."""

    step: str
    name = "power cut inside an act"

    def __str__(self) -> str:
        return f"{self.name} at {self.step}"

    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        machines.end_at(change.actor, self.step)

        def cut() -> None:
            assert machines.await_end(change.actor, PATIENCE), f"nobody got to {self.step}"
            machines.power_off(change.actor)

        with ThreadPoolExecutor() as pool:
            cutting = pool.submit(cut)
            run = playbook.run(how=how)
        cutting.result()
        assert run.code != 0, run.output
        without = playbook.run(how=how)
        machines.power_on(change.actor)
        assert change.actor not in change.after.members or not without.done, without.output
        return run

    def stops(self, change: Change) -> Sequence[str]:
        return [change.actor]


@dataclass(frozen=True)
class Killed(Accident):
    """The run is killed, and its connections with it, at one of its tasks. One that has not so many goes to its end.

    :param task: its number, from 1.
    """

    task: int
    name = "run killed between two tasks"

    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        run = playbook.run(kill=Kill(self.task), how=how)
        assert run.killed or run.done, run.output
        return run


@dataclass(frozen=True)
class KilledDuring(Accident):
    """The run is killed so many seconds after a task has begun. The act goes on alone."""

    task: str
    after: float
    name = "run killed during its act"

    def __str__(self) -> str:
        return f"{self.name}, {self.after} s into {self.task}"

    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        run = playbook.run(kill=Kill(self.task, self.after), how=how)
        assert run.killed, run.output
        return run


@dataclass(frozen=True)
class Trouble(Accident):
    """While the act goes on something happens to another machine, and it lasts until after the next run.

    :param victim: C(member), C(leader): one of those that are no actor.
    :param trouble: C(power cut), C(partition).
    """

    victim: str
    trouble: str

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{self.trouble} of a {self.victim} during the act"

    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        victim = self._victim(change)
        if self.victim == "leader":
            members.lead(victim, change.before.members)
        strike: Callable[[str], None] = machines.power_off if self.trouble == "power cut" else machines.cut_off
        run = playbook.run(meanwhile=Meanwhile(change.task, lambda: strike(victim)), how=how)
        playbook.run(how=how)
        if self.trouble == "power cut":
            machines.power_on(victim)
        else:
            machines.heal()
            # etcd keeps the connections that it had, and TCP tries again on them about as late as they were dead for.
            members.awaited(victim, _LATEST)
        return run

    def stops(self, change: Change) -> Sequence[str]:
        return [self._victim(change)] if self.trouble == "power cut" else ()

    def costs_quorum(self, change: Change) -> bool:
        # One of three is lost already.
        return change.happens is not None

    def _victim(self, change: Change) -> str:
        return next(host for host in change.before.members if host != change.actor)


@dataclass(frozen=True)
class DiskOf(Accident):
    """The disk of the machine on which the act is, is full or slow for two runs.

    :param state: C(full), C(slow).
    """

    state: str

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{self.state} disk of the host"

    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        with self._ill(machines, change.actor):
            run = playbook.run(how=how)
            playbook.run(how=how)
        return run

    @contextlib.contextmanager
    def _ill(self, machines: Machines, host: str) -> Iterator[None]:
        if self.state == "full":
            machines.fill(host)
        else:
            machines.slow(host, 20)
        try:
            yield
        finally:
            if self.state == "full":
                machines.drain(host)
            else:
                machines.fast(host)


@dataclass(frozen=True)
class DataLost(Accident):
    """The run is killed so many seconds after a task has begun, and the disk of another machine is empty then."""

    task: str
    after: float
    host: str
    name = "run killed, and a disk lost"

    def __str__(self) -> str:
        return f"{self.name} during {self.task}"

    def happens(self, machines: Machines, playbook: Playbook, members: Members, change: Change, how: How) -> Run:
        run = playbook.run(kill=Kill(self.task, self.after), how=how)
        assert run.killed, run.output
        lose_data(machines, self.host)
        return run

    def stops(self, change: Change) -> Sequence[str]:
        return [self.host]

    def costs_quorum(self, change: Change) -> bool:
        # What outlives the run may be restarting another one just then.
        return True
