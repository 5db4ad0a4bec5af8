# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a lock counts as lost; what it does in etcd is shown on real etcd."""

from __future__ import annotations

import os
import platform
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.cluster_lock import Lock
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Etcd:
    """What the lock needs of a client: one key, and one lease."""

    endpoints = ("http://10.0.0.1:2379",)

    def __init__(self, clock: Clock, claim: float = 0.0) -> None:
        self._clock, self._claim = clock, claim
        self.key: dict[str, Any] | None = None
        self.leases: set[int] = set()
        self.answers = True

    def __enter__(self) -> Etcd:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def close(self) -> None:
        pass

    def read(self, _key: str) -> dict[str, Any]:
        if not self.answers:
            raise TransportError("http://10.0.0.1:2379", "nobody listens there.")
        return {"kvs": [self.key] if self.key else []}

    def lease_grant(self, ttl: int) -> dict[str, int]:
        self.leases.add(7)
        return {"lease": 7, "ttl": ttl}

    def lease_revoke(self, lease: int) -> None:
        self.leases.discard(lease)

    def txn(self, _compare: object, success: Any, _failure: object) -> dict[str, Any]:
        self._clock.now += self._claim
        if self.key:
            return {
                "succeeded": False,
                "responses": [{"response_range": self.read("")}, {"response_range": {"kvs": []}}],
            }
        put = success[0]["request_put"]
        self.key = {"value": put["value"], "lease": put["lease"]}
        return {"succeeded": True, "responses": []}


@pytest.fixture
def etcd(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Etcd:
    """An etcd that keeps one lease alive while nobody renews it."""
    etcd = Etcd(clock)
    monkeypatch.setattr(cluster_lock, "Client", lambda *_arguments: etcd)
    monkeypatch.setattr(cluster_lock, "_keep_alive", lambda *_arguments: None)
    return etcd


@pytest.fixture
def lock(clock: Clock) -> Lock:
    return Lock(20, clock.now, lambda: True, clock)


def hold(clock: Clock) -> Any:
    return cluster_lock.held(Etcd.endpoints, Credentials(), "a test", 0, clock)


def is_held(lock: Lock) -> bool:
    try:
        lock.check()
    except Refused:
        return False
    return True


def test_it_is_held_for_as_long_as_its_lease_lasts(lock: Lock, clock: Clock) -> None:
    clock.now += 19.9
    assert is_held(lock)
    clock.now += 0.1
    assert not is_held(lock)


def test_a_renewal_counts_from_when_it_was_asked_for(lock: Lock, clock: Clock) -> None:
    clock.now += 15
    lock.renewed(asked=clock.now - 5, left=20)
    clock.now += 14.9
    assert is_held(lock)
    clock.now += 0.1
    assert not is_held(lock)


def test_a_lease_that_lives_was_never_lost(lock: Lock, clock: Clock) -> None:
    clock.now += 30
    assert not is_held(lock)
    lock.renewed(asked=clock.now, left=20)
    assert is_held(lock)


def test_a_lease_that_is_gone_never_comes_back(lock: Lock, clock: Clock) -> None:
    lock.renewed(asked=clock.now, left=0)
    assert not is_held(lock)
    lock.renewed(asked=clock.now, left=20)
    assert not is_held(lock)


@pytest.mark.parametrize("revision", [0, 8])
def test_under_a_maintenance_it_is_held_only_while_that_has_the_revision_of_its_own(
    clock: Clock, revision: int
) -> None:
    found = {"revision": 7}
    lock = Lock(20, clock.now, lambda: True, clock, maintenance=7, maintained=lambda: found["revision"])
    lock.check()
    found["revision"] = revision
    with pytest.raises(Refused) as caught:
        lock.check()
    assert (caught.value.code, "etcd_maintenance_timeout" in caught.value.remedy) == ("maintenance-lost", True)


def test_whoever_lost_it_is_told_what_is_safe(lock: Lock, clock: Clock) -> None:
    clock.now += 20
    with pytest.raises(Refused) as caught:
        lock.check()
    assert caught.value.found == (
        "The cluster's turn lock (/quorum.etcd/turn) was lost: its lease could not be renewed within 20 s."
    )
    assert caught.value.remedy == "See that the members answer, then run again."


class TestInEtcd:
    def test_it_lasts_no_longer_than_its_lease_however_long_the_claim_took(self, etcd: Etcd, clock: Clock) -> None:
        etcd._claim = 16
        with hold(clock) as lock:
            clock.now += 3.9
            assert is_held(lock)
            clock.now += 0.1
            assert not is_held(lock)

    def test_a_machine_that_was_suspended_notices_that_its_key_is_gone(self, etcd: Etcd, clock: Clock) -> None:
        """Its clock stood still, so by that the lock lasts."""
        with hold(clock) as lock:
            assert is_held(lock)
            etcd.key = None
            assert not is_held(lock)

    def test_and_that_somebody_else_has_it_by_now(self, etcd: Etcd, clock: Clock) -> None:
        with hold(clock) as lock:
            etcd.key = {"value": b"another", "lease": 8}
            assert not is_held(lock)

    def test_who_gets_no_answer_goes_no_further(self, etcd: Etcd, clock: Clock) -> None:
        with hold(clock) as lock:
            etcd.answers = False
            with pytest.raises(TransportError):
                lock.check()

    @pytest.mark.parametrize("value", [b"", b"restart of etcd-host1"])
    def test_a_key_that_is_there_is_somebody_elses_whatever_it_says(
        self, etcd: Etcd, clock: Clock, value: bytes
    ) -> None:
        etcd.key = {"value": value, "lease": 8}
        with pytest.raises(Refused, match="Somebody else is at work on this cluster: ") as caught, hold(clock):
            pass
        assert "goes by itself within 20 seconds" in caught.value.remedy
        assert etcd.leases == set()

    def test_a_key_without_a_lease_does_not_go_by_itself(self, etcd: Etcd, clock: Clock) -> None:
        etcd.key = {"value": b"left by a copy", "lease": 0}
        with pytest.raises(Refused) as caught, hold(clock):
            pass
        assert caught.value.remedy == (
            "The key /quorum.etcd/turn has no lease, so it does not expire: it was copied from another cluster or "
            "written by hand. If nobody changes this cluster, remove it: etcdctl del /quorum.etcd/turn"
        )


def test_an_owner_is_told_by_act_process_and_host() -> None:
    text = cluster_lock.owner("restart of etcd-host1")
    assert text.startswith(f"restart of etcd-host1, by process {os.getpid()} on {platform.node()}, since 2")
    assert text.endswith(" UTC")
