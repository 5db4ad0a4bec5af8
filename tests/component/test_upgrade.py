# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From one minor of etcd to the next: what ends the newer one is seen before, and the older one comes back in time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import raft_snapshots, survey
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._formats import v2_requests
from ansible_collections.quorum.etcd.plugins.module_utils._host import rollback
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service, upgrade, way_back
from cluster import Cluster, binary, free_ports
from layout_below import layout_below
from member_host import members_of
from one_of_three import OneOfThree

MakeCluster = Callable[..., Cluster]
MakeThree = Callable[..., OneOfThree]

OLD, MIDDLE, NEW = "3.5.33", "3.6.14", "3.7.1"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")


def to_release(cluster: Cluster, version: str) -> None:
    """Start the only member with another release."""
    (member,) = cluster.members
    cluster.end(member)
    cluster.version = version
    cluster.launch(member)
    cluster.wait_for(member)


def speaks(cluster: Cluster, minor: str, within: float = 20.0) -> None:
    end = time.monotonic() + within
    while not all(
        told.get("etcdcluster", "").startswith(f"{minor}.")
        for told in (peer_port.versions([one.peer_url], Side()) for one in cluster.members)
    ):
        assert time.monotonic() < end, f"the cluster does not speak {minor}"
        time.sleep(0.2)


def first_v2_request(cluster: Cluster) -> int:
    """As a member's own update looks for it."""
    directory = cluster.members[0].directory / "member"
    return v2_requests.first_after(str(directory / "wal"), v2_requests.newest_snapshot(str(directory / "snap")))


