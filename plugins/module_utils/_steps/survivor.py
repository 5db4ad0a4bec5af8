# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The one member that goes on alone after a quorum was lost: a new cluster of one, with all that its log holds.

It is made from a copy, apart from all clients and peers, and its own data stay as they are until the copy serves. Then
they are archived, and the copy takes their place. Wherever it was interrupted the same call goes on.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run, succeed
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.queries import TIMEOUT
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal, wal_tail
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    archive,
    data_copy,
    etcdutl,
    host_files,
    isolated_member,
    local_member,
    member_files,
    rollback,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import maintenance_key, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._steps import recovery, service


@dataclass(frozen=True)
class Survivor:
    """Who goes on, and with what.

    :param name: the member's name from now on.
    :param peer_urls: its peer URLs from now on.
    :param binary: the versioned path of etcd.
    :param term: the term of the last entry of its log, as the plan saw it.
    :param index: the index of that entry.
    :param timeout: seconds for each of its two starts.
    """

    name: str
    peer_urls: Sequence[str]
    binary: str
    term: int
    index: int
    timeout: float


def found(run: Run, layout: Layout, content: Content, rescue: Survivor, check: bool) -> dict[str, Any]:
    """Make the new cluster, and start its one member.

    :param run: runs programs of the host.
    :param check: only say what would be written.
    :returns: C(changed), C(diff), and but in check mode C(member_id), C(cluster_id), C(revision) (of the store; 0 where
        an earlier call made the cluster) and C(kept) (entries that were not known to be agreed on; -1 likewise).
    :raises Refused: this host is not where the plan thought it is, or has no room.
    :raises HostError: a start does not succeed; with etcd's last words.
    """
    diff = member_files.differences(content)
    if check:
        return {"changed": True, "diff": diff}
    systemd, made = Systemd(run), {"revision": 0, "kept": -1}
    with host_files.acting(layout):
        marker = _pending(layout)
        rollback.drop(layout)
        member_files.ensure_directories(layout)
        member_files.write(layout, content)
        systemd.control("daemon-reload")
        checkpoints.at("rescue: files written")
        if not recovery.is_founded(marker):
            made = _make(run, layout, marker, rescue)
            marker = _no_way_back(layout, marker, rescue)
        _put_in_place(layout, marker)
        checkpoints.at("rescue: data in place")
        _started(layout, marker)
        checkpoints.at("rescue: marked")
        service.launch(systemd, layout)
        checkpoints.at("rescue: started")
        ids = service.remember(layout, service.serving(systemd, layout, rescue.timeout))
        snapshot_timer.follow_file(systemd, layout, content)
    return {"changed": True, "diff": diff, **made, **ids}


def _pending(layout: Layout) -> Marker:
    marker = host_files.read_marker(layout)
    if marker is None or marker.state != markers.RECOVERY_PENDING:
        raise Refused(
            f"This host's marker says {marker.state if marker else 'nothing'!r}, and its member was to be stopped.",
            "It may serve, or start, while another cluster is made of its data.",
            AGAIN,
            code="host-changed",
        )
    return marker


def _make(run: Run, layout: Layout, marker: Marker, rescue: Survivor) -> dict[str, int]:
    """Make the new cluster from a copy of the data.

    :returns: C(revision), C(kept).
    """
    lies = markers.where_it_lies(layout, marker)
    _check_place(layout, lies, rescue)
    data_dir, wal_dir = recovery.scratch(layout)
    _copy(run, layout, lies, data_dir, wal_dir)
    checkpoints.at("rescue: copied")
    kept = wal_tail.commit_all_entries(wal_dir or os.path.join(data_dir, "member", "wal"))
    checkpoints.at("rescue: agreed")
    return {"kept": kept, "revision": _run_alone(run, layout, rescue, data_dir, wal_dir)}


def _check_place(layout: Layout, lies: Layout, rescue: Survivor) -> None:
    taken = os.path.join(layout.data_dir, "member")
    if layout.data_dir != lies.data_dir and os.path.exists(taken):
        raise Refused(
            f"{taken} is there, and this member's data lie in {lies.data_dir}.",
            "The one would be taken for the other.",
            f"Set etcd_data_dir to {lies.data_dir}, or move what lies in {layout.data_dir} aside.",
            code="path-taken",
        )
    place = wal_tail.tail(lies.log_dir).place
    if place != (rescue.term, rescue.index):
        raise Refused(
            f"The log in {lies.log_dir} ends at term {place[0]}, entry {place[1]}, and the plan saw term "
            f"{rescue.term}, entry {rescue.index}.",
            "It was chosen from all because of its end.",
            AGAIN,
            code="host-changed",
        )


