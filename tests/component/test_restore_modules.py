# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The acts of a restore as modules on a host, with the oldest Python that hosts may have."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers, releases
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.saving import Saved
from cluster import Cluster, binary
from machine import Machine, Outcome

MakeCluster = Callable[..., Cluster]


class Host:
    """A machine with a release and a snapshot that was taken elsewhere."""

    def __init__(self, machine: Machine, version: str, saved: Saved) -> None:
        self.machine = machine
        self.snapshots = str(machine.directory / "kept")
        self.restoration: dict[str, Any] = {
            "format": 1,
            "cluster": "prod",
            "token": "restored",
            "began": "20261122T074000Z",
            "sha256": saved.manifest.sha256,
            "size": saved.manifest.size,
            "revision": saved.manifest.revision,
            "key_count": saved.manifest.key_count,
            "bump": 1000,
            "initial_cluster": "a=http://127.0.0.1:1",
            "version": version,
            "allow_missing_hash": False,
        }
        release = Path(machine.layout.release_dir(version, releases.architecture(platform.machine())))
        release.parent.mkdir(parents=True)
        release.symlink_to(Path(binary(version)).parent)

    def do(self, state: str, check: bool = False, **options: Any) -> Outcome:
        given = {"name": "a", "peer_urls": ["http://127.0.0.1:1"], "restoration": self.restoration, **options}
        return self.machine.do(
            "etcd_internal_restore",
            check=check,
            **self.machine.layout.to_dict(),
            cluster="prod",
            snapshot_dir=self.snapshots,
            state=state,
            **given,
        )

    @property
    def marker(self) -> markers.Marker | None:
        file = self.machine.place(self.machine.layout.marker_file)
        return markers.parse(file.read_text()) if file.exists() else None

    @property
    def data(self) -> list[str]:
        directory = Path(self.machine.layout.data_dir)
        return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


@pytest.fixture
def saved(version: str, make_cluster: MakeCluster, tmp_path: Path) -> Saved:
    cluster = make_cluster(version)
    with cluster.client() as client:
        client.put("key", "value")
    return saving.save(cluster.endpoints, Credentials(), str(tmp_path / "snapshots"), "prod")


@pytest.fixture
def host(machine: Machine, version: str, saved: Saved) -> Host:
    return Host(machine, version, saved)


def test_a_host_goes_through_the_acts_up_to_its_new_data(host: Host, saved: Saved) -> None:
    seen = host.do("looked", restoration=None, snapshot=saved.path).result
    assert (seen["record"], seen["kept"], seen["prepared"]) == (None, [], False)
    assert seen["named"]["details"]["revision"] == seen["named"]["manifest"]["revision"] == saved.manifest.revision
    assert host.do("staged", snapshot=saved.path).changed
    assert not host.do("staged", snapshot=saved.path).changed
    assert host.do("prepared").changed
    assert host.data == ["member.restoring-20261122T074000Z"]
    assert host.do("marked").changed
    assert host.do("looked", restoration=None).result["record"] == host.restoration
    assert not host.do("stopped").changed
    assert not host.do("archived").changed
    done = host.do("restored", files=[])
    assert done.changed, done.message
    marker = host.marker
    assert marker is not None
    assert (marker.state, marker.origin, marker.token) == (markers.RESTORED, markers.RESTORE, "restored")
    assert "member" in host.data
    refused = host.do("rolled_back", restoration=None)
    assert refused.failed
    assert "is restored already" in refused.message


def test_a_new_host_is_as_before_once_it_was_rolled_back(host: Host, saved: Saved) -> None:
    host.do("staged", snapshot=saved.path)
    host.do("prepared")
    host.do("marked")
    back = host.do("rolled_back", restoration=None)
    assert (back.changed, back.result["started"]) == (True, False)
    assert (host.marker, host.data, list(Path(host.snapshots).iterdir())) == (None, [], [])


def test_check_mode_touches_nothing(host: Host, saved: Saved) -> None:
    for state in ("staged", "prepared", "marked", "restored", "started", "open", "finished"):
        assert host.do(state, check=True, snapshot=saved.path).changed, state
    assert (host.marker, host.data, Path(host.snapshots).exists()) == (None, [], False)


def test_an_act_that_does_not_know_what_is_restored_says_so(host: Host) -> None:
    assert "restoration is missing" in host.do("marked", restoration=None).message


def test_a_host_of_another_cluster_is_left_alone(host: Host) -> None:
    marker = host.machine.place(host.machine.layout.marker_file)
    marker.parent.mkdir(parents=True)
    marker.write_text(markers.render(markers.Marker(markers.STARTED, cluster="other")))
    assert "is of the cluster 'other', not of 'prod'" in host.do("looked", restoration=None).message


class TestADrill:
    def drill(self, host: Host, **options: Any) -> Outcome:
        return host.machine.do(
            "etcd_snapshot_drill", check=True, **host.machine.layout.to_dict(), snapshot_dir=host.snapshots, **options
        )

    def test_takes_the_newest_release_that_is_there(self, host: Host, saved: Saved, version: str) -> None:
        done = self.drill(host, snapshot=saved.path)
        assert (done.result["version"], done.result["revision"]) == (version, saved.manifest.revision), done.message

    def test_needs_a_snapshot(self, host: Host) -> None:
        assert "There is no snapshot of etcd_cluster" in self.drill(host).message

    def test_needs_the_release_that_was_named(self, host: Host, saved: Saved) -> None:
        assert "etcd 3.1.4 is not installed" in self.drill(host, snapshot=saved.path, version="3.1.4").message
