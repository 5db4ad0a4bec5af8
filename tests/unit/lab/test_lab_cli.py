# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from lab import state
from lab.cli import main, parser


@pytest.fixture(autouse=True)
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LABS", tmp_path)


def test_up_makes_three_hosts_unless_told_otherwise() -> None:
    options = parser().parse_args(["up"])
    assert (options.name, options.hosts, options.count, options.debian, options.user) == ("lab", [], 3, 12, "root")


def test_hosts_are_named_or_counted_but_not_both(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["up", "a", "--hosts", "5"])
    assert "not allowed with" in capsys.readouterr().err


def test_a_command_on_a_host_keeps_its_own_options() -> None:
    options = parser().parse_args(["exec", "etcd-host0", "systemctl", "--failed"])
    assert options.command == ["systemctl", "--failed"]


def test_fast_is_slow_without_a_limit() -> None:
    assert parser().parse_args(["fast", "etcd-host0"]).writes == 0
    assert parser().parse_args(["slow", "etcd-host0"]).writes == 20


def test_a_block_has_a_direction_and_may_have_a_port() -> None:
    options = parser().parse_args(["block", "a", "b", "--to", "c", "--port", "2380"])
    assert (options.hosts, options.to, options.port) == (["a", "b"], ["c"], 2380)
    assert parser().parse_args(["block", "a", "--to", "b", "c"]).port == 0


def test_the_writer_writes_unless_told_to_verify() -> None:
    given = ["--endpoints", "http://a:2379", "--record", "r"]
    assert parser().parse_args(["writer", *given]).act == "run"
    assert parser().parse_args(["writer", "verify", *given]).act == "verify"


def test_an_error_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--name", "demo", "address", "etcd-host0"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "lab: Lab demo has no host etcd-host0. Its hosts: none: run `up` first.\n"
    assert captured.out == ""


def test_every_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    text = capsys.readouterr().out
    hosts, faults = (
        ("up", "rebuild", "down", "status", "inventory"),
        ("kill", "pause", "cut", "block", "unblock", "heal", "fill", "slow"),
    )
    for command in (*hosts, *faults, "writer"):
        assert f"\n    {command} " in text
