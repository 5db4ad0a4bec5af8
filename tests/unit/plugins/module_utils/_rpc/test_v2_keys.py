# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys API of version 2, and what may answer in its place."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, TransportError, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import discovery_service
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_keys import Keys


@pytest.fixture
def answering():
    """A server that gives one answer to all, and takes down what it was asked; its URL."""
    with contextlib.ExitStack() as stack:

        def serve(status, body, endless=False):
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self):
                    serve.asked.append((self.command, self.path, self.headers.get("Host")))
                    self.send_response(status)
                    self.end_headers()
                    with contextlib.suppress(OSError):
                        self.wfile.write(body)
                        while endless:
                            self.wfile.write(body)

                do_PUT = do_DELETE = do_GET

                def log_message(self, *_arguments):
                    pass

            server = HTTPServer(("127.0.0.1", 0), Handler)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}"

        serve.asked = []
        yield serve


def test_a_node_is_what_lies_there(answering):
    url = answering(200, json.dumps({"action": "get", "node": {"key": "/t/_config/size", "value": "3"}}).encode())
    assert Keys().get(f"{url}/t/_config/size") == {"key": "/t/_config/size", "value": "3"}


@pytest.mark.parametrize("code, status", [(100, 404), (105, 412)])
def test_what_is_not_there_or_there_already_is_no_error(answering, code, status):
    url = answering(status, json.dumps({"errorCode": code, "message": "x"}).encode())
    assert Keys().get(url) is None
    assert Keys().create(url, "3") is False
    assert Keys().delete(url) is False


@pytest.mark.parametrize(
    "status, body",
    [
        (200, b"<html>Please log in</html>"),
        (200, b"[]"),
        (200, b"{}"),
        (404, b"404 page not found"),
        (500, b'{"errorCode": 300, "message": "Raft Internal Error"}'),
        (403, b'{"errorCode": 110, "message": "Insufficient credentials"}'),
    ],
)
def test_whatever_else_answers_is_no_service(answering, status, body):
    with pytest.raises(WireError, match=f"answered {status}"):
        Keys().get(answering(status, body))


def test_an_answer_without_an_end_is_not_read_for_ever(answering):
    with pytest.raises(TransportError, match="has no end"):
        Keys(timeout=60.0).get(answering(200, b"x" * 65536, endless=True))


def test_nobody_there_is_said_with_the_url():
    with pytest.raises(TransportError, match=r"http://127.0.0.1:1/t"):
        Keys(timeout=2.0).get("http://127.0.0.1:1/t")


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_is_asked_in_its_place_and_the_environment_is_not(answering, monkeypatch, scheme):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    url = answering(404, b'{"errorCode": 100}')
    assert Keys().get(f"{url}/t") is None
    assert Keys(proxy=url.replace("http://", scheme)).get("http://discovery.invalid/t") is None
    assert answering.asked[-1] == ("GET", "http://discovery.invalid/t", "discovery.invalid")


def test_a_file_that_is_no_ca_is_said(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    for path in (tmp_path / "ca.pem", tmp_path / "gone.pem"):
        with pytest.raises(BadInput, match="cannot be used as a file of CA certificates"):
            Keys(ca_path=str(path))


@pytest.mark.parametrize("body", [b"", b"hello", b"http://", b"ftp://h/t", b"http://h"])
def test_what_is_drawn_is_the_url_of_a_token(answering, body):
    token = discovery_service.at_url(f"{answering(200, body)}/new?size=5", None, "", None, 5.0)
    with pytest.raises(WireError, match="no URL of a token"):
        token.make(3)
    assert answering.asked[-1][1] == "/new?size=3"


def test_a_long_answer_is_told_in_short(answering):
    with pytest.raises(WireError) as told:
        Keys().get(answering(500, b"x" * 5000))
    assert len(str(told.value)) < 500
