# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container images of etcd's releases, with its programs where upstream has them: archives that podman and Docker load.

Below ``.cache/releases/images``: ``etcd-vX.Y.Z-linux-ARCH-container.tar``. No registry and no runtime is needed to make
one, and it has the same bytes each time, so that it has the same ID.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lab.paths import RELEASES
from lab.releases import Release

DIRECTORY = RELEASES / "images"
_BINARIES = "usr/local/bin"
_PATH = "PATH=/usr/local/bin:/usr/bin:/bin"


def make(release: Release, directory: Path = DIRECTORY) -> str:
    """Write the image of a release, whose commands are unpacked already.

    :returns: the image's ID.
    """
    commands = [(f"{_BINARIES}/{name}", (release.binaries / name).read_bytes()) for name in release.commands]
    content, image_id = docker_archive(release, commands)
    directory.mkdir(parents=True, exist_ok=True)
    beside = directory / f".{release.name}.new"
    beside.write_bytes(content)
    beside.replace(directory / f"{release.name}-container.tar")
    return image_id


def docker_archive(
    release: Release, files: Iterable[tuple[str, bytes]], variables: Sequence[str] = ()
) -> tuple[bytes, str]:
    """An image of one layer with these files and without a name, in the format docker-archive, and its ID.

    The ID is the SHA256 of the configuration, which names the layers by their own (OCI image specification, config.md).

    :param variables: C(NAME=VALUE), which it gives to what runs in it.
    """
    layer = _tar(files, mode=0o755)
    layer_id = hashlib.sha256(layer).hexdigest()
    configuration = _json(
        {
            "architecture": release.arch,
            "os": "linux",
            # An entry point that is not etcd, as images of others have it: no member may depend on it.
            "config": {"Env": [_PATH, *variables], "Entrypoint": ["/entrypoint"], "Cmd": ["serve"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_id}"]},
        }
    )
    image_id = hashlib.sha256(configuration).hexdigest()
    names = {"Config": f"{image_id}.json", "Layers": [f"{layer_id}.tar"], "RepoTags": None}
    parts = [(f"{image_id}.json", configuration), (f"{layer_id}.tar", layer), ("manifest.json", _json([names]))]
    return _tar(parts, mode=0o644), image_id


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _tar(files: Iterable[tuple[str, bytes]], mode: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        made: set[Path] = set()
        for name, content in files:
            for parent in reversed(list(Path(name).parents)[:-1]):
                if parent not in made:
                    made.add(parent)
                    directory = tarfile.TarInfo(str(parent))
                    directory.type, directory.mode = tarfile.DIRTYPE, 0o755
                    archive.addfile(directory)
            file = tarfile.TarInfo(name)
            file.size, file.mode = len(content), mode
            archive.addfile(file, io.BytesIO(content))
    return packed.getvalue()
