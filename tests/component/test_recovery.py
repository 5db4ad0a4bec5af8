# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lost quorum, and one member that goes on alone; interrupted between any two steps, and put back."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, maintenance_key, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog
from ansible_collections.quorum.etcd.plugins.module_utils._steps import join, recovery, service, survivor
from ansible_collections.quorum.etcd.plugins.module_utils._steps.join import Joining
from ansible_collections.quorum.etcd.plugins.module_utils._steps.survivor import Survivor
from cluster import binary
from member_host import MemberHost
from one_of_three import OneOfThree
from reports import WITNESSES, reporting

MakeThree = Callable[..., OneOfThree]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")

BEFORE = ["recover: marked", "recover: stopped", "rescue: files written", "rescue: copied", "rescue: agreed"]
BEFORE += ["rescue: alone"]
AFTER = ["no way back", "old data archived", "data in place", "marked", "started"]
AFTER = [f"rescue: {step}" for step in AFTER]


def sampled(steps: Sequence[str]) -> list[object]:
    """Every third step; with C(--matrix) all of them."""
    return [pytest.param(step, marks=pytest.mark.matrix if at % 3 else ()) for at, step in enumerate(steps)]


class Interrupted(BaseException):
    """The end of a process, in the middle of its work."""


def interrupt(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def at(reached: str) -> None:
        if reached == step:
            monkeypatch.undo()
            raise Interrupted(step)

    monkeypatch.setattr(checkpoints, "at", at)


class Writer:
    """Clients that write without pause, and remember what was acknowledged."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._acknowledged: list[str] = []
        self._threads = [threading.Thread(target=self._write, args=(at,)) for at in range(4)]
        for thread in self._threads:
            thread.start()

    def _write(self, at: int) -> None:
        with Client([self._endpoint], timeout=5.0) as client:
            for number in range(1 << 20):
                try:
                    client.put(f"key/{at}/{number}", "value")
                except EtcdError:
                    return
                self._acknowledged.append(f"key/{at}/{number}")

    def await_some(self, count: int) -> None:
        while len(self._acknowledged) < count:
            assert any(thread.is_alive() for thread in self._threads)
            threading.Event().wait(0.05)

    def acknowledged(self) -> set[str]:
        for thread in self._threads:
            thread.join()
        return set(self._acknowledged)


def lose_the_others(three: OneOfThree) -> set[str]:
    """Take two of three away under a writer, one after the other, so that the last one has all that was acknowledged.

    :returns: the keys that were.
    """
    leader, other = three.others
    three.cluster.lead(leader)
    three.cluster.end(other)
    writer = Writer(leader.client_url)
    writer.await_some(300)
    three.cluster.end(leader)
    return writer.acknowledged()


def look(host: MemberHost) -> dict[str, Any]:
    return recovery.observe(host.systemd, host.layout, "prod", [], f"{host.layout.root}/snapshots")


def stop(host: MemberHost) -> bool:
    return recovery.stop(host.systemd, host.layout, "prod", host.name, check=False)


def rescue(host: MemberHost, check: bool = False) -> dict[str, Any]:
    log = look(host)["log"] or {"term": 0, "index": 0}
    urls = host.wanted.member.peer_urls
    wanted = Survivor(host.name, urls, binary(host.version), log["term"], log["index"], timeout=30.0)
    return survivor.found(host, host.layout, host.content(), wanted, check)


def recover(host: MemberHost) -> dict[str, Any]:
    stop(host)
    return rescue(host)


def roll_back(host: MemberHost) -> bool:
    return recovery.roll_back(host.systemd, host.layout, check=False)


def started(host: MemberHost) -> None:
    """Start its unit, whatever it did before, and wait until it serves."""
    host(["systemctl", "restart", host.layout.unit])
    service.serving(host.systemd, host.layout, timeout=30.0)


def keys(host: MemberHost) -> set[str]:
    with Client(list(host.wanted.member.client_urls), timeout=10.0) as client:
        return {str(one["key"], "ascii") for one in client.read("key/", prefix=True)["kvs"]}


def members(host: MemberHost) -> list[ClusterMember]:
    with Client(list(host.wanted.member.client_urls), timeout=10.0) as client:
        return list(client.member_list().members)


def beside(host: MemberHost) -> list[str]:
    """What lies beside its data."""
    return sorted(path.name.partition("-")[0] for path in Path(host.layout.data_dir).iterdir() if path.name != "member")


def check_alone(host: MemberHost, acknowledged: set[str]) -> None:
    """It serves as a cluster of one, with all that was acknowledged, and its old data are archived."""
    (member,) = members(host)
    assert (member.name, member.peer_urls) == (host.name, list(host.wanted.member.peer_urls))
    assert member.client_urls == list(host.wanted.member.client_urls)
    assert acknowledged - keys(host) == set()
    marker = host.marker
    assert marker is not None
    assert (marker.state, marker.origin, marker.before, marker.next_token) == ("started", "recovery", "", "")
    assert marker.member_id == member.id
    assert host.unit["UnitFileState"] == "enabled"
    assert beside(host) == ["member.recovered"]


@pytest.fixture
def three(version: str, make_three: MakeThree) -> OneOfThree:
    return make_three(version)


def test_it_is_under_nobodys_maintenance_any_more_so_that_the_others_can_join(three: OneOfThree) -> None:
    with three.cluster.client() as client:
        client.put(maintenance_key.KEY, "eve@elsewhere", client.lease_grant(3600)["lease"])
    lose_the_others(three)
    recover(three.host)
    with Client(list(three.host.wanted.member.client_urls), timeout=10.0) as client:
        assert client.read(maintenance_key.KEY)["kvs"] == []


def test_the_survivor_goes_on_with_all_that_was_acknowledged(every_version: str, make_three: MakeThree) -> None:
    three = make_three(every_version)
    host = three.host
    before = look(host)
    acknowledged = lose_the_others(three)
    done = recover(host)
    check_alone(host, acknowledged)
    assert done["changed"] and done["kept"] >= 0
    assert (done["member_id"], done["cluster_id"]) == (before["member_id"], before["cluster_id"])
    with Client(list(host.wanted.member.client_urls), timeout=10.0) as client:
        client.put("key/new", "value")
    started(host)
    assert {"key/new", *acknowledged} <= keys(host), "no later start gives anything up"


@pytest.mark.parametrize("step", sampled([*BEFORE, *AFTER]))
def test_an_interrupted_recovery_goes_on(three: OneOfThree, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    host, acknowledged = three.host, lose_the_others(three)
    interrupt(monkeypatch, step)
    with pytest.raises(Interrupted):
        recover(host)
    if step in AFTER[3:]:
        # There is nothing left but to await it.
        started(host)
        assert acknowledged - keys(host) == set()
        return
    assert look(host)["state"] == markers.RECOVERY_PENDING
    if step != BEFORE[0]:
        host(["systemctl", "start", host.layout.unit])
        assert host.unit["SubState"] == "auto-restart", "its gate lets nobody start it meanwhile"
    recover(host)
    check_alone(host, acknowledged)


@pytest.mark.parametrize("step", sampled(BEFORE))
def test_what_was_begun_is_rolled_back(three: OneOfThree, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    host = three.host
    before, marker = look(host), host.marker
    for other in three.others:
        three.cluster.end(other)
    interrupt(monkeypatch, step)
    with pytest.raises(Interrupted):
        recover(host)
    assert roll_back(host)
    assert host.marker == marker
    assert beside(host) == []
    for other in three.others:
        three.cluster.launch(other)
        three.cluster.wait_for(other)
    assert look(host)["member_id"] == before["member_id"]
    service.serving(host.systemd, host.layout, timeout=30.0)
    assert not roll_back(host), "once is enough"


@pytest.mark.parametrize("step", sampled(AFTER[:3]))
def test_there_is_no_way_back_once_the_new_cluster_was_made(
    three: OneOfThree, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    host, acknowledged = three.host, lose_the_others(three)
    interrupt(monkeypatch, step)
    with pytest.raises(Interrupted):
        recover(host)
    assert look(host)["founded"]
    with pytest.raises(Refused, match=r"has made the new cluster.*etcd\.recover .*-e etcd_confirm_cluster=prod"):
        roll_back(host)
    with pytest.raises(Refused, match="Somebody else has changed this host"):
        recovery.archive_data(host.systemd, host.layout, check=False)
    recover(host)
    check_alone(host, acknowledged)


def test_nothing_is_rolled_back_that_an_act_which_outlived_its_run_has_made_meanwhile(
    three: OneOfThree, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = three.host
    interrupt(monkeypatch, "rescue: alone")
    with pytest.raises(Interrupted):
        recover(host)
    acting = host_files.acting

    @contextmanager
    def waiting_for_it(layout: Layout) -> Iterator[None]:
        with acting(layout):
            host.mark(next_token=markers.RECOVERY)
            yield

    monkeypatch.setattr(host_files, "acting", waiting_for_it)
    with pytest.raises(Refused, match="has made the new cluster"):
        roll_back(host)
    assert beside(host) == ["recovering"], "its data, which are to be put in place"


def test_a_member_that_got_another_address_is_known_by_it(three: OneOfThree) -> None:
    host, acknowledged = three.host, lose_the_others(three)
    stop(host)
    three.move()
    rescue(host)
    check_alone(host, acknowledged)


def test_a_copied_data_directory_goes_on_on_another_host_under_another_name(
    version: str, three: OneOfThree, tmp_path: Path
) -> None:
    acknowledged = lose_the_others(three)
    three.host.end()
    host = MemberHost(tmp_path / "another", version, 9)
    try:
        Path(host.layout.data_dir).mkdir(parents=True)
        Path(three.host.layout.data_dir, "member").rename(Path(host.layout.data_dir, "member"))
        recover(host)
        check_alone(host, acknowledged)
    finally:
        host.end_all()


def test_a_log_of_its_own_is_taken_over(version: str, three: OneOfThree) -> None:
    host, acknowledged = three.host, lose_the_others(three)
    stop(host)
    wal_dir = f"{host.layout.root}/wal/etcd"
    Path(wal_dir).parent.mkdir()
    Path(host.layout.log_dir).rename(wal_dir)
    host.layout = replace(host.layout, wal_dir=wal_dir)
    host.mark(wal_dir=wal_dir)
    rescue(host)
    check_alone(host, acknowledged)
    assert sorted(path.name.partition("-")[0] for path in Path(wal_dir).parent.iterdir()) == ["etcd", "etcd.recovered"]


def test_a_log_that_lay_among_the_data_is_copied_to_a_disk_of_its_own(three: OneOfThree) -> None:
    host, acknowledged = three.host, lose_the_others(three)
    stop(host)
    with tempfile.TemporaryDirectory(prefix="quorum-recover-", dir="/dev/shm") as disk:
        assert os.stat(disk).st_dev != os.stat(host.layout.data_dir).st_dev
        os.chmod(disk, 0o755)
        host.layout = replace(host.layout, wal_dir=f"{disk}/etcd")
        data, log = look(host)["copies"]
        assert data["device"] != log["device"] and data["needs"] > log["needs"] > 0
        rescue(host)
        check_alone(host, acknowledged)
        assert sorted(os.listdir(disk)) == ["etcd"]
        host.end_all()


def test_a_log_that_a_link_leads_to_is_copied_too(three: OneOfThree, tmp_path: Path) -> None:
    host, acknowledged = three.host, lose_the_others(three)
    stop(host)
    log, disk = Path(host.layout.log_dir), tmp_path / "another-disk"
    log.rename(disk)
    log.symlink_to(disk)
    before = {path.name: path.read_bytes() for path in disk.iterdir()}
    assert look(host)["copies"][0]["needs"] > sum(map(len, before.values()))
    rescue(host)
    check_alone(host, acknowledged)
    assert {path.name: path.read_bytes() for path in disk.iterdir()} == before, "the only data that are left"


def test_the_others_give_up_their_data_and_join_it(version: str, three: OneOfThree, tmp_path: Path) -> None:
    host, acknowledged = three.host, lose_the_others(three)
    recover(host)
    other = MemberHost(tmp_path / "other", version, 8)
    try:
        # It has the data of one that was lost.
        Path(other.layout.data_dir).mkdir(parents=True)
        three.others[0].directory.joinpath("member").rename(Path(other.layout.data_dir, "member"))
        stop(other)
        assert recovery.archive_data(other.systemd, other.layout, check=False)
        assert beside(other) == ["member.recovered"]
        marker = other.marker
        assert marker is not None and marker.state == markers.REMOVED
        assert not recovery.archive_data(other.systemd, other.layout, check=False)
        presumed, urls = expected_members.describe(members(host)), list(host.wanted.member.client_urls)
        joining = Joining("prod", other.name, other.wanted.member.peer_urls, urls, presumed, 30.0, WITNESSES)
        with reporting(urls):
            join.join(other.systemd, other.layout, other.content(), joining, check=False)
        assert {member.name for member in members(other)} == {host.name, other.name}
        assert acknowledged - keys(other) == set()
    finally:
        other.end_all()


def test_a_snapshot_is_saved_of_a_member_that_has_no_quorum(three: OneOfThree, tmp_path: Path) -> None:
    host = three.host
    lose_the_others(three)
    directory = tmp_path / "kept"
    path = recovery.save(host.systemd, host.layout, "prod", str(directory), check=False)
    assert catalog.manifest_of(path).cluster == "prod"
    stop(host)
    assert recovery.save(host.systemd, host.layout, "prod", str(directory), check=False) == ""


class TestWhatIsLeft:
    def test_is_told_of_a_member_that_runs_and_of_one_that_rests(self, three: OneOfThree) -> None:
        host = three.host
        lose_the_others(three)
        running = look(host)
        stop(host)
        resting = look(host)
        assert (resting["state"], resting["founded"]) == (markers.RECOVERY_PENDING, False)
        for found in (running, resting):
            assert {member["name"] for member in found["members"]} == {"m0", "m1", host.name}
            assert found["log"]["index"] >= found["log"]["commit"] > 300
            (copy,) = found["copies"]
            assert copy["needs"] > 0 and copy["free"] > 0
            assert host.version.startswith(found["version"].rpartition(".")[0])
        assert running["member_id"] == resting["member_id"]
        # Once it rests no snapshot can be saved of it, and none needs room.
        assert running["snapshot"]["needs"] > 0
        assert running["snapshot"]["device"] == running["copies"][0]["device"]
        assert resting["snapshot"] is None

    def test_tells_whether_one_that_is_said_to_be_off_answers(self, three: OneOfThree) -> None:
        host = three.host
        three.cluster.end(three.others[1])
        for fenced in (["m0", "m1"], [member["id"] for member in look(host)["members"] if member["name"] != host.name]):
            (heard,) = recovery.observe(host.systemd, host.layout, "prod", fenced, "/nowhere")["heard"]
            assert (heard["name"], heard["answer"]) == ("m0", f"answers at {three.others[0].client_url}")

    def test_is_another_clusters(self, three: OneOfThree) -> None:
        with pytest.raises(Refused, match="marker is of the cluster 'prod', not of 'test'"):
            recovery.observe(three.host.systemd, three.host.layout, "test", [], "/nowhere")

    def test_is_damaged(self, three: OneOfThree) -> None:
        host = three.host
        lose_the_others(three)
        stop(host)
        (segment,) = Path(host.layout.log_dir).glob("*.wal")
        content = bytearray(segment.read_bytes())
        at = content.index(b"key/0/20")
        content[at : at + 8] = b"key/9/99"
        segment.write_bytes(content)
        found = look(host)
        assert found["log"] is None
        assert "does not match its checksum" in found["damaged"]


class TestNothingIsMade:
    def test_of_a_member_that_was_not_stopped(self, three: OneOfThree) -> None:
        with pytest.raises(Refused, match="marker says 'started', and its member was to be stopped"):
            rescue(three.host)

    def test_of_a_log_that_ends_elsewhere_than_the_plan_saw(self, three: OneOfThree) -> None:
        host = three.host
        lose_the_others(three)
        stop(host)
        wanted = Survivor(host.name, host.wanted.member.peer_urls, binary(host.version), 1, 1, 30.0)
        with pytest.raises(Refused, match="the plan saw term 1, entry 1"):
            survivor.found(host, host.layout, host.content(), wanted, check=False)
        assert beside(host) == []

    def test_in_check_mode(self, three: OneOfThree) -> None:
        host = three.host
        for other in three.others:
            three.cluster.end(other)
        marker = host.marker
        assert recovery.stop(host.systemd, host.layout, "prod", host.name, check=True)
        assert rescue(host, check=True)["changed"]
        assert (host.marker, host.unit["ActiveState"], beside(host)) == (marker, "active", [])

    def test_by_an_etcd_that_does_not_start(self, three: OneOfThree) -> None:
        host, acknowledged = three.host, lose_the_others(three)
        stop(host)
        log = look(host)["log"]
        wanted = Survivor(host.name, host.wanted.member.peer_urls, "/bin/false", log["term"], log["index"], 10.0)
        with pytest.raises(HostError, match="recovery"):
            survivor.found(host, host.layout, host.content(), wanted, check=False)
        assert not look(host)["founded"]
        recover(host)
        check_alone(host, acknowledged)
