# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What one host is due for, its update aside. Judged by its marker, its log, and the member that lives there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

from ansible_collections.quorum.etcd.plugins.module_utils._config import gate
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._plan import held_members
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster

NOTHING = "nothing"
#: Its unit is started: it stands still and nothing keeps it from serving.
START = "start"
#: It runs, and nobody has waited for it yet.
AWAIT = "await"
#: Its last update was interrupted and it does not serve: what the update replaced is put back.
RESTORE = "restore"
#: Its data are those of a living member, its marker does not say so: the system was built anew, or it never left.
KEEP = "keep"
JOIN = "join"
#: What it had as a member is given up, and it joins anew.
REPLACE = "replace"
LEAVE = "leave"

#: A person must see to its disk, its data or its machine first: its gate keeps it down, or it cannot become a member.
WAIT = "wait"

_RAN = (markers.STARTING, markers.STARTED)


def choose(host: Host, roster: Roster | None) -> str:
    """What one host is due for.

    What follows from its marker is a table, one function a row. Before it comes what the marker does not decide.

    :param roster: None while nobody serves: nothing is done then that a quorum must agree on.
    """
    if host.silent or host.wanted is None or _is_refused(host):
        return NOTHING
    member = roster.on(host) if roster is not None else None
    is_held = held_members.of_host(host, rebuilt=not has_files(host)) is not None
    if is_held and not host.masked and (host.wanted.present or roster is None):
        return WAIT
    # While somebody serves an update writes what is not as it should be.
    lacks = not has_files(host) or (roster is None and _is_unread(host))
    is_rebuilt = host.state in _RAN and host.has_log and not host.runs and lacks
    if is_rebuilt and not is_held and not host.masked and not host.outdated:
        return KEEP
    if roster is not None and not host.wanted.present:
        return _on_its_way_out(host, member)
    if host.outdated and not host.masked and host.state in _RAN and not host.data_unusable:
        return WAIT
    if host.masked:
        return NOTHING
    if _is_restored(host, member):
        return RESTORE
    due = _while_nobody_serves(host) if roster is None else _ROWS[host.state](host, member)
    return WAIT if _may_not_begin(host, due, member) else due


def _may_not_begin(host: Host, due: str, member: ClusterMember | None) -> bool:
    """Is it unfit for what has not begun yet? Of a joining that has, its own data are what takes the room."""
    if due == START and host.state == markers.NEVER_STARTED:
        return bool(host.seen.data.left)
    return bool(host.unfit) and (due == REPLACE or (due == JOIN and member is None))


def has_files(host: Host) -> bool:
    """Has it what a start needs? A system that was built anew may have got no further than the marker."""
    layout = host.wanted.layout if host.wanted is not None else None
    if layout is None:
        return True
    has_settings = any(host.seen.file(path).exists for path in layout.conf_files)
    return has_settings and all(host.seen.file(path).exists for path in (layout.unit_file, layout.gate_file))


def _is_unread(host: Host) -> bool:
    """Has its gate found no settings that it understands? A start alone would be refused again, in every run."""
    return gate.UNREAD in host.seen.refused and not host.seen.previous


def _is_refused(host: Host) -> bool:
    """Is it in a state in which the whole plan is refused? Then nothing is done with it here either."""
    if host.state in (markers.OFFERED, markers.REMOVED):
        return host.has_log or host.runs
    if host.state == markers.NEVER_STARTED:
        return host.has_log
    return host.state in (*markers.PENDING, markers.RESTORED)


def _on_its_way_out(host: Host, member: ClusterMember | None) -> str:
    if host.state is None and host.has_log:
        # Only with its files back can it ask its cluster to let it go.
        return KEEP
    something = member is not None or host.has_log or host.state not in (None, markers.OFFERED, markers.REMOVED)
    return LEAVE if something else NOTHING


def _is_restored(host: Host, member: ClusterMember | None) -> bool:
    voted = member is None or not member.is_learner
    # With what nobody has seen it serve it may never start: then its update is taken again.
    worth_it = host.seen.previous and not host.seen.previous_doubtful
    return (
        bool(worth_it) and not host.answers and voted and host.state in _RAN and host.has_log and not host.data_unusable
    )


def _while_nobody_serves(host: Host) -> str:
    if host.state == markers.NEVER_STARTED:
        return NOTHING if _joins(host) else START
    if host.runs:
        return _unconfirmed(host)
    may_start = host.has_log and not host.data_unusable and host.state in (*_RAN, markers.LEAVING)
    return START if may_start else NOTHING


# -- the table: what follows from the marker of a host that is to be a member, while others serve --------------------


def _unmarked(host: Host, member: ClusterMember | None) -> str:
    return KEEP if host.has_log or host.runs else _anew(host, member)


def _offered(_host: Host, _member: ClusterMember | None) -> str:
    """Refused too, but only where it is to be a member."""
    return NOTHING


def _never_started(host: Host, member: ClusterMember | None) -> str:
    """Its process may be seen although it has ended without a log by then, and the gate has put this marker back."""
    if _joins(host):
        return _anew(host, member)
    # Who has published client URLs has started, whatever a marker that went back in time may say.
    return START if member is not None and not member.client_urls else REPLACE


def _ran(host: Host, member: ClusterMember | None) -> str:
    if host.data_unusable or not (host.has_log or host.runs):
        return REPLACE
    if member is not None and member.is_learner:
        return JOIN if host.has_log and _joins(host) else REPLACE
    return _unconfirmed(host) if host.runs else START


def _leaving(host: Host, member: ClusterMember | None) -> str:
    # It never left: nothing has to be done again.
    stayed = member is not None and not member.is_learner and host.has_log and not host.data_unusable
    return KEEP if stayed else REPLACE


def _anew(host: Host, member: ClusterMember | None) -> str:
    return JOIN if member is None or _is_begun(host, member) else REPLACE


_ROWS: Mapping[str | None, Callable[[Host, ClusterMember | None], str]] = {
    None: _unmarked,
    markers.OFFERED: _offered,
    markers.NEVER_STARTED: _never_started,
    markers.STARTING: _ran,
    markers.STARTED: _ran,
    markers.LEAVING: _leaving,
    markers.REMOVED: _anew,
}


def _is_begun(host: Host, member: ClusterMember) -> bool:
    """Is this what an interrupted run has added for the host, and may it go on?"""
    urls = sorted(host.wanted.member.peer_urls) if host.wanted is not None else []
    return bool(member.is_learner and not member.started and sorted(member.peer_urls) == urls)


def _joins(host: Host) -> bool:
    return host.marker is not None and host.marker.origin == markers.JOIN


def _unconfirmed(host: Host) -> str:
    """A run that ended before it had awaited a member left no ids in its marker."""
    return AWAIT if host.marker is not None and not host.marker.member_id else NOTHING
