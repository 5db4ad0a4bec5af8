# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import hpack
import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import http2
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer, endpoint_of
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    MAX_FRAME,
    PING,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW,
    WINDOW_UPDATE,
    Connection,
    connect,
    frame,
)
from h2.events import StreamEnded
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st
from peer import GRPC, OK, Peer, Talk, answering

ASK = [(":method", "POST"), (":scheme", "http"), (":path", "/x"), (":authority", "a")]
HTTP_200 = hpack.Encoder().encode([(":status", "200")])
HELLO = frame(SETTINGS)


def dial(peer: Peer, seconds: float = 5.0) -> Connection:
    return connect(Dialer(), endpoint_of(peer.url), Deadline(seconds))


def ask(connection: Connection, body: bytes = b"", seconds: float = 5.0) -> tuple[http2.Stream, bytes]:
    """One request and its whole answer."""
    deadline = Deadline(seconds)
    stream = connection.request(ASK, body, deadline)
    answer = b""
    piece = stream.read(deadline)
    while piece:
        answer += piece
        piece = stream.read(deadline)
    connection.finish(stream)
    return stream, answer


def one_answer(peer: Peer, body: bytes = b"") -> tuple[http2.Stream, bytes]:
    """The answer to the only request of a connection."""
    connection = dial(peer)
    try:
        return ask(connection, body)
    finally:
        connection.close()


# -- a server that keeps the rules -------------------------------------------------------------------------------------


def test_an_answer_with_headers_body_and_trailers() -> None:
    with Peer(answering(b"hello")) as peer:
        connection = dial(peer)
        stream, body = ask(connection, b"\0\0\0\0\0")
        connection.close()
    assert stream.headers is not None
    assert stream.headers[":status"] == "200"
    assert body[5:] == b"hello"
    assert stream.trailers == {"grpc-status": "0"}


def test_an_answer_of_trailers_only() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.answer_at_once(talk.request().stream, [("grpc-status", "5")])

    with Peer(script) as peer:
        stream, body = one_answer(peer)
    assert body == b""
    assert stream.trailers["grpc-status"] == "5"
    assert stream.trailers is stream.headers


def test_an_answer_that_comes_one_byte_at_a_time() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        request = talk.request()
        talk.h2.send_headers(request.stream, list(GRPC))
        talk.h2.send_data(request.stream, b"hello")
        talk.h2.send_headers(request.stream, list(OK), end_stream=True)
        talk.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in talk.h2.data_to_send():
            talk.sock.sendall(bytes((byte,)))

    with Peer(script) as peer:
        assert one_answer(peer)[1] == b"hello"


def test_many_requests_share_a_connection_and_its_header_table() -> None:
    with Peer(answering(b"x", trailers=[*OK, ("long-name", "long value" * 10)])) as peer:
        connection = dial(peer)
        for _ in range(50):
            assert connection.usable()
            assert ask(connection, b"\0\0\0\0\0")[0].trailers["long-name"] == "long value" * 10
        connection.close()


def test_a_body_larger_than_the_windows_of_the_server_waits_for_room() -> None:
    sizes = []

    def script(talk: Talk) -> None:
        talk.settle(initial_window_size=1000)
        request = talk.request()
        sizes.append(len(request.message))
        talk.answer(request.stream)

    with Peer(script) as peer:
        one_answer(peer, bytes(300_000))
    assert sizes == [300_000 - 5]


def test_a_setting_that_comes_late_opens_the_window_of_the_request_under_way() -> None:
    def script(talk: Talk) -> None:
        talk.settle(initial_window_size=1000)
        while not talk.h2.streams:
            talk.events()
        talk.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 50_000})
        talk.flush()
        # Nothing read is acknowledged, so that the setting alone gives room.
        while not any(isinstance(event, StreamEnded) for event in talk.events()):
            pass
        talk.answer_at_once(1, OK)

    with Peer(script) as peer:
        assert one_answer(peer, bytes(50_000))[0].ended


