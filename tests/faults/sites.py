# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that is lost and brought back again and again, by another playbook than the ordinary one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest
from machines import Machines
from members import Members
from playbook import How, Kill, Playbook, Run

CLUSTER = "etcd_cluster"
PUT_BACK = ("-e", f"etcd_rollback={CLUSTER}")


@dataclass
class Site:
    """A cluster of three, and the writes that it has acknowledged."""

    machines: Machines
    members: Members
    directory: Path
    is_whole: bool = False

    #: The size of a disk of their own for the data, empty for none.
    DISK: ClassVar[str] = ""
    #: Whether the inventory calls hosts by their names, not by their addresses.
    BY_NAME: ClassVar[bool] = False
    #: What brings it back, and its operator's word for that.
    PLAYBOOK: ClassVar[str]
    SAY: ClassVar[Sequence[str]]

    def play(self, playbook: str) -> Playbook:
        directory = self.directory / "controller"
        directory.mkdir(exist_ok=True)
        return Playbook(self.directory / "inventory" / "hosts", directory, playbook)

    def bring_back(self, *more: str, kill: Kill | None = None, how: How | None = None) -> Run:
        """Run the playbook once, with the operator's word for it unless something else is said."""
        return self.play(self.PLAYBOOK).run(*(more or self.SAY), kill=kill, how=how or How())

    def begin(self) -> None:
        """Write, and whatever else comes before the loss."""
        raise NotImplementedError


S = TypeVar("S", bound=Site)


def kept(kind: type[S], lab: str, factory: pytest.TempPathFactory) -> Iterator[Callable[[], S]]:
    """For a fixture: gives a site that serves, the one of the test before unless that has failed."""
    sites: list[S] = []

    def whole() -> S:
        if sites and not sites[-1].is_whole:
            sites.pop().machines.remove()
        if not sites:
            directory, machines = factory.mktemp("site"), Machines(lab, kind.DISK)
            site = kind(machines, Members(machines, directory), directory)
            sites.append(site)
            machines.make()
            machines.inventory(directory / "inventory", by_name=kind.BY_NAME)
            site.play("quorum.etcd.etcd").run_until_done()
        return sites[-1]

    yield whole
    for site in sites:
        site.machines.remove()


def sampled(cases: Sequence[str], *sample: str) -> list[object]:
    """Parameters of which only the named ones are in the fixed sample."""
    return [pytest.param(case, marks=() if case in sample else pytest.mark.matrix) for case in cases]
