# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused on one host's account is refused for all, in whatever order Ansible gets to them."""

from __future__ import annotations

import pytest
from changes import FIVE, THREE
from inventories import Inventory
from living import MOST_RUNS, Living
from members import MARKER

DISK = "512m"
HOSTS = FIVE
BY_NAME = True

FIRST = THREE[0]


@pytest.mark.matrix
def test_a_refusal_on_account_of_one_host_touches_no_other_one_host_at_a_time(living: Living) -> None:
    """With one fork the first host has failed before the last one's plan is made."""
    living.be(Inventory(THREE))
    wanted = Inventory(THREE, settings={"heartbeat-interval": 120})
    with living.becoming(wanted, THREE):
        living.machines.run(FIRST, f"cp -p {MARKER} {MARKER}.kept; echo damaged >{MARKER}")
        before = living.pids(THREE)
        run = living.playbook.run("--forks", "1")
        assert "refused, nothing was touched" in run.said, run.output
        assert living.pids(THREE) == before, run.output
        living.machines.run(FIRST, f"mv {MARKER}.kept {MARKER}")
        living.playbook.run_until_done(MOST_RUNS)
