# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit that reports new peer connections: one for each act, for as long as somebody may ask."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_reports import Question
from ansible_collections.quorum.etcd.plugins.module_utils._host import peer_reporter

NONCE = "restart-2026-11-22"


class Clock:
    """Sleeping takes no time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_two_nonces_that_begin_alike_have_units_of_their_own(layout) -> None:
    assert peer_reporter.unit_of(layout, NONCE) != peer_reporter.unit_of(layout, f"{NONCE}-again")


def test_a_unit_that_reports_already_begins_anew(layout, service_manager) -> None:
    """Nobody has asked it for a while, so that it may end before the next act asks."""
    unit = peer_reporter.unit_of(layout, NONCE)
    service_manager.units[unit] = {"LoadState": "loaded", "ActiveState": "active"}
    peer_reporter.launch(service_manager.systemd, layout, NONCE)
    assert [call[0] for call in service_manager.calls if unit in str(call)][-1] == "systemd-run"
    assert ("systemctl", "stop", unit) in [tuple(call) for call in service_manager.calls]


def test_a_unit_finds_this_code_and_its_own_host_and_ends_by_itself(layout, service_manager) -> None:
    peer_reporter.launch(service_manager.systemd, layout, NONCE)
    (call,) = [call for call in service_manager.calls if call[0] == "systemd-run"]
    sources, nonce, told = call[-3:]
    assert (nonce, json.loads(told)) == (NONCE, layout.to_dict())
    assert "--property=RuntimeMaxSec=86400" in call
    assert Path(sources, "ansible_collections/quorum/etcd").exists()


def test_a_unit_runs_from_what_ansible_has_packed(layout, tmp_path: Path) -> None:
    """The module and its package are gone by then; a sitecustomize.py in it leads to where they were."""
    packed = tmp_path / "payload.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("sitecustomize.py", "import sys; sys.path.insert(0, '/nowhere/payload.zip')")
        for name in ("", "quorum/", "quorum/etcd/", "quorum/etcd/plugins/", "quorum/etcd/plugins/module_utils/"):
            archive.writestr(f"ansible_collections/{name}__init__.py", "")
        shared = Path(peer_reporter.__file__).parents[1]
        for path in shared.rglob("*.py"):
            archive.write(path, f"ansible_collections/quorum/etcd/plugins/module_utils/{path.relative_to(shared)}")
    bad = [sys.executable, "-c", peer_reporter._START, str(packed), NONCE, "no layout"]
    done = subprocess.run(bad, capture_output=True, text=True, check=False, cwd="/", env={})
    assert "JSONDecodeError" in done.stderr, "it got as far as its arguments"


def test_where_nobody_asks_it_ends_after_ten_minutes_and_looks_seldom(layout, service_manager, monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(peer_reporter, "_answer_here", lambda *_given: None)
    peer_reporter.report(service_manager.systemd, layout, NONCE, clock.sleep, lambda: clock.now)
    assert clock.now == pytest.approx(600, abs=2)
    assert len(clock.slept) < 700


def test_it_ends_soon_after_the_last_question_and_answers_each_once(layout, service_manager, monkeypatch) -> None:
    """An act asks before the stop and after the start; then its keys are gone."""
    clock = Clock()
    answered: list[Question | None] = []

    def look(_systemd, _layout, _nonce, before):
        asked = None
        if 1 <= clock.now < 5:
            asked = Question(7, 1)
        elif 5 <= clock.now < 8:
            asked = Question(9, 1)
        if asked is not None and asked != before:
            answered.append(asked)
        return asked

    monkeypatch.setattr(peer_reporter, "_answer_here", look)
    peer_reporter.report(service_manager.systemd, layout, NONCE, clock.sleep, lambda: clock.now)
    assert answered == [Question(7, 1), Question(9, 1)]
    assert 30 <= clock.now <= 40


def test_it_stays_while_the_member_of_an_open_question_starts_slowly(layout, service_manager, monkeypatch) -> None:
    """An act asks again once its member serves, and that may take as long as a start is given."""
    clock = Clock()
    answered: list[Question] = []

    def look(_systemd, _layout, _nonce, before):
        asked = Question(7, 1) if 1 <= clock.now < 700 else Question(9, 1) if 700 <= clock.now < 703 else None
        if asked is not None and asked != before:
            answered.append(asked)
        return asked

    monkeypatch.setattr(peer_reporter, "_answer_here", look)
    peer_reporter.report(service_manager.systemd, layout, NONCE, clock.sleep, lambda: clock.now)
    assert answered == [Question(7, 1), Question(9, 1)]
    assert clock.now < 745


def test_a_member_that_does_not_run_has_nothing_to_report(layout, service_manager) -> None:
    assert peer_reporter.observe_peers(service_manager.systemd, layout) == ("", {})
