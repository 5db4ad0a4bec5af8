# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases made up here, fetched from a server on loopback."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import account, host_files
from ansible_collections.quorum.etcd.plugins.module_utils._host import install as _install
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import Release, Source
from release_server import serving

VERSION = "3.6.99"
RELEASE = Release(VERSION, "x86_64")
NAME = RELEASE.archive
TOP = RELEASE.directory


def run(arguments):
    done = subprocess.run(list(arguments), capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def program(version=VERSION):
    return f"#!/bin/sh\necho 'etcd Version: {version}'\necho 'Git SHA: abc'\n".encode()


def archive(top=TOP, version=VERSION, tools=("etcd", "etcdctl", "etcdutl"), more=()):
    """A release: its tools, and further members of any kind before them."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for member in more:
            tar.addfile(member)
        for name in (*tools, "README.md"):
            member = tarfile.TarInfo(f"{top}/{name}")
            member.mode = 0o644
            content = program(version)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(written.getvalue(), mtime=0)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def offer(server, content, name=NAME):
    server.files[f"/etcd/v{VERSION}/{name}"] = content


@pytest.fixture
def server():
    with serving() as one:
        yield one


@pytest.fixture
def source(server):
    """A mirror whose archive has the checksum that was given."""
    content = archive()
    offer(server, content)
    return Source(server.url, "", {NAME: sha256(content)}, False, lambda url: urllib.request.urlopen(url, timeout=5))


def install(layout, source, release=RELEASE, check=False):
    return _install.install(layout, release, source, run, check)


def failure(layout, source, error, release=RELEASE):
    """Why it failed, leaving nothing behind."""
    with pytest.raises(error) as caught:
        install(layout, source, release)
    assert leftovers(layout) == []
    return str(caught.value)


def leftovers(layout):
    return os.listdir(layout.install_dir) if os.path.isdir(layout.install_dir) else []


class TestARelease:
    def test_is_unpacked_under_its_version(self, layout, server, source):
        result = install(layout, source)
        directory = Path(layout.install_dir, TOP)
        assert result == {"changed": True, "directory": str(directory), "checksum": source.checksums[NAME]}
        assert sorted(os.listdir(directory)) == ["archive", "etcd", "etcdctl", "etcdutl"]
        assert all((directory / tool).stat().st_mode & 0o7777 == 0o755 for tool in ("etcd", "etcdctl", "etcdutl"))
        assert (directory / "archive").read_text() == f"{NAME} {source.checksums[NAME]}\n"
        assert directory.stat().st_mode & 0o7777 == 0o755
        assert leftovers(layout) == [TOP]
        assert server.asked == [f"/etcd/v{VERSION}/{NAME}"]

    def test_that_is_there_is_left_alone(self, layout, server, source):
        install(layout, source)
        server.asked.clear()
        assert install(layout, source) == {
            "changed": False,
            "directory": f"{layout.install_dir}/{TOP}",
            "checksum": "",
        }
        assert server.asked == []

    def test_that_another_run_brings_meanwhile_is_left_alone(self, layout, server, source, monkeypatch):
        """This one waited for the machine's lock: with one release there are never two."""
        acting = _install.on_machine

        @contextlib.contextmanager
        def acting_after_another_run(layout):
            with monkeypatch.context() as the_other:
                the_other.setattr(_install, "on_machine", acting)
                install(layout, source)
            server.asked.clear()
            with acting(layout):
                yield

        monkeypatch.setattr(_install, "on_machine", acting_after_another_run)
        assert not install(layout, source)["changed"]
        assert server.asked == []

    def test_stands_beside_those_that_are_there(self, layout, source):
        other = Path(layout.install_dir, "etcd-v3.5.33-linux-amd64")
        other.mkdir(parents=True)
        install(layout, source)
        assert sorted(leftovers(layout)) == sorted([TOP, other.name])

    def test_is_only_announced_in_check_mode(self, layout, server, source):
        assert install(layout, source, check=True)["changed"]
        assert server.asked == []
        assert leftovers(layout) == []

    def test_comes_from_an_archive_on_the_host_without_any_download(self, layout, server, source, tmp_path):
        path = tmp_path / NAME
        path.write_bytes(archive())
        checksums = {NAME: sha256(path.read_bytes())}
        assert install(layout, replace(source, archive=str(path), checksums=checksums))["changed"]
        assert server.asked == []

    def test_of_3_4_has_two_tools(self, layout, server, source):
        release = Release("3.4.23", "x86_64")
        content = archive(release.directory, "3.4.23", ("etcd", "etcdctl"))
        server.files[f"/etcd/v3.4.23/{release.archive}"] = content
        install(layout, replace(source, checksums={release.archive: sha256(content)}), release)
        assert sorted(os.listdir(f"{layout.install_dir}/{release.directory}")) == ["archive", "etcd", "etcdctl"]

    @pytest.mark.parametrize("version", ["3.3.27", "3.6", "v3.6.99"])
    def test_is_a_full_version_from_3_4(self, layout, source, version):
        assert version in failure(layout, source, BadInput, Release(version, "x86_64"))

    def test_is_for_a_machine_that_etcd_is_built_for(self, layout, source):
        assert "no archive for riscv64" in failure(layout, source, BadInput, Release(VERSION, "riscv64"))


class TestAnArchiveIsNotInstalled:
    def test_with_another_checksum(self, layout, source):
        text = failure(layout, replace(source, checksums={NAME: "0" * 64}), BadInput)
        assert f"the SHA256 {source.checksums[NAME]}, not {'0' * 64}, as etcd_checksums says" in text

    @pytest.mark.parametrize("chunked", [False, True])
    def test_that_is_cut_off_on_its_way(self, layout, server, source, chunked):
        server.cut, server.chunked = 20, chunked
        failure(layout, source, (BadInput, HostError))

    def test_that_was_cut_off_before_its_checksum_was_made(self, layout, server, source):
        for content in (archive()[:-40], archive()[:20], b""):
            offer(server, content)
            text = failure(layout, replace(source, checksums={NAME: sha256(content)}), BadInput)
            assert "no whole archive" in text or "does not hold" in text

    @pytest.mark.parametrize("at", [0, 3, 30, 60, 120])
    def test_that_is_damaged_inside(self, layout, server, source, at):
        content = bytearray(archive())
        content[at] ^= 0xFF
        offer(server, bytes(content))
        failure(layout, replace(source, checksums={NAME: sha256(content)}), BadInput)

    @pytest.mark.parametrize("content", [b"<html>", gzip.compress(b"no tar", mtime=0)], ids=["page", "gzip"])
    def test_that_is_something_else(self, layout, server, source, content):
        offer(server, content)
        assert "no whole archive" in failure(layout, replace(source, checksums={NAME: sha256(content)}), BadInput)

    @pytest.mark.parametrize("top", ["etcd-v3.6.98-linux-amd64", "etcd-v3.6.99-linux-arm64", "."])
    def test_of_another_version_or_architecture(self, layout, server, source, top):
        content = archive(top)
        offer(server, content)
        text = failure(layout, replace(source, checksums={NAME: sha256(content)}), BadInput)
        assert "another version or architecture" in text

    @pytest.mark.parametrize("version", ["3.6.98", "3.6.990", "3.6.9", "3.6.99-rc.1"])
    def test_whose_etcd_says_another_version(self, layout, server, source, version):
        content = archive(version=version)
        offer(server, content)
        text = failure(layout, replace(source, checksums={NAME: sha256(content)}), BadInput)
        assert f"'etcd Version: {version}', not version {VERSION}" in text

    def test_whose_etcd_does_not_run_here(self, layout, server, source):
        def other_machine(arguments):
            raise OSError(8, "Exec format error")

        with pytest.raises(BadInput, match="Exec format error. It is for another architecture"):
            _install.install(layout, RELEASE, source, other_machine, False)
        assert leftovers(layout) == []

    @pytest.mark.parametrize("missing", ["etcd", "etcdctl", "etcdutl"])
    def test_without_one_of_its_tools(self, layout, server, source, missing):
        content = archive(tools=[tool for tool in ("etcd", "etcdctl", "etcdutl") if tool != missing])
        offer(server, content)
        text = failure(layout, replace(source, checksums={NAME: sha256(content)}), BadInput)
        assert f"{TOP}/{missing}" in text

    def test_whose_tool_is_a_link(self, layout, server, source):
        link = tarfile.TarInfo(f"{TOP}/etcd")
        link.type, link.linkname = tarfile.SYMTYPE, "/bin/true"
        content = archive(tools=("etcdctl", "etcdutl"), more=[link])
        offer(server, content)
        failure(layout, replace(source, checksums={NAME: sha256(content)}), BadInput)

    def test_where_something_else_has_its_name(self, layout, source):
        directory = Path(layout.install_dir, TOP)
        (directory / "mine").mkdir(parents=True)
        with pytest.raises(HostError, match="Move it away"):
            install(layout, source)
        assert leftovers(layout) == [TOP]
        assert os.listdir(directory) == ["mine"]

    def test_where_there_is_no_room(self, layout, source, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1 << 30, 1 << 30, 5 << 20))
        assert "has 5 MiB free" in failure(layout, source, HostError)

    def test_from_the_host_that_is_not_there(self, layout, source, tmp_path):
        assert "cannot be read" in failure(layout, replace(source, archive=str(tmp_path / "gone")), HostError)


