# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The timer that saves snapshots. It follows its file: where that is, the timer runs, now and at every boot."""

from __future__ import annotations

import os

from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout


def differs(systemd: Systemd, layout: Layout, content: Content) -> bool:
    """Would C(follow_file) change anything?"""
    there = os.path.exists(layout.snapshot_timer_file)
    return not _rests_or_runs(systemd, layout) if is_wanted(layout, content) else there


def follow_file(systemd: Systemd, layout: Layout, content: Content) -> None:
    """What was written says whether there is to be a timer. Whoever calls has let systemd read it.

    :raises HostError: systemd would not do it.
    """
    if is_wanted(layout, content):
        follow(systemd, layout)
    else:
        remove(systemd, layout)


def follow(systemd: Systemd, layout: Layout) -> bool:
    """Let the timer run if its file is there.

    :returns: whether anything was to be done.
    :raises HostError: systemd does not take it.
    """
    if not os.path.exists(layout.snapshot_timer_file) or _rests_or_runs(systemd, layout):
        return False
    systemd.control("enable", "--now", layout.snapshot_timer)
    return True


def is_wanted(layout: Layout, content: Content) -> bool:
    """Is a timer among what the host is to hold?"""
    return any(file["path"] == layout.snapshot_timer_file for file in content.files)


def _rests_or_runs(systemd: Systemd, layout: Layout) -> bool:
    """Does the timer run, or is it masked, which is the operator's way to say no?"""
    timer = systemd.show(layout.snapshot_timer)
    return timer["enabled"] == "masked" or (timer["enabled"], timer["active_state"]) == ("enabled", "active")


def rest(systemd: Systemd, layout: Layout) -> None:
    """Stop the timer, and let it start at no boot. Nothing happens where there is none.

    :raises HostError: systemd would not do it.
    """
    timer = systemd.show(layout.snapshot_timer)
    if timer["load_state"] == "not-found":
        return
    systemd.control("stop", layout.snapshot_timer)
    if timer["load_state"] != "masked":
        systemd.control("disable", "--no-reload", layout.snapshot_timer)


def remove(systemd: Systemd, layout: Layout) -> None:
    """Take the timer away, where snapshots are no longer to be saved by the clock.

    :raises HostError: systemd would not do it, or its file cannot be removed.
    """
    if os.path.exists(layout.snapshot_timer_file):
        rest(systemd, layout)
        host_files.remove(layout.snapshot_timer_file)
        systemd.control("daemon-reload")
