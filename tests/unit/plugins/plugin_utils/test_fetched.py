# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots that are brought to the controller."""

from __future__ import annotations

import os
import shutil

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog
from ansible_collections.quorum.etcd.plugins.plugin_utils import _fetched
from snapshot_below import snapshot_below


@pytest.fixture
def there(tmp_path):
    return snapshot_below(tmp_path / "host", "prod")


@pytest.fixture
def manifest(there):
    return catalog.manifest_of(str(there))


def test_one_lies_here_whole_for_its_user_alone(there, manifest, tmp_path):
    place = tmp_path / "here" / there.name
    _fetched.settle(str(place), manifest, lambda part: shutil.copyfile(there, part))
    assert place.read_bytes() == there.read_bytes()
    assert [path.stat().st_mode & 0o777 for path in (place, place.parent)] == [0o600, 0o700]
    (found,) = catalog.found(str(place.parent), "prod")
    assert found.manifest == manifest
    assert _fetched.is_there(str(place), manifest)
    assert sorted(os.listdir(place.parent)) == [place.name, f"{place.name}.json"]


def test_its_bytes_are_seen_by_nobody_while_they_come(there, manifest, tmp_path):
    modes = []

    def fetch(part):
        modes.append(os.stat(part).st_mode & 0o777)
        shutil.copyfile(there, part)

    _fetched.settle(str(tmp_path / "here" / there.name), manifest, fetch)
    assert modes == [0o600]


def test_one_that_is_damaged_on_its_way_is_none(there, manifest, tmp_path):
    place = tmp_path / "here" / there.name

    def fetch(part):
        with open(part, "wb") as file:
            file.write(b"a databast")

    with pytest.raises(HostError, match="it was damaged on its way"):
        _fetched.settle(str(place), manifest, fetch)
    assert os.listdir(place.parent) == []


def test_what_a_killed_run_has_left_is_removed_by_the_next(there, manifest, tmp_path):
    place = tmp_path / "here" / there.name

    def killed(part):
        shutil.copyfile(there, part)
        os._exit(9)

    child = os.fork()
    if not child:
        _fetched.settle(str(place), manifest, killed)
    os.waitpid(child, 0)
    assert len(os.listdir(place.parent)) == 1
    newer = snapshot_below(tmp_path / "host", "prod", revision=8)
    place = place.with_name(newer.name)
    _fetched.settle(str(place), catalog.manifest_of(str(newer)), lambda part: shutil.copyfile(newer, part))
    assert sorted(os.listdir(place.parent)) == [place.name, f"{place.name}.json"]


def test_another_run_that_fetches_the_same_one_is_left_alone(there, manifest, tmp_path, monkeypatch):
    pids = iter((1, 2))
    monkeypatch.setattr(os, "getpid", lambda: next(pids))
    place = str(tmp_path / "here" / there.name)

    def meanwhile(part):
        _fetched.settle(place, manifest, lambda other: shutil.copyfile(there, other))
        shutil.copyfile(there, part)

    _fetched.settle(place, manifest, meanwhile)
    assert _fetched.is_there(place, manifest)


def test_another_file_of_its_name_is_not_overwritten(there, manifest, tmp_path):
    place = tmp_path / there.name
    place.write_text("another")
    with pytest.raises(Refused, match="it is not overwritten"):
        _fetched.is_there(str(place), manifest)


def test_one_that_is_not_here_is_not_here(there, manifest, tmp_path):
    assert _fetched.is_there(str(tmp_path / "none"), manifest) is False


def test_one_without_a_place_is_an_error(there, manifest):
    with pytest.raises(HostError, match="cannot be written on the controller"):
        _fetched.settle("/proc/here/x.db", manifest, lambda part: None)


def test_one_goes_with_its_manifest(there):
    _fetched.remove(str(there))
    assert os.listdir(there.parent) == []
    with pytest.raises(HostError, match="cannot be removed"):
        _fetched.remove(str(there))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff"])
def test_what_is_no_manifest_is_refused(text):
    with pytest.raises(BadInput, match="prod/x.db.json cannot be used"):
        _fetched.manifest_in(text, "prod/x.db.json")
