# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A setting with which etcd does not start costs one member's restart: its turn is undone, and the others have none."""

from __future__ import annotations

import pytest
from changes import FIVE, THREE
from inventories import Inventory
from ledger import Ledger, Result
from living import MOST_RUNS, Living

DISK = "512m"
HOSTS = FIVE

#: Nobody has this address (RFC 5737), so etcd cannot listen there.
WRONG = Inventory(THREE, settings={"listen-metrics-urls": "http://203.0.113.9:2381"})
#: The leader's turn would be the last.
FIRST, *OTHERS = THREE
LEADER = OTHERS[-1]


@pytest.mark.parametrize(
    "step",
    [
        None,
        *(
            pytest.param(step, marks=pytest.mark.matrix)
            for step in ("update: failed", "undo: files put back", "undo: restarted")
        ),
    ],
)
def test_a_turn_that_fails_is_undone_and_whoever_interrupts_that_costs_nothing(
    living: Living, ledger: Ledger, step: str | None
) -> None:
    living.be(Inventory(THREE))
    living.members.lead(LEADER, THREE)
    with living.becoming(Inventory(THREE), THREE, lasting=OTHERS):
        living.write(WRONG)
        if step:
            living.machines.end_at(FIRST, step)
            run = living.playbook.run()
            assert living.machines.has_ended(FIRST), run.output
            assert run.code != 0, run.output
        run = living.playbook.run()
        if f"roll back the interrupted update of {FIRST}" in run.said or "has restarted since it was" in run.said:
            # Nobody else tried first what this one may not have started with.
            assert step, run.output
            run = living.playbook.run()
        assert run.code != 0, run.output
        assert f"The update of {FIRST} failed and was undone: it serves again with its previous files." in run.said
        assert "bind: cannot assign requested address" in run.said
        living.write(Inventory(THREE))
        runs = living.playbook.run_until_done(MOST_RUNS)
    ledger.add(
        "a setting with which etcd ends",
        "module killed while it undoes" if step else "nothing else",
        Result(False, runs, living.verdict),
    )
