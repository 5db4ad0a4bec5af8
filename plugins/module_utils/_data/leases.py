# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Leases: for how long keys live by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange, check_writable
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import READ, WRITE, Session, explained

_CANCELED = "context canceled"
# What a lease has to do with keys is not known before it was asked.
_ANY = KeyRange.beginning_with(b"")


@dataclass(frozen=True)
class Lease:
    """One lease.

    :param ttl: seconds that are left; -1 once it is gone.
    :param granted_ttl: seconds that each renewal gives it.
    :param keys: those that go with it.
    """

    id: int
    ttl: int
    granted_ttl: int
    keys: tuple[bytes, ...] = ()

    @property
    def exists(self) -> bool:
        return self.ttl >= 0 and self.granted_ttl > 0


def look(session: Session, lease: int) -> Lease:
    """Return a lease as it is now.

    :raises Refused: the user may not read a key on it.
    """
    with explained(session, READ, _ANY):
        found = session.client.call("Lease.LeaseTimeToLive", {"ID": lease, "keys": True})
    return Lease(lease, found["TTL"], found["grantedTTL"], tuple(found["keys"]))


def every(session: Session) -> list[int]:
    """Return the ids of all leases."""
    with explained(session, READ, _ANY):
        return [int(one["ID"]) for one in session.client.call("Lease.LeaseLeases")["leases"]]


def grant(session: Session, ttl: int, lease: int = 0) -> Lease:
    """Make a lease.

    :param lease: its id; etcd draws one if it is 0.
    """
    with explained(session, WRITE, _ANY):
        granted = session.client.lease_grant(ttl, lease)
    return Lease(granted["lease"], granted["ttl"], granted["ttl"])


def revoke(session: Session, lease: int, check: bool) -> Lease:
    """End a lease, and with it its keys.

    :returns: the lease as it was.
    :raises Refused: a key on it is not for tasks to delete, or the user may not.
    """
    found = look(session, lease)
    for key in found.keys:
        check_writable(KeyRange(key))
    if found.exists and not check:
        with explained(session, WRITE, KeyRange(found.keys[0]) if found.keys else _ANY):
            session.client.lease_revoke(lease)
    return found


def renew(session: Session, lease: int, timeout: float | None = None) -> int:
    """Renew a lease once.

    :param timeout: seconds; those of the client without it.
    :returns: the seconds that it lasts from now on; 0 if it is gone.
    """
    try:
        return session.client.lease_keep_alive(lease, timeout)
    except RpcError as exc:
        # etcd's gRPC proxy answers only while our half of the stream is open.
        if _CANCELED not in exc.detail:
            raise
    answers = session.client.stream("Lease.LeaseKeepAlive", {"ID": lease}, idle=timeout, stays_open=True)
    try:
        return max(0, int(next(answers)["TTL"]))
    except RpcError as exc:
        # The proxy ends the stream where a member says that the lease is gone.
        if exc.name == "NotFound" or not look(session, lease).exists:
            return 0
        raise
    finally:
        answers.close()


def gone(lease: int) -> Refused:
    """Return why nothing can be put on a lease."""
    return Refused(
        f"There is no lease {texts.lease_text(lease)}: it has run out, or was revoked.",
        "A key without it would stay for good.",
        "Grant one (etcd_lease, state: granted) and use its id.",
        code="lease-gone",
    )
