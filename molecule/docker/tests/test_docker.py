# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member in a container of Docker starts and ends as its unit says, whatever is killed."""

from __future__ import annotations

import pytest
from scenario_cluster import ClusterBySsh

HOST = "etcd-host0"
CONTAINER = "quorum-etcd-etcd"
ETCD = "pgrep --exact etcd"
DAEMONS = "docker.socket docker.service containerd.service"
SERVES = "until systemctl is-active etcd && etcdctl endpoint health; do sleep 1; done"


@pytest.fixture(scope="module")
def cluster(inventory):
    return ClusterBySsh("docker", inventory)


def unit(cluster, name):
    return cluster.on(HOST, f"systemctl show etcd --property {name} --value").strip()


def containers(cluster):
    return cluster.on(HOST, "docker ps --all --format '{{.Names}}'").split()


def test_etcd_is_not_in_its_unit_and_is_found_all_the_same(cluster):
    assert "docker-" in cluster.on(HOST, f"cat /proc/$({ETCD})/cgroup")
    assert cluster.play().found_nothing_to_do
    assert "STATE=started" in cluster.on(HOST, "cat /var/lib/quorum.etcd/etcd/marker")


def test_systemd_starts_a_killed_process_again(cluster):
    before = cluster.on(HOST, ETCD)
    cluster.on(HOST, f"kill -9 $({ETCD})")
    cluster.on(HOST, SERVES)
    assert cluster.on(HOST, ETCD) != before


def test_where_its_command_is_killed_no_etcd_goes_on_behind_the_gates_back(cluster):
    """Docker goes on with the container. Its unit takes it away, and starts another one."""
    before = cluster.on(HOST, ETCD)
    cluster.on(HOST, f"kill -9 {unit(cluster, 'MainPID')}")
    cluster.on(HOST, "until systemctl show etcd --property SubState --value | grep -qv running; do sleep 0.1; done")
    cluster.on(HOST, SERVES)
    assert cluster.on(HOST, ETCD) != before
    assert containers(cluster) == [CONTAINER]


def test_it_serves_again_once_docker_was_restarted(cluster):
    cluster.on(HOST, "systemctl restart docker")
    cluster.on(HOST, SERVES)
    assert containers(cluster) == [CONTAINER]


def test_systemd_starts_one_again_that_docker_stopped(cluster):
    before = cluster.on(HOST, ETCD).strip()
    cluster.on(HOST, f"docker stop {CONTAINER}; while [ -d /proc/{before} ]; do sleep 0.1; done")
    cluster.on(HOST, SERVES)
    assert containers(cluster) == [CONTAINER]
    assert cluster.play().found_nothing_to_do


def test_nothing_is_started_beside_an_etcd_that_docker_has_left_behind(cluster):
    """Docker is dead, and its command with it. etcd goes on, and the run says that Docker is to be started."""
    before = cluster.on(HOST, ETCD)
    cluster.on(
        HOST, f"systemctl mask --runtime {DAEMONS} && kill -9 $(pgrep --exact dockerd) $(pgrep --exact containerd)"
    )
    cluster.on(HOST, "until [ $(systemctl show etcd --property MainPID --value) = 0 ]; do sleep 0.1; done")
    refused = cluster.play()
    assert refused.code != 0
    assert "Is the docker daemon running?" in refused.said
    assert cluster.on(HOST, ETCD) == before
    cluster.on(HOST, f"systemctl unmask --runtime {DAEMONS}")
    cluster.on(HOST, "systemctl restart docker.socket && systemctl start docker")
    cluster.on(HOST, SERVES)
    assert cluster.play().found_nothing_to_do
    assert cluster.on(HOST, ETCD) != before


def test_it_moves_to_an_archive_and_back(cluster):
    moved = cluster.play("--extra-vars", "etcd_install_method=archive etcd_archive_dir=")
    assert moved.code == 0
    assert cluster.on(HOST, f"readlink /proc/$({ETCD})/exe").strip() == "/opt/etcd/etcd-v3.6.14-linux-amd64/etcd"
    assert containers(cluster) == []
    assert cluster.play().code == 0
    assert containers(cluster) == [CONTAINER]
    assert cluster.play().found_nothing_to_do
