# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules for data where users have roles, and by way of etcd's gRPC proxy."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from cluster import READY_WITHIN, Cluster, Tls, binary, free_ports, switch_authentication_on

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]

PASSWORD = "word"


class Way(NamedTuple):
    """How tasks reach a cluster."""

    run: RunModule
    options: dict[str, Any]

    def __call__(self, name: str, /, **options: Any) -> dict[str, Any]:
        outcome = self.run(name, **self.options, **options)
        assert not outcome.failed, outcome.result["msg"]
        return dict(outcome.result)

    def refusal(self, name: str, /, **options: Any) -> dict[str, str]:
        outcome = self.run(name, **self.options, **options)
        assert outcome.failed, outcome.result
        (refusal,) = outcome.result["refusals"]
        return dict(refusal)


def do_everything(way: Way) -> None:
    """All that a user may do below ``/app/``."""
    assert way("etcd_key", key="/app/a", value="1")["changed"]
    assert not way("etcd_key", key="/app/a", value="1")["changed"]
    assert way("etcd_key", key="/app/a", value="2", prev_value="1")["old_value"] == "1"
    assert way("etcd_key_info", key="/app/", prefix=True)["entries"][0]["value"] == "2"
    options = {"compare": [{"key": "/app/a", "value": "2"}], "then": [{"put": "/app/a", "value": "3"}]}
    assert way("etcd_txn", **options)["succeeded"]
    found = way("etcd_watch_info", key="/app/a", value="2", revision=1, wait=20)
    assert found["entry"]["value"] == "2"
    assert way("etcd_watch_info", key="/app/a", value="3", wait=20)["revision"] > found["revision"]
    lease = way("etcd_lease", ttl=60)["lease"]
    way("etcd_key", key="/app/leased", value="1", lease=lease)
    assert way("etcd_lease", state="renewed", lease=lease)["ttl"] >= 59
    assert way("etcd_lease", state="revoked", lease=lease)["keys_on_lease"] == ["/app/leased"]
    assert way("etcd_lease", state="revoked", lease=lease)["changed"] is False
    assert way.refusal("etcd_lease", state="renewed", lease=lease)["code"] == "lease-gone"
    this = {"name": "/app/locks/deploy"}
    lock = way("etcd_lock", **this, ttl=2, wait=0)
    try:
        begin = time.monotonic()
        while time.monotonic() - begin < 5.0:
            time.sleep(0.5)
            assert way("etcd_lock", **this, state="held", lease=lock["lease"], check_mode=True)["revision"]
        assert way("etcd_lock", **this, state="held", lease=lock["lease"])["revision"] == lock["revision"]
        assert way.refusal("etcd_lock", **this, wait=0)["code"] == "task-lock-held"
    finally:
        released = way("etcd_lock", **this, state="released", lease=lock["lease"])
    assert released["changed"]
    assert way("etcd_key", key="/app/", prefix=True, state="absent")["deleted"] == 1


def let_users_in(client: Client) -> None:
    """A user ``app`` for all below ``/app/`` and for ``foo``, and a user ``reader`` who may read the former."""
    for user, kind in (("app", "READWRITE"), ("reader", "READ")):
        client.call("Auth.UserAdd", {"name": user, "password": PASSWORD})
        client.call("Auth.RoleAdd", {"name": user})
        permission = {"permType": kind, "key": "/app/", "range_end": "/app0"}
        client.call("Auth.RoleGrantPermission", {"name": user, "perm": permission})
        client.call("Auth.UserGrantRole", {"user": user, "role": user})
    client.call("Auth.RoleGrantPermission", {"name": "app", "perm": {"permType": "READWRITE", "key": "foo"}})
    switch_authentication_on(client, "root", PASSWORD)


class TestWithPasswords:
    @pytest.fixture
    def cluster(self, every_version: str, make_cluster: MakeCluster) -> Cluster:
        cluster = make_cluster(every_version)
        with cluster.client() as client:
            let_users_in(client)
        return cluster

    def test_a_user_does_what_its_role_allows(self, cluster: Cluster, run_module: RunModule) -> None:
        do_everything(Way(run_module, {"endpoints": cluster.endpoints, "user": "app", "password": PASSWORD}))

    def test_what_is_refused_names_user_key_and_role(self, cluster: Cluster, run_module: RunModule) -> None:
        app = Way(run_module, {"endpoints": cluster.endpoints, "username": "app", "password": PASSWORD})
        for name, wish, options in (
            ("etcd_key", "readwrite", {"key": "/other", "value": "1"}),
            ("etcd_key", "readwrite", {"key": "/other", "state": "absent"}),
            ("etcd_txn", "readwrite", {"then": [{"put": "/other", "value": "1"}]}),
            ("etcd_key_info", "read", {"key": "/other"}),
            ("etcd_watch_info", "read", {"key": "/other", "wait": 5}),
            ("etcd_watch_info", "read", {"key": "/other", "wait": 5, "revision": 1}),
        ):
            refusal = app.refusal(name, **options)
            assert refusal["code"] == "permission-denied"
            assert refusal["found"] == (
                f"User app lacks the permission {wish} for /other. "
                "Its roles: app (readwrite all keys that begin with /app/, readwrite foo)."
            )
        reader = Way(run_module, {"endpoints": cluster.endpoints, "username": "reader", "password": PASSWORD})
        refusal = reader.refusal("etcd_key", key="/app/a", value="1")
        assert refusal["found"].startswith("User reader lacks the permission readwrite for /app/a. Its roles: reader (")
        assert refusal["safe"].endswith("etcdctl role grant-permission reader readwrite '/app/a'")
        refusal = reader.refusal("etcd_lock", name="/app/lock", wait=0)
        assert refusal["safe"].endswith("etcdctl role grant-permission reader readwrite --prefix=true '/app/lock/'")
        refusal = app.refusal("etcd_key_info", key="", prefix=True)
        assert refusal["found"].startswith("User app lacks the permission read for all keys.")

    def test_nobody_is_told_to_log_in(self, cluster: Cluster, run_module: RunModule) -> None:
        nobody = Way(run_module, {"endpoints": cluster.endpoints})
        assert nobody.refusal("etcd_key", key="/app/a", value="1")["code"] == "login-needed"
        assert nobody.refusal("etcd_lock", name="/app/lock", wait=1)["code"] == "login-needed"

    def test_the_command_that_a_refusal_names_helps(self, cluster: Cluster, run_module: RunModule) -> None:
        reader = Way(run_module, {"endpoints": cluster.endpoints, "username": "reader", "password": PASSWORD})
        refusal = reader.refusal("etcd_key", key="/app/a", value="1")
        program, command = refusal["safe"].partition(": ")[2].split(" ", maxsplit=1)
        login = f"{binary(cluster.version, program)} --endpoints={cluster.endpoints[0]} --user=root:{PASSWORD} "
        subprocess.run(f"ETCDCTL_API=3 {login} {command}", shell=True, check=True, capture_output=True)
        assert reader("etcd_key", key="/app/a", value="1")["changed"]


