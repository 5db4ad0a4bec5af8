# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A minimal HTTP/2 client (RFC 9113): one request at a time over one connection.

That is all that gRPC calls to etcd need, and it keeps every wait in one place: whoever waits for an answer reads the
frames, and answers settings and pings while doing so. Whatever goes wrong closes the connection.
"""

from __future__ import annotations

import socket
import ssl
import struct
import typing as t
from collections import deque

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import TransportError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import hpack
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer, Endpoint
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.tls import Wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADER = struct.Struct("!HBBBI")
FRAME_HEADER = _HEADER.size
# The largest payload that we accept: the default, which no setting of ours raises (section 6.5.2).
MAX_FRAME = 16384
# What a peer may send ahead of us reading it, for a stream and for the connection: enough for a fast snapshot. It was
# measured to be no faster with 4 or 32 MiB.
WINDOW = 1 << 20
_DEFAULT_WINDOW = 65535
_LARGEST_WINDOW = (1 << 31) - 1
# What is read at once: many frames of a snapshot.
_RECEIVE = 1 << 18
# So much unread input between two requests is no conversation any more.
_MOST_UNREAD = 4 * WINDOW

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITISED = 0x20

ENABLE_PUSH, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 2, 4, 5, 6

REFUSED_STREAM = 7
ERROR_NAMES = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
]


class Frame(t.NamedTuple):
    """One frame (section 4.1)."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return struct.pack("!I", len(payload) << 8 | kind) + struct.pack("!BI", flags, stream) + payload


class Stream:
    """One request and what has come back for it. Made by C(Connection.request).

    C(headers) is None until the answer begins; C(trailers) is complete once C(ended) is true, and for an answer
    without a body it equals C(headers).
    """

    def __init__(self, connection: Connection, number: int, send_window: int) -> None:
        self.number = number
        self.headers: dict[str, str] | None = None
        self.trailers: dict[str, str] = {}
        self.ended = False
        self.send_window = send_window
        self.receive_window = WINDOW
        self.pieces: deque[bytes] = deque()
        self._connection = connection

    def read(self, deadline: Deadline) -> bytes:
        """The next piece of the body, empty at its end.

        :raises TransportError: the deadline passed, the peer reset the stream or broke the protocol.
        """
        while not self.pieces and not self.ended:
            self._connection.grant(self, deadline)
            self._connection.advance(deadline)
        return self.pieces.popleft() if self.pieces else b""

    def take_headers(self, headers: list[hpack.Header], end: bool) -> None:
        """The peer's next header list: the answer's headers, or its trailers."""
        fields = dict(headers)
        if self.headers is None:
            # Informational answers precede the real one (RFC 9110, section 15.2).
            if fields.get(":status", "").startswith("1") and not end:
                return
            if ":status" not in fields:
                raise WireError("an answer has no status")
            self.headers = fields
        elif not end:
            raise WireError("trailers do not end their stream")
        if end:
            self.trailers = fields
            self.ended = True


