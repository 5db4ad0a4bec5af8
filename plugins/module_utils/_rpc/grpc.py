# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""gRPC over one HTTP/2 connection: unary and server-streaming calls (https://grpc.io, "gRPC over HTTP2")."""

from __future__ import annotations

import contextlib
import re
import struct
import typing as t
from urllib.parse import unquote

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import RpcError, TransportError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.http2 import END_STREAM, Connection, Stream

# The status codes, each at its number.
CODES = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
]

# No answer that this collection asks for comes near it; a peer gone mad must not fill the memory.
MAX_MESSAGE = 64 << 20

_PREFIX = 5
_STATUS = re.compile("[0-9]{1,9}")
# The server gives up a little after the client has, so that it is always the client's own deadline that is reported.
_SERVER_GRACE = 1.0


class Call(t.NamedTuple):
    """What to ask.

    :param name: for messages, for example C(Cluster.MemberList).
    :param path: for example C(/etcdserverpb.Cluster/MemberList).
    :param request: the encoded message.
    :param metadata: header names and values to send along.
    """

    name: str
    path: str
    request: bytes
    metadata: tuple[tuple[str, str], ...] = ()


def unary(connection: Connection, call: Call, deadline: Deadline) -> bytes:
    """The one message that answers a call.

    The server is told the deadline, so that a request which it has put aside is not carried out long after.

    :raises TransportError: there was no answer.
    :raises RpcError: the answer is an error.
    """
    timeout = ("grpc-timeout", f"{int((deadline.left() + _SERVER_GRACE) * 1000)}m")
    with named(connection, call.name):
        stream = connection.request(_headers(connection, call, timeout), _framed(call.request), deadline)
        messages = list(_messages(connection, stream, lambda: deadline))
        _check_status(connection, call, stream)
        connection.finish(stream)
        if len(messages) != 1:
            raise WireError(f"{len(messages)} messages where one is due")
    return messages[0]


def server_stream(connection: Connection, call: Call, idle: float, last: int = END_STREAM) -> t.Iterator[bytes]:
    """The messages that answer a call, as they come.

    No C(grpc-timeout) is sent, since it would bound the whole stream however well it flows.

    :param idle: the longest wait for one message, in seconds.
    :param last: see C(Connection.request).
    :raises TransportError: there was no answer, or none for C(idle) seconds.
    :raises RpcError: the answer ends with an error.
    """
    with named(connection, call.name):
        stream = connection.request(_headers(connection, call), _framed(call.request), Deadline(idle), last)
        yield from _messages(connection, stream, lambda: Deadline(idle))
        _check_status(connection, call, stream)
        connection.finish(stream)


@contextlib.contextmanager
def named(connection: Connection, name: str) -> t.Iterator[None]:
    """Let errors say which call they ended, and close the connection after bytes that break the rules."""
    try:
        yield
    except TransportError as exc:
        raise TransportError(exc.endpoint, f"{name}: {exc.message}", exc.sent) from exc
    except WireError as exc:
        connection.close()
        raise TransportError(connection.endpoint.text, f"{name}: broke the rules of gRPC: {exc}.", True) from exc


def _headers(connection: Connection, call: Call, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "https" if connection.endpoint.tls else "http"),
        (":path", call.path),
        (":authority", connection.endpoint.authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "quorum.etcd"),
        *more,
        *call.metadata,
    ]


def _framed(message: bytes) -> bytes:
    return struct.pack("!BI", 0, len(message)) + message


def _messages(connection: Connection, stream: Stream, deadline: t.Callable[[], Deadline]) -> t.Iterator[bytes]:
    """The messages of a stream; each may take until the deadline that is asked for before it."""
    received = bytearray()
    limit = deadline()
    piece = stream.read(limit)
    _check_is_grpc(connection, stream)
    while piece:
        received += piece
        while len(received) >= _PREFIX:
            compressed, length = struct.unpack_from("!BI", received)
            if compressed:
                raise WireError("a compressed message, which was not asked for")
            if length > MAX_MESSAGE:
                raise WireError(f"a message of {length} bytes where {MAX_MESSAGE} are allowed")
            end = _PREFIX + length
            if len(received) < end:
                break
            with memoryview(received) as view:
                message = bytes(view[_PREFIX:end])
            del received[:end]
            yield message
            limit = deadline()
        piece = stream.read(limit)
    if received and stream.trailers.get("grpc-status") == "0":
        raise WireError("a message is cut off")


def _check_is_grpc(connection: Connection, stream: Stream) -> None:
    http_status = (stream.headers or {}).get(":status")
    if http_status != "200":
        connection.close()
        raise TransportError(
            connection.endpoint.text,
            f"it answers gRPC with HTTP status {http_status}, so this is not etcd's gRPC port; "
            "look at listen-client-urls.",
            sent=True,
        )


def _check_status(connection: Connection, call: Call, stream: Stream) -> None:
    status = stream.trailers.get("grpc-status", "")
    if not status:
        raise WireError("an answer without a status")
    if not _STATUS.fullmatch(status):
        raise WireError("a status that is no number")
    code = int(status)
    if code:
        connection.finish(stream)
        name = CODES[code] if code < len(CODES) else f"code {code}"
        detail = unquote(stream.trailers.get("grpc-message", ""))
        raise RpcError(connection.endpoint.text, call.name, code, name, detail)
