# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_leader against real etcd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from cluster import Cluster

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]


def leader(cluster: Cluster) -> dict[str, str]:
    with cluster.client() as client:
        leader = client.status().leader
        names = {one.id: one.name for one in client.member_list().members}
    return {"id": leader, "name": names[leader]}


@pytest.fixture
def three(version: str, make_cluster: MakeCluster) -> Cluster:
    return make_cluster(version, size=3)


def test_the_member_that_is_named_leads(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(every_version, size=3)
    for member in cluster.members:
        before = leader(cluster)
        options = {"name": member.name, "endpoints": cluster.endpoints}
        foreseen = run_module("etcd_leader", check_mode=True, **options).result
        assert leader(cluster) == before
        result = run_module("etcd_leader", **options).result
        assert result["leader"] == foreseen["leader"] == leader(cluster)
        assert result["leader"]["name"] == member.name
        assert result["changed"] == foreseen["changed"] == (before["name"] != member.name)
        assert result["diff"] == {"before": {"leader": before}, "after": {"leader": result["leader"]}}
        assert run_module("etcd_leader", **options).result["changed"] is False
    with cluster.client() as client:
        assert client.read("", prefix=True)["count"] == 0


def test_a_member_follows_another(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(every_version, size=3)
    before = leader(cluster)
    # Whoever is asked, it is the leader that must be told.
    others = [one.client_url for one in cluster.members if one.name != before["name"]]
    options = {"member_id": before["id"], "state": "follower", "endpoints": others}
    foreseen = run_module("etcd_leader", check_mode=True, **options).result
    assert leader(cluster) == before
    result = run_module("etcd_leader", **options).result
    assert result["changed"] and foreseen["changed"]
    assert result["leader"] == foreseen["leader"] == leader(cluster) != before
    assert run_module("etcd_leader", **options).result["changed"] is False


def test_nobody_is_called_so(three: Cluster, run_module: RunModule) -> None:
    outcome = run_module("etcd_leader", name="m9", endpoints=three.endpoints)
    assert outcome.result["msg"] == "The cluster has no member m9. List the members (etcd_member_info)."


def test_a_learner_never_leads(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version)
    learner = cluster.add("learner")
    outcome = run_module("etcd_leader", name=learner.name, endpoints=cluster.endpoints)
    assert outcome.result["msg"].startswith("learner is a learner, which has no vote.")


def test_a_member_that_is_down_is_not_asked_to_lead(three: Cluster, run_module: RunModule) -> None:
    three.lead(three.members[0])
    three.end(three.members[1])
    outcome = run_module("etcd_leader", name="m1", endpoints=three.endpoints)
    assert outcome.result["msg"].startswith("m1 is a voter that is not healthy.")
    follows = run_module("etcd_leader", name="m0", state="follower", endpoints=three.endpoints)
    assert follows.result["leader"]["name"] == "m2"


def test_the_only_voter_leads(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version)
    outcome = run_module("etcd_leader", name="m0", state="follower", endpoints=cluster.endpoints)
    assert outcome.result["msg"].startswith("Nobody but m0 could lead: no other voter is healthy.")
    assert run_module("etcd_leader", name="m0", endpoints=cluster.endpoints).result["changed"] is False


def test_without_a_quorum_nobody_leads(three: Cluster, run_module: RunModule) -> None:
    for member in three.members[1:]:
        three.end(member)
    outcome = run_module("etcd_leader", name="m0", endpoints=three.endpoints, timeout=1)
    assert outcome.result["msg"].startswith("Of 3 voters 0 are healthy, and 2 are needed for a quorum.")


def test_a_cluster_at_which_somebody_else_is_at_work_is_left_alone(three: Cluster, run_module: RunModule) -> None:
    before = leader(three)
    with cluster_lock.held(three.endpoints, three.credentials, "a turn of m0", 0):
        options = {"name": before["name"], "state": "follower", "endpoints": three.endpoints, "lock_timeout": 0.3}
        outcome = run_module("etcd_leader", **options)
    assert outcome.result["msg"].startswith("Somebody else is at work on this cluster: a turn of m0.")
    assert leader(three) == before
