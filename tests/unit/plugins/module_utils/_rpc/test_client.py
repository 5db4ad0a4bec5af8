# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client does when things go wrong; that it works at all is shown on real etcd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    EtcdError,
    NoAnswer,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, outcome_unknown
from peer import Peer, Request, Script, Talk

Answer = Callable[[Talk, Request], None]
ROOT = Credentials(username="root", password="secret")


def reply(message: str, values: Mapping[str, Any]) -> Answer:
    return lambda talk, request: talk.answer(request.stream, protobuf.encode(message, values))


def refuse(code: int, text: str) -> Answer:
    return lambda talk, request: talk.answer_at_once(
        request.stream, [("grpc-status", str(code)), ("grpc-message", text)]
    )


def drop(_talk: Talk, _request: Request) -> None:
    """Take the request and hang up."""


def in_turn(*answers: Answer, asked: list[Request] | None = None) -> Script:
    """One connection on which the requests are answered in turn."""

    def script(talk: Talk) -> None:
        talk.settle()
        for answer in answers:
            request = talk.request()
            if asked is not None:
                asked.append(request)
            answer(talk, request)
        if answers[-1] is not drop:
            talk.until_gone()

    return script


def called(asked: list[Request]) -> list[str]:
    return [request.headers[":path"].partition(".")[2].replace("/", ".") for request in asked]


HEADER = {"revision": 7}
PUT = reply("PutResponse", {"header": HEADER})
EMPTY = reply("RangeResponse", {"header": HEADER})
HELD = reply("RangeResponse", {"header": HEADER, "kvs": [{"key": b"k", "value": b"v", "mod_revision": 5}], "count": 1})
OTHER = reply("RangeResponse", {"header": HEADER, "kvs": [{"key": b"k", "value": b"w", "mod_revision": 6}], "count": 1})
TOKEN = reply("AuthenticateResponse", {"token": "t1"})
NEW_TOKEN = reply("AuthenticateResponse", {"token": "t2"})
UNAVAILABLE = refuse(14, "etcdserver: request timed out")


# -- other endpoints ---------------------------------------------------------------------------------------------------


def test_no_endpoint_at_all_is_refused() -> None:
    with pytest.raises(BadInput, match="endpoints is empty"):
        Client([])


@pytest.mark.parametrize("first", [drop, UNAVAILABLE, refuse(4, "context deadline exceeded")])
def test_a_read_that_fails_is_repeated_elsewhere(first: Answer) -> None:
    with Peer(in_turn(first)) as one, Peer(in_turn(HELD)) as two, Client([one.url, two.url]) as client:
        assert client.read("k")["count"] == 1
        assert client.endpoints == [two.url, one.url]


@pytest.mark.parametrize("first", [drop, UNAVAILABLE, refuse(2, "raft: stopped")])
def test_a_lease_is_kept_alive_and_ended_wherever_somebody_answers(first: Answer) -> None:
    kept = reply("LeaseKeepAliveResponse", {"header": HEADER, "ID": 3, "TTL": 9})
    with Peer(in_turn(first)) as one, Peer(in_turn(kept)) as two, Client([one.url, two.url]) as client:
        assert client.lease_keep_alive(3) == 9
    ended = reply("LeaseRevokeResponse", {"header": HEADER})
    with Peer(in_turn(first)) as one, Peer(in_turn(ended)) as two, Client([one.url, two.url]) as client:
        client.lease_revoke(3)


@pytest.mark.parametrize("first", [drop, UNAVAILABLE, refuse(2, "raft: stopped"), refuse(4, "deadline exceeded")])
def test_a_write_that_may_have_happened_is_not_repeated_elsewhere(first: Answer) -> None:
    with Peer(in_turn(first)) as one, Peer() as two, Client([one.url, two.url]) as client:
        with pytest.raises((TransportError, RpcError)) as caught:
            client.call("KV.Put", {"key": "k", "value": "v"})
        assert outcome_unknown(caught.value)
        assert caught.value.endpoint == one.url


@pytest.mark.parametrize(
    "text", ["etcdserver: rpc not supported for learner", "raft proposal dropped", "etcdserver: not leader"]
)
def test_a_write_that_certainly_did_not_happen_is_made_elsewhere(text: str) -> None:
    with Peer(in_turn(refuse(9, text))) as one, Peer(in_turn(PUT)) as two, Client([one.url, two.url]) as client:
        assert client.put("k", "v") == 7