def test_an_archive_writes_nowhere_but_where_it_is_told(layout, server, source, tmp_path):
    strange = [tarfile.TarInfo(name) for name in ("../escaped", f"{tmp_path}/escaped", f"{TOP}/../../escaped")]
    content = archive(more=strange)
    offer(server, content)
    places = (layout.install_dir, os.path.dirname(_install.lock_of_machine(layout)))
    before = {path for path in tmp_path.rglob("*") if not any(map(path.is_relative_to, places))}
    install(layout, replace(source, checksums={NAME: sha256(content)}))
    after = {path for path in tmp_path.rglob("*") if not any(map(path.is_relative_to, places))}
    assert after - before <= {parent for place in places for parent in Path(place).parents}
    assert sorted(os.listdir(f"{layout.install_dir}/{TOP}")) == ["archive", "etcd", "etcdctl", "etcdutl"]


class TestTheChecksum:
    def test_is_never_none(self, layout, server, source):
        offer(server, f"{sha256(archive())}  {NAME}\n".encode(), "SHA256SUMS")
        text = failure(layout, replace(source, checksums={}), BadInput)
        assert "etcd_checksums_from_mirror: true" in text
        assert server.asked == []

    def test_is_the_mirrors_own_on_request(self, layout, server, source):
        offer(server, f"{sha256(archive())}  {NAME}\n".encode(), "SHA256SUMS")
        assert install(layout, replace(source, checksums={}, from_mirror=True))["checksum"] == sha256(archive())

    def test_of_the_user_outranks_the_mirrors(self, layout, server, source):
        offer(server, f"{'0' * 64}  {NAME}\n".encode(), "SHA256SUMS")
        assert install(layout, replace(source, from_mirror=True))["checksum"] == source.checksums[NAME]
        assert f"/etcd/v{VERSION}/SHA256SUMS" not in server.asked

    def test_that_the_mirrors_list_does_not_have(self, layout, server, source):
        offer(server, f"{'0' * 64}  another.tar.gz\n".encode(), "SHA256SUMS")
        text = failure(layout, replace(source, checksums={}, from_mirror=True), BadInput)
        assert f"SHA256SUMS has no checksum of {NAME}" in text


