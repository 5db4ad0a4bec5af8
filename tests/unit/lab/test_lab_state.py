# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lab import state
from lab.commands import LabError
from lab.network import Subnet
from lab.processes import Process
from lab.state import Host, Lab, Server


@pytest.fixture(autouse=True)
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(state, "LABS", tmp_path)
    return tmp_path


def test_a_lab_is_remembered() -> None:
    lab = Lab("demo", Subnet(3), [Host("a", 0, 13, "512m", "admin", "secret")], Server(80, Process(2, 3)))
    lab.save()
    assert state.load("demo") == lab
    assert state.names() == ["demo"]


def test_a_lab_that_was_never_made_is_empty() -> None:
    assert state.load("demo") == Lab("demo")
    assert state.names() == []


def test_a_forgotten_lab_leaves_nothing(labs: Path) -> None:
    lab = Lab("demo")
    lab.save()
    lab.forget()
    assert list(labs.iterdir()) == []


def test_passwords_are_readable_by_the_owner_only(labs: Path) -> None:
    Lab("demo", hosts=[Host("a", 0, password="secret")]).save()
    assert stat.S_IMODE((labs / "demo" / "state.json").stat().st_mode) == 0o600


def test_everything_of_a_lab_carries_its_name() -> None:
    lab = Lab("demo")
    assert lab.network == "quorum-demo-network"
    assert lab.container(Host("etcd-host0", 0)) == "quorum-demo-etcd-host0"


def test_an_unknown_host_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(LabError, match=r"no host etcd-host9\. Its hosts: etcd-host0, etcd-host1"):
        Lab("demo", hosts=[Host("etcd-host0", 0), Host("etcd-host1", 1)]).host("etcd-host9")


@pytest.mark.parametrize("name", ["", "-a", "a_b", "A", "a" * 33, "../x", "a b"])
def test_a_name_that_would_not_do_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="is no name for a lab"):
        Lab(name)
