# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole clusters restored from snapshots, interrupted between any two steps too."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._host import etcdutl, host_files, isolated_member
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers as _markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.saving import Saved
from ansible_collections.quorum.etcd.plugins.module_utils._steps import restore, restore_paths, service
from cluster import binary
from restored import Hosts, run

MakeHosts = Callable[..., Hosts]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")

#: Every step at which an act says where it is, up to the one from which on there is no way back, and from there.
BEFORE = ("written down", "data made", "prepared", "marked", "stopped", "data archived", "files written", "in place")
AFTER = ("restored", "started apart", "stopped apart", "open")


def each(steps: Sequence[str]) -> list[object]:
    """Every third step, in turn on the first host and on the last; with C(--matrix) each step on both."""
    sample = list(zip(steps[::3], itertools.cycle((1, 2))))
    return [
        pytest.param(step, time, id=f"{step}, {name}", marks=() if (step, time) in sample else pytest.mark.matrix)
        for step in steps
        for name, time in (("first", 1), ("last", 2))
    ]


@pytest.fixture
def make_hosts(tmp_path: Path) -> Iterator[MakeHosts]:
    made: list[Hosts] = []

    def make(version: str, size: int = 3, first: int = 1) -> Hosts:
        made.append(Hosts(tmp_path / f"hosts{len(made)}", version, size, first))
        return made[-1]

    yield make
    for hosts in made:
        hosts.end()


class Interrupted(BaseException):
    """The end of a process, in the middle of its work."""


def interrupt(monkeypatch: pytest.MonkeyPatch, step: str, time: int = 1) -> None:
    """End the process that reaches a step as the first, the second ... one."""
    reached = []

    def at(there: str) -> None:
        reached.append(there)
        if reached.count(step) == time:
            monkeypatch.undo()
            raise Interrupted(step)

    monkeypatch.setattr(checkpoints, "at", at)


def written(make_hosts: MakeHosts, version: str, size: int = 3) -> tuple[Hosts, Saved, dict[str, str]]:
    """A cluster, a snapshot of it, what is in that, and something that was written after it."""
    hosts = make_hosts(version, size).found()
    hosts.write(40)
    with hosts.client() as client:
        client.delete("key7")
    saved, held = hosts.save(), hosts.keys
    hosts.write(5, prefix="later")
    return hosts, saved, held


def check_restored(hosts: Hosts, restoration: Restoration, held: dict[str, str]) -> None:
    """One cluster serves, with all that was in the snapshot and nothing else, and no member's old data are gone."""
    assert hosts.keys == held
    assert len(hosts.cluster_ids) == 1
    with hosts.client() as client:
        members = client.member_list().members
        for endpoint in hosts.endpoints:
            assert client.count(restoration.restored_revision, endpoint=endpoint) == len(held)
    assert sorted((one.name, one.peer_urls) for one in members) == sorted(
        (host.name, list(host.wanted.member.peer_urls)) for host in hosts.hosts
    )
    for host in hosts.hosts:
        marker = host.marker
        assert marker is not None
        assert (marker.state, marker.origin, marker.token) == (_markers.STARTED, _markers.RESTORE, restoration.token)
        assert host.unit["UnitFileState"] == "enabled"
        assert restore_paths.read_record(host.layout) is None
        assert not list(Path(hosts.snapshots_of(host)).glob("*"))
        assert all(name in ("member", "member.restore-20261122T074000Z") for name in hosts.lies(host))


