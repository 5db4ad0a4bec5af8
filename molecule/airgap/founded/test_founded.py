# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts reach nothing but each other, and a cluster was founded on one of them."""

from __future__ import annotations

import re

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
DIAL = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)"


def reaches(cluster, host, address, port):
    """Can a host open a connection?"""
    return cluster.on(host, f"python3 -c '{DIAL}' {address} {port} 2>/dev/null && echo yes || echo no").strip() == "yes"


@pytest.fixture(scope="module")
def server(inventory):
    """Where the releases are published, from where this machine sits."""
    text = (inventory.parent / "group_vars/etcd_cluster.yml").read_text()
    return re.search(r"etcd_download_url: ['\"]?http://([\d.]+):(\d+)", text).groups()


def test_a_host_reaches_no_mirror_and_nothing_else(cluster, server):
    for host in HOSTS:
        assert not reaches(cluster, host, *server)
        assert cluster.on(host, "timeout 2 getent hosts deb.debian.org || echo nothing").strip() == "nothing"
        cluster.on(host, "nft list chain inet gap out | grep -q 'policy drop'")


def test_the_cluster_serves(cluster):
    assert list(cluster.voters(HOSTS[0])) == [HOSTS[0]]


def test_a_second_fetch_changes_nothing(cluster, inventory):
    archives = inventory.parents[1] / "archives"
    before = {path.name: path.stat() for path in archives.iterdir()}
    assert set(before) == {"etcd-v3.5.33-linux-amd64.tar.gz", "SHA256SUMS"}
    arguments = ("-e", f"etcd_fetch_dir={archives}", "-e", "etcd_fetch_versions=3.5.33")
    run = cluster.play(*arguments, "-e", "etcd_fetch_architectures=amd64", playbook="quorum.etcd.fetch")
    assert (run.code, set(re.findall(r"changed=(\d+)", run.output))) == (0, {"0"})
    assert f"etcd_archive_dir: {archives}" in run.said
    assert {path.name: path.stat() for path in archives.iterdir()} == before
