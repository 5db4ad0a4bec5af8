# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joining and leaving a real cluster, interrupted between any two steps too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import link_reports
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._steps import join as _join
from ansible_collections.quorum.etcd.plugins.module_utils._steps import leave as _leave
from ansible_collections.quorum.etcd.plugins.module_utils._steps.join import Joining
from ansible_collections.quorum.etcd.plugins.module_utils._steps.leave import Leaving
from cluster import Cluster
from member_host import MemberHost, members_of
from reports import WITNESSES, reporting

MakeCluster = Callable[..., Cluster]
MakeHost = Callable[[str], MemberHost]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[MakeHost]:
    hosts: list[MemberHost] = []

    def make(version: str) -> MemberHost:
        hosts.append(MemberHost(tmp_path / f"host{len(hosts)}", version, 7 + len(hosts)))
        return hosts[-1]

    yield make
    for host in hosts:
        host.end()


class Interrupted(BaseException):
    """The end of a process, in the middle of its work."""


def interrupt(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def at(reached: str) -> None:
        if reached == step:
            monkeypatch.undo()
            raise Interrupted(step)

    monkeypatch.setattr(checkpoints, "at", at)


def join(host: MemberHost, cluster: Cluster, presumed: Any = None, more: str = "") -> dict[str, Any]:
    members = expected_members.describe(members_of(cluster)) if presumed is None else presumed
    peer_urls = host.wanted.member.peer_urls
    joining = Joining("prod", host.name, peer_urls, cluster.endpoints, members, 30.0, WITNESSES)
    with reporting(cluster.endpoints):
        return _join.join(host.systemd, host.layout, host.content(more), joining, check=False)


def leave(host: MemberHost, cluster: Cluster) -> bool:
    members = members_of(cluster)
    own = next((one.id for one in members if one.peer_urls == list(host.wanted.member.peer_urls)), "")
    leaving = Leaving("prod", host.name, own, cluster.endpoints, expected_members.describe(members), WITNESSES)
    with reporting(cluster.endpoints):
        return _leave.leave(host.systemd, host.layout, leaving, check=False)


def listed(host: MemberHost, cluster: Cluster) -> list[ClusterMember]:
    return [one for one in members_of(cluster) if one.peer_urls == list(host.wanted.member.peer_urls)]


def archived(host: MemberHost) -> list[str]:
    return sorted(path.name for path in Path(host.layout.data_dir).iterdir() if path.name.startswith("member."))


def check_votes(host: MemberHost, cluster: Cluster) -> None:
    """It is in the list once, as a voter, serves, and its marker knows it."""
    (member,) = listed(host, cluster)
    assert (member.name, member.is_learner) == (host.name, False)
    marker = host.marker
    assert marker is not None
    assert (marker.state, marker.origin, marker.member_id) == (markers.STARTED, markers.JOIN, member.id)
    with cluster.client() as client:
        client.read("ready", endpoint=member.client_urls[0])


def check_gone(host: MemberHost, cluster: Cluster) -> None:
    assert listed(host, cluster) == []
    marker = host.marker
    assert marker is not None and marker.state == markers.REMOVED
    assert (host.unit["ActiveState"], host.unit["UnitFileState"]) == ("inactive", "disabled")
    assert not Path(host.layout.data_dir, "member").exists()


def test_a_host_joins_leaves_and_joins_again(
    every_version: str, make_cluster: MakeCluster, make_host: MakeHost
) -> None:
    cluster, host = make_cluster(every_version, 1), make_host(every_version)
    first = join(host, cluster)
    assert first["changed"]
    check_votes(host, cluster)
    assert leave(host, cluster)
    check_gone(host, cluster)
    again = join(host, cluster)
    check_votes(host, cluster)
    assert again["member_id"] != first["member_id"]
    assert len(archived(host)) == 1


def test_a_joining_asks_before_the_new_member_starts_so_that_the_others_go_on_reporting(
    version: str, make_cluster: MakeCluster, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To catch up with a large database takes longer than they wait for a first question."""
    cluster, host = make_cluster(version), make_host(version)
    asked: dict[str, bool] = {}

    def at(reached: str) -> None:
        with cluster.client() as client:
            asked[reached] = link_reports.question(client, WITNESSES.nonce) is not None

    monkeypatch.setattr(checkpoints, "at", at)
    join(host, cluster)
    assert asked["join: started"] and asked["join: caught up"]
    with cluster.client() as client:
        assert link_reports.question(client, WITNESSES.nonce) is None, "it is gone with the act"


def test_a_host_joins_a_cluster_with_a_long_log_to_which_nobody_writes(
    make_cluster: MakeCluster, make_host: MakeHost
) -> None:
    """It gets the leader's snapshot, and takes no proposal before an entry follows, not even its registration."""
    # Every etcd may, this one always does.
    version = "3.7.1"
    cluster, host = make_cluster(version, 1, extra=["--snapshot-count=10"]), make_host(version)
    # Beyond the 5,000 that the leader keeps behind its snapshot.
    cluster.lengthen_log(5200)
    join(host, cluster)
    check_votes(host, cluster)


@pytest.mark.parametrize(
    "step",
    ["files written", "added", "marked", "started", "caught up", "promoted"],
)
def test_an_interrupted_joining_goes_on(
    version: str, make_cluster: MakeCluster, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    cluster, host = make_cluster(version, 1), make_host(version)
    interrupt(monkeypatch, f"join: {step}")
    with pytest.raises(Interrupted):
        join(host, cluster)
    before = listed(host, cluster)
    join(host, cluster)
    check_votes(host, cluster)
    if before:
        assert listed(host, cluster)[0].id == before[0].id, "it was added once"


@pytest.mark.parametrize("step", ["marked", "handed over", "removed", "at rest", "data archived"])
def test_an_interrupted_leaving_goes_on(
    version: str, make_cluster: MakeCluster, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    cluster, host = make_cluster(version, 1), make_host(version)
    own = join(host, cluster)["member_id"]
    with cluster.client() as client:
        client.move_leader(own)
    interrupt(monkeypatch, f"leave: {step}")
    with pytest.raises(Interrupted):
        leave(host, cluster)
    leave(host, cluster)
    check_gone(host, cluster)
    assert len(archived(host)) == 1


def test_a_member_that_is_gone_leaves_once(version: str, make_cluster: MakeCluster, make_host: MakeHost) -> None:
    cluster, host = make_cluster(version, 1), make_host(version)
    join(host, cluster)
    leave(host, cluster)
    host.told.clear()
    assert not leave(host, cluster)
    assert host.told == []


def test_a_first_start_that_fails_says_why_and_goes_on_once_that_is_mended(
    version: str, make_cluster: MakeCluster, make_host: MakeHost
) -> None:
    cluster, host = make_cluster(version, 1), make_host(version)
    with pytest.raises(HostError, match=r"ends as soon as it starts(.|\n)*should be at least as 5 times as"):
        join(host, cluster, more='ETCD_HEARTBEAT_INTERVAL="1000"')
    (learner,) = listed(host, cluster)
    assert learner.is_learner
    join(host, cluster)
    check_votes(host, cluster)
    assert listed(host, cluster)[0].id == learner.id


class TestALearnerThatTheOthersDoNotReach:
    """Its address is wrong, and the leader cannot bring its snapshot there."""

    @pytest.fixture
    def cluster(self, make_cluster: MakeCluster) -> Cluster:
        cluster = make_cluster("3.7.1", 1, extra=["--snapshot-count=10"])
        cluster.lengthen_log(5200)
        return cluster

    @pytest.fixture
    def host(self, make_host: MakeHost, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> MemberHost:
        host = make_host("3.7.1")
        monkeypatch.setattr(_join, "_AT_LEAST", 3.0)
        with pytest.raises(HostError) as caught:
            self.join_elsewhere(host, cluster)
        assert f"see that the other members reach it at {self.WRONG}" in str(caught.value)
        assert "raise etcd_start_timeout" in str(caught.value)
        return host

    WRONG = "http://127.0.0.1:9"

    def join_elsewhere(self, host: MemberHost, cluster: Cluster) -> None:
        members = expected_members.describe(members_of(cluster))
        joining = Joining("prod", host.name, [self.WRONG], cluster.endpoints, members, timeout=3.0)
        content = host.content(f'ETCD_INITIAL_ADVERTISE_PEER_URLS="{self.WRONG}"')
        _join.join(host.systemd, host.layout, content, joining, check=False)

    def test_is_awaited_and_not_restarted_by_the_same_command(self, cluster: Cluster, host: MemberHost) -> None:
        """What it has received by then would be lost."""
        process = host.unit["MainPID"]
        host.told.clear()
        with pytest.raises(HostError, match="has got no further"):
            self.join_elsewhere(host, cluster)
        assert (host.unit["MainPID"], host.told) == (process, [])

    def test_joins_once_the_inventory_is_right(self, cluster: Cluster, host: MemberHost) -> None:
        (learner,) = [one for one in members_of(cluster) if one.is_learner]
        join(host, cluster)
        check_votes(host, cluster)
        assert listed(host, cluster)[0].id == learner.id

    @pytest.mark.parametrize("step", ["files written", "readdressed", "started"])
    def test_joins_if_that_is_interrupted_too(
        self, cluster: Cluster, host: MemberHost, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        interrupt(monkeypatch, f"join: {step}")
        with pytest.raises(Interrupted):
            join(host, cluster)
        join(host, cluster)
        check_votes(host, cluster)


class TestAHostMayNotJoin:
    def test_while_a_voter_is_down(self, version: str, make_cluster: MakeCluster, make_host: MakeHost) -> None:
        cluster, host = make_cluster(version, 3), make_host(version)
        cluster.lead(cluster.members[1])
        cluster.end(cluster.members[0])
        with pytest.raises(Refused, match=r"m0 is not healthy, and a member is to be added\..*etcd_forget"):
            join(host, cluster)
        assert listed(host, cluster) == []
        assert host.marker is None

    def test_once_others_changed_the_members(
        self, version: str, make_cluster: MakeCluster, make_host: MakeHost
    ) -> None:
        cluster, host = make_cluster(version, 1), make_host(version)
        with pytest.raises(Refused, match="members changed meanwhile"):
            join(host, cluster, presumed=[])
        assert listed(host, cluster) == []

    def test_under_the_name_of_another_member(
        self, version: str, make_cluster: MakeCluster, make_host: MakeHost
    ) -> None:
        cluster, host, other = make_cluster(version, 1), make_host(version), make_host(version)
        join(other, cluster)
        members = expected_members.describe(members_of(cluster))
        joining = Joining("prod", other.name, host.wanted.member.peer_urls, cluster.endpoints, members, 30.0)
        with pytest.raises(Refused, match=f"has a member {other.name} already"):
            _join.join(host.systemd, host.layout, host.content(), joining, check=False)
        assert len(members_of(cluster)) == 2

    def test_in_the_place_of_a_member_that_has_run(
        self, version: str, make_cluster: MakeCluster, make_host: MakeHost
    ) -> None:
        """Its disk is gone, and nobody told its cluster."""
        cluster, host = make_cluster(version, 3), make_host(version)
        join(host, cluster)
        host.end()
        Path(host.layout.data_dir, "member").rename(Path(host.layout.data_dir, "lost"))
        Path(host.layout.marker_file).unlink()
        with pytest.raises(Refused, match=r"this host has no data of it\. Started empty .* etcd_forget="):
            join(host, cluster)
        assert host.unit["ActiveState"] != "active"

    @pytest.mark.parametrize("state", [markers.STARTED, markers.LEAVING, markers.OFFERED])
    def test_with_a_marker_that_speaks_of_something_else(
        self, version: str, make_cluster: MakeCluster, make_host: MakeHost, state: str
    ) -> None:
        cluster, host = make_cluster(version, 1), make_host(version)
        Path(host.layout.state_dir).mkdir(parents=True)
        Path(host.layout.marker_file).write_text(markers.render(markers.Marker(state)))
        with pytest.raises(Refused, match=f"its marker says '{state}'"):
            join(host, cluster)
        assert not Path(host.layout.conf_file).exists()

    def test_and_check_mode_writes_nothing(self, version: str, make_cluster: MakeCluster, make_host: MakeHost) -> None:
        cluster, host = make_cluster(version, 1), make_host(version)
        joining = Joining("prod", host.name, host.wanted.member.peer_urls, cluster.endpoints, [], 30.0)
        predicted = _join.join(host.systemd, host.layout, host.content(), joining, check=True)
        assert predicted["changed"]
        assert host.layout.conf_file in [one["before_header"] for one in predicted["diff"]]
        assert (host.marker, host.told, listed(host, cluster)) == (None, [], [])


class TestAMember:
    def test_that_is_down_leaves(self, version: str, make_cluster: MakeCluster, make_host: MakeHost) -> None:
        cluster, host = make_cluster(version, 3), make_host(version)
        join(host, cluster)
        host.end()
        leave(host, cluster)
        check_gone(host, cluster)

    def test_that_the_others_cannot_spare_stays(
        self, version: str, make_cluster: MakeCluster, make_host: MakeHost
    ) -> None:
        cluster, host = make_cluster(version, 2), make_host(version)
        join(host, cluster)
        cluster.lead(cluster.members[1])
        cluster.end(cluster.members.pop(0))
        with pytest.raises(Refused, match="1 of 2 voters would be healthy, and 2 are needed"):
            leave(host, cluster)
        marker = host.marker
        assert marker is not None and marker.state == markers.STARTED
        assert host.unit["ActiveState"] == "active"

    def test_that_stays_keeps_its_data_when_another_one_is_to_leave(
        self, version: str, make_cluster: MakeCluster, make_host: MakeHost
    ) -> None:
        cluster, host = make_cluster(version, 1), make_host(version)
        own = join(host, cluster)["member_id"]
        members = expected_members.describe(members_of(cluster))
        leaving = Leaving("prod", host.name, "", cluster.endpoints, members)
        with pytest.raises(
            Refused, match=f"holds the data of member {own}, which the cluster has, and none is to leave"
        ):
            _leave.leave(host.systemd, host.layout, leaving, check=False)
        check_votes(host, cluster)
