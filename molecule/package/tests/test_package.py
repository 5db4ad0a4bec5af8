# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs are those of Debian's packages, and nothing of the packages themselves is on the hosts."""

from __future__ import annotations

import json
import re

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
PACKAGED = "/opt/etcd/etcd-v3.4.23-linux-amd64-package"
ARCHIVED = "/opt/etcd/etcd-v3.4.23-linux-amd64"


@pytest.fixture(scope="module")
def play(cluster):
    """Runs the playbook with some variables."""

    def played(*arguments, **variables):
        return cluster.play("--extra-vars", json.dumps(variables), *arguments)

    return played


def executables(cluster):
    """What each member's process runs."""
    return {
        host: cluster.on(host, f"readlink /proc/{process}/exe").strip()
        for host, process in cluster.processes(HOSTS).items()
    }


@pytest.fixture(scope="module")
def rejoined(play):
    return play()


@pytest.fixture(scope="module")
def from_packages(cluster, rejoined):
    return executables(cluster)


@pytest.fixture(scope="module")
def archived(play, from_packages):
    return play(etcd_install_method="archive")


@pytest.fixture(scope="module")
def from_archive(cluster, archived):
    return executables(cluster)


@pytest.fixture(scope="module")
def packaged(play, from_archive):
    return play()


@pytest.fixture(scope="module")
def back(cluster, packaged):
    return executables(cluster)


@pytest.fixture(scope="module")
def refused(play, back):
    return play(etcd_version="3.5.33")


@pytest.fixture(scope="module")
def upgraded(play, refused):
    return play(etcd_version="3.5.33", etcd_install_method="archive")


def test_a_member_that_lost_its_disk_is_replaced_with_the_release_of_the_others(rejoined, from_packages, cluster):
    assert rejoined.code == 0
    assert "install etcd 3.4.23 on etcd-host1" in rejoined.planned
    assert from_packages == dict.fromkeys(HOSTS, f"{PACKAGED}/etcd")
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)


def test_the_programs_are_those_of_the_packages(rejoined, cluster):
    for host in HOSTS:
        note = cluster.on(host, f"cat {PACKAGED}/packages")
        assert re.fullmatch(r"etcd-server (3\.4\.23-\S+)\netcd-client \1\n", note)
        assert sorted(cluster.on(host, f"ls {PACKAGED}").split()) == ["etcd", "etcdctl", "packages"]


def test_nothing_of_the_packages_is_installed_and_nothing_of_apt_was_changed(rejoined, cluster):
    for host in HOSTS:
        assert cluster.on(host, "dpkg -l 'etcd*' 2>/dev/null | grep -c ^ii || true").strip() == "0"
        cluster.on(host, "test ! -e /lib/systemd/system/etcd.service && test ! -e /var/lib/etcd/default")
        assert cluster.on(host, "ls /var/tmp | grep -c quorum || true").strip() == "0"
        assert cluster.on(host, "ls /opt/etcd").split() == [PACKAGED.rpartition("/")[2]]


def test_the_cluster_moves_to_the_archive_of_the_same_release_one_member_after_the_other(archived, from_archive):
    assert (archived.code, sorted(archived.taken)) == (0, sorted(archived.planned))
    assert len([step for step in archived.planned if ": restart, because" in step]) == 3
    assert from_archive == dict.fromkeys(HOSTS, f"{ARCHIVED}/etcd")


def test_the_cluster_moves_back_without_a_download(packaged, back):
    assert (packaged.code, packaged.taken) == (0, packaged.planned)
    assert not [step for step in packaged.planned if step.startswith("install")]
    assert back == dict.fromkeys(HOSTS, f"{PACKAGED}/etcd")


def test_a_second_run_finds_nothing_to_do(play, back):
    assert play().found_nothing_to_do


def test_a_release_that_apt_does_not_offer_is_refused_with_what_would_be_accepted(refused, back, cluster):
    assert refused.code != 0
    assert "Packages of etcd 3.5.33 are to be installed on etcd-host0, etcd-host1, etcd-host2" in refused.said
    assert "apt offers etcd-host0: 3.4.23-" in refused.said
    assert "etcd_install_method: archive" in refused.said
    assert executables(cluster) == back


def test_the_advice_is_accepted(upgraded, cluster):
    assert (upgraded.code, sorted(upgraded.taken)) == (0, sorted(upgraded.planned))
    assert executables(cluster) == dict.fromkeys(HOSTS, "/opt/etcd/etcd-v3.5.33-linux-amd64/etcd")
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
