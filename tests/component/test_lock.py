# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_lock against real etcd, with its process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._data import lock, renewer
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.renewer import Process
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from cluster import Cluster, binary

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]

NAME = "/locks/deploy"


def until(question: Callable[[], bool]) -> None:
    end = time.monotonic() + 60.0
    while not question():
        assert time.monotonic() < end
        time.sleep(0.05)


class Lock:
    """The lock of one cluster, as tasks have it; its processes are ended with the test."""

    def __init__(self, run_module: RunModule, cluster: Cluster) -> None:
        self.cluster = cluster
        self._run = run_module

    def __call__(self, state: str = "acquired", **options: Any) -> dict[str, Any]:
        # One whose lease and cluster are gone tries on until then.
        options = {"name": NAME, "wait": 0, "holder": "a test", "max_hold": 120, **options}
        outcome = self._run("etcd_lock", endpoints=self.cluster.endpoints, state=state, **options)
        assert not outcome.failed, outcome.result["msg"]
        return dict(outcome.result)

    def refused(self, state: str = "acquired", **options: Any) -> tuple[str, str]:
        options = {"name": NAME, "wait": 0, **options}
        outcome = self._run("etcd_lock", endpoints=self.cluster.endpoints, state=state, **options)
        assert outcome.failed
        return outcome.result["refusals"][0]["code"], outcome.result["msg"]

    def line(self) -> list[Entry]:
        """Whoever has it, and whoever waits."""
        with self.cluster.client() as client:
            return [Entry.of(one) for one in client.read(f"{NAME}/", prefix=True)["kvs"]]

    def process(self) -> Process:
        """The one that renews it."""
        process = Process.from_dict(lock.told_by(self.line()[0])["renewer"])
        assert process is not None
        return process


