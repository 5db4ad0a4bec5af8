# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import hashlib
import io
import stat
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.commands import LabError
from lab.releases import Release, Upstream, architecture, checksum, checksums, make, pack


@pytest.fixture
def commands(tmp_path: Path) -> list[Path]:
    made = []
    for name in ("etcd", "etcdctl", "etcdutl"):
        path = tmp_path / "built" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"I am {name}", encoding="utf-8")
        made.append(path)
    return made


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release("3.6.14", "amd64", tmp_path / "cache")


class World(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """What upstream publishes: a directory, and its URL."""
    published = tmp_path / "published"
    published.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(World, directory=str(published))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield published, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def publish(published: Path, release: Release, content: bytes, digest: str = "") -> None:
    directory = published / f"v{release.version}"
    directory.mkdir(exist_ok=True)
    (directory / release.archive.name).write_bytes(content)
    line = f"{digest or hashlib.sha256(content).hexdigest()}  {release.archive.name}\n"
    (directory / "SHA256SUMS").write_text(f"{'0' * 64}  another.tar.gz\n{line}", encoding="utf-8")


def test_files_lie_and_are_named_as_upstream_names_them(release: Release) -> None:
    assert release.archive == release.root / "v3.6.14" / "etcd-v3.6.14-linux-amd64.tar.gz"
    assert release.sums == release.root / "v3.6.14" / "SHA256SUMS"


def test_etcdutl_came_with_3_5() -> None:
    assert Release("3.4.23", "amd64").commands == ("etcd", "etcdctl")
    assert Release("3.5.33", "amd64").commands == ("etcd", "etcdctl", "etcdutl")


def test_architectures_have_etcds_names() -> None:
    assert (architecture("x86_64"), architecture("aarch64")) == ("amd64", "arm64")


def test_a_machine_that_etcd_does_not_know_is_a_clear_error() -> None:
    with pytest.raises(LabError, match="no archive for riscv64, only for x86_64"):
        architecture("riscv64")


def test_a_packed_archive_is_laid_out_like_an_official_one(commands: list[Path]) -> None:
    with tarfile.open(fileobj=io.BytesIO(pack("etcd-v1-linux-amd64", commands))) as archive:
        assert archive.getnames() == [
            "etcd-v1-linux-amd64",
            "etcd-v1-linux-amd64/etcd",
            "etcd-v1-linux-amd64/etcdctl",
            "etcd-v1-linux-amd64/etcdutl",
        ]
        assert all(member.mode == 0o755 for member in archive)


def test_the_same_commands_make_the_same_archive(commands: list[Path]) -> None:
    first = pack("etcd", commands)
    for path in commands:
        path.touch()
    assert pack("etcd", list(reversed(commands))) == first


def test_a_checksum_is_that_of_the_file_and_not_of_one_named_alike() -> None:
    sums = "aa  etcd-v3.6.14-linux-amd64.tar.gz.asc\nbb  etcd-v3.6.14-linux-amd64.tar.gz\n"
    assert checksum(sums, "etcd-v3.6.14-linux-amd64.tar.gz") == "bb"
    assert checksum(sums, "etcd-v3.6.14-linux-arm64.tar.gz") is None


def test_a_published_archive_is_taken_and_unpacked(
    release: Release, world: tuple[Path, str], commands: list[Path]
) -> None:
    published, url = world
    content = pack(release.name, commands)
    publish(published, release, content)

    assert make(release, Upstream(url))

    assert release.archive.read_bytes() == content
    etcd = release.binaries / "etcd"
    assert etcd.read_text(encoding="utf-8") == "I am etcd"
    assert stat.S_IMODE(etcd.stat().st_mode) == 0o755
    assert checksums(release.root) == {release.archive.name: hashlib.sha256(content).hexdigest()}


def test_a_second_time_nothing_is_made(release: Release, world: tuple[Path, str], commands: list[Path]) -> None:
    published, url = world
    publish(published, release, pack(release.name, commands))
    make(release, Upstream(url))
    assert not make(release, Upstream(url))


def test_a_damaged_archive_is_made_anew(release: Release, world: tuple[Path, str], commands: list[Path]) -> None:
    published, url = world
    content = pack(release.name, commands)
    publish(published, release, content)
    make(release, Upstream(url))
    release.archive.write_bytes(content[:-1])
    assert make(release, Upstream(url))
    assert release.archive.read_bytes() == content


def test_an_archive_that_its_sums_do_not_vouch_for_is_refused(
    release: Release, world: tuple[Path, str], commands: list[Path]
) -> None:
    published, url = world
    publish(published, release, pack(release.name, commands), digest="0" * 64)
    with pytest.raises(LabError, match="does not have the SHA256 that its SHA256SUMS states"):
        make(release, Upstream(url))
    assert not release.archive.exists()


def test_an_unreachable_upstream_is_asked_once() -> None:
    upstream = Upstream("http://127.0.0.1:1", timeout=1)
    assert upstream.archive(Release("3.6.14", "amd64")) is None
    assert not upstream.reachable


def test_a_version_that_upstream_does_not_have_is_no_reason_to_ask_no_more(world: tuple[Path, str]) -> None:
    upstream = Upstream(world[1])
    assert upstream.archive(Release("3.6.99", "amd64")) is None
    assert upstream.reachable


def test_a_version_that_cannot_be_had_names_those_that_can(tmp_path: Path, world: tuple[Path, str]) -> None:
    with pytest.raises(LabError, match=r"etcd 3\.6\.99 cannot be downloaded here, .*v3\.5\.33, v3\.6\.14, v3\.7\.1"):
        make(Release("3.6.99", "amd64", tmp_path / "cache"), Upstream(world[1]))
