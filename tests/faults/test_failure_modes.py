# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What etcd's guides say of failures, on clusters as this collection makes them.

A client writes all the while. It gives up no write as long as there is a majority, and loses none that was acknowledged
whatever happens. (A failure during the first start: test_killed_bootstrap.)
"""

from __future__ import annotations

import time

import pytest
from changes import FIVE, THREE
from inventories import Inventory
from living import Living
from members import patiently

#: Shared with the tests of changes.
DISK = "512m"
HOSTS = FIVE
BY_NAME = True

CLUSTER = Inventory(THREE)

#: Nobody has this address (RFC 5737).
WRONG = "https://203.0.113.9:2380"

#: What a stopped member has on its disk is changed to something of the same length; bbolt's pages have no checksums.
RIGHT, TAMPERED = "the-right-value-of-this-key", "another-value-of-this-key-x"
TAMPER = f"""\
systemctl stop etcd
sed -i s/{RIGHT}/{TAMPERED}/g /var/lib/etcd/member/snap/db
systemctl start --no-block etcd
"""

#: Seconds. Longer than it takes to boot.
TTL = 20
LEASED = "/leased"


@pytest.fixture
def cluster(living: Living) -> Living:
    """Three members; the last one leads."""
    living.be(CLUSTER)
    living.members.lead(THREE[-1], THREE)
    return living


FIRST, FOLLOWER, LEADER = THREE


@pytest.mark.matrix
@pytest.mark.parametrize("victim", [FOLLOWER, LEADER], ids=["follower", "leader"])
def test_a_member_dies_and_returns(cluster: Living, victim: str) -> None:
    others = [host for host in THREE if host != victim]
    with cluster.enduring(THREE):
        cluster.machines.power_off(victim)
        leader = cluster.members.leader(others)
        assert (leader == LEADER) is (victim == FOLLOWER)
        assert all(cluster.members.takes_a_write(host, "/without-one") for host in others)
        cluster.machines.power_on(victim)
        cluster.members.awaited(victim)
    assert cluster.verdict.failed == 0, cluster.verdict


@pytest.mark.matrix
def test_the_majority_dies_and_returns_and_no_lease_has_run_out(cluster: Living) -> None:
    """Nothing is acknowledged meanwhile. From the new leader each lease gets its whole time again."""
    with cluster.enduring(THREE):
        with cluster.members.client(FIRST) as client:
            lease = client.lease_grant(TTL)["lease"]
            client.put(LEASED, "still there", lease=lease)
        cluster.machines.power_off(FOLLOWER, LEADER)
        assert not cluster.members.takes_a_write(FIRST, "/without-a-majority")
        time.sleep(TTL)
        cluster.machines.power_on(FOLLOWER, LEADER)
        cluster.members.awaited(FIRST)
        with cluster.members.client(FIRST) as client:
            assert client.read(LEASED)["count"] == 1, "its time ran out while nobody could renew it"
            assert client.call("Lease.LeaseTimeToLive", {"ID": lease})["TTL"] > 0
            assert client.lease_keep_alive(lease) == TTL
            client.lease_revoke(lease)


@pytest.mark.matrix
def test_a_lease_that_outlived_its_leader_runs_out_in_its_time(cluster: Living) -> None:
    with cluster.enduring(THREE):
        with cluster.members.client(FIRST) as client:
            client.put(LEASED, "for a while", lease=client.lease_grant(TTL)["lease"])
        cluster.machines.power_off(LEADER)
        cluster.members.leader((FIRST, FOLLOWER))

        def look() -> None:
            with cluster.members.client(FIRST) as client:
                assert client.read(LEASED)["count"] == 0

        patiently(look, 3 * TTL)
        cluster.machines.power_on(LEADER)


@pytest.mark.matrix
def test_a_leader_that_is_cut_off_acknowledges_nothing(cluster: Living) -> None:
    """The others elect one of them, and it follows once it is heard of again."""
    majority = (FIRST, FOLLOWER)
    with cluster.enduring(THREE):
        cluster.machines.cut_off(LEADER)
        try:
            assert not cluster.members.takes_a_write(LEADER, "/by-the-minority")
            assert cluster.members.leader(majority) in majority
            assert all(cluster.members.takes_a_write(host, "/by-the-majority") for host in majority)
            with pytest.raises(AssertionError, match="nobody leads"):
                cluster.members.leader([LEADER], seconds=1)
        finally:
            cluster.machines.heal()
        cluster.members.awaited(LEADER)
        assert cluster.members.leader(THREE) in majority
    assert cluster.verdict.failed == 0, cluster.verdict


@pytest.mark.matrix
def test_a_follower_that_is_cut_off_costs_nobody_a_leader(cluster: Living) -> None:
    majority = (FIRST, LEADER)
    with cluster.enduring(THREE):
        cluster.machines.cut_off(FOLLOWER)
        try:
            assert not cluster.members.takes_a_write(FOLLOWER, "/by-the-minority")
            assert cluster.members.leader(majority) == LEADER
            assert all(cluster.members.takes_a_write(host, "/by-the-majority") for host in majority)
        finally:
            cluster.machines.heal()
        cluster.members.awaited(FOLLOWER)
        assert cluster.members.leader(THREE) == LEADER
    assert cluster.verdict.failed == 0, cluster.verdict


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("victim", "restarted"),
    [(FOLLOWER, False), (FOLLOWER, True), (LEADER, False), (LEADER, True)],
    ids=["follower", "follower that restarted since", "leader", "leader that restarted since"],
)
def test_a_wrong_peer_url_in_the_member_list_is_put_right_by_the_playbook(
    cluster: Living, victim: str, restarted: bool
) -> None:
    right = cluster.members.peer_urls(victim)
    with cluster.enduring(THREE):
        with cluster.members.client(FIRST) as client:
            (member_id,) = [one.id for one in client.member_list().members if one.name == victim]
            client.member_update(member_id, [WRONG])
        if restarted:
            cluster.machines.run(victim, "systemctl restart --no-block etcd")
            # Whether it finds the others by itself is not what is asked here.
            time.sleep(5)
        cluster.playbook.run_until_done()
        assert cluster.members.peer_urls(victim) == right
    assert cluster.verdict.failed == 0, cluster.verdict


@pytest.mark.matrix
def test_a_member_whose_data_differ_does_not_serve_and_joins_anew_as_documented(cluster: Living) -> None:
    """Nobody knows for sure who is wrong: so no run takes it out by itself."""
    with cluster.members.client(FIRST) as client:
        client.put("/tampered", RIGHT)
    with cluster.enduring(THREE):
        cluster.machines.run(FOLLOWER, TAMPER)
        # Again and again it starts, and has not yet ended when a run looks just then.
        patiently(lambda: refused_for_its_data(cluster), 120)
        joins_anew(cluster)
    assert cluster.verdict.failed == 0, cluster.verdict


@pytest.mark.matrix
def test_a_member_under_the_alarm_corrupt_joins_anew_as_documented(cluster: Living) -> None:
    """While the alarm is on no run changes anything, and etcd takes no writes."""
    with cluster.members.client(FIRST) as client:
        (member_id,) = [one.id for one in client.member_list().members if one.name == FOLLOWER]
        corrupt = {"memberID": int(member_id, 16), "alarm": "CORRUPT"}
        client.call("Maintenance.Alarm", {"action": "ACTIVATE", **corrupt})
        cluster.write(Inventory(THREE[:1] + THREE[2:], absent=[FOLLOWER]))
        run = cluster.playbook.run()
        assert run.code != 0, run.output
        assert "CORRUPT" in run.said, run.output
        client.call("Maintenance.Alarm", {"action": "DEACTIVATE", **corrupt})
    with cluster.enduring(THREE):
        joins_anew(cluster)
    assert cluster.verdict.failed == 0, cluster.verdict


def refused_for_its_data(cluster: Living) -> None:
    run = cluster.playbook.run()
    assert run.code != 0, run.output
    assert "found data inconsistency with peers" in run.said, run.output
    assert "etcd_member_state: absent" in run.said, run.output


def joins_anew(cluster: Living) -> None:
    """What the documentation says of one whose data are wrong."""
    cluster.write(Inventory((FIRST, LEADER), absent=[FOLLOWER]))
    cluster.playbook.run_until_done()
    cluster.write(CLUSTER)
    cluster.playbook.run_until_done()
    for host in THREE:
        with cluster.members.client(host) as client:
            assert [one["value"] for one in client.read("/tampered")["kvs"]] in ([], [RIGHT.encode()])
