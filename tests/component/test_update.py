# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member's update in a real cluster: verified, or undone, and interrupted between any two of its steps."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import alarm, cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, render
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, rollback
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service, update, way_back
from ansible_collections.quorum.etcd.plugins.module_utils._steps.update import Update
from cluster import free_ports
from data_writer import having_open
from fullness import QUOTA, fill
from member_host import members_of
from one_of_three import OneOfThree
from reports import returned

MakeThree = Callable[[str], OneOfThree]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")

CHANGED = {"ETCD_HEARTBEAT_INTERVAL": "150", "ETCD_ELECTION_TIMEOUT": "1500"}
#: No host has this address (RFC 5737): etcd ends as soon as it starts.
BAD = {**CHANGED, "ETCD_LISTEN_METRICS_URLS": "http://192.0.2.1:2381"}
QUOTA_OF = "ETCD_QUOTA_BACKEND_BYTES"


def take(three: OneOfThree, settings: dict[str, str], check: bool = False, **changes: Any) -> dict[str, Any]:
    """An update that restarts the host's member with these settings too."""
    host = three.host
    terms = changes.pop("terms", None) or three.terms()
    content = host.content("\n".join(f'{name}="{value}"' for name, value in settings.items()))
    content.files[-1]["owner"] = changes.pop("owner_of_the_last_file", host.layout.user)  # type: ignore[index]
    asked = {
        "expected": host.marker,
        "name": host.name,
        "restart": True,
        "peer_urls": [],
        "environment": {**env_file.environment(render.flags(host.wanted, host.version)), **settings},
        "timeout": 30.0,
        **changes,
    }
    return update.apply(host.systemd, host.layout, content, Update(**asked), terms, check)


@pytest.mark.parametrize("restart", [False, True])
def test_a_turn_writes_down_on_what_the_member_stands(make_three: MakeThree, version: str, restart: bool) -> None:
    """Its data were moved to another disk, or its machine built anew, since its marker was made."""
    three = make_three(version)
    host = three.host
    host.mark(mounts=("/gone",), machine_id="another")
    take(three, {}, restart=restart)
    assert host.marker is not None
    assert list(host.marker.mounts) == host_files.mounts_under(host.layout)
    assert host.marker.machine_id == host_files.machine_id()


def quota_of(size: int) -> dict[str, str]:
    return {QUOTA_OF: str(size)}


def undo(three: OneOfThree) -> bool:
    return way_back.undo(three.host.systemd, three.host.layout, three.terms(), timeout=30.0, check=False)


def settings_file(three: OneOfThree) -> str:
    return Path(three.host.layout.conf_file).read_text()


def kept(three: OneOfThree) -> bool:
    return os.path.exists(rollback.path_of(three.host.layout))


def lead(three: OneOfThree) -> None:
    """Let the host's member lead."""
    three.cluster.lead(three.cluster.members[-1])


def lock_of(three: OneOfThree) -> list[Any]:
    with three.cluster.client() as client:
        return list(client.read(cluster_lock.KEY)["kvs"])


def test_a_changed_setting_is_read_by_a_restart_after_another_leads(make_three: MakeThree, every_version: str) -> None:
    three = make_three(every_version)
    lead(three)
    before = three.pid
    result = take(three, CHANGED)
    assert (result["changed"], result["notes"]) == (True, [])
    assert [one["before_header"] for one in result["diff"]] == [three.host.layout.conf_file]
    assert three.pid != before
    assert three.environment["ETCD_HEARTBEAT_INTERVAL"] == "150"
    assert three.leader != three.listed.id
    assert not kept(three)
    assert lock_of(three) == []


def test_a_process_that_nobody_knows_keeps_the_member_from_another_release(make_three: MakeThree, version: str) -> None:
    """An etcd that was left behind has the very data open."""
    three = make_three(version)
    pid, before = three.pid, settings_file(three)
    with having_open(f"{three.host.layout.data_dir}/member/snap/db"), pytest.raises(Refused) as refused:
        take(three, CHANGED)
    assert refused.value.code == "data-in-use"
    assert (three.pid, settings_file(three), kept(three)) == (pid, before, False)
    take(three, CHANGED)
    assert three.environment["ETCD_HEARTBEAT_INTERVAL"] == "150"