def test_a_setting_that_takes_room_back_is_obeyed_in_the_middle_of_a_request() -> None:
    room = frame(SETTINGS, 0, 0, struct.pack("!HI", http2.INITIAL_WINDOW_SIZE, 1000))
    # After 1000 bytes this leaves a room of -990.
    less = frame(SETTINGS, 0, 0, struct.pack("!HI", http2.INITIAL_WINDOW_SIZE, 10))
    more = [frame(WINDOW_UPDATE, 0, 1, struct.pack("!I", size)) for size in (990 + 500, 1500)]
    said = room + less + b"".join(more) + frame(HEADERS, END_HEADERS | END_STREAM, 1, HTTP_200)
    assert sizes_of_data(said, bytes(3000)) == [1000, 500, 1500]


def test_larger_frames_are_sent_where_the_server_allows_them() -> None:
    allowed = struct.pack("!HIHI", http2.INITIAL_WINDOW_SIZE, 1 << 20, http2.MAX_FRAME_SIZE, 40_000)
    said = frame(SETTINGS, 0, 0, allowed) + frame(HEADERS, END_HEADERS | END_STREAM, 1, HTTP_200)
    assert sizes_of_data(said, bytes(60_000)) == [40_000, 20_000]


def sizes_of_data(said: bytes, body: bytes) -> list[int]:
    """The sizes of the DATA frames in which a request is sent to a server that says this."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(said)
        with ours:
            ask(Connection(ours, endpoint_of("http://10.0.0.1:2379"), Deadline(5.0), Dialer().explain), body)
        with theirs.makefile("rb") as stream:
            sent = stream.read().removeprefix(http2.PREFACE)
    sizes = []
    while sent:
        size = int.from_bytes(sent[:3], "big")
        if sent[3] == DATA:
            sizes.append(size)
        sent = sent[http2.FRAME_HEADER + size :]
    return sizes


def test_an_answer_larger_than_our_windows_flows() -> None:
    with Peer(answering(bytes(5 * WINDOW))) as peer:
        connection = dial(peer)
        assert len(ask(connection)[1]) == 5 * WINDOW + 5
        assert len(ask(connection)[1]) == 5 * WINDOW + 5
        connection.close()


def test_a_window_used_up_by_one_answer_is_open_again_for_the_next() -> None:
    with Peer(answering(bytes(WINDOW - 5))) as peer:
        connection = dial(peer)
        assert len(ask(connection)[1]) == WINDOW
        assert len(ask(connection)[1]) == WINDOW
        connection.close()


def test_a_ping_is_acknowledged_while_an_answer_is_awaited() -> None:
    pings = []

    def script(talk: Talk) -> None:
        talk.settle()
        request = talk.request()
        talk.h2.ping(b"are you?")
        talk.flush()
        while not talk.acknowledged_pings:
            talk.events()
        pings.extend(talk.acknowledged_pings)
        talk.answer(request.stream)

    with Peer(script) as peer:
        one_answer(peer)
    assert pings == [b"are you?"]


def test_padding_and_priorities_are_taken_off() -> None:
    headers = frame(
        HEADERS, END_HEADERS | http2.PADDED | http2.PRIORITISED, 1, b"\x02" + bytes(5) + HTTP_200 + bytes(2)
    )
    data = frame(DATA, END_STREAM | http2.PADDED, 1, b"\x03" + b"hello" + bytes(3))
    with scripted(HELLO + headers + data) as (connection, _deadline):
        assert ask(connection)[1] == b"hello"


def test_headers_may_be_continued() -> None:
    parts = frame(HEADERS, END_STREAM, 1, HTTP_200[:1]) + frame(CONTINUATION, END_HEADERS, 1, HTTP_200[1:])
    with scripted(HELLO + parts) as (connection, _deadline):
        assert ask(connection)[0].headers == {":status": "200"}


def test_informational_answers_precede_the_real_one() -> None:
    early = frame(HEADERS, END_HEADERS, 1, hpack.Encoder().encode([(":status", "103")]))
    real = frame(HEADERS, END_HEADERS | END_STREAM, 1, HTTP_200)
    with scripted(HELLO + early + real) as (connection, _deadline):
        assert ask(connection)[0].headers == {":status": "200"}


def test_a_kind_of_frame_that_nobody_knows_is_passed_over() -> None:
    with scripted(HELLO + frame(0x5F, 0, 0, b"?") + frame(HEADERS, END_HEADERS | END_STREAM, 1, HTTP_200)) as (
        connection,
        _deadline,
    ):
        assert ask(connection)[0].ended


def test_a_server_may_refuse_an_upload_before_its_end() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.events()
        while not talk.h2.streams:
            talk.events()
        talk.h2.send_headers(1, [(":status", "200"), ("grpc-status", "8")], end_stream=True)
        talk.h2.reset_stream(1, 0)
        talk.flush()
        talk.until_gone()

    with Peer(script) as peer:
        connection = dial(peer)
        stream, _body = ask(connection, bytes(200_000))
        connection.close()
    assert stream.trailers["grpc-status"] == "8"


# -- a server that ends things -----------------------------------------------------------------------------------------


def failure(script: Callable[[Talk], None], body: bytes = b"", seconds: float = 5.0) -> TransportError:
    with Peer(script) as peer:
        connection = dial(peer)
        with pytest.raises(TransportError) as caught:
            ask(connection, body, seconds)
        assert connection.closed
        assert not connection.usable()
    assert caught.value.endpoint == peer.url
    return caught.value


def test_goaway_below_our_stream_says_that_nothing_was_processed() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.request()
        talk.sock.sendall(frame(GOAWAY, 0, 0, struct.pack("!II", 0, 0)))
        talk.until_gone()

    error = failure(script)
    assert error.message == "the server is shutting down (NO_ERROR)."
    assert not error.sent


def test_goaway_above_our_stream_lets_the_answer_come_and_the_connection_end() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        request = talk.request()
        talk.sock.sendall(frame(GOAWAY, 0, 0, struct.pack("!II", request.stream, 0)))
        talk.answer(request.stream, b"still")
        talk.until_gone()

    with Peer(script) as peer:
        connection = dial(peer)
        assert ask(connection)[1][5:] == b"still"
        assert not connection.usable()


def test_a_server_that_left_between_two_requests_is_noticed() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.answer(talk.request().stream)

    with Peer(script) as peer:
        connection = dial(peer)
        ask(connection)
    assert not connection.usable()


def test_half_a_frame_between_two_requests_is_put_together_with_its_other_half() -> None:
    answer = frame(HEADERS, END_HEADERS | END_STREAM, 1, HTTP_200)
    ping = frame(PING, 0, 0, b"are you?")
    goaway = frame(GOAWAY, 0, 0, struct.pack("!II", 1, 0))
    ours, theirs = socket.socketpair()
    with theirs, ours:
        theirs.sendall(HELLO + answer + ping + ping[:5])
        connection = Connection(ours, endpoint_of("http://10.0.0.1:2379"), Deadline(5.0), Dialer().explain)
        ask(connection)
        assert connection.usable()
        assert connection.usable()
        theirs.sendall(ping[5:] + goaway[:-1])
        assert connection.usable()
        theirs.sendall(goaway[-1:])
        assert not connection.usable()
        with theirs.makefile("rb") as stream:
            assert stream.read().count(frame(PING, ACK, 0, b"are you?")) == 2


def test_frames_cut_anywhere_by_the_reads_are_the_same_body() -> None:
    body = bytes(range(256)) * 3000
    sizes = itertools.cycle([MAX_FRAME, 1, 0, 5000, MAX_FRAME, 13])
    said, at = HELLO + BEGUN, 0
    while at < len(body):
        size = next(sizes)
        said += frame(DATA, 0, 1, body[at : at + size])
        at += size
    said += frame(HEADERS, END_HEADERS | END_STREAM, 1, HTTP_200)

    def script(talk: Talk) -> None:
        for begin in range(0, len(said), 100_003):
            talk.sock.sendall(said[begin : begin + 100_003])
        talk.until_gone()

    with Peer(script) as peer:
        assert one_answer(peer)[1] == body


def test_a_reset_leaves_open_whether_the_request_was_processed() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.h2.reset_stream(talk.request().stream, 8)
        talk.flush()
        talk.until_gone()

    error = failure(script)
    assert error.message == "the server reset the call (CANCEL)."
    assert error.sent


def test_a_refused_stream_was_not_processed() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.h2.reset_stream(talk.request().stream, 7)
        talk.flush()
        talk.until_gone()

    assert not failure(script).sent


def test_a_reset_in_the_middle_of_the_answer_is_a_clear_error() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        stream = talk.request().stream
        talk.h2.send_headers(stream, list(GRPC))
        talk.h2.send_data(stream, b"\0\0\0\0\x64half")
        talk.h2.reset_stream(stream, 2)
        talk.flush()
        talk.until_gone()

    assert failure(script).message == "the server reset the call (INTERNAL_ERROR)."


def test_half_a_frame_is_a_clear_error() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.request()
        talk.sock.sendall(frame(HEADERS, END_HEADERS, 1, HTTP_200)[:-1])

    error = failure(script)
    assert error.message == "the connection was closed from the other side."
    assert error.sent


def test_no_answer_within_the_deadline_is_a_clear_error() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.until_gone()

    error = failure(script, seconds=0.1)
    assert error.message == "no answer within 0.1 s."
    assert error.sent


def test_a_server_that_only_ever_pings_runs_into_the_deadline() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        try:
            while True:
                talk.sock.sendall(frame(PING, ACK, 0, bytes(8)) * 100)
        except OSError:
            return

    assert failure(script, seconds=0.2).message == "no answer within 0.2 s."


def test_a_server_that_pings_and_reads_nothing_runs_into_the_deadline() -> None:
    assert flooded(frame(PING, 0, 0, bytes(8))) == "no answer within 0.3 s."


def test_settings_without_end_run_into_the_deadline() -> None:
    assert flooded(frame(SETTINGS)) == "no answer within 0.3 s."


def test_empty_continuations_without_end_run_into_the_deadline() -> None:
    assert flooded(frame(CONTINUATION, 0, 1), frame(HEADERS, 0, 1)) == "no answer within 0.3 s."


def test_informational_answers_without_end_run_into_the_deadline() -> None:
    early = frame(HEADERS, END_HEADERS, 1, hpack.Encoder().encode([(":status", "103")]))
    assert flooded(early) == "no answer within 0.3 s."


def test_empty_data_without_end_runs_into_the_deadline() -> None:
    assert flooded(frame(DATA, 0, 1), frame(HEADERS, END_HEADERS, 1, HTTP_200)) == "no answer within 0.3 s."


def flooded(unit: bytes, first: bytes = b"") -> str:
    """What is said of a server that repeats a few frames for ever and reads nothing."""

    def script(talk: Talk) -> None:
        talk.settle()
        talk.request()
        try:
            talk.sock.sendall(first)
            while True:
                talk.sock.sendall(unit * 1000)
        except OSError:
            return

    return failure(script, seconds=0.3).message


def test_an_introduction_that_trickles_runs_into_the_deadline() -> None:
    def script(talk: Talk) -> None:
        with suppress(OSError):
            for byte in frame(SETTINGS, 0, 0, bytes(6000)):
                talk.sock.sendall(bytes((byte,)))
                threading.Event().wait(0.01)

    with Peer(script) as peer, pytest.raises(TransportError, match=r"there was no answer within 0\.1 s"):
        dial(peer, 0.1)


def test_a_connection_that_is_cut_in_the_middle_of_the_answer_is_a_clear_error() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        stream = talk.request().stream
        talk.h2.send_headers(stream, list(GRPC))
        talk.h2.send_data(stream, b"\0\0\0\0\x64half")
        talk.flush()
        # Closed with unread input and no time to linger, a socket says RST.
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    error = failure(script)
    assert error.message == "the connection was closed from the other side."
    assert error.sent


def test_a_server_that_takes_nothing_and_talks_without_end_runs_into_the_deadline() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(HELLO)
        connection = Connection(ours, endpoint_of("http://10.0.0.1:2379"), Deadline(5.0), Dialer().explain)
        theirs.shutdown(socket.SHUT_RD)

        def talk() -> None:
            with suppress(OSError):
                while True:
                    theirs.sendall(bytes(65536))

        talking = threading.Thread(target=talk)
        talking.start()
        with pytest.raises(TransportError, match="the connection was closed from the other side"):
            ask(connection, seconds=0.2)
        talking.join(10)
        assert not talking.is_alive()


def test_a_server_that_grants_no_room_runs_into_the_deadline() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.until_gone()

    assert failure(script, bytes(1 << 20), 0.2).message == "no answer within 0.2 s."


def test_a_server_that_stops_reading_runs_into_the_deadline() -> None:
    done = threading.Event()

    def script(talk: Talk) -> None:
        talk.settle()
        talk.sock.sendall(frame(SETTINGS, 0, 0, struct.pack("!HI", 4, 1 << 30)))
        talk.sock.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 30)))
        done.wait(10)

    try:
        with Peer(script) as peer:
            connection = dial(peer)
            with pytest.raises(TransportError) as caught:
                ask(connection, bytes(64 << 20), 0.3)
            done.set()
    finally:
        done.set()
    assert caught.value.message == "no answer within 0.3 s."
    assert caught.value.sent


def test_a_port_without_a_word_is_a_clear_error() -> None:
    with Peer(lambda talk: talk.until_gone()) as peer, pytest.raises(TransportError) as caught:
        dial(peer, 0.1)
    assert caught.value.message.startswith("the connection is open, but there was no answer within 0.1 s.")
    assert not caught.value.sent


def test_a_port_that_hangs_up_may_be_a_tls_port() -> None:
    with Peer(lambda talk: None) as peer, pytest.raises(TransportError) as caught:
        dial(peer)
    assert "https://" in caught.value.message or "closed from the other side" in caught.value.message
    assert not caught.value.sent


# -- a server that breaks the rules ------------------------------------------------------------------------------------


@contextmanager
def scripted(said: bytes) -> Iterator[tuple[Connection, Deadline]]:
    """A connection to a server that has said all it will ever say, and hung up."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        deadline = Deadline(5.0)
        yield Connection(ours, endpoint_of("http://10.0.0.1:2379"), deadline, Dialer().explain), deadline