class TestWithAuthentication:
    def written(self, make_hosts: MakeHosts, version: str, user_file: Path) -> tuple[Hosts, Saved, dict[str, str]]:
        hosts = make_hosts(version, 1).found()
        hosts.write(40)
        hosts.switch_authentication_on(user_file)
        return hosts, hosts.save(), hosts.keys

    def test_whoever_verifies_the_members_logs_in(
        self, every_version: str, make_hosts: MakeHosts, tmp_path: Path
    ) -> None:
        hosts, saved, held = self.written(make_hosts, every_version, tmp_path / "user")
        restoration = hosts.restoration(saved)
        hosts.restore(saved, restoration)
        check_restored(hosts, restoration, held)

    def test_nothing_is_prepared_where_nobody_could_log_in(
        self, version: str, make_hosts: MakeHosts, tmp_path: Path
    ) -> None:
        hosts, saved, held = self.written(make_hosts, version, tmp_path / "user")
        hosts.log_in_with("")
        with pytest.raises(Refused, match="Authentication is on in .* etcd_user_file"):
            hosts.restore(saved, hosts.restoration(saved))
        assert (hosts.states, hosts.keys) == ([_markers.STARTED], held)
        (host,) = hosts.hosts
        assert hosts.lies(host) == ["member"]


def test_a_cluster_is_restored_from_a_snapshot(every_version: str, make_hosts: MakeHosts) -> None:
    hosts, saved, held = written(make_hosts, every_version)
    restoration, before = hosts.restoration(saved), hosts.cluster_ids
    hosts.restore(saved, restoration)
    check_restored(hosts, restoration, held)
    assert hosts.cluster_ids != before
    for host in hosts.hosts:
        assert hosts.lies(host) == ["member", "member.restore-20261122T074000Z"]


def test_the_locks_that_a_snapshot_brings_along_are_gone(version: str, make_hosts: MakeHosts) -> None:
    hosts = make_hosts(version, 1).found()
    hosts.write(3)
    held = hosts.keys
    with hosts.client() as client:
        for key in ("/quorum.etcd/turn", "/quorum.etcd/maintenance", "/quorum.etcd/renewing-raft-snapshots"):
            client.put(key, "somebody")
    saved = hosts.save()
    hosts.restore(saved, hosts.restoration(saved))
    assert hosts.keys == held


@pytest.mark.parametrize("size", [1, pytest.param(3, marks=pytest.mark.matrix), 5])
def test_a_snapshot_becomes_a_cluster_of_another_size_on_other_hosts(
    version: str, make_hosts: MakeHosts, size: int
) -> None:
    """Nothing is left of the one that it was taken from."""
    source, saved, held = written(make_hosts, version, size=1)
    source.hosts[0].end_all()
    hosts = make_hosts(version, size, first=20)
    restoration = hosts.restoration(saved)
    hosts.restore(saved, restoration)
    check_restored(hosts, restoration, held)


