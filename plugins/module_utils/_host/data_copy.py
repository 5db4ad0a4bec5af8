# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Copies of the data of a member that stands still."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import Sequence
from datetime import datetime

from ansible_collections.quorum.etcd.plugins.module_utils._base import atomic, disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run, succeed
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import archive
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout


def keep(run: Run, layout: Layout, reason: str, now: datetime) -> list[str]:
    """Copy what etcd made of its data to where C(archive.move) would rename it.

    A copy has its name once it is whole and on the disk.

    :param run: runs programs of the host.
    :returns: the new paths.
    :raises HostError: it cannot be copied.
    """
    suffix = archive.suffix_of(reason, now)
    return [_copied(run, place, f"{place}.{suffix}", _unfinished(place, reason)) for place in archive.places_of(layout)]


def drop(paths: Sequence[str]) -> None:
    """Remove copies that C(keep) has made for nothing. What cannot be removed is found by C(earlier)."""
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


def earlier(layout: Layout, reason: str) -> list[str]:
    """The copies of a reason that lie there, those included that were never finished."""
    return sorted(path for place in archive.places_of(layout) for path in glob.glob(f"{glob.escape(place)}.{reason}-*"))


def _unfinished(place: str, reason: str) -> str:
    return f"{place}.{reason}-unfinished"


def _copied(run: Run, place: str, beside: str, unfinished: str) -> str:
    # What a call that was interrupted has left.
    shutil.rmtree(unfinished, ignore_errors=True)
    duplicate(run, place, unfinished)
    succeed(run, ["sync", "--file-system", unfinished])
    try:
        os.rename(unfinished, beside)
        atomic.sync_directory(os.path.dirname(beside))
    except OSError as exc:
        raise HostError(f"The copy {unfinished} cannot be renamed to {beside}: {exc.strerror}.") from exc
    return beside


def duplicate(run: Run, source: str, target: str) -> None:
    """Copy a directory. Where the file system can share blocks nothing is copied; a link would lead to the very data.

    :raises HostError: it cannot be copied.
    """
    succeed(run, ["cp", "--archive", "--dereference", "--reflink=auto", source, target])


def room(layout: Layout, reason: str) -> dict[str, int]:
    """Bytes that C(keep) C(needs), with what must stay free beside it, and those that are C(free) for it.

    What an interrupted call has left is free: C(keep) removes it.
    """
    places = archive.places_of(layout)
    size = sum(map(size_of, places))
    # A copy lies beside its place, which may be a mount point.
    free = min(disk_space.free(os.path.dirname(place)) + size_of(_unfinished(place, reason)) for place in places)
    return {"needs": size + disk_space.beside_member(size), "free": free}


def size_of(place: str) -> int:
    """Bytes of the files below a directory."""
    found = 0
    # A log may have been moved to another disk by a link: its copy is one of what it leads to.
    for directory, _directories, names in os.walk(place, followlinks=True):
        for name in names:
            # A member that runs may remove a file meanwhile.
            with contextlib.suppress(FileNotFoundError):
                found += os.stat(os.path.join(directory, name)).st_size
    return found
