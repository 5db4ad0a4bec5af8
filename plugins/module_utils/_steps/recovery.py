# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What each host does in a recovery from a lost quorum, beside the one whose member goes on (that is C(survivor)).

Its marker is suspended before its member stops, so that nothing starts by accident until the end. From there it is put
back, or gives its data up: they are archived, and it joins the new cluster empty.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints, disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal, wal_tail
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    archive,
    data_copy,
    etcdutl,
    host_files,
    isolated_member,
    local_member,
    member_storage,
    peer_probe,
    processes,
    rollback,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, identity, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.recovery_space import Place
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.module_utils._steps import last_known_members, service

#: What etcd runs for beside its unit, see C(_host.isolated_member).
PURPOSE = "recovery"

_ASK = 3.0
# A copy of a database that etcd opens grows a little.
_ROOM = 1.1


def is_founded(marker: Marker | None) -> bool:
    """Has this host made the new cluster, so that there is no way back?"""
    return marker is not None and marker.state == markers.RECOVERY_PENDING and marker.next_token == markers.RECOVERY


def scratch(layout: Layout) -> tuple[str, str]:
    """Where the copy lies that the new cluster is made from: its data directory, and its log's if that is another."""
    return os.path.join(layout.data_dir, "recovering"), f"{layout.wal_dir}.recovering" if layout.wal_dir else ""


def discard(systemd: Systemd, layout: Layout) -> None:
    """Remove the copy, with what an interrupted call may have left running on it.

    :raises HostError: that is not possible.
    """
    isolated_member.stop(systemd, layout, PURPOSE)
    etcdutl.remove(*scratch(layout))


def observe(systemd: Systemd, layout: Layout, cluster: str, fenced: Sequence[str], snapshot_dir: str) -> dict[str, Any]:
    """What is left of a member here. Nothing is touched.

    :param fenced: names, IDs and addresses of members whose machines are said to be off.
    :param snapshot_dir: where a snapshot of a member that answers is saved.
    :returns: the fields of C(recovery.MemberRemains).
    :raises Refused: what lies here is another cluster's.
    """
    marker = host_files.read_marker(layout)
    _check_ours(marker, cluster)
    lies = markers.where_it_lies(layout, marker)
    members = _members(systemd, lies)
    given_up = [one for one in members if identity.of_member(one).is_named_by(fenced)]
    log, damaged, ids = None, "", ("", "")
    if wal.segments(lies.log_dir):
        try:
            ids = wal.identity(lies.log_dir)
            log = wal_tail.tail(lies.log_dir).to_dict()
        except HostError as exc:
            damaged = str(exc)
    return {
        "state": marker.state if marker else "",
        "founded": is_founded(marker),
        "member_id": ids[0],
        "cluster_id": ids[1],
        "log": log,
        "damaged": damaged,
        "members": [asdict(one) for one in members],
        "copies": [asdict(one) for one in _copies(layout, lies)],
        "snapshot": _snapshot_place(systemd, layout, snapshot_dir),
        "version": member_storage.version_of_database(lies),
        "heard": last_known_members.answering(given_up, local_member.asker(layout)) if given_up else [],
    }


def _check_ours(marker: Marker | None, cluster: str) -> None:
    if marker is not None and marker.cluster not in ("", cluster):
        raise Refused(
            f"This host's marker is of the cluster {marker.cluster!r}, not of {cluster!r}.",
            "Another cluster's data would be given up.",
            "Put the inventory right.",
            code="another-cluster",
        )


def _members(systemd: Systemd, lies: Layout) -> list[ClusterMember]:
    """The members as this one knows them: by its own words, else by its database."""
    return last_known_members.of_process(systemd, lies) or last_known_members.of_database(lies)[0]


def _copies(layout: Layout, lies: Layout) -> list[Place]:
    """Where the copy of the data and of the log would lie. A log among the data is copied with them first."""
    data_dir, wal_dir = scratch(layout)
    found = [_place(data_dir, data_copy.size_of(os.path.join(lies.data_dir, "member")))]
    if wal_dir:
        found.append(_place(wal_dir, data_copy.size_of(lies.log_dir)))
    elif lies.wal_dir:
        found.append(_place(data_dir, data_copy.size_of(lies.wal_dir)))
    return found


def _place(path: str, size: int) -> Place:
    return Place(path, disk_space.device(path), disk_space.free(path), int(size * _ROOM))


def _snapshot_place(systemd: Systemd, layout: Layout, directory: str) -> dict[str, Any] | None:
    """Where C(save) would save a snapshot, None where the member does not answer."""
    view = _answer(systemd, layout)
    status = view.status if view is not None else None
    if status is None:
        return None
    size = status.db_size
    leaves = disk_space.reserve(directory, size, layout.member_dirs)
    return asdict(Place(directory, disk_space.device(directory), disk_space.free(directory), size, leaves))


