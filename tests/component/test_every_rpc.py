# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call of etcd's services, on every version, by every way in which a client says who it is.

CI runs every way on the version of new clusters and one way on each of the others; C(--matrix) runs all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._formats.messages import SERVICES
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from cluster import DEFAULT_VERSION, EVERY_VERSION, Cluster, Tls

ROOT = {"name": "root", "password": "secret"}

# How a client is known: whether there is TLS, and whether authentication is on.
WAYS = {"plain": (False, False), "mutual TLS": (True, False), "password": (False, True), "certificate": (True, True)}

SAMPLE = [
    *((DEFAULT_VERSION, way) for way in WAYS),
    ("3.4.23", "password"),
    ("3.5.33", "certificate"),
    ("3.7.1", "mutual TLS"),
]

# The first minor that has a call; older ones answer Unimplemented.
SINCE = {"Maintenance.Downgrade": (3, 5), "Auth.AuthStatus": (3, 5), "KV.RangeStream": (3, 7)}

METHODS = [f"{service}.{name}" for service, names in SERVICES.items() for name in names]


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of one member, whose administrator is root."""
    version, way = request.param
    with_tls, with_auth = WAYS[way]
    directory = tmp_path_factory.mktemp("cluster")
    running = Cluster(directory, version, tls=Tls.make(directory / "pki") if with_tls else None)
    try:
        running.start()
        with running.client() as client:
            client.call("Auth.UserAdd", ROOT)
            client.call("Auth.RoleAdd", {"name": "root"})
            client.call("Auth.UserGrantRole", {"user": "root", "role": "root"})
            if with_auth:
                client.call("Auth.AuthEnable")
        running.guarded = with_auth
        if with_auth and not with_tls:
            running.login = ("root", "secret")
        yield running
    finally:
        running.stop()


class Recorder(Client):
    """A client that remembers what it has called."""

    called: set[str]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.called = set()

    def call(self, method: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        answer = super().call(method, *arguments, **options)
        self.called.add(method)
        return answer

    def stream(self, method: str, *arguments: Any, **options: Any) -> Iterator[dict[str, Any]]:
        for answer in super().stream(method, *arguments, **options):
            self.called.add(method)
            yield answer


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Recorder]:
    with Recorder(cluster.endpoints, cluster.credentials, 30.0) as client:
        yield client


Check = Callable[[Recorder, Cluster], None]
CHECKS: dict[str, tuple[Check, tuple[str, ...]]] = {}


def checks(*methods: str) -> Callable[[Check], Check]:
    """What follows calls these methods and looks at what they answer."""

    def register(check: Check) -> Check:
        CHECKS[check.__name__] = check, methods
        return check

    return register


# -- keys --------------------------------------------------------------------------------------------------------------


@checks("KV.Range", "KV.Put", "KV.DeleteRange")
def keys(client: Recorder, _cluster: Cluster) -> None:
    client.call("KV.Put", {"key": "k/1", "value": b"\x00\xff"})
    answer = client.call("KV.Put", {"key": "k/1", "value": "two", "prev_kv": True})
    assert answer["prev_kv"]["value"] == b"\x00\xff"
    client.call("KV.Put", {"key": "k/2", "value": "x"})
    found = client.call("KV.Range", {"key": "k/", "range_end": "k0", "sort_order": "DESCEND", "keys_only": True})
    assert [kv["key"] for kv in found["kvs"]] == [b"k/2", b"k/1"]
    assert (found["count"], found["kvs"][1]["version"]) == (2, 2)
    gone = client.call("KV.DeleteRange", {"key": "k/", "range_end": "k0", "prev_kv": True})
    assert gone["deleted"] == 2
    assert [kv["value"] for kv in gone["prev_kvs"]] == [b"two", b"x"]


@checks("KV.Txn")
def transaction(client: Recorder, _cluster: Cluster) -> None:
    request = {
        "compare": [{"key": "t", "target": "CREATE", "create_revision": 0}],
        "success": [{"request_put": {"key": "t", "value": "1"}}, {"request_range": {"key": "t"}}],
        "failure": [{"request_delete_range": {"key": "t"}}],
    }
    made = client.call("KV.Txn", request)
    assert made["succeeded"]
    assert made["responses"][1]["response_range"]["kvs"][0]["value"] == b"1"
    again = client.call("KV.Txn", request)
    assert not again["succeeded"]
    assert again["responses"][0]["response_delete_range"]["deleted"] == 1


@checks("KV.Compact")
def compaction(client: Recorder, _cluster: Cluster) -> None:
    revision = client.call("KV.Put", {"key": "c"})["header"]["revision"]
    client.call("KV.Put", {"key": "c"})
    client.call("KV.Compact", {"revision": revision + 1, "physical": True})
    with pytest.raises(RpcError, match="OutOfRange: etcdserver: mvcc: required revision has been compacted"):
        client.call("KV.Range", {"key": "c", "revision": revision})


@checks("KV.RangeStream")
def range_stream(client: Recorder, _cluster: Cluster) -> None:
    client.call("KV.Put", {"key": "s", "value": "streamed"})
    parts = list(client.stream("KV.RangeStream", {"key": "s"}))
    assert [kv["value"] for part in parts for kv in part["range_response"]["kvs"]] == [b"streamed"]


@checks("Watch.Watch")
def watch(client: Recorder, _cluster: Cluster) -> None:
    revision = client.call("KV.Put", {"key": "w", "value": "1"})["header"]["revision"]
    client.call("KV.DeleteRange", {"key": "w"})
    answers = client.stream("Watch.Watch", {"create_request": {"key": "w", "start_revision": revision}})
    assert next(answers)["created"]
    events = next(answers)["events"]
    assert [(event["type"], event["kv"]["key"]) for event in events] == [("PUT", b"w"), ("DELETE", b"w")]


# -- leases ------------------------------------------------------------------------------------------------------------


@checks("Lease.LeaseGrant", "Lease.LeaseRevoke", "Lease.LeaseKeepAlive", "Lease.LeaseTimeToLive", "Lease.LeaseLeases")
def leases(client: Recorder, _cluster: Cluster) -> None:
    lease = client.call("Lease.LeaseGrant", {"TTL": 60})["ID"]
    client.call("KV.Put", {"key": "l", "lease": lease})
    left = client.call("Lease.LeaseTimeToLive", {"ID": lease, "keys": True})
    assert (left["grantedTTL"], left["keys"]) == (60, [b"l"])
    assert 0 < left["TTL"] <= 60
    assert client.call("Lease.LeaseKeepAlive", {"ID": lease})["TTL"] == 60
    assert lease in [one["ID"] for one in client.call("Lease.LeaseLeases")["leases"]]
    client.call("Lease.LeaseRevoke", {"ID": lease})
    assert client.call("KV.Range", {"key": "l"})["count"] == 0


# -- cluster -----------------------------------------------------------------------------------------------------------


@checks("Cluster.MemberList")
def member_list(client: Recorder, cluster: Cluster) -> None:
    (member,) = client.call("Cluster.MemberList", {"linearizable": True})["members"]
    assert (member["name"], member["clientURLs"], member["isLearner"]) == ("m0", cluster.endpoints, False)


@checks("Cluster.MemberAdd", "Cluster.MemberUpdate", "Cluster.MemberRemove")
def members(client: Recorder, _cluster: Cluster) -> None:
    added = client.call("Cluster.MemberAdd", {"peerURLs": ["http://127.0.0.1:1"], "isLearner": True})
    member = added["member"]["ID"]
    assert [one["isLearner"] for one in added["members"] if one["ID"] == member] == [True]
    updated = client.call("Cluster.MemberUpdate", {"ID": member, "peerURLs": ["http://127.0.0.1:2"]})
    assert [one["peerURLs"] for one in updated["members"] if one["ID"] == member] == [["http://127.0.0.1:2"]]
    assert [one["name"] for one in client.call("Cluster.MemberRemove", {"ID": member})["members"]] == ["m0"]


# -- maintenance -------------------------------------------------------------------------------------------------------


@checks("Maintenance.Status")
def status(client: Recorder, cluster: Cluster) -> None:
    answer = client.call("Maintenance.Status")
    assert answer["version"] == cluster.version
    assert answer["leader"] == answer["header"]["member_id"]
    assert answer["raftAppliedIndex"] > 0


@checks("Maintenance.Alarm")
def alarm(client: Recorder, _cluster: Cluster) -> None:
    raised = {"memberID": client.call("Maintenance.Status")["header"]["member_id"], "alarm": "NOSPACE"}
    client.call("Maintenance.Alarm", {"action": "ACTIVATE", **raised})
    try:
        assert client.call("Maintenance.Alarm", {"action": "GET"})["alarms"] == [raised]
        with pytest.raises(RpcError, match="database space exceeded"):
            client.call("KV.Put", {"key": "full"})
    finally:
        client.call("Maintenance.Alarm", {"action": "DEACTIVATE", **raised})
    assert client.call("Maintenance.Alarm")["alarms"] == []


@checks("Maintenance.Defragment")
def defragmentation(client: Recorder, cluster: Cluster) -> None:
    client.call("Maintenance.Defragment", endpoint=cluster.endpoints[0])


@checks("Maintenance.Hash", "Maintenance.HashKV")
def hashes(client: Recorder, _cluster: Cluster) -> None:
    first = client.call("Maintenance.HashKV")
    assert first["hash"] and client.call("Maintenance.HashKV")["hash"] == first["hash"]
    client.call("KV.Put", {"key": "h"})
    assert client.call("Maintenance.HashKV")["hash"] != first["hash"]
    assert client.call("Maintenance.Hash")["hash"]


@checks("Maintenance.Snapshot")
def snapshot(client: Recorder, _cluster: Cluster) -> None:
    parts = list(client.stream("Maintenance.Snapshot"))
    assert sum(len(part["blob"]) for part in parts) > 16384
    assert parts[-1]["remaining_bytes"] == 0


@checks("Maintenance.MoveLeader")
def leadership(client: Recorder, _cluster: Cluster) -> None:
    leader = client.call("Maintenance.Status")["leader"]
    client.call("Maintenance.MoveLeader", {"targetID": leader})
    with pytest.raises(RpcError, match="bad leader transferee"):
        client.call("Maintenance.MoveLeader", {"targetID": 1})


@checks("Maintenance.Downgrade")
def downgrade(client: Recorder, cluster: Cluster) -> None:
    major, minor, _patch = cluster.version.split(".")
    target = f"{major}.{int(minor) - 1}"
    answer = _soon(lambda: client.call("Maintenance.Downgrade", {"action": "VALIDATE", "version": f"{target}.0"}))
    assert answer["version"].startswith(f"{major}.{minor}")
    with pytest.raises(RpcError, match="invalid downgrade target version"):
        client.call("Maintenance.Downgrade", {"action": "VALIDATE", "version": f"{major}.{minor}.0"})


# -- authentication ----------------------------------------------------------------------------------------------------


@checks("Auth.AuthEnable", "Auth.AuthDisable", "Auth.Authenticate")
def switching(client: Recorder, cluster: Cluster) -> None:
    try:
        if cluster.guarded:
            client.call("Auth.AuthDisable")
        with pytest.raises(RpcError, match="authentication is not enabled"):
            client.call("Auth.Authenticate", ROOT)
        client.call("Auth.AuthEnable")
        assert client.call("Auth.Authenticate", ROOT)["token"]
        with pytest.raises(RpcError, match="invalid user ID or password"):
            client.call("Auth.Authenticate", {**ROOT, "password": "wrong"})
        with Recorder(cluster.endpoints, cluster.credentials._replace(username="root", password="secret")) as root:
            root.call("Auth.AuthDisable")
            client.called |= root.called
    finally:
        if cluster.guarded:
            client.call("Auth.AuthEnable")


@checks("Auth.AuthStatus")
def auth_status(client: Recorder, cluster: Cluster) -> None:
    answer = client.call("Auth.AuthStatus")
    assert answer["enabled"] is cluster.guarded
    assert answer["authRevision"] > 0


@checks(
    "Auth.UserAdd",
    "Auth.UserGet",
    "Auth.UserList",
    "Auth.UserDelete",
    "Auth.UserChangePassword",
    "Auth.UserGrantRole",
    "Auth.UserRevokeRole",
)
def users(client: Recorder, _cluster: Cluster) -> None:
    client.call("Auth.RoleAdd", {"name": "reader"})
    client.call("Auth.UserAdd", {"name": "anna", "password": "one"})
    assert client.call("Auth.UserList")["users"] == ["anna", "root"]
    client.call("Auth.UserGrantRole", {"user": "anna", "role": "reader"})
    assert client.call("Auth.UserGet", {"name": "anna"})["roles"] == ["reader"]
    client.call("Auth.UserRevokeRole", {"name": "anna", "role": "reader"})
    assert client.call("Auth.UserGet", {"name": "anna"})["roles"] == []
    client.call("Auth.UserChangePassword", {"name": "anna", "password": "two"})
    client.call("Auth.UserDelete", {"name": "anna"})
    assert client.call("Auth.UserList")["users"] == ["root"]
    client.call("Auth.RoleDelete", {"role": "reader"})


@checks(
    "Auth.RoleAdd",
    "Auth.RoleGet",
    "Auth.RoleList",
    "Auth.RoleDelete",
    "Auth.RoleGrantPermission",
    "Auth.RoleRevokePermission",
)
def roles(client: Recorder, _cluster: Cluster) -> None:
    client.call("Auth.RoleAdd", {"name": "writer"})
    assert client.call("Auth.RoleList")["roles"] == ["root", "writer"]
    permission = {"permType": "READWRITE", "key": b"a", "range_end": b"b"}
    client.call("Auth.RoleGrantPermission", {"name": "writer", "perm": permission})
    assert client.call("Auth.RoleGet", {"role": "writer"})["perm"] == [permission]
    client.call("Auth.RoleRevokePermission", {"role": "writer", "key": b"a", "range_end": b"b"})
    assert client.call("Auth.RoleGet", {"role": "writer"})["perm"] == []
    client.call("Auth.RoleDelete", {"role": "writer"})
    assert client.call("Auth.RoleList")["roles"] == ["root"]


# -- at the end, for it leaves a cluster of two ------------------------------------------------------------------------


@checks("Cluster.MemberPromote")
def promotion(client: Recorder, cluster: Cluster) -> None:
    cluster.add("learner")
    (member,) = [one["ID"] for one in client.call("Cluster.MemberList")["members"] if one["name"] == "learner"]
    promoted = _soon(lambda: client.call("Cluster.MemberPromote", {"ID": member}))
    assert {one["name"]: one["isLearner"] for one in promoted["members"]} == {"m0": False, "learner": False}


# -- how ---------------------------------------------------------------------------------------------------------------


def _soon(act: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """The answer to what etcd refuses until something has settled: a learner's log, the cluster's version."""
    end = time.monotonic() + 20
    while True:
        try:
            return act()
        except RpcError as exc:
            if exc.name == "Unimplemented" or time.monotonic() > end:
                raise
            time.sleep(0.1)


# -- the tests -------------------------------------------------------------------------------------------------------


def test_no_call_is_left_out() -> None:
    assert sorted(method for _check, methods in CHECKS.values() for method in methods) == sorted(METHODS)


EVERYTHING = [(version, way) for version in EVERY_VERSION for way in WAYS]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "cluster",
    [pytest.param(one, id="-".join(one), marks=[] if one in SAMPLE else pytest.mark.matrix) for one in EVERYTHING],
    indirect=True,
    scope="module",
)
def test_calls_are_answered(client: Recorder, cluster: Cluster, check: str) -> None:
    act, methods = CHECKS[check]
    version = tuple(map(int, cluster.version.split(".")))
    if version < SINCE.get(methods[0], (0,)):
        with pytest.raises(RpcError) as caught:
            act(client, cluster)
        assert (caught.value.call, caught.value.name) == (methods[0], "Unimplemented")
    else:
        act(client, cluster)
        assert set(methods) <= client.called
