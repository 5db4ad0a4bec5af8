# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A host leaves its cluster: its member is removed under the guard, its unit put to rest, its data archived.

All of it is one call, under the host's lock and the cluster's. Wherever it was interrupted the same call goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, link_proof, membership, queries
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.cluster_lock import Lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import archive, host_files, local_member, rollback
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, markers, peer_links
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import UNVERIFIED, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

# A process whose member was removed ends by itself within 0.05 s; on a loaded machine it may take longer.
_ENDS_WITHIN = 5.0


@dataclass(frozen=True)
class Leaving:
    """Who leaves what.

    :param cluster: the cluster's name.
    :param name: the member's name.
    :param member_id: its id, lower-case hex; empty where the cluster does not have it any more.
    :param endpoints: client URLs of the other members.
    :param members: the members as the plan foresaw them, see C(_model.expected_members).
    :param witnesses: how the other members report their new connections.
    """

    cluster: str
    name: str
    member_id: str
    endpoints: Sequence[str]
    members: Sequence[Mapping[str, Any]]
    witnesses: Witnesses = link_proof.NOBODY


def leave(systemd: Systemd, layout: Layout, leaving: Leaving, check: bool) -> bool:
    """Take this host's member out of its cluster.

    :param check: only say whether anything is to be done.
    :returns: whether anything was to be done.
    :raises Refused: the cluster cannot spare it, or is not as the plan foresaw it.
    :raises HostError: the unit or the data would not do it.
    """
    marker = host_files.read_marker(layout)
    layout = markers.where_it_lies(layout, marker)
    done = marker is not None and marker.state == markers.REMOVED and not leaving.member_id
    if check or done:
        return not done
    with host_files.acting(layout):
        if leaving.member_id or wal.segments(layout.log_dir):
            credentials = _credentials(layout, leaving)
            with cluster_lock.held(
                leaving.endpoints, credentials, cluster_lock.owner(f"leaving of {leaving.name}")
            ) as lock:
                _remove(systemd, layout, leaving, credentials, lock)
        else:
            # Nothing of a member is here, and the cluster has none: nobody has to be asked, nor could be from here.
            _mark(layout, leaving)
        archive.disable_unit(systemd, layout, _ENDS_WITHIN)
        checkpoints.at("leave: at rest")
        archive.move(layout, "removed", datetime.now(timezone.utc))
        rollback.drop(layout)
        checkpoints.at("leave: data archived")
        found = host_files.read_marker(layout)
        if found is not None:
            host_files.write_marker(layout, found, found.becoming(markers.REMOVED))
    return True


def _credentials(layout: Layout, leaving: Leaving) -> Credentials:
    found = local_member.credentials(layout)
    asked_for_none = host_files.read_text(layout.certificate("ca")).startswith(UNVERIFIED)
    if not found.client_cert and not asked_for_none and any(url.startswith("https://") for url in leaving.endpoints):
        raise Refused(
            f"This host has no {layout.certificate('admin')}, with which the cluster could be asked.",
            "It was built anew, or lost its certificates: nothing can be removed from here.",
            f"Remove its member from another host: -e etcd_forget={leaving.member_id or leaving.name}.",
            code="certificate-missing",
        )
    return found


def _remove(systemd: Systemd, layout: Layout, leaving: Leaving, credentials: Credentials, lock: Lock) -> None:
    """The cluster's part: the guard, the marker, then the removal."""
    member_id = leaving.member_id
    votes = queries.votes(leaving.endpoints, credentials)
    expected_members.check(leaving.members, votes.members, member_id)
    is_member = any(member.id == member_id for member in votes.members)
    _check_data(layout, member_id, [member.id for member in votes.members])
    healthy = member_id in votes.healthy
    if is_member and healthy:
        queries.hand_over(leaving.endpoints, credentials, member_id)
        checkpoints.at("leave: handed over")
    if is_member:
        act = link_proof.LockedAct(leaving.endpoints, credentials, leaving.witnesses, lock)
        link_proof.require(act, lambda now: peer_links.before_removal(now, member_id))
    _mark(layout, leaving)
    checkpoints.at("leave: marked")
    if not is_member:
        return
    if not healthy:
        # One that cannot serve may end and be started again without end: nothing would tell it that it was removed.
        archive.disable_unit(systemd, layout)
        checkpoints.at("leave: stopped")
    lock.check()
    with Client(leaving.endpoints, credentials, queries.TIMEOUT) as client:
        membership.remove(client, member_id)
    checkpoints.at("leave: removed")


def _check_data(layout: Layout, member_id: str, members: Sequence[str]) -> None:
    """Are the data on this host those of the member that leaves, or of none?

    :raises Refused: they are those of a member that stays.
    """
    own = ""
    # Whose a damaged log is only the marker remembers, from which the plan knows who leaves.
    with contextlib.suppress(wal.DamagedLog):
        own = wal.identity(layout.log_dir)[0]
    if own != member_id and own in members:
        raise Refused(
            f"{layout.data_dir} holds the data of member {own}, which the cluster has, and {member_id or 'none'} is to "
            "leave.",
            "Archived, they would be missing to a member that stays.",
            AGAIN,
            code="host-changed",
        )


def _mark(layout: Layout, leaving: Leaving) -> None:
    """From here on this member is on its way out, whatever interrupts it; its id stays in the marker for the record."""
    found = host_files.read_marker(layout)
    if found is None:
        wanted = Marker(markers.LEAVING, cluster=leaving.cluster, name=leaving.name, member_id=leaving.member_id)
        host_files.make_directory(layout.state_dir, 0o700, 0, 0)
        host_files.write_marker(layout, None, wanted)
    elif found.state not in (markers.LEAVING, markers.REMOVED):
        member_id = leaving.member_id or found.member_id
        host_files.write_marker(layout, found, found.becoming(markers.LEAVING, member_id=member_id))
