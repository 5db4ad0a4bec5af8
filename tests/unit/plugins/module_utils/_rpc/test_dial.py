# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import struct
import threading
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.dial import Dialer, endpoint_of


@pytest.mark.parametrize(
    ("text", "tls", "host", "authority"),
    [
        ("http://127.0.0.1:2379", False, "127.0.0.1", "127.0.0.1:2379"),
        ("https://[fd00::1]:2379", True, "fd00::1", "[fd00::1]:2379"),
        (" https://etcd-0.example.com:2380 ", True, "etcd-0.example.com", "etcd-0.example.com:2380"),
        ("10.0.0.1:2379", False, "10.0.0.1", "10.0.0.1:2379"),
    ],
)
def test_an_endpoint_is_read(text: str, tls: bool, host: str, authority: str) -> None:
    endpoint = endpoint_of(text)
    assert (endpoint.text, endpoint.tls, endpoint.url.host, endpoint.authority) == (text.strip(), tls, host, authority)


def test_an_endpoint_without_a_scheme_follows_the_certificates() -> None:
    assert endpoint_of("10.0.0.1:2379", tls=True).tls


@pytest.mark.parametrize(
    "text", ["", "ftp://10.0.0.1:2379", "https://10.0.0.1", "https://fd00::1:2379", "http://:2379"]
)
def test_what_is_no_endpoint_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        endpoint_of(text)
    assert "endpoints" in str(caught.value)
    assert text in str(caught.value)


def test_a_key_without_a_certificate_is_refused() -> None:
    with pytest.raises(BadInput, match="client_key /k.pem is given without client_cert"):
        Dialer(client_key="/k.pem")


def test_a_name_server_that_does_not_answer_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: done.wait(10) and [])
    try:
        with pytest.raises(TransportError) as caught:
            Dialer().dial(endpoint_of("http://etcd.example.com:2379"), Deadline(0.05))
    finally:
        done.set()
    assert str(caught.value) == (
        "http://etcd.example.com:2379: no name server answered for etcd.example.com within 0.05 s."
    )
    assert not caught.value.sent


def test_the_next_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def two_addresses(*_args: Any, **_kwargs: Any) -> list[Any]:
            # Nothing listens on the first one: the listener is bound to 127.0.0.1 alone.
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
        sock = Dialer().dial(endpoint_of(f"http://etcd.example.com:{port}"), Deadline(5.0))
        with sock:
            assert sock.getpeername() == ("127.0.0.1", port)


def test_an_address_that_swallows_packets_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as good, socket.socket() as full:
        port = good.getsockname()[1]
        full.bind(("127.0.0.2", port))
        full.listen(0)
        # A full queue of connections drops further ones without a word.
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.2", port))

        def two_addresses(*_args: Any, **_kwargs: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
        deadline = Deadline(2.0)
        try:
            with Dialer().dial(endpoint_of(f"http://etcd.example.com:{port}"), deadline) as sock:
                assert sock.getpeername() == ("127.0.0.1", port)
            assert deadline.left() > 0
        finally:
            for one in waiting:
                one.close()


@pytest.mark.parametrize("linger", [None, struct.pack("ii", 1, 0)], ids=["hangs up", "resets"])
def test_a_port_that_hangs_up_on_the_first_words_of_tls_does_not_speak_it(linger: bytes | None) -> None:
    """Which of the two it is depends on whether it has read all of them."""

    def serve() -> None:
        connection, _address = listener.accept()
        with connection:
            connection.recv(65536)
            if linger:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(TransportError) as caught:
            Dialer().dial(endpoint_of(f"https://127.0.0.1:{listener.getsockname()[1]}"), Deadline(5))
        thread.join()
    assert "it does not speak TLS; write http://" in str(caught.value)
