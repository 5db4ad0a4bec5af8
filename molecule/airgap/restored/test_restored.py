# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot is restored, and the controller brings the release to a host that has lost it."""

from __future__ import annotations

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")


@pytest.fixture(scope="module")
def restored(cluster):
    cluster.on(HOSTS[0], "etcdctl put before the-restore")
    saved = cluster.play(playbook="quorum.etcd.snapshot")
    assert saved.code == 0
    cluster.on(HOSTS[0], "etcdctl put after the-snapshot")
    cluster.on(HOSTS[1], "rm -r /opt/etcd/etcd-v3.6.14-linux-amd64")
    arguments = ("-e", "etcd_confirm_cluster=etcd_cluster", "-e", "etcd_version=3.6.14")
    return cluster.play(*arguments, playbook="quorum.etcd.restore")


def test_the_cluster_serves_what_the_snapshot_has(restored, cluster):
    assert restored.code == 0
    assert "install etcd 3.6.14 on etcd-host1" in restored.planned
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
    for host in HOSTS:
        assert cluster.on(host, "etcdctl get before --print-value-only").strip() == "the-restore"
        assert cluster.on(host, "etcdctl get after --print-value-only").strip() == ""


def test_a_second_run_finds_nothing_to_do(restored, cluster):
    assert cluster.play("-e", "etcd_version=3.6.14").found_nothing_to_do
