# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateways and gRPC proxies of each version before real clusters, and what modules say of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._proxy import health
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from cluster import _WORKER, Cluster, Tls, free_ports
from name_server import DOMAIN, NameServer
from proxies import Proxies, counted

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]

#: Modules that are about members, and what else they need to be asked anything.
ABOUT_MEMBERS: dict[str, dict[str, Any]] = {
    "etcd_member_info": {},
    "etcd_health_info": {},
    "etcd_member": {"state": "absent", "name": "m9"},
    "etcd_leader": {"name": "m0"},
    "etcd_alarm": {"state": "disarmed", "alarm": "NOSPACE"},
    "etcd_compaction": {"keep_revisions": 1},
    "etcd_downgrade": {"state": "cancelled"},
    "etcd_snapshot": {"directory": "/nonexistent", "cluster": "etcd_cluster"},
}


@pytest.fixture
def proxies(tmp_path: Path) -> Iterator[Proxies]:
    proxies = Proxies(tmp_path / "proxies")
    (tmp_path / "proxies").mkdir()
    yield proxies
    proxies.end()


@pytest.mark.parametrize("kind", ["gateway", "grpc"])
@pytest.mark.parametrize("secure", [True, False], ids=["tls", "plain"])
def test_a_request_goes_through(
    every_version: str, kind: str, secure: bool, make_cluster: MakeCluster, proxies: Proxies, tls: Tls
) -> None:
    cluster = make_cluster(every_version, 3, tls=tls if secure else None)
    proxy = proxies.start(cluster, kind)
    with proxy.client() as through, cluster.client() as direct:
        through.put("a", "1")
        assert direct.read("a")["kvs"][0]["value"] == b"1"
        assert through.read("a")["kvs"][0]["value"] == b"1"
    if secure and kind == "grpc":
        with (
            Client([proxy.url], Credentials(tls.authority.path), 5.0) as nobody,
            pytest.raises(Exception, match="cert"),
        ):
            nobody.read("a")


