# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members are restarted, stopped or taken away altogether, and whoever does it is killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from changes import FIVE, THREE
from inventories import Inventory
from ledger import Ledger, Result
from living import MOST_RUNS, Living
from playbook import Kill

DISK = "512m"
HOSTS = FIVE

ACTOR, *OTHERS = THREE

MOVE_UNIT = """\
- hosts: etcd_cluster
  gather_facts: false
  tasks:
    - name: Report new peer connections
      quorum.etcd.etcd_peer_report:
        nonce: one-unit-is-moved
    - name: Move the unit
      quorum.etcd.etcd_service:
        state: {state}
        nonce: one-unit-is-moved
      when: inventory_hostname == groups.etcd_cluster[0]
"""


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("state", "step"),
    [
        ("restarted", "restart: leadership moved"),
        ("restarted", "restart: begun"),
        ("stopped", "stop: leadership moved"),
    ],
)
def test_a_restart_or_a_stop_that_is_killed_is_made_good_by_the_playbook(
    living: Living, ledger: Ledger, tmp_path: Path, state: str, step: str
) -> None:
    living.be(Inventory(THREE))
    living.members.lead(ACTOR, THREE)
    play = tmp_path / "service.yml"
    play.write_text(MOVE_UNIT.format(state=state), encoding="utf-8")
    with living.becoming(Inventory(THREE), THREE, lasting=OTHERS):
        living.machines.end_at(ACTOR, step)
        run = living.controller("service", str(play)).run()
        assert living.machines.has_ended(ACTOR), run.output
        assert run.code != 0, run.output
        runs = living.playbook.run_until_done(MOST_RUNS)
    ledger.add(f"a member {state} by etcd_service", "module killed inside its act", Result(False, runs, living.verdict))


@pytest.mark.matrix
@pytest.mark.parametrize("step", ["destroy: stopped", "destroy: data archived"])
def test_a_cluster_that_is_destroyed_is_so_in_the_end_and_another_can_be_founded(living: Living, step: str) -> None:
    living.be(Inventory(THREE))
    founded = living.members.awaited(ACTOR).cluster_id
    destroy = living.controller("destroyer", "quorum.etcd.destroy")
    destroy.variables = {"etcd_confirm_cluster": "etcd_cluster"}
    living.falls_apart()
    living.machines.end_at(ACTOR, step)
    run = destroy.run()
    assert living.machines.has_ended(ACTOR), run.output
    assert run.code != 0, run.output
    run = destroy.run()
    assert run.code == 0, run.output
    living.members.are_gone_from(THREE)
    for host in THREE:
        assert living.members.logs(host, "/var/lib/etcd"), "its data were not kept"
    living.be(Inventory(THREE))
    assert living.members.awaited(ACTOR).cluster_id != founded


@pytest.mark.matrix
def test_a_cluster_that_was_to_be_destroyed_is_brought_back_by_the_playbook(living: Living) -> None:
    living.be(Inventory(THREE))
    founded = living.members.awaited(ACTOR).cluster_id
    destroy = living.controller("destroyer", "quorum.etcd.destroy")
    destroy.variables = {"etcd_confirm_cluster": "etcd_cluster"}
    with living.enduring(THREE):
        run = destroy.run(kill=Kill("Archive their data"))
        assert run.killed, run.output
        assert [living.members.marker(host)["STATE"] for host in THREE] == ["leaving"] * 3
        living.playbook.run_until_done(MOST_RUNS)
    assert living.members.awaited(ACTOR).cluster_id == founded


@pytest.mark.matrix
def test_members_that_serve_get_a_marker_that_was_lost_without_a_restart(living: Living) -> None:
    living.be(Inventory(THREE))
    for host in THREE:
        living.machines.run(host, "rm -r /var/lib/quorum.etcd")
    with living.becoming(Inventory(THREE), THREE, lasting=THREE):
        living.playbook.run_until_done(MOST_RUNS)


@pytest.mark.matrix
def test_a_release_that_was_removed_is_installed_again_for_who_runs_and_for_who_starts(living: Living) -> None:
    living.be(Inventory(THREE))
    for host in THREE:
        living.machines.run(host, "rm -r /opt/etcd/*")
    living.machines.run(ACTOR, "systemctl stop etcd")
    with living.becoming(Inventory(THREE), OTHERS, lasting=OTHERS):
        living.playbook.run_until_done(MOST_RUNS)
    for host in THREE:
        assert "etcd Version" in living.machines.run(host, "etcd --version")
