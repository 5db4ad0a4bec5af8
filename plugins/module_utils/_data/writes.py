# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Keys as they are written: nothing where they hold it already, and never over what was not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._data import entries
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry, Question
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange, check_writable
from ansible_collections.quorum.etcd.plugins.module_utils._data.leases import gone
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import READWRITE, Session, explained
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import outcome_unknown

# Each time another client was faster.
_TRIES = 20
_NO_LEASE = "requested lease not found"


@dataclass(frozen=True)
class Condition:
    """What a key must hold for a write to be made.

    :param value: None for anything.
    :param revision: of its last change; None for any.
    """

    value: bytes | None = None
    revision: int | None = None

    def check(self, key: KeyRange, found: Entry | None) -> None:
        """Compare.

        :raises Refused: the key holds something else.
        """
        if self.revision is not None and self.revision != (found.mod_revision if found else 0):
            held = f"was last changed at revision {found.mod_revision}" if found else "does not exist"
            raise _other(f"{key} {held}, and prev_revision is {self.revision}.")
        if self.value is not None and (found is None or found.value != self.value):
            raise _other(f"{key} " + ("holds another value than prev_value." if found else "does not exist."))


@dataclass(frozen=True)
class Put:
    """A value that a key is to hold.

    :param lease: the lease it is to lie on; 0 for none, None to leave it as it is.
    :param replaces: whether a key that is there gets the value.
    """

    key: bytes
    value: bytes
    lease: int | None = None
    condition: Condition = Condition()
    replaces: bool = True

    def due(self, found: Entry | None) -> Entry | None:
        """Return the entry that is to be written; None where nothing is.

        :raises Refused: the key holds something else than was presumed.
        """
        kept = found.lease if found else 0
        wanted = Entry(self.key, self.value, lease=kept if self.lease is None else self.lease)
        if found and (not self.replaces or (found.value, found.lease) == (wanted.value, wanted.lease)):
            return None
        self.condition.check(KeyRange(self.key), found)
        return wanted


@dataclass(frozen=True)
class Change:
    """What a key held, and what it holds."""

    before: Entry | None
    after: Entry | None

    @property
    def changed(self) -> bool:
        return self.before != self.after


def put(session: Session, wanted: Put, check: bool) -> Change:
    """Let a key hold a value.

    :param check: only say what would be.
    :raises Refused: a reserved key, a condition that does not hold, a lease that is gone, a user who may not.
    :raises EtcdError: no answer.
    """
    check_writable(KeyRange(wanted.key))
    for _try in range(_TRIES):
        before = entries.one(session, wanted.key, READWRITE)
        due = wanted.due(before)
        if due is None or check:
            return Change(before, due or before)
        written = {"request_put": {"key": due.key, "value": due.value, "lease": due.lease}}
        revision = _swap(session, due.key, before, written, due)
        if revision:
            made, times = (before.create_revision, before.version) if before else (revision, 0)
            after = replace(due, create_revision=made, mod_revision=revision, version=times + 1)
            return Change(before, after)
    raise _busy(KeyRange(wanted.key))


def delete(session: Session, key: bytes, condition: Condition, check: bool) -> Change:
    """Let a key not exist; likewise."""
    where = KeyRange(key)
    check_writable(where)
    for _try in range(_TRIES):
        before = entries.one(session, key, READWRITE)
        if before is None:
            return Change(None, None)
        condition.check(where, before)
        if check or _swap(session, key, before, {"request_delete_range": where.request}, None):
            return Change(before, None)
    raise _busy(where)


def delete_all(session: Session, where: KeyRange, check: bool) -> tuple[Entry, ...]:
    """Delete a range of keys.

    :returns: those that were there, without their values.
    """
    check_writable(where)
    found = entries.read(session, Question(where, keys_only=True), READWRITE).entries
    if found and not check:
        try:
            with explained(session, READWRITE, where):
                session.client.call("KV.DeleteRange", where.request)
        except (TransportError, RpcError) as exc:
            if not outcome_unknown(exc) or entries.read(session, Question(where, count_only=True)).count:
                raise
    return found


def _swap(session: Session, key: bytes, before: Entry | None, act: Mapping[str, Any], due: Entry | None) -> int:
    """Do a write if the key is as it was seen; where its outcome is unknown, look whether it was made.

    :returns: the revision of the write; 0 where the key was changed meanwhile.
    """
    seen = before.mod_revision if before else 0
    compare = {"key": key, "target": "MOD", "result": "EQUAL", "mod_revision": seen}
    try:
        with explained(session, READWRITE, KeyRange(key)):
            answer = session.client.txn([compare], [act])
        return int(answer["revision"]) if answer["succeeded"] else 0
    except (TransportError, RpcError) as exc:
        if isinstance(exc, RpcError) and _NO_LEASE in exc.detail and due:
            raise gone(due.lease) from exc
        if not outcome_unknown(exc):
            raise
        now = entries.one(session, key)
        if due is None and now is None and before:
            return seen
        if due is None or now is None or now.mod_revision == seen or (now.value, now.lease) != (due.value, due.lease):
            raise
        return now.mod_revision


def _other(found: str) -> Refused:
    return Refused(
        found,
        "Another client has changed it since it was read, and would not notice that its value is gone.",
        "Read it again (etcd_key_info), and decide from what it holds now.",
        code="compare-failed",
    )


def _busy(where: KeyRange) -> Refused:
    return Refused(
        f"Other clients have changed {where} {_TRIES} times while it was to be written.",
        "None of their values was overwritten unseen.",
        "Run again once they are done.",
        code="compare-failed",
    )
