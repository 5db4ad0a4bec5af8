# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may stand in the way of a first start."""

from __future__ import annotations

from pathlib import Path

import pytest
from machines import Machines
from members import Members
from playbook import Playbook, at_once

CLOSED = Machines.names[1]


@pytest.mark.matrix
@pytest.mark.parametrize("port", [2380, 2379], ids=["peers", "clients"])
def test_members_that_cannot_reach_each_other_are_not_started(
    machines: Machines, playbook: Playbook, members: Members, port: int
) -> None:
    machines.run(
        CLOSED,
        "nft add table inet closed;"
        "nft add chain inet closed input '{ type filter hook input priority 0; policy accept; }';"
        f"nft add rule inet closed input tcp dport {port} iifname != lo drop",
    )
    run = playbook.run()
    assert run.code != 0, run.output
    assert f"Nothing was started. {CLOSED} does not answer at https://{machines.address(CLOSED)}:{port}" in run.said
    assert "a firewall drops it" in run.said
    assert "Open that TCP port between all members, in both directions." in run.said
    members.none_has_started()

    machines.run(CLOSED, "nft delete table inet closed")
    playbook.run_until_done(runs=1)
    members.are_one_healthy_cluster()


@pytest.mark.matrix
def test_one_host_at_a_time_is_enough(playbook: Playbook, members: Members) -> None:
    run = playbook.run("--forks", "1")
    assert run.done, run.output
    members.are_one_healthy_cluster()


def test_two_first_runs_at_once_found_one_cluster(playbook: Playbook, members: Members, tmp_path: Path) -> None:
    at_once(playbook, _another_controller(playbook.inventory, tmp_path))
    playbook.run_until_done()
    members.are_one_healthy_cluster()


@pytest.mark.matrix
def test_two_first_runs_at_once_with_authorities_of_their_own_found_no_two_clusters(
    machines: Machines, playbook: Playbook, members: Members, tmp_path: Path
) -> None:
    """Whoever comes second is refused, or none founds anything; then one goes on alone."""
    at_once(playbook, _another_controller(machines.inventory(tmp_path / "elsewhere"), tmp_path))
    playbook.run_until_done()
    members.are_one_healthy_cluster()


def _another_controller(inventory: Path, directory: Path) -> Playbook:
    there = directory / "another-controller"
    there.mkdir()
    return Playbook(inventory, there)
