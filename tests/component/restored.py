# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts whose cluster is restored, act by act, as the role does it."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._config import first_start
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.saving import Saved
from ansible_collections.quorum.etcd.plugins.module_utils._steps import (
    bootstrap as _bootstrap,
)
from ansible_collections.quorum.etcd.plugins.module_utils._steps import (
    restore as _restore,
)
from ansible_collections.quorum.etcd.plugins.module_utils._steps import (
    service,
)
from ansible_collections.quorum.etcd.plugins.module_utils._steps.bootstrap import Offer
from ansible_collections.quorum.etcd.plugins.module_utils._steps.restore import RestoreAct
from cluster import binary, switch_authentication_on
from member_host import MemberHost

CLUSTER = "prod"
#: Seconds for a member's start.
PATIENCE = 40.0

#: The acts in the role's order.
ORDER: dict[str, Callable[[MemberHost, RestoreAct], object]] = {
    "prepare": lambda _host, act: _restore.prepare(run, act, check=False),
    "mark": lambda _host, act: _restore.mark(act, check=False),
    "stop": lambda _host, act: _restore.stop(act, check=False),
    "archive": lambda _host, act: _restore.archive_data(act, check=False),
    "restore": lambda host, act: _restore.put_in_place(act, host.content(), check=False),
    "start": lambda _host, act: _restore.start(act, check=False),
    "verify": lambda _host, act: _restore.verify(act, PATIENCE),
    "open": lambda _host, act: _restore.open_up(act, check=False),
    "finish": lambda _host, act: _restore.finish(act, PATIENCE),
}


def run(arguments: Sequence[str]) -> Result:
    """Run a program, as a module does."""
    done = subprocess.run(list(arguments), capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def written_down(path: Path, user: str, password: str) -> Path:
    """A user and his password in a file that nobody else may read."""
    path.touch(0o600)
    path.write_text(f"{user}:{password}\n")
    return path


class Hosts:
    """Some hosts, and the cluster of their members.

    :param first: the number of the first, so that others can stand beside them.
    """

    def __init__(self, directory: Path, version: str, size: int, first: int = 1) -> None:
        self.version = version
        self._directory = directory
        self.hosts = [MemberHost(directory / f"host{at}", version, at) for at in range(first, first + size)]
        self._credentials = Credentials()

    # -- the cluster that is ---------------------------------------------------------------------------------------

    @property
    def initial_cluster(self) -> str:
        return topology.initial_cluster(host.wanted.member for host in self.hosts)

    @property
    def endpoints(self) -> list[str]:
        return [host.wanted.member.client_urls[0] for host in self.hosts]

    def client(self, timeout: float = 5.0) -> Client:
        return Client(self.endpoints, self._credentials, timeout)

    def found(self) -> Hosts:
        """Found it as the collection founds clusters."""
        for host in self.hosts:
            text = first_start.static(self.initial_cluster, "first")
            bootstrap = host.written(host.layout.bootstrap_file, text, "0600")
            content = Content([*host.content().files, bootstrap], {}, {}, {})
            marker = Marker(markers.OFFERED, cluster=CLUSTER, name=host.name, token="first")
            _bootstrap.offer(host.layout, content, Offer(None, marker, []), host.systemd, check=False)
            offered = host.marker
            assert offered is not None
            _bootstrap.agree(host.layout, offered, check=False)
            service.start(host.systemd, host.layout, check=False)
        for host in self.hosts:
            service.await_ready(host.systemd, host.layout, PATIENCE)
        return self

    def switch_authentication_on(self, user_file: Path) -> None:
        """From now on there is a user root, whose password is in a file."""
        with self.client() as client:
            switch_authentication_on(client, "root", "secret")
        self._credentials = Credentials(username="root", password="secret")
        self.log_in_with(str(written_down(user_file, "root", "secret")))

    def log_in_with(self, user_file: str) -> None:
        """What all hosts have as the file that names a user; empty for none."""
        for host in self.hosts:
            host.layout = replace(host.layout, user_file=user_file)

    def write(self, count: int, prefix: str = "key") -> None:
        with self.client() as client:
            for number in range(count):
                client.put(f"{prefix}{number}", f"{prefix} {number}")

    @property
    def keys(self) -> dict[str, str]:
        """All keys, as a quorum agrees on them."""
        with self.client() as client:
            return {one["key"].decode(): one["value"].decode() for one in client.read("", prefix=True)["kvs"]}

    @property
    def cluster_ids(self) -> set[str]:
        """Of what every member says by itself."""
        with self.client() as client:
            return {client.status(endpoint).cluster_id for endpoint in self.endpoints}

    def save(self) -> Saved:
        return saving.save(self.endpoints, self._credentials, str(self._directory / "snapshots"), CLUSTER)

    # -- the restore ---------------------------------------------------------------------------------------------------

    def restoration(self, saved: Saved, **changes: Any) -> Restoration:
        given: dict[str, Any] = {
            "cluster": CLUSTER,
            "token": "second",
            "began": "20261122T074000Z",
            "sha256": saved.manifest.sha256,
            "size": saved.manifest.size,
            "revision": saved.manifest.revision,
            "key_count": saved.manifest.key_count,
            "bump": 0 if self.version.startswith("3.4.") else 1_000_000,
            "initial_cluster": self.initial_cluster,
            "version": self.version,
        }
        return Restoration(**{**given, **changes})

    def act(self, host: MemberHost, restoration: Restoration) -> RestoreAct:
        return RestoreAct(
            host.systemd,
            host.layout,
            restoration,
            host.name,
            host.wanted.member.peer_urls,
            str(Path(binary(self.version)).parent),
            self.snapshots_of(host),
        )

    def snapshots_of(self, host: MemberHost) -> str:
        return f"{host.layout.data_dir}-snapshots"

    def stage(self, saved: Saved, restoration: Restoration) -> None:
        for host in self.hosts:
            _restore.stage(self.act(host, restoration), saved.path, check=False)

    def drill(self, saved: Saved, restoration: Restoration) -> dict[str, Any]:
        """The trial on the last host, before anything is stopped."""
        self.stage(saved, restoration)
        return _restore.drill(run, self.act(self.hosts[-1], restoration), saved.manifest, PATIENCE, check=False)

    def restore(self, saved: Saved, restoration: Restoration, until: str = "") -> None:
        """All acts, each on all hosts before the next one begins; before the one that is named it ends."""
        self.stage(saved, restoration)
        for name, act in ORDER.items():
            if name == until:
                return
            for host in self.hosts:
                act(host, self.act(host, restoration))

    def roll_back(self) -> None:
        results = [
            _restore.roll_back(host.systemd, host.layout, self.snapshots_of(host), check=False) for host in self.hosts
        ]
        for host, result in zip(self.hosts, results):
            if result["started"]:
                service.await_ready(host.systemd, host.layout, PATIENCE)

    @property
    def states(self) -> list[str | None]:
        return [host.marker.state if host.marker else None for host in self.hosts]

    def lies(self, host: MemberHost) -> list[str]:
        """What lies in a host's data directory."""
        return sorted(path.name for path in Path(host.layout.data_dir).iterdir())

    def end(self) -> None:
        for host in self.hosts:
            host.end_all()
            host.end(signal.SIGKILL)
        shutil.rmtree(self._directory, ignore_errors=True)
