# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new member where the others cannot open a connection to it: it gets no data from the leader, and no vote."""

from __future__ import annotations

import pytest
from changes import FIVE, FOUR, THREE
from inventories import Inventory
from living import MOST_RUNS, Living

DISK = "512m"
HOSTS = FIVE

NEW, CLOSED = FOUR[-1], 2481


@pytest.mark.matrix
def test_a_new_member_at_a_closed_port_gets_no_vote_and_joins_once_its_address_is_corrected(living: Living) -> None:
    living.be(Inventory(THREE))
    with living.becoming(Inventory(FOUR), THREE):
        before = living.pids(THREE)
        living.machines.block(THREE, [NEW], CLOSED)
        wrong = living.rival(Inventory(FOUR, peer_ports={NEW: CLOSED}))
        run = wrong.run()
        assert run.code != 0, run.output
        assert "see that the other members reach it at" in run.said, run.output
        living.machines.end_at(NEW, "join: readdressed")
        run = living.playbook.run()
        assert living.machines.has_ended(NEW), run.output
        assert run.code != 0, run.output
        living.playbook.run_until_done(MOST_RUNS)
        assert living.pids(THREE) == before
        living.machines.unblock()
