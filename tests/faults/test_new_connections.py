# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members that refuse new peer connections while the established ones live.

Such a cluster serves and looks well, and every member that is restarted is one that never comes back to the others. So
no member is stopped for a change before each pair of members has been seen to open a connection, both ways.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

import pytest
from changes import FIVE, THREE
from inventories import Inventory
from living import Living

#: Shared with the tests of changes.
DISK = "512m"
HOSTS = FIVE

CLUSTER = Inventory(THREE)
PEER_PORT, ANOTHER = 2380, 2390
FIRST, _, LEADER = THREE
REFUSES = "refuses new peer connections"
MISMATCH = "/etc/etcd/ssl/peer-key.pem is not the key of it"

#: As when the key of another pair is copied there: it is whole, and etcd may read it.
ANOTHER_KEY = """\
key=$(readlink -f /etc/etcd/ssl/peer-key.pem)
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >/run/another-key.pem
cat /run/another-key.pem >"$key"
"""


@pytest.fixture
def cluster(living: Living) -> Living:
    """Three members; the last one leads, and would be restarted last."""
    living.be(CLUSTER)
    living.members.lead(LEADER, THREE)
    return living


def restarted(cluster: Living, before: Mapping[str, list[str]]) -> list[str]:
    """The hosts whose members are other processes than before."""
    return [host for host, pids in cluster.pids(THREE).items() if pids != before[host]]


def url(cluster: Living, host: str) -> str:
    return f"https://{cluster.machines.address(host)}:{PEER_PORT}"


def test_a_setting_is_not_rolled_while_the_peer_ports_are_closed(cluster: Living) -> None:
    with cluster.becoming(Inventory(THREE, settings={"heartbeat-interval": 120}), THREE):
        before = cluster.pids(THREE)
        cluster.machines.block(THREE, THREE, PEER_PORT)
        run = cluster.playbook.run()
        assert run.code != 0, run.output
        assert cluster.pids(THREE) == before, run.output
        for one, other in itertools.permutations(THREE, 2):
            assert f"{one} cannot reach {other}: {url(cluster, other)}: no answer" in run.said, run.output
        cluster.machines.unblock()
        cluster.playbook.run_until_done(runs=1)


@pytest.mark.matrix
def test_a_leader_whose_peer_key_is_not_that_of_its_certificate_is_named_and_mended(cluster: Living) -> None:
    """etcd reads both files for each new connection, so the members that are connected notice nothing."""
    with cluster.enduring(THREE):
        before = cluster.pids(THREE)
        cluster.machines.run(LEADER, ANOTHER_KEY)
        told = cluster.playbook.run("--check")
        assert f"{REFUSES}: {url(cluster, LEADER)}: " in told.said, told.output
        assert MISMATCH in told.said, told.output
        cluster.playbook.run_until_done(runs=1)
        assert cluster.pids(THREE) == before
        # The leader takes new connections again.
        cluster.machines.run(FIRST, "systemctl restart etcd")
        cluster.members.awaited(FIRST)
    assert cluster.verdict.failed == 0, cluster.verdict


@pytest.mark.matrix
def test_a_peer_key_that_is_not_that_of_its_certificate_is_replaced_before_any_member_is_stopped(
    cluster: Living,
) -> None:
    with cluster.becoming(Inventory(THREE, settings={"heartbeat-interval": 120}), THREE):
        cluster.machines.run(LEADER, ANOTHER_KEY)
        run = cluster.playbook.run()
        assert run.done, run.output
        issued, *turned = re.findall(
            r"^step \d of 4: (\S+) \S+ (no restart|restart), because", run.output, re.MULTILINE
        )
        assert issued == (LEADER, "no restart"), run.output
        assert turned == [(host, "restart") for host in THREE], run.output


@pytest.mark.matrix
def test_a_revocation_list_that_is_missing_costs_no_quorum(cluster: Living) -> None:
    """etcd starts without it, and refuses each new connection of a peer."""
    with cluster.becoming(CLUSTER, THREE):
        before = cluster.pids(THREE)
        cluster.write(Inventory(THREE, settings={"peer-crl-file": "/etc/etcd/missing-crl.pem"}))
        run = cluster.playbook.run()
        assert run.code != 0, run.output
        assert len(restarted(cluster, before)) <= 1, run.output
        cluster.members.are_one_healthy_cluster(THREE)
        cluster.write(CLUSTER)
        cluster.playbook.run_until_done(runs=1)


@pytest.mark.matrix
def test_members_do_not_move_to_a_peer_port_that_is_closed_between_them(cluster: Living) -> None:
    with cluster.becoming(Inventory(THREE, peer_ports=dict.fromkeys(THREE, ANOTHER)), THREE):
        before = cluster.pids(THREE)
        cluster.machines.block(THREE, THREE, ANOTHER)
        run = cluster.playbook.run()
        assert run.code != 0, run.output
        assert len(restarted(cluster, before)) <= 1, run.output
        cluster.members.are_one_healthy_cluster(THREE)
        cluster.machines.unblock()
        cluster.playbook.run_until_done(runs=1)
    for host in THREE:
        assert cluster.members.peer_urls(host) == [f"https://{cluster.machines.address(host)}:{ANOTHER}"]
