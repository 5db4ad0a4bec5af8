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
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run, succeed
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import install, installed_releases
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import PROGRAMS, RUNTIMES, baked_in, tag
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout, identity

#: The container out of which programs are copied.
COPY = "quorum-etcd-copy"


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

    @property
    def identity(self) -> str:
        """What the directory of its release says of it."""
        return identity((self.runtime, self.id))


def install_image(layout: Layout, release: install.Release, image: Image, run: Run, check: bool) -> dict[str, Any]:
    """Bring the image into the runtime's storage, copy its programs beside other releases, and make the account.

    :param check: only say what would be done.
    :returns: as C(install.install), C(checksum) being the image ID where the image was fetched.
    :raises BadInput: no such version, or an image that is another or holds no such etcd.
    :raises HostError: the host, the registry or the runtime would not.
    """
    if image.runtime not in RUNTIMES or not image.id:
        raise BadInput("An image is installed by its runtime and its ID: give image_runtime and image_id.")

    def is_there(directory: str) -> bool:
        return _is_stored(image, run) and installed_releases.recorded(layout, directory) == image.identity

    return install.bring(layout, release, run, check, lambda scratch: _made(image, release, run, scratch), is_there)


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
            texts = [_file(archive, one["Config"]).read() for one in listed]
            found = {hashlib.sha256(text).hexdigest(): json.loads(text).get("config") or {} for text in texts}
    except (tarfile.TarError, OSError, EOFError, ValueError, LookupError, TypeError) as exc:
        raise BadInput(
            f"{image.origin} is no whole archive of an image: {exc}. Nothing was installed. Save it anew: podman save "
            "--format docker-archive --output FILE IMAGE, or docker save --output FILE IMAGE."
        ) from exc
    if image.id not in found:
        raise _another(image, next(iter(found)) if len(found) == 1 else "")
    _check_variables(image, found[image.id].get("Env") or ())


def _variables(image: Image, run: Run) -> list[str]:
    told = succeed(run, (image.runtime, "image", "inspect", "--format", "{{json .Config.Env}}", image.id))
    return json.loads(told) or []


def _check_variables(image: Image, variables: Sequence[str]) -> None:
    """Does the image leave etcd's settings to us?

    :raises BadInput: it has some of its own, or a proxy.
    """
    found = baked_in(variables)
    if found:
        raise BadInput(
            f"The image {image.origin or image.runtime} ({image.id[:12]}) sets {', '.join(found)} itself (ENV): etcd "
            "would run with settings that no inventory has, and that no run could change. Nothing was installed. Give "
            "an image without them, such as upstream's, and its ID in etcd_container_image_ids; what those of etcd "
            "are to say goes into etcd_settings."
        )


def _file(archive: tarfile.TarFile, name: str) -> Any:
    stream = archive.extractfile(name)
    if stream is None:
        raise LookupError(f"{name} is no file")
    return stream


def _made(image: Image, release: install.Release, run: Run, scratch: str) -> install.Made:
    """Bring the image where it is not there, and copy its programs."""
    fetched = not _is_stored(image, run)
    if fetched:
        _bring(image, run)
    _check_variables(image, _variables(image, run))
    copied = os.path.join(scratch, "release")
    os.mkdir(copied, 0o700)
    with _container(image, run) as container:
        for tool in releases.tools(release.version):
            _copy(image, run, f"{container}:{PROGRAMS}/{tool}", os.path.join(copied, tool))
    install.check_binary(run, os.path.join(copied, "etcd"), release.version, f"The image {image.origin}")
    # Without a name it would be gone with the next "image prune" while its member is down.
    succeed(run, (image.runtime, "tag", image.id, tag(release.version)))
    return install.Made(copied, image.identity, image.id if fetched else "")


@contextlib.contextmanager
def _container(image: Image, run: Run) -> Iterator[str]:
    """A container of an image that is never started, out of which files can be copied. The lock of the machine is held,
    so one of this name was left by an installation that was killed.
    """
    name = COPY
    run((image.runtime, "rm", "--force", name))
    succeed(run, (image.runtime, "create", "--pull=never", f"--name={name}", f"--entrypoint={PROGRAMS}/etcd", image.id))
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