def test_a_write_that_goaway_disowns_is_made_elsewhere() -> None:
    def goaway(talk: Talk, _request: Request) -> None:
        talk.h2.close_connection(last_stream_id=0)
        talk.flush()

    with Peer(in_turn(goaway)) as one, Peer(in_turn(PUT)) as two, Client([one.url, two.url]) as client:
        assert client.put("k", "v") == 7


def test_a_refusal_is_not_taken_to_another_endpoint() -> None:
    with (
        Peer(in_turn(refuse(14, "etcdserver: unhealthy cluster"))) as one,
        Peer() as two,
        Client([one.url, two.url]) as client,
        pytest.raises(RpcError, match="unhealthy cluster"),
    ):
        client.member_add(["http://10.0.0.4:2380"])


def test_a_named_endpoint_is_the_only_one_asked() -> None:
    with (
        Peer(in_turn(UNAVAILABLE)) as one,
        Peer() as two,
        Client([two.url, one.url]) as client,
        pytest.raises(RpcError, match="request timed out"),
    ):
        client.read("k", endpoint=one.url)


def test_all_reasons_are_told_when_nobody_answers() -> None:
    with (
        Peer(in_turn(UNAVAILABLE)) as one,
        Peer(in_turn(drop)) as two,
        Client([one.url, two.url]) as client,
        pytest.raises(NoAnswer) as caught,
    ):
        client.read("k")
    assert str(caught.value) == (
        f"none of 2 endpoints answered. {one.url}: KV.Range: Unavailable: etcdserver: request timed out "
        f"{two.url}: KV.Range: the connection was closed from the other side."
    )


def test_a_connection_that_ended_between_two_calls_is_made_anew() -> None:
    def answer_and_leave(talk: Talk) -> None:
        talk.settle()
        PUT(talk, talk.request())

    with Peer(answer_and_leave, in_turn(PUT)) as peer, Client([peer.url]) as client:
        client.put("k", "v")
        # The peer hangs up in its own time.
        client._connections[client._endpoints[0]]._sock.settimeout(5)
        client._connections[client._endpoints[0]]._sock.recv(1)
        client.put("k", "v")


# -- reading back ------------------------------------------------------------------------------------------------------


def test_a_put_of_unknown_outcome_is_read_back() -> None:
    asked: list[Request] = []
    with Peer(in_turn(drop, asked=asked), in_turn(HELD, asked=asked)) as peer, Client([peer.url]) as client:
        assert client.put("k", "v") == 5
    assert called(asked) == ["KV.Put", "KV.Range"]


@pytest.mark.parametrize("found", [EMPTY, OTHER, UNAVAILABLE])
def test_a_put_that_is_not_seen_keeps_its_error(found: Answer) -> None:
    with (
        Peer(in_turn(drop), in_turn(found)) as peer,
        Client([peer.url]) as client,
        pytest.raises(TransportError, match="KV.Put: the connection was closed"),
    ):
        client.put("k", "v")


def test_a_put_with_another_lease_is_not_ours() -> None:
    with Peer(in_turn(drop), in_turn(HELD)) as peer, Client([peer.url]) as client, pytest.raises(TransportError):
        client.put("k", "v", lease=3)


def test_a_delete_of_unknown_outcome_is_read_back() -> None:
    with Peer(in_turn(drop), in_turn(EMPTY)) as peer, Client([peer.url]) as client:
        assert client.delete("k") == 7


def test_a_delete_of_keys_that_are_still_there_keeps_its_error() -> None:
    with (
        Peer(in_turn(drop), in_turn(HELD)) as peer,
        Client([peer.url]) as client,
        pytest.raises(TransportError, match="KV.DeleteRange"),
    ):
        client.delete("k", prefix=True)


def member(identity: int, **more: Any) -> dict[str, Any]:
    return {"ID": identity, "name": f"m{identity}", "peerURLs": [f"http://10.0.0.{identity}:2380"], **more}


def listed(*members: Mapping[str, Any]) -> Answer:
    return reply("MemberListResponse", {"header": HEADER, "members": list(members)})


