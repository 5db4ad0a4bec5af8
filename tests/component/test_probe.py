# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_internal_probe against real etcd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import probes
from ansible_collections.quorum.etcd.plugins.module_utils._model import soak
from ansible_collections.quorum.etcd.plugins.module_utils._model.soak import Sample
from cluster import DEFAULT_VERSION, Cluster

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]
OURS = "/quorum.etcd/fleet/"


@pytest.fixture
def probe(run_module: RunModule) -> Callable[..., dict[str, Any]]:
    def run(state: str, cluster: Cluster, check_mode: bool = False) -> dict[str, Any]:
        given = {"state": state, "endpoints": cluster.endpoints, "conf_dir": "/nowhere"}
        result: dict[str, Any] = run_module("etcd_internal_probe", check_mode=check_mode, **given).result
        return result

    return run


def keys(cluster: Cluster) -> list[bytes]:
    with cluster.client() as client:
        return [one["key"] for one in client.read(OURS, prefix=True)["kvs"]]


def test_what_was_measured_before_lies_in_the_cluster_until_it_is_forgotten(
    every_version: str, make_cluster: MakeCluster, probe: Callable[..., dict[str, Any]]
) -> None:
    cluster = make_cluster(every_version)
    assert not probe("looked", cluster)["is_pending"]
    kept = probe("kept", cluster)
    assert (len(kept["before"]["writes"]), kept["before"]["ill"], kept["problem"]) == (probes.COUNT, {}, "")
    # What an interrupted run has measured is not replaced by what the change has made of the cluster.
    assert probe("kept", cluster)["before"] == kept["before"]
    assert probe("begun", cluster)["before"] == kept["before"]
    assert probe("looked", cluster)["before"] == kept["before"]
    measured = probe("measured", cluster)
    assert measured["before"] == kept["before"]
    assert soak.faults(Sample.from_dict(measured["sample"]), Sample.from_dict(measured["before"]), 1000) == []
    assert not probe("forgotten", cluster)["is_pending"]
    assert keys(cluster) == []


def test_nothing_is_written_in_check_mode(make_cluster: MakeCluster, probe: Callable[..., dict[str, Any]]) -> None:
    cluster = make_cluster(DEFAULT_VERSION)
    for state in ("looked", "measured", "kept", "begun", "forgotten"):
        assert probe(state, cluster, check_mode=True)["sample"] == {}
    assert keys(cluster) == []


def test_a_cluster_that_nobody_could_measure_is_to_be_judged_all_the_same(
    make_cluster: MakeCluster, probe: Callable[..., dict[str, Any]]
) -> None:
    cluster = make_cluster(DEFAULT_VERSION)
    assert probe("begun", cluster)["is_pending"]
    assert probe("looked", cluster)["before"] == {**Sample().to_dict(), "alarms": [], "writes": [], "reads": []}


def test_a_key_of_another_release_says_that_a_verdict_is_due(
    make_cluster: MakeCluster, probe: Callable[..., dict[str, Any]]
) -> None:
    cluster = make_cluster(DEFAULT_VERSION)
    with cluster.client() as client:
        client.put(f"{OURS}before", '{"something": "else"}')
    assert probe("looked", cluster)["is_pending"]


def test_a_member_that_is_down_is_named(make_cluster: MakeCluster, probe: Callable[..., dict[str, Any]]) -> None:
    cluster = make_cluster(DEFAULT_VERSION, size=3)
    leads = probe("measured", cluster)["sample"]["leader"]
    with cluster.client() as client:
        follower = next(member.name for member in client.member_list().members if member.id != leads)
    cluster.end(next(member for member in cluster.members if member.name == follower))
    sample = Sample.from_dict(probe("measured", cluster)["sample"])
    assert list(sample.ill) == [follower]
    assert (bool(sample.leader), sample.error, len(sample.writes)) == (True, "", probes.COUNT)


def test_a_cluster_without_a_quorum_is_no_failure(
    make_cluster: MakeCluster, probe: Callable[..., dict[str, Any]]
) -> None:
    cluster = make_cluster(DEFAULT_VERSION)
    cluster.end(cluster.members[0])
    told = probe("measured", cluster)
    sample = Sample.from_dict(told["sample"])
    assert "connection refused" in sample.error
    assert "connection refused" in told["problem"]
    assert len(soak.faults(sample, Sample(), 3)) >= 3
