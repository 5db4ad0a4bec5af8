# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A lock for tasks that must not run twice, in the way of etcd's own ``concurrency`` package.

Whoever wants it makes a key ``NAME/LEASE`` on a lease of its own. The oldest key below ``NAME/`` has the lock, and the
revision that made it is the fencing token: each later owner has a higher one. ``etcdctl lock NAME`` does the same, and
waits for a task as a task waits for it. It has nothing to do with the lock of the cluster's own changes.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    EtcdError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._data import leases, texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange, check_writable
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import READWRITE, Session, explained, may_pass
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import outcome_unknown

_POLL = 0.3


@dataclass(frozen=True)
class Ticket:
    """One contender's key.

    :param name: of the lock.
    :param lease: on which the key lies, and after which it is called, in hexadecimal.
    """

    name: str
    lease: int

    @property
    def key(self) -> bytes:
        return f"{self.name}/{self.lease:x}".encode()


def contenders(name: str) -> KeyRange:
    """Return where the keys of a lock lie.

    :raises BadInput: no name.
    :raises Refused: they would lie among reserved ones.
    """
    if not name.strip("/"):
        raise BadInput(f"name {name!r} is no name for a lock; give one such as /locks/deploy.")
    where = KeyRange.beginning_with(f"{name}/".encode())
    check_writable(where)
    return where


def owner(session: Session, where: KeyRange) -> Entry | None:
    """Return the oldest key; None while the lock is free."""
    request = {**where.request, "sort_order": "ASCEND", "sort_target": "CREATE", "limit": 1}
    with explained(session, READWRITE, where):
        found = session.client.call("KV.Range", request)["kvs"]
    return Entry.of(found[0]) if found else None


def acquire(session: Session, name: str, told: dict[str, Any], ttl: int, wait: float) -> tuple[Ticket, Entry, int]:
    """Wait for the lock, and take it.

    :param told: who asks, for others: ``holder`` and ``since``.
    :param ttl: seconds that it lasts when nothing renews it any more.
    :param wait: seconds to wait for its present owner.
    :returns: the ticket, its key in etcd, and the seconds of the lease, which etcd may have raised.
    :raises Refused: another has it (named), or the user may not.
    :raises EtcdError: no answer.
    """
    where, deadline = contenders(name), Deadline(wait)
    if not wait:
        # Nobody else has to wait for whoever does not wait.
        held_by = owner(session, where)
        if held_by is not None:
            raise taken(name, held_by)
    with explained(session, READWRITE, where):
        lease = leases.grant(session, ttl)
    ticket = Ticket(name, lease.id)
    try:
        with explained(session, READWRITE, where):
            _stand_in_line(session, ticket, told)
        return ticket, _wait(session, ticket, where, lease.ttl, deadline), lease.ttl
    except BaseException:
        with contextlib.suppress(EtcdError):
            session.client.lease_revoke(lease.id)
        raise


def _stand_in_line(session: Session, ticket: Ticket, told: dict[str, Any]) -> None:
    try:
        session.client.call("KV.Put", _written(ticket, told))
    except (TransportError, RpcError) as exc:
        # The lease is nobody else's: to write the key once more changes nothing but its last revision.
        if not outcome_unknown(exc):
            raise
        session.client.call("KV.Put", _written(ticket, told))


def _written(ticket: Ticket, told: dict[str, Any]) -> dict[str, Any]:
    return {"key": ticket.key, "value": json.dumps(told).encode(), "lease": ticket.lease}


def _wait(session: Session, ticket: Ticket, where: KeyRange, ttl: int, deadline: Deadline) -> Entry:
    renewal = Deadline(ttl / 3)
    while True:
        try:
            first = owner(session, where)
            if first is not None and first.key == ticket.key:
                return first
            if first is None:
                raise lost(ticket)
            if not deadline.left():
                raise taken(ticket.name, first)
            if not renewal.left():
                if not leases.renew(session, ticket.lease):
                    raise lost(ticket)
                renewal.renew()
        except (TransportError, RpcError) as exc:
            if not may_pass(exc) or not deadline.left():
                raise
        time.sleep(min(_POLL, deadline.left()))


def tell(session: Session, ticket: Ticket, told: dict[str, Any]) -> None:
    """Say more of the owner; the key keeps the revision that made it.

    :raises Refused: the lock was lost meanwhile.
    """
    compare = {"key": ticket.key, "target": "LEASE", "result": "EQUAL", "lease": ticket.lease}
    with explained(session, READWRITE, KeyRange(ticket.key)):
        answer = session.client.txn([compare], [{"request_put": _written(ticket, told)}])
    if not answer["succeeded"]:
        raise lost(ticket)


def prove(session: Session, ticket: Ticket, renews: bool) -> tuple[Entry, int]:
    """Prove that the lock is held, by a quorum.

    :param renews: whether to renew the lease first, so that the lock lasts that long from now on.
    :returns: the key, and the seconds that its lease lasts.
    :raises Refused: it is lost.
    """
    where = contenders(ticket.name)
    # What is left is told in whole seconds: less than one is not yet nothing.
    left = (leases.renew(session, ticket.lease) or -1) if renews else leases.look(session, ticket.lease).ttl
    first = owner(session, where) if left >= 0 else None
    if first is None or first.key != ticket.key:
        raise lost(ticket)
    return first, left


def release(session: Session, ticket: Ticket, check: bool) -> Entry | None:
    """Give the lock back.

    :returns: what its key said; None where it was lost before.
    """
    contenders(ticket.name)
    with explained(session, READWRITE, KeyRange(ticket.key)):
        found = session.client.read(ticket.key)["kvs"]
        if not found or found[0]["lease"] != ticket.lease:
            return None
        if not check:
            session.client.lease_revoke(ticket.lease)
    return Entry.of(found[0])


def told_by(entry: Entry) -> dict[str, Any]:
    """Return what an owner says of itself; nothing where another program has made the key."""
    with contextlib.suppress(ValueError):
        told = json.loads(entry.value)
        if isinstance(told, dict):
            return told
    return {}


def since(clock: Callable[[], float] = time.time) -> str:
    """Return the time, as owners tell it."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(clock()))


def taken(name: str, first: Entry) -> Refused:
    """Return who has the lock, and since when."""
    told = told_by(first)
    lease = texts.lease_text(first.lease)
    who = f"{told.get('holder') or 'another program, which does not say its name'}"
    when = f", since {told['since']}" if told.get("since") else f", since revision {first.create_revision}"
    free = (
        f"If its play is gone, the lock goes by itself once nothing renews it; at once: "
        f"ansible HOST -m quorum.etcd.etcd_lock -a 'name={name} state=released lease={lease}' with the same "
        "connection options."
        if lease
        else f"Its key lies on no lease and does not go by itself. If nothing runs under it: "
        f"etcdctl del '{texts.for_people(first.key)}'"
    )
    return Refused(
        f"The lock {name} is held by {who}{when}.",
        "The tasks under it must not run twice at the same time.",
        f"Run again when that has ended, or wait longer (wait, in seconds). {free}",
        code="task-lock-held",
    )


def lost(ticket: Ticket) -> Refused:
    """Return that the lock is not held any more."""
    return Refused(
        f"The lock {ticket.name} is lost: there is no key {ticket.key.decode()} any more, or it is not the oldest.",
        "Another may have it by now, and what was to be done under it alone may be done twice.",
        "Stop here. See what was done since the lock was acquired, then acquire it again. It lasts longer without a "
        "renewal with a larger ttl, and longer in all with a larger max_hold.",
        code="task-lock-lost",
    )