def _copy(run: Run, layout: Layout, lies: Layout, data_dir: str, wal_dir: str) -> None:
    """Copy a stopped member's data to where the new cluster is made, whatever an earlier call has left there."""
    recovery.discard(Systemd(run), layout)
    uid, gid = host_files.owner_ids(layout.user, layout.group)
    host_files.make_directory(data_dir, 0o700, uid, gid)
    data_copy.duplicate(run, os.path.join(lies.data_dir, "member"), data_dir)
    within = os.path.join(data_dir, "member", "wal")
    if wal_dir or lies.log_dir != os.path.join(lies.data_dir, "member", "wal"):
        # The two may be on different disks, between which nothing is renamed.
        etcdutl.remove(within)
        data_copy.duplicate(run, lies.log_dir, wal_dir or within)
    for place in filter(None, (data_dir, wal_dir)):
        etcdutl.give(place, uid, gid)
        succeed(run, ["sync", "--file-system", place])


def _run_alone(run: Run, layout: Layout, rescue: Survivor, data_dir: str, wal_dir: str) -> int:
    """Run etcd on the copy, where nobody finds it, until it has forgotten the other members.

    :returns: the revision of its store.
    """
    log_dir = wal_dir or os.path.join(data_dir, "member", "wal")
    settings = {
        **isolated_member.apart(layout, member_files.settings(layout)),
        **isolated_member.alone(layout, rescue.name, data_dir, log_dir),
    }
    # In no file, and in no environment that a later start could read: each start with it gives up all other members.
    flags = ["--force-new-cluster"]
    with (
        isolated_member.running(
            Systemd(run), layout, recovery.PURPOSE, rescue.binary, settings, rescue.timeout, flags
        ) as seen,
        Client([seen.endpoint], local_member.credentials(layout), TIMEOUT) as client,
    ):
        checkpoints.at("rescue: alone")
        members = client.member_list().members
        if len(members) != 1:
            raise HostError(
                f"{rescue.binary} was to go on with one member, and has {len(members)}: "
                f"{', '.join(member.id for member in members)}. Nothing was changed but the copy."
            )
        if sorted(members[0].peer_urls) != sorted(rescue.peer_urls):
            client.member_update(members[0].id, list(rescue.peer_urls))
        # Whoever maintained its hosts has lost the cluster, and the others are to join. Where that is refused, as under
        # the alarm CORRUPT, the key goes with its lease.
        with contextlib.suppress(EtcdError):
            client.delete(maintenance_key.KEY)
        return client.status(seen.endpoint).revision


def _no_way_back(layout: Layout, marker: Marker, rescue: Survivor) -> Marker:
    data_dir, wal_dir = recovery.scratch(layout)
    member_id, cluster_id = wal.identity(wal_dir or os.path.join(data_dir, "member", "wal"))
    wanted = marker.becoming(
        markers.RECOVERY_PENDING,
        next_token=markers.RECOVERY,
        name=rescue.name,
        member_id=member_id,
        cluster_id=cluster_id,
    )
    host_files.write_marker(layout, marker, wanted)
    checkpoints.at("rescue: no way back")
    return wanted


def _put_in_place(layout: Layout, marker: Marker) -> None:
    """Archive the old data, and move the copy to where etcd looks. Done in part already, the rest is done."""
    data_dir, wal_dir = recovery.scratch(layout)
    copied = os.path.join(data_dir, "member")
    if os.path.exists(copied):
        archive.move(markers.where_it_lies(layout, marker), "recovered", datetime.now(timezone.utc))
        checkpoints.at("rescue: old data archived")
        host_files.rename(copied, os.path.join(layout.data_dir, "member"))
    if wal_dir and os.path.exists(wal_dir):
        host_files.rename(wal_dir, layout.wal_dir)
    etcdutl.remove(data_dir)


def _started(layout: Layout, marker: Marker) -> None:
    wanted = marker.becoming(
        markers.STARTED,
        origin=markers.RECOVERY,
        before="",
        next_token="",
        machine_id=host_files.machine_id(),
        mounts=tuple(host_files.mounts_under(layout)),
        data_dir=layout.data_dir,
        wal_dir=layout.wal_dir,
    )
    host_files.remove(layout.bootstrap_file)
    host_files.write_marker(layout, marker, wanted)
