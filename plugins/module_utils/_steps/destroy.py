# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A whole cluster taken away, in three acts that each host must have finished before any begins the next one.

First all members stop. Only then are data archived, and only when that is done everywhere are the markers removed:
up to there every host knows that it was a member of this cluster, and no other is founded on it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, queries
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    archive,
    host_files,
    isolated_member,
    local_member,
    peer_probe,
    rollback,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity, maintenance_refusals, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import SIGNATURE, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import last_known_members, restore_paths, service

_POLL = 1.0


def check_ours(layout: Layout, cluster: str) -> None:
    """Is what lies on this host this cluster's, or nothing?

    :raises Refused: it is somebody else's.
    """
    marker = host_files.read_marker(layout)
    if marker is not None and marker.cluster != cluster and not _left(marker, layout):
        raise Refused(
            f"This host's marker is of the cluster {marker.cluster!r}, not of {cluster!r}.",
            "Another cluster's data would be taken away.",
            "Put the inventory right.",
            code="another-cluster",
        )
    if marker is None and wal.segments(layout.log_dir):
        raise Refused(
            f"There is a write-ahead log in {layout.log_dir}, and no marker that says whose it is.",
            "It may be that of a cluster that somebody else runs.",
            "If it is this one, run etcd.yml first, which finds that out. If nobody needs it, move it aside.",
            code="foreign-data",
        )


def observe(systemd: Systemd, layout: Layout, cluster: str, fenced: Sequence[str]) -> dict[str, Any]:
    """What must be known of a host before any member is stopped.

    :param cluster: its name.
    :param fenced: names, IDs and addresses of members whose machines are said to be off.
    :returns: as the module documents it; C(heard) is C(last_known_members.answering).
    """
    marker = host_files.read_marker(layout)
    lies = markers.where_it_lies(layout, marker)
    view = service.observe(systemd, layout)
    members = list(view.members or ()) or last_known_members.of_database(lies)[0]
    named = [one for one in members if identity.of_member(one).is_named_by(fenced)]
    asker = local_member.asker(layout, marker.cluster_id if marker is not None else "")
    beside = host_files.markers_beside(layout)
    return {
        "member_id": (marker.member_id or view.member_id) if marker is not None and _was_member(marker) else "",
        "members": [one.to_dict() for one in members],
        "heard": last_known_members.answering(named, asker),
        "serves": view.serves,
        "maintenance": view.maintenance and view.maintenance.to_dict(),
        "instance": layout.instance,
        "beside": {name: one.name for name, one in beside.items() if one.cluster == cluster and _was_member(one)},
    }


def check_unit(systemd: Systemd, layout: Layout) -> None:
    """Where no member of this cluster was, is the unit that would be stopped one that this collection wrote?

    :raises Refused: it is somebody else's.
    """
    unit = systemd.show(layout.unit)
    path = unit["fragment_path"]
    if not path or archive.is_at_rest(unit) or _was_member(host_files.read_marker(layout)):
        return
    if not host_files.read_text(path).startswith(SIGNATURE):
        raise Refused(
            f"{layout.unit} on this host was not written by this collection ({path}), and no marker says that this "
            "host was a member.",
            "It may be a member of a cluster that somebody else runs, and would be stopped for good.",
            "Take the host out of the group. If nobody needs what runs there, stop it yourself: systemctl disable "
            f"--now {layout.unit}",
            code="foreign-unit",
        )


def stop(systemd: Systemd, layout: Layout, cluster: str, check: bool, wait: float = cluster_lock.WAIT) -> bool:
    """Stop the member for good, and remember that it is on its way out.

    :param cluster: its name.
    :param check: only say whether anything is to be done.
    :param wait: seconds to wait for somebody else who is at work on the cluster.
    :returns: whether anything was to be done.
    :raises Refused: somebody else is at work on the cluster.
    :raises HostError: systemctl failed.
    """
    unit = systemd.show(layout.unit)
    rests = archive.is_at_rest(unit)
    if check or (rests and not _was_member(host_files.read_marker(layout))):
        return not rests
    with host_files.acting(layout), _alone(systemd, layout, cluster, Deadline(wait)):
        peer_probe.stop(systemd, layout)
        # A restore that never came to its end may have left it running apart from its clients.
        isolated_member.stop(systemd, layout, restore_paths.PURPOSE)
        archive.disable_unit(systemd, layout)
        checkpoints.at("destroy: stopped")
        # Read now: what has just ended may have moved it on.
        marker = host_files.read_marker(layout)
        if marker is not None and _was_member(marker):
            host_files.write_marker(layout, marker, marker.becoming(markers.LEAVING))
    return True


