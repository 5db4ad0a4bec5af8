# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each of the three is a cluster of its own, and reached as its inventory says."""

from __future__ import annotations

import pytest

NAMES = [f"name{number}.etcd.test" for number in range(3)]


def members(run):
    """Name -> peer URL of the members, as one of them tells them."""
    lines = run("etcdctl member list").splitlines()
    return dict(line.split(", ")[2:4] for line in lines)


@pytest.mark.testinfra_hosts("ansible://names?force_ansible=True")
def test_members_are_known_by_their_names(run):
    assert members(run) == {name: f"https://{name}:2380" for name in NAMES}
    assert run("etcdctl endpoint health --cluster 2>&1").count("is healthy") == 3


@pytest.mark.testinfra_hosts("ansible://six?force_ansible=True")
def test_members_without_ipv4_serve(run, address):
    found = members(run)
    assert sorted(found) == ["six0", "six1", "six2"]
    assert f"https://[{address}]:2380" in found.values()
    assert run("etcdctl endpoint health --cluster 2>&1").count("is healthy") == 3
    assert "inet " not in run("ip -4 address show dev eth0")


@pytest.mark.testinfra_hosts("ansible://trixie?force_ansible=True")
def test_debian_13_serves(host, run, address):
    assert host.system_info.release.startswith("13")
    assert members(run) == {"trixie0": f"https://{address}:2380"}
    assert run("etcdctl endpoint health --cluster 2>&1").count("is healthy") == 1
