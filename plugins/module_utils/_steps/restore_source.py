# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The snapshot that is restored, on its way to every host, and what a host knows of snapshots before."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic, disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats import snapshot_file
from ansible_collections.quorum.etcd.plugins.module_utils._formats.snapshot_file import BadSnapshot
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, shared_copy
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog, store
from ansible_collections.quorum.etcd.plugins.module_utils._steps.restore_paths import Places, read_record

_STAGED = "restoring-"
_PART = ".part"
# By its checksum: a snapshot of a cluster that is called C(restoring-x) is none, and stays.
_OURS = re.compile(rf"{_STAGED}([0-9a-f]{{64}})\.db({re.escape(_PART)})?")
_CHUNK = 1 << 20


def observe(layout: Layout, snapshot_dir: str, cluster: str, snapshot: str, allow_missing_hash: bool) -> dict[str, Any]:
    """What a host knows of a restore and of snapshots. Reads only.

    :param cluster: the name under which its snapshots are known.
    :param snapshot: a file to judge if it is there; a path.
    :returns: C(record) (of a restore under way, or None), C(prepared) (are its data made?), C(kept)
        (paths with their manifests, and C(alarms) as C(snapshot_file.Details) has them) and C(staged) (paths with their
        checksums), C(newest) (the manifest of the last of C(kept), None without one),
        C(named) (what is at C(snapshot), None if nothing is), C(devices) (of C(data) and C(snapshots)).
    :raises EtcdError: what is there cannot be used.
    """
    record = read_record(layout)
    kept: list[dict[str, Any]] = [
        {"path": one.path, "manifest": one.manifest.to_dict(), "alarms": _alarms(one.path, one.manifest.sha256)}
        for one in catalog.found(snapshot_dir, cluster)
    ]
    return {
        "record": record.to_dict() if record else None,
        "prepared": record is not None and os.path.isdir(Places.of_restore(layout, record).new),
        "kept": kept,
        "newest": kept[-1]["manifest"] if kept else None,
        "staged": [{"path": path, "sha256": sha256} for path, sha256 in _copies(snapshot_dir) if path.endswith(".db")],
        "named": store.judge(snapshot, allow_missing_hash) if snapshot and os.path.lexists(snapshot) else None,
        "devices": {"data": disk_space.device(layout.data_dir), "snapshots": disk_space.device(snapshot_dir)},
    }


def path_of(snapshot_dir: str, restoration: Restoration) -> str:
    """Where the snapshot lies that is restored."""
    return os.path.join(snapshot_dir, f"{_STAGED}{restoration.sha256}.db")


def stage(snapshot_dir: str, restoration: Restoration, source: str, member_dirs: Sequence[str], check: bool) -> bool:
    """Have the snapshot on this host, and see that it is the one.

    :param source: a copy of it that may be taken.
    :param member_dirs: where the member of this host has its data and its log.
    :returns: whether it was copied.
    :raises EtcdError: it is another file, or damaged, or there is no room.
    """
    path = path_of(snapshot_dir, restoration)
    copied = not os.path.exists(path)
    if check:
        return copied
    if copied:
        store.prepare(snapshot_dir)
        kept = _kept(snapshot_dir, restoration)
        if not kept or not _linked(kept, path):
            _copy(kept or source, path, member_dirs)
    details = snapshot_file.read(path, restoration.allow_missing_hash)
    if details.sha256 != restoration.sha256:
        raise Refused(
            f"{path} has the checksum {details.sha256}, and {restoration.sha256} is to be restored.",
            "Members that are made of different snapshots serve different keys under one name.",
            "Remove that file, then run again.",
            code="another-snapshot",
        )
    return copied


def make_way(arriving: str) -> None:
    """Remove the snapshots that killed runs have left where Ansible lays files: all keys of a cluster are in each.

    :param arriving: the path that Ansible will give the next one.
    :raises HostError: it has made no directory for that.
    """
    try:
        shared_copy.remove_forgotten(arriving)
    except OSError as exc:
        raise HostError(f"{os.path.dirname(arriving)} cannot be read: {exc.strerror}.") from exc


def check_room(snapshot_dir: str, arriving: str, size: int, member_dirs: Sequence[str]) -> None:
    """Is there room for a snapshot that is sent here: where it arrives, and where it is kept until the restore is over?

    :param arriving: the path that Ansible will give it.
    :param size: of the snapshot, bytes.
    :param member_dirs: where the member of this host has its data and its log.
    :raises HostError: there is not.
    """
    places = {"arrives": os.path.dirname(arriving), "is kept": snapshot_dir}
    shared = len({disk_space.device(place) for place in places.values()}) == 1
    for what, place in places.items():
        needed = size * (2 if shared else 1) + disk_space.reserve(place, size, member_dirs)
        free = disk_space.free(place)
        if free < needed:
            raise HostError(
                f"{place}, where the snapshot {what}, has {free >> 20} MiB free, and {needed >> 20} MiB are needed"
                f"{' for the two copies that lie on its file system' * shared}. Make room, or set ansible_remote_tmp "
                "or etcd_snapshot_dir to a directory on another file system."
            )


def clear(snapshot_dir: str) -> None:
    """Remove the copies that restores have brought here, half ones too. What is kept anyway stays."""
    for path, _sha256 in _copies(snapshot_dir):
        host_files.remove(path)


def _kept(snapshot_dir: str, restoration: Restoration) -> str:
    """Where the same snapshot is kept on this host anyway, empty if it is not."""
    found = catalog.found(snapshot_dir, restoration.cluster)
    return next((one.path for one in found if one.manifest.sha256 == restoration.sha256), "")


def _linked(kept: str, target: str) -> bool:
    """Give a snapshot that is kept a second name: its retention may delete the first one at any time.

    :returns: whether the file system has second names.
    """
    try:
        os.link(kept, target)
        atomic.sync_directory(os.path.dirname(target))
    except OSError:
        return False
    return True


def _alarms(path: str, sha256: str) -> list[dict[str, Any]]:
    """The alarms in a snapshot that is kept. Whether it is whole is judged when it is chosen."""
    try:
        return snapshot_file.described(path, sha256).alarms
    except BadSnapshot:
        return []


def _copies(snapshot_dir: str) -> list[tuple[str, str]]:
    """The paths and the checksums of what was brought here, or was to be when its writer died."""
    names = os.listdir(snapshot_dir) if os.path.isdir(snapshot_dir) else []
    matches = filter(None, map(_OURS.fullmatch, sorted(names)))
    return [(os.path.join(snapshot_dir, match[0]), match[1]) for match in matches]


def _copy(source: str, target: str, member_dirs: Sequence[str]) -> None:
    """Copy a file that may be large: whole or not at all."""
    beside = f"{target}{_PART}"
    try:
        with open(source, "rb") as reading:
            size = os.fstat(reading.fileno()).st_size
            directory = os.path.dirname(target)
            free, needed = disk_space.free(directory), size + disk_space.reserve(directory, size, member_dirs)
            if free < needed:
                raise HostError(
                    f"{directory} has {free >> 20} MiB free, and the snapshot needs {needed >> 20} MiB there, of which "
                    f"{(needed - size) >> 20} MiB stay free. Make room, or set etcd_snapshot_dir to another one."
                )
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as writing:
                shutil.copyfileobj(reading, writing, _CHUNK)
                writing.flush()
                os.fsync(writing.fileno())
        os.rename(beside, target)
        atomic.sync_directory(os.path.dirname(target))
    except BaseException as exc:
        host_files.remove(beside)
        if isinstance(exc, OSError):
            raise HostError(f"{target} cannot be written: {exc.strerror}.") from exc
        raise
