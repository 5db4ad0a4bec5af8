# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Whether the members of a cluster save snapshots as they are to."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import SavedSnapshots
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import Backup, Try


def problems(hosts: Sequence[Host]) -> list[str]:
    """What is wrong with the snapshots that the members are to save by themselves."""
    heard = [host for host in hosts if not host.silent and host.wanted is not None and host.wanted.snapshots.schedule]
    is_masked = {host.label: host.seen.timer.enabled == "masked" for host in heard}
    backups = [_of(host.label, host.seen.snapshots, is_masked[host.label]) for host in heard]
    max_age = max((host.wanted.snapshots.max_age for host in heard if host.wanted is not None), default=0)
    now = max((host.seen.host.time for host in heard), default=0.0)
    masked = [
        f"{host.label}: {host.seen.timer.name} is masked: this member saves no snapshots, and in its turns no "
        "other takes its place."
        for host in heard
        if is_masked[host.label]
    ]
    return [*_schedules(hosts), *masked, *snapshot_agent.complaints(backups, max_age, now, len(heard) == len(hosts))]


def _of(label: str, seen: SavedSnapshots, is_masked: bool) -> Backup:
    newest, last = seen.newest, seen.last
    taken = snapshot_agent.seconds_of(newest["taken_at"]) if newest else None
    path = newest["path"] if newest else ""
    return Backup(label, seen.since, taken or 0.0, Try(**last) if last else None, path, is_masked)


def _schedules(hosts: Sequence[Host]) -> list[str]:
    """Members that look at different times, or never, cannot leave a snapshot to each other."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        if host.wanted is not None and host.wanted.present:
            found.setdefault(host.wanted.snapshots.schedule, []).append(host.label)
    if len(found) < 2:
        return []
    said = "; ".join(f"{', '.join(labels)}: {schedule or 'empty'}" for schedule, labels in found.items())
    return [
        f"etcd_snapshot_schedule differs between the hosts of one cluster ({said}): each saves at its own times only, "
        "and on its days no other takes its place. Give it once, for the group."
    ]