class TestASnapshotWhoseNewestChangeIsNoEntry:
    """etcd's tool counts a bump from the newest entry of the file, and the revision of the store may be above that."""

    @pytest.fixture(params=["a deletion that was compacted", "nothing at all"])
    def saved(self, request: pytest.FixtureRequest, make_hosts: MakeHosts) -> tuple[Saved, dict[str, str]]:
        source = make_hosts("3.4.23", 1).found()
        if request.param != "nothing at all":
            source.write(5)
            with source.client() as client:
                client.put("lock", "")
                client.compact(client.delete("lock"), physical=True)
        saved, held = source.save(), source.keys
        assert snapshot_file.described(saved.path, "").last_key_revision < saved.manifest.revision
        source.hosts[0].end_all()
        return saved, held

    @pytest.mark.parametrize("release", ["3.4.23", "3.5.33", "3.6.14", "3.7.1"])
    def test_is_tried_and_restored(
        self, release: str, make_hosts: MakeHosts, saved: tuple[Saved, dict[str, str]]
    ) -> None:
        snapshot, held = saved
        hosts = make_hosts(release, 1, first=20)
        restoration = hosts.restoration(snapshot)
        found = hosts.drill(snapshot, restoration)
        assert (found["revision"], found["key_count"]) == (restoration.restored_revision, len(held))
        hosts.restore(snapshot, restoration)
        check_restored(hosts, restoration, held)

    def test_fails_its_trial_where_it_would_not_begin_as_planned(
        self, version: str, make_hosts: MakeHosts, saved: tuple[Saved, dict[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The trial follows the recipe of the restore, while the old members still serve."""
        snapshot, _held = saved
        hosts = make_hosts(version, 1, first=20)
        command = etcdutl._command
        short = lambda *given: [str(int(one) - 1) if one.isdigit() else one for one in command(*given)]  # noqa: E731
        monkeypatch.setattr(etcdutl, "_command", short)
        with pytest.raises(HostError, match=r"begins at revision \d+, and it was to begin at \d+"):
            hosts.drill(snapshot, hosts.restoration(snapshot))


class TestASnapshotThatWasSavedUnderAnAlarm:
    """etcd keeps alarms in its database, and a restore brings them back, of members that are none any more."""

    @pytest.mark.parametrize("alarm", ["NOSPACE", "CORRUPT"])
    def test_becomes_a_cluster_that_takes_writes(self, every_version: str, make_hosts: MakeHosts, alarm: str) -> None:
        hosts = make_hosts(every_version, 1).found()
        hosts.write(40)
        with hosts.client() as client:
            (member,) = client.member_list().members
            # Nothing is saved from a member that has it itself.
            raised_by = "77" if alarm == "CORRUPT" else member.id
            client.call("Maintenance.Alarm", {"action": "ACTIVATE", "memberID": int(raised_by, 16), "alarm": alarm})
        saved, held = hosts.save(), hosts.keys
        found = snapshot_file.described(saved.path, saved.manifest.sha256)
        assert found.alarms == [{"member_id": raised_by, "alarm": alarm}]
        restoration = hosts.restoration(saved)
        assert hosts.drill(saved, restoration)["key_count"] == len(held)
        hosts.restore(saved, restoration)
        with hosts.client() as client:
            assert client.alarms() == []
            assert client.put("after", "value")
            client.delete("after")
        check_restored(hosts, restoration, held)

    def test_is_restored_also_where_a_member_has_an_alarm_of_its_own(self, version: str, make_hosts: MakeHosts) -> None:
        """One that comes late to a cluster which was filled meanwhile: that is mended once all of them serve."""
        hosts, saved, _held = written(make_hosts, version)
        restoration = hosts.restoration(saved)
        hosts.restore(saved, restoration, until="restore")
        late = hosts.hosts.pop()
        hosts.restore(saved, restoration)
        with hosts.client() as client:
            member = client.member_list().members[0]
            raised = {"action": "ACTIVATE", "memberID": int(member.id, 16), "alarm": "NOSPACE"}
            client.call("Maintenance.Alarm", raised)
        hosts.hosts.append(late)
        hosts.restore(saved, restoration, until="verify")
        told = restore.verify(hosts.act(late, restoration), 40.0)
        assert [(one["name"], one["alarm"]) for one in told["alarms"]] == [(member.name, "NOSPACE")]


@pytest.mark.parametrize(("step", "time"), each([*BEFORE, *AFTER]))
def test_an_interrupted_restore_goes_on(
    version: str, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch, step: str, time: int
) -> None:
    hosts, saved, held = written(make_hosts, version, size=2)
    restoration = hosts.restoration(saved)
    interrupt(monkeypatch, f"restore: {step}", time)
    with pytest.raises(Interrupted):
        hosts.restore(saved, restoration)
    hosts.restore(saved, restoration)
    check_restored(hosts, restoration, held)


@pytest.mark.parametrize(("step", "time"), each(BEFORE[: BEFORE.index("files written")]))
def test_an_interrupted_restore_is_rolled_back(
    version: str, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch, step: str, time: int
) -> None:
    hosts, saved, _held = written(make_hosts, version, size=2)
    everything, before = hosts.keys, hosts.cluster_ids
    markers = [host.marker for host in hosts.hosts]
    interrupt(monkeypatch, f"restore: {step}", time)
    with pytest.raises(Interrupted):
        hosts.restore(saved, hosts.restoration(saved))
    hosts.roll_back()
    assert (hosts.keys, hosts.cluster_ids) == (everything, before)
    assert [host.marker for host in hosts.hosts] == markers
    for host in hosts.hosts:
        assert host.unit["UnitFileState"] == "enabled"
        assert (hosts.lies(host), restore_paths.read_record(host.layout)) == (["member"], None)
        assert not list(Path(hosts.snapshots_of(host)).glob("*"))


def test_of_a_restore_that_failed_its_trial_nothing_is_left_on_any_host(version: str, make_hosts: MakeHosts) -> None:
    """Also where nothing was before: there is no record of it yet."""
    source, saved, held = written(make_hosts, version, size=1)
    for hosts in (source, make_hosts(version, 1, first=20)):
        hosts.stage(saved, hosts.restoration(saved))
        hosts.roll_back()
        (host,) = hosts.hosts
        assert not list(Path(hosts.snapshots_of(host)).glob("*"))
    assert source.states == [_markers.STARTED]
    assert held.items() <= source.keys.items()


@pytest.mark.parametrize("step", ["data back", "marker back"])
def test_a_rollback_that_was_interrupted_goes_on(
    version: str, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    hosts, saved, _held = written(make_hosts, version, size=2)
    everything = hosts.keys
    hosts.restore(saved, hosts.restoration(saved), until="restore")
    interrupt(monkeypatch, f"restore: {step}", 2)
    with pytest.raises(Interrupted):
        hosts.roll_back()
    hosts.roll_back()
    assert hosts.keys == everything
    assert hosts.states == [_markers.STARTED] * 2


def test_a_rollback_that_was_interrupted_lets_the_timer_run_again(
    version: str, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts, saved, _held = written(make_hosts, version, size=1)
    (host,) = hosts.hosts
    hosts.restore(saved, hosts.restoration(saved), until="restore")
    Path(host.layout.snapshot_timer_file).write_text("[Timer]\n")
    follows = f"enable --now {host.layout.snapshot_timer}"
    interrupt(monkeypatch, "restore: started again")
    with pytest.raises(Interrupted):
        hosts.roll_back()
    assert follows not in host.told
    hosts.roll_back()
    assert follows in host.told


def test_a_member_that_was_opened_and_never_started_counts_for_the_quorum_of_the_others(
    version: str, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its run was killed, and another machine is lost since."""
    hosts, saved, held = written(make_hosts, version)
    restoration = hosts.restoration(saved)
    interrupt(monkeypatch, "restore: open")
    with pytest.raises(Interrupted):
        hosts.restore(saved, restoration)
    lost = hosts.hosts.pop()
    lost.end_all()
    hosts.restore(saved, restoration)
    assert hosts.states == [_markers.STARTED] * 2
    assert set(held) <= set(hosts.keys)


class TestWhatARestoreHasLeftBehind:
    """Its last act was not done."""

    def test_is_removed(self, version: str, make_hosts: MakeHosts) -> None:
        hosts, saved, held = written(make_hosts, version, size=1)
        restoration = hosts.restoration(saved)
        hosts.restore(saved, restoration, until="finish")
        (host,) = hosts.hosts
        assert restore.end(hosts.act(host, restoration), check=True)
        assert restore.end(hosts.act(host, restoration), check=False)
        assert not restore.end(hosts.act(host, restoration), check=False)
        service.await_ready(host.systemd, host.layout, 40.0)
        check_restored(hosts, restoration, held)

    def test_is_removed_from_a_member_that_serves_no_more(self, version: str, make_hosts: MakeHosts) -> None:
        """It keeps nobody from restoring again."""
        hosts, saved, held = written(make_hosts, version, size=1)
        hosts.restore(saved, hosts.restoration(saved), until="finish")
        (host,) = hosts.hosts
        host.end()
        shutil.rmtree(Path(host.layout.data_dir, "member"))
        assert restore.end(hosts.act(host, hosts.restoration(saved)), check=False)
        again = hosts.restoration(saved, token="third", began="20261122T080000Z")
        hosts.restore(saved, again)
        assert hosts.keys == held

    def test_is_removed_once_the_member_is_started(
        self, version: str, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hosts, saved, held = written(make_hosts, version, size=1)
        restoration = hosts.restoration(saved)
        interrupt(monkeypatch, "restore: open")
        with pytest.raises(Interrupted):
            hosts.restore(saved, restoration)
        (host,) = hosts.hosts
        assert restore.end(hosts.act(host, restoration), check=False)
        service.await_ready(host.systemd, host.layout, 40.0)
        check_restored(hosts, restoration, held)

    def test_stays_while_the_restore_is_not_over(self, version: str, make_hosts: MakeHosts) -> None:
        hosts, saved, held = written(make_hosts, version, size=1)
        restoration = hosts.restoration(saved)
        hosts.restore(saved, restoration, until="start")
        with pytest.raises(Refused, match="is not over"):
            restore.end(hosts.act(hosts.hosts[0], restoration), check=False)
        hosts.restore(saved, restoration)
        check_restored(hosts, restoration, held)


def test_a_rollback_that_was_interrupted_may_become_a_restore_again(
    version: str, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts, saved, held = written(make_hosts, version, size=2)
    restoration = hosts.restoration(saved)
    hosts.restore(saved, restoration, until="restore")
    interrupt(monkeypatch, "restore: marker back", 1)
    with pytest.raises(Interrupted):
        hosts.roll_back()
    hosts.restore(saved, restoration)
    check_restored(hosts, restoration, held)


def test_nothing_is_rolled_back_on_a_host_that_is_restored(version: str, make_hosts: MakeHosts) -> None:
    hosts, saved, held = written(make_hosts, version, size=1)
    restoration = hosts.restoration(saved)
    hosts.restore(saved, restoration, until="start")
    with pytest.raises(Refused, match=r"is restored already .*quorum\.etcd\.restore .* -e etcd_confirm_cluster=prod"):
        hosts.roll_back()
    hosts.restore(saved, restoration)
    check_restored(hosts, restoration, held)
    hosts.roll_back()
    check_restored(hosts, restoration, held)


def test_nothing_is_rolled_back_where_a_killed_run_gives_the_member_its_new_data_meanwhile(
    version: str, make_hosts: MakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last task still holds the host's lock."""
    hosts, saved, held = written(make_hosts, version, size=1)
    restoration = hosts.restoration(saved)
    hosts.restore(saved, restoration, until="restore")
    (host,) = hosts.hosts
    act, acting = hosts.act(host, restoration), host_files.acting

    def once_that_has_ended(layout: Layout) -> contextlib.AbstractContextManager[None]:
        monkeypatch.undo()
        restore.put_in_place(act, host.content(), check=False)
        return acting(layout)

    monkeypatch.setattr(host_files, "acting", once_that_has_ended)
    with pytest.raises(Refused, match="is restored already"):
        hosts.roll_back()
    hosts.restore(saved, restoration)
    check_restored(hosts, restoration, held)


@pytest.mark.parametrize("until", ["stop", "archive", "restore"])
def test_no_member_starts_while_its_host_is_marked(version: str, make_hosts: MakeHosts, until: str) -> None:
    hosts, saved, _held = written(make_hosts, version, size=1)
    (host,) = hosts.hosts
    hosts.restore(saved, hosts.restoration(saved), until=until)
    host.systemd.control("restart", host.layout.unit)
    assert host.unit["SubState"] == "auto-restart"
    assert "being restored from a snapshot" in Path(host.layout.run_dir, "refused").read_text()


def test_no_client_finds_a_restored_member_before_it_is_verified(version: str, make_hosts: MakeHosts) -> None:
    hosts, saved, held = written(make_hosts, version)
    restoration = hosts.restoration(saved)
    hosts.restore(saved, restoration, until="open")
    for host, endpoint in zip(hosts.hosts, hosts.endpoints):
        with Client([endpoint], Credentials(), 2.0) as client, pytest.raises(EtcdError):
            client.status()
        apart = isolated_member.endpoint(host.systemd, host.layout, restore.PURPOSE)
        assert apart not in ("", endpoint, "http://127.0.0.1:2379")
    hosts.restore(saved, restoration)
    check_restored(hosts, restoration, held)


class TestAHostThatComesLate:
    """It was lost while the others went on without it."""

    def served(self, hosts: Hosts, saved: Saved, restoration: Restoration) -> None:
        """All but the last one serve, with what was written and compacted since."""
        hosts.restore(saved, restoration, until="restore")
        late = hosts.hosts.pop()
        hosts.restore(saved, restoration)
        hosts.write(5, prefix="since")
        with hosts.client() as client:
            client.compact(client.read("since4")["revision"])
        hosts.hosts.append(late)

    @pytest.mark.parametrize("counted", [True, False])
    def test_follows_a_cluster_that_was_compacted_meanwhile(
        self, version: str, make_hosts: MakeHosts, counted: bool
    ) -> None:
        hosts, saved, _held = written(make_hosts, version)
        restoration = hosts.restoration(saved) if counted else hosts.restoration(saved, key_count=0)
        self.served(hosts, saved, restoration)
        hosts.restore(saved, restoration)
        assert hosts.states == [_markers.STARTED] * 3
        assert len(hosts.cluster_ids) == 1
        assert "since4" in hosts.keys


class TestWhoHasSeenALaterRevision:
    """A watcher and a cache of before the restore, whose revisions the snapshot does not reach."""

    def test_is_told_to_begin_anew(self, version: str, make_hosts: MakeHosts) -> None:
        hosts, saved, _held = written(make_hosts, version, size=1)
        with hosts.client() as client:
            seen = client.read("later4")["kvs"][0]["mod_revision"]
        hosts.restore(saved, hosts.restoration(saved))
        hosts.write(50, prefix="new")
        with hosts.client() as client, pytest.raises(RpcError, match="required revision has been compacted"):
            client.read("later4", revision=seen)
        assert self.watched(hosts, seen + 1) == "compacted"

    def test_would_wait_in_silence_without_the_bump(self, version: str, make_hosts: MakeHosts) -> None:
        """What the bump is for: the watcher misses what is written at revisions that it has seen already."""
        hosts, saved, _held = written(make_hosts, version, size=1)
        with hosts.client() as client:
            seen = client.read("later4")["kvs"][0]["mod_revision"]
        hosts.restore(saved, hosts.restoration(saved, bump=0))
        hosts.write(3, prefix="new")
        assert self.watched(hosts, seen + 1) == "nothing"

    def watched(self, hosts: Hosts, revision: int) -> str:
        """What a watcher gets who goes on from a revision."""
        etcdctl = binary(hosts.version, "etcdctl")
        call = [etcdctl, f"--endpoints={hosts.endpoints[0]}", "watch", "--prefix", "--rev", str(revision), ""]
        with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
            try:
                output, errors = watcher.communicate(timeout=3)
            except subprocess.TimeoutExpired:
                watcher.kill()
                output, errors = watcher.communicate()
        if "compacted" in output + errors:
            return "compacted"
        return output or "nothing"


class TestTheDataOfAMember:
    def test_may_lie_behind_a_symbolic_link(self, version: str, make_hosts: MakeHosts, tmp_path: Path) -> None:
        hosts = make_hosts(version, 1)
        (host,) = hosts.hosts
        disk = tmp_path / "disk"
        disk.mkdir()
        Path(host.layout.data_dir).parent.mkdir(parents=True)
        Path(host.layout.data_dir).symlink_to(disk)
        hosts.found().write(10)
        saved, held = hosts.save(), hosts.keys
        hosts.restore(saved, hosts.restoration(saved))
        assert hosts.keys == held
        assert sorted(path.name for path in disk.iterdir()) == ["member", "member.restore-20261122T074000Z"]

    @pytest.mark.parametrize("step", ["", "prepared", "data archived", "files written", "in place"])
    def test_may_have_their_log_elsewhere(
        self, version: str, make_hosts: MakeHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        hosts = make_hosts(version, 1)
        (host,) = hosts.hosts
        host.layout = replace(host.layout, wal_dir=str(tmp_path / "logs" / "wal"))
        hosts.found().write(10)
        saved, held = hosts.save(), hosts.keys
        restoration = hosts.restoration(saved)
        if step:
            interrupt(monkeypatch, f"restore: {step}")
            with pytest.raises(Interrupted):
                hosts.restore(saved, restoration)
        hosts.restore(saved, restoration)
        check_restored(hosts, restoration, held)
        assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["wal", "wal.restore-20261122T074000Z"]

    def test_and_a_log_that_lies_elsewhere_are_put_back(
        self, version: str, make_hosts: MakeHosts, tmp_path: Path
    ) -> None:
        hosts = make_hosts(version, 1)
        (host,) = hosts.hosts
        host.layout = replace(host.layout, wal_dir=str(tmp_path / "logs" / "wal"))
        hosts.found().write(10)
        saved = hosts.save()
        hosts.write(3, prefix="later")
        everything = hosts.keys
        hosts.restore(saved, hosts.restoration(saved), until="restore")
        hosts.roll_back()
        assert hosts.keys == everything
        assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["wal"]


class TestIsRefused:
    def test_a_file_that_is_another_one(self, version: str, make_hosts: MakeHosts) -> None:
        hosts, saved, _held = written(make_hosts, version, size=1)
        with pytest.raises(Refused, match="is to be restored"):
            hosts.restore(saved, hosts.restoration(saved, sha256="0" * 64))
        assert hosts.states == [_markers.STARTED]

    def test_a_damaged_file(self, version: str, make_hosts: MakeHosts) -> None:
        hosts, saved, _held = written(make_hosts, version, size=1)
        damaged = bytearray(Path(saved.path).read_bytes())
        damaged[9000] ^= 1
        Path(saved.path).write_bytes(damaged)
        with pytest.raises(EtcdError, match="damaged"):
            hosts.restore(saved, hosts.restoration(saved))
        assert hosts.states == [_markers.STARTED]
        assert hosts.lies(hosts.hosts[0]) == ["member"]

    def test_a_name_that_is_not_among_the_members(self, version: str, make_hosts: MakeHosts) -> None:
        """etcd's own tool says so; nothing of its try is left."""
        hosts, saved, _held = written(make_hosts, version, size=1)
        with pytest.raises(HostError, match=r"snapshot restore .* failed: (.|\n)*etcd-host1"):
            hosts.restore(saved, hosts.restoration(saved, initial_cluster="other=http://127.0.0.1:1"))
        assert hosts.lies(hosts.hosts[0]) == ["member"]
        assert hosts.states == [_markers.STARTED]

    def test_another_restore_beside_one_that_is_under_way(self, version: str, make_hosts: MakeHosts) -> None:
        hosts, saved, held = written(make_hosts, version, size=1)
        restoration = hosts.restoration(saved)
        hosts.restore(saved, restoration, until="restore")
        with pytest.raises(Refused, match="Another restore or a recovery is pending on this host"):
            hosts.restore(saved, hosts.restoration(saved, token="third", began="20261122T080000Z"))
        hosts.restore(saved, restoration)
        check_restored(hosts, restoration, held)

    def test_a_member_that_holds_something_else_than_was_restored(self, version: str, make_hosts: MakeHosts) -> None:
        hosts, saved, _held = written(make_hosts, version, size=1)
        with pytest.raises(HostError, match=r"it has 39 keys, and 41 were restored.*No client has reached it"):
            hosts.restore(saved, hosts.restoration(saved, key_count=41))
        assert hosts.states == [_markers.RESTORED]


def test_check_mode_touches_nothing(version: str, make_hosts: MakeHosts) -> None:
    hosts, saved, _held = written(make_hosts, version, size=1)
    (host,) = hosts.hosts
    act = hosts.act(host, hosts.restoration(saved))
    host.told.clear()
    assert restore.stage(act, saved.path, check=True)
    assert restore.prepare(run, act, check=True)
    for name in ("mark", "stop", "archive_data", "start", "open_up"):
        assert getattr(restore, name)(act, check=True)
    assert restore.put_in_place(act, host.content(), check=True)["changed"]
    assert (host.told, hosts.lies(host), hosts.states) == ([], ["member"], [_markers.STARTED])
    assert not Path(act.snapshot_dir).exists()