class Connection:
    """A connection to one endpoint, ready for requests once the server has introduced itself.

    Waiting for the server's settings costs no round trip worth naming, and proves that it accepted our certificate
    and speaks HTTP/2 before anything is asked of it: what fails earlier has certainly not been processed.

    :param sock: a connected socket, which now belongs to the connection.
    :param endpoint: for messages.
    :param explain: makes a sentence of a socket's error, as C(Dialer.explain).
    :raises TransportError: the server does not introduce itself within the deadline.
    """

    def __init__(
        self,
        sock: Wire,
        endpoint: Endpoint,
        deadline: Deadline,
        explain: t.Callable[[Endpoint, OSError, Deadline], str],
    ) -> None:
        self.endpoint = endpoint
        self.closed = False
        self._sock = sock
        self._explain = explain
        # What has come and is not obeyed yet lies between these two places. There is room for a part of a frame and for
        # what is read behind it. The memory is taken once: to take it anew for each read costs more than to fill it.
        self._buffer = memoryview(bytearray(FRAME_HEADER + MAX_FRAME + _RECEIVE))
        self._begin = 0
        self._end = 0
        self._decoder = hpack.Decoder()
        self._stream: Stream | None = None
        self._next_number = 1
        self._block: tuple[int, int, bytearray] | None = None
        self._settled = False
        self._going_away = False
        self._peer_max_frame = MAX_FRAME
        self._peer_window = _DEFAULT_WINDOW
        self._send_window = _DEFAULT_WINDOW
        self._receive_window = WINDOW
        settings = ((ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, WINDOW), (MAX_HEADER_LIST_SIZE, hpack.MAX_HEADER_LIST))
        self._send(
            PREFACE
            + frame(SETTINGS, payload=b"".join(struct.pack("!HI", *setting) for setting in settings))
            + frame(WINDOW_UPDATE, payload=struct.pack("!I", WINDOW - _DEFAULT_WINDOW)),
            deadline,
        )
        while not self._settled:
            self.advance(deadline)

    def close(self) -> None:
        """End the connection, and with it a request that is still under way."""
        self.closed = True
        self._sock.close()

    def usable(self) -> bool:
        """Whether a new request may be sent: the peer has neither closed the connection nor announced that it will."""
        deadline = Deadline(1.0)
        unread = 0
        try:
            self._obey_all(deadline)
            while not self.closed and unread <= _MOST_UNREAD:
                self._sock.settimeout(0)
                size = self._fill()
                if not size:
                    self.close()
                unread += size
                self._obey_all(deadline)
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except (OSError, TransportError, WireError):
            self.close()
        if self._going_away or unread > _MOST_UNREAD:
            self.close()
        return not self.closed

    def request(self, headers: list[hpack.Header], body: bytes, deadline: Deadline, last: int = END_STREAM) -> Stream:
        """Send one whole request; its answer is read from the stream.

        :param last: the flags of its last frame; 0 leaves our half of the stream open.
        :raises TransportError: with C(sent) false if the peer certainly has not processed it.
        """
        stream = Stream(self, self._next_number, self._peer_window)
        self._next_number += 2
        self._stream = stream
        self._send(frame(HEADERS, END_HEADERS, stream.number, hpack.encode(headers)), deadline)
        sent = 0
        # A server may answer, and so refuse, a request that it has not read to its end.
        while not stream.ended:
            room = min(len(body) - sent, self._peer_max_frame, stream.send_window, self._send_window)
            if room <= 0 and sent < len(body):
                self.advance(deadline)
                continue
            stream.send_window -= room
            self._send_window -= room
            sent += room
            flags = last if sent == len(body) else 0
            self._send(frame(DATA, flags, stream.number, body[sent - room : sent]), deadline)
            if sent == len(body):
                break
        return stream

    def finish(self, stream: Stream) -> None:
        """Forget an answered stream, so that the next request may be sent; an unanswered one ends the connection."""
        if not stream.ended:
            self.close()
        self._stream = None

    def advance(self, deadline: Deadline) -> None:
        """Read and obey one frame, and with one of data those that have come right behind it.

        :raises TransportError: there is none before the deadline, or it ends the request.
        """
        try:
            received = self._take_frame()
            while received is None:
                self._receive(deadline)
                received = self._take_frame()
            if not deadline.left():
                raise socket.timeout
            self._obey(received, deadline)
            if received.kind == DATA:
                self._obey_all(deadline, DATA)
        except WireError as exc:
            raise self._failure(f"broke the rules of HTTP/2: {exc}.") from exc
        except OSError as exc:
            raise self._failure(self._reason(exc, deadline)) from exc

    def grant(self, stream: Stream, deadline: Deadline) -> None:
        """Let the peer send more, once half of what it may send ahead has been read."""
        updates = b""
        if self._receive_window <= WINDOW // 2:
            updates += frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", WINDOW - self._receive_window))
            self._receive_window = WINDOW
        if stream.receive_window <= WINDOW // 2:
            updates += frame(WINDOW_UPDATE, 0, stream.number, struct.pack("!I", WINDOW - stream.receive_window))
            stream.receive_window = WINDOW
        if updates:
            self._send(updates, deadline)

    def _obey_all(self, deadline: Deadline, kind: int | None = None) -> None:
        """Obey the whole frames that have come; with a kind, up to the first of another one."""
        received = self._take_frame(kind)
        while received is not None:
            self._obey(received, deadline)
            received = self._take_frame(kind)

    def _send(self, data: bytes, deadline: Deadline) -> None:
        try:
            self._sock.settimeout(max(deadline.left(), 0.001))
            self._sock.sendall(data)
        except OSError as exc:
            # A refusal that is on its way to us, a TLS alert for example, says more than the broken pipe it caused.
            if isinstance(exc, (ConnectionError, ssl.SSLError)):
                self._read_last_words(deadline)
            raise self._failure(self._reason(exc, deadline)) from exc

    def _read_last_words(self, deadline: Deadline) -> None:
        try:
            self._sock.settimeout(max(deadline.left(), 0.001))
            while self._sock.recv_into(self._buffer) and deadline.left():
                pass
        except ssl.SSLError as exc:
            raise self._failure(self._reason(exc, deadline)) from exc
        except OSError:
            return

    def _receive(self, deadline: Deadline) -> None:
        left = deadline.left()
        if not left:
            raise socket.timeout
        self._sock.settimeout(left)
        if not self._fill():
            raise self._failure(self._explain_end())
        if not self._settled:
            self._recognise()

    def _fill(self) -> int:
        """Read what has come, behind the part of a frame that is there.

        :returns: how many bytes; zero once the peer has hung up.
        """
        rest = self._end - self._begin
        self._buffer[:rest] = self._buffer[self._begin : self._end]
        self._begin, self._end = 0, rest
        size = self._sock.recv_into(self._buffer[rest:])
        self._end += size
        return size

    def _recognise(self) -> None:
        """Name what else may be listening, before its bytes are taken for frames."""
        said = bytes(self._buffer[: self._end])
        if said.startswith(b"HTTP/1"):
            raise self._failure("it answers in HTTP/1, so this is not etcd's gRPC port; look at listen-client-urls.")
        if said[0:2] == b"\x15\x03" and not self.endpoint.tls:
            raise self._failure("it speaks TLS; write https:// and set ca_path.")

    def _reason(self, error: OSError, deadline: Deadline) -> str:
        if self._settled and isinstance(error, socket.timeout):
            return f"no answer within {deadline.seconds:g} s."
        return self._explain(self.endpoint, error, deadline)

    def _explain_end(self) -> str:
        if self._settled:
            return "the connection was closed from the other side."
        if self.endpoint.tls:
            return "the connection was closed before a word of HTTP/2; this is no etcd client port."
        return (
            "the connection was closed before a word of HTTP/2; a TLS port does so: try https:// with ca_path. "
            "A port of something other than etcd may do so, too."
        )

    def _take_frame(self, only: int | None = None) -> Frame | None:
        """The next frame if it is there, and of this kind."""
        begin = self._begin + FRAME_HEADER
        if begin > self._end:
            return None
        upper, lower, kind, flags, stream = _HEADER.unpack_from(self._buffer, self._begin)
        length = upper << 8 | lower
        if length > MAX_FRAME:
            raise WireError(f"a frame of {length} bytes where {MAX_FRAME} are allowed")
        end = begin + length
        if end > self._end or only not in (None, kind):
            return None
        self._begin = end
        return Frame(kind, flags, stream & _LARGEST_WINDOW, bytes(self._buffer[begin:end]))

    def _obey(self, received: Frame, deadline: Deadline) -> None:
        if self._block is not None and received.kind != CONTINUATION:
            raise WireError("a header block is interrupted")
        if not self._settled and received.kind != SETTINGS:
            raise WireError("it does not begin with its settings")
        # Kinds that are not known here are ignored (section 4.1); so are priorities.
        handler = _HANDLERS.get(received.kind)
        if handler is not None:
            handler(self, received, deadline)

    def _on_settings(self, received: Frame, deadline: Deadline) -> None:
        if received.stream or len(received.payload) % 6 or (received.flags & ACK and received.payload):
            raise WireError("malformed settings")
        if received.flags & ACK:
            return
        for name, value in struct.iter_unpack("!HI", received.payload):
            if name == MAX_FRAME_SIZE:
                if not MAX_FRAME <= value < 1 << 24:
                    raise WireError(f"a frame size setting of {value}")
                self._peer_max_frame = value
            elif name == INITIAL_WINDOW_SIZE:
                if value > _LARGEST_WINDOW:
                    raise WireError(f"a window setting of {value}")
                if self._stream is not None:
                    self._stream.send_window += value - self._peer_window
                self._peer_window = value
        self._settled = True
        self._send(frame(SETTINGS, ACK), deadline)

    def _on_ping(self, received: Frame, deadline: Deadline) -> None:
        if received.stream or len(received.payload) != 8:
            raise WireError("a malformed ping")
        if not received.flags & ACK:
            self._send(frame(PING, ACK, 0, received.payload), deadline)

    def _on_goaway(self, received: Frame, _deadline: Deadline) -> None:
        if received.stream or len(received.payload) < 8:
            raise WireError("a malformed GOAWAY")
        self._going_away = True
        last, code = struct.unpack_from("!II", received.payload)
        # A higher stream has not been processed and may be sent elsewhere (section 6.8).
        if self._stream is not None and self._stream.number > last & _LARGEST_WINDOW:
            raise self._failure(f"the server is shutting down ({_error_name(code)}).", processed=False)

    def _on_window_update(self, received: Frame, _deadline: Deadline) -> None:
        if len(received.payload) != 4:
            raise WireError("a malformed window update")
        increment = int.from_bytes(received.payload, "big") & _LARGEST_WINDOW
        if not increment:
            raise WireError("a window update of zero")
        stream = self._addressed(received)
        if not received.stream:
            self._send_window += increment
        elif stream is not None:
            stream.send_window += increment
        if max(self._send_window, stream.send_window if stream else 0) > _LARGEST_WINDOW:
            raise WireError("a window grows beyond 2^31-1")

    def _on_data(self, received: Frame, _deadline: Deadline) -> None:
        size = len(received.payload)
        stream = self._addressed(received)
        self._receive_window -= size
        if stream is None:
            raise WireError("data for a stream that is not open")
        stream.receive_window -= size
        if min(self._receive_window, stream.receive_window) < 0:
            raise WireError("more data than the window allows")
        if stream.headers is None or stream.ended:
            raise WireError("data outside of an answer")
        piece = _unpadded(received)
        if piece:
            stream.pieces.append(piece)
        stream.ended = bool(received.flags & END_STREAM)

    def _on_headers(self, received: Frame, _deadline: Deadline) -> None:
        block = _unpadded(received)
        if received.flags & PRIORITISED:
            if len(block) < 5:
                raise WireError("a malformed priority")
            block = block[5:]
        self._block = (received.stream, received.flags & END_STREAM, bytearray(block))
        self._end_block(received)

    def _on_continuation(self, received: Frame, _deadline: Deadline) -> None:
        if self._block is None or self._block[0] != received.stream:
            raise WireError("a continuation of nothing")
        self._block[2].extend(received.payload)
        if len(self._block[2]) > hpack.MAX_HEADER_LIST:
            raise WireError(f"a header block of more than {hpack.MAX_HEADER_LIST} bytes")
        self._end_block(received)

    def _end_block(self, received: Frame) -> None:
        if self._block is None or not received.flags & END_HEADERS:
            return
        _number, end, block = self._block
        self._block = None
        headers = self._decoder.decode(bytes(block))
        stream = self._addressed(received)
        if stream is None or stream.ended:
            raise WireError("headers for a stream that is not open")
        stream.take_headers(headers, bool(end))

    def _on_reset(self, received: Frame, _deadline: Deadline) -> None:
        if not received.stream or len(received.payload) != 4:
            raise WireError("a malformed reset")
        stream = self._addressed(received)
        # A server may stop an upload that it has already answered in full (section 8.1).
        if stream is None or stream.ended:
            return
        code = int.from_bytes(received.payload, "big")
        raise self._failure(f"the server reset the call ({_error_name(code)}).", processed=code != REFUSED_STREAM)

    def _on_push(self, _received: Frame, _deadline: Deadline) -> None:
        raise WireError("a push, which the settings forbid")

    def _addressed(self, received: Frame) -> Stream | None:
        """The stream under way if the frame is for it; None for the connection itself and for streams of the past."""
        if received.stream and (not received.stream % 2 or received.stream >= self._next_number):
            raise WireError(f"stream {received.stream} was never opened")
        stream = self._stream
        return stream if stream is not None and stream.number == received.stream else None

    def _failure(self, message: str, processed: bool = True) -> TransportError:
        self.close()
        return TransportError(self.endpoint.text, message, sent=processed and self._stream is not None)


