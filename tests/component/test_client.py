# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client against real etcd."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    NoAnswer,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Alarm
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from authority import CLIENT, SERVER, Authority
from cluster import Cluster, Tls, free_ports, switch_authentication_on

MakeCluster = Callable[..., Cluster]


@pytest.fixture(params=["plain", "tls"])
def any_cluster(request: pytest.FixtureRequest, every_version: str, make_cluster: MakeCluster, tls: Tls) -> Cluster:
    return make_cluster(every_version, tls=tls if request.param == "tls" else None)


def test_every_method_works_on_every_version(any_cluster: Cluster) -> None:
    endpoint = any_cluster.endpoints[0]
    with any_cluster.client() as client:
        status = client.status()
        assert status.version == any_cluster.version
        assert status.is_leader and not status.is_learner
        listed = client.member_list()
        assert listed.cluster_id == status.cluster_id
        assert [(m.id, m.name, m.client_urls, m.started) for m in listed.members] == [
            (status.member_id, "m0", [endpoint], True)
        ]

        first = client.put("k/1", "one")
        client.put("k/2", b"\x00\xff")
        assert [(kv["key"], kv["value"]) for kv in client.read("k/", prefix=True)["kvs"]] == [
            (b"k/1", b"one"),
            (b"k/2", b"\x00\xff"),
        ]
        assert client.read("k/1", serializable=True)["kvs"][0]["mod_revision"] == first
        assert client.read("", prefix=True, limit=1)["more"]
        swapped = client.txn(
            [{"key": "k/1", "target": "VALUE", "value": b"one"}], [{"request_put": {"key": "k/1", "value": "two"}}]
        )
        assert swapped["succeeded"]
        assert client.read("k/1")["kvs"][0]["value"] == b"two"
        client.delete("k/", prefix=True)
        assert client.read("k/", prefix=True)["count"] == 0

        lease = client.lease_grant(60)["lease"]
        client.put("leased", "x", lease=lease)
        assert client.lease_keep_alive(lease) == 60
        client.lease_revoke(lease)
        client.lease_revoke(lease)
        assert client.lease_keep_alive(lease) == 0
        assert client.read("leased")["kvs"] == []

        assert client.alarms() == []
        client.call(
            "Maintenance.Alarm", {"action": "ACTIVATE", "memberID": int(status.member_id, 16), "alarm": "NOSPACE"}
        )
        assert client.alarms() == [Alarm(status.member_id, "NOSPACE")]
        client.alarm_disarm(status.member_id, "NOSPACE")
        assert client.alarms() == []

        revision = client.read("k")["revision"]
        assert client.compact(revision)
        assert not client.compact(revision, physical=True)
        client.defragment(endpoint, 10)
        assert client.hash_kv()["hash"] != 0
        client.move_leader(status.member_id)

        (added,) = [m for m in client.member_add(["http://127.0.0.1:1"]) if m.id != status.member_id]
        assert added.is_learner and not added.started
        client.member_update(added.id, ["http://127.0.0.1:2"])
        with pytest.raises(RpcError, match="FailedPrecondition"):
            client.member_promote(added.id)
        assert [m.name for m in client.member_remove(added.id)] == ["m0"]


def test_a_snapshot_carries_its_own_checksum(any_cluster: Cluster) -> None:
    with any_cluster.client() as client:
        # More than both of HTTP/2's windows, so that they must be opened again and again.
        for number in range(12):
            client.put(f"k{number}", os.urandom(1_000_000))
        snapshot = b"".join(client.snapshot())
    assert len(snapshot) > 12_000_000
    assert hashlib.sha256(snapshot[:-32]).digest() == snapshot[-32:]


def test_a_large_value_passes_the_windows_of_both_sides(any_cluster: Cluster) -> None:
    value = os.urandom(1_400_000)
    with any_cluster.client() as client:
        client.put("large", value)
        assert client.read("large")["kvs"][0]["value"] == value