def _answer(systemd: Systemd, layout: Layout) -> View | None:
    """What the member says of itself, with or without a quorum; None where it says nothing."""
    pid = systemd.show(layout.unit)["pid"]
    process = processes.describe(pid) if pid else None
    view = local_member.of_process(process.environment, layout, _ASK) if process is not None else None
    return view if view is not None and view.status else None


def save(systemd: Systemd, layout: Layout, cluster: str, directory: str, check: bool) -> str:
    """Save a snapshot of a member that answers, with or without a quorum. Once it is stopped it answers no more.

    :param directory: where to.
    :returns: its path; empty where nobody answers any longer.
    :raises EtcdError: it cannot be saved.
    """
    view = _answer(systemd, layout)
    if view is None:
        return ""
    source = view.endpoint
    saved = saving.save(
        [source],
        local_member.credentials(layout),
        directory,
        cluster,
        endpoint=source,
        member_dirs=layout.member_dirs,
        check=check,
    )
    return saved.path


def stop(systemd: Systemd, layout: Layout, cluster: str, name: str, check: bool) -> bool:
    """Stop the member, and let nothing start it until the recovery is over or rolled back.

    :param name: what the member is called from now on.
    :param check: only say whether anything is to be done.
    :returns: whether anything was to be done.
    :raises Refused: what lies here is another cluster's, or a restore is under way.
    :raises HostError: systemd would not do it.
    """
    with host_files.acting(layout):
        marker, unit = host_files.read_marker(layout), systemd.show(layout.unit)
        _check_ours(marker, cluster)
        wanted = _suspended(marker, cluster, name)
        rests = archive.is_at_rest(unit)
        if check or (wanted == marker and rests):
            return not (wanted == marker and rests)
        if wanted != marker:
            host_files.make_directory(layout.state_dir, 0o700, 0, 0)
            host_files.write_marker(layout, marker, wanted)
        checkpoints.at("recover: marked")
        peer_probe.stop(systemd, layout)
        archive.disable_unit(systemd, layout)
        checkpoints.at("recover: stopped")
    return True


def _suspended(marker: Marker | None, cluster: str, name: str) -> Marker:
    if marker is None:
        machine = host_files.machine_id()
        return Marker(markers.RECOVERY_PENDING, markers.RECOVERY, cluster=cluster, name=name, machine_id=machine)
    return marker.suspended(markers.RECOVERY_PENDING)


def roll_back(systemd: Systemd, layout: Layout, check: bool) -> bool:
    """Take back C(stop), on a host that has not made the new cluster.

    :returns: whether anything was to be done.
    :raises Refused: it has.
    :raises HostError: systemd would not do it.
    """
    if check:
        return _to_roll_back(layout) is not None
    with host_files.acting(layout):
        # An act that outlived its run may have been at work until now.
        marker = _to_roll_back(layout)
        if marker is None:
            return False
        discard(systemd, layout)
        host_files.resume_marker(layout, marker)
        checkpoints.at("recover: put back")
        if marker.before in (markers.STARTING, markers.STARTED, markers.LEAVING):
            service.launch(systemd, layout)
            snapshot_timer.follow(systemd, layout)
    return True


def _to_roll_back(layout: Layout) -> Marker | None:
    """The marker of a host on which C(stop) is to be rolled back, None where nothing is.

    :raises Refused: it has made the new cluster.
    """
    marker = host_files.read_marker(layout)
    if is_founded(marker):
        raise Refused(
            "This host has made the new cluster.",
            "Rolled back, its old data would serve beside it.",
            f"Let the recovery go on: {advice.recover(marker.cluster if marker else '')}",
            code="rollback-too-late",
        )
    return marker if marker is not None and marker.state == markers.RECOVERY_PENDING else None


def archive_data(systemd: Systemd, layout: Layout, check: bool) -> bool:
    """Give up what a host had as a member: it is archived, and the host may join the new cluster.

    :returns: whether anything was to be done.
    :raises Refused: it has made the new cluster itself, or its member was started meanwhile.
    :raises HostError: a directory cannot be renamed.
    """
    marker = host_files.read_marker(layout)
    if marker is None or marker.state == markers.REMOVED:
        return False
    if is_founded(marker) or marker.state != markers.RECOVERY_PENDING or systemd.show(layout.unit)["pid"]:
        raise Refused(
            f"This host's member was to be stopped for the recovery, and its marker says {marker.state!r}.",
            "Somebody else has changed this host meanwhile.",
            AGAIN,
            code="host-changed",
        )
    if check:
        return True
    with host_files.acting(layout):
        discard(systemd, layout)
        archive.move(markers.where_it_lies(layout, marker), "recovered", datetime.now(timezone.utc))
        checkpoints.at("recover: data archived")
        rollback.drop(layout)
        host_files.remove(layout.bootstrap_file)
        host_files.write_marker(layout, marker, marker.becoming(markers.REMOVED, before="", next_token=""))
    return True
