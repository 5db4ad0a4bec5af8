# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All data are gone, and one host has a snapshot: one command, and all of it is there again."""

from __future__ import annotations

import json

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
RESTORE = ("--extra-vars", "etcd_confirm_cluster=etcd_cluster")


@pytest.fixture(scope="module")
def manifest(cluster):
    return json.loads(cluster.on("etcd-host1", "cat /var/lib/etcd-snapshots/*.json"))


@pytest.fixture(scope="module")
def before(cluster):
    return cluster.marker("etcd-host0")


@pytest.fixture(scope="module")
def refused(cluster, before):
    return cluster.play()


@pytest.fixture(scope="module")
def foreseen(cluster, refused):
    return cluster.play(*RESTORE, "--check", playbook="quorum.etcd.restore")


@pytest.fixture(scope="module")
def done(cluster, foreseen):
    return cluster.play(*RESTORE, playbook="quorum.etcd.restore")


def test_the_ordinary_playbook_founds_no_other_cluster_and_says_what_does(refused):
    assert refused.code != 0
    assert "quorum.etcd.restore -i INVENTORY -e etcd_confirm_cluster=etcd_cluster" in refused.said


def test_a_check_says_what_would_be_done(foreseen, manifest):
    assert foreseen.code == 0
    assert f"revision {manifest['revision']}" in foreseen.said


def test_it_is_one_new_cluster_of_the_same_members(done, before, cluster):
    assert done.code == 0
    assert set(cluster.voters("etcd-host0")) == set(HOSTS)
    for host in HOSTS:
        marker = cluster.marker(host)
        assert (marker["STATE"], marker["ORIGIN"]) == ("started", "restore")
        assert marker["CLUSTER_ID"] not in ("", before["CLUSTER_ID"])


def test_everything_up_to_the_snapshots_revision_is_there(done, cluster, manifest):
    verdict = cluster.verdict(up_to=manifest["revision"])
    assert "verdict: no acknowledged write is lost" in verdict
    assert "acknowledged: 0" not in verdict


def test_whoever_watched_the_old_cluster_is_told_that_its_past_is_gone(done, cluster, manifest):
    revision = json.loads(cluster.on("etcd-host0", "etcdctl endpoint status -w json"))[0]["Status"]["header"][
        "revision"
    ]
    assert revision >= manifest["revision"] + 1_000_000
    old = f"! timeout 20 etcdctl watch --rev {manifest['revision']} /quorum-writer --prefix 2>&1"
    assert "compacted" in cluster.on("etcd-host0", old)


def test_a_run_finds_nothing_to_do(done, cluster):
    assert cluster.play().found_nothing_to_do
