# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members run in containers of podman like any others, move to archives and back one by one, and keep every write."""

from __future__ import annotations

import json

import pytest
from scenario_cluster import ClusterBySsh

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
CONTAINER = "quorum-etcd-etcd"
ETCD = "pgrep --exact etcd"
# No host has that address.
BROKEN = {"etcd_settings": {"listen-metrics-urls": "http://192.0.2.1:2381"}}


@pytest.fixture(scope="module")
def cluster(inventory):
    return ClusterBySsh("container", inventory)


def unit(cluster, host, *properties):
    """What systemd says of the member's unit."""
    shown = cluster.on(host, f"systemctl show etcd --property {','.join(properties)}")
    return dict(line.split("=", 1) for line in shown.splitlines())


def containers(cluster, host):
    return cluster.on(
        host, "podman ps --all --quiet | xargs -r podman inspect --format '{{.Name}} {{.State.Status}}'"
    ).splitlines()


@pytest.mark.parametrize("host", HOSTS)
class TestAMember:
    def test_is_the_etcd_in_a_container_of_its_unit(self, host, cluster):
        assert containers(cluster, host) == [f"{CONTAINER} running"]
        process = cluster.on(host, ETCD).strip()
        assert "/etcd.service/" in cluster.on(host, f"cat /proc/{process}/cgroup")
        assert unit(cluster, host, "MainPID")["MainPID"] != process

    def test_may_do_nothing_but_what_etcd_does(self, host, cluster):
        status = cluster.on(host, f"cat /proc/$({ETCD})/status")
        assert "CapBnd:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        owner = cluster.on(host, "id -u etcd").strip()
        assert f"Uid:\t{owner}\t{owner}" in status
        assert " / ro," in cluster.on(host, f"cat /proc/$({ETCD})/mountinfo")

    def test_logs_into_the_journal_of_its_unit(self, host, cluster):
        assert '"msg"' in cluster.on(host, "journalctl --unit etcd --lines 5 --output cat")

    def test_has_the_tools_of_its_release_beside(self, host, cluster):
        assert "3.6.14" in cluster.on(host, "etcdctl version && etcdutl version")


def test_a_process_says_which_runtime_and_release_it_is_of(cluster):
    for host in HOSTS:
        environment = cluster.on(host, f"tr '\\0' '\\n' </proc/$({ETCD})/environ")
        assert "QUORUM_ETCD_RUNTIME=podman" in environment
        assert "QUORUM_ETCD_RELEASE=/opt/etcd/etcd-v3.6.14-linux-amd64-container" in environment


@pytest.fixture(scope="module")
def killed(cluster):
    """One process was killed, and one container stopped by podman itself."""
    before = cluster.on(HOSTS[1], ETCD).strip()
    # One after the other: two of three would be the quorum.
    cluster.on(HOSTS[1], f"kill -9 {before}; while [ -d /proc/{before} ]; do sleep 0.1; done")
    cluster.on(HOSTS[1], "until systemctl is-active etcd && etcdctl endpoint health; do sleep 1; done")
    stopped = cluster.on(HOSTS[2], ETCD).strip()
    cluster.on(HOSTS[2], f"podman stop {CONTAINER}; while [ -d /proc/{stopped} ]; do sleep 0.1; done")
    cluster.on(HOSTS[2], "until systemctl is-active etcd && etcdctl endpoint health; do sleep 1; done")
    return {host: unit(cluster, host, "ActiveState", "NRestarts") for host in HOSTS}


def test_systemd_starts_a_killed_process_again(killed):
    assert killed[HOSTS[1]] == {"ActiveState": "active", "NRestarts": "1"}


def test_systemd_starts_a_container_again_that_podman_stopped(killed):
    assert killed[HOSTS[2]] == {"ActiveState": "active", "NRestarts": "1"}


@pytest.fixture(scope="module")
def seen_again(cluster, killed):
    return cluster.play()


def test_the_next_run_has_nothing_to_do(seen_again):
    assert seen_again.found_nothing_to_do


@pytest.fixture(scope="module")
def drilled(cluster, seen_again):
    """Their snapshot is saved and tried."""
    return cluster.play(playbook="quorum.etcd.snapshot"), cluster.play(playbook="quorum.etcd.drill")


def test_a_snapshot_is_saved_and_can_be_restored(drilled):
    assert [run.code for run in drilled] == [0, 0]


@pytest.fixture(scope="module")
def broken(cluster, drilled):
    return cluster.play("--extra-vars", json.dumps(BROKEN))


def test_an_update_with_which_etcd_ends_is_undone(broken, cluster):
    assert broken.code != 0
    assert "failed and was undone: it serves again with its previous files" in broken.said
    assert "cannot assign requested address" in broken.said
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)


@pytest.fixture(scope="module")
def in_archives(cluster, broken):
    return cluster.play("--extra-vars", "etcd_install_method=archive etcd_archive_dir=")


@pytest.fixture(scope="module")
def programs(cluster, in_archives):
    return {host: cluster.on(host, f"readlink /proc/$({ETCD})/exe").strip() for host in HOSTS}


def test_members_move_to_archives_one_after_the_other(in_archives, programs, cluster):
    assert in_archives.code == 0
    updates = [step for step in in_archives.taken if ": restart" in step]
    assert sorted(step.split(":")[0] for step in updates) == list(HOSTS)
    assert set(programs.values()) == {"/opt/etcd/etcd-v3.6.14-linux-amd64/etcd"}
    assert [containers(cluster, host) for host in HOSTS] == [[], [], []]


@pytest.fixture(scope="module")
def pruned(cluster, programs):
    """Nothing runs out of the image now, and its archive gave it no name."""
    return {
        host: cluster.on(host, "podman image prune --force && podman images --format '{{.Names}}'") for host in HOSTS
    }


def test_an_image_that_nothing_runs_out_of_is_not_pruned(pruned):
    assert [found.strip() for found in pruned.values()] == ["[localhost/quorum-etcd:v3.6.14]"] * len(HOSTS)


@pytest.fixture(scope="module")
def back(cluster, pruned):
    return cluster.play()


def test_and_back_into_containers(back, cluster):
    assert back.code == 0
    assert len([step for step in back.taken if ": restart" in step]) == len(HOSTS)
    assert [containers(cluster, host) for host in HOSTS] == [[f"{CONTAINER} running"]] * len(HOSTS)
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)


def test_then_nothing_is_left_to_do(back, cluster):
    assert cluster.play().found_nothing_to_do
