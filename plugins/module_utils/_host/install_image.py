# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Installing a release that comes as a container image: it changes nothing that runs.

The image is pulled or loaded into the storage of the runtime, held against its ID, and stays there. Its programs are
copied out of it as well: what runs etcd for a moment, such as a drill or a restore, runs those on the host itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run, succeed
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import account, install
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import PROGRAMS, RUNTIMES
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

#: The file in the directory of a release that says which image it was made from, and which runtime has that.
RECORD = "image"


@dataclass(frozen=True)
class Image:
    """Where an image comes from and which one it must be.

    :param runtime: the command of the runtime, one of C(RUNTIMES).
    :param name: by what it is pulled; empty where there is an archive.
    :param archive: an archive that lies on the host already, in the format docker-archive; or an empty string.
    :param id: the image ID, 64 hexadecimal digits.
    """

    runtime: str
    name: str
    archive: str
    id: str

    @property
    def origin(self) -> str:
        """Where it comes from, for messages."""
        return os.path.basename(self.archive) if self.archive else self.name


def install_image(layout: Layout, release: install.Release, image: Image, run: Run, check: bool) -> dict[str, Any]:
    """Bring the image into the runtime's storage, copy its programs beside other releases, and make the account.

    :param check: only say what would be done.
    :returns: as C(install.install), C(checksum) being the image ID where the image was fetched.
    :raises BadInput: no such version, or an image that is another or holds no such etcd.
    :raises HostError: the host, the registry or the runtime would not.
    """
    releases.check_version(release.version)
    if image.runtime not in RUNTIMES or not image.id:
        raise BadInput("An image is installed by its runtime and its ID: give image_runtime and image_id.")
    directory = layout.release_dir(release.version, releases.architecture(release.machine))
    with contextlib.nullcontext() if check else install.on_machine(layout):
        commands = account.missing(layout)
        stored = _is_stored(image, run)
        copied = _record(directory) == f"{image.runtime} {image.id}"
        result = {"changed": bool(commands) or not (stored and copied), "directory": directory, "checksum": ""}
        if not check:
            if not stored:
                _bring(image, run)
                result["checksum"] = image.id
            if not copied:
                _copy_programs(image, release, run, directory)
            account.make(run, commands)
    return result


def _record(directory: str) -> str:
    try:
        with open(os.path.join(directory, RECORD), encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _is_stored(image: Image, run: Run) -> bool:
    listed = succeed(run, (image.runtime, "images", "--all", "--quiet", "--no-trunc"), f"Install {image.runtime}.")
    return any(line.strip().rpartition(":")[2] == image.id for line in listed.splitlines())


def _bring(image: Image, run: Run) -> None:
    if image.archive:
        _check_archive(image)
        done = run((image.runtime, "load", "--quiet", "--input", image.archive))
    elif image.name:
        done = run((image.runtime, "pull", "--quiet", image.name))
    else:
        raise BadInput(
            "Nothing says where the image is. Set etcd_container_image to its name at a registry, or etcd_archive_dir "
            "to a directory of image archives on the controller."
        )
    if done.code:
        raise HostError(
            f"{image.runtime} did not get {image.origin}: {done.words} Nothing was installed. "
            + (
                "See that the archive is whole: compare its checksum with that of where it was saved."
                if image.archive
                else "See that this host reaches the registry, and is logged in to it if it must be; or set "
                "etcd_archive_dir to archives on the controller."
            )
        )
    if not _is_stored(image, run):
        raise _another(image, _id_of(image, run))


def _id_of(image: Image, run: Run) -> str:
    """Which image a name is, empty where that is not known."""
    found = run((image.runtime, "image", "inspect", "--format", "{{.Id}}", image.name)) if image.name else None
    return found.output.strip().rpartition(":")[2] if found is not None and not found.code else ""


def _another(image: Image, found: str) -> BadInput:
    return BadInput(
        f"{image.origin} is the image {found or 'of another ID'}, not {image.id}, as etcd_container_image_ids says. "
        "Nothing was installed. If this image is the one that you mean, correct its ID there; else give another image."
    )


def _check_archive(image: Image) -> None:
    """Is it the archive of that very image? Asked before the runtime reads it, whose own words for it mislead.

    :raises BadInput: it is not.
    """
    try:
        with tarfile.open(image.archive, "r:*") as archive:
            listed = json.load(_file(archive, "manifest.json"))
            found = [hashlib.sha256(_file(archive, one["Config"]).read()).hexdigest() for one in listed]
    except (tarfile.TarError, OSError, EOFError, ValueError, LookupError, TypeError) as exc:
        raise BadInput(
            f"{image.origin} is no whole archive of an image: {exc}. Nothing was installed. Save it anew: podman save "
            "--format docker-archive --output FILE IMAGE, or docker save --output FILE IMAGE."
        ) from exc
    if image.id not in found:
        raise _another(image, found[0] if len(found) == 1 else "")


def _file(archive: tarfile.TarFile, name: str) -> Any:
    stream = archive.extractfile(name)
    if stream is None:
        raise LookupError(f"{name} is no file")
    return stream


def _copy_programs(image: Image, release: install.Release, run: Run, directory: str) -> None:
    parent = os.path.dirname(directory)
    with install.scratch(parent) as scratch:
        copied = os.path.join(scratch, "release")
        os.mkdir(copied, 0o755)
        with _container(image, run) as container:
            for tool in releases.tools(release.version):
                _copy(image, run, f"{container}:{PROGRAMS}/{tool}", os.path.join(copied, tool))
        install.check_binary(run, os.path.join(copied, "etcd"), release.version, f"The image {image.origin}")
        with open(os.path.join(copied, RECORD), "w", encoding="ascii") as file:
            file.write(f"{image.runtime} {image.id}\n")
            file.flush()
            os.fsync(file.fileno())
        if os.path.lexists(directory):
            # Made from another image, or by another runtime. A member runs what is in the image, and not these.
            before = f"{directory}.before"
            shutil.rmtree(before, ignore_errors=True)
            os.rename(directory, before)
        os.rename(copied, directory)
        atomic.sync_directory(parent)


@contextlib.contextmanager
def _container(image: Image, run: Run) -> Iterator[str]:
    """A container of an image that is never started, out of which files can be copied."""
    name = f"quorum-etcd-copy-{os.getpid()}"
    succeed(run, (image.runtime, "create", "--pull=never", f"--name={name}", image.id, f"{PROGRAMS}/etcd"))
    try:
        yield name
    finally:
        run((image.runtime, "rm", "--force", name))


def _copy(image: Image, run: Run, source: str, target: str) -> None:
    done = run((image.runtime, "cp", source, target))
    if done.code or not os.path.isfile(target) or os.path.islink(target):
        raise BadInput(
            f"The image {image.origin} ({image.id[:12]}) has no {source.partition(':')[2]}: it is no image of etcd, or "
            f"of another one than upstream's. Nothing was installed. {done.words}".rstrip()
        )
    os.chown(target, 0, 0)
    os.chmod(target, 0o755)
    with open(target, "rb") as file:
        os.fsync(file.fileno())
