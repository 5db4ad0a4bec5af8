# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory of releases that is filled from a server on loopback, or by an apt that is played."""

from __future__ import annotations

import hashlib
import os
import urllib.request

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import gathered
from ansible_collections.quorum.etcd.plugins.module_utils._host.gathered import Place
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import Release, Source
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from release_server import serving

FIRST, SECOND = Release("3.6.99", "x86_64"), Release("3.7.99", "aarch64")
CONTENT = {FIRST.archive: b"first", SECOND.archive: b"second"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server():
    with serving() as one:
        for release in (FIRST, SECOND):
            one.files[f"/etcd/v{release.version}/{release.archive}"] = CONTENT[release.archive]
        yield one


@pytest.fixture
def place(tmp_path, server):
    checksums = {name: sha256(content) for name, content in CONTENT.items()}

    def place(check=False, checksums=checksums, from_mirror=False):
        source = Source(server.url, "", checksums, from_mirror, lambda url: urllib.request.urlopen(url, timeout=5))
        return Place(str(tmp_path / "archives"), source, None, check)

    return place


@pytest.fixture
def there(tmp_path):
    """What lies in the directory."""

    def there():
        place = tmp_path / "archives"
        return {one.name: one.read_bytes() for one in place.iterdir()} if place.is_dir() else {}

    return there


def gather(place, *wanted):
    return gathered.gather(place, "archive", wanted or (FIRST, SECOND))


class TestADirectory:
    def test_has_every_archive_and_a_list_that_sha256sum_reads(self, place, there):
        found = gather(place())
        assert found.names == found.fetched == [FIRST.archive, SECOND.archive]
        assert {name: content for name, content in there().items() if name != "SHA256SUMS"} == CONTENT
        head, *lines = there()["SHA256SUMS"].decode().splitlines()
        assert head.startswith(releases.VERIFIED)
        assert lines == [f"{sha256(content)}  {name}" for name, content in sorted(CONTENT.items())]

    def test_is_not_changed_by_a_second_run_which_asks_nobody(self, place, there, server, tmp_path):
        gather(place())
        before = {one.name: one.stat() for one in (tmp_path / "archives").iterdir()}
        server.asked.clear()
        # Without a pinned checksum either: what was verified once is known by the list.
        found = gather(place(checksums={}))
        assert (found.names, found.fetched) == ([FIRST.archive, SECOND.archive], [])
        assert {one.name: one.stat() for one in (tmp_path / "archives").iterdir()} == before
        assert server.asked == []

    def test_is_gone_on_with_where_a_run_ended(self, place, there, server):
        del server.files[f"/etcd/v{SECOND.version}/{SECOND.archive}"]
        with pytest.raises(HostError, match="answers 404"):
            gather(place())
        assert set(there()) == {FIRST.archive, "SHA256SUMS"}
        server.files[f"/etcd/v{SECOND.version}/{SECOND.archive}"] = CONTENT[SECOND.archive]
        assert gather(place()).fetched == [SECOND.archive]
        assert set(there()) == {FIRST.archive, SECOND.archive, "SHA256SUMS"}

    def test_takes_what_was_brought_by_hand_once_it_is_right(self, place, there, server, tmp_path):
        (tmp_path / "archives").mkdir()
        (tmp_path / "archives" / FIRST.archive).write_bytes(CONTENT[FIRST.archive])
        gather(place(), FIRST)
        assert server.asked == []
        assert FIRST.archive in there()["SHA256SUMS"].decode()

    def test_keeps_a_file_that_is_another(self, place, there, tmp_path):
        (tmp_path / "archives").mkdir()
        (tmp_path / "archives" / FIRST.archive).write_bytes(b"mine")
        with pytest.raises(BadInput, match=r"Move .*etcd-v3.6.99-linux-amd64.tar.gz away and run again"):
            gather(place(), FIRST)
        assert there() == {FIRST.archive: b"mine"}

    def test_tells_of_a_file_that_was_damaged_since(self, place, there, tmp_path):
        gather(place())
        (tmp_path / "archives" / FIRST.archive).write_bytes(b"firsT")
        with pytest.raises(BadInput, match="Remove .* and run again"):
            gather(place())

    def test_takes_nothing_that_is_not_what_it_should_be(self, place, there, server):
        server.files[f"/etcd/v{FIRST.version}/{FIRST.archive}"] = b"other"
        with pytest.raises(BadInput, match=FIRST.archive):
            gather(place())
        with pytest.raises(BadInput, match="No checksum is known"):
            gather(place(checksums={}))
        assert there() == {}

    def test_believes_a_mirrors_list_on_request(self, place, server):
        listing = f"{sha256(CONTENT[FIRST.archive])}  {FIRST.archive}\n".encode()
        server.files[f"/etcd/v{FIRST.version}/SHA256SUMS"] = listing
        assert gather(place(checksums={}, from_mirror=True), FIRST).fetched == [FIRST.archive]

    def test_is_only_announced_in_check_mode(self, place, there, server):
        assert gather(place(check=True)).fetched == [FIRST.archive, SECOND.archive]
        assert (there(), server.asked) == ({}, [])

    def test_is_not_written_into_beside_a_list_of_somebody_else(self, place, there, tmp_path):
        (tmp_path / "archives").mkdir()
        (tmp_path / "archives" / "SHA256SUMS").write_bytes(b"0 theirs\n")
        for check in (True, False):
            with pytest.raises(BadInput, match="has a SHA256SUMS that quorum.etcd has not written"):
                gather(place(check), FIRST)
        assert there() == {"SHA256SUMS": b"0 theirs\n"}

    def test_that_cannot_be_written_is_told(self, place, tmp_path):
        (tmp_path / "archives").write_bytes(b"a file")
        with pytest.raises(HostError, match="cannot be written"):
            gather(place())


class TestADirectoryOfPackages:
    RELEASE = Release("3.4.23", "x86_64")
    NAMES = ("etcd-server_3.4.23-4+b4_amd64.deb", "etcd-client_3.4.23-4+b4_amd64.deb")

    @pytest.fixture
    def fetched(self, monkeypatch):
        """What apt was asked for; it needs a signed archive of packages, which is played."""
        asked = []

        def fetch(run, release, directory):
            asked.append(release)
            for name in self.NAMES:
                with open(os.path.join(directory, name), "wb") as file:
                    file.write(name.encode())
            return [os.path.join(directory, name) for name in self.NAMES]

        monkeypatch.setattr(gathered.package_files, "fetch", fetch)
        return asked

    def gather(self, place):
        return gathered.gather(place, "package", [self.RELEASE])

    def test_has_both_and_is_not_changed_by_a_second_run(self, place, there, fetched):
        assert self.gather(place()).fetched == list(self.NAMES)
        assert set(there()) == {*self.NAMES, "SHA256SUMS"}
        assert self.gather(place()).fetched == []
        assert self.gather(place(check=True)).fetched == []
        assert fetched == [self.RELEASE]

    def test_is_only_announced_in_check_mode(self, place, there, fetched):
        assert self.gather(place(check=True)).fetched == ["etcd-server_3.4.23-*.deb", "etcd-client_3.4.23-*.deb"]
        assert (there(), fetched) == ({}, [])

    def test_takes_what_was_brought_by_hand_if_apt_has_the_same(self, place, there, fetched, tmp_path):
        (tmp_path / "archives").mkdir()
        (tmp_path / "archives" / self.NAMES[0]).write_bytes(self.NAMES[0].encode())
        assert set(self.gather(place()).names) == set(self.NAMES)
        (tmp_path / "archives" / "SHA256SUMS").unlink()
        (tmp_path / "archives" / self.NAMES[0]).write_bytes(b"other")
        with pytest.raises(BadInput, match="as what apt has fetched says"):
            self.gather(place())
