# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import h2.events
import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import grpc
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer, endpoint_of
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.http2 import END_STREAM, Connection, connect
from peer import GRPC, Peer, Request, Script, Talk, answering

CALL = grpc.Call("KV.Range", "/etcdserverpb.KV/Range", b"question", (("token", "t"),))


def dial(peer: Peer) -> Connection:
    return connect(Dialer(), endpoint_of(peer.url), Deadline(5.0))


def unary(script: Script) -> bytes:
    with Peer(script) as peer:
        connection = dial(peer)
        try:
            return grpc.unary(connection, CALL, Deadline(5.0))
        finally:
            connection.close()


def stream(script: Script, idle: float = 5.0) -> list[bytes]:
    with Peer(script) as peer:
        connection = dial(peer)
        try:
            return list(grpc.server_stream(connection, CALL, idle))
        finally:
            connection.close()


def test_a_call_and_its_answer() -> None:
    assert unary(answering(b"answer")) == b"answer"


def test_an_empty_message_is_a_message() -> None:
    assert unary(answering(b"")) == b""


def test_a_request_says_what_grpc_asks_for() -> None:
    requests: list[Request] = []

    def script(talk: Talk) -> None:
        talk.settle()
        requests.append(talk.request())
        talk.answer(requests[0].stream, b"")

    unary(script)
    headers = requests[0].headers
    assert requests[0].message == b"question"
    assert headers[":method"] == "POST"
    assert headers[":scheme"] == "http"
    assert headers[":path"] == "/etcdserverpb.KV/Range"
    assert headers[":authority"].startswith("127.0.0.1:")
    assert headers["te"] == "trailers"
    assert headers["content-type"] == "application/grpc"
    assert headers["token"] == "t"
    # The server gives up a second after the client, so that it is the client that says so.
    assert 5000 < int(headers["grpc-timeout"].rstrip("m")) <= 6000


@pytest.mark.parametrize("last, ends", [(END_STREAM, True), (0, False)], ids=["ends", "stays open"])
def test_our_half_of_a_stream_stays_open_where_that_is_asked_for(last: int, ends: bool) -> None:
    ended: list[bool] = []

    def script(talk: Talk) -> None:
        talk.settle()
        events: list[h2.events.Event] = []
        while not any(isinstance(event, h2.events.DataReceived) for event in events):
            events += talk.events()
        (data,) = (event for event in events if isinstance(event, h2.events.DataReceived))
        ended.append(data.stream_ended is not None)
        talk.answer(data.stream_id, b"one", b"two")

    with Peer(script) as peer:
        connection = dial(peer)
        try:
            assert list(grpc.server_stream(connection, CALL, 5.0, last)) == [b"one", b"two"]
        finally:
            connection.close()
    assert ended == [ends]


def test_a_stream_sets_the_server_no_deadline() -> None:
    requests: list[Request] = []

    def script(talk: Talk) -> None:
        talk.settle()
        requests.append(talk.request())
        talk.answer(requests[0].stream)

    assert stream(script) == []
    assert "grpc-timeout" not in requests[0].headers


def test_the_messages_of_a_stream() -> None:
    parts = [b"one", b"", bytes(100_000), b"four"]
    assert stream(answering(*parts)) == parts


@pytest.mark.parametrize(
    ("trailers", "name", "detail"),
    [
        ([("grpc-status", "14"), ("grpc-message", "etcdserver: no leader")], "Unavailable", "etcdserver: no leader"),
        ([("grpc-status", "5")], "NotFound", ""),
        ([("grpc-status", "3"), ("grpc-message", "50%25 %C3%A4")], "InvalidArgument", "50% \u00e4"),
        ([("grpc-status", "99"), ("grpc-message", "x")], "code 99", "x"),
    ],
)
def test_an_error_is_etcds_own(trailers: list[tuple[str, str]], name: str, detail: str) -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.answer_at_once(talk.request().stream, trailers)

    with pytest.raises(RpcError) as caught:
        unary(script)
    error = caught.value
    assert (error.call, error.code, error.name, error.detail) == ("KV.Range", int(trailers[0][1]), name, detail)
    assert str(error) == f"{error.endpoint}: KV.Range: {name}: {detail}"


def test_an_error_leaves_the_connection_usable() -> None:
    with Peer(answering(trailers=[("grpc-status", "5")])) as peer:
        connection = dial(peer)
        for _ in range(3):
            with pytest.raises(RpcError):
                grpc.unary(connection, CALL, Deadline(5.0))
            assert connection.usable()
        connection.close()


