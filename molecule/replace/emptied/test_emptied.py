# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member lost its data, and its disk is there: its gate keeps it down, and the next run replaces it."""

from __future__ import annotations

import pytest

OTHERS = ("etcd-host1", "etcd-host2")
STEPS = [
    "take etcd-host0 out, to let it join anew",
    "let etcd-host0 join as a learner, and make it a voter once it has caught up",
]


@pytest.fixture(scope="module")
def before(cluster):
    return cluster.processes(OTHERS), cluster.member_ids("etcd-host1")


@pytest.fixture(scope="module")
def kept_down(cluster, before):
    """What its gate says, and what lies there then."""
    cluster.on("etcd-host0", "! systemctl start etcd")
    return cluster.on("etcd-host0", "journalctl --unit etcd --no-pager | grep gate; find /var/lib/etcd -name '*.wal'")


@pytest.fixture(scope="module")
def done(cluster, kept_down):
    return cluster.play()


def test_it_does_not_come_back_empty(kept_down):
    assert "this member is not started." in kept_down
    assert ".wal" not in kept_down


def test_the_old_member_is_removed_before_the_new_one_is_added(done):
    assert (done.code, done.planned, done.taken) == (0, STEPS, STEPS)


def test_it_is_a_new_member_of_the_old_cluster(done, before, cluster):
    _processes, old = before
    new = cluster.voters("etcd-host0")
    assert {**new, "etcd-host0": ""} == {**old, "etcd-host0": ""}
    assert new["etcd-host0"] != old["etcd-host0"]


def test_the_others_were_not_restarted(done, before, cluster):
    assert cluster.processes(OTHERS) == before[0]


def test_a_second_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
