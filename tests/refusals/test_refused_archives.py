# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives that are not what they should be: nothing is installed, on no host."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
from pathlib import Path

import pytest
from operator_site import Site

ARCHIVE = "etcd-v3.6.14-linux-amd64.tar.gz"


@pytest.mark.matrix
def test_a_version_that_does_not_exist_is_refused(site: Site) -> None:
    site.variables["etcd_version"] = "3.6.999"
    site.variables["etcd_checksums"] = {"etcd-v3.6.999-linux-amd64.tar.gz": "0" * 64}
    site.is_refused("/v3.6.999/etcd-v3.6.999-linux-amd64.tar.gz answers 404", "See that this version exists")


def test_a_version_without_a_known_checksum_is_refused(site: Site) -> None:
    site.variables["etcd_version"] = "3.6.999"
    site.is_refused(
        "No checksum is known for etcd-v3.6.999-linux-amd64.tar.gz", "etcd_checksums:", "etcd_checksums_from_mirror"
    )


def test_another_checksum_is_refused(site: Site) -> None:
    site.variables["etcd_checksums"] = {ARCHIVE: "0" * 64}
    site.is_refused(f"{ARCHIVE} has ", f"not {'0' * 64}, as etcd_checksums says", "Nothing was installed")


@pytest.fixture
def shelf(site: Site, tmp_path: Path) -> Path:
    """A directory of archives on the controller, from which the hosts get theirs."""
    directory = tmp_path / "archives"
    directory.mkdir()
    site.variables["etcd_archive_dir"] = str(directory)
    return directory


def put(site: Site, shelf: Path, content: bytes) -> None:
    """An archive with a right checksum."""
    (shelf / ARCHIVE).write_bytes(content)
    site.variables["etcd_checksums"] = {ARCHIVE: hashlib.sha256(content).hexdigest()}


def archive(top: str, etcd: bytes = b"#!/bin/sh\necho etcd Version: 3.6.14\n") -> bytes:
    """A small release whose programs are these bytes."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for tool in ("etcd", "etcdctl", "etcdutl"):
            member = tarfile.TarInfo(f"{top}/{tool}")
            member.size, member.mode = len(etcd), 0o755
            tar.addfile(member, io.BytesIO(etcd))
    return content.getvalue()


@pytest.mark.matrix
def test_an_archive_that_is_not_on_the_controller_is_refused(site: Site, shelf: Path) -> None:
    site.is_refused(
        f"{shelf} (etcd_archive_dir) on the controller lacks {ARCHIVE}",
        f"quorum.etcd.fetch -i INVENTORY -e etcd_fetch_dir={shelf} -e etcd_fetch_versions=3.6.14",
    )


def test_a_truncated_archive_is_refused(site: Site, shelf: Path) -> None:
    whole = archive("etcd-v3.6.14-linux-amd64", random.Random(0).randbytes(100_000))
    put(site, shelf, whole[: len(whole) // 2])
    site.is_refused(f"{ARCHIVE} is no whole archive", "Nothing was installed")


@pytest.mark.matrix
def test_an_archive_of_another_version_is_refused(site: Site, shelf: Path) -> None:
    put(site, shelf, archive("etcd-v3.5.33-linux-amd64"))
    site.is_refused(
        f"{ARCHIVE} does not hold etcd-v3.6.14-linux-amd64/etcd", "an archive of another version or architecture"
    )


@pytest.mark.matrix
def test_an_archive_whose_program_is_of_another_version_is_refused(site: Site, shelf: Path) -> None:
    put(site, shelf, archive("etcd-v3.6.14-linux-amd64", b"#!/bin/sh\necho etcd Version: 3.6.1\n"))
    site.is_refused("The archive's etcd says 'etcd Version: 3.6.1', not version 3.6.14", "Nothing was installed")


@pytest.mark.matrix
def test_an_archive_of_another_architecture_is_refused(site: Site, shelf: Path) -> None:
    # An ELF header of a machine that nobody has.
    put(site, shelf, archive("etcd-v3.6.14-linux-amd64", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xfe\xff"))
    site.is_refused("The archive's etcd does not run on this host", "It is for another architecture")
