# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts whose members find each other by a discovery service, and what may stand between them and it."""

from __future__ import annotations

import contextlib
import http.client
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._config import first_start
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers, releases, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import Source
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ENV, YAML
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import bootstrap, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.bootstrap import Offer
from member_host import MemberHost

#: Seconds for a member's start.
PATIENCE = 60.0


class Founders:
    """Hosts that found a cluster by a token.

    :param form: of their settings files.
    """

    def __init__(self, directory: Path, version: str, source: Source, token: str, size: int = 3, form: str = ENV):
        self.hosts = [MemberHost(directory / f"host{at}", version, at) for at in range(size)]
        for host in self.hosts:
            host.write_settings_as(form)
        self.source = source
        self.token = token

    @property
    def initial_cluster(self) -> str:
        return topology.initial_cluster(host.wanted.member for host in self.hosts)

    @property
    def wanted(self) -> dict[str, list[str]]:
        return {host.name: list(host.wanted.member.peer_urls) for host in self.hosts}

    @property
    def endpoints(self) -> list[str]:
        return [host.wanted.member.client_urls[0] for host in self.hosts]

    def configure(self, host: MemberHost, learns: bool = True, password: str = "") -> None:
        """Write the files of a host as the collection does, and let it agree on its first start."""
        layout, before = host.layout, host.marker
        text = first_start.static(self.initial_cluster, self.token)
        if learns:
            minor, is_yaml = releases.minor(host.version), layout.config_format == YAML
            text = first_start.render(self.source, self.initial_cluster, self.token, minor, is_yaml, password)
        files = [*host.content().files, host.written(layout.bootstrap_file, text, "0600")]
        offered = Marker(markers.OFFERED, cluster="prod", name=host.name, token=self.token)
        marker = before or offered
        bootstrap.offer(layout, Content(files, {}, {}, {}), Offer(before, marker, []), host.systemd, check=False)
        if host.marker is not None and host.marker.state == markers.OFFERED:
            bootstrap.agree(layout, host.marker, check=False)

    def start(self, host: MemberHost) -> None:
        service.start(host.systemd, host.layout, check=False)

    def await_ready(self, host: MemberHost) -> None:
        service.await_ready(host.systemd, host.layout, PATIENCE)

    def found(self, password: str = "") -> Founders:
        for host in self.hosts:
            self.configure(host, password=password)
        for host in self.hosts:
            self.start(host)
        for host in self.hosts:
            self.await_ready(host)
        return self

    def end(self) -> None:
        for host in self.hosts:
            host.end_all()


@contextlib.contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answer HTTP on loopback; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Passing(BaseHTTPRequestHandler):
    """Passes requests on, and takes down what was asked."""

    asked: list[str]

    def target(self) -> str:
        return self.path

    def _pass_on(self) -> None:
        url = urllib.parse.urlsplit(self.target())
        self.asked.append(f"{self.command} {url.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        there = http.client.HTTPConnection(str(url.hostname), url.port or 80)
        kept = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy")}
        there.request(self.command, f"{url.path}?{url.query}", body, kept)
        answer = there.getresponse()
        text = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(text)

    do_GET = do_PUT = do_DELETE = _pass_on

    def log_message(self, *_arguments: object) -> None:
        pass


@contextlib.contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """An HTTP proxy, and what it was asked for."""
    asked: list[str] = []
    with served(type("Proxy", (Passing,), {"asked": asked})) as url:
        yield url, asked


@contextlib.contextmanager
def public_service(behind: str) -> Iterator[str]:
    """A service that draws tokens at ``/new``, as the public ones do, in front of an etcd.

    :param behind: the client URL of that etcd.
    """
    drawn = iter(f"{number:032x}" for number in range(1, 100))

    class Public(Passing):
        asked: list[str] = []

        def target(self) -> str:
            return f"{behind}/v2/keys/_etcd/registry{self.path}"

        def do_GET(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            if parts.path != "/new":
                self._pass_on()
                return
            size = urllib.parse.parse_qs(parts.query)["size"][0]
            token = next(drawn)
            there = http.client.HTTPConnection(behind.removeprefix("http://"))
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            there.request("PUT", f"/v2/keys/_etcd/registry/{token}/_config/size", f"value={size}", headers)
            there.getresponse().read()
            host, port = self.server.server_address[:2]
            text = f"http://{host!s}:{port}/{token}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    with served(Public) as url:
        yield url
