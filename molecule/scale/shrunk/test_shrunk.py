# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(etcd_member_state: absent) on all machines that the cluster began with, one of which leads: it has moved."""

from __future__ import annotations

import pytest

GONE = ("etcd-host0", "etcd-host1", "etcd-host2")
LEFT = ("etcd-host3", "etcd-host4", "etcd-host5")


@pytest.fixture(scope="module")
def processes(cluster):
    return cluster.processes(LEFT)


@pytest.fixture(scope="module")
def voters(cluster):
    """Who they are before the run."""
    return cluster.voters(LEFT[0])


@pytest.fixture(scope="module")
def done(cluster, processes, voters):
    return cluster.play()


def test_the_leader_leaves_last(done):
    steps = [f"take etcd-host{at} out, for good" for at in (1, 2, 0)]
    assert (done.code, done.planned, done.taken) == (0, steps, steps)


def test_those_who_stay_are_who_they_were(done, voters, cluster):
    assert cluster.voters(LEFT[0]) == {host: voters[host] for host in LEFT}


def test_those_who_stay_were_not_restarted(done, processes, cluster):
    assert cluster.processes(LEFT) == processes


@pytest.mark.parametrize("host", GONE)
def test_who_left_has_stopped_and_does_not_come_back(host, done, cluster):
    properties = "systemctl show etcd --property ActiveState,UnitFileState --value"
    assert cluster.on(host, properties).split() == ["inactive", "disabled"]


@pytest.mark.parametrize("host", GONE)
def test_who_left_remembers_that_it_was_removed(host, done, voters, cluster):
    marker = cluster.marker(host)
    assert (marker["STATE"], marker["MEMBER_ID"]) == ("removed", voters[host])


@pytest.mark.parametrize("host", GONE)
def test_the_gate_keeps_down_who_left(host, done, cluster):
    cluster.on(host, "! systemctl start etcd; systemctl stop etcd")
    assert "this member is not started." in cluster.on(host, "journalctl --unit etcd --no-pager | grep gate")


@pytest.mark.parametrize("host", GONE)
def test_the_data_of_who_left_lie_aside(host, done, cluster):
    assert cluster.on(host, "ls /var/lib/etcd").startswith("member.removed-")
    assert cluster.on(host, "ls /var/lib/etcd/member.removed-*/wal/*.wal")


def test_a_second_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