def test_an_unknown_call_is_etcds_own_answer(version: str, make_cluster: MakeCluster) -> None:
    with make_cluster(version).client() as client, pytest.raises(RpcError) as caught:
        list(client.stream("KV.RangeStream", {"key": "a"}))
    assert caught.value.name == "Unimplemented"


# -- login -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(every_version: str, make_cluster: MakeCluster) -> Cluster:
    """A plain cluster with authentication on, root's password being C(secret)."""
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        switch_authentication_on(client, "root", "secret")
    return cluster


def test_a_password_opens_a_guarded_cluster(guarded: Cluster) -> None:
    with guarded.client(username="root", password="secret") as client:
        client.put("a", "b")
        assert client.status().version == guarded.version
        assert client.member_list().members
        assert len(b"".join(client.snapshot())) > 1000


def test_a_wrong_password_is_etcds_own_answer(guarded: Cluster) -> None:
    with guarded.client(username="root", password="wrong") as client, pytest.raises(RpcError) as caught:
        client.read("a")
    assert "authentication failed, invalid user ID or password" in caught.value.detail


def test_no_password_for_a_guarded_cluster_is_etcds_own_answer(guarded: Cluster) -> None:
    with guarded.client() as client, pytest.raises(RpcError, match="user name is empty"):
        client.put("a", "b")


def test_a_token_that_died_with_its_member_is_replaced(guarded: Cluster) -> None:
    with guarded.client(username="root", password="secret") as client:
        client.put("a", "b")
        member = guarded.members[0]
        guarded.end(member, signal.SIGTERM)
        guarded.launch(member)
        _until_it_answers(client)
        client.put("a", "c")


def test_a_password_for_a_cluster_without_authentication_does_no_harm(
    every_version: str, make_cluster: MakeCluster
) -> None:
    cluster = make_cluster(every_version)
    with cluster.client(username="root", password="secret") as client:
        client.put("a", "b")
        client.call("Auth.UserAdd", {"name": "root", "password": "secret"})
        assert client.read("a")["count"] == 1


def _until_it_answers(client: Client) -> None:
    for _ in range(200):
        try:
            client.read("a", timeout=1.0)
            return
        except TransportError:
            threading.Event().wait(0.05)
    pytest.fail("no answer after the restart")


# -- several endpoints -------------------------------------------------------------------------------------------------


def test_a_call_goes_to_another_endpoint_when_one_is_down(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version, size=3)
    cluster.lead(cluster.members[1])
    with cluster.client() as client:
        client.put("a", "b")
        cluster.end(cluster.members[0])
        client.put("a", "c")
        assert client.read("a")["kvs"][0]["value"] == b"c"
        assert client.endpoints[0] != cluster.endpoints[0]


def test_leadership_moves_whoever_is_asked_first(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version, size=3)
    with cluster.client() as client:
        for target in [member.id for member in client.member_list().members]:
            client.move_leader(target)
            assert client.status().leader == target


def test_without_quorum_a_member_still_tells_what_it_knows(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version, size=3)
    cluster.client().put("a", "b")
    survivor = cluster.members[0]
    for member in cluster.members[1:]:
        cluster.end(member)
    with Client([survivor.client_url], timeout=2.0) as client:
        assert len(client.member_list(linearizable=False).members) == 3
        assert client.read("a", serializable=True)["kvs"][0]["value"] == b"b"
        with pytest.raises(TransportError, match="KV.Range: no answer within 2 s"):
            client.read("a")


def test_a_write_that_may_have_happened_is_not_repeated(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version, size=3)
    with cluster.client(timeout=1.0) as client:
        client.put("a", "b")
        cluster.pause(cluster.members[0])
        with pytest.raises(TransportError) as caught:
            client.call("KV.Put", {"key": "a", "value": "c"})
        assert caught.value.sent
        assert caught.value.endpoint == cluster.endpoints[0]


