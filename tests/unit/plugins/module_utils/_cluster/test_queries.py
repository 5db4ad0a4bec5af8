# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where members are reached; real clusters are asked elsewhere."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from peer import Peer, answering

NOBODY = Credentials()


def member(member_id: str = "a1", client_urls: tuple[str, ...] = (), peer_urls: tuple[str, ...] = ()) -> ClusterMember:
    return ClusterMember(member_id, member_id, peer_urls, client_urls)


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# -- endpoints ---------------------------------------------------------------------------------------------------------


def test_endpoints_are_the_client_urls_of_the_others() -> None:
    members = [
        member("a", ("https://10.0.0.1:2379", "https://etcd1:2379")),
        member("b", ("https://10.0.0.2:2379",)),
        member("c"),
    ]
    assert queries.endpoints_of(members, but="b") == ["https://10.0.0.1:2379", "https://etcd1:2379"]
    assert len(queries.endpoints_of(members)) == 3


def test_a_loopback_url_leads_to_nobody_else() -> None:
    urls = ("http://127.0.0.1:2379", "http://localhost:2379", "http://[::1]:2379", "http://[fd00::1]:2379")
    assert queries.endpoints_of([member(client_urls=urls)]) == ["http://[fd00::1]:2379"]


# -- nobody tells ------------------------------------------------------------------------------------------------------


def test_why_nobody_tells_the_members_is_said(closed: int) -> None:
    with pytest.raises(TransportError, match="connection refused"):
        queries.votes([f"http://127.0.0.1:{closed}"], NOBODY)


def test_what_etcd_refuses_is_said_in_its_own_words() -> None:
    refusal = (("grpc-status", "3"), ("grpc-message", "etcdserver: user name is empty"))
    with Peer(*[answering(trailers=refusal)] * 2) as peer, pytest.raises(RpcError, match="user name is empty"):
        queries.votes([peer.url], NOBODY)
