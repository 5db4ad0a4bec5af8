# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory of a playground, in a directory of the test's."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import playground as model
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Request
from ansible_collections.quorum.etcd.plugins.module_utils._playground import directory


@pytest.fixture
def playground(tmp_path):
    return Request(str(tmp_path / "here")).new("ab" * 16, "x86_64", "Linux")


def left(tmp_path):
    return sorted(one.name for one in tmp_path.iterdir())


def test_it_is_made_whole_for_its_user_alone(tmp_path, playground):
    assert directory.read(playground.place) is None
    directory.make(playground)
    assert directory.read(playground.place) == playground
    assert stat.S_IMODE(os.stat(playground.place).st_mode) == 0o700
    for member in playground.members:
        assert os.listdir(member.data_dir) == [model.NEW]
    assert left(tmp_path) == ["here"]


def test_what_a_killed_run_has_left_beside_it_is_removed(tmp_path, playground):
    for content in ({}, {".playground.json.new": ""}, {"playground.json": model.render(playground), "etcd0": ""}):
        beside = tmp_path / ".here.new"
        beside.mkdir()
        for name, text in content.items():
            (beside / name).write_text(text)
        assert not directory.is_clear(playground.place)
        assert directory.clear(playground.place)
        assert left(tmp_path) == []
    assert not directory.clear(playground.place)


@pytest.mark.parametrize("kind", ["directory", "file", "link"])
def test_what_is_somebodys_beside_it_stays(tmp_path, playground, kind):
    mine = tmp_path / "elsewhere" / "mine"
    mine.parent.mkdir()
    mine.write_text("mine")
    beside = tmp_path / ".here.new"
    if kind == "link":
        beside.symlink_to(mine.parent)
    elif kind == "file":
        beside.write_text("mine")
    else:
        mine.parent.rename(beside)
    with pytest.raises(Refused, match="is not what a run that was interrupted has left"):
        directory.make(playground)
    assert (beside / "mine" if kind == "directory" else mine).read_text() == "mine"
    assert os.path.lexists(beside)


def test_one_that_is_there_is_never_replaced(tmp_path, playground):
    os.mkdir(playground.place)
    (tmp_path / "here" / "mine").write_text("mine")
    with pytest.raises(HostError):
        directory.make(playground)
    assert (tmp_path / "here" / "mine").read_text() == "mine"


def test_it_is_removed_with_everything_in_it_but_not_what_links_name(tmp_path, playground):
    directory.make(playground)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "kept").write_text("kept")
    os.symlink(mine, os.path.join(playground.place, "linked"))
    directory.remove(playground)
    assert left(tmp_path) == ["mine"]
    assert (mine / "kept").read_text() == "kept"


def test_a_marker_that_is_a_link_is_none(tmp_path, playground):
    os.mkdir(playground.place)
    (tmp_path / "marker").write_text(model.render(playground))
    os.symlink(tmp_path / "marker", playground.marker_file)
    with pytest.raises(Refused, match="has no playground.json that this collection can read"):
        directory.read(playground.place)


def test_that_of_another_user_is_none(tmp_path, playground, monkeypatch):
    directory.make(playground)
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(playground.place).st_uid + 1)
    with pytest.raises(Refused, match="belongs to another user"):
        directory.read(playground.place)


def test_a_place_has_no_links_above_it(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    assert directory.place_of(f"{tmp_path}/linked/here/") == f"{tmp_path}/real/here"


@pytest.mark.parametrize("path", ["", "here", "~/.etcd-playground", "/", "/nowhere-at-all/here"])
def test_a_place_that_cannot_be_made_is_refused(path):
    with pytest.raises(BadInput, match="etcd_playground_dir is"):
        directory.place_of(path)


HOLD = """
import sys
from ansible_collections.quorum.etcd.plugins.module_utils._playground import directory
with directory.locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_do_not_change_it_at_once(playground, monkeypatch):
    monkeypatch.setattr(directory, "_WAIT", 0.2)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, playground.place], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Refused, match="Another process has held"), directory.locked(playground.place):
            pass
    with directory.locked(playground.place):
        directory.make(playground)


def test_the_lock_goes_with_the_playground(tmp_path, playground):
    with directory.locked(playground.place):
        directory.make(playground)
    assert left(tmp_path) == [".here.lock", "here"]
    with directory.locked(playground.place):
        directory.remove(playground)
    assert left(tmp_path) == []
