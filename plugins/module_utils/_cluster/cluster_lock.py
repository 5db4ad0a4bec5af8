# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One actor at a time: the lock under which an act on a cluster looks, acts and waits.

It is one key in etcd itself, C(/quorum.etcd/turn), whose value names the owner. It is bound to a lease that a thread of
the owner's process keeps alive, so that it goes by itself when that process dies. Nobody gets it while the hosts are
under somebody else's maintenance (C(_model.maintenance_key)): both keys are compared in the transaction that makes it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    AGAIN,
    EtcdError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard, maintenance_key, maintenance_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, outcome_unknown

KEY = "/quorum.etcd/turn"

#: Seconds that the lock outlives its owner's process.
TTL = 20

#: Seconds to wait for it: a few turns of others.
WAIT = 300.0

_POLL = 0.2
# Half of all members must answer for the lease to live, and each that does not may cost this many seconds.
_RENEWAL_TIMEOUT = 2.0

_NO_SPACE = "database space exceeded"

# etcd's texts for the alarms under which it takes no writes (server/etcdserver/errors/errors.go) -> the code of the
# refusal, what was found, what is safe then.
_ALARMS = {
    _NO_SPACE: (
        "alarm-nospace",
        "The cluster has the alarm NOSPACE: its database has reached its quota.",
        "Reclaim the space (ansible-playbook quorum.etcd.reclaim -i INVENTORY): it compacts, defragments one member "
        "after the other and disarms the alarm. Then run again. Where that is too little, let a run raise "
        "quota-backend-bytes (etcd_settings) and change nothing else first: that needs no lock.",
    ),
    "corrupt cluster": (
        "data-corrupt",
        "The cluster has the alarm CORRUPT: the data of its members differ.",
        "Compare them (etcdctl endpoint hashkv --cluster) and take a snapshot of one that is right before anything "
        "else; once the alarm is disarmed (etcdctl alarm disarm), replace the other.",
    ),
}

# Its answer to a write while leadership moves; the write was not made.
_DROPPED = "raft proposal dropped"


class NoSpace(Refused):
    """Nobody can have the lock, because etcd grants no lease under NOSPACE. Nobody had it when it was asked for."""


class Busy(Refused):
    """Somebody else has the lock.

    :param holder: who, by the key's value.
    """

    def __init__(self, found: str, danger: str, remedy: str, holder: str) -> None:
        super().__init__(found, danger, remedy, code="lock-held")
        self.holder = holder


class Lock:
    """A lock that is held, as far as this process knows.

    :param ttl: seconds that its lease lasts after each renewal.
    :param granted: when its lease was asked for, on the clock: it may run out that long after, not later.
    :param is_ours: ask etcd whether the key is still this owner's.
    :param clock: seconds that only ever grow.
    :param lease: that lease. Whatever else lies on it is gone with the lock.
    :param maintenance: the revision at which the owner's maintenance key was made; 0 where there is none.
    :param maintained: ask etcd for the revision of that key; 0 without one.
    """

    def __init__(
        self,
        ttl: float,
        granted: float,
        is_ours: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        lease: int = 0,
        maintenance: int = 0,
        maintained: Callable[[], int] = lambda: 0,
    ) -> None:
        self.lease = lease
        self.maintenance = maintenance
        self._maintained = maintained
        self._clock = clock
        self._ttl = ttl
        self._until = granted + ttl
        self._is_ours = is_ours
        self._gone = False

    def renewed(self, asked: float, left: int) -> None:
        """Take down what etcd said of the lease.

        :param asked: when it was asked, on the clock.
        :param left: seconds that the lease lasts; 0 if it is gone.
        """
        self._gone = self._gone or left <= 0
        self._until = asked + left

    def check(self) -> None:
        """Is it still held? Ask before each step that must not happen beside somebody else's.

        The clock alone does not tell: it stands still while the machine is suspended, and the lease runs out.

        :raises Refused: its lease has run out, or could not be renewed for as long as it lasts.
        :raises EtcdError: etcd does not say whether it is still held.
        """
        lasts = self._clock() < self._until
        self._gone = self._gone or (lasts and not self._is_ours())
        if self._gone or not lasts:
            raise Refused(
                f"The cluster's turn lock ({KEY}) was lost: its lease could not be renewed within {self._ttl:g} s.",
                "Somebody else may be changing this cluster by now.",
                "See that the members answer, then run again.",
                code="lock-lost",
            )
        if self.maintenance and self._maintained() != self.maintenance:
            raise Refused(
                f"The maintenance of this cluster's hosts ({maintenance_key.KEY}) is no longer ours: its lease "
                "has run out, or somebody has ended it.",
                "Somebody else may be changing this cluster by now.",
                "Run again: it goes on from what it finds. If the lease was too short, raise etcd_maintenance_timeout.",
                code="maintenance-lost",
            )