@pytest.fixture
def held(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> Iterator[Lock]:
    one = Lock(run_module, make_cluster(every_version))
    yield one
    for entry in one.line():
        renewer.end(Process.from_dict(lock.told_by(entry).get("renewer") or {}), entry.lease)


def test_one_has_it_and_the_next_is_told_who(held: Lock) -> None:
    assert held(check_mode=True)["changed"]
    assert held.line() == []
    first = held()
    assert (first["changed"], first["key"], first["ttl"]) == (True, f"{NAME}/{first['lease']}", 60)
    (entry,) = held.line()
    assert (entry.create_revision, f"{entry.lease:x}") == (first["revision"], first["lease"])
    for mode in (False, True):
        code, text = held.refused(check_mode=mode)
        assert code == "task-lock-held"
        assert text.startswith(f"The lock {NAME} is held by a test, since 20")
        assert f"state=released lease={first['lease']}" in text
    assert held.refused(wait=0.5)[0] == "task-lock-held"
    assert len(held.line()) == 1
    proof = held("held", lease=first["lease"])
    assert (proof["changed"], proof["revision"], proof["ttl"]) == (False, first["revision"], 60)
    assert held("held", lease=first["lease"], check_mode=True)["revision"] == first["revision"]
    process = held.process()
    assert process.runs
    assert held("released", lease=first["lease"], check_mode=True)["changed"]
    assert process.runs
    released = held("released", lease=first["lease"])
    assert (released["changed"], released["revision"]) == (True, first["revision"])
    assert held.line() == []
    until(lambda: not process.runs)
    second = held()
    assert second["revision"] > first["revision"]


def test_the_command_that_a_refusal_names_frees_it(held: Lock) -> None:
    held()
    process = held.process()
    _code, text = held.refused()
    command = re.search(r"-m quorum\.etcd\.etcd_lock -a '(.*?)'", text)
    assert command
    assert held(**dict(part.split("=", maxsplit=1) for part in command[1].split()))["changed"]
    until(lambda: not process.runs)
    assert held()["changed"]


def test_a_lost_lock_is_told(held: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "/locks/lost"
    # What a result has of warnings depends on what this process has warned of before.
    warned: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: warned.append(text))
    first = held(name=name)
    with held.cluster.client() as client:
        client.lease_revoke(int(first["lease"], 16))
    assert held.refused("held", name=name, lease=first["lease"])[0] == "task-lock-lost"
    second = held(name=name)
    assert held.refused("held", name=name, lease=first["lease"])[0] == "task-lock-lost"
    released = held("released", name=name, lease=first["lease"])
    assert (released["changed"], released["revision"]) == (False, 0)
    assert f"The lock {name} was lost before it was released" in str(warned)
    # The one that has it now keeps it.
    assert held("held", name=name, lease=second["lease"])["revision"] == second["revision"]
    assert held("released", name=name, lease=second["lease"])["changed"]
    assert not held("released", name=name, lease="")["changed"]


def test_it_is_renewed_for_longer_than_its_lease_lasts(held: Lock) -> None:
    first = held(ttl=2)
    begin = time.monotonic()
    until(lambda: time.monotonic() - begin > 3 * first["ttl"])
    assert [f"{entry.lease:x}" for entry in held.line()] == [first["lease"]]
    os.kill(held.process().pid, signal.SIGKILL)
    until(lambda: held.line() == [])
    assert held.refused("held", lease=first["lease"])[0] == "task-lock-lost"


def test_after_the_longest_time_nothing_renews_it(held: Lock) -> None:
    held(ttl=2, max_hold=0.5)
    process = held.process()
    until(lambda: not process.runs)
    until(lambda: held.line() == [])


def test_it_ends_with_its_play(held: Lock) -> None:
    with subprocess.Popen(["sleep", "600"]) as play:
        first = held(ttl=2, play=Process.of(play.pid).to_dict())
        assert first["ends_with_play"]
        process = held.process()
        assert process.runs
        play.kill()
        until(lambda: not process.runs)
    until(lambda: held.line() == [])


def test_a_play_on_another_machine_cannot_be_seen(held: Lock) -> None:
    play = {**Process.of(os.getpid()).to_dict(), "machine": "another"}
    assert not held(play=play)["ends_with_play"]
    assert held.process().runs


def test_whoever_waits_gets_it_next(held: Lock) -> None:
    first = held(ttl=2)
    waiting = subprocess.Popen(
        [binary(held.cluster.version, "etcdctl"), f"--endpoints={held.cluster.endpoints[0]}", "lock", NAME],
        env={**os.environ, "ETCDCTL_API": "3"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: len(held.line()) == 2)
        assert held("held", lease=first["lease"])["revision"] == first["revision"]
        held("released", lease=first["lease"])
        assert waiting.stdout is not None
        assert waiting.stdout.readline().startswith(f"{NAME}/")
        code, text = held.refused(wait=0.5)
        assert code == "task-lock-held"
        assert "another program, which does not say its name, since revision" in text
        assert len(held.line()) == 1
    finally:
        waiting.send_signal(signal.SIGINT)
        waiting.wait()
    assert held(wait=30)["changed"]


def test_its_process_shows_no_secret(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    one = Lock(run_module, make_cluster(version))
    first = one(username="somebody", password="words-that-nobody-sees")
    process = one.process()
    assert b"words" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"words" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert Path(f"/proc/{process.pid}/comm").read_text().strip() == renewer.title(int(first["lease"], 16))
    assert all(b"words" not in entry.value for entry in one.line())
    # Nothing of the module stays open in it, on which whoever has started the module would wait.
    opened = {os.readlink(path) for path in Path(f"/proc/{process.pid}/fd").iterdir()}
    assert {name for name in opened if name.startswith("pipe:")} == set()
    one("released", lease=first["lease"], username="somebody", password="words-that-nobody-sees")


def test_a_forged_note_ends_no_other_process(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    one = Lock(run_module, make_cluster(version))
    first = one()
    real = one.process()
    with subprocess.Popen(["sleep", "600"]) as other:
        with Client(one.cluster.endpoints) as client:
            note = Process.of(other.pid).to_dict()
            client.put(first["key"], json.dumps({"renewer": note}), lease=int(first["lease"], 16))
        one("released", lease=first["lease"])
        assert other.poll() is None
        other.kill()
    renewer.end(real, int(first["lease"], 16))
    until(lambda: not real.runs)