def test_an_added_member_is_found_in_the_list() -> None:
    with Peer(in_turn(drop), in_turn(listed(member(1), member(2, name="")))) as peer, Client([peer.url]) as client:
        added = client.member_add(["http://10.0.0.2:2380"])
    assert [(one.id, one.started) for one in added] == [("1", True), ("2", False)]


def test_a_removed_member_is_missed_in_the_list() -> None:
    with Peer(in_turn(drop), in_turn(listed(member(1)))) as peer, Client([peer.url]) as client:
        assert [one.id for one in client.member_remove("2")] == ["1"]


def test_a_promoted_member_is_a_voter_in_the_list() -> None:
    with Peer(in_turn(drop), in_turn(listed(member(10)))) as peer, Client([peer.url]) as client:
        assert client.member_promote("a")[0].is_learner is False


def test_a_member_that_is_still_a_learner_was_not_promoted() -> None:
    with (
        Peer(in_turn(drop), in_turn(listed(member(10, isLearner=True)))) as peer,
        Client([peer.url]) as client,
        pytest.raises(TransportError),
    ):
        client.member_promote("a")


def test_a_moved_member_has_its_new_url_in_the_list() -> None:
    with Peer(in_turn(drop), in_turn(listed(member(2)))) as peer, Client([peer.url]) as client:
        assert client.member_update("2", ["http://10.0.0.2:2380"])[0].id == "2"


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (TransportError("e", "m", sent=False), False),
        (TransportError("e", "m", sent=True), True),
        (NoAnswer((TransportError("e", "m"), TransportError("f", "m", sent=True))), True),
        (NoAnswer((TransportError("e", "m"), TransportError("f", "m"))), False),
        (NoAnswer((TransportError("e", "m"), RpcError("f", "c", 14, "Unavailable", "request timed out"))), True),
        (RpcError("e", "c", 14, "Unavailable", "etcdserver: request timed out"), True),
        (RpcError("e", "c", 14, "Unavailable", "etcdserver: unhealthy cluster"), False),
        (RpcError("e", "c", 14, "Unavailable", "etcdserver: rpc not supported for learner"), False),
        (RpcError("e", "c", 4, "DeadlineExceeded", "context deadline exceeded"), True),
        (RpcError("e", "c", 2, "Unknown", "context deadline exceeded"), True),
        (RpcError("e", "c", 2, "Unknown", "raft proposal dropped"), False),
        (RpcError("e", "c", 7, "PermissionDenied", "etcdserver: permission denied"), False),
        (BadInput("x"), False),
    ],
)
def test_what_leaves_the_outcome_of_a_write_unknown(error: EtcdError, unknown: bool) -> None:
    assert outcome_unknown(error) is unknown


# -- login -------------------------------------------------------------------------------------------------------------


def tokens(asked: list[Request]) -> list[str | None]:
    return [request.headers.get("token") for request in asked]


def test_one_login_serves_all_calls() -> None:
    asked: list[Request] = []
    with Peer(in_turn(TOKEN, PUT, EMPTY, asked=asked)) as peer, Client([peer.url], ROOT) as client:
        client.put("k", "v")
        client.read("k")
    assert called(asked) == ["Auth.Authenticate", "KV.Put", "KV.Range"]
    assert tokens(asked) == [None, "t1", "t1"]
    assert protobuf.decode("AuthenticateRequest", asked[0].message) == {"name": "root", "password": "secret"}


@pytest.mark.parametrize(
    "text",
    [
        "etcdserver: invalid auth token",
        "etcdserver: user name is empty",
        "etcdserver: revision of auth store is old",
    ],
)
def test_a_dead_token_is_replaced_once(text: str) -> None:
    asked: list[Request] = []
    script = in_turn(TOKEN, refuse(16, text), NEW_TOKEN, PUT, asked=asked)
    with Peer(script) as peer, Client([peer.url], ROOT) as client:
        client.put("k", "v")
    assert tokens(asked) == [None, "t1", None, "t2"]


def test_a_token_that_is_refused_twice_is_an_error() -> None:
    dead = refuse(16, "etcdserver: invalid auth token")
    with (
        Peer(in_turn(TOKEN, dead, NEW_TOKEN, dead)) as peer,
        Client([peer.url], ROOT) as client,
        pytest.raises(RpcError, match="invalid auth token"),
    ):
        client.put("k", "v")