class TestADownload:
    def test_that_is_not_found_says_where(self, layout, server, source):
        server.files.clear()
        text = failure(layout, source, HostError)
        assert f"{server.url}/v{VERSION}/{NAME} answers 404" in text
        assert "See that this version exists" in text

    def test_from_nobody_says_what_else_there_is(self, layout, source):
        text = failure(layout, replace(source, url="http://127.0.0.1:1/etcd"), HostError)
        assert "Connection refused" in text
        assert "etcd_download_url to a mirror" in text

    @pytest.mark.parametrize("url", ["mirror.example.com/etcd", "", "nonsense://mirror/etcd", "http://[::1/etcd"])
    def test_from_no_url_at_all_is_a_clear_error(self, layout, source, url):
        assert f"{url}/v{VERSION}" in failure(layout, replace(source, url=url), HostError)

    def test_takes_a_mirror_with_a_slash_at_its_end(self, layout, server, source):
        install(layout, replace(source, url=server.url + "/"))
        assert server.asked == [f"/etcd/v{VERSION}/{NAME}"]


class TestTheAccount:
    def test_that_exists_is_respected(self, layout):
        assert account.missing(layout) == []

    def test_that_is_missing_is_made_the_group_first(self, layout):
        stranger = replace(layout, user="no-such-user", group="no-such-group")
        group, user = account.missing(stranger)
        assert group == ["groupadd", "--system", "no-such-group"]
        assert user[0] == "useradd"
        assert user[-3:] == ["--gid", "no-such-group", "no-such-user"]
        assert {"--system", "--no-create-home", "/usr/sbin/nologin"} <= set(user)

    def test_may_be_a_new_user_in_a_group_that_is_there(self, layout):
        (command,) = account.missing(replace(layout, user="no-such-user"))
        assert command[-2:] == [layout.group, "no-such-user"]

    def test_is_made_last_so_that_a_refused_archive_leaves_none(self, layout, server, source):
        def recording(arguments):
            said.append(arguments[0])
            return Result(0, f"etcd Version: {VERSION}\n", "")

        stranger = replace(layout, user="no-such-user", group="no-such-group")
        said: list[str] = []
        with pytest.raises(BadInput):
            _install.install(stranger, RELEASE, replace(source, checksums={NAME: "0" * 64}), recording, False)
        assert said == []
        _install.install(stranger, RELEASE, source, recording, False)
        assert said[-2:] == ["groupadd", "useradd"]

    def test_that_cannot_be_made_says_so_in_the_programs_words(self, layout, source):
        def failing(arguments):
            return Result(1, "", "useradd: cannot lock /etc/passwd; try again later.\n")

        with pytest.raises(HostError, match="useradd .* failed: useradd: cannot lock /etc/passwd"):
            account.make(failing, account.missing(replace(layout, user="no-such-user")))

    def test_without_the_program_is_left_to_the_user(self, layout):
        def missing(arguments):
            raise FileNotFoundError(2, "No such file or directory")

        with pytest.raises(HostError, match="Make the account yourself"):
            account.make(missing, account.missing(replace(layout, user="no-such-user")))

    def test_that_is_missing_is_a_clear_error_where_it_is_needed(self):
        with pytest.raises(HostError, match="no-such-user"):
            host_files.owner_ids("no-such-user", "root")


def test_two_instances_of_a_machine_do_not_unpack_at_once(layout, server, source, monkeypatch):
    """They would take each other's archive away."""
    monkeypatch.setattr(_install, "WAIT", 0.0)
    other = replace(layout, instance="etcd2")
    with _install.on_machine(other), pytest.raises(Refused) as refused:
        install(layout, source)
    assert refused.value.code == "host-locked"
    assert server.asked == []
