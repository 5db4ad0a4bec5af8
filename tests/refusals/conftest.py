# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fresh hosts for all tests: a run that is refused leaves them fresh, which is what is tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Hosts
from operator_site import Site


@pytest.fixture(scope="session")
def hosts() -> Iterator[Hosts]:
    """Three hosts that have never seen etcd."""
    fresh = Hosts("refusals", "etcd-host0", "etcd-host1", "etcd-host2")
    fresh.up()
    yield fresh
    fresh.down()


@pytest.fixture
def site(hosts: Hosts, tmp_path: Path) -> Site:
    """An inventory of them, right in everything."""
    return Site(hosts, tmp_path)
