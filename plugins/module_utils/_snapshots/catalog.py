# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The snapshots that are kept in a directory, as their manifests tell them. No snapshot itself is read."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_manifest
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest

SUFFIX = ".db"
# A manifest of a hundred members has some ten kilobytes.
_LARGEST_MANIFEST = 1 << 20


@dataclass(frozen=True)
class KeptSnapshot:
    """A snapshot in the directory, and its manifest, which has the length of the file."""

    path: str
    manifest: Manifest


def found(directory: str, cluster: str = "") -> list[KeptSnapshot]:
    """The snapshots of a cluster, oldest first.

    Files without a manifest, with one of another cluster, and such as do not have the length that theirs tells are not
    among them.

    :param cluster: its name; those of all clusters without it.
    :raises HostError: the directory cannot be read. One that is not there holds none.
    """
    kept = []
    for name in names(directory):
        path = os.path.join(directory, name)
        if not name.startswith(".") and name.endswith(SUFFIX):
            with contextlib.suppress(BadInput, OSError):
                manifest = manifest_of(path)
                if cluster in ("", manifest.cluster) and os.stat(path).st_size == manifest.size:
                    kept.append(KeptSnapshot(path, manifest))
    return in_order(kept)


def in_order(kept: Iterable[KeptSnapshot]) -> list[KeptSnapshot]:
    """Oldest first, see C(snapshot_manifest.in_order)."""
    return snapshot_manifest.in_order(sorted(kept, key=lambda one: one.path), lambda one: one.manifest)


def newest(directory: str, cluster: str) -> KeptSnapshot | None:
    """The newest snapshot of a cluster, or None.

    :raises HostError: the directory cannot be read.
    """
    return next(reversed(found(directory, cluster)), None)


def manifest_of(snapshot: str) -> Manifest:
    """The manifest beside a snapshot.

    :raises FileNotFoundError: there is none.
    :raises OSError: it cannot be read.
    :raises BadInput: it is none.
    """
    path = snapshot_manifest.path_of(snapshot)
    with open(path, "rb") as stream:
        text = stream.read(_LARGEST_MANIFEST)
    try:
        return Manifest.from_dict(json.loads(text))
    except (ValueError, RecursionError) as exc:
        raise BadInput(f"{path} cannot be used: it is no manifest of a snapshot.") from exc
    except BadInput as exc:
        raise BadInput(f"{path} cannot be used: {exc}.") from exc


def manifest_beside(snapshot: str) -> Manifest | None:
    """The manifest beside a snapshot, None where there is none.

    :raises BadInput: it is there and cannot be used.
    """
    try:
        return manifest_of(snapshot)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise BadInput(f"The manifest of {snapshot} cannot be read: {exc.strerror}.") from exc


def names(directory: str) -> list[str]:
    """Everything in the directory, in order.

    :raises HostError: it cannot be read. One that is not there holds none.
    """
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise HostError(f"{directory} cannot be read: {exc.strerror}.") from exc
