# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fresh hosts for each test, and nothing of them left afterwards, however it ended.

What is run is a fixed sample; C(--matrix) adds the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from machines import Machines
from members import Members
from playbook import Playbook


@pytest.fixture
def machines(request: pytest.FixtureRequest) -> Iterator[Machines]:
    """Three hosts that have never seen etcd. A test file whose C(DISK) says so gets them with a disk of their own."""
    lab = "faults-" + request.path.stem.removeprefix("test_").replace("_", "-")
    fresh = Machines(lab, disk=getattr(request.module, "DISK", ""))
    try:
        fresh.make()
        yield fresh
    finally:
        fresh.remove()


@pytest.fixture
def playbook(machines: Machines, tmp_path: Path) -> Playbook:
    """The playbook with an inventory of these hosts."""
    return Playbook(machines.inventory(tmp_path / "inventory"), tmp_path)


@pytest.fixture
def members(machines: Machines, tmp_path: Path) -> Members:
    """The members that are to live on these hosts."""
    return Members(machines, tmp_path)
