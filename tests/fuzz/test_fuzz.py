# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No bytes of a peer make the client hang, fail with anything but an error of its own, or grow without bound.

C(FUZZ_SECONDS) is how long to go on, shared by all tests of this file; without it each tries a fixed number of cases.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import inputs
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import grpc, hpack
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer, endpoint_of
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.http2 import WINDOW, Connection
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy
from limits import soon, within

CASES = 800
SECONDS = float(os.environ.get("FUZZ_SECONDS", "0")) / 4

# A dict for two bytes is what the smallest message costs; it is the most that any byte makes us hold.
A_BYTE = 1000
ENDPOINT = endpoint_of("http://10.0.0.1:2379")
CALL = grpc.Call("KV.Range", "/etcdserverpb.KV/Range", b"question" * 2000)


def fuzz(strategy: SearchStrategy[Any], act: Callable[[Any], None], size: Callable[[Any], int], room: int) -> None:
    """Try many inputs, each with a limit of time and of C(room) bytes beside what its own size accounts for."""

    @settings(max_examples=CASES, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def every(value: Any) -> None:
        with soon(), within(room + A_BYTE * size(value)), contextlib.suppress(EtcdError):
            act(value)

    end = time.monotonic() + SECONDS
    seed(time.time_ns() if SECONDS else 0)(every)()
    while time.monotonic() < end:
        seed(time.time_ns())(every)()


def test_header_blocks() -> None:
    def act(blocks: list[bytes]) -> None:
        decoder = hpack.Decoder()
        for block in blocks:
            with contextlib.suppress(EtcdError):
                decoder.decode(block)

    fuzz(inputs.blocks, act, lambda blocks: sum(map(len, blocks)), 1 << 20)


def test_messages() -> None:
    def act(said: tuple[str, bytes]) -> None:
        protobuf.decode(*said)

    fuzz(inputs.messages(), act, lambda said: len(said[1]), 1 << 20)


def test_calls() -> None:
    def act(said: bytes) -> None:
        with listening_to(said) as connection:
            protobuf.decode("RangeResponse", grpc.unary(connection, CALL, Deadline(60.0)))

    fuzz(inputs.conversations, act, len, 4 * WINDOW)


def test_streams() -> None:
    def act(said: bytes) -> None:
        with listening_to(said) as connection:
            for message in grpc.server_stream(connection, CALL, 60.0):
                protobuf.decode("RangeStreamResponse", message)

    fuzz(inputs.conversations, act, len, 4 * WINDOW)


@contextlib.contextmanager
def listening_to(said: bytes) -> Iterator[Connection]:
    """A connection to a peer that says all of this and hangs up. After any error it must be closed."""
    connection = Connection(cast(socket.socket, Tape(said)), ENDPOINT, Deadline(60.0), Dialer().explain)
    try:
        yield connection
    except TransportError:
        assert connection.closed
        raise


class Tape:
    """A socket whose other end takes everything and says what it was made to, in pieces that cut frames anywhere."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def settimeout(self, _seconds: float) -> None:
        pass

    def sendall(self, _data: bytes) -> None:
        pass

    def recv(self, size: int) -> bytes:
        piece, self._said = self._said[: min(size, 1000)], self._said[min(size, 1000) :]
        return piece

    def recv_into(self, room: memoryview) -> int:
        piece = self.recv(len(room))
        room[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._said = b""
