# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A host leaves its cluster: its member is removed under the guard, its unit put to rest, its data moved aside.

All of it is one call, under the host's lock and the cluster's. Wherever it was interrupted the same call goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils import (
    _aside,
    _cluster,
    _hostfiles,
    _linkproof,
    _links,
    _marker,
    _membership,
    _presumed,
    _previous,
    _progress,
    _turnlock,
    _view,
    _wal,
)
from ansible_collections.quorum.etcd.plugins.module_utils._client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._errors import AGAIN, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._linkproof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._marker import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._turnlock import Lock

# A process whose member was removed ends by itself within 0.05 s; on a loaded machine it may take longer.
_ENDS_WITHIN = 5.0


@dataclass(frozen=True)
class Leaving:
    """Who leaves what.

    :param cluster: the cluster's name.
    :param name: the member's name.
    :param member_id: its id, lower-case hex; empty where the cluster does not have it any more.
    :param endpoints: client URLs of the other members.
    :param members: the members as the plan foresaw them, see C(_presumed).
    :param witnesses: how the other members report their new connections.
    """

    cluster: str
    name: str
    member_id: str
    endpoints: Sequence[str]
    members: Sequence[Mapping[str, Any]]
    witnesses: Witnesses = _linkproof.NOBODY


def leave(systemd: Systemd, layout: Layout, leaving: Leaving, check: bool) -> bool:
    """Take this host's member out of its cluster.

    :param check: only say whether anything is to be done.
    :returns: whether anything was to be done.
    :raises Refused: the cluster cannot spare it, or is not as the plan foresaw it.
    :raises HostError: the unit or the data would not do it.
    """
    marker = _hostfiles.read_marker(layout)
    layout = _aside.where_it_lies(layout, marker)
    done = marker is not None and marker.state == _marker.REMOVED and not leaving.member_id
    if check or done:
        return not done
    with _hostfiles.acting(layout):
        if leaving.member_id or _wal.segments(layout.log_dir):
            credentials = _credentials(layout, leaving)
            with _turnlock.held(leaving.endpoints, credentials, _turnlock.owner(f"leaving of {leaving.name}")) as lock:
                _remove(systemd, layout, leaving, credentials, lock)
        else:
            # Nothing of a member is here, and the cluster has none: nobody has to be asked, nor could be from here.
            _mark(layout, leaving)
        _aside.put_to_rest(systemd, layout, _ENDS_WITHIN)
        _progress.at("leave: at rest")
        _aside.move(layout, "removed", datetime.now(timezone.utc))
        _previous.drop(layout)
        _progress.at("leave: data aside")
        found = _hostfiles.read_marker(layout)
        if found is not None:
            _hostfiles.write_marker(layout, found, found.becoming(_marker.REMOVED))
    return True


def _credentials(layout: Layout, leaving: Leaving) -> Credentials:
    found = _view.credentials(layout)
    if not found.client_cert and any(url.startswith("https://") for url in leaving.endpoints):
        raise Refused(
            f"This host has no {layout.certificate('admin')}, with which the cluster could be asked.",
            "It was built anew, or lost its certificates: nothing can be removed from here.",
            f"Remove its member from another host: -e etcd_forget={leaving.member_id or leaving.name}.",
        )
    return found


def _remove(systemd: Systemd, layout: Layout, leaving: Leaving, credentials: Credentials, lock: Lock) -> None:
    """The cluster's part: the guard, the marker, then the removal."""
    member_id = leaving.member_id
    votes = _cluster.votes(leaving.endpoints, credentials)
    _presumed.check(leaving.members, votes.members, member_id)
    is_member = any(member["id"] == member_id for member in votes.members)
    _check_data(layout, member_id, [member["id"] for member in votes.members])
    healthy = member_id in votes.healthy
    if is_member and healthy:
        _cluster.hand_over(leaving.endpoints, credentials, member_id)
        _progress.at("leave: handed over")
    if is_member:
        act = _linkproof.Act(leaving.endpoints, credentials, leaving.witnesses, lock)
        _linkproof.require(act, lambda now: _links.before_removal(now, member_id))
    _mark(layout, leaving)
    _progress.at("leave: marked")
    if not is_member:
        return
    if not healthy:
        # One that cannot serve may end and be started again without end: nothing would tell it that it was removed.
        _aside.put_to_rest(systemd, layout)
        _progress.at("leave: stopped")
    lock.check()
    with Client(leaving.endpoints, credentials, _cluster.TIMEOUT) as client:
        _membership.remove(client, member_id)
    _progress.at("leave: removed")


def _check_data(layout: Layout, member_id: str, members: Sequence[str]) -> None:
    """Are the data on this host those of the member that leaves, or of none?

    :raises Refused: they are those of a member that stays.
    """
    own = ""
    # Whose a damaged log is only the marker remembers, from which the plan knows who leaves.
    with contextlib.suppress(_wal.DamagedLog):
        own = _wal.identity(layout.log_dir)[0]
    if own != member_id and own in members:
        raise Refused(
            f"{layout.data_dir} holds the data of member {own}, which the cluster has, and {member_id or 'none'} is to "
            "leave.",
            "Moved aside, they would be missing to a member that stays.",
            AGAIN,
        )


def _mark(layout: Layout, leaving: Leaving) -> None:
    """From here on this member is on its way out, whatever interrupts it; its id stays in the marker for the record."""
    found = _hostfiles.read_marker(layout)
    if found is None:
        wanted = Marker(_marker.LEAVING, cluster=leaving.cluster, name=leaving.name, member_id=leaving.member_id)
        _hostfiles.make_directory(layout.state_dir, 0o700, 0, 0)
        _hostfiles.write_marker(layout, None, wanted)
    elif found.state not in (_marker.LEAVING, _marker.REMOVED):
        member_id = leaving.member_id or found.member_id
        _hostfiles.write_marker(layout, found, found.becoming(_marker.LEAVING, member_id=member_id))
