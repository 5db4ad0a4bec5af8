# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fresh hosts for each test, and nothing of them left afterwards, however it ended.

What is run is a fixed sample; C(--matrix) adds the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from ledger import Ledger
from living import Living
from machines import Machines
from members import Members
from playbook import Playbook

LEDGER = pytest.StashKey[Ledger]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEDGER] = Ledger()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What the changes of members went through, as the table of docs/reliability.md."""
    if lines := config.stash[LEDGER].table():
        terminalreporter.section("changes that were interrupted")
        for line in lines:
            terminalreporter.line(line)


def by_name(request: pytest.FixtureRequest) -> bool:
    """Whether the inventories of a test file call hosts by their names: where its C(BY_NAME) says so.

    The others call them by their addresses, as guides do.
    """
    return getattr(request.module, "BY_NAME", False)


class Kept:
    """The cluster that the next test goes on with, if there is one."""

    def __init__(self) -> None:
        self._living: Living | None = None

    def on(self, hosts: Sequence[str], disk: str, directory: Callable[[], Path]) -> Living:
        """A cluster on such hosts: the one that is kept, or one on hosts that are made now."""
        if self._living is None or (self._living.machines.names, self._living.machines.disk) != (hosts, disk):
            self.give_up()
            machines = Machines("faults-changes", disk, hosts)
            self._living = Living(machines, directory())
            machines.make()
        return self._living

    def give_up(self) -> None:
        if self._living is not None:
            self._living.machines.remove()
            self._living = None


@pytest.fixture(scope="session")
def kept() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    kept.give_up()


@pytest.fixture
def living(request: pytest.FixtureRequest, kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """A cluster that serves, with hosts beside it for more members. A test that fails leaves it to nobody."""
    disk = getattr(request.module, "DISK", "")
    living = kept.on(request.module.HOSTS, disk, lambda: tmp_path_factory.mktemp("living"))
    living.by_name = by_name(request)
    yield living
    if not living.is_whole:
        kept.give_up()


@pytest.fixture
def machines(request: pytest.FixtureRequest, kept: Kept) -> Iterator[Machines]:
    """Three hosts that have never seen etcd. A test file whose C(DISK) says so gets them with a disk of their own."""
    kept.give_up()
    lab = "faults-" + request.path.stem.removeprefix("test_").replace("_", "-")
    fresh = Machines(lab, disk=getattr(request.module, "DISK", ""))
    try:
        fresh.make()
        yield fresh
    finally:
        fresh.remove()


@pytest.fixture
def playbook(request: pytest.FixtureRequest, machines: Machines, tmp_path: Path) -> Playbook:
    """The playbook with an inventory of these hosts."""
    return Playbook(machines.inventory(tmp_path / "inventory", by_name=by_name(request)), tmp_path)


@pytest.fixture
def members(machines: Machines, tmp_path: Path) -> Members:
    """The members that are to live on these hosts."""
    return Members(machines, tmp_path)


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """Where the results of this session's cases are written down."""
    return request.config.stash[LEDGER]