def test_a_certificate_is_a_user(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files may be named from where the task runs, although the process that renews a lock runs elsewhere."""
    cluster = make_cluster(every_version, tls=tls)
    with cluster.client() as client:
        let_users_in(client)
    pair = tls.authority.issue("app", hosts=(), common_name="app")
    monkeypatch.chdir(Path(pair.cert).parent)
    files = (tls.authority.path, pair.cert, pair.key)
    options = dict(zip(("ca_cert", "client_cert", "client_key"), map(os.path.relpath, files)))
    way = Way(run_module, {"endpoints": cluster.endpoints, **options})
    do_everything(way)
    refusal = way.refusal("etcd_key", key="/other", value="1")
    who = f"The user that the certificate {options['client_cert']} names by its CN"
    assert refusal["found"] == f"{who} lacks the permission readwrite for /other."


@pytest.fixture
def proxy(every_version: str, make_cluster: MakeCluster, tmp_path: Path) -> Iterator[tuple[Cluster, str]]:
    """A cluster, and the URL of a gRPC proxy before it."""
    cluster = make_cluster(every_version)
    address = f"127.0.0.1:{free_ports(1)[0]}"
    command = [binary(every_version), "grpc-proxy", "start", f"--endpoints={cluster.endpoints[0]}"]
    with (tmp_path / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--listen-addr={address}", f"--advertise-client-url={address}"], stdout=log, stderr=log
        )
    try:
        with Client([f"http://{address}"]) as client:
            end = time.monotonic() + READY_WITHIN
            while True:
                try:
                    client.read("ready")
                    break
                except EtcdError:
                    assert time.monotonic() < end
                    time.sleep(0.1)
        yield cluster, f"http://{address}"
    finally:
        process.terminate()
        process.wait()


class TestByWayOfAProxy:
    def test_everything_works(self, proxy: tuple[Cluster, str], run_module: RunModule) -> None:
        do_everything(Way(run_module, {"endpoints": [proxy[1]]}))

    def test_users_are_told_apart(self, proxy: tuple[Cluster, str], run_module: RunModule) -> None:
        cluster, url = proxy
        with cluster.client() as client:
            let_users_in(client)
        way = Way(run_module, {"endpoints": [url], "username": "app", "password": PASSWORD})
        assert way("etcd_key", key="/app/a", value="1")["changed"]
        assert way("etcd_key_info", key="/app/a")["count"] == 1
        assert way.refusal("etcd_key", key="/other", value="1")["code"] == "permission-denied"


def test_the_examples_of_etcd3_run_unchanged(
    version: str, make_cluster: MakeCluster, run_module: RunModule, tls: Tls
) -> None:
    """With the options as the documentation of community.general writes them, be it with other files and ports."""
    plain = make_cluster(version)
    port = plain.endpoints[0].rpartition(":")[2]
    first = {"key": "foo", "value": "baz3", "host": "localhost", "port": port, "state": "present"}
    assert run_module("etcd_key", **first).result["changed"]
    again = run_module("etcd_key", **first).result
    assert (again["changed"], again["key"], again["old_value"]) == (False, "foo", "baz3")
    assert run_module("etcd_key", **{**first, "state": "absent"}).result["changed"]
    with plain.client() as client:
        let_users_in(client)
    login = {"user": "app", "password": PASSWORD, "timeout": 10}
    assert run_module("etcd_key", port=port, key="foo", value="baz3", state="present", **login).result["changed"]
    secure = make_cluster(version, tls=tls)
    files = {"ca_cert": tls.authority.path, "client_cert": tls.client.cert, "client_key": tls.client.key}
    port = secure.endpoints[0].rpartition(":")[2]
    assert run_module("etcd_key", port=port, key="foo", value="baz3", state="present", **files).result["changed"]
