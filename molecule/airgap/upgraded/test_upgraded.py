# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All members get another minor whose archive was brought once the plan had named it."""

from __future__ import annotations

import re
import shlex

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")


@pytest.fixture(scope="module")
def refused(cluster):
    return cluster.play("-e", "etcd_version=3.6.14")


@pytest.fixture(scope="module")
def fetched(cluster, refused):
    """The command of the refusal, as it stands."""
    command = re.search(r"ansible-playbook quorum\.etcd\.fetch -i INVENTORY (.+?)\. Then", refused.said)
    return cluster.play(*shlex.split(command[1]), playbook="quorum.etcd.fetch")


@pytest.fixture(scope="module")
def upgraded(cluster, fetched):
    return cluster.play("-e", "etcd_version=3.6.14")


def test_the_members_came_from_one_archive(cluster):
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
    for host in HOSTS:
        assert cluster.on(host, "ls /opt/etcd").split() == ["etcd-v3.5.33-linux-amd64"]


def test_what_is_missing_is_named_before_anything_is_touched(refused):
    assert refused.code != 0
    assert "lacks etcd-v3.6.14-linux-amd64.tar.gz" in refused.said
    assert refused.taken == []


def test_the_command_of_the_refusal_gets_it(fetched):
    assert fetched.code == 0


def test_all_members_get_the_other_minor(upgraded, cluster):
    assert (upgraded.code, sorted(upgraded.taken)) == (0, sorted(upgraded.planned))
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
    for host, process in cluster.processes(HOSTS).items():
        assert "3.6.14" in cluster.on(host, f"readlink /proc/{process}/exe")
