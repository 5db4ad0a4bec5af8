# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine of a member was built anew, and nothing of it was saved: it joins anew, under the same command."""

from __future__ import annotations

import pytest

OTHERS = ("etcd-host0", "etcd-host2")
STEPS = [
    "install etcd 3.6.14 on etcd-host1",
    "remove etcd-host1, whose data etcd-host1 no longer has",
    "let etcd-host1 join as a learner, and make it a voter once it has caught up",
]


@pytest.fixture(scope="module")
def before(cluster):
    return cluster.processes(OTHERS), cluster.member_ids("etcd-host0"), cluster.marker("etcd-host0")


@pytest.fixture(scope="module")
def done(cluster, before):
    return cluster.play()


def test_the_old_member_is_removed_before_the_new_one_is_added(done):
    assert (done.code, done.planned, done.taken) == (0, STEPS, STEPS)


def test_it_is_a_new_member_of_the_old_cluster(done, before, cluster):
    _processes, old, marker = before
    new = cluster.voters("etcd-host1")
    assert {**new, "etcd-host1": ""} == {**old, "etcd-host1": ""}
    assert new["etcd-host1"] != old["etcd-host1"]
    own = cluster.marker("etcd-host1")
    assert (own["STATE"], own["ORIGIN"], own["CLUSTER_ID"]) == ("started", "join", marker["CLUSTER_ID"])


def test_the_others_were_not_restarted(done, before, cluster):
    assert cluster.processes(OTHERS) == before[0]


def test_a_second_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
