# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of a playground: fetched once, and kept beside it."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import zipfile
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import Source
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Request
from ansible_collections.quorum.etcd.plugins.module_utils._playground import directory, release
from ansible_collections.quorum.etcd.plugins.module_utils._playground.release import Supply

VERSION = "3.6.99"
NAME = f"etcd-v{VERSION}-darwin-arm64.zip"


def run(arguments):
    done = subprocess.run(list(arguments), capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def archive(version=VERSION):
    """As one for Darwin is, with tools that are scripts."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for tool in ("etcd", "etcdctl", "etcdutl", "README.md"):
            packed.writestr(f"etcd-v{VERSION}-darwin-arm64/{tool}", f"#!/bin/sh\necho 'etcd Version: {version}'\n")
        packed.writestr("../escaped", "x")
    return written.getvalue()


class Mirror:
    """Counts what is fetched."""

    def __init__(self, content):
        self.content, self.asked = content, []

    def __call__(self, url):
        self.asked.append(url)
        return io.BytesIO(self.content)


@pytest.fixture
def playground(tmp_path):
    made = Request(str(tmp_path / "here"), VERSION).new("ab", "arm64", "Darwin")
    directory.make(made)
    return made


@pytest.fixture
def mirror():
    return Mirror(archive())


@pytest.fixture
def supply(tmp_path, mirror):
    checksum = hashlib.sha256(mirror.content).hexdigest()
    source = Source("http://mirror/etcd", "", {NAME: checksum}, False, mirror)
    return Supply(source, str(tmp_path / "cache"), "arm64", "Darwin", run)


def test_it_is_fetched_once(tmp_path, playground, supply, mirror):
    assert not release.is_there(playground)
    release.fetch(playground, supply)
    assert release.is_there(playground)
    assert mirror.asked == [f"http://mirror/etcd/v{VERSION}/{NAME}"]
    assert sorted(os.listdir(playground.release_dir)) == ["etcd", "etcdctl", "etcdutl"]
    assert not (tmp_path / "escaped").exists()
    directory.remove(playground)
    directory.make(playground)
    release.fetch(playground, supply)
    assert len(mirror.asked) == 1


def test_what_is_kept_and_no_longer_whole_is_fetched_anew(tmp_path, playground, supply, mirror):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / NAME).write_bytes(mirror.content[:100])
    release.fetch(playground, supply)
    assert len(mirror.asked) == 1
    assert (tmp_path / "cache" / NAME).read_bytes() == mirror.content
    assert os.listdir(tmp_path / "cache") == [NAME]


def test_it_is_installed_where_it_cannot_be_kept(tmp_path, playground, supply):
    (tmp_path / "cache").write_text("no directory")
    release.fetch(playground, supply)
    assert release.is_there(playground)


def test_one_that_is_another_is_refused_and_nothing_is_installed(playground, supply):
    other = replace(supply, source=replace(supply.source, checksums={NAME: "0" * 64}))
    with pytest.raises(BadInput, match="Nothing was installed"):
        release.fetch(playground, other)
    assert not release.is_there(playground)
    assert not os.path.exists(supply.cache)


def test_it_comes_from_a_directory_of_archives(tmp_path, playground, supply, mirror):
    (tmp_path / NAME).write_bytes(mirror.content)
    release.fetch(playground, replace(supply, source=replace(supply.source, archive=str(tmp_path))))
    assert release.is_there(playground)
    assert mirror.asked == []


def test_an_archive_that_is_not_there_is_named(tmp_path, playground, supply):
    with pytest.raises(HostError, match=f"{tmp_path}/nowhere/{NAME} cannot be read"):
        release.fetch(playground, replace(supply, source=replace(supply.source, archive=str(tmp_path / "nowhere"))))


def test_what_a_killed_run_has_unpacked_is_replaced(playground, supply):
    os.makedirs(os.path.join(playground.place, "release.new", "etcd"))
    release.fetch(playground, supply)
    assert os.path.isfile(playground.executable)