def test_every_endpoint_that_was_asked_is_named(free: str) -> None:
    other = f"http://127.0.0.1:{free_ports(1)[0]}"
    with Client([free, other]) as client, pytest.raises(NoAnswer) as caught:
        client.status()
    assert f"{free}: connection refused" in str(caught.value)
    assert f"{other}: connection refused" in str(caught.value)


# -- what cannot be reached, and why -----------------------------------------------------------------------------------


@pytest.fixture
def free() -> str:
    """A URL where nothing listens."""
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def why(endpoint: str, credentials: Credentials | None = None, timeout: float = 5.0) -> str:
    with Client([endpoint], credentials or Credentials(), timeout) as client, pytest.raises(TransportError) as caught:
        client.put("a", "b")
    assert caught.value.sent is False, "nothing was sent, so a write may be repeated elsewhere"
    message = str(caught.value)
    assert message.startswith(f"{endpoint}: "), message
    return message.removeprefix(f"{endpoint}: ")


def test_nothing_listens(free: str) -> None:
    assert why(free).startswith("connection refused by 127.0.0.1: nothing listens on port")


def test_an_unknown_name() -> None:
    assert why("http://nowhere.invalid:2379").startswith("the name nowhere.invalid is unknown here")


def test_a_port_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        message = why(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3)
    assert message.startswith("the connection is open, but there was no answer within 0.3 s.")


