# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three members on one machine: each is an instance of its own, and a change restarts one after the other."""

from __future__ import annotations

import pytest
from scenario_machine import MACHINE, TOGETHER, outages, processes, voters


@pytest.fixture(scope="module")
def again(cluster):
    return cluster.play()


def test_all_are_voters(cluster):
    assert sorted(voters(cluster)) == ["etcd-host0", "etcd-host1", "etcd-host2"]


@pytest.mark.parametrize("at", [1, 2, 3])
def test_each_has_the_ports_of_the_guide_and_its_own_places(cluster, at):
    cluster.on(MACHINE, f"ss -Hltn | grep -q :{at}2379 && ss -Hltn | grep -q :{at}2380 && ss -Hltn | grep -q :{at}2381")
    cluster.on(
        MACHINE,
        f"test -d /var/lib/etcd{at}/member && test -f /etc/etcd{at}/etcd{at}.conf "
        f"&& test -f /etc/etcd{at}/ssl/etcd.pem && grep -q STATE=started /var/lib/quorum.etcd/etcd{at}/marker "
        f"&& systemctl is-active etcd{at}-snapshot.timer",
    )


@pytest.mark.parametrize("at", [1, 2, 3])
def test_each_etcdctl_asks_its_own_member(cluster, at):
    assert f":{at}2379" in cluster.on(MACHINE, f"etcdctl{at} endpoint health 2>&1")


def test_none_is_called_etcd_alone(cluster):
    cluster.on(MACHINE, "! systemctl cat etcd.service && test ! -e /etc/etcd && test ! -e /var/lib/etcd")


def test_releases_are_shared(cluster):
    assert len(cluster.on(MACHINE, "ls -d /opt/etcd/etcd-v*").split()) == 1


def test_a_second_run_finds_nothing_to_do_and_says_that_they_fail_together(again):
    assert again.found_nothing_to_do
    assert TOGETHER in again.said


@pytest.fixture(scope="module")
def change(cluster, again):
    before = processes(cluster, 3)
    return cluster.play("-e", '{"etcd_settings": {"snapshot-count": 5000}}'), before


def test_a_changed_setting_restarts_each_of_them(change, cluster):
    done, before = change
    assert done.code == 0
    assert len(done.taken) == 3
    assert not set(processes(cluster, 3)) & set(before)


def test_one_after_the_other(change, cluster):
    found = outages(cluster, 3)
    assert all(ready <= stopped for (_stop, ready), (stopped, _ready) in zip(found, found[1:])), found


def test_and_back(change, cluster):
    assert cluster.play().code == 0