BEGUN = frame(HEADERS, END_HEADERS, 1, HTTP_200)
# One header of 4000 bytes that goes into the table, and then a thousand times its index.
UNFOLDING = frame(HEADERS, END_HEADERS, 1, bytes.fromhex("4001617fa11e") + b"v" * 4000 + b"\xbe" * 1000)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (frame(DATA, 0, 1, b"x"), "data outside of an answer"),
        (BEGUN + frame(DATA, 0, 3, b"x"), "stream 3 was never opened"),
        (BEGUN + frame(DATA, 0, 2, b"x"), "stream 2 was never opened"),
        (BEGUN + frame(DATA, http2.PADDED, 1, b"\x05abc"), "padding longer than its frame"),
        (BEGUN + frame(DATA, http2.PADDED, 1, b""), "padding longer than its frame"),
        (BEGUN + BEGUN, "trailers do not end their stream"),
        (frame(HEADERS, END_HEADERS, 1, hpack.Encoder().encode([("a", "b")])), "an answer has no status"),
        (frame(HEADERS, END_HEADERS, 1, b"\x80"), "HPACK: an index points outside of the tables"),
        (frame(HEADERS, END_HEADERS | http2.PRIORITISED, 1, b"1234"), "a malformed priority"),
        (frame(HEADERS, 0, 1, HTTP_200) + frame(PING, 0, 0, bytes(8)), "a header block is interrupted"),
        (frame(CONTINUATION, END_HEADERS, 1, HTTP_200), "a continuation of nothing"),
        (frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1, bytes(MAX_FRAME)) * 5, "a header block of more than 65536"),
        (UNFOLDING, "HPACK: more than 65536 bytes of headers"),
        (frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4)), "a push, which the settings forbid"),
        (frame(PING, 0, 0, b"short"), "a malformed ping"),
        (frame(SETTINGS, 0, 0, b"12345"), "malformed settings"),
        (frame(SETTINGS, ACK, 0, bytes(6)), "malformed settings"),
        (frame(SETTINGS, 0, 1), "malformed settings"),
        (frame(SETTINGS, 0, 0, struct.pack("!HI", 5, 1)), "a frame size setting of 1"),
        (frame(SETTINGS, 0, 0, struct.pack("!HI", 4, 1 << 31)), "a window setting of 2147483648"),
        (frame(GOAWAY, 0, 0, b"short"), "a malformed GOAWAY"),
        (frame(RST_STREAM, 0, 1, b"1"), "a malformed reset"),
        (frame(RST_STREAM, 0, 0, bytes(4)), "a malformed reset"),
        (frame(WINDOW_UPDATE, 0, 0, b"1"), "a malformed window update"),
        (frame(WINDOW_UPDATE, 0, 0, bytes(4)), "a window update of zero"),
        (frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", (1 << 31) - 1)), "a window grows beyond"),
        (frame(WINDOW_UPDATE, 0, 1, struct.pack("!I", (1 << 31) - 1)), "a window grows beyond"),
        (struct.pack("!I", (MAX_FRAME + 1) << 8) + bytes(5), "a frame of 16385 bytes where 16384 are allowed"),
    ],
)
def test_a_broken_rule_is_named(said: bytes, complaint: str) -> None:
    with scripted(HELLO + said) as (connection, _deadline), pytest.raises(TransportError) as caught:
        ask(connection)
    assert str(caught.value).startswith(f"http://10.0.0.1:2379: broke the rules of HTTP/2: {complaint}")
    assert connection.closed


