# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For how long a lease is renewed, and which process may be ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._data import renewer
from ansible_collections.quorum.etcd.plugins.module_utils._data.renewer import Process


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def kept(
    renew: Callable[[int], int], max_hold: float, goes_on: Callable[[float], bool] = lambda _now: True
) -> tuple[list[float], float]:
    """When it was renewed, and when that ended, with a lease of 30 seconds."""
    clock, renewed = Clock(), list[float]()

    def one() -> int:
        renewed.append(clock.now - 100.0)
        return renew(len(renewed))

    renewer.keep(one, lambda: goes_on(clock.now - 100.0), 30.0, max_hold, clock, clock.sleep)
    return renewed, clock.now - 100.0


def test_it_is_renewed_three_times_while_it_lasts_until_the_longest_time() -> None:
    renewed, end = kept(lambda _times: 30, 45.0)
    assert renewed == [10.0, 20.0, 30.0, 40.0]
    assert end == 45.0


def test_a_lease_that_is_gone_ends_it() -> None:
    assert kept(lambda times: 30 if times < 3 else 0, 3600.0) == ([10.0, 20.0, 30.0], 30.0)


def test_it_ends_with_the_play() -> None:
    assert kept(lambda _times: 30, 3600.0, lambda now: now < 15.0) == ([10.0], 15.0)


def test_what_cannot_be_reached_is_asked_again_at_once() -> None:
    def renew(times: int) -> int:
        if times in (2, 3):
            raise TransportError("http://x:1", "connection refused.")
        return 30

    renewed, _end = kept(renew, 45.0)
    assert renewed == [10.0, 20.0, 21.0, 22.0, 32.0, 42.0]


class TestAProcess:
    def test_is_this_one_while_it_runs(self) -> None:
        with subprocess.Popen(["sleep", "60"]) as child:
            process = Process.of(child.pid)
            assert process.is_here
            assert process.runs
            child.kill()
            # Nobody has asked for its end yet.
            while process.runs:
                pass
        assert not process.runs

    def test_is_no_other_that_has_its_number_later(self) -> None:
        process = Process.of(os.getpid())
        assert process.runs
        assert not Process(process.pid, "1", process.machine).runs
        assert not Process(process.pid, "", process.machine).runs

    def test_of_another_machine_is_not_seen(self) -> None:
        process = Process.of(os.getpid())
        assert not Process(process.pid, process.started, "another").is_here
        assert not Process(process.pid, process.started, "").is_here

    def test_is_read_as_it_is_noted(self) -> None:
        process = Process.of(os.getpid())
        assert Process.from_dict(process.to_dict()) == process

    @pytest.mark.parametrize("noted", [{}, {"pid": 1}, {"pid": "x", "started": "1", "machine": "m"}, {"pid": None}])
    def test_is_none_where_nothing_was_noted(self, noted: dict[str, object]) -> None:
        assert Process.from_dict(noted) is None


def test_only_a_process_with_the_name_of_the_lease_is_ended() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert not renewer.end(Process.of(child.pid), 0x1234)
        assert not renewer.end(None, 0x1234)
        assert child.poll() is None
        child.kill()


def test_its_name_fits_into_a_list_of_processes() -> None:
    assert renewer.title(0x694D8A9E4F5C1A02) == "etcd_lock.c1a02"
    assert len(renewer.title(1)) == 15
