# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_alarm against real etcd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._cluster import compaction
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from cluster import Cluster
from fullness import QUOTA, fill, overwrite

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]


def raise_alarm(client: Client, member_id: str, alarm: str) -> None:
    client.call("Maintenance.Alarm", {"action": "ACTIVATE", "memberID": int(member_id, 16), "alarm": alarm})


def alarms(client: Client) -> set[tuple[str, str]]:
    return {(one.member_id, one.alarm) for one in client.alarms()}


def test_alarms_are_listed_with_the_names_of_their_members(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    assert run_module("etcd_alarm", endpoints=cluster.endpoints).result["alarms"] == []
    with cluster.client() as client:
        own = client.status().member_id
        raise_alarm(client, own, "NOSPACE")
        raise_alarm(client, "abc", "CORRUPT")
        result = run_module("etcd_alarm", endpoints=cluster.endpoints).result
        assert not result["changed"]
        assert result["alarms"] == [
            {"member_id": "abc", "name": "", "alarm": "CORRUPT"},
            {"member_id": own, "name": "m0", "alarm": "NOSPACE"},
        ]
        assert alarms(client) == {(own, "NOSPACE"), ("abc", "CORRUPT")}


def test_a_full_cluster_takes_writes_again_once_there_is_room_on_every_member(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version, size=3, extra=[f"--quota-backend-bytes={QUOTA}"])
    options = {"endpoints": cluster.endpoints, "state": "disarmed", "alarm": "NOSPACE"}
    with cluster.client() as client:
        fill(client)
        foreseen = run_module("etcd_alarm", check_mode=True, **options).result
        assert foreseen["changed"]
        assert foreseen["alarms"] == []
        assert foreseen["diff"]["after"]["alarms"] == []
        assert len(alarms(client)) == len(foreseen["diff"]["before"]["alarms"]) > 0

        past = compaction.CompactionTarget(keep=0, patience=30.0)
        compaction.compact(cluster.endpoints, cluster.credentials, 5.0, past, check=False)
        for member in cluster.members:
            client.defragment(member.client_url, 30)
        failed, result = run_module("etcd_alarm", **options)
        assert not failed, result["msg"]
        assert (result["changed"], result["alarms"]) == (True, [])
        for endpoint in cluster.endpoints:
            client.call("KV.Put", {"key": b"k", "value": b"v"}, endpoint=endpoint)
        assert alarms(client) == set()
        assert client.read("/quorum.etcd", prefix=True)["count"] == 0
        assert not run_module("etcd_alarm", **options).result["changed"]


def test_an_alarm_whose_cause_is_still_there_is_not_disarmed_or_said_to_be_back(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    (member,) = cluster.members
    options = {"endpoints": cluster.endpoints, "state": "disarmed", "alarm": "NOSPACE"}
    with cluster.client() as client:
        overwrite(client, QUOTA + (4 << 20))
        cluster.end(member)
        member.extra = [f"--quota-backend-bytes={QUOTA}"]
        cluster.launch(member)
        cluster.wait_for(member)
        fill(client)
        outcome = run_module("etcd_alarm", **options)
        assert outcome.failed
        if every_version < "3.6":
            assert outcome.result["msg"].startswith("NOSPACE was disarmed, and a write by way of http://127.0.0.1:")
        else:
            assert outcome.result["msg"].startswith("The database of m0 (")
            assert "The first write would raise NOSPACE again." in outcome.result["msg"]
        assert {alarm for _member, alarm in alarms(client)} == {"NOSPACE"}


def test_an_alarm_of_one_member_is_disarmed_and_others_stay(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(version, size=3)
    options = {"endpoints": cluster.endpoints, "state": "disarmed"}
    with cluster.client() as client:
        first, second, third = (one.id for one in client.member_list().members)
        for member_id, alarm in ((first, "NOSPACE"), (second, "NOSPACE"), (second, "CORRUPT"), (third, "CORRUPT")):
            raise_alarm(client, member_id, alarm)
        unnamed = run_module("etcd_alarm", alarm="CORRUPT", **options)
        assert "An alarm CORRUPT is disarmed of one member only" in unnamed.result["msg"]
        run_module("etcd_alarm", alarm="CORRUPT", member_id=second.upper(), **options)
        run_module("etcd_alarm", alarm="NOSPACE", member_id=second, **options)
        assert alarms(client) == {(first, "NOSPACE"), (third, "CORRUPT")}


def test_what_is_to_be_disarmed_is_named(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version)
    outcome = run_module("etcd_alarm", state="disarmed", endpoints=cluster.endpoints)
    assert outcome.result["msg"] == "state is disarmed but all of the following are missing: alarm"
