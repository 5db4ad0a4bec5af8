# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys API of version 2 of one member, over one connection."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import TransportError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_member import V2Member

NODE = json.dumps({"node": {"key": "/a", "value": "x", "modifiedIndex": 4}}).encode()


class Served:
    """A member that gives one answer to all, and takes down what it was asked by which connection."""

    def __init__(self) -> None:
        self.status, self.body = 200, NODE
        self.asked: list[tuple[str, str, Any]] = []
        #: Whether each connection is closed behind its answer, without a word before it.
        self.hangs_up = False
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                served.asked.append((self.command, self.path, self.client_address))
                self.send_response(served.status)
                self.send_header("Content-Length", str(len(served.body)))
                self.end_headers()
                self.wfile.write(served.body)
                self.close_connection = served.hangs_up

            do_DELETE = do_GET

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    threading.Thread(target=one.server.serve_forever, daemon=True).start()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def member(served: Served) -> Iterator[V2Member]:
    with V2Member(served.endpoint, ssl.create_default_context(), 5.0) as one:
        yield one


def test_all_is_asked_by_one_connection(served: Served, member: V2Member) -> None:
    for number in range(20):
        assert member.get(f"/a {number}%") == {"key": "/a", "value": "x", "modifiedIndex": 4}
    assert member.delete_unchanged("/a", 4)
    assert member.delete_directory("/d")
    assert len({address for _method, _path, address in served.asked}) == 1
    assert served.asked[0][:2] == ("GET", "/v2/keys/a%200%25")
    assert [one[:2] for one in served.asked[-2:]] == [
        ("DELETE", "/v2/keys/a?prevIndex=4"),
        ("DELETE", "/v2/keys/d?dir=true"),
    ]


def test_a_connection_that_was_closed_meanwhile_is_made_once_more(served: Served, member: V2Member) -> None:
    served.hangs_up = True
    for _again in range(3):
        assert member.get("/a") is not None


def test_only_what_acts_asks_a_quorum(served: Served, member: V2Member) -> None:
    member.tree(agreed=False)
    member.tree(agreed=True)
    assert [path for _method, path, _address in served.asked] == [
        "/v2/keys/?recursive=true",
        "/v2/keys/?recursive=true&quorum=true",
    ]


@pytest.mark.parametrize(
    ("status", "body", "demands"),
    [(200, b'{"enabled":true}', True), (200, b'{"enabled":false}', False), (401, b"", True)],
)
def test_users_are_found(served: Served, member: V2Member, status: int, body: bytes, demands: bool) -> None:
    served.status, served.body = status, body
    assert member.demands_login() is demands


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (404, b"404 page not found"), (500, b"")])
def test_nothing_else_says_that_there_are_none(served: Served, member: V2Member, status: int, body: bytes) -> None:
    served.status, served.body = status, body
    with pytest.raises(WireError, match="v2/auth/enable"):
        member.demands_login()


def test_a_member_without_the_api_has_no_such_page(served: Served, member: V2Member) -> None:
    assert member.is_served()
    served.status, served.body = 404, b"404 page not found"
    assert not member.is_served()
    served.body = b'{"errorCode":100}'
    assert member.is_served()


def test_nobody_there_is_said() -> None:
    one = V2Member("http://127.0.0.1:1", ssl.create_default_context(), 2.0)
    with pytest.raises(TransportError, match="127.0.0.1:1"):
        one.get("/a")