def test_a_stream_may_end_with_an_error() -> None:
    got = []

    def script(talk: Talk) -> None:
        talk.settle()
        talk.answer(talk.request().stream, b"one", trailers=[("grpc-status", "14"), ("grpc-message", "gone")])

    with Peer(script) as peer, pytest.raises(RpcError, match="Unavailable: gone"):
        got.extend(grpc.server_stream(dial(peer), CALL, 5.0))
    with Peer(script) as peer:
        messages = grpc.server_stream(dial(peer), CALL, 5.0)
        assert next(messages) == b"one"
        with pytest.raises(RpcError):
            next(messages)


def test_a_stream_that_stalls_is_a_clear_error() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        request = talk.request()
        talk.h2.send_headers(request.stream, list(GRPC))
        talk.data(request.stream, struct.pack("!BI", 0, 3) + b"one" + struct.pack("!BI", 0, 3) + b"t")
        talk.flush()
        talk.until_gone()

    with Peer(script) as peer:
        messages = grpc.server_stream(dial(peer), CALL, 0.2)
        assert next(messages) == b"one"
        with pytest.raises(TransportError, match=r"KV\.Range: no answer within 0\.2 s\."):
            next(messages)


def test_a_message_that_trickles_counts_as_one_wait() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        stream = talk.request().stream
        talk.h2.send_headers(stream, list(GRPC))
        talk.data(stream, struct.pack("!BI", 0, 3) + b"one" + struct.pack("!BI", 0, 1000))
        try:
            while True:
                talk.data(stream, b"x")
                talk.flush()
                talk.pause(0.02)
        except ConnectionError:
            return

    with Peer(script) as peer:
        messages = grpc.server_stream(dial(peer), CALL, 0.3)
        assert next(messages) == b"one"
        with pytest.raises(TransportError, match=r"KV\.Range: no answer within 0\.3 s\."):
            next(messages)


def test_a_stream_may_last_longer_than_its_idle_time() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        stream = talk.request().stream
        talk.h2.send_headers(stream, list(GRPC))
        for _ in range(8):
            talk.pause(0.1)
            talk.data(stream, struct.pack("!BI", 0, 1) + b"x")
            talk.flush()
        talk.h2.send_headers(stream, OK, end_stream=True)
        talk.flush()

    assert stream(script, idle=0.4) == [b"x"] * 8


def _raw(body: bytes, trailers: list[tuple[str, str]], status: str = "200") -> Script:
    def script(talk: Talk) -> None:
        talk.settle()
        request = talk.request()
        talk.h2.send_headers(request.stream, [(":status", status)])
        talk.data(request.stream, body)
        talk.h2.send_headers(request.stream, trailers, end_stream=True)
        talk.flush()

    return script


OK = [("grpc-status", "0")]


@pytest.mark.parametrize(
    ("body", "trailers", "complaint"),
    [
        (b"", OK, "0 messages where one is due"),
        (bytes(10), OK, "2 messages where one is due"),
        (b"\0\0\0\0\x05half", OK, "a message is cut off"),
        (b"\0\0", OK, "a message is cut off"),
        (b"\1\0\0\0\0", OK, "a compressed message, which was not asked for"),
        (b"\0\xff\xff\xff\xff", OK, "a message of 4294967295 bytes where 67108864 are allowed"),
        (bytes(5), [("x", "y")], "an answer without a status"),
        (bytes(5), [("grpc-status", "ok")], "a status that is no number"),
        (bytes(5), [(b"grpc-status", b"\xb2")], "a status that is no number"),
        (bytes(5), [("grpc-status", "9" * 5000)], "a status that is no number"),
    ],
)
def test_a_broken_rule_is_named(body: bytes, trailers: list[tuple[str, str]], complaint: str) -> None:
    with pytest.raises(TransportError) as caught:
        unary(_raw(body, trailers))
    assert caught.value.message == f"KV.Range: broke the rules of gRPC: {complaint}."
    assert caught.value.sent


def test_a_web_server_is_told_from_etcd() -> None:
    with pytest.raises(TransportError, match="it answers gRPC with HTTP status 404, so this is not etcd's gRPC port"):
        unary(_raw(b"<html>", [("x", "y")], "404"))