def owner(act: str) -> str:
    """Who holds the lock, for people: C(restart of etcd-host1, by process 123 on etcd-host1, since 12:00:00 UTC)."""
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return f"{act}, by process {os.getpid()} on {platform.node()}, since {since}"


@contextlib.contextmanager
def held(
    endpoints: Sequence[str],
    credentials: Credentials,
    owner: str,
    wait: float = WAIT,
    clock: Callable[[], float] = time.monotonic,
    maintenance: int = 0,
) -> Iterator[Lock]:
    """Hold the cluster's lock.

    :param endpoints: client URLs of members, best of those that the act itself leaves running. They may be away for a
        while: the lock lasts as long as its lease.
    :param owner: see C(owner).
    :param wait: seconds to wait for somebody else.
    :param maintenance: the revision at which the caller's own maintenance key was made; 0 where there must be none.
    :raises NoSpace: etcd takes no writes, for its database has reached its quota.
    :raises Busy: somebody else holds it (named).
    :raises Refused: the hosts are under somebody else's maintenance, which is not waited for; no quorum, or another
        alarm under which etcd takes no writes.
    :raises EtcdError: etcd's own answer, where it refuses for another reason.
    """
    with Client(endpoints, credentials, queries.TIMEOUT) as client:
        lease, ttl, granted = _acquire(client, credentials, _Claim(owner, maintenance), Deadline(wait), clock)
        # A member that stops waits up to seven seconds for whoever is still connected.
        client.close()
        lock = Lock(
            ttl, granted, lambda: _is_ours(client, lease), clock, lease, maintenance, lambda: _maintained(client)
        )
        ended = threading.Event()
        keeper = threading.Thread(
            target=_keep_alive, args=(client.endpoints, credentials, lease, lock, ended), name="turn lock", daemon=True
        )
        keeper.start()
        try:
            yield lock
        finally:
            ended.set()
            keeper.join()
            _revoke(client, lease)


class _Claim(NamedTuple):
    """Who wants the key.

    :param owner: its value.
    :param maintenance: see C(held).
    """

    owner: str
    maintenance: int


class _Holder(NamedTuple):
    """Who has the key.

    :param name: what its value says.
    :param lease: the lease on which it lies; 0 for none.
    """

    name: str
    lease: int

    def refusal(self) -> Busy:
        """Why nobody else may act now, and what is safe."""
        found = f"Somebody else is at work on this cluster: {self.name or '(no name)'}."
        danger = "Two at once could stop more members than the cluster can spare."
        if self.lease:
            return Busy(
                found,
                danger,
                f"Run again when that has ended. If its process is gone, its lock goes by itself within {TTL} seconds.",
                self.name,
            )
        return Busy(
            found,
            danger,
            f"The key {KEY} has no lease, so it does not expire: it was copied from another cluster or written by "
            f"hand. If nobody changes this cluster, remove it: etcdctl del {KEY}",
            self.name,
        )


def _acquire(
    client: Client, credentials: Credentials, claim: _Claim, deadline: Deadline, clock: Callable[[], float]
) -> tuple[int, int, float]:
    """The lease with the key on it, the seconds that it lasts, and when it was asked for."""
    while True:
        try:
            # Those who wait write nothing.
            holder = _holder_in(client.read(KEY))
            if holder is None:
                # The lease runs from its grant, which is later than this.
                asked = clock()
                lease, ttl, holder = _try(client, claim)
                if holder is None:
                    return lease, ttl, asked
            if not deadline.left():
                raise holder.refusal()
        except (TransportError, RpcError) as exc:
            _explain(exc, client, credentials, claim, bool(deadline.left()))
        time.sleep(min(_POLL, deadline.left()))


