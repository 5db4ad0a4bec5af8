# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages made up here by dpkg-deb; apt alone is played."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import package_files
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import Release
from ansible_collections.quorum.etcd.plugins.module_utils._host.package_files import Source
from ansible_collections.quorum.etcd.plugins.module_utils._model import packages

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb here")

REVISION = "3.4.23-4+b4"
RELEASE = Release("3.4.23", "x86_64")
TOP = "etcd-v3.4.23-linux-amd64-package"


def packed(place, name, revision=REVISION, architecture="amd64", version="3.4.23", programs=(), called=""):
    """The path of a package that has these programs, and scripts that must never run."""
    tree = place / f"{name}-tree"
    shutil.rmtree(tree, ignore_errors=True)
    for directory in ("DEBIAN", "usr/bin", "lib/systemd/system"):
        (tree / directory).mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {called or name}\nVersion: {revision}\nArchitecture: {architecture}\nMaintainer: Nobody <a@b.c>\n"
        "Description: etcd\n"
    )
    script = tree / "DEBIAN/postinst"
    script.write_text(f"#!/bin/sh\ntouch {place}/ran\n")
    script.chmod(0o755)
    (tree / "lib/systemd/system/etcd.service").write_text("[Service]\n")
    for program in programs:
        path = tree / "usr/bin" / program
        path.write_text(f"#!/bin/sh\necho 'etcd Version: {version}'\n")
        path.chmod(0o755)
    path = place / f"{name}_{revision}_{architecture}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, path], check=True, capture_output=True)
    return str(path)


class Apt:
    """Runs every program but apt's, which know of packages in a directory.

    :param lists: what the system's own lists name.
    :param mirror: what fresh lists name; None where none can be fetched.
    """

    def __init__(self, place, lists=(), mirror=()):
        self.place, self.lists, self.mirror = place, list(lists), mirror
        self.asked = []

    def __call__(self, arguments):
        words = list(arguments)
        own = {"apt-get", "apt-cache"} & set(words)
        if not own:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            return Result(done.returncode, done.stdout, done.stderr)
        fresh = any("Dir::State::Lists" in word for word in words)
        self.asked.append(("fresh " if fresh else "") + next(word for word in words if word in COMMANDS))
        if "--version" in words:
            return Result(0, "apt 2.6.1", "")
        if "update" in words:
            return Result(0, "", "") if self.mirror is not None else Result(100, "", "E: Temporary failure resolving")
        known = self.mirror if fresh else self.lists
        if "madison" in words:
            return Result(0, "".join(f"{one} | {version} | x\n" for version in known for one in packages.PACKAGES), "")
        target = next(word for word in words if word.startswith("--chdir=")).partition("=")[2]
        for word in words[words.index("download") + 1 :]:
            name, _equals, version = word.partition("=")
            path = self.place / f"{name}_{version}_amd64.deb"
            if not path.is_file():
                return Result(100, "", f"E: Failed to fetch {path.name}  404  Not Found")
            shutil.copy(path, target)
        return Result(0, "", "")


COMMANDS = ("madison", "update", "download", "--version")


@pytest.fixture
def apt(tmp_path):
    """A host whose own lists name both packages."""
    place = tmp_path / "pool"
    place.mkdir()
    packed(place, "etcd-server", programs=["etcd"])
    packed(place, "etcd-client", programs=["etcdctl"])
    return Apt(place, [REVISION], [REVISION])