class TestWhat35HasWrittenIntoTheLog:
    @pytest.fixture
    def born_on_3_5(self, make_cluster: MakeCluster) -> Cluster:
        cluster = make_cluster(OLD)
        speaks(cluster, "3.5")
        to_release(cluster, MIDDLE)
        speaks(cluster, "3.6")
        return cluster

    def test_ends_3_7_and_is_seen_before(self, born_on_3_5: Cluster) -> None:
        assert first_v2_request(born_on_3_5) > 0
        with pytest.raises(AssertionError, match="unmarshal should never fail"):
            to_release(born_on_3_5, NEW)

    def test_lies_behind_a_raft_snapshot_once_a_downgrade_was_begun_and_cancelled(self, born_on_3_5: Cluster) -> None:
        raft_snapshots.renew(born_on_3_5.endpoints, born_on_3_5.credentials, "test", 20.0)
        assert first_v2_request(born_on_3_5) == 0
        with born_on_3_5.client() as client:
            assert client.status().downgrade == ""
            assert client.read(raft_snapshots.KEY)["kvs"] == []
        to_release(born_on_3_5, NEW)

    def is_renewing(self, cluster: Cluster) -> bool:
        """What a plan sees."""
        return survey.ask(cluster.endpoints[0], cluster.credentials, 5.0).is_renewing

    def test_is_gone_on_with_where_the_run_was_killed(self, born_on_3_5: Cluster) -> None:
        with born_on_3_5.client() as client:
            client.put(raft_snapshots.KEY, "a run that was killed")
            assert not self.is_renewing(born_on_3_5), "no downgrade is pending yet"
            client.downgrade("ENABLE", "3.5.0")
        assert self.is_renewing(born_on_3_5)
        raft_snapshots.renew(born_on_3_5.endpoints, born_on_3_5.credentials, "test", 20.0)
        assert first_v2_request(born_on_3_5) == 0

    @pytest.mark.parametrize(
        "step",
        [
            "raft snapshots: announced",
            "raft snapshots: downgrade enabled",
            "raft snapshots: about to cancel",
            "raft snapshots: downgrade cancelled",
        ],
    )
    def test_lies_behind_one_wherever_the_run_before_ended(
        self, born_on_3_5: Cluster, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        def at(reached: str) -> None:
            if reached == step:
                raise KeyboardInterrupt

        with monkeypatch.context() as interrupting:
            interrupting.setattr(checkpoints, "at", at)
            with pytest.raises(KeyboardInterrupt):
                raft_snapshots.renew(born_on_3_5.endpoints, born_on_3_5.credentials, "test", 20.0)
        with born_on_3_5.client() as client:
            # As the next run plans it: once the snapshot is there and nothing is pending, nothing is left to do.
            if first_v2_request(born_on_3_5) or client.status().downgrade:
                raft_snapshots.renew(born_on_3_5.endpoints, born_on_3_5.credentials, "test", 20.0)
            assert first_v2_request(born_on_3_5) == 0
            assert client.status().downgrade == ""

    def test_leaves_the_downgrade_of_somebody_else_alone(self, born_on_3_5: Cluster) -> None:
        with born_on_3_5.client() as client:
            client.downgrade("ENABLE", "3.5.0")
            assert not self.is_renewing(born_on_3_5)
            with pytest.raises(Refused) as refused:
                raft_snapshots.renew(born_on_3_5.endpoints, born_on_3_5.credentials, "test", 20.0)
            assert refused.value.code == "downgrade-running"
            assert client.status().downgrade == "3.5.0"

    def test_is_not_there_in_a_cluster_of_3_6(self, make_cluster: MakeCluster) -> None:
        assert first_v2_request(make_cluster(MIDDLE)) == 0


def test_keys_of_version_2_are_found_in_the_data_of_a_member_that_runs(
    make_cluster: MakeCluster, tmp_path: Path
) -> None:
    cluster = make_cluster(OLD, extra=["--enable-v2=true"])
    (member,) = cluster.members
    layout = layout_below(tmp_path / "host")
    asked: list[list[str]] = []

    def run(arguments: list[str]) -> Result:
        asked.append(arguments)
        real = [binary(OLD, "etcdutl"), *arguments[1:]]
        real[real.index("--data-dir") + 1] = str(member.directory)
        done = subprocess.run(real, capture_output=True, text=True, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    os.makedirs(layout.release_dir(OLD, "amd64"))
    upgrade._check_v2(run, layout, "x86_64")  # type: ignore[arg-type]
    request = urllib.request.Request(f"{member.client_url}/v2/keys/a", b"value=b", method="PUT")
    urllib.request.urlopen(request, timeout=5).close()
    with pytest.raises(Refused) as refused:
        upgrade._check_v2(run, layout, "x86_64")  # type: ignore[arg-type]
    assert refused.value.code == "v2-data-left"
    assert asked[0][0] == f"{layout.release_dir(OLD, 'amd64')}/etcdutl"


def test_keys_of_version_2_are_found_in_the_data_of_a_member_that_is_down(
    make_cluster: MakeCluster, tmp_path: Path
) -> None:
    """Its cluster got 3.6 without it, so that nobody has examined them."""
    cluster = make_cluster(OLD, extra=["--enable-v2=true"])
    (member,) = cluster.members
    layout = layout_below(tmp_path / "host")
    os.makedirs(os.path.dirname(layout.release_dir(OLD, "amd64")))
    os.symlink(os.path.dirname(binary(OLD, "etcdutl")), layout.release_dir(OLD, "amd64"))
    marker = Marker(markers.STARTED, data_dir=str(member.directory))

    def run(arguments: Sequence[str]) -> Result:
        done = subprocess.run(list(arguments), capture_output=True, text=True, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def check() -> None:
        # Its unit is gone: the database says of which minor it is.
        upgrade.check_stopped(run, layout, marker, "x86_64", "", MIDDLE)

    speaks(cluster, "3.5")
    cluster.end(member)
    check()
    cluster.launch(member)
    cluster.wait_for(member)
    request = urllib.request.Request(f"{member.client_url}/v2/keys/a", b"value=b", method="PUT")
    urllib.request.urlopen(request, timeout=5).close()
    cluster.end(member)
    with pytest.raises(Refused, match="let it join anew") as refused:
        check()
    assert refused.value.code == "v2-data-left"


def unit_naming(three: OneOfThree, version: str) -> str:
    """The text of the host's unit, with another release."""
    files = render.files(three.host.wanted, version, "x86_64", sys.executable)
    return next(file.content for file in files if file.path == three.host.layout.unit_file)


def as_interrupted(three: OneOfThree, before: str, now: str) -> None:
    """Leave the host as an update from one release to another does that was killed."""
    unit = Path(three.host.layout.unit_file)
    unit.write_text(unit_naming(three, before))
    rollback.keep(three.host.layout, [str(unit)])
    unit.write_text(unit_naming(three, now))


@as_root
class TestTheReleaseOfBefore:
    def test_comes_back_while_the_cluster_speaks_it(self, make_three: MakeThree) -> None:
        three = make_three(MIDDLE)
        speaks(three.cluster, "3.6")
        as_interrupted(three, MIDDLE, NEW)
        three.host.end()
        assert way_back.undo(three.host.systemd, three.host.layout, three.terms(), 30.0, check=False)
        assert told(three)["etcdserver"] == MIDDLE

    @pytest.mark.parametrize("asked", ["endpoints", "foreseen"])
    def test_does_not_once_the_cluster_speaks_the_new_one(self, make_three: MakeThree, asked: str) -> None:
        three = make_three(NEW)
        speaks(three.cluster, "3.7")
        as_interrupted(three, MIDDLE, NEW)
        three.host.end()
        members = expected_members.describe(members_of(three.cluster))
        terms = three.terms(endpoints=three.endpoints if asked == "endpoints" else [])
        with pytest.raises(way_back.NoWayBack, match=r"speaks 3\.7\.0 by now"):
            way_back.undo(three.host.systemd, three.host.layout, terms, 30.0, check=False, foreseen=members)
        assert NEW in Path(three.host.layout.unit_file).read_text()
        assert rollback.read(three.host.layout) is None

    def test_that_etcd_itself_refuses_leaves_the_new_one_serving(self, make_three: MakeThree) -> None:
        """Nobody could be asked which version the cluster speaks."""
        three = make_three(NEW)
        speaks(three.cluster, "3.7")
        as_interrupted(three, MIDDLE, NEW)
        three.host.end()
        with pytest.raises(way_back.NoWayBack, match="is not supported"):
            way_back.undo(three.host.systemd, three.host.layout, three.terms(endpoints=[]), 30.0, check=False)
        assert told(three)["etcdserver"] == NEW
        assert service.is_ready(service.observe(three.host.systemd, three.host.layout))

    def test_is_found_too_old_in_the_log_file_too(self, make_three: MakeThree) -> None:
        three = make_three(NEW)
        speaks(three.cluster, "3.7")
        log = f"{three.host.layout.data_dir}/etcd.log"
        three.host.layout = replace(three.host.layout, log_file=log)
        settings = Path(three.host.layout.conf_file)
        settings.write_text(f'{settings.read_text()}ETCD_LOG_OUTPUTS="{log}"\n')
        as_interrupted(three, MIDDLE, NEW)
        three.host.end()
        with pytest.raises(way_back.NoWayBack, match="is not supported"):
            way_back.undo(three.host.systemd, three.host.layout, three.terms(endpoints=[]), 30.0, check=False)
        assert told(three)["etcdserver"] == NEW

    def test_that_was_put_back_before_the_cluster_moved_on_gives_way_to_the_new_one(
        self, make_three: MakeThree, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        three = make_three(NEW)
        speaks(three.cluster, "3.7")
        as_interrupted(three, MIDDLE, NEW)
        three.host.end()
        with monkeypatch.context() as interrupting, pytest.raises(Killed):
            interrupting.setattr(checkpoints, "at", killed_at("undo: files put back"))
            way_back.undo(three.host.systemd, three.host.layout, three.terms(endpoints=[]), 30.0, check=False)
        assert MIDDLE in Path(three.host.layout.unit_file).read_text()
        with pytest.raises(way_back.NoWayBack, match=r"speaks 3\.7\.0 by now"):
            way_back.undo(three.host.systemd, three.host.layout, three.terms(), 30.0, check=False)
        assert told(three)["etcdserver"] == NEW
        assert rollback.read(three.host.layout) is None


class Killed(BaseException):
    """The end of a process, in the middle of its work."""


def killed_at(step: str) -> Callable[[str], None]:
    def at(reached: str) -> None:
        if reached == step:
            raise Killed

    return at


def told(three: OneOfThree) -> dict[str, str]:
    return peer_port.versions(three.host.wanted.member.peer_urls, Side())


def test_a_cluster_version_that_does_not_come_is_told_by_whom(make_three: MakeThree) -> None:
    three = make_three(MIDDLE)
    members = [{"name": one.name, "peer_urls": one.peer_urls} for one in members_of(three.cluster)]
    nobody = {"name": "gone", "peer_urls": [f"http://127.0.0.1:{free_ports(1)[0]}"]}
    upgrade.await_version(three.host.systemd, three.host.layout, "3.6", members, 30.0)
    with pytest.raises(HostError, match=r"says 3\.6\.0.*gone does not answer"):
        upgrade.await_version(three.host.systemd, three.host.layout, "3.7", [*members, nobody], 0.0)
