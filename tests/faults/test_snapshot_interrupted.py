# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever saves a snapshot ends on the way, with its machine or alone: what is there under a snapshot's name is one."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from accidents import PATIENCE
from changes import FIVE, THREE
from inventories import Inventory
from living import Living
from playbook import Playbook

#: A snapshot leaves 512 MiB of it to the member.
DISK = "1g"
HOSTS = FIVE
BY_NAME = True

ACTOR = THREE[1]
#: On the disk that can be filled.
KEPT = "/var/lib/etcd/snapshots"
STEPS = ("snapshot: streaming", "snapshot: written", "snapshot: kept")

PLAY = f"""
- hosts: etcd_cluster[1]
  gather_facts: false
  tasks:
    - name: Save a snapshot
      quorum.etcd.etcd_snapshot:
        endpoints: ["https://127.0.0.1:2379"]
        ca_path: /etc/etcd/ssl/ca.pem
        client_cert: /etc/etcd/ssl/admin.pem
        client_key: /etc/etcd/ssl/admin-key.pem
        directory: {KEPT}
        cluster: etcd_cluster
"""


@pytest.fixture
def save(living: Living, tmp_path: Path) -> Playbook:
    """Saves a snapshot on one host of three."""
    living.be(Inventory(THREE))
    living.machines.run(ACTOR, f"rm -rf {KEPT}")
    play = tmp_path / "save.yml"
    play.write_text(PLAY, encoding="utf-8")
    return living.controller("saver", str(play))


def snapshots(living: Living) -> list[str]:
    """What is kept, after each of it was found to be what its manifest says."""
    names = living.machines.run(ACTOR, f"ls -A {KEPT} 2>/dev/null || :").split()
    found = [name for name in names if name.endswith(".db") and not name.startswith(".")]
    for name in found:
        manifest = json.loads(living.machines.run(ACTOR, f"cat {KEPT}/{name}.json"))
        assert living.machines.run(ACTOR, f"sha256sum <{KEPT}/{name}").split()[0] == manifest["sha256"], name
    return found


def is_all_there_is(living: Living, kept: list[str]) -> bool:
    """Is nothing left of those that were not finished?"""
    names = living.machines.run(ACTOR, f"ls -A {KEPT}").split()
    return sorted(name for name in names if ".db" in name) == sorted([*kept, *(f"{name}.json" for name in kept)])


@pytest.mark.parametrize("step", [STEPS[1], *(pytest.param(step, marks=pytest.mark.matrix) for step in STEPS[::2])])
def test_one_that_was_killed_while_it_saved_leaves_nothing_that_lies(living: Living, save: Playbook, step: str) -> None:
    assert save.run().code == 0
    living.machines.end_at(ACTOR, step)
    run = save.run()
    assert living.machines.has_ended(ACTOR), run.output
    assert len(snapshots(living)) == (2 if step == STEPS[-1] else 1)
    assert save.run().code == 0
    assert is_all_there_is(living, snapshots(living))


@pytest.mark.matrix
@pytest.mark.parametrize("step", STEPS)
def test_a_power_cut_while_it_saves_leaves_nothing_that_lies(living: Living, save: Playbook, step: str) -> None:
    assert save.run().code == 0
    living.machines.end_at(ACTOR, step)

    def cut() -> None:
        assert living.machines.await_end(ACTOR, PATIENCE), f"nobody got to {step}"
        living.machines.power_off(ACTOR)

    with ThreadPoolExecutor() as pool:
        cutting = pool.submit(cut)
        assert save.run().code != 0
    cutting.result()
    living.machines.power_on(ACTOR)
    living.members.awaited(ACTOR)
    assert len(snapshots(living)) == (2 if step == STEPS[-1] else 1)
    assert save.run().code == 0
    assert is_all_there_is(living, snapshots(living))


@pytest.mark.matrix
def test_a_full_disk_is_said_and_the_last_good_snapshot_stays(living: Living, save: Playbook) -> None:
    assert save.run().code == 0
    kept = snapshots(living)
    living.machines.fill(ACTOR)
    try:
        run = save.run()
        assert run.code != 0
        assert "free" in run.said, run.said
        assert snapshots(living) == kept
        assert is_all_there_is(living, kept)
    finally:
        living.machines.drain(ACTOR)
    living.members.awaited(ACTOR)
    assert save.run().code == 0
