# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan of a recovery: who goes on alone, and the steps of all in their waves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._model import recovery_acts as acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Step, Wave
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan


@dataclass(frozen=True)
class Recovery:
    """What a run will do.

    :param summary: one sentence about what was found.
    :param survivor: the host whose member goes on alone; empty where there is nothing left to do for that.
    :param saves: hosts whose member still answers: a snapshot of each is saved before anything stops.
    :param rests: hosts on which nothing may start until the end, in the inventory's order.
    :param founds: is the new cluster still to be made? Then the plan is made once more when every member is stopped:
        what a log ends with is certain only then.
    :param installs: what the survivor's host still lacks to run it.
    :param goes_on: how its member goes on; None where nothing is founded.
    :param rolls_back: hosts that get back what they had.
    :param off: hosts whose machines are off.
    :param facts: what a person should know.
    """

    summary: str
    survivor: str = ""
    saves: tuple[str, ...] = ()
    rests: tuple[str, ...] = ()
    founds: bool = False
    installs: Wave = ()
    goes_on: acts.GoOnAlone | None = None
    rolls_back: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def plan(self) -> Plan:
        if self.rolls_back:
            undone = tuple(Step(host, f"{host} gets back what it had", acts.Resume()) for host in self.rolls_back)
            return Plan(self.summary, (undone,), reversible=1, notes=self.facts)
        until_all_rest = tuple(wave for wave in self._stopping() if wave)
        waves = (*until_all_rest, *(wave for wave in self._going_on() if wave))
        joining = ", ".join(self._others)
        follows = (f"{joining} join it anew, empty, one after the other",) if joining else ()
        return Plan(self.summary, waves, reversible=len(until_all_rest), follows=follows, notes=self.facts)

    @property
    def _others(self) -> list[str]:
        return [host for host in self.rests if host != self.survivor]

    def _stopping(self) -> Iterator[Wave]:
        saving = "save a snapshot of the member on {host}, which still answers"
        yield tuple(Step(host, saving.format(host=host), acts.SaveAnswering()) for host in self.saves)
        stopping = f"stop the members on {', '.join(self.rests)}, and let none start"
        yield tuple(Step(host, stopping, acts.Suspend()) for host in self.rests)

    def _going_on(self) -> Iterator[Wave]:
        if self.goes_on is not None:
            yield self.installs
            title = f"the member on {self.survivor} goes on alone, from a copy of its data"
            yield (Step(self.survivor, title, self.goes_on),)
        archiving = f"archive the data on {', '.join(self._others)}"
        yield tuple(Step(host, archiving, acts.GiveUp()) for host in self._others)