def test_a_server_cannot_fill_the_memory_while_it_keeps_us_from_sending() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        talk.sock.recv(100)
        try:
            talk.sock.sendall(BEGUN + frame(DATA, 0, 1, bytes(MAX_FRAME)) * (WINDOW // MAX_FRAME + 1))
        except OSError:
            return
        talk.until_gone()

    assert "more data than the window allows" in failure(script, bytes(100_000)).message


def test_padding_uses_up_the_window_and_is_given_back() -> None:
    def script(talk: Talk) -> None:
        talk.settle()
        request = talk.request()
        talk.h2.send_headers(request.stream, list(GRPC))
        for _ in range(WINDOW // 256 + 1):
            talk.h2.send_data(request.stream, b"", pad_length=255)
            talk.flush()
            if talk.h2.local_flow_control_window(request.stream) < 1000:
                talk.events()
        talk.h2.send_data(request.stream, b"x", end_stream=True)
        talk.flush()

    with Peer(script) as peer:
        assert one_answer(peer)[1] == b"x"


def test_a_server_begins_with_its_settings() -> None:
    with pytest.raises(TransportError, match="does not begin with its settings"), scripted(frame(PING, 0, 0, bytes(8))):
        pass


def test_tls_in_answer_to_plain_text_is_recognised() -> None:
    with (
        pytest.raises(TransportError, match="it speaks TLS; write https://"),
        scripted(bytes.fromhex("15030100020246")),
    ):
        pass


def test_http_1_is_recognised() -> None:
    with pytest.raises(TransportError, match="it answers in HTTP/1"), scripted(b"HTTP/1.1 400 Bad Request\r\n\r\n"):
        pass


frames = st.builds(
    frame,
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3, (1 << 31) - 1]),
    st.one_of(st.binary(max_size=40), st.just(HTTP_200), st.just(b""), st.just(bytes(4)), st.just(bytes(8))),
)


@given(st.one_of(st.binary(max_size=200), st.lists(frames, max_size=12).map(b"".join)))
def test_no_bytes_do_worse_than_a_clear_error(said: bytes) -> None:
    with scripted(HELLO + said) as (connection, _deadline):
        try:
            stream, body = ask(connection)
        except TransportError as exc:
            assert connection.closed
            assert exc.endpoint == "http://10.0.0.1:2379"
        else:
            assert stream.ended
            assert len(body) <= len(said)


@given(st.binary(max_size=100))
def test_no_first_words_do_worse_than_a_clear_error(said: bytes) -> None:
    try:
        with scripted(said):
            pass
    except TransportError as exc:
        assert not exc.sent


@pytest.fixture(autouse=True)
def every_socket_is_closed(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    yield
    assert [str(one.message) for one in recwarn if issubclass(one.category, ResourceWarning)] == []
