# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two machines of three are gone for good: the one that is left goes on alone, and the new ones join it."""

from __future__ import annotations

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
RECOVER = ("--extra-vars", "etcd_confirm_cluster=etcd_cluster")


@pytest.fixture(scope="module")
def before(cluster):
    return cluster.marker("etcd-host0")


@pytest.fixture(scope="module")
def refused(cluster, before):
    return cluster.play()


@pytest.fixture(scope="module")
def done(cluster, refused):
    return cluster.play(*RECOVER, playbook="quorum.etcd.recover")


def test_the_ordinary_playbook_says_that_the_quorum_is_lost_and_what_helps(refused):
    assert refused.code != 0
    assert "quorum.etcd.recover -i INVENTORY -e etcd_confirm_cluster=etcd_cluster" in refused.said


def test_all_are_members_of_one_cluster_again(done, cluster):
    assert done.code == 0
    assert set(cluster.voters("etcd-host0")) == set(HOSTS)
    assert len({cluster.marker(host)["CLUSTER_ID"] for host in HOSTS}) == 1


def test_what_the_one_had_is_there(done, cluster):
    assert "verdict: no acknowledged write is lost" in cluster.verdict()


def test_its_data_of_before_lie_aside(done, cluster):
    assert cluster.on("etcd-host0", "find /var/lib/etcd -maxdepth 1 -name 'member.*'")


def test_nothing_of_it_stays_in_a_file(done, cluster):
    cluster.on("etcd-host0", "! grep -ri force-new-cluster /etc/etcd /etc/systemd/system /var/lib/quorum.etcd")


def test_a_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