def test_a_new_address_is_told_to_the_cluster_first(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    urls = three.move()
    take(three, {}, peer_urls=urls)
    assert three.listed.peer_urls == urls
    assert three.environment["ETCD_LISTEN_PEER_URLS"] == urls[0]
    assert not kept(three)


def test_a_new_name_changes_neither_id_nor_data(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.host.marker
    take(three, {"ETCD_NAME": "other"}, name="other")
    after = three.host.marker
    assert before is not None and after is not None
    assert (after.name, after.member_id) == ("other", before.member_id)
    assert three.listed.name == "other"


def test_without_a_restart_files_are_put_right_and_nobody_is_asked(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.pid
    gate = Path(three.host.layout.gate_file)
    right = gate.read_text()
    gate.write_text("by hand")
    result = take(three, {}, restart=False, terms=three.terms(endpoints=["http://192.0.2.1:2379"]))
    assert result["changed"]
    assert gate.read_text() == right
    assert three.pid == before
    assert three.host.told == ["daemon-reload"]
    assert not kept(three)
    assert not take(three, {}, restart=False)["changed"]


def test_without_a_restart_it_is_undone_where_the_member_no_longer_serves(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    gate = Path(three.host.layout.gate_file)
    gate.write_text("by hand")

    def fall_silent(step: str) -> None:
        if step == "update: files written":
            three.host.pause()

    monkeypatch.setattr(checkpoints, "at", fall_silent)
    with pytest.raises(HostError, match="was undone: its files are the previous ones, it did not stop"):
        take(three, {}, restart=False, timeout=0.0)
    assert gate.read_text() == "by hand"
    assert not kept(three)


@pytest.mark.parametrize("moves", [False, True], ids=["setting", "setting and address"])
def test_a_turn_that_fails_is_undone(make_three: MakeThree, every_version: str, moves: bool) -> None:
    three = make_three(every_version)
    lead(three)
    before, urls = settings_file(three), three.listed.peer_urls
    peer_urls = three.move() if moves else []
    with pytest.raises(HostError, match="failed and was undone: it serves again") as caught:
        take(three, BAD, peer_urls=peer_urls)
    assert "192.0.2.1:2381" in str(caught.value).split("Its last words:")[0], "etcd's cause comes first"
    assert settings_file(three) == before
    assert "ETCD_HEARTBEAT_INTERVAL" not in three.environment
    assert three.listed.peer_urls == urls
    assert not kept(three)
    assert lock_of(three) == []


def test_a_turn_that_fails_before_the_restart_restarts_nothing(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before, pid = settings_file(three), three.pid
    with pytest.raises(HostError, match="its files are the previous ones, it did not stop. There is no such user"):
        take(three, CHANGED, owner_of_the_last_file="no-such-user")
    assert (settings_file(three), three.pid, kept(three)) == (before, pid, False)


def test_a_turn_that_cannot_be_undone_says_so_and_keeps_what_it_needs(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    before = settings_file(three)
    log = Path(three.host.layout.log_dir)
    aside = log.with_name("away")

    def lose_the_disk(step: str) -> None:
        if step == "update: restarted":
            three.host.end()
            log.rename(aside)

    monkeypatch.setattr(checkpoints, "at", lose_the_disk)
    with pytest.raises(HostError, match="and putting its previous files back failed too") as caught:
        take(three, CHANGED)
    assert "Mend the cause and run the same command again" in str(caught.value)
    assert kept(three)
    monkeypatch.undo()
    aside.rename(log)
    assert undo(three)
    assert settings_file(three) == before
    assert not kept(three)


def test_a_member_whose_previous_files_never_served_is_brought_up_by_the_next_update(
    make_three: MakeThree, version: str
) -> None:
    """Its settings were broken by hand; then what the inventory said was wrong too, until somebody put it right."""
    three = make_three(version)
    three.host.end()
    broken = settings_file(three).replace("ETCD_LISTEN_PEER_URLS=", "ETCD_LISTEN_PEER_URLS=http://192.0.2.9:2380,")
    Path(three.host.layout.conf_file).write_text(broken)
    with pytest.raises(HostError, match="and putting its previous files back failed too"):
        take(three, BAD)
    kept_set = rollback.read(three.host.layout)
    assert kept_set is not None and kept_set.doubtful
    assert settings_file(three) == broken
    take(three, CHANGED)
    assert three.environment["ETCD_HEARTBEAT_INTERVAL"] == "150"
    assert not kept(three)


class Interrupted(BaseException):
    """The end of a process, in the middle of its work."""


def interrupt(
    monkeypatch: pytest.MonkeyPatch, step: str, three: OneOfThree, settings: dict[str, str], **update: Any
) -> None:
    """An update that ends at one of its steps."""

    def at(reached: str) -> None:
        if reached == step:
            raise Interrupted

    with monkeypatch.context() as interrupting:
        interrupting.setattr(checkpoints, "at", at)
        with pytest.raises(Interrupted):
            take(three, settings, **update)
    assert kept(three)


STEPS = ["previous kept", "readdressed", "files written", "leadership moved", "restarted"]
#: Those after which most is left to be done, or undone.
SAMPLE = ("readdressed", "restarted")


@pytest.mark.parametrize(
    ("settings", "step"),
    [
        pytest.param(settings, step, marks=() if step in SAMPLE else pytest.mark.matrix)
        for settings, steps in ((CHANGED, [*STEPS, "serves"]), (BAD, STEPS))
        for step in steps
    ],
    ids=lambda value: value if isinstance(value, str) else "bad" if value is BAD else "good",
)
def test_a_turn_that_was_interrupted_is_undone_or_goes_on(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], step: str
) -> None:
    three = make_three(version)
    before, old = settings_file(three), three.listed.peer_urls
    new = three.move()

    interrupt(monkeypatch, f"update: {step}", three, settings, peer_urls=new)
    if undo(three):
        assert (settings_file(three), three.listed.peer_urls) == (before, old)
        assert not kept(three)
    if settings is BAD:
        with pytest.raises(HostError, match="undone"):
            take(three, BAD, peer_urls=new)
        assert (settings_file(three), three.listed.peer_urls) == (before, old)
    take(three, CHANGED, peer_urls=new)
    assert three.listed.peer_urls == new
    assert three.environment["ETCD_HEARTBEAT_INTERVAL"] == "150"
    assert not kept(three)


def test_what_was_kept_of_a_turn_that_serves_after_all_goes_with_the_next(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    interrupt(monkeypatch, "update: serves", three, CHANGED)
    pid = three.pid
    assert not undo(three), "one that serves is left as it is"
    assert take(three, CHANGED, restart=False)["changed"]
    assert not kept(three)
    assert three.pid == pid


@pytest.mark.parametrize("moves", [False, True], ids=["setting", "setting and address"])
def test_what_looked_well_for_a_moment_after_an_interrupted_turn_is_undone(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    three = make_three(version)
    before, urls = settings_file(three), three.listed.peer_urls
    interrupt(monkeypatch, "update: restarted", three, BAD, peer_urls=three.move() if moves else [])
    with pytest.raises(HostError, match="failed and was undone: it serves again") as caught:
        take(three, BAD, restart=False)
    assert "192.0.2.1:2381" in str(caught.value).split("Its last words:")[0], "etcd's cause comes first"
    assert (settings_file(three), three.listed.peer_urls) == (before, urls)
    assert not kept(three)
    assert lock_of(three) == []


@pytest.mark.parametrize("gate_saw", ["the previous ones", "the new ones"])
def test_who_restarted_with_the_previous_files_after_an_interrupted_turn_is_planned_for_anew(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch, gate_saw: str
) -> None:
    three = make_three(version)
    before, record = settings_file(three), Path(three.host.layout.run_dir, "started")
    interrupt(monkeypatch, "undo: files put back", three, BAD)
    seen = record.read_text()
    service.launch(three.host.systemd, three.host.layout, again=True)
    service.serving(three.host.systemd, three.host.layout, timeout=30.0)
    if gate_saw == "the new ones":
        # They were put back between the gate and the start, which is the last line of its record.
        record.write_text("".join([*seen.splitlines(True)[:-1], record.read_text().splitlines(True)[-1]]))
    with pytest.raises(Refused, match="has restarted since it was looked at"):
        take(three, BAD, restart=False)
    assert settings_file(three) == before
    assert take(three, CHANGED)["changed"]
    assert not kept(three)


class TestAWayBackWithoutAQuorum:
    """A member that runs with new files and does not serve may be what its cluster lacks for a quorum."""

    @pytest.fixture
    def hung(self, make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[OneOfThree]:
        three = make_three(version)
        interrupt(monkeypatch, "update: restarted", three, CHANGED)
        service.serving(three.host.systemd, three.host.layout, 30.0)
        three.cluster.end(three.others[1])
        pid = three.pid
        os.kill(pid, signal.SIGSTOP)
        yield three
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def test_needs_no_lock_where_an_other_says_that_there_is_none(self, hung: OneOfThree) -> None:
        assert undo(hung)
        assert "ETCD_HEARTBEAT_INTERVAL" not in hung.environment
        assert not kept(hung)
        with hung.cluster.client() as client:
            client.put("written", "after")

    def test_is_refused_where_nobody_says_so_and_names_what_is_safe(self, hung: OneOfThree) -> None:
        hung.cluster.end(hung.others[0])
        pid = hung.pid
        with pytest.raises(Refused, match=r"serves nobody. Once it is stopped on this host \(systemctl stop") as caught:
            undo(hung)
        assert (hung.pid, kept(hung)) == (pid, True)
        os.kill(pid, signal.SIGCONT)
        hung.host.systemd.control("stop", hung.host.layout.unit)
        assert "the same command starts it" in caught.value.remedy
        hung.cluster.launch(hung.others[0])
        assert undo(hung)
        assert not kept(hung)


def reaching(step: str, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Something happens when an update has come to this step."""

    def at(reached: str) -> None:
        if reached == step:
            monkeypatch.undo()
            act()

    monkeypatch.setattr(checkpoints, "at", at)


class TestWhatHappensBetweenTheFirstLookAndTheStop:
    """Files are written and leadership is handed over meanwhile; on a slow disk that takes a while."""

    def test_a_member_that_is_lost_then_is_counted(
        self, make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        three = make_three(version)
        three.cluster.lead(three.others[1])
        before, pid = settings_file(three), three.pid
        reaching("update: files written", monkeypatch, lambda: three.cluster.end(three.others[0]))
        with pytest.raises(HostError, match="it did not stop. Without etcd-host7, 1 of 3 voters would be healthy"):
            take(three, CHANGED)
        assert (settings_file(three), three.pid, kept(three)) == (before, pid, False)

    def test_a_member_that_was_down_and_serves_by_then_is_not_stopped_unasked(
        self, make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        three = make_three(version)
        host = three.host
        host.systemd.control("stop", host.layout.unit)

        def comes_up() -> None:
            host.systemd.control("start", host.layout.unit)
            service.serving(host.systemd, host.layout, 30.0)

        reaching("update: files written", monkeypatch, comes_up)
        with pytest.raises(HostError, match="etcd-host7 was down when its update began, and serves now"):
            take(three, CHANGED)
        assert three.pid and not kept(three)


class TestNewConnections:
    def test_a_member_that_nobody_reaches_where_it_is_now_goes_back(self, make_three: MakeThree, version: str) -> None:
        """It serves by the connections that it opens itself; with the next member they would go."""
        three = make_three(version)
        before, urls = settings_file(three), three.listed.peer_urls
        elsewhere = {"ETCD_LISTEN_PEER_URLS": f"http://127.0.0.1:{free_ports(1)[0]}"}
        with pytest.raises(HostError, match="failed and was undone: it serves again .* cannot reach etcd-host7"):
            take(three, elsewhere, peer_urls=three.move())
        assert (settings_file(three), three.listed.peer_urls, kept(three)) == (before, urls, False)
        with three.cluster.client() as client:
            client.put("written", "after")

    def test_without_reports_nobody_is_stopped_and_the_way_to_have_them_is_told(
        self, make_three: MakeThree, version: str
    ) -> None:
        three = make_three(version)
        before, pid = settings_file(three), three.pid
        with pytest.raises(HostError, match=r"Run quorum\.etcd\.etcd_peer_report on the hosts of all other members"):
            take(three, CHANGED, terms=three.terms(witnesses=Witnesses()))
        assert (settings_file(three), three.pid, kept(three)) == (before, pid, False)

    def test_the_reports_of_an_act_are_gone_with_it(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        take(three, CHANGED)
        with three.cluster.client() as client:
            assert client.read("/quorum.etcd/", prefix=True)["count"] == 0


class TestUnderNospace:
    """etcd grants no lease then, so nobody can have the cluster's lock."""

    @pytest.fixture
    def full(self, make_three: MakeThree, request: pytest.FixtureRequest) -> OneOfThree:
        every = "every_version" in request.fixturenames
        version = request.getfixturevalue("every_version" if every else "version")
        three = make_three(version, quota_backend_bytes=str(QUOTA))
        with three.cluster.client() as client:
            fill(client)
        return three

    def refused(self, full: OneOfThree, settings: dict[str, str], **changes: Any) -> None:
        before, pid = settings_file(full), full.pid
        with pytest.raises(Refused, match="has the alarm NOSPACE") as caught:
            take(full, settings, **changes)
        assert "ansible-playbook quorum.etcd.reclaim -i INVENTORY" in str(caught.value)
        assert "raise quota-backend-bytes (etcd_settings) and change nothing else" in str(caught.value)
        assert (settings_file(full), full.pid, kept(full)) == (before, pid, False)

    def test_a_turn_that_raises_the_quota_goes_on_and_says_so(self, full: OneOfThree, every_version: str) -> None:
        lead(full)
        before = full.pid
        (note,) = take(full, quota_of(QUOTA + 1), terms=full.terms(witnesses=returned(full.cluster.endpoints)))["notes"]
        assert note.startswith("Under NOSPACE etcd keeps no lock for anybody")
        assert full.pid != before
        assert full.environment[QUOTA_OF] == str(QUOTA + 1)
        assert full.leader != full.listed.id
        assert not kept(full)

    def test_once_all_have_a_larger_quota_the_alarm_can_be_disarmed(self, full: OneOfThree, version: str) -> None:
        """And nothing was compacted for it."""
        full.cluster.lead(full.others[1])
        take(full, quota_of(4 * QUOTA), terms=full.terms(witnesses=returned(full.cluster.endpoints)))
        for other in full.others:
            full.cluster.end(other)
            other.extra = [f"--quota-backend-bytes={4 * QUOTA}"]
            full.cluster.launch(other)
            full.cluster.wait_for(other)
        endpoints, credentials = full.cluster.endpoints, full.cluster.credentials
        assert alarm.disarm(endpoints, credentials, 5.0, "NOSPACE", "", check=False)["alarms"] == []
        assert take(full, {**quota_of(4 * QUOTA), **CHANGED})["notes"] == []

    def test_a_turn_is_refused_where_the_others_have_not_said_whom_they_reach(
        self, full: OneOfThree, version: str
    ) -> None:
        before, pid = settings_file(full), full.pid
        with pytest.raises(HostError, match="it did not stop. To stop etcd-host7, .* m0 reports none"):
            take(full, quota_of(QUOTA + 1))
        assert (settings_file(full), full.pid, kept(full)) == (before, pid, False)

    @pytest.mark.parametrize("quota", [QUOTA - 1, QUOTA])
    def test_any_other_turn_is_refused(self, full: OneOfThree, version: str, quota: int) -> None:
        self.refused(full, {**CHANGED, **quota_of(quota)})

    def test_a_turn_to_another_address_is_refused(self, full: OneOfThree, version: str) -> None:
        urls = full.listed.peer_urls
        self.refused(full, quota_of(2 * QUOTA), peer_urls=full.move())
        assert full.listed.peer_urls == urls

    def test_a_turn_is_refused_while_the_cluster_cannot_spare_the_member(self, full: OneOfThree, version: str) -> None:
        full.cluster.lead(full.others[1])
        full.cluster.end(full.others[0])
        pid = full.pid
        with pytest.raises(Refused, match="Without etcd-host7, 1 of 3 voters"):
            take(full, quota_of(2 * QUOTA), terms=full.terms(endpoints=[full.others[1].client_url]))
        assert full.pid == pid

    def test_a_turn_is_refused_while_somebody_has_the_lock_since_before(
        self, make_three: MakeThree, version: str
    ) -> None:
        three = make_three(version, quota_backend_bytes=str(QUOTA))
        with (
            cluster_lock.held(three.endpoints, three.cluster.credentials, "growing, by somebody"),
            three.cluster.client() as client,
        ):
            client.call(
                "Maintenance.Alarm",
                {"action": "ACTIVATE", "memberID": int(three.listed.id, 16), "alarm": "NOSPACE"},
            )
            with pytest.raises(Refused, match="growing, by somebody"):
                take(three, quota_of(2 * QUOTA))

    def test_a_turn_that_fails_is_undone(self, full: OneOfThree, version: str) -> None:
        before = settings_file(full)
        with pytest.raises(HostError, match="failed and was undone: it serves again"):
            take(full, {**BAD, **quota_of(2 * QUOTA)}, terms=full.terms(witnesses=returned(full.cluster.endpoints)))
        assert settings_file(full) == before
        assert full.environment[QUOTA_OF] == str(QUOTA)


class TestATurnIsRefused:
    def untouched(self, three: OneOfThree, said: str, **changes: Any) -> None:
        before, pid = settings_file(three), three.pid
        with pytest.raises(Refused, match=said):
            take(three, CHANGED, **changes)
        assert (settings_file(three), three.pid, kept(three)) == (before, pid, False)

    def test_while_the_cluster_cannot_spare_the_member(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        three.cluster.lead(three.others[1])
        three.cluster.end(three.others[0])
        endpoints = [three.others[1].client_url]
        self.untouched(three, "Without etcd-host7, 1 of 3 voters", terms=three.terms(endpoints=endpoints))

    def test_where_the_members_changed_since_the_plan(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        members = expected_members.describe(members_of(three.cluster))[:2]
        self.untouched(three, "The cluster's members changed meanwhile", terms=three.terms(members=members))

    def test_where_the_marker_changed_since_the_plan(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        planned = three.host.marker
        three.host.mark(token="another")
        self.untouched(three, "changed this host meanwhile", expected=planned)

    def test_while_somebody_else_is_at_work(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        with cluster_lock.held(three.endpoints, three.cluster.credentials, "growing, by somebody"):
            self.untouched(three, "growing, by somebody")

    def test_where_the_gate_would_not_let_it_start_again(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        log = Path(three.host.layout.log_dir)
        log.rename(log.with_name("away"))
        self.untouched(three, "There is no write-ahead log")
        log.with_name("away").rename(log)


def test_in_check_mode_it_is_predicted_and_nothing_is_touched(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before, pid = settings_file(three), three.pid
    predicted = take(three, CHANGED, check=True)
    assert predicted["changed"]
    assert (settings_file(three), three.pid, kept(three), three.host.told) == (before, pid, False, [])
    assert take(three, CHANGED)["diff"] == predicted["diff"]


def test_a_setting_that_somebody_else_keeps_different_is_reported_and_not_undone(
    make_three: MakeThree, version: str
) -> None:
    three = make_three(version)
    wanted = {**three.environment, **CHANGED, "ETCD_MAX_TXN_OPS": "77"}
    (note,) = take(three, CHANGED, environment=wanted)["notes"]
    assert "ETCD_MAX_TXN_OPS=(unset), not 77" in note
    assert not kept(three)


def test_a_member_that_is_down_takes_its_turn_without_asking_anybody(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    three.host.end()
    take(three, CHANGED, terms=three.terms(endpoints=["http://192.0.2.1:2379"]))
    assert three.environment["ETCD_HEARTBEAT_INTERVAL"] == "150"