@pytest.fixture
def place(layout):
    return replace(layout, install_method="package")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Where lists lie meanwhile."""
    found = tmp_path / "temporary"
    found.mkdir()
    monkeypatch.setattr(package_files, "_TEMPORARY", str(found))
    return found


FETCHED = Source((), {}, REVISION)


def bring(place, run, source=FETCHED, release=RELEASE, check=False):
    return package_files.bring(place, release, source, run, check)


def brought(apt):
    """Both packages as files with their checksums, as a controller sends them."""
    files = sorted(str(path) for path in apt.place.glob("*.deb"))
    return Source(files, {Path(path).name: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in files}, "")


def refusal(place, run, source, error=BadInput, release=RELEASE):
    """Why nothing was installed, and nothing is left behind."""
    with pytest.raises(error) as caught:
        bring(place, run, source, release)
    assert not os.path.isdir(place.install_dir) or os.listdir(place.install_dir) == []
    return str(caught.value)


@pytest.mark.parametrize("lists", [[], [REVISION]], ids=["fresh lists", "own lists"])
def test_lists_that_a_killed_run_left_are_removed_and_those_of_a_run_that_lives_stay(place, apt, temporary, lists):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for owner in (ended.pid, os.getpid()):
        (temporary / f"quorum.etcd-apt-{owner}-x" / "lists").mkdir(parents=True)
    apt.lists = lists
    bring(place, apt)
    assert os.listdir(temporary) == [f"quorum.etcd-apt-{os.getpid()}-x"]


class TestARelease:
    def test_is_taken_out_of_packages_and_none_is_installed(self, place, apt):
        done = bring(place, apt)
        assert done == {"changed": True, "directory": f"{place.install_dir}/{TOP}", "checksum": ""}
        assert os.listdir(place.install_dir) == [TOP]
        assert sorted(os.listdir(done["directory"])) == ["etcd", "etcdctl", "packages"]
        assert Path(done["directory"], "packages").read_text() == f"etcd-server {REVISION}\netcd-client {REVISION}\n"
        assert not (apt.place / "ran").exists()
        assert apt.asked == ["madison", "download"]

    def test_that_is_there_is_left_alone(self, place, apt):
        bring(place, apt)
        apt.asked.clear()
        assert not bring(place, apt)["changed"]
        assert apt.asked == []

    def test_is_only_announced_in_check_mode(self, place, apt):
        assert bring(place, apt, check=True)["changed"]
        assert apt.asked == []
        assert not os.path.isdir(place.install_dir)

    def test_comes_from_files_without_a_word_to_apt(self, place, apt):
        assert bring(place, apt, brought(apt))["changed"]
        assert apt.asked == []

    def test_that_the_lists_lack_is_fetched_by_fresh_ones(self, place, apt):
        apt.lists = []
        assert bring(place, apt)["changed"]
        assert apt.asked == ["madison", "fresh update", "fresh madison", "fresh download"]

    def test_without_a_revision_is_the_newest_one(self, place, apt):
        for name, programs in (("etcd-server", ["etcd"]), ("etcd-client", ["etcdctl"])):
            packed(apt.place, name, "3.4.23-5", programs=programs)
        apt.lists = ["3.4.23-5", REVISION]
        done = bring(place, apt, Source((), {}))
        assert "3.4.23-5" in Path(done["directory"], "packages").read_text()

    def test_of_3_5_may_have_its_third_tool_in_either_package(self, place, apt):
        newer = Release("3.5.16", "x86_64")
        packed(apt.place, "etcd-server", "3.5.16-4", programs=["etcd"], version="3.5.16")
        packed(apt.place, "etcd-client", "3.5.16-4", programs=["etcdctl", "etcdutl"], version="3.5.16")
        apt.lists = ["3.5.16-4"]
        done = bring(place, apt, Source((), {}), newer)
        assert sorted(os.listdir(done["directory"])) == ["etcd", "etcdctl", "etcdutl", "packages"]


class TestAPackageIsNotUnpacked:
    def test_without_a_checksum_where_apt_does_not_vouch_for_it(self, place, apt):
        text = refusal(place, apt, replace(brought(apt), checksums={}))
        assert "No checksum is known for etcd-client_3.4.23-4+b4_amd64.deb" in text

    def test_with_another_checksum(self, place, apt):
        source = brought(apt)
        wrong = dict.fromkeys(source.checksums, "0" * 64)
        assert f"not {'0' * 64}" in refusal(place, apt, replace(source, checksums=wrong))
        assert f"not {'0' * 64}" in refusal(place, apt, replace(FETCHED, checksums=wrong))

    def test_for_another_architecture(self, place, apt):
        for name, programs in (("etcd-server", ["etcd"]), ("etcd-client", ["etcdctl"])):
            (apt.place / f"{name}_{REVISION}_amd64.deb").unlink()
            packed(apt.place, name, architecture="arm64", programs=programs)
        assert "is for arm64, and this host is amd64" in refusal(place, apt, brought(apt))

    @pytest.mark.parametrize("at", [10, 70, 400, -40])
    def test_that_is_damaged_or_cut(self, place, apt, at):
        path = apt.place / f"etcd-server_{REVISION}_amd64.deb"
        content = path.read_bytes()
        for damaged in (content[:at], content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]):
            path.write_bytes(damaged)
            refusal(place, apt, brought(apt))

    def test_that_is_something_else(self, place, apt):
        path = Path(packed(apt.place, "etcd-server", called="other", programs=["etcd"]))
        assert "is the package other 3.4.23-4+b4, and none of etcd 3.4.23" in refusal(place, apt, brought(apt))
        path.write_bytes(b"<html>")
        assert "no whole package" in refusal(place, apt, brought(apt))

    def test_of_another_version(self, place, apt):
        packed(apt.place, "etcd-server", programs=["etcd"], version="3.4.22")
        assert "The package's etcd says 'etcd Version: 3.4.22'" in refusal(place, apt, brought(apt))
        text = refusal(place, apt, replace(brought(apt), revision="3.4.23-5"))
        assert f"is of version {REVISION}, and not 3.4.23-5" in text

    def test_that_lacks_a_program(self, place, apt):
        packed(apt.place, "etcd-client", programs=["other"])
        assert "do not hold etcdctl" in refusal(place, apt, brought(apt))

    def test_whose_libraries_this_host_lacks(self, place, apt):
        path = packed(apt.place, "etcd-server")
        tree = apt.place / "etcd-server-tree"
        program = tree / "usr/bin/etcd"
        program.write_text("#!/bin/sh\necho \"etcd: version 'GLIBC_2.38' not found\" >&2\nexit 1\n")
        program.chmod(0o755)
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, path], check=True, capture_output=True)
        assert "GLIBC_2.38" in refusal(place, apt, brought(apt))

    def test_that_a_link_leads_elsewhere(self, place, apt):
        tree = apt.place / "etcd-client-tree"
        (tree / "usr/bin/etcdctl").unlink()
        (tree / "usr/bin/etcdctl").symlink_to("/etc/passwd")
        path = apt.place / f"etcd-client_{REVISION}_amd64.deb"
        subprocess.run(["dpkg-deb", "--build", tree, path], check=True, capture_output=True)
        assert "do not hold etcdctl" in refusal(place, apt, brought(apt))

    def test_that_apt_does_not_offer(self, place, apt):
        apt.lists, apt.mirror = ["3.5.16-4"], ["3.5.16-4"]
        assert "no 3.4.23-4+b4; it offers 3.5.16-4" in refusal(place, apt, FETCHED, HostError)

    def test_that_apt_cannot_fetch(self, place, apt):
        apt.mirror = None
        for path in apt.place.glob("*.deb"):
            path.unlink()
        assert "Temporary failure resolving" in refusal(place, apt, FETCHED, HostError)


class TestAHostIsOffered:
    def test_what_its_own_lists_have(self, apt):
        assert package_files.offer(apt, "3.4.23").versions == (REVISION,)
        assert not any(one.startswith("fresh") for one in apt.asked)

    def test_what_fresh_lists_have_where_its_own_lack_it(self, apt):
        apt.mirror = ["3.5.16-4", REVISION]
        assert package_files.offer(apt, "3.5.16").versions == ("3.5.16-4", REVISION)
        apt.lists = []
        assert package_files.offer(apt, "").versions == ("3.5.16-4", REVISION)

    def test_what_its_own_lists_have_where_none_can_be_fetched(self, apt):
        apt.mirror = None
        assert package_files.offer(apt, "3.5.16") == packages.Offer((REVISION,))

    def test_nothing_where_it_has_no_lists_and_can_fetch_none(self, apt):
        apt.lists, apt.mirror = [], None
        found = package_files.offer(apt, "")
        assert (found.versions, "Temporary failure resolving" in found.problem) == ((), True)

    def test_nothing_where_it_has_no_dpkg(self):
        def run(arguments):
            raise FileNotFoundError(2, "No such file or directory")

        assert "has no dpkg-deb" in package_files.offer(run, "").problem
        assert "has no dpkg-deb" in package_files.offer(run, "", asks=False).problem

    def test_files_alone_where_the_controller_has_them(self, apt):
        assert package_files.offer(apt, "3.4.23", asks=False) == packages.Offer()
        assert apt.asked == []