def _try(client: Client, claim: _Claim) -> tuple[int, int, _Holder | None]:
    """A lease with the key on it; or else who has the key, and no lease."""
    granted = client.lease_grant(TTL)
    lease = granted["lease"]
    try:
        holder = _make(client, claim, lease)
    except EtcdError:
        # A transaction that is still on its way fails without its lease.
        _revoke(client, lease)
        raise
    if holder is not None:
        _revoke(client, lease)
    return lease, granted["ttl"], holder


def _make(client: Client, claim: _Claim, lease: int) -> _Holder | None:
    """Make the key if it is not there, and nobody else maintains the hosts.

    :returns: who has it, if that is somebody else.
    :raises Refused: somebody else maintains the hosts, or the maintenance that was the caller's is gone.
    """
    key, maintained = KEY.encode(), maintenance_key.KEY.encode()
    free = [created(key, 0), created(maintained, claim.maintenance)]
    make = {"request_put": {"key": key, "value": claim.owner.encode(), "lease": lease}}
    try:
        answer = client.txn(free, [make], [{"request_range": {"key": one}} for one in (key, maintained)])
        if answer["succeeded"]:
            return None
        turn, other = (one["response_range"] for one in answer["responses"])
        holder = _holder_in(turn)
        if holder is None:
            raise _maintenance_refusal(other)
        return holder
    except (TransportError, RpcError) as exc:
        if not outcome_unknown(exc):
            raise
        holder = _holder_in(client.read(KEY))
        if holder is None:
            raise
        return None if holder.lease == lease else holder


def created(key: bytes, revision: int) -> dict[str, Any]:
    """The condition that a key was made at a revision; at 0 that it is not there."""
    return {"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": revision}


def _maintenance_refusal(found: Mapping[str, Any]) -> Refused:
    holder = maintenance_key.holder_in(found["kvs"])
    if holder is not None:
        return maintenance_refusals.of_holder(holder)
    return Refused(
        f"The maintenance of this cluster's hosts ({maintenance_key.KEY}) was ended meanwhile, or its lease has "
        "run out.",
        "Somebody else may have changed this cluster since.",
        AGAIN,
        code="maintenance-lost",
    )


def _check_maintenance(client: Client, claim: _Claim) -> None:
    holder = maintenance_key.holder_in(client.read(maintenance_key.KEY)["kvs"])
    if holder is not None and holder.revision != claim.maintenance:
        raise maintenance_refusals.of_holder(holder)


def _holder_in(found: Mapping[str, Any]) -> _Holder | None:
    return next((_Holder(one["value"].decode("utf-8", "replace"), one["lease"]) for one in found["kvs"]), None)


def _is_ours(client: Client, lease: int) -> bool:
    holder = _holder_in(client.read(KEY))
    client.close()
    return holder is not None and holder.lease == lease


def _maintained(client: Client) -> int:
    holder = maintenance_key.holder_in(client.read(maintenance_key.KEY)["kvs"])
    client.close()
    return holder.revision if holder is not None else 0


def _revoke(client: Client, lease: int) -> None:
    # Whatever prevents it, the lease runs out by itself.
    with contextlib.suppress(EtcdError):
        client.lease_revoke(lease)


def _explain(error: EtcdError, client: Client, credentials: Credentials, claim: _Claim, may_pass: bool) -> None:
    """Return if it may be over at the next try, such as an election; else raise what is the matter."""
    for text, (code, found, remedy) in _ALARMS.items():
        if isinstance(error, RpcError) and text in error.detail:
            if text == _NO_SPACE:
                # Some acts go on then.
                _check_maintenance(client, claim)
            kind = NoSpace if text == _NO_SPACE else Refused
            danger = "It takes no writes, so nobody can be kept from acting at the same time."
            raise kind(found, danger, remedy, code=code) from error
    passing = isinstance(error, TransportError) or outcome_unknown(error) or _DROPPED in str(error)
    if not passing:
        raise error
    guard.check_quorum(queries.votes(client.endpoints, credentials))
    if not may_pass:
        raise error


def _keep_alive(
    endpoints: Sequence[str], credentials: Credentials, lease: int, lock: Lock, ended: threading.Event
) -> None:
    with Client(endpoints, credentials, _RENEWAL_TIMEOUT) as client:
        while not ended.wait(TTL / 5):
            asked = time.monotonic()
            # Who cannot be reached now may be in a moment; until then the lease lasts.
            with contextlib.suppress(EtcdError):
                lock.renewed(asked, client.lease_keep_alive(lease))
                # A member that the act has started may wait for it.
                queries.lengthen_log(client)
            client.close()