def test_without_authentication_in_the_cluster_there_is_no_token() -> None:
    asked: list[Request] = []
    script = in_turn(refuse(9, "etcdserver: authentication is not enabled"), PUT, PUT, asked=asked)
    with Peer(script) as peer, Client([peer.url], ROOT) as client:
        client.put("k", "v")
        client.put("k", "v")
    assert called(asked) == ["Auth.Authenticate", "KV.Put", "KV.Put"]
    assert tokens(asked) == [None, None, None]


NO_LOGIN = refuse(14, "etcdserver: rpc not supported for learner")


def test_a_learner_is_asked_with_the_token_of_a_voter() -> None:
    asked: list[Request] = []
    status = reply("StatusResponse", {"header": {"member_id": 5}, "isLearner": True})
    with (
        Peer(in_turn(NO_LOGIN, status, asked=asked)) as learner,
        Peer(in_turn(NO_LOGIN)) as other,
        Peer(in_turn(TOKEN)) as voter,
        Client([learner.url, other.url, voter.url], ROOT) as client,
    ):
        assert client.status(learner.url).is_learner
    assert tokens(asked) == [None, "t1"]


def test_a_learner_alone_is_asked_without_a_token() -> None:
    asked: list[Request] = []
    refused = refuse(3, "etcdserver: user name is empty")
    with (
        Peer(in_turn(NO_LOGIN, refused, NO_LOGIN, refused, asked=asked)) as peer,
        Client([peer.url], ROOT) as client,
        pytest.raises(RpcError, match="user name is empty"),
    ):
        client.status()
    assert tokens(asked) == [None, None, None, None]


def test_without_a_user_a_refusal_is_final() -> None:
    asked: list[Request] = []
    with (
        Peer(in_turn(refuse(3, "etcdserver: user name is empty"), asked=asked)) as peer,
        Client([peer.url]) as client,
        pytest.raises(RpcError, match="user name is empty"),
    ):
        client.put("k", "v")
    assert called(asked) == ["KV.Put"]


def test_a_write_whose_login_failed_has_not_happened() -> None:
    with Peer(in_turn(drop)) as one, Peer(in_turn(TOKEN, PUT)) as two, Client([one.url, two.url], ROOT) as client:
        assert client.put("k", "v") == 7


# -- results -----------------------------------------------------------------------------------------------------------


def test_ids_are_printed_as_etcdctl_prints_them() -> None:
    status = reply("StatusResponse", {"header": {"cluster_id": 0xCDF818194E3A8C32, "member_id": 0xC44C14992E5A843}})
    with Peer(in_turn(status)) as peer, Client([peer.url]) as client:
        told = client.status()
    assert (told.cluster_id, told.member_id, told.leader) == ("cdf818194e3a8c32", "c44c14992e5a843", "")
    assert told.is_leader is False


@pytest.mark.parametrize(
    ("prefix", "key", "end"),
    [
        (b"a", b"a", b"b"),
        (b"a\xff", b"a\xff", b"b"),
        (b"\xff\xff", b"\xff\xff", b"\0"),
        (b"", b"\0", b"\0"),
    ],
)
def test_a_prefix_becomes_a_range(prefix: bytes, key: bytes, end: bytes) -> None:
    asked: list[Request] = []
    with Peer(in_turn(EMPTY, asked=asked)) as peer, Client([peer.url]) as client:
        client.read(prefix, prefix=True)
    request = protobuf.decode("RangeRequest", asked[0].message)
    assert (request["key"], request["range_end"]) == (key, end)


def test_an_answer_that_is_no_message_is_a_clear_error() -> None:
    nonsense: Answer = lambda talk, request: talk.answer(request.stream, b"\x0a\xff")  # noqa: E731
    with (
        Peer(in_turn(nonsense)) as peer,
        Client([peer.url]) as client,
        pytest.raises(TransportError, match="Cluster.MemberList: broke the rules of gRPC: .* is cut off"),
    ):
        client.member_list()


def test_a_lease_that_is_gone_has_no_time_left() -> None:
    gone = reply("LeaseKeepAliveResponse", {"header": HEADER, "ID": 3, "TTL": 0})
    with Peer(in_turn(gone, refuse(5, "etcdserver: requested lease not found"))) as peer, Client([peer.url]) as client:
        assert client.lease_keep_alive(3) == 0
        client.lease_revoke(3)