def test_modules_about_members_refuse_a_grpc_proxy(
    every_version: str, make_cluster: MakeCluster, proxies: Proxies, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    for entry in ({}, {"resolver_prefix": "___proxies", "resolver_ttl": 5}):
        proxy = proxies.start(cluster, "grpc", **entry)
        said = {name: run_module(name, endpoints=[proxy.url], **options) for name, options in ABOUT_MEMBERS.items()}
        codes = {name: [one["code"] for one in told.result.get("refusals", [])] for name, told in said.items()}
        assert codes == {name: ["proxy-endpoint"] for name in ABOUT_MEMBERS}
        assert all(proxy.url in told.result["msg"] for told in said.values())


def test_an_endpoint_that_is_a_proxy_is_noticed_before_the_unit_is_written(
    version: str, make_cluster: MakeCluster, proxies: Proxies
) -> None:
    cluster = make_cluster(version)
    proxy = proxies.start(cluster, "grpc")
    files = dict.fromkeys(("ca", "cert", "key"), "")
    health.check_members([*cluster.endpoints, "http://127.0.0.1:1"], files)
    with pytest.raises(Refused, match="is an etcd gRPC proxy"):
        health.check_members([*cluster.endpoints, proxy.url], files)


def test_one_that_leads_to_nobody_is_told(every_version: str, make_cluster: MakeCluster, proxies: Proxies) -> None:
    cluster = make_cluster(every_version)
    running = [proxies.start(cluster, kind) for kind in ("gateway", "grpc")]
    cluster.stop()
    for proxy in running:
        assert health.problem(proxy.asked)
        assert proxy.process.poll() is None


def test_a_namespace_is_the_whole_key_space_of_its_clients(
    every_version: str, make_cluster: MakeCluster, proxies: Proxies, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    proxy = proxies.start(cluster, "grpc", namespace="app/", resolver_prefix="___proxies", resolver_ttl=5)
    assert run_module("etcd_key", endpoints=[proxy.url], key="a", value="1").result["changed"]
    assert run_module("etcd_lock", endpoints=[proxy.url], name="turn", wait=1).result["changed"]
    with cluster.client() as direct:
        keys = {one["key"] for one in direct.read("", prefix=True)["kvs"]}
    assert b"app/a" in keys
    assert all(key.startswith(b"app/") for key in keys), "the registration of the proxy among them"


def test_plain_clients_reach_a_secure_cluster(
    every_version: str, make_cluster: MakeCluster, proxies: Proxies, tls: Tls
) -> None:
    cluster = make_cluster(every_version, tls=tls)
    proxy = proxies.start(cluster, "grpc", tls=False)
    with Client([proxy.url], Credentials(), 5.0) as nobody:
        nobody.put("a", "1")
    with cluster.client() as direct:
        assert direct.read("a")["count"] == 1


def test_a_certificate_with_a_common_name_is_none_for_a_proxy(
    every_version: str, make_cluster: MakeCluster, proxies: Proxies, tls: Tls
) -> None:
    """As the refusal says of it."""
    cluster = make_cluster(every_version, tls=tls)
    named = tls.authority.issue("named", common_name="proxy")
    files = {"client_cert": named.cert, "client_key": named.key, "client_ca": tls.authority.path}
    proxy = proxies.launch(cluster, "grpc", tls=False, **files)
    assert proxy.process.wait(20) != 0
    assert "non empty Common Name" in proxy.log.read_text()


def test_a_renewed_certificate_needs_no_restart(
    every_version: str, make_cluster: MakeCluster, proxies: Proxies, tls: Tls
) -> None:
    cluster = make_cluster(every_version, tls=tls)
    proxy = proxies.start(cluster, "grpc")
    for path, content in zip(("proxy", "proxy-key"), ("cert", "key")):
        own = Path(proxy.layout.certificate(path))
        own.unlink()
        own.write_text("no certificate" if content == "cert" else "no key")
    assert health.problem(proxy.asked), "it is read at each handshake"
    renewed = tls.authority.issue("renewed")
    Path(proxy.layout.certificate("proxy")).write_bytes(Path(renewed.cert).read_bytes())
    Path(proxy.layout.certificate("proxy-key")).write_bytes(Path(renewed.key).read_bytes())
    assert health.problem(proxy.asked) == ""


def test_metrics_and_health_have_an_address_of_their_own(
    every_version: str, make_cluster: MakeCluster, proxies: Proxies, tls: Tls
) -> None:
    cluster = make_cluster(every_version, tls=tls)
    metrics = f"http://127.0.0.1:{free_ports(1)[0]}"
    proxies.start(cluster, "grpc", metrics_url=metrics, max_concurrent_streams=50)
    assert counted([metrics], "etcd_grpc_proxy_cache_hits_total") == 0


def test_endpoints_follow_the_cluster_where_they_are_synced(make_cluster: MakeCluster, proxies: Proxies) -> None:
    """What a restart is spared for: the only member that the process was told of is gone in the end."""
    cluster = make_cluster("3.6.14", 3)
    first, *_others = cluster.members
    proxy = proxies.start(cluster, "grpc", endpoints=[first.client_url], auto_sync="1s")
    with proxy.client(5.0) as through:
        through.put("a", "1")
        end = time.monotonic() + 60
        while counted([first.client_url], "grpc_server_started_total", 'grpc_method="MemberList"') < 2:
            assert time.monotonic() < end
            time.sleep(0.1)
        cluster.end(first)
        while True:
            try:
                assert through.read("a")["count"] == 1
                break
            except EtcdError:
                assert time.monotonic() < end
                time.sleep(0.2)


class Watchers:
    """Clients that watch one key each, and see one event."""

    def __init__(self, url: str, keys: list[str]) -> None:
        self._clients = [Client([url], Credentials(), 20.0) for _key in keys]
        self._created = threading.Barrier(len(keys) + 1)
        self.seen: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._watch, args=(client, key), daemon=True)
            for client, key in zip(self._clients, keys)
        ]
        for thread in self._threads:
            thread.start()
        self._created.wait(20)

    def _watch(self, client: Client, key: str) -> None:
        request = {"create_request": {"key": key.encode()}}
        for answer in client.stream("Watch.Watch", request, idle=20.0, stays_open=True):
            if answer["created"]:
                self._created.wait(20)
            if answer["events"]:
                self.seen.append(answer["events"][0]["kv"]["value"])
                return

    def wait(self) -> list[bytes]:
        for thread in self._threads:
            thread.join(20)
        return self.seen


