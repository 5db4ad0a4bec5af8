# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our end of a TLS connection: what was sent comes whole, in its order, in time, or it is said why not."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.tls import TlsSocket
from authority import Authority, Pair

SECONDS = 10.0
WORDS = random.Random(1).randbytes(3_000_000)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.issue("server")


@contextlib.contextmanager
def dialled(
    authority: Authority, serve: Callable[[socket.socket], None], host: str = "127.0.0.1"
) -> Iterator[TlsSocket]:
    """Our end of a connection to somebody; the handshake is still to come."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.path)
    ours, theirs = socket.socketpair()
    server = threading.Thread(target=serve, args=(theirs,))
    server.start()
    sock = TlsSocket(ours, context, host)
    sock.settimeout(SECONDS)
    try:
        yield sock
    finally:
        sock.close()
        server.join(SECONDS)
        assert not server.is_alive()


class Server:
    """The other end, which hands out what it wants to send, so that a test can say how that comes."""

    def __init__(self, pair: Pair, sock: socket.socket, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        context.maximum_version = newest
        self.sock = sock
        self.come, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.come, self.leaving, server_side=True)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.sock.sendall(self.leaving.read())
                self.come.write(self.sock.recv(65536))
        self.sock.sendall(self.leaving.read())

    def sealed(self, words: bytes) -> bytes:
        rest = memoryview(words)
        while rest:
            rest = rest[self.tls.write(rest) :]
        return self.leaving.read()

    def farewell(self) -> bytes:
        """That nothing more will come."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.leaving.read()

    def heard(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            try:
                found += self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.come.write(self.sock.recv(65536))
        return found


def read_all(sock: TlsSocket, room: int) -> bytes:
    view, found = memoryview(bytearray(room)), bytearray()
    size = sock.recv_into(view)
    while size:
        found += view[:size]
        size = sock.recv_into(view)
    return bytes(found)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda one: one.name)
@pytest.mark.parametrize("polite", [False, True], ids=["hangs up", "says farewell"])
@pytest.mark.parametrize("room", [1000, 16384, 300_000])
def test_what_was_sent_comes_whole_and_then_its_end(
    authority: Authority, pair: Pair, room: int, polite: bool, newest: ssl.TLSVersion
) -> None:
    def serve(sock: socket.socket) -> None:
        server = Server(pair, sock, newest)
        sealed, chance = server.sealed(WORDS), random.Random(room)
        while sealed:
            size = chance.choice([1, 5, 16_000, 100_000, 1_000_000])
            sock.sendall(sealed[:size])
            sealed = sealed[size:]
        if polite:
            sock.sendall(server.farewell())
        sock.close()

    with dialled(authority, serve) as sock:
        sock.handshake()
        assert read_all(sock, room) == WORDS
        assert sock.recv_into(memoryview(bytearray(10))) == 0


def test_what_we_send_comes_whole(authority: Authority, pair: Pair) -> None:
    found = []
    with dialled(authority, lambda sock: found.append(Server(pair, sock).heard(len(WORDS)))) as sock:
        sock.handshake()
        sock.sendall(WORDS)
    assert found == [WORDS]


def test_all_that_has_come_is_read_at_once(authority: Authority, pair: Pair) -> None:
    come = threading.Event()

    def serve(sock: socket.socket) -> None:
        server = Server(pair, sock)
        sock.sendall(server.sealed(WORDS[:50_000]))
        come.set()

    with dialled(authority, serve) as sock:
        sock.handshake()
        assert come.wait(SECONDS)
        assert sock.recv_into(memoryview(bytearray(100_000))) == 50_000


def test_what_came_before_an_error_is_read_before_the_error(authority: Authority, pair: Pair) -> None:
    come = threading.Event()

    def serve(sock: socket.socket) -> None:
        server = Server(pair, sock)
        sock.sendall(server.sealed(b"words") + b"\x17\x03\x03\x00\x20" + bytes(32))
        come.set()

    with dialled(authority, serve) as sock:
        sock.handshake()
        assert come.wait(SECONDS)
        view = memoryview(bytearray(100))
        assert bytes(view[: sock.recv_into(view)]) == b"words"
        for _again in range(2):
            with pytest.raises(ssl.SSLError, match="(?i)bad.record|decryption"):
                sock.recv_into(view)


def test_who_sends_a_byte_now_and_then_does_not_get_more_time(authority: Authority, pair: Pair) -> None:
    over = threading.Event()

    def serve(sock: socket.socket) -> None:
        server = Server(pair, sock)
        with contextlib.suppress(OSError):
            for byte in server.sealed(WORDS[:10_000]):
                sock.sendall(bytes([byte]))
                if over.wait(0.05):
                    return

    with dialled(authority, serve) as sock:
        sock.handshake()
        begin = time.monotonic()
        sock.settimeout(0.5)
        with pytest.raises(socket.timeout):
            sock.recv_into(memoryview(bytearray(100)))
        over.set()
    assert time.monotonic() - begin < len(WORDS[:10_000]) * 0.05


def test_with_no_time_at_all_nobody_is_waited_for(authority: Authority, pair: Pair) -> None:
    over = threading.Event()

    def serve(sock: socket.socket) -> None:
        # We may be gone before its last words of the handshake.
        with contextlib.suppress(OSError):
            Server(pair, sock)
        over.wait(SECONDS)

    with dialled(authority, serve) as sock:
        sock.handshake()
        sock.settimeout(0)
        with pytest.raises((BlockingIOError, ssl.SSLWantReadError)):
            sock.recv_into(memoryview(bytearray(100)))
        over.set()


def test_who_hangs_up_during_the_handshake_does_not_speak_tls(authority: Authority) -> None:
    with dialled(authority, lambda sock: sock.close()) as sock, pytest.raises(OSError) as caught:
        sock.handshake()
    assert isinstance(caught.value, (ssl.SSLEOFError, ConnectionError))


def test_who_is_not_trusted_is_told_so(authority: Authority, pair: Pair, tmp_path: Path) -> None:
    told = []

    def serve(sock: socket.socket) -> None:
        with pytest.raises(ssl.SSLError) as caught:
            Server(pair, sock)
        told.append(caught.value.reason)

    with dialled(Authority(tmp_path, "another"), serve) as sock, pytest.raises(ssl.SSLCertVerificationError):
        sock.handshake()
    assert told == ["TLSV1_ALERT_UNKNOWN_CA"]


def test_who_is_somebody_else_is_not_trusted(authority: Authority, pair: Pair) -> None:
    def serve(sock: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError):
            Server(pair, sock)

    somebody_else = pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch")
    with dialled(authority, serve, host="192.0.2.1") as sock, somebody_else:
        sock.handshake()
