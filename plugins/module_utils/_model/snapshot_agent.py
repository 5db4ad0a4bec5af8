# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which member saves the snapshot that is due, and what is said of it. Pure.

There is no lock, and nothing is written to etcd, for both fail just when backups matter. Each member asks its own
member list and all voters, and comes to the same answer as the others as long as they see the same. Where they do not,
two save, which is better than none.

No member sees whether another host can save at all: its timer may be masked or its disk full. So the members take turns
by the days on which the timers fire, and a host that does not do its part costs the cluster that part, not every backup
from then on. Other days do not count: a weekly schedule would find the same one of seven members first every time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import CORRUPT, ClusterMember, View

#: Seconds by which the timers of the members differ at most.
RANDOM_DELAY = 30

#: Seconds after which a member that left it to another looks again. Longer than the timers differ: all have looked by
#: then. A leader that changed between their looks, or a saver that died at it, would mean no snapshot otherwise. So
#: would members that looked on both sides of midnight.
SECOND_LOOK = 45

# Seconds by which a snapshot may seem to come from the future: the clocks of hosts differ.
_SLACK = 300

#: Seconds for which a member that does not answer is waited for: it may be starting, as after a boot.
AWAIT_MEMBER = 300

#: How a try ended.
SAVED, PASSED, FAILED = "saved", "passed", "failed"


@dataclass(frozen=True)
class Settings:
    """What the program on a member's host is told, by its file.

    :param cluster: the cluster's name.
    :param endpoint: client URL of this host's own member.
    :param ca_path: PEM file; empty without TLS, as the next two.
    :param user_file: a file that holds C(NAME:PASSWORD), or empty.
    :param directory: where snapshots lie.
    :param schedule: when the timers fire, as systemd.time(7) writes it; empty if only by hand.
    :param keep: how many of the newest stay; C(daily) and C(weekly): of how many days and weeks the last one does.
    :param after_command: a program and its arguments; it gets the path of the snapshot as its last one.
    :param metrics_file: for node_exporter, or empty.
    :param state_file: what became of the last try.
    :param unit: the member's own unit, for messages.
    :param second_look: seconds, see C(SECOND_LOOK).
    :param await_member: seconds, see C(AWAIT_MEMBER).
    :param member_dirs: where the member of this host has its data and its log.
    :param max_hash_size: bytes of the database up to which the member is asked for etcd's hash.
    """

    cluster: str
    endpoint: str
    directory: str
    state_file: str
    unit: str
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""
    user_file: str = ""
    schedule: str = ""
    keep: int = 1
    daily: int = 0
    weekly: int = 0
    after_command: tuple[str, ...] = ()
    metrics_file: str = ""
    second_look: float = SECOND_LOOK
    await_member: float = AWAIT_MEMBER
    member_dirs: tuple[str, ...] = ()
    max_hash_size: int = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """The opposite of C(to_json).

        :raises BadInput: it is not such a text.
        """
        try:
            values = json.loads(text)
            lists = {name: tuple(values.get(name, ())) for name in ("after_command", "member_dirs")}
            return cls(**{**values, **lists})
        except (ValueError, AttributeError, TypeError) as exc:
            raise BadInput(f"its settings are none ({exc}). Run the playbook: it writes them anew.") from exc


@dataclass(frozen=True)
class Choice:
    """Who saves, as one member sees it.

    :param mine: this member does.
    :param saver: name of the member that does, or its id where it has none.
    :param why: for a person.
    """

    mine: bool
    saver: str
    why: str


def choose(own_id: str, members: Sequence[ClusterMember], seen: Iterable[View], turn: int) -> Choice:
    """The first healthy voter that does not lead, for a leader has enough to do; else the leader.

    A healthy voter answers a linearizable read of its own and has no CORRUPT alarm. The voters of the list are in the
    order of their ids, and each turn begins with the next one. Who is well and who leads does not change that order, so
    that members which see different things differ as little as possible.

    :param own_id: of this host's member.
    :param members: as its own list has them.
    :param seen: what each of them says.
    :param turn: a number that all members agree on, see C(calendar.elapsed_days).
    """
    names = {member.id: member.name or member.id for member in members}
    learners = {member.id for member in members if member.is_learner}
    own = names.get(own_id, own_id)
    if own_id in learners:
        return Choice(False, "a voter", f"{own} is a learner, and leaves it to the voters.")
    told = list(seen)
    corrupt = {alarm.member_id for one in told for alarm in one.alarms or () if alarm.alarm == CORRUPT}
    voters = {one.status.member_id: one.status for one in told if one.status and not one.error}
    healthy = [one for one in voters if one in names and one not in learners | corrupt]
    order = sorted(names.keys() - learners, key=lambda one: int(one, 16))
    ranked = sorted(healthy, key=lambda one: (voters[one].is_leader, (order.index(one) - turn) % len(order)))
    if not ranked:
        return Choice(True, own, f"{own} finds no healthy voter, itself included, and saves what it has.")
    saver = names[ranked[0]]
    return Choice(
        ranked[0] == own_id, saver, f"{saver} is first in turn among the healthy voters, the leader being last."
    )