CLIENTS = 12


def test_watches_and_leases_of_many_clients_are_few_to_the_members(
    every_version: str, make_cluster: MakeCluster, proxies: Proxies
) -> None:
    """Counted by the members, whose own metrics say what the proxy spares them."""
    cluster = make_cluster(every_version)
    urls = cluster.endpoints
    proxy = proxies.start(cluster, "grpc")

    def watchers() -> float:
        return counted(urls, "etcd_debugging_mvcc_watcher_total")

    def renewals() -> float:
        return counted(urls, "grpc_server_started_total", 'grpc_method="LeaseKeepAlive"')

    before = watchers()
    watching = Watchers(proxy.url, ["a"] * CLIENTS)
    by_proxy = watchers() - before
    direct = Watchers(urls[0], ["a"] * CLIENTS)
    by_themselves = watchers() - before - by_proxy
    with cluster.client() as client:
        client.put("a", "1")
        # The proxy renews it by its own clock, and answers all who wait.
        lease = client.lease_grant(6)["lease"]
    assert watching.wait() == direct.wait() == [b"1"] * CLIENTS
    assert by_themselves == CLIENTS
    # One each for those that came while the ones before were not yet made one.
    assert by_proxy <= CLIENTS / 3

    def renew(url: str) -> float:
        before = renewals()
        clients = [Client([url], Credentials(), 10.0) for _client in range(CLIENTS)]
        streams = [one.stream("Lease.LeaseKeepAlive", {"ID": lease}, stays_open=True) for one in clients]
        with ThreadPoolExecutor(CLIENTS) as pool:
            assert list(pool.map(lambda stream: next(stream)["TTL"], streams)) == [6] * CLIENTS
        return renewals() - before

    assert renew(urls[0]) == CLIENTS
    assert renew(proxy.url) <= 1


@pytest.mark.skipif(os.geteuid() != 0, reason="etcd asks the name servers of /etc/resolv.conf, at port 53")
@pytest.mark.parametrize("kind", ["gateway", "grpc"])
@pytest.mark.parametrize("secure", [True, False], ids=["tls", "plain"])
def test_members_are_found_by_records(
    every_version: str, kind: str, secure: bool, make_cluster: MakeCluster, proxies: Proxies, tls: Tls, tmp_path: Path
) -> None:
    """In a mount namespace of its own, so that the machine goes on asking whom it asked."""
    names = tuple(f"m{at}.{DOMAIN}" for at in range(3))
    tls.server = tls.authority.issue("server", hosts=("127.0.0.1", "localhost", *names))
    cluster = make_cluster(every_version, 3, tls=tls if secure else None)
    ports = [int(url.rpartition(":")[2]) for url in cluster.endpoints]
    # Another worker's has the same names at other ports.
    server = NameServer(tmp_path, port=53, address=f"127.0.53.{_WORKER + 1}")
    service = "_etcd-client-ssl" if secure else "_etcd-client"
    server.serve(
        [(service, f"m{at}", port) for at, port in enumerate(ports)], {f"m{at}": "127.0.0.1" for at in range(3)}
    )
    (tmp_path / "resolv.conf").write_text(f"nameserver {server.address}\n")
    script = f'mount --bind {tmp_path}/resolv.conf /etc/resolv.conf; exec "$@"'
    namespace = ["unshare", "--mount", "sh", "-ceu", script, "sh"]
    try:
        proxy = proxies.start(cluster, kind, before=namespace, discovery_srv=DOMAIN)
        with proxy.client() as through, cluster.client() as direct:
            through.put("a", "1")
            assert direct.read("a")["count"] == 1
    finally:
        server.stop()
