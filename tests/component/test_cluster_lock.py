# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster's lock in real etcd."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from cluster import Cluster, Tls, switch_authentication_on

MakeCluster = Callable[..., Cluster]

#: Of a process that holds the lock until it is killed.
HOLD = """
import sys, time
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
cluster_lock.TTL = int(sys.argv[1])
with cluster_lock.held(sys.argv[2:], Credentials(), "a restart of m0", 0):
    print("held", flush=True)
    time.sleep(600)
"""


def hold(cluster: Cluster, owner: str = "a test", wait: float = 0.0):  # type: ignore[no-untyped-def]
    return cluster_lock.held(cluster.endpoints, cluster.credentials, owner, wait)


def left_behind(cluster: Cluster) -> tuple[int, list[object]]:
    """How many keys, and which leases, there are."""
    with cluster.client() as client:
        return client.read("", prefix=True)["count"], client.call("Lease.LeaseLeases")["leases"]


def until(question: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_second_owner_is_refused_and_told_who_the_first_is(every_version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(every_version)
    with hold(cluster, "restart of etcd-host1, by process 123 on etcd-host1") as lock:
        lock.check()
        with pytest.raises(Refused) as caught, hold(cluster):
            pass
        assert caught.value.found == (
            "Somebody else is at work on this cluster: restart of etcd-host1, by process 123 on etcd-host1."
        )
        with pytest.raises(Refused), hold(cluster, wait=0.5):
            pass
        lock.check()
    assert left_behind(cluster) == (0, [])
    with hold(cluster):
        pass
    assert left_behind(cluster) == (0, [])


def test_it_says_under_which_key_it_lies(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version)
    with hold(cluster, "a test"), cluster.client() as client:
        assert [kv["value"] for kv in client.read("/quorum.etcd/turn")["kvs"]] == [b"a test"]


def test_an_act_that_fails_gives_it_back(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version)
    with pytest.raises(ZeroDivisionError), hold(cluster):
        raise ZeroDivisionError
    assert left_behind(cluster) == (0, [])


def test_many_at_once_go_one_after_another(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version, size=3)
    inside: list[str] = []
    most: list[int] = []

    def act(name: str) -> None:
        with hold(cluster, name, wait=60):
            inside.append(name)
            most.append(len(inside))
            time.sleep(0.2)
            inside.remove(name)

    threads = [threading.Thread(target=act, args=(f"a{at}",)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 6
    assert left_behind(cluster) == (0, [])


def test_the_lock_of_a_killed_owner_goes_by_itself(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version)
    command = [sys.executable, "-c", HOLD, "3", *cluster.endpoints]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        # Longer than its lease, which it keeps alive.
        with pytest.raises(Refused, match="a restart of m0"), hold(cluster, wait=5):
            pass
        owner.kill()
    with pytest.raises(Refused, match="a restart of m0"), hold(cluster):
        pass
    with hold(cluster, wait=60):
        pass
    assert left_behind(cluster) == (0, [])


def test_it_outlasts_a_restart_of_the_only_member(every_version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(every_version)
    member = cluster.members[0]
    with hold(cluster, "a restart of m0") as lock:
        cluster.end(member)
        cluster.launch(member)
        cluster.wait_for(member)
        lock.check()
        with pytest.raises(Refused, match="a restart of m0"), hold(cluster):
            pass
    assert left_behind(cluster) == (0, [])


def test_a_member_that_hangs_does_not_cost_the_lease(
    version: str, make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_lock, "TTL", 8)
    cluster = make_cluster(version, size=3)
    cluster.lead(cluster.members[1])
    with hold(cluster) as lock:
        cluster.pause(cluster.members[0])
        time.sleep(10)
        lock.check()
        with Client(cluster.endpoints[1:]) as client:
            assert client.read(cluster_lock.KEY)["count"] == 1
    with Client(cluster.endpoints[1:]) as client:
        assert client.read(cluster_lock.KEY)["count"] == 0


def test_a_lease_that_is_gone_is_noticed(
    version: str, make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_lock, "TTL", 2)
    cluster = make_cluster(version)

    def lost(lock: cluster_lock.Lock) -> bool:
        try:
            lock.check()
        except Refused as exc:
            assert "turn lock (/quorum.etcd/turn) was lost" in exc.found
            return True
        return False

    with hold(cluster) as lock, cluster.client() as client:
        client.lease_revoke(client.call("Lease.LeaseLeases")["leases"][0]["ID"])
        until(lambda: lost(lock))
        with hold(cluster, "another"):
            pass


def test_members_that_nobody_reaches_for_too_long_cost_the_lock(
    version: str, make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_lock, "TTL", 2)
    cluster = make_cluster(version)
    with hold(cluster) as lock:
        cluster.end(cluster.members[0])
        # Its lease lasts, and nobody says so.
        with pytest.raises(TransportError):
            lock.check()
        time.sleep(2.5)
        with pytest.raises(Refused, match="could not be renewed"):
            lock.check()


@pytest.mark.parametrize("alarm, remedy", [("NOSPACE", "defragment"), ("CORRUPT", "hashkv")])
def test_an_alarm_under_which_nothing_is_written_is_named(
    every_version: str, make_cluster: MakeCluster, alarm: str, remedy: str
) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        member_id = client.status().member_id
        client.call("Maintenance.Alarm", {"action": "ACTIVATE", "memberID": int(member_id, 16), "alarm": alarm})
    with pytest.raises(Refused, match=f"alarm {alarm}") as caught, hold(cluster, wait=60):
        pass
    assert remedy in caught.value.remedy
    assert left_behind(cluster) == (0, [])


def test_without_a_quorum_nobody_gets_it(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version, size=3)
    for member in cluster.members[1:]:
        cluster.end(member)
    with pytest.raises(Refused) as caught, hold(cluster, wait=60):
        pass
    assert caught.value.found.startswith("Of 3 voters 0 are healthy, and 2 are needed for a quorum.")


def test_a_key_without_a_lease_is_removed_as_the_refusal_says(every_version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        client.put(cluster_lock.KEY, b"")
        with pytest.raises(Refused) as caught, hold(cluster):
            pass
        assert caught.value.remedy.endswith(f"remove it: etcdctl del {cluster_lock.KEY}")
        client.delete(cluster_lock.KEY)
    with hold(cluster) as lock:
        lock.check()
    assert left_behind(cluster) == (0, [])


def test_one_member_down_does_not_matter(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version, size=3)
    cluster.end(cluster.members[0])
    with hold(cluster, wait=20) as lock:
        lock.check()
    assert left_behind(cluster) == (0, [])


def test_who_may_not_write_is_told_so_by_etcd(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    cluster = make_cluster(version)
    with cluster.client() as client:
        switch_authentication_on(client, "root", "secret")
    with pytest.raises(RpcError, match="user name is empty"), hold(cluster, wait=60):
        pass
    cluster.login = ("root", "secret")
    with hold(cluster) as lock:
        lock.check()


def test_certificates_open_the_way(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    with hold(cluster) as lock:
        lock.check()
    assert left_behind(cluster) == (0, [])
    stranger = cluster_lock.held(cluster.endpoints, Credentials(ca_path=tls.authority.path), "a test", 60)
    with pytest.raises(TransportError, match="client certificate"), stranger:
        pass
