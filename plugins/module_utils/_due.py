# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What one host is due for, its turn aside. Judged by its marker, its log, and the member that lives there."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils import _marker
from ansible_collections.quorum.etcd.plugins.module_utils._model import Host
from ansible_collections.quorum.etcd.plugins.module_utils._roster import Member, Roster

NOTHING = "nothing"
#: Its unit is started: it stands still and nothing keeps it from serving.
START = "start"
#: It runs, and nobody has waited for it yet.
AWAIT = "await"
#: Its last turn was interrupted and it is down: what the turn replaced is put back.
RESTORE = "restore"
#: Its data are those of a living member, its marker does not say so: the system was built anew, or it never left.
KEEP = "keep"
JOIN = "join"
#: What it had as a member is given up, and it joins anew.
REPLACE = "replace"
LEAVE = "leave"

_RAN = (_marker.STARTING, _marker.STARTED)


def of(host: Host, roster: Roster | None) -> str:
    """What one host is due for.

    :param roster: None while nobody serves: nothing is done then that a quorum must agree on.
    """
    if host.silent or host.wanted is None:
        return NOTHING
    member = roster.on(host) if roster is not None else None
    if host.state in _RAN and host.has_log and not host.runs and not host.masked and not has_files(host):
        return KEEP
    if roster is not None and not host.wanted.present:
        return _on_its_way_out(host, member)
    if host.masked:
        return NOTHING
    if _is_restored(host, member, roster):
        return RESTORE
    if roster is None:
        return _while_nobody_serves(host)
    # Its process may have ended without a log since it was seen; then the gate has put this marker back.
    if host.state != _marker.NEVER_STARTED and (host.has_log or host.runs):
        return _with_data(host, member)
    return _without_data(host, member)


def has_files(host: Host) -> bool:
    """Has it what a start needs? A system that was built anew may have got no further than the marker."""
    layout = host.wanted.layout if host.wanted is not None else None
    needed = (layout.conf_file, layout.unit_file, layout.gate_file) if layout is not None else ()
    return all(host.seen["files"].get(path, {}).get("exists") for path in needed)


def _on_its_way_out(host: Host, member: Member | None) -> str:
    if host.state is None and host.has_log:
        # Only with its files back can it ask its cluster to let it go.
        return KEEP
    something = member is not None or host.has_log or host.state not in (None, _marker.OFFERED, _marker.REMOVED)
    return LEAVE if something else NOTHING


def _is_restored(host: Host, member: Member | None, roster: Roster | None) -> bool:
    down = not host.answers if roster is not None else not host.runs
    voted = member is None or not member["is_learner"]
    # With what nobody has seen it serve it may never start: then its turn is taken again.
    worth_it = host.seen["previous"] and not host.seen["previous_doubtful"]
    return bool(worth_it) and down and voted and host.state in _RAN and host.has_log and not host.spoiled


def _while_nobody_serves(host: Host) -> str:
    if host.state == _marker.NEVER_STARTED:
        return NOTHING if _joins(host) else START
    if host.runs:
        return _unconfirmed(host)
    may_start = host.has_log and not host.spoiled and host.state in (*_RAN, _marker.LEAVING)
    return START if may_start else NOTHING


def _with_data(host: Host, member: Member | None) -> str:
    if host.state is None:
        return KEEP
    if host.spoiled:
        return REPLACE
    learner = member is not None and member["is_learner"]
    if host.state == _marker.LEAVING:
        # It never left: nothing has to be done again.
        return KEEP if member is not None and host.has_log and not learner else REPLACE
    if learner:
        return JOIN if host.has_log and _joins(host) else REPLACE
    return _unconfirmed(host) if host.runs else START


def _without_data(host: Host, member: Member | None) -> str:
    if host.state == _marker.NEVER_STARTED and not _joins(host):
        # Who has published client URLs has started, whatever a marker that went back in time may say.
        return START if member is not None and not member["client_urls"] else REPLACE
    if host.state in (None, _marker.REMOVED, _marker.NEVER_STARTED):
        return JOIN if member is None or _is_begun(host, member) else REPLACE
    return REPLACE


def _is_begun(host: Host, member: Member) -> bool:
    """Is this what an interrupted run has added for the host, and may it go on?"""
    urls = sorted(host.wanted.member.peer_urls) if host.wanted is not None else []
    return bool(member["is_learner"] and not member["started"] and sorted(member["peer_urls"]) == urls)


def _joins(host: Host) -> bool:
    return host.marker is not None and host.marker.origin == _marker.JOIN


def _unconfirmed(host: Host) -> str:
    """A run that ended before it had awaited a member left no ids in its marker."""
    return AWAIT if host.marker is not None and not host.marker.member_id else NOTHING
