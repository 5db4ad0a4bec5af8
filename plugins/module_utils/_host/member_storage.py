# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a member stands on: the machine, the mount points of its data, and how far its log had come."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Callable
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._formats.bbolt import BadDatabase, Database
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, processes
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

_VERSION = re.compile(r"3\.\d+\.\d+")


def older_than(layout: Layout, member_id: str, cluster_id: str) -> str:
    """The newest segment that the gate has seen of this log, where the log that is there ends before it; else empty.

    :param member_id: as the log that is there says.
    """
    known, _blank, ids = host_files.read_text(layout.newest_file).strip().partition(" ")
    if not member_id or ids != f"{member_id} {cluster_id}":
        return ""
    return known if wal.place_of(wal.newest(layout.log_dir)) < wal.place_of(known) else ""


def left(layout: Layout) -> str:
    """The first trace of a member's data beside the log that etcd would use; empty where there is none.

    A first start that failed leaves a database without a bucket for keys: its log is made before that
    (server/etcdserver/bootstrap.go).

    :raises HostError: the disk does not tell.
    """
    inside = os.path.join(layout.data_dir, "member", "wal")
    for segment in wal.segments(inside) if inside != layout.log_dir else []:
        return segment
    snapshots = os.path.join(layout.data_dir, "member", "snap")
    found = sorted(glob.glob(os.path.join(glob.escape(snapshots), "*.snap")))
    database = os.path.join(snapshots, "db")
    if os.path.isfile(database) and _is_used(database):
        found.append(database)
    return next(iter(found), "")


def _is_used(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return Database(file, os.fstat(file.fileno()).st_size).bucket(b"key") is not None
    except (BadDatabase, OSError):
        return True


def is_held(layout: Layout) -> bool:
    """Is the log at its path the one that an etcd has open? A disk can be unmounted, or mounted over, below it."""
    return processes.has_open(wal.segments(layout.log_dir))


def check_released(layout: Layout, but: Callable[[int], bool] = lambda _pid: False) -> None:
    """Has no process the data at their place open for writing? An etcd in a container goes on where Docker was killed,
    and neither C(docker rm) nor C(systemctl stop) tells of it then.

    :param but: processes that may have them open.
    :raises Refused: one has.
    """
    pid = processes.opener_of(_written(layout), but)
    if not pid:
        return
    container = processes.container_of(pid)
    removed = f"systemctl start docker && docker rm --force {container}. If it goes on then: " if container else ""
    raise Refused(
        f"Process {pid} ({processes.name_of(pid)}) has the data in {layout.data_dir} open for writing, and "
        f"{layout.unit} does not know of it.",
        "It goes on writing there, whatever is moved away or started in its place: what it acknowledges would be lost.",
        f"See what it is: ps -fp {pid}. If the other members serve (etcdctl endpoint health --cluster), or nobody "
        f"needs what it serves: {removed}kill {pid}. Wait until it has ended, then run the same command again.",
        code="data-in-use",
    )


def _written(layout: Layout) -> list[str]:
    """What an etcd has open for as long as it runs. Of a disk that does not tell nothing can be asked."""
    log: list[str] = []
    with contextlib.suppress(HostError):
        log = wal.segments(layout.log_dir)
    return [*log, os.path.join(layout.data_dir, "member", "snap", "db")]


def served_on(layout: Layout) -> dict[str, Any]:
    """The fields of the marker that a member which serves renews; none where its log is not the one at its path."""
    if not is_held(layout):
        return {}
    return {"mounts": tuple(host_files.mounts_under(layout)), "machine_id": host_files.machine_id()}


def forget_log(layout: Layout) -> None:
    """What comes is other data: how far the log had come says nothing of them.

    :raises HostError: that cannot be removed.
    """
    host_files.remove(layout.newest_file)


def version_of_database(lies: Layout) -> str:
    """The minor of the etcd that wrote the database that lies here, as C(3.6.0); empty where nothing tells."""
    try:
        with open(os.path.join(lies.data_dir, "member", "snap", "db"), "rb") as file:
            database = Database(file, os.fstat(file.fileno()).st_size)
            said = [
                dict(bucket.items()).get(key, b"") if bucket is not None else b""
                for bucket, key in (
                    # Before 3.6 there is no storage version (server/storage/schema).
                    (database.bucket(b"meta"), b"storageVersion"),
                    (database.bucket(b"cluster"), b"clusterVersion"),
                )
            ]
    except (BadDatabase, OSError):
        return ""
    return next((text for value in said if _VERSION.fullmatch(text := value.decode("utf-8", "replace"))), "")
