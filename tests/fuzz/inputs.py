# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a peer gone mad may say: a good one's words, damaged; whole frames in an order without sense; noise."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import hpack
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._formats.messages import ENUMS, MESSAGES
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import http2
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITISED,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)
from hypothesis import strategies as st

LARGEST = 1 << 16


def _block(*headers: tuple[str, str], huffman: bool = True) -> bytes:
    return hpack.Encoder().encode(list(headers), huffman=huffman)


def _grpc(message: bytes) -> bytes:
    return struct.pack("!BI", 0, len(message)) + message


_ANSWER = protobuf.encode(
    "RangeResponse",
    {
        "header": {"cluster_id": (1 << 64) - 1, "member_id": 5, "revision": 7, "raft_term": 2},
        "kvs": [{"key": b"k", "value": b"v" * 40, "mod_revision": 6}, {"key": b"l", "lease": -1}],
        "count": 2,
    },
)
_BEGIN = _block((":status", "200"), ("content-type", "application/grpc"))
_END = _block(("grpc-status", "0"), ("grpc-message", ""))
_ERROR = _block(
    (":status", "200"), ("grpc-status", "14"), ("grpc-message", "etcdserver: no leader %C3%A4"), huffman=False
)

BLOCKS = [
    _BEGIN,
    _END,
    _ERROR,
    bytes.fromhex("3fe11f") + _BEGIN,
    bytes.fromhex("4001617fa11e") + b"v" * 4000 + b"\xbe" * 8,
]

_TRAILERS = frame(HEADERS, END_HEADERS | END_STREAM, 1, _END)
CONVERSATIONS = [
    frame(SETTINGS)
    + frame(SETTINGS, ACK)
    + frame(HEADERS, END_HEADERS, 1, _BEGIN)
    + frame(DATA, 0, 1, _grpc(_ANSWER))
    + _TRAILERS,
    frame(SETTINGS, 0, 0, struct.pack("!HIHI", 3, 100, 4, 1 << 20))
    + frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 20))
    + frame(HEADERS, END_HEADERS | END_STREAM, 1, _ERROR),
    frame(SETTINGS)
    + frame(PING, 0, 0, b"are you?")
    + frame(HEADERS, PADDED | PRIORITISED, 1, b"\x02" + bytes(5) + _BEGIN[:2] + bytes(2))
    + frame(CONTINUATION, END_HEADERS, 1, _BEGIN[2:])
    + frame(DATA, PADDED, 1, b"\x03" + _grpc(_ANSWER)[:20] + bytes(3))
    + frame(0x5F, 0, 0, b"?")
    + frame(DATA, 0, 1, _grpc(_ANSWER)[20:])
    + _TRAILERS,
    frame(SETTINGS) + frame(GOAWAY, 0, 0, struct.pack("!II", 1, 0)) + frame(RST_STREAM, 0, 1, struct.pack("!I", 8)),
]


def _frame(kind: int, flags: int, elsewhere: int | None, payload: bytes) -> bytes:
    usual = 0 if kind in (SETTINGS, PING, GOAWAY) else 1
    return frame(kind, flags, usual if elsewhere is None else elsewhere, payload)


_FRAMES = st.one_of(
    # What may be said at any time, so that what comes after it is heard.
    st.sampled_from([frame(PING, ACK, 0, bytes(8)), frame(SETTINGS, ACK), frame(0x5F), frame(DATA, 0, 1, b"x")]),
    st.builds(
        _frame,
        st.integers(0, 11),
        st.sampled_from([0, ACK, END_HEADERS, PADDED, END_HEADERS | END_STREAM, 0xFF]),
        st.sampled_from([None, None, None, 0, 1, 2, 3, (1 << 31) - 1]),
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from([*BLOCKS, bytes(4), bytes(6), bytes(8), _grpc(_ANSWER), bytes(http2.MAX_FRAME)]),
        ),
    ),
)

# Each takes some bytes, a place in them, a length and other bytes.
_DAMAGES: list[Callable[[bytes, int, int, bytes], bytes]] = [
    lambda data, at, _length, _other: data[:at],
    lambda data, at, length, _other: data[:at] + data[at + length :],
    lambda data, at, _length, other: data[:at] + other + data[at:],
    lambda data, at, length, other: data[:at] + other + data[at + length :],
    lambda data, at, length, other: data[:at] + data[at : at + length] * (1 + len(other) * 20) + data[at + length :],
    lambda data, at, _length, other: bytes(
        byte ^ (other or b"\x80")[0] if index == at else byte for index, byte in enumerate(data)
    ),
]
_TELLING = [b"\0", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff" * 4, b"\xff" * 9 + b"\x01", bytes(9)]


@st.composite
def damaged(draw: Callable[..., Any], originals: Sequence[bytes]) -> bytes:
    """One of the originals after a few accidents."""
    data = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(0, 6))):
        damage = draw(st.sampled_from(_DAMAGES))
        other = draw(st.one_of(st.sampled_from([*_TELLING, *originals]), st.binary(max_size=8)))
        data = damage(data, draw(st.integers(0, len(data))), draw(st.integers(0, 60)), other)[:LARGEST]
    return bytes(data)


blocks = st.lists(st.one_of(damaged(BLOCKS), st.binary(max_size=300)), min_size=1, max_size=4)
conversations = st.one_of(
    damaged(CONVERSATIONS),
    st.builds(
        lambda begun, said: (frame(SETTINGS) + begun + b"".join(said))[:LARGEST],
        st.sampled_from([b"", frame(HEADERS, END_HEADERS, 1, _BEGIN)]),
        st.lists(_FRAMES, max_size=12),
    ),
    st.binary(max_size=300),
)


def _values(name: str, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={field.name: _value(field, depth) for field in protobuf.fields(name)})


def _value(field: protobuf.Field, depth: int) -> st.SearchStrategy[Any]:
    if field.type in MESSAGES:
        one = _values(field.type, depth - 1) if depth else st.just({})
    elif field.type in ENUMS:
        one = st.sampled_from(ENUMS[field.type])
    else:
        one = {"string": st.text(max_size=9), "bytes": st.binary(max_size=9), "bool": st.booleans()}.get(
            field.type, st.integers(0, 1 << 31)
        )
    return st.lists(one, max_size=3) if field.repeated else one


@st.composite
def messages(draw: Callable[..., Any]) -> tuple[str, bytes]:
    """The name of a message and bytes that are none, or one of another kind."""
    names = sorted(MESSAGES)
    good = protobuf.encode(name := draw(st.sampled_from(names)), draw(_values(name, 2)))
    return draw(st.sampled_from([name, *names])), draw(st.one_of(damaged([good, _ANSWER]), st.binary(max_size=200)))
