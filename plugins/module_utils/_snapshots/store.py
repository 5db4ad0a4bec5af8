# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The directory in which snapshots are kept: each is a file and its manifest beside it.

A snapshot is written under a temporary name, then its manifest is put in place, then the file gets its name. So what
has the name of a snapshot is whole, on the disk and described. What an interrupted run leaves is a temporary file, or a
manifest of nothing: neither is taken for a snapshot, and the next run removes both. (The other way round a whole file
without a manifest would stay, which nobody may delete.)

The writer of a temporary file holds a lock on it, which tells it from a file whose writer is gone. The directory may be
shared by hosts, over NFS for example. A file system that takes no locks still takes snapshots; what interrupted runs
left there is not removed, because it cannot be told from a file that is being written.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._formats.snapshot_file import Details
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_manifest
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import retention as _retention
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.catalog import KeptSnapshot
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention

_PART = ".part"
# As C(part) names it, of a cluster, a member by its id, and a process. What is called otherwise is somebody else's.
_OURS = re.compile(rf"\..+-[0-9a-f]{{1,16}}-[0-9]+{re.escape(_PART)}")
_DESCRIPTION = snapshot_manifest.path_of(catalog.SUFFIX)
_MODE = 0o600
_DIRECTORY_MODE = 0o700


@dataclass(frozen=True)
class Part:
    """A snapshot that is being written.

    :param file: open for writing, empty at first.
    """

    directory: str
    path: str
    file: IO[bytes]


def judge(snapshot: str, allow_missing_hash: bool) -> dict[str, Any]:
    """All that a snapshot file and the manifest beside it say.

    :returns: C(path), C(details) (see C(snapshot_file.Details)), C(manifest) (None where there is none), C(modified)
        (the time of the file, in seconds).
    :raises EtcdError: it is damaged, or they disagree.
    """
    details = snapshot_file.read(snapshot, allow_missing_hash)
    manifest = catalog.manifest_beside(snapshot)
    if manifest is not None:
        snapshot_manifest.check_file(manifest, details, snapshot)
    return {
        "path": snapshot,
        "details": details.to_dict(),
        "manifest": manifest.to_dict() if manifest is not None else None,
        "modified": os.stat(snapshot).st_mtime,
    }


def checked(path: str, allow_missing_hash: bool = False) -> tuple[Details, Manifest | None]:
    """Judge a snapshot, and its manifest if there is one.

    :param allow_missing_hash: see C(snapshot_file.read).
    :returns: what is in the file, and the manifest, or None if there is none.
    :raises BadSnapshot: the file is no snapshot, or damaged.
    :raises BadInput: what lies beside it is no manifest.
    :raises Refused: file and manifest disagree.
    """
    details = snapshot_file.read(path, allow_missing_hash)
    try:
        manifest = catalog.manifest_of(path)
    except FileNotFoundError:
        return details, None
    except OSError as exc:
        raise BadInput(f"{snapshot_manifest.path_of(path)} cannot be read: {exc.strerror}.") from exc
    snapshot_manifest.check_file(manifest, details, path)
    return details, manifest


def prepare(directory: str) -> None:
    """Make the directory if it is not there, for root alone. One that is there is left as it is.

    :raises HostError: it cannot be made, or something else has its name.
    """
    try:
        os.makedirs(os.path.dirname(directory), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, _DIRECTORY_MODE)
            atomic.sync_directory(os.path.dirname(directory))
        is_directory = stat.S_ISDIR(os.stat(directory).st_mode)
    except OSError as exc:
        raise HostError(f"{directory} cannot be made: {exc.strerror}.") from exc
    if not is_directory:
        raise HostError(f"{directory} is no directory; name one for snapshots alone.")


