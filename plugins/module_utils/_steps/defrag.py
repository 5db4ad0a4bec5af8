# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A member's database written anew without the room that compaction has freed inside it: etcd's defragmentation.

etcd writes a second database beside the first and puts it in its place; the member answers nothing meanwhile
(server/storage/backend/backend.go, defrag). What an interrupted one leaves, etcd removes at its next start.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints, disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, local_member
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, outcome_unknown
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms

Clock = Callable[[], float]

# What is in use is written with a tenth of each page left free (backend.go, defragdb: FillPercent 0.9).
_FILL = 1.12
# The log goes on meanwhile, in files of 64 MiB (server/storage/wal/wal.go, SegmentSizeBytes).
_LOG = 64 << 20


@dataclass(frozen=True)
class DefragTimeouts:
    """How long to wait, in seconds.

    :param work: for the defragmentation.
    :param serving: for the member to serve afterwards.
    """

    work: float
    serving: float


def observe(systemd: Systemd, layout: Layout, terms: Terms) -> dict[str, Any]:
    """The member of this host, its database and the room beside it.

    :returns: C(member_id), C(members) (of its cluster), C(name), C(is_leader), C(endpoints) (client URLs of all
        members), C(alarms), C(db_size), C(db_size_in_use), C(free), C(needed) (bytes
        on the file system of the database: what is there, and what a defragmentation takes).
    :raises Refused: it does not serve, or its cluster cannot spare it.
    """
    view = _asked(systemd, layout)
    with _spared(view, layout, terms, check=True):
        return _told(view, _data_dir(layout))


def defragment(
    systemd: Systemd, layout: Layout, terms: Terms, patience: DefragTimeouts, check: bool, now: Clock = time.monotonic
) -> dict[str, Any]:
    """Defragment the member of this host, once its cluster can spare it, and wait until it serves again.

    :param check: only say what would be done.
    :returns: what C(observe) returns, as it is afterwards, C(changed), C(before) (the size of its database before, in
        bytes), C(notes): what a person should know.
    :raises Refused: it does not serve, its cluster cannot spare it, or there is no room beside its database.
    :raises HostError: etcd did not do it.
    """
    with maintenance.on_host(layout, check):
        view = _asked(systemd, layout)
        data_dir = _data_dir(layout)
        with _spared(view, layout, terms, check) as spare:
            found = _told(view, data_dir)
            short = _shortage(found, data_dir)
            notes = [*spare.notes, *([short] if short else [])]
            if check:
                return {"changed": True, **found, "before": found["db_size"], "notes": notes}
            if short:
                raise Refused(
                    short,
                    "A file system that becomes full ends every etcd that writes to it.",
                    "Make room there, or make it larger. Compacted first (etcd_compaction), a database needs less.",
                    code="no-space",
                )
            spare.hand_over()
            checkpoints.at("defrag: begun")
            _defragment(view.endpoint, layout, patience.work)
            checkpoints.at("defrag: done")
            after = _told(service.serving(systemd, layout, patience.serving, now), data_dir)
    return {"changed": True, **after, "before": found["db_size"], "notes": notes}


def needed(in_use: int) -> int:
    """Bytes that must be free on the file system while a database is written anew.

    :param in_use: bytes of it that are in use.
    """
    return int(in_use * _FILL) + _LOG


def _asked(systemd: Systemd, layout: Layout) -> View:
    view = service.observe(systemd, layout)
    if not service.is_ready(view):
        free = disk_space.free(_data_dir(layout)) >> 20
        raise Refused(
            f"The member of this host does not serve: {view.error} {free} MiB are free where its data lie.",
            "Whoever cannot be asked cannot be defragmented, and the others cannot be spared meanwhile.",
            "If that file system is full, make room on it or make it larger, and etcd starts by itself. Else "
            "journalctl says why it does not serve. Then run again.",
            code="quorum-unknown",
        )
    return view


@contextlib.contextmanager
def _spared(view: View, layout: Layout, terms: Terms, check: bool) -> Iterator[MaintenanceWindow]:
    with maintenance.spared(view, layout, terms, check) as spare:
        _check_alone(spare, terms.allow_outage)
        yield spare


def _told(view: View, data_dir: str) -> dict[str, Any]:
    status, members = view.status or Status(), view.members or ()
    return {
        "member_id": view.member_id,
        "members": [one.to_dict() for one in members],
        "name": next((one.name for one in members if one.id == view.member_id), ""),
        "is_leader": status.is_leader,
        "endpoints": [url for one in members for url in one.client_urls],
        "alarms": [asdict(alarm) for alarm in view.alarms or ()],
        "db_size": status.db_size,
        "db_size_in_use": status.db_size_in_use,
        "free": disk_space.free(data_dir),
        "needed": needed(status.db_size_in_use),
    }


def _data_dir(layout: Layout) -> str:
    return markers.where_it_lies(layout, host_files.read_marker(layout)).data_dir


def _shortage(found: Mapping[str, Any], data_dir: str) -> str:
    if found["free"] >= found["needed"]:
        return ""
    return (
        f"{data_dir} has {found['free'] >> 20} MiB free, and to write the database of {found['name']} anew beside the "
        f"old one takes {(found['needed'] >> 20) + 1} MiB, the log's next file among them."
    )


def _check_alone(spare: MaintenanceWindow, allow_outage: bool) -> None:
    """A restart follows from the inventory; this is done for its own sake, so the only voter needs leave for it.

    :raises Refused: it has none.
    """
    if spare.votes.voters == {spare.member_id} and not allow_outage:
        raise Refused(
            f"{spare.votes.named(spare.votes.voters)} is the only voter, and answers nothing while it is defragmented.",
            "Its clients wait, for a second or so for each 100 MB.",
            "When that may be, allow the outage: allow_outage: true, or -e etcd_allow_outage=true.",
            code="only-voter",
        )


def _defragment(endpoint: str, layout: Layout, seconds: float) -> None:
    with Client([endpoint], local_member.credentials(layout), seconds) as client:
        try:
            client.defragment(endpoint, seconds)
        except EtcdError as exc:
            if not outcome_unknown(exc):
                raise
            raise HostError(
                f"No clear answer came from the defragmentation: {exc} If etcd still runs it goes on with it, and "
                "answers nothing before its end. See that the member serves (etcdctl endpoint health), then run again."
            ) from exc