_HANDLERS: dict[int, t.Callable[[Connection, Frame, Deadline], None]] = {
    DATA: Connection._on_data,
    HEADERS: Connection._on_headers,
    RST_STREAM: Connection._on_reset,
    SETTINGS: Connection._on_settings,
    PUSH_PROMISE: Connection._on_push,
    PING: Connection._on_ping,
    GOAWAY: Connection._on_goaway,
    WINDOW_UPDATE: Connection._on_window_update,
    CONTINUATION: Connection._on_continuation,
}


def connect(dialer: Dialer, endpoint: Endpoint, deadline: Deadline) -> Connection:
    """Dial an endpoint and let it introduce itself.

    :raises BadInput: a certificate or key file cannot be used.
    :raises TransportError: it failed; C(sent) is false.
    """
    return Connection(dialer.dial(endpoint, deadline), endpoint, deadline, dialer.explain)


def _unpadded(received: Frame) -> bytes:
    if not received.flags & PADDED:
        return received.payload
    if not received.payload or received.payload[0] >= len(received.payload):
        raise WireError("padding longer than its frame")
    return received.payload[1 : len(received.payload) - received.payload[0]]


def _error_name(code: int) -> str:
    return ERROR_NAMES[code] if code < len(ERROR_NAMES) else f"error {code}"
