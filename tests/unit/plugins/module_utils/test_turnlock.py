# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a lock counts as lost; what it does in etcd is shown on real etcd."""

from __future__ import annotations

import os
import platform

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils import _turnlock
from ansible_collections.quorum.etcd.plugins.module_utils._errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._turnlock import Lock


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock(clock: Clock) -> Lock:
    return Lock(20, clock)


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


def test_whoever_lost_it_is_told_what_is_safe(lock: Lock, clock: Clock) -> None:
    clock.now += 20
    with pytest.raises(Refused) as caught:
        lock.check()
    assert caught.value.found == (
        "The cluster's turn lock (/quorum.etcd/turn) was lost: its lease could not be renewed within 20 s."
    )
    assert caught.value.remedy == "See that the members answer, then run again."


def test_an_owner_is_told_by_act_process_and_host() -> None:
    text = _turnlock.owner("restart of etcd-host1")
    assert text.startswith(f"restart of etcd-host1, by process {os.getpid()} on {platform.node()}, since 2")
    assert text.endswith(" UTC")
