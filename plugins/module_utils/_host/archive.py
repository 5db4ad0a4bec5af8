# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What becomes of a member that is none any more: its unit rests, its data are archived and never deleted."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, member_storage, snapshot_timer
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

_POLL = 0.1


def is_at_rest(unit: Mapping[str, Any]) -> bool:
    """Is this what C(disable_unit) leaves, by what C(Systemd.show) tells?"""
    return unit["active_state"] in ("inactive", "failed") and unit["enabled"] != "enabled"


def disable_unit(systemd: Systemd, layout: Layout, ends_within: float = 0.0) -> None:
    """Stop a member's unit and its timer, and let them start at no boot. Where there are none there is nothing to do.

    :param ends_within: seconds in which the process may end by itself first.
    :raises HostError: systemd would not do it.
    :raises Refused: the unit is stopped, and a process writes the data all the same.
    """
    snapshot_timer.rest(systemd, layout)
    # A migration that was killed may have left one, which runs on the very data that are to rest.
    if systemd.show(layout.stand_in_unit)["load_state"] != "not-found":
        systemd.control("stop", layout.stand_in_unit)
    deadline = Deadline(ends_within)
    unit = systemd.show(layout.unit)
    while unit["active_state"] == "active" and deadline.left():
        time.sleep(_POLL)
        unit = systemd.show(layout.unit)
    lies = markers.where_it_lies(layout, host_files.read_marker(layout))
    if unit["load_state"] == "not-found":
        member_storage.check_released(lies)
        return
    # Also where nothing runs: it may wait for its next try.
    systemd.control("stop", layout.unit)
    member_storage.check_released(lies)
    if unit["load_state"] != "masked":
        # With a reload: a unit that another one names stays loaded, and would be said to be enabled as before.
        systemd.control("disable", layout.unit)


def move(layout: Layout, reason: str, now: datetime) -> list[str]:
    """Rename what etcd made of its data, so that nothing is where it would look.

    The data directory itself stays: it may be a mount point or a symbolic link. The log moves last: while it is there
    it is the evidence that something is left to move.

    :param reason: one lower-case word, part of the new names.
    :param now: the time in UTC, part of them too.
    :returns: the new paths, none where there was nothing to move.
    :raises HostError: a directory cannot be renamed.
    :raises Refused: a process has them open for writing.
    """
    member_storage.check_released(layout)
    places = places_of(layout)
    # What comes in its place is another log, or an older one that somebody has chosen.
    member_storage.forget_log(layout)
    suffix = suffix_of(reason, now)
    return [_rename(place, suffix) for place in places if os.path.exists(place)]


def places_of(layout: Layout) -> list[str]:
    """Where etcd's data lie, and its log if that is another place."""
    return [os.path.join(layout.data_dir, "member"), *filter(None, [layout.wal_dir])]


def suffix_of(reason: str, now: datetime) -> str:
    """What is put behind the name of a place, see C(move)."""
    return f"{reason}-{now:%Y%m%dT%H%M%SZ}"


def _rename(path: str, suffix: str) -> str:
    beside = f"{path}.{suffix}"
    try:
        os.rename(path, beside)
        atomic.sync_directory(os.path.dirname(path))
    except OSError as exc:
        hint = {
            errno.EBUSY: "It is a mount point: rename what is in it yourself, then run again.",
            errno.EROFS: "Its file system is read-only: mount it for writing.",
        }.get(exc.errno or 0, "")
        raise HostError(f"{path} cannot be renamed to {beside}: {exc.strerror}. {hint}".rstrip()) from exc
    return beside
