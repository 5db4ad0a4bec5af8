# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run for three clusters: what is asked of one is refused, the others get what is asked of them."""

from __future__ import annotations

from pathlib import Path

import pytest

HOSTS = ("alpha0", "beta0", "beta1", "gamma0", "gamma1")


@pytest.fixture(scope="module")
def before(cluster):
    return cluster.processes(HOSTS), cluster.voters("gamma0")


@pytest.fixture(scope="module")
def done(cluster, before):
    return cluster.play(playbook=Path(__file__).parents[1] / "converge.yml")


@pytest.fixture(scope="module")
def after(cluster, done):
    return cluster.processes(HOSTS)


def test_the_run_fails_and_says_whose_fault_it_is(done):
    assert done.code != 0
    assert "gamma: refused, nothing was touched." in done.said
    assert "ETCD_NODES" in done.said


def test_the_other_clusters_take_their_steps(done):
    # What comes in a later turn is planned once more.
    assert sorted(set(done.planned)) == [
        "alpha0: restart, because /etc/etcd/etcd.conf differs; it runs with another /etc/etcd/etcd.conf; it runs with "
        "ETCD_SNAPSHOT_COUNT=10000, not 5000",
        "install etcd 3.6.14 on beta1",
        "let beta1 join as a learner, and make it a voter once it has caught up",
    ]
    assert sorted(done.taken) == sorted(set(done.planned))


def test_they_take_turns_and_the_canary_is_the_first(done):
    assert "turn 1 of 2: alpha (the canary; watched for 5 s) turn 2 of 2: beta refused: gamma" in done.said
    assert done.taken[0].startswith("alpha0: restart")
    assert done.said.index("alpha: no worse for 5 s") < done.said.index("beta: no worse")


def test_the_end_says_what_became_of_each(done):
    end = done.said.partition("fleet: what became of each cluster")[2]
    assert "alpha (canary): etcd 3.6.14; 1 step; no worse for 5 s" in end
    assert "beta: etcd 3.6.14; 2 steps; no worse" in end
    assert "gamma: refused, not touched" in end


def test_nothing_that_was_measured_stays_in_a_cluster(done, cluster):
    for host in ("alpha0", "beta0"):
        assert cluster.on(host, "etcdctl get --prefix --keys-only /quorum.etcd/fleet/").strip() == ""


def test_the_changed_setting_is_what_the_member_runs_with(before, after, cluster):
    processes, _voters = before
    assert after["alpha0"] != processes["alpha0"]
    assert "ETCD_SNAPSHOT_COUNT=5000" in cluster.on("alpha0", f"tr '\\0' '\\n' </proc/{after['alpha0']}/environ")


def test_the_new_member_is_a_voter_and_the_old_one_was_not_restarted(before, after, cluster):
    processes, _voters = before
    assert sorted(cluster.voters("beta1")) == ["beta0", "beta1"]
    assert after["beta0"] == processes["beta0"]


def test_the_cluster_that_was_refused_serves_as_before(before, after, cluster):
    processes, voters = before
    assert cluster.voters("gamma0") == voters
    assert [after[host] for host in ("gamma0", "gamma1")] == [processes[host] for host in ("gamma0", "gamma1")]


def test_each_is_a_cluster_of_its_own(done, cluster):
    ids = {cluster.marker(host)["CLUSTER_ID"] for host in ("alpha0", "beta0", "gamma0")}
    authorities = {cluster.on(host, "cat /etc/etcd/ssl/ca.pem") for host in ("alpha0", "beta0", "gamma0")}
    assert (len(ids), len(authorities)) == (3, 3)