def test_a_port_that_never_answers_tls(tls: Tls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        message = why(f"https://127.0.0.1:{listener.getsockname()[1]}", tls.credentials, timeout=0.3)
    assert message.startswith("the connection is open, but there was no answer within 0.3 s.")


def test_a_paused_member_is_a_port_that_never_answers(version: str, make_cluster: MakeCluster) -> None:
    cluster = make_cluster(version)
    cluster.pause(cluster.members[0])
    assert "no answer within 0.5 s" in why(cluster.endpoints[0], timeout=0.5)


def test_an_https_port_asked_in_plain_http(every_version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    endpoint = make_cluster(every_version, tls=tls).endpoints[0].replace("https:", "http:")
    message = why(endpoint)
    assert "https://" in message, message


def test_a_plain_port_asked_in_https(every_version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    endpoint = make_cluster(every_version).endpoints[0].replace("http:", "https:")
    assert why(endpoint, tls.credentials).startswith("it does not speak TLS; write http://")


def test_the_wrong_ca(version: str, make_cluster: MakeCluster, tls: Tls, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "other")
    message = why(make_cluster(version, tls=tls).endpoints[0], tls.credentials._replace(ca_path=other.path))
    assert message.startswith(f"its server certificate is not signed by a CA in {other.path}")


def test_no_ca(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    message = why(make_cluster(version, tls=tls).endpoints[0])
    assert message.startswith("its server certificate is not signed by a CA in the system store; check ca_path")


def test_an_expired_server_certificate(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    tls.authority.issue("server", expired=True)
    assert why(cluster.endpoints[0], tls.credentials).startswith("its server certificate has expired")


def test_an_address_that_the_certificate_does_not_hold(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    tls.authority.issue("server", hosts=("10.9.8.7", "etcd.example.com"))
    assert why(cluster.endpoints[0], tls.credentials).startswith("its server certificate is not made for 127.0.0.1")


def test_a_name_that_the_certificate_does_not_hold(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    tls.authority.issue("server", hosts=("127.0.0.1",))
    endpoint = cluster.endpoints[0].replace("127.0.0.1", "localhost")
    assert why(endpoint, tls.credentials).startswith("its server certificate is not made for localhost")


def test_a_client_certificate_where_a_server_certificate_is_due(
    version: str, make_cluster: MakeCluster, tls: Tls
) -> None:
    cluster = make_cluster(version, tls=tls)
    tls.authority.issue("server", usages=(CLIENT,))
    assert why(cluster.endpoints[0], tls.credentials).startswith("its certificate is not made for servers")


def test_no_client_certificate(every_version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    endpoint = make_cluster(every_version, tls=tls).endpoints[0]
    credentials = Credentials(ca_path=tls.authority.path)
    assert why(endpoint, credentials) == "it asks for a client certificate; set client_cert and client_key."


def test_a_client_certificate_of_another_ca(
    every_version: str, make_cluster: MakeCluster, tls: Tls, tmp_path: Path
) -> None:
    endpoint = make_cluster(every_version, tls=tls).endpoints[0]
    pair = Authority(tmp_path / "other", "other").issue("other", hosts=(), common_name="root")
    message = why(endpoint, tls.credentials._replace(client_cert=pair.cert, client_key=pair.key))
    assert message.startswith(f"it refuses the client certificate {pair.cert}: ")
    assert "not signed by a CA that it trusts" in message


def test_an_expired_client_certificate(every_version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    endpoint = make_cluster(every_version, tls=tls).endpoints[0]
    pair = tls.authority.issue("late", hosts=(), expired=True, common_name="root")
    message = why(endpoint, tls.credentials._replace(client_cert=pair.cert, client_key=pair.key))
    assert message.startswith(f"it refuses the client certificate {pair.cert}: ")
    assert "expired" in message


def test_a_server_certificate_where_a_client_certificate_is_due(
    every_version: str, make_cluster: MakeCluster, tls: Tls
) -> None:
    endpoint = make_cluster(every_version, tls=tls).endpoints[0]
    pair = tls.authority.issue("wrong", hosts=(), usages=(SERVER,), common_name="root")
    message = why(endpoint, tls.credentials._replace(client_cert=pair.cert, client_key=pair.key))
    assert message.startswith(f"it refuses the client certificate {pair.cert}: not made for clients")


def test_a_server_whose_own_key_is_broken(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    Path(tls.server.key).write_text("nonsense")
    assert why(cluster.endpoints[0], tls.credentials).startswith("the server cannot use its own certificate")


def test_a_port_that_speaks_http_1() -> None:
    with _answering(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n") as endpoint:
        assert why(endpoint).startswith("it answers in HTTP/1, so this is not etcd's gRPC port")


def test_the_peer_port_is_not_the_client_port(version: str, make_cluster: MakeCluster) -> None:
    assert why(make_cluster(version).members[0].peer_url).startswith("it answers in HTTP/1")


class _answering:
    """A server that says the same to everyone, and closes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def __enter__(self) -> str:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *_exc: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        peer, _address = self._listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(self._answer)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_missing_file_is_named_with_its_option(tls: Tls, option: str) -> None:
    with pytest.raises(BadInput) as caught:
        Client(["https://127.0.0.1:1"], tls.credentials._replace(**{option: "/nowhere/x.pem"})).status()
    assert str(caught.value) == f"{option} /nowhere/x.pem cannot be read: No such file or directory."


def test_a_key_of_another_certificate(tls: Tls) -> None:
    credentials = tls.credentials._replace(client_key=tls.server.key)
    with pytest.raises(BadInput) as caught:
        Client(["https://127.0.0.1:1"], credentials).status()
    assert str(caught.value) == f"client_key {tls.server.key} is not the key of client_cert {tls.client.cert}."


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_file_that_is_no_pem(tls: Tls, option: str, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nonsense")
    credentials = tls.credentials._replace(**{option: str(tmp_path / "x.pem")})
    with pytest.raises(BadInput, match="PEM"):
        Client(["https://127.0.0.1:1"], credentials).status()


# -- addresses ---------------------------------------------------------------------------------------------------------


def test_an_ipv6_literal(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls, address="::1")
    with cluster.client() as client:
        assert client.status().is_leader


def test_a_name(version: str, make_cluster: MakeCluster, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    with Client([cluster.endpoints[0].replace("127.0.0.1", "localhost")], cluster.credentials) as client:
        assert client.status().is_leader


def test_proxies_in_the_environment_are_ignored(
    version: str, make_cluster: MakeCluster, free: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = make_cluster(version)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, free)
        monkeypatch.setenv(name.upper(), free)
    with cluster.client() as client:
        assert client.status().is_leader
