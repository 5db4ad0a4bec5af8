# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room on the file systems of this machine."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import disk_space


@pytest.fixture
def asked(monkeypatch):
    """Of which paths the file system was asked."""
    paths = []

    def statvfs(path):
        paths.append(path)
        return SimpleNamespace(f_bavail=3, f_bfree=5, f_frsize=4096, f_bsize=1 << 20)

    monkeypatch.setattr(os, "statvfs", statvfs)
    return paths


def test_it_is_what_is_left_for_others_than_root(asked, tmp_path):
    assert disk_space.free(str(tmp_path)) == 3 * 4096
    assert asked == [str(tmp_path)]


def test_of_what_is_not_there_it_is_where_it_would_be_made(asked, tmp_path):
    disk_space.free(str(tmp_path / "not" / "there"))
    assert asked == [str(tmp_path)]


def test_a_relative_path_ends_somewhere_too(asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    disk_space.free("not/there")
    assert asked == [str(tmp_path)]


@pytest.mark.parametrize(
    ("database", "left"), [(0, 512 << 20), (1 << 30, 512 << 20), (8 << 30, (128 << 20) + (8 << 30) // 10)]
)
def test_a_copy_of_a_database_leaves_a_member_on_its_file_system_room_to_grow(tmp_path, database, left):
    data = tmp_path / "data"
    data.mkdir()
    assert disk_space.reserve(str(tmp_path / "snapshots"), database, ["/proc", str(data)]) == left
    assert disk_space.beside_member(database) == left


def test_a_copy_of_a_database_leaves_little_where_no_member_writes(tmp_path):
    assert disk_space.reserve(str(tmp_path), 8 << 30, ["/proc", str(tmp_path / "no" / "member")]) == 64 << 20
