# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What counts as a sign of life at the URLs of a member; real members are asked elsewhere.

0.0.0.0 leads to this host like a loopback address, but is none.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import signs_of_life
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.signs_of_life import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, Sign
from peer import Peer, answering

OURS = Asker(cluster_id="00babc9795b64f03")
NOWHERE = "http://127.0.0.1:1"
Saying = Callable[[bytes], int]


def member(client_urls: tuple[str, ...] = (), peer_urls: tuple[str, ...] = (NOWHERE,)) -> dict[str, Any]:
    return ClusterMember("a1", "", peer_urls, client_urls)


def at(port: int, scheme: str = "http") -> str:
    return f"{scheme}://0.0.0.0:{port}"


def sign(asker: Asker = OURS, **urls: tuple[str, ...]) -> Sign | None:
    return signs_of_life.find(member(**urls), asker, 0.5)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def saying() -> Iterator[Saying]:
    """Listens, and answers the first words of each connection with the same."""
    listeners = []

    def serve(listener: socket.socket, words: bytes) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(4096)
                    connection.sendall(words)

    def saying(words: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, words), daemon=True).start()
        return int(listener.getsockname()[1])

    yield saying
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def http(status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 2", "", "[]"]).encode()


def status_of(member_id: str) -> bytes:
    return protobuf.encode("StatusResponse", {"header": {"member_id": int(member_id, 16)}, "leader": 1})


class TestAtAClientUrl:
    def test_the_member_itself_answers(self) -> None:
        with Peer(answering(status_of("a1"))) as peer:
            assert sign(client_urls=(peer.url,)) == Sign(peer.url, True)

    def test_another_member_is_not_it(self) -> None:
        with Peer(answering(status_of("b2"))) as peer:
            assert sign(client_urls=(peer.url.replace("127.0.0.1", "0.0.0.0"),)) is None

    def test_a_port_that_only_takes_connections_may_be_a_member_that_hangs(self, silent: int) -> None:
        assert sign(client_urls=(at(silent),)) == Sign(at(silent), False)

    def test_another_protocol_is_not_it(self, saying: Saying) -> None:
        assert sign(client_urls=(at(saying(b"SSH-2.0-OpenSSH_9.2\r\n"), "https"),)) is None


class TestAtAPeerUrl:
    def test_a_member_of_the_cluster_answers(self, saying: Saying) -> None:
        url = at(saying(http("200 OK", "X-Etcd-Cluster-Id: babc9795b64f03")))
        assert sign(peer_urls=(url,)) == Sign(url, True)

    def test_a_member_of_another_cluster_is_not_it(self, saying: Saying) -> None:
        url = at(saying(http("200 OK", "x-etcd-cluster-id: cdf818194e3a8c32")))
        assert sign(peer_urls=(url,)) is None
        # Where nobody knows the cluster's ID it may be.
        assert sign(Asker(), peer_urls=(url,)) == Sign(url, True)

    @pytest.mark.parametrize("words", [http("404 Not Found"), http(), b"SSH-2.0-OpenSSH_9.2\r\n", b"quorum.etcd 1\n"])
    def test_what_is_no_etcd_is_not_it(self, saying: Saying, words: bytes) -> None:
        assert sign(peer_urls=(at(saying(words)),)) is None

    @pytest.mark.parametrize("words", [b"", b"HTTP", http("502 Bad Gateway")])
    def test_what_says_too_little_may_be_it(self, saying: Saying, words: bytes) -> None:
        url = at(saying(words))
        assert sign(peer_urls=(url,)) == Sign(url, False)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_what_says_nothing_may_be_a_member_that_hangs(self, silent: int, scheme: str) -> None:
        assert sign(peer_urls=(at(silent, scheme),)) == Sign(at(silent, scheme), False)

    def test_what_does_not_speak_tls_is_not_it(self, saying: Saying) -> None:
        assert sign(peer_urls=(at(saying(http("400 Bad Request")), "https"),)) is None

    def test_a_port_of_this_host_says_nothing_of_a_member_elsewhere(self, silent: int) -> None:
        url = f"http://127.0.0.1:{silent}"
        assert sign(client_urls=(url,), peer_urls=(url,)) is None

    def test_a_port_where_nobody_listens_is_silent(self, closed: int) -> None:
        assert sign(client_urls=(at(closed),), peer_urls=(at(closed),)) is None

    def test_the_most_certain_sign_counts(self, silent: int, saying: Saying) -> None:
        url = at(saying(http("200 OK", "X-Etcd-Cluster-Id: babc9795b64f03")))
        assert sign(client_urls=(at(silent),), peer_urls=(url,)) == Sign(url, True)


def test_signs_are_told_in_words() -> None:
    assert str(Sign("http://10.0.0.3:2380", True)) == "answers at http://10.0.0.3:2380"
    assert str(Sign("http://10.0.0.3:2380", False)) == (
        "may answer at http://10.0.0.3:2380, where something takes connections and does not say who it is"
    )


def test_authorities_that_cannot_be_read_are_named() -> None:
    with pytest.raises(BadInput, match="peer_ca_path /gone/ca.pem cannot be read"):
        signs_of_life.asker("/gone/ca.pem", None, None)