def archive_data(systemd: Systemd, layout: Layout, check: bool) -> bool:
    """Archive the data of a stopped member.

    :returns: whether there was one.
    :raises Refused: it was started again.
    :raises HostError: a directory cannot be renamed.
    """
    marker = host_files.read_marker(layout)
    if check or marker is None or not _was_member(marker):
        return _was_member(marker)
    if marker.state != markers.LEAVING or systemd.show(layout.unit)["active_state"] not in ("inactive", "failed"):
        raise Refused(
            f"{layout.unit} was to be stopped, and its host's marker says {marker.state!r}.",
            "Somebody else has changed this host meanwhile.",
            "Run the same command again: it goes on from what it finds.",
            code="host-changed",
        )
    with host_files.acting(layout):
        archive.move(markers.where_it_lies(layout, marker), "destroyed", datetime.now(timezone.utc))
        checkpoints.at("destroy: data archived")
        rollback.drop(layout)
        host_files.write_marker(layout, marker, marker.becoming(markers.REMOVED))
    return True


def forget(layout: Layout, cluster: str, check: bool) -> bool:
    """Remove the marker, and what a first start would have needed: from here on this host was never a member.

    :returns: whether there was one.
    :raises Refused: its data were not archived.
    """
    marker = host_files.read_marker(layout)
    if marker is not None and marker.cluster != cluster:
        # Of a cluster that this host has left: whoever founds the next one on it knows what to do with it.
        return False
    if check or marker is None:
        return marker is not None
    if _was_member(marker) or wal.segments(layout.log_dir):
        raise Refused(
            f"This host's marker says {marker.state!r}, and its data were to be archived.",
            "A cluster founded beside them would split your data.",
            "Run the same command again: it goes on from what it finds.",
            code="host-changed",
        )
    with host_files.acting(layout):
        host_files.remove(layout.bootstrap_file)
        host_files.remove(layout.drained_file)
        host_files.remove(layout.marker_file)
    return True


@contextlib.contextmanager
def _alone(systemd: Systemd, layout: Layout, cluster: str, deadline: Deadline) -> Iterator[None]:
    """Hold the cluster's lock, where a quorum answers. The hosts of one destruction hold it together.

    :raises Refused: somebody else holds it, or maintains the hosts.
    """
    view = service.observe(systemd, layout)
    endpoints = queries.endpoints_of(view.members or [], but=view.member_id) or [view.endpoint]
    act = f"destruction of {cluster}"
    with contextlib.ExitStack() as stack:
        while view.serves:
            try:
                stack.enter_context(
                    cluster_lock.held(endpoints, local_member.credentials(layout), cluster_lock.owner(act), 0.0)
                )
            except cluster_lock.Busy as exc:
                if not exc.holder.startswith(f"{act},"):
                    if not deadline.left():
                        raise
                    time.sleep(_POLL)
                    continue
            except EtcdError as exc:
                if isinstance(exc, Refused) and exc.code == maintenance_refusals.HELD:
                    raise
                # Nobody can have it: there is no quorum any more, no write is taken, or nobody is logged in here.
            break
        yield


def _left(marker: Marker, layout: Layout) -> bool:
    """Is this the marker of a cluster that the host has left, and has nothing of any more?"""
    return marker.state == markers.REMOVED and not wal.segments(layout.log_dir)


def _was_member(marker: Marker | None) -> bool:
    """Does a marker speak of a member whose data may be there? An offer was none yet, a removal is none any more."""
    return marker is not None and marker.state not in (markers.OFFERED, markers.REMOVED)
