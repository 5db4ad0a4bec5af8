# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Wait until a key holds a value, or does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._data import entries
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import READ, Session, explained, may_pass, why

# Seconds after which it is seen whether the way to the member still is: a watch says nothing while nothing happens.
_QUIET = 20.0
_PAUSE = 0.5


@dataclass(frozen=True)
class Event:
    """What a key holds since a revision; nothing where it was deleted."""

    revision: int
    entry: Entry | None


@dataclass(frozen=True)
class Expectation:
    """What is waited for.

    :param exists: whether the key is to be there.
    :param value: what it is to hold; None for anything.
    """

    exists: bool = True
    value: bytes | None = None

    def is_met(self, found: Entry | None) -> bool:
        if found is None or not self.exists:
            return (found is not None) is self.exists
        return self.value is None or found.value == self.value


def wait(
    session: Session,
    key: bytes,
    expected: Expectation,
    revision: int,
    deadline: Deadline,
    sleep: Callable[[float], None],
) -> Event:
    """Wait, and miss nothing between.

    :param revision: look at what has happened since that one; from what the key holds now on if it is 0.
    :returns: the first time that it was as expected.
    :raises Refused: it was not until the deadline, the revision was compacted, or the user may not read the key.
    :raises EtcdError: no answer at the beginning.
    """
    last = Event(revision - 1, None)
    if not revision:
        last = now(session, key)
        if expected.is_met(last.entry):
            return last
    while True:
        try:
            for event in _events(session, key, last.revision + 1, min(_QUIET, deadline.left())):
                last = event
                if expected.is_met(event.entry):
                    return event
                if not deadline.left():
                    break
        except (TransportError, RpcError) as exc:
            if not may_pass(exc):
                raise
            # It is also how a watch ends in which nothing has happened for a while.
            sleep(min(_PAUSE, deadline.left()))
        if not deadline.left():
            raise _over(key, last.entry, deadline)
        last = _advanced(session, key, last)


def _advanced(session: Session, key: bytes, last: Event) -> Event:
    """Where nothing has happened go on from the present: what is behind may be compacted meanwhile."""
    try:
        found = now(session, key)
    except (TransportError, RpcError) as exc:
        if not may_pass(exc):
            raise
        return last
    unchanged = found.entry.mod_revision <= last.revision if found.entry else last.entry is None
    return found if unchanged else last


def now(session: Session, key: bytes) -> Event:
    """Return what a key holds, as of the present revision of the store."""
    answer = entries.read(session, entries.Question(KeyRange(key)))
    return Event(answer.revision, answer.entries[0] if answer.entries else None)


def _events(session: Session, key: bytes, start: int, idle: float) -> Iterator[Event]:
    request = {"create_request": {"key": key, "start_revision": start}}
    answers = session.client.stream("Watch.Watch", request, idle=max(idle, 0.001), stays_open=True)
    try:
        with explained(session, READ, KeyRange(key)):
            for answer in answers:
                if answer["compact_revision"]:
                    raise entries.compacted(start, answer["compact_revision"])
                if answer["canceled"]:
                    detail = answer["cancel_reason"]
                    raise why(session, READ, KeyRange(key), detail) or RpcError(
                        session.client.endpoints[0], "Watch.Watch", 1, "Canceled", detail
                    )
                for event in answer["events"]:
                    entry = Entry.of(event["kv"])
                    yield Event(entry.mod_revision, entry if event["type"] == "PUT" else None)
    finally:
        answers.close()


def _over(key: bytes, seen: Entry | None, deadline: Deadline) -> Refused:
    held = f"its last change is of revision {seen.mod_revision}" if seen else "it does not exist"
    return Refused(
        f"{KeyRange(key)} was not as expected within {deadline.seconds:g} s: {held}.",
        "What waits for it would begin too early.",
        "See what is to write it, and wait longer (wait, in seconds) if that is on its way.",
        code="wait-over",
    )