@dataclass(frozen=True)
class NewestSnapshot:
    """The newest snapshot of the cluster on a host.

    :param taken_at: C(2026-11-22T07:40:00Z).
    """

    path: str
    taken_at: str
    size: int
    revision: int


@dataclass(frozen=True)
class Try:
    """One run of the program, as it is remembered on the host.

    :param at: when it ended, as C(2026-11-22T07:40:00Z).
    :param outcome: C(saved), C(passed) to another member, or C(failed).
    :param message: for a person; what to do, where it failed.
    :param duration: seconds that saving took; 0 where nothing was saved.
    """

    at: str
    outcome: str
    message: str
    duration: float = 0.0

    @property
    def ok(self) -> bool:
        return self.outcome != FAILED

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Try | None:
        """The opposite of C(to_json), None where it is not such a text."""
        try:
            values = json.loads(text)
            return cls(str(values["at"]), str(values["outcome"]), str(values["message"]), float(values["duration"]))
        except (ValueError, LookupError, TypeError):
            return None


def metrics(cluster: str, last: Try, newest: NewestSnapshot | None, saved_for: float) -> str:
    """For node_exporter's textfile collector. No age is written: it would stand still until the next try.

    :param newest: the newest snapshot on this host, None where there is none. That counts as a very old one, so that an
        alert on its age is raised. So does one that says that it is still to be taken, whose age nobody knows.
    :param saved_for: seconds that saving it took, as far as known.
    """
    found: list[tuple[str, str, float]] = [
        ("last_try_timestamp_seconds", "When this member last looked whether a snapshot is its to save.", at(last.at)),
        ("last_try_success", "Whether that went well: it saved one, or another member was to.", int(last.ok)),
        ("last_try_saved", "Whether it saved one itself.", int(last.outcome == SAVED)),
    ]
    is_dated = newest is not None and not is_ahead(at(newest.taken_at), at(last.at))
    found.append(
        (
            "newest_timestamp_seconds",
            "When the newest snapshot on this host was taken; 0 if there is none, or if its clock was ahead then.",
            at(newest.taken_at) if newest and is_dated else 0.0,
        )
    )
    if newest is not None:
        found += [
            ("newest_size_bytes", "Its size.", newest.size),
            ("newest_revision", "The revision of the store that it holds.", newest.revision),
            ("newest_duration_seconds", "How long saving it took.", saved_for),
        ]
    label = cluster.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    lines = []
    for name, text, value in found:
        full = f"etcd_snapshot_{name}"
        lines += [f"# HELP {full} {text}", f"# TYPE {full} gauge", f'{full}{{cluster="{label}"}} {value!r}']
    return "".join(f"{line}\n" for line in lines)


def stamp(seconds: float) -> str:
    """A time as it is written: C(2026-11-22T07:40:00Z)."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float | None:
    """The opposite of C(stamp), None where it is no such text."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


def at(text: str) -> float:
    """The same, 0 where it is no such text."""
    return seconds_of(text) or 0.0


def stale(newest: Mapping[str, Any] | None, max_age: int, now: float) -> str:
    """Why the newest snapshot in one directory is not what it should be; empty if it is.

    :param newest: with its C(path) and C(taken_at); None where there is none.
    :param max_age: seconds; 0 for any age.
    :param now: seconds since 1970.
    """
    if newest is None:
        return "There is no snapshot of this cluster on this host."
    if is_ahead(at(newest["taken_at"]), now):
        return f"The newest snapshot on this host: {untimely(newest['path'], newest['taken_at'])}"
    age = now - at(newest["taken_at"])
    if not max_age or age <= max_age:
        return ""
    return f"The newest snapshot on this host, {newest['path']}, is {age_of(age)} old; {age_of(max_age)} are allowed."


def is_ahead(taken: float, now: float) -> bool:
    """Is it still to come?"""
    return taken > now + _SLACK


def untimely(path: str, taken_at: str) -> str:
    """What is said of a snapshot that is still to be taken."""
    return (
        f"{path} says that it was taken {taken_at}, which is still to come: the clock was ahead when it was saved, and "
        "nobody knows how old it is. Set the clock there, and remove that file once a newer one is there."
    )


def age_of(seconds: float) -> str:
    """A time in minutes, hours or days."""
    hours = seconds / 3600
    if hours < 2:
        return f"{seconds / 60:.0f} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
