# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has a lock, who waits for it, and what becomes of those who give up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    EtcdError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._data import lock
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange
from ansible_collections.quorum.etcd.plugins.module_utils._data.lock import Ticket
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

NAME = "/locks/x"
OTHER = Entry(b"/locks/x/1", b'{"holder": "a play", "since": "noon"}', create_revision=5, lease=1)
GONE = TransportError("http://x:1", "connection refused.")


class Etcd:
    """The keys of one lock; what happens at each look at them is a list."""

    def __init__(self, *others: Entry, at_look: Mapping[int, Callable[[Etcd], None]] | None = None) -> None:
        self.line = list(others)
        self.leases: set[int] = set()
        self._at_look = at_look or {}
        self._looks = 0

    def call(self, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if method == "KV.Put":
            self.line.append(Entry(request["key"], request["value"], create_revision=9, lease=request["lease"]))
            return {}
        assert (method, request["sort_target"], request["limit"]) == ("KV.Range", "CREATE", 1)
        self._looks += 1
        self._at_look.get(self._looks, lambda _etcd: None)(self)
        return {"kvs": [vars(one) for one in sorted(self.line, key=lambda one: one.create_revision)[:1]]}

    def lease_grant(self, ttl: int, _lease: int) -> dict[str, int]:
        self.leases.add(0xABC)
        return {"lease": 0xABC, "ttl": ttl}

    def lease_revoke(self, lease: int) -> None:
        self.leases.discard(lease)
        self.line = [one for one in self.line if one.lease != lease]


def fails(error: EtcdError) -> Callable[[Etcd], None]:
    def fail(_etcd: Etcd) -> None:
        raise error

    return fail


def acquire(etcd: Etcd, wait: float = 60.0) -> tuple[Ticket, Entry, int]:
    session = Session(cast(Client, etcd), Credentials())
    return lock.acquire(session, NAME, {"holder": "me"}, 30, wait)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_POLL", 0.0)


def test_a_free_lock_is_taken() -> None:
    for wait in (0.0, 60.0):
        etcd = Etcd()
        ticket, entry, ttl = acquire(etcd, wait)
        assert (ticket.key, entry.create_revision, ttl) == (b"/locks/x/abc", 9, 30)
        assert lock.told_by(entry) == {"holder": "me"}
        assert etcd.leases == {0xABC}


def test_whoever_does_not_wait_writes_nothing() -> None:
    etcd = Etcd(OTHER)
    with pytest.raises(Refused, match="The lock /locks/x is held by a play, since noon"):
        acquire(etcd, 0.0)
    assert (etcd.line, etcd.leases) == ([OTHER], set())


def test_whoever_waits_has_it_when_the_others_are_gone() -> None:
    etcd = Etcd(OTHER, at_look={3: lambda etcd: etcd.line.remove(OTHER)})
    assert acquire(etcd)[0].lease == 0xABC


def test_whoever_gives_up_leaves_nothing_behind() -> None:
    for wait in (0.01, 60.0):
        etcd = Etcd(OTHER, at_look={3: fails(Refused("", "", "", code="x"))} if wait > 1 else None)
        with pytest.raises(Refused):
            acquire(etcd, wait)
        assert (etcd.line, etcd.leases) == ([OTHER], set())


def test_an_election_while_it_waits_is_no_failure() -> None:
    passing = RpcError("http://x:1", "KV.Range", 14, "Unavailable", "etcdserver: leader changed")
    etcd = Etcd(OTHER, at_look={1: fails(GONE), 2: fails(passing), 3: lambda etcd: etcd.line.remove(OTHER)})
    assert acquire(etcd)[0].lease == 0xABC


def test_what_does_not_pass_is_one() -> None:
    error = RpcError("http://x:1", "KV.Range", 3, "InvalidArgument", "etcdserver: key is not provided")
    with pytest.raises(RpcError):
        acquire(Etcd(OTHER, at_look={1: fails(error)}))


def test_a_lease_that_runs_out_while_it_waits_is_told() -> None:
    with pytest.raises(Refused) as caught:
        acquire(Etcd(at_look={1: lambda etcd: etcd.line.clear()}))
    assert caught.value.code == "task-lock-lost"


@pytest.mark.parametrize(
    "entry, said",
    [
        (OTHER, "held by a play, since noon"),
        (Entry(b"/locks/x/1", b"", create_revision=5, lease=1), "which does not say its name, since revision 5"),
        (Entry(b"/locks/x/1", b"[1]", create_revision=5, lease=1), "which does not say its name, since revision 5"),
        (Entry(b"/locks/x/1", b"", create_revision=5), "etcdctl del '/locks/x/1'"),
        (OTHER, "-a 'name=/locks/x state=released lease=1'"),
    ],
)
def test_the_owner_is_named(entry: Entry, said: str) -> None:
    assert said in str(lock.taken(NAME, entry))


@pytest.mark.parametrize("name", ["", "/", "//"])
def test_a_lock_has_a_name(name: str) -> None:
    with pytest.raises(BadInput, match="is no name for a lock"):
        lock.contenders(name)


def test_its_keys_are_those_of_etcdctl() -> None:
    assert lock.contenders(NAME) == KeyRange(b"/locks/x/", b"/locks/x0")
    assert Ticket(NAME, 0xABC).key == b"/locks/x/abc"