@contextlib.contextmanager
def part(directory: str, name: str) -> Iterator[Part]:
    """A temporary file for a snapshot, after those of runs that are gone were removed. It is gone afterwards.

    :param name: to tell it by: C(CLUSTER-MEMBER), the member by its id.
    :raises OSError: it cannot be made.
    """
    path = os.path.join(directory, f".{name}-{os.getpid()}{_PART}")
    with _locked(directory):
        _clean(directory)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            yield Part(directory, path, file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def name_of(directory: str, manifest: Manifest) -> str:
    """Where a snapshot will lie: C(CLUSTER-TIME-REVISION.db), or what follows in order where that is taken."""
    moment = manifest.taken_at.replace("-", "").replace(":", "")
    stem = os.path.join(directory, f"{manifest.cluster}-{moment}-{manifest.revision}")
    path, number = f"{stem}{catalog.SUFFIX}", 1
    while os.path.lexists(path) or os.path.lexists(snapshot_manifest.path_of(path)):
        number += 1
        path = f"{stem}_{number}{catalog.SUFFIX}"
    return path


def keep(part: Part, manifest: Manifest, path: str = "") -> str:
    """Give a snapshot that is on the disk its manifest and its name.

    :param path: its name, if it has one already; see C(name_of).
    :returns: its path.
    :raises OSError: it cannot be done; it has no name.
    """
    with _locked(part.directory):
        path = path or name_of(part.directory, manifest)
        described = snapshot_manifest.path_of(path)
        try:
            text = json.dumps(manifest.to_dict(), indent=2, sort_keys=True) + "\n"
            atomic.replace(described, text.encode(), _MODE)
            os.rename(part.path, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(described)
            raise
        atomic.sync_directory(part.directory)
    return path


def prune(
    directory: str, good: KeptSnapshot, retention: Retention, check: bool = False, coming: KeptSnapshot | None = None
) -> list[str]:
    """Delete what is not to be kept of a cluster's snapshots.

    :param good: the newest that is known to be good. It tells the cluster: a snapshot of another one of the same name,
        of the one before a restore for example, is left alone.
    :param check: only say what would be deleted if that snapshot were there.
    :param coming: count this one, too, which is still to be saved.
    :returns: the paths, oldest first.
    :raises HostError: the directory cannot be read, or a file not deleted.
    """
    there = catalog.found(directory, good.manifest.cluster)
    ours = {one.path: one for one in there if one.manifest.cluster_id == good.manifest.cluster_id}
    for one in (good, coming):
        if one is not None:
            ours[one.path] = one
    ordered = catalog.in_order(ours.values())
    times = [one.manifest.taken_at for one in ordered]
    surplus = [ordered[at] for at in _retention.surplus(times, retention, ordered.index(good))]
    doomed = [one.path for one in surplus if one != coming]
    for path in [] if check else doomed:
        try:
            # A manifest of nothing is removed by the next run; a file without its manifest would stay for ever.
            os.unlink(path)
            os.unlink(snapshot_manifest.path_of(path))
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise HostError(f"{path} cannot be deleted: {exc.strerror}.") from exc
    return doomed


def clean(directory: str) -> None:
    """Remove what interrupted runs left, as far as no other run is writing.

    :raises OSError: it cannot be removed.
    :raises HostError: the directory cannot be read.
    """
    with _locked(directory):
        _clean(directory)


def _clean(directory: str) -> None:
    """Remove what interrupted runs left, as far as no other run is writing.

    The lock on the directory holds back other runs of this host only. Another host that shares the directory may be
    about to give its file the name that its manifest already has, so manifests stay while any temporary file is locked.
    """
    names = catalog.names(directory)
    parts = [os.path.join(directory, name) for name in names if _OURS.fullmatch(name)]
    abandoned = [path for path in parts if _is_abandoned(path)]
    for path in abandoned:
        _unlink(path)
    if len(abandoned) < len(parts):
        return
    for name in names:
        path = os.path.join(directory, name)
        if name.startswith("."):
            is_left = name.endswith(_DESCRIPTION + ".new")
        else:
            is_left = name.endswith(_DESCRIPTION) and _is_manifest_of_nothing(path)
        if is_left:
            _unlink(path)


def _unlink(path: str) -> None:
    # Another host that shares the directory may have been faster.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _is_abandoned(path: str) -> bool:
    """Whether nobody holds the lock. A lock that cannot be asked for says nothing."""
    try:
        # NFS locks only what is open for writing (flock(2)).
        with open(path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_manifest_of_nothing(path: str) -> bool:
    snapshot = path[: -len(snapshot_manifest.SUFFIX)]
    if os.path.lexists(snapshot):
        return False
    with contextlib.suppress(BadInput, OSError):
        catalog.manifest_of(snapshot)
        return True
    return False


@contextlib.contextmanager
def _locked(directory: str) -> Iterator[None]:
    """One run of this host at a time, for the moments in which names change."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
