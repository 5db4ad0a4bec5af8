# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of a member's data do not pile up."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import data_copy

NOW = datetime(2026, 8, 1, 12, 0, 0, tzinfo=timezone.utc)
NAME = "migration-20260801T120000Z"


def run(arguments: Sequence[str]) -> Result:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def leave_data(place: Path) -> None:
    place.mkdir(parents=True)
    (place / "db").write_text("keys")


def test_what_a_killed_call_has_left_is_found_and_makes_way_for_a_whole_copy(layout):
    member = Path(layout.data_dir, "member")
    leave_data(member)
    leave_data(member.with_name("member.migration-unfinished"))
    assert data_copy.earlier(layout, "migration") == [f"{member}.migration-unfinished"]
    assert data_copy.keep(run, layout, "migration", NOW) == [f"{member}.{NAME}"]
    assert data_copy.earlier(layout, "migration") == [f"{member}.{NAME}"]
    assert Path(f"{member}.{NAME}", "db").read_text() == "keys"


def test_what_a_killed_call_has_left_is_no_lack_of_room(layout, monkeypatch):
    member = Path(layout.data_dir, "member")
    leave_data(member)
    monkeypatch.setattr(data_copy.disk_space, "free", lambda _path: 100)
    assert data_copy.room(layout, "migration")["free"] == 100
    leave_data(member.with_name("member.migration-unfinished"))
    assert data_copy.room(layout, "migration")["free"] == 104


def test_a_copy_that_was_made_for_nothing_is_dropped_and_no_other(layout):
    member = Path(layout.data_dir, "member")
    leave_data(member)
    leave_data(member.with_name("member.migration-20260731T120000Z"))
    data_copy.drop(data_copy.keep(run, layout, "migration", NOW))
    assert data_copy.earlier(layout, "migration") == [f"{member}.migration-20260731T120000Z"]
    assert (member / "db").exists()


def test_two_copies_of_one_second_are_never_one(layout):
    member = Path(layout.data_dir, "member")
    leave_data(member)
    data_copy.keep(run, layout, "migration", NOW)
    with pytest.raises(HostError, match="cannot be renamed"):
        data_copy.keep(run, layout, "migration", NOW)
    assert Path(f"{member}.{NAME}", "db").read_text() == "keys"
