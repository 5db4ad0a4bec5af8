# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Snapshots on the controller: for its user alone, and known to be whole once they have a name."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_manifest
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import store


def is_there(path: str, manifest: Manifest) -> bool:
    """Is this very snapshot here already?

    :raises Refused: another file has its name.
    """
    if not os.path.lexists(path):
        return False
    if digest_of(path) != manifest.sha256:
        raise Refused(
            f"{path} is there, and is not the snapshot with sha256 {manifest.sha256}.",
            "It may be the only good copy of another one: it is not overwritten.",
            "Move it away, or name another directory (etcd_snapshot_fetch_dir).",
            code="path-taken",
        )
    return True


def settle(path: str, manifest: Manifest, fetch: Callable[[str], object]) -> None:
    """Have a snapshot brought here. Whatever has its name is whole, on the disk and described.

    What killed runs have left in the directory is removed.

    :param path: where it is to lie.
    :param fetch: brings it to a path that is there and empty.
    :raises HostError: it does not arrive as it is, or there is no room.
    """
    directory, name = os.path.split(path)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        with store.part(directory, f"{name}-0") as part:
            fetch(part.path)
            found = digest_of(part.path)
            if found != manifest.sha256:
                raise HostError(
                    f"What arrived of {name} has sha256 {found}, and its manifest says {manifest.sha256}: it was "
                    "damaged on its way, or where it lies. Run again; if it stays so, take another snapshot."
                )
            # What fetches may have made a file of its own.
            os.chmod(part.path, 0o600)
            with open(part.path, "rb") as file:
                os.fsync(file.fileno())
            store.keep(part, manifest, path)
    except OSError as exc:
        raise HostError(f"{path} cannot be written on the controller: {exc.strerror or exc}.") from exc


def remove(path: str) -> None:
    """Remove a snapshot and its manifest.

    :raises HostError: it cannot be done.
    """
    try:
        os.unlink(path)
        os.unlink(snapshot_manifest.path_of(path))
    except OSError as exc:
        raise HostError(f"{path} cannot be removed: {exc.strerror}.") from exc


def manifest_in(text: bytes, where: str) -> Manifest:
    """The manifest that a text is.

    :param where: for the message.
    :raises BadInput: it is none.
    """
    try:
        return Manifest.from_dict(json.loads(text))
    except (ValueError, RecursionError, BadInput) as exc:
        raise BadInput(f"{where} cannot be used: it is no manifest of a snapshot.") from exc


def digest_of(path: str) -> str:
    """The SHA256 of a file, hex.

    :raises HostError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise HostError(f"{path} cannot be read: {exc.strerror}.") from exc
