# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_health_info against real etcd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.quorum.etcd.plugins.modules import etcd_health_info, etcd_member_info
from cluster import Cluster, Tls, free_ports, switch_authentication_on
from machine import Machine
from snapshot_below import snapshot_below

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]


def test_a_whole_cluster_is_healthy_on_every_version(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version, size=3)
    outcome = run_module("etcd_health_info", endpoints=cluster.endpoints)
    health = outcome.result["health"]
    assert not outcome.failed
    assert health["healthy"], health["reasons"]
    assert health["reasons"] == []
    assert health["quorum"] == {"size": 3, "needed": 2, "healthy": 3, "tolerance": 1}
    assert [row["endpoint"] for row in health["endpoints"]] == cluster.endpoints
    assert {row["version"] for row in health["endpoints"]} == {every_version}
    assert [row["member_id"] for row in health["endpoints"] if row["is_leader"]] == [health["leader"]]
    assert len(health["table"].splitlines()) == 7


def test_the_result_is_what_is_documented(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version)
    with cluster.client() as client:
        member = int(client.status().member_id, 16)
        client.call("Maintenance.Alarm", {"action": "ACTIVATE", "memberID": member, "alarm": "NOSPACE"})
    for module in (etcd_health_info, etcd_member_info):
        name = module.__name__.rpartition(".")[2]
        result = run_module(name, endpoints=cluster.endpoints).result
        documented = yaml.safe_load(module.RETURN)
        _check_documented({key: value for key, value in result.items() if key in documented}, documented, name)


def _check_documented(result: dict[str, Any], documented: dict[str, Any], where: str) -> None:
    types = {"dict": dict, "list": list, "str": str, "int": int, "bool": bool, "float": float}
    assert set(result) == set(documented), where
    for key, value in result.items():
        assert type(value) is types[documented[key]["type"]], f"{where}.{key}"
        if documented[key].get("elements") == "dict":
            assert value, f"{where}.{key} needs an element to look at"
            _check_documented(value[0], documented[key]["contains"], f"{where}.{key}")
        elif "contains" in documented[key]:
            _check_documented(value, documented[key]["contains"], f"{where}.{key}")


