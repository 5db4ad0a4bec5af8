# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fourth member joins on the machine of the three."""

from __future__ import annotations

import pytest
from scenario_machine import MACHINE, processes, voters


@pytest.fixture(scope="module")
def before(cluster):
    return processes(cluster, 3)


@pytest.fixture(scope="module")
def done(cluster, before):
    return cluster.play()


def test_it_joins_with_the_release_that_is_there(done):
    assert done.code == 0
    assert done.taken == ["let etcd-host3 join as a learner, and make it a voter once it has caught up"]


def test_it_is_a_voter(done, cluster):
    assert sorted(voters(cluster)) == [f"etcd-host{at}" for at in range(4)]
    assert ":42379" in cluster.on(MACHINE, "etcdctl4 endpoint health 2>&1")


def test_the_others_were_not_restarted(done, before, cluster):
    assert processes(cluster, 3) == before


def test_a_second_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
