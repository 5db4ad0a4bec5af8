# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose disk hardly gets on joins late or not yet, and the cluster does not notice."""

from __future__ import annotations

import pytest
from accidents import DiskOf
from changes import FOUR, grow
from ledger import Ledger
from living import Living, Ways

HOSTS = FOUR


@pytest.mark.matrix
def test_a_host_with_a_slow_disk_joins_in_its_own_time(living: Living, ledger: Ledger) -> None:
    accident = DiskOf("slow")
    ledger.add(grow().name, accident.name, living.goes_through(grow(), accident, Ways.of(0)))
