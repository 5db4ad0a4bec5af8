# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One of four members of a machine lost its data: its gate keeps it down, and the next run replaces it alone."""

from __future__ import annotations

import pytest
from scenario_machine import MACHINE, processes, voters

STEPS = [
    "take etcd-host1 out, to let it join anew",
    "let etcd-host1 join as a learner, and make it a voter once it has caught up",
]


@pytest.fixture(scope="module")
def before(cluster):
    cluster.on(MACHINE, "! systemctl start etcd2")
    return processes(cluster, 4)


@pytest.fixture(scope="module")
def done(cluster, before):
    return cluster.play()


def test_it_does_not_come_back_empty(before, cluster):
    assert before[1] == "0"
    assert "this member is not started." in cluster.on(MACHINE, "journalctl --unit etcd2 --no-pager | grep gate")


def test_it_is_replaced(done, cluster):
    assert (done.code, done.planned, done.taken) == (0, STEPS, STEPS)
    assert sorted(voters(cluster)) == [f"etcd-host{at}" for at in range(4)]


def test_the_others_were_not_restarted(done, before, cluster):
    after = processes(cluster, 4)
    assert [after[at] for at in (0, 2, 3)] == [before[at] for at in (0, 2, 3)]


def test_a_second_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
