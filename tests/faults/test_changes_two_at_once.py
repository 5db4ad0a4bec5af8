# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two at work on one cluster: one after the other, or refused with the name of whoever is at work; never both.

A client writes all the while. Each test goes on with the cluster that the one before has left.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from changes import FIVE, FOUR, THREE
from inventories import Inventory
from living import MOST_RUNS, Living
from playbook import Run, at_once

DISK = "512m"
HOSTS = FIVE

RESTART_ALL = """\
- hosts: etcd_cluster
  gather_facts: false
  strategy: free
  tasks:
    - name: Report new peer connections
      quorum.etcd.etcd_peer_report:
        nonce: all-restart-at-once
    - name: Restart the member
      quorum.etcd.etcd_service:
        state: restarted
        nonce: all-restart-at-once
"""

#: What a run says that does not go on because of another one, or finds at its end what another one did.
REFUSALS = (
    "Somebody else is at work on this cluster: turn of etcd-host",
    "Somebody else is at work on this cluster: joining of etcd-host",
    "Somebody else changed",
    "Run the same command again: it looks again and goes on from what it finds.",
    "not all is done",
)


def test_all_members_that_are_to_restart_at_once_restart_one_after_the_other(living: Living, tmp_path: Path) -> None:
    living.be(Inventory(THREE))
    play = tmp_path / "restart.yml"
    play.write_text(RESTART_ALL, encoding="utf-8")
    with living.becoming(Inventory(THREE), THREE):
        run = living.controller("restarts", str(play)).run("--forks", "10")
        assert run.code == 0, run.output
    living.members.were_down_one_at_a_time(THREE)


@pytest.mark.matrix
def test_two_runs_with_one_inventory_at_once_change_it_once(living: Living) -> None:
    living.be(Inventory(THREE))
    with living.becoming(Inventory(THREE, settings={"heartbeat-interval": 120}), THREE):
        first, second = living.playbook, living.controller("second")
        runs = at_once(first, second)
        _one_after_the_other_or_refused(*runs)
        first.run_until_done(MOST_RUNS)
    living.members.were_down_one_at_a_time(THREE)


@pytest.mark.matrix
def test_two_runs_with_different_inventories_at_once_never_mix(living: Living) -> None:
    """One lets a host join, the other changes a setting; the first has the last word."""
    living.be(Inventory(THREE))
    with living.becoming(Inventory(FOUR), THREE):
        runs = at_once(living.playbook, living.rival(Inventory(THREE, settings={"heartbeat-interval": 130})))
        _one_after_the_other_or_refused(*runs)
        living.playbook.run_until_done(MOST_RUNS)


@pytest.mark.matrix
def test_the_lock_of_an_owner_that_was_killed_goes_with_its_lease(living: Living) -> None:
    living.be(Inventory(THREE))
    living.members.lead("etcd-host1", THREE)
    with living.becoming(Inventory(THREE, settings={"heartbeat-interval": 140}), THREE):
        living.machines.end_at("etcd-host1", "update: restarted")
        run = living.playbook.run()
        assert run.code != 0, run.output
        holder = living.members.lock("etcd-host0")
        assert holder.startswith("update of etcd-host1, by process "), holder
        living.members.leave_no_lock("etcd-host0")
        living.playbook.run_until_done(MOST_RUNS)


def _one_after_the_other_or_refused(*runs: Run) -> None:
    for run in runs:
        assert run.done or any(refusal in run.said for refusal in REFUSALS), run.output
