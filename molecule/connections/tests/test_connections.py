# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each of the three is a cluster of its own, on hosts of its kind."""

from __future__ import annotations

import pytest

MEMBERS = {
    "names": ["name0.etcd.test", "name1.etcd.test", "name2.etcd.test"],
    "six": ["six0", "six1", "six2"],
    "trixie": ["trixie0"],
}
#: What shows that a host is of its kind.
KIND = {
    "names": ("getent hosts name0.etcd.test name1.etcd.test name2.etcd.test | wc -l", "3"),
    "six": ("ip -4 address show dev eth0", ""),
    "trixie": (". /etc/os-release; echo $VERSION_ID", "13"),
}


@pytest.fixture
def address(host):
    """Here each host is called by its member's address, however Ansible reaches it."""
    return host.backend.get_pytest_id().split("://")[-1]


@pytest.fixture
def cluster(address):
    """The group of the host."""
    if address in MEMBERS["names"]:
        return "names"
    return "six" if ":" in address else "trixie"


def test_a_host_is_of_its_kind(run, cluster):
    command, shown = KIND[cluster]
    assert run(command).strip() == shown


def test_a_member_is_known_as_the_inventory_names_its_host(run, cluster, address):
    said = run("etcdctl member list && etcdctl endpoint health --cluster 2>&1").splitlines()
    members = dict(line.split(", ")[2:4] for line in said if "started" in line)
    assert sorted(members) == MEMBERS[cluster]
    assert f"https://{f'[{address}]' if ':' in address else address}:2380" in members.values()
    assert sum("is healthy" in line for line in said) == len(members)
