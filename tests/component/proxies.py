# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real gateways and gRPC proxies, with the command lines that the product renders."""

from __future__ import annotations

import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._config import proxy_unit
from ansible_collections.quorum.etcd.plugins.module_utils._model import proxy as model
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.proxy import Proxy, Site
from ansible_collections.quorum.etcd.plugins.module_utils._proxy import health
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from cluster import READY_WITHIN, Cluster, binary, free_ports


@dataclass
class Running:
    """A proxy that serves, or has ended.

    :param url: where its clients reach it.
    """

    wanted: Proxy
    layout: Layout
    process: subprocess.Popen[bytes]
    log: Path
    credentials: Credentials

    @property
    def url(self) -> str:
        return str(self.wanted.url)

    @property
    def asked(self) -> dict[str, str]:
        return proxy_unit.health(self.wanted, self.layout)

    def client(self, timeout: float = 10.0) -> Client:
        return Client([self.url], self.credentials, timeout)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()


class Proxies:
    """Starts proxies in front of a cluster, and ends them.

    :param directory: for their certificates and what they say.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[Running] = []

    def launch(
        self, cluster: Cluster, kind: str, version: str = "", before: Sequence[str] = (), **entry: object
    ) -> Running:
        """Start one without waiting for anything.

        :param before: the beginning of a command that runs it.
        """
        name = f"p{len(self._started)}"
        entry = {"listen": f"127.0.0.1:{free_ports(1)[0]}", **entry}
        site = Site(tuple(cluster.endpoints), bool(cluster.tls))
        ((wanted,), _absent) = model.read([{"name": name, "kind": kind, **entry}], site, Findings())
        layout = replace(model.layout_of(wanted.name, "root", "root", "/"), conf_dir=str(self._directory / name))
        credentials = Credentials()
        if cluster.tls:
            self._write_certificates(layout, cluster)
        if cluster.tls and (wanted.serves_tls or kind == model.GATEWAY):
            credentials = cluster.credentials
        version = version or cluster.version
        words = proxy_unit.command(wanted, layout, binary(version), version)
        log = self._directory / f"{name}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen([*before, *words], stdout=stream, stderr=stream)
        self._started.append(Running(wanted, layout, process, log, credentials))
        return self._started[-1]

    def start(
        self, cluster: Cluster, kind: str, version: str = "", before: Sequence[str] = (), **entry: object
    ) -> Running:
        """Start one, and wait until it serves."""
        proxy = self.launch(cluster, kind, version, before, **entry)
        end = time.monotonic() + READY_WITHIN
        while found := health.problem(proxy.asked):
            text = f"{found}\n{proxy.log.read_text(errors='replace')[-2000:]}"
            assert proxy.process.poll() is None, text
            assert time.monotonic() < end, text
            time.sleep(0.05)
        return proxy

    @staticmethod
    def _write_certificates(layout: Layout, cluster: Cluster) -> None:
        assert cluster.tls
        own = cluster.tls.authority.issue(layout.instance)
        Path(layout.ssl_dir).mkdir(parents=True)
        for name, path in (("ca", cluster.tls.authority.path), ("proxy", own.cert), ("proxy-key", own.key)):
            Path(layout.certificate(name)).symlink_to(path)

    def end(self) -> None:
        for one in self._started:
            one.end()


def counted(urls: list[str], name: str, label: str = "") -> float:
    """The sum of a metric over the members of a plain cluster.

    :param label: what must be among its labels.
    """
    found = 0.0
    for url in urls:
        with urllib.request.urlopen(f"{url}/metrics", timeout=5.0) as answer:
            text = answer.read().decode()
        for labels, value in re.findall(rf"^{name}(\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE):
            found += float(value) if label in labels else 0.0
    return found
