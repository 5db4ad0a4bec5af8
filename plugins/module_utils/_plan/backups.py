# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Whether the members of a cluster save snapshots as they are to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import (
    Try,
    age_of,
    at,
    is_ahead,
    seconds_of,
    stamp,
    untimely,
)


@dataclass(frozen=True)
class Backup:
    """What one host says of the snapshots that its member saves.

    :param label: the host, for messages.
    :param since: seconds since 1970 at which its timer was written; 0 without one.
    :param newest: when its newest snapshot of the cluster was taken, seconds since 1970; 0 where it has none.
    :param last: its last try, None where there was none.
    :param path: of that snapshot, empty where it has none.
    :param is_masked: the operator has switched its timer off.
    :param unit: what saves its snapshots.
    """

    label: str
    since: float
    newest: float
    last: Try | None
    path: str = ""
    is_masked: bool = False
    unit: str = "etcd-snapshot"

    def idle(self, now: float) -> float:
        """Seconds for which its timer has not had the program run; 0 where no timer is to."""
        if not self.since or self.is_masked:
            return 0.0
        tried = at(self.last.at) if self.last else 0.0
        return now - max(self.since, 0.0 if is_ahead(tried, now) else tried)


def problems(hosts: Sequence[Host]) -> list[str]:
    """What is wrong with the snapshots that the members are to save by themselves."""
    heard = [host for host in hosts if not host.silent and host.wanted is not None and host.wanted.snapshots.schedule]
    is_masked = {host.label: host.seen.timer.enabled == "masked" for host in heard}
    backups = [_of(host, is_masked[host.label]) for host in heard]
    max_age = max((host.wanted.snapshots.max_age for host in heard if host.wanted is not None), default=0)
    now = max((host.seen.host.time for host in heard), default=0.0)
    masked = [
        f"{host.label}: {host.seen.timer.name} is masked: this member saves no snapshots, and in its turns no "
        "other takes its place."
        for host in heard
        if is_masked[host.label]
    ]
    return [*_schedules(hosts), *masked, *complaints(backups, max_age, now, len(heard) == len(hosts))]


def _of(host: Host, is_masked: bool) -> Backup:
    seen = host.seen.snapshots
    newest, last = seen.newest, seen.last
    taken = seconds_of(newest["taken_at"]) if newest else None
    path = newest["path"] if newest else ""
    unit = host.seen.timer.name.partition(".")[0]
    return Backup(host.label, seen.since, taken or 0.0, Try(**last) if last else None, path, is_masked, unit)


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


def complaints(backups: Iterable[Backup], max_age: int, now: float, all_heard: bool) -> list[str]:
    """Why a cluster's backups are not what they should be, in sentences.

    :param max_age: seconds; 0 for any age.
    :param now: seconds since 1970.
    :param all_heard: every host was asked; otherwise a newer one may lie where nobody looked.
    """
    found = list(backups)
    texts = [
        f"{one.label}: its last snapshot failed at {one.last.at}: {one.last.message}"
        for one in found
        if one.last is not None and not one.last.ok
    ]
    ahead = [one for one in found if is_ahead(one.newest, now)]
    texts += [f"{one.label}: {untimely(one.path, stamp(one.newest))}" for one in ahead]
    texts += [
        f"{one.label}: its timer has not had a snapshot tried for {age_of(one.idle(now))}, and etcd_snapshot_max_age "
        f"is {age_of(max_age)}: a disk may not be mounted, or the timer may be stopped. Look at systemctl status "
        f"{one.unit} {one.unit}.timer there."
        for one in found
        if max_age and one.idle(now) > max_age
    ]
    newest = max((one for one in found if one not in ahead), key=lambda one: one.newest, default=None)
    since = [one.since for one in found if one.since]
    if not max_age or newest is None or not since:
        return texts
    unheard = "" if all_heard else " on the hosts that were asked"
    if newest.newest and now - newest.newest > max_age:
        texts.append(
            f"The newest snapshot{unheard} was taken {stamp(newest.newest)} and lies on {newest.label}: it is "
            f"{age_of(now - newest.newest)} old, and etcd_snapshot_max_age is {age_of(max_age)}."
        )
    elif not newest.newest and not ahead and now - min(since) > max_age:
        texts.append(
            f"There is no snapshot{unheard}, although the timer has been there for {age_of(now - min(since))}: look at "
            f"{' and '.join(dict.fromkeys(f'journalctl -u {one.unit}' for one in found))} on the members."
        )
    return texts
