# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where members are reached, and what counts as a sign of life; real clusters are asked elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils import _cluster, _protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._errors import RpcError, TransportError
from peer import Peer, answering

NOBODY = Credentials()


def member(member_id: str = "a1", client_urls: tuple[str, ...] = (), peer_urls: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "id": member_id,
        "name": member_id,
        "client_urls": list(client_urls),
        "peer_urls": list(peer_urls),
        "is_learner": False,
        "started": True,
    }


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def status_of(member_id: str) -> bytes:
    return _protobuf.encode("StatusResponse", {"header": {"member_id": int(member_id, 16)}, "leader": 1})


# -- endpoints ---------------------------------------------------------------------------------------------------------


def test_endpoints_are_the_client_urls_of_the_others() -> None:
    members = [
        member("a", ("https://10.0.0.1:2379", "https://etcd1:2379")),
        member("b", ("https://10.0.0.2:2379",)),
        member("c"),
    ]
    assert _cluster.endpoints_of(members, but="b") == ["https://10.0.0.1:2379", "https://etcd1:2379"]
    assert len(_cluster.endpoints_of(members)) == 3


def test_a_loopback_url_leads_to_nobody_else() -> None:
    urls = ("http://127.0.0.1:2379", "http://localhost:2379", "http://[::1]:2379", "http://[fd00::1]:2379")
    assert _cluster.endpoints_of([member(client_urls=urls)]) == ["http://[fd00::1]:2379"]


# -- signs of life -----------------------------------------------------------------------------------------------------
# 0.0.0.0 leads to this host like a loopback address, but is none.


def test_a_member_that_tells_its_status_answers() -> None:
    with Peer(answering(status_of("a1"))) as peer:
        assert _cluster.answers(member("a1", (peer.url,), ("http://127.0.0.1:1",)), NOBODY) == f"answers at {peer.url}"


def test_another_member_at_its_address_is_not_it() -> None:
    with Peer(answering(status_of("b2"))) as peer:
        url = peer.url.replace("127.0.0.1", "0.0.0.0")
        assert _cluster.answers(member("a1", (url,), ("http://127.0.0.1:1",)), NOBODY) == ""


def test_a_port_that_only_takes_connections_may_be_a_member_that_hangs(silent: int) -> None:
    url = f"http://0.0.0.0:{silent}"
    assert _cluster.answers(member(client_urls=(url,), peer_urls=("http://0.0.0.0:1",)), NOBODY, 0.3) == (
        f"answers at {url}"
    )
    assert _cluster.answers(member(peer_urls=(url,)), NOBODY, 0.3) == f"answers at {url}"
    assert _cluster.answers(member(peer_urls=(url.replace("http:", "https:"),)), NOBODY, 0.3) != ""


def test_a_port_of_this_host_says_nothing_of_a_member_elsewhere(silent: int) -> None:
    url = f"http://127.0.0.1:{silent}"
    assert _cluster.answers(member(client_urls=(url,), peer_urls=(url,)), NOBODY, 0.3) == ""


def test_a_port_where_nobody_listens_is_silent(closed: int) -> None:
    url = f"http://0.0.0.0:{closed}"
    assert _cluster.answers(member(client_urls=(url,), peer_urls=(url,)), NOBODY, 0.3) == ""


# -- nobody tells ------------------------------------------------------------------------------------------------------


def test_why_nobody_tells_the_members_is_said(closed: int) -> None:
    with pytest.raises(TransportError, match="connection refused"):
        _cluster.votes([f"http://127.0.0.1:{closed}"], NOBODY)


def test_what_etcd_refuses_is_said_in_its_own_words() -> None:
    refusal = (("grpc-status", "3"), ("grpc-message", "etcdserver: user name is empty"))
    with Peer(*[answering(trailers=refusal)] * 2) as peer, pytest.raises(RpcError, match="user name is empty"):
        _cluster.votes([peer.url], NOBODY)