def test_one_endpoint_leads_to_the_whole_cluster(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(version, size=3)
    options = {"endpoints": cluster.endpoints[1:2]}
    alone = run_module("etcd_health_info", **options).result["health"]
    assert [row["name"] for row in alone["endpoints"]] == ["m1"]
    assert alone["quorum"]["healthy"] == 1
    whole = run_module("etcd_health_info", cluster=True, **options).result["health"]
    assert sorted(row["name"] for row in whole["endpoints"]) == ["m0", "m1", "m2"]
    assert whole["healthy"]


def test_a_dead_member_is_a_result(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version, size=3)
    cluster.lead(cluster.members[0])
    cluster.end(cluster.members[2])
    outcome = run_module("etcd_health_info", endpoints=cluster.endpoints[:1], cluster=True)
    assert not outcome.failed
    health = outcome.result["health"]
    assert not health["healthy"]
    assert health["quorum"] == {"size": 3, "needed": 2, "healthy": 2, "tolerance": 0}
    assert [reason.partition(" by")[0] for reason in health["reasons"]] == ["m2: connection refused"]


def test_a_paused_member_is_a_result(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version, size=3)
    cluster.pause(cluster.members[1])
    health = run_module("etcd_health_info", endpoints=cluster.endpoints, timeout=1).result["health"]
    assert [row["healthy"] for row in health["endpoints"]][1] is False
    assert "no answer within 1 s" in health["endpoints"][1]["reasons"][0]


def test_a_lost_quorum_is_a_result(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version, size=3)
    for member in cluster.members[1:]:
        cluster.end(member)
    health = run_module("etcd_health_info", endpoints=cluster.endpoints[:1], cluster=True, timeout=2).result["health"]
    assert not health["healthy"]
    assert health["quorum"] == {"size": 3, "needed": 2, "healthy": 0, "tolerance": 0}
    assert len(health["endpoints"]) == 3
    assert health["endpoints"][[row["name"] for row in health["endpoints"]].index("m0")]["version"] == version


def test_nothing_at_all_is_a_result(run_module: RunModule) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    outcome = run_module("etcd_health_info", endpoints=[endpoint], cluster=True)
    assert not outcome.failed
    assert outcome.result["health"]["reasons"][0] == "No endpoint answers."


def test_two_clusters_are_not_one(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    endpoints = make_cluster(version).endpoints + make_cluster(version).endpoints
    health = run_module("etcd_health_info", endpoints=endpoints).result["health"]
    assert not health["healthy"]
    assert health["reasons"][0].startswith("The endpoints name different clusters: ")


def test_a_learner_is_told(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(every_version)
    learner = cluster.add("learner")
    health = run_module("etcd_health_info", endpoints=[*cluster.endpoints, learner.client_url]).result["health"]
    assert health["healthy"], health["reasons"]
    assert health["quorum"]["size"] == 1
    assert health["endpoints"][-1]["reasons"] == ["it is a learner, which has no vote."]


def test_a_learner_is_told_to_a_user_with_a_password(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        switch_authentication_on(client, "root", "secret")
    cluster.login = ("root", "secret")
    learner = cluster.add("learner")
    health = run_module(
        "etcd_health_info",
        endpoints=[*cluster.endpoints, learner.client_url],
        username="root",
        password="secret",
    ).result["health"]
    assert health["healthy"], health["reasons"]
    assert health["endpoints"][-1]["reasons"] == ["it is a learner, which has no vote."]


def test_an_alarm_is_told(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        for alarm in ("NOSPACE", "CORRUPT"):
            member = client.status().member_id
            client.call("Maintenance.Alarm", {"action": "ACTIVATE", "memberID": int(member, 16), "alarm": alarm})
            health = run_module("etcd_health_info", endpoints=cluster.endpoints).result["health"]
            assert health["healthy"] is (alarm == "NOSPACE")
            assert health["alarms"] == [{"member_id": member, "alarm": alarm}]
            client.alarm_disarm(member, alarm)


def test_a_user_without_rights_to_a_key_sees_a_healthy_member(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(version)
    with cluster.client() as client:
        for user in ("root", "monitor"):
            client.call("Auth.UserAdd", {"name": user, "password": "secret"})
        client.call("Auth.RoleAdd", {"name": "root"})
        client.call("Auth.UserGrantRole", {"user": "root", "role": "root"})
        client.call("Auth.AuthEnable")
    health = run_module("etcd_health_info", endpoints=cluster.endpoints, username="monitor", password="secret").result[
        "health"
    ]
    assert health["healthy"], health["reasons"]


def test_bad_options_are_failures(run_module: RunModule) -> None:
    refused = run_module("etcd_health_info", endpoints=["https://127.0.0.1:1"], ca_path="/nowhere.pem")
    assert refused.failed
    assert refused.result["msg"] == "ca_path /nowhere.pem cannot be read: No such file or directory."


def test_both_modules_run_as_ansible_sends_them(
    version: str, make_cluster: MakeCluster, tls: Tls, machine: Machine
) -> None:
    cluster = make_cluster(version, size=3, tls=tls)
    options = {
        "endpoints": cluster.endpoints,
        "ca_path": tls.authority.path,
        "client_cert": tls.client.cert,
        "client_key": tls.client.key,
    }
    names = ("etcd_health_info", "etcd_member_info")
    outcomes = machine.play([(name, options, check) for name in names for check in (False, True)])
    assert [(one.failed, one.changed) for one in outcomes] == [(False, False)] * 4, outcomes
    assert [len(one.result["health"]["endpoints"]) for one in outcomes[:2]] == [3, 3]
    assert [len(one.result["members"]) for one in outcomes[2:]] == [3, 3]


def test_a_stale_snapshot_is_a_reason_and_no_illness(
    version: str, make_cluster: MakeCluster, run_module: RunModule, tmp_path: Path
) -> None:
    cluster = make_cluster(version)
    with cluster.client() as client:
        cluster_id = client.status().cluster_id
    place = tmp_path / "snapshots"

    def judge(max_age: str) -> dict[str, Any]:
        options = {"endpoints": cluster.endpoints, "snapshot_dir": str(place), "snapshot_max_age": max_age}
        health: dict[str, Any] = run_module("etcd_health_info", **options).result["health"]
        assert health["healthy"]
        return health

    assert judge("26h")["reasons"] == ["There is no snapshot of this cluster on this host."]
    snapshot_below(place, "prod", cluster_id="another")
    assert judge("26h")["snapshot"] == {}
    path = snapshot_below(place, "prod", cluster_id=cluster_id, taken_at="2020-01-01T00:00:00Z")
    stale = judge("26h")
    assert stale["reasons"][0].startswith(f"The newest snapshot on this host, {path}, is ")
    assert (stale["snapshot"]["stale"], stale["snapshot"]["taken_at"]) == (True, "2020-01-01T00:00:00Z")
    assert judge("0")["reasons"] == []
