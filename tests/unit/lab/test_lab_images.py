# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from lab import images
from lab.releases import Release

FILES = {"usr/local/bin/etcd": b"etcd", "usr/local/bin/etcdctl": b"etcdctl"}


def test_an_image_is_known_by_the_checksum_of_its_configuration() -> None:
    content, image_id = images.docker_archive(Release("3.6.14", "amd64"), FILES.items())
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        parts = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    (named,) = json.loads(parts["manifest.json"])
    configuration = parts[named["Config"]]
    assert hashlib.sha256(configuration).hexdigest() == image_id
    (layer,) = named["Layers"]
    assert json.loads(configuration)["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(parts[layer]).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(parts[layer])) as files:
        assert files.extractfile("usr/local/bin/etcd").read() == b"etcd"  # type: ignore[union-attr]
        assert files.getmember("usr/local/bin/etcd").mode == 0o755


def test_an_image_of_the_same_commands_has_the_same_id(tmp_path: Path) -> None:
    release = Release("3.4.23", "amd64", tmp_path)
    release.binaries.mkdir(parents=True)
    for command in release.commands:
        (release.binaries / command).write_bytes(command.encode())
    first = images.make(release, tmp_path / "images")
    archive = tmp_path / "images" / "etcd-v3.4.23-linux-amd64-container.tar"
    content = archive.read_bytes()
    assert images.make(release, tmp_path / "images") == first
    assert archive.read_bytes() == content
