# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which member lives on which host."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import LEAVING, NEVER_STARTED, REMOVED
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan, roster
from inventory_of import (
    CLUSTER_ID,
    absent,
    bare,
    emptied,
    learner,
    marked,
    member_id,
    member_list,
    running,
    seeing,
    serving,
    silent,
    stopped,
)


def living(*others, listed=None):
    """Host -> member id, beside one that serves."""
    found = roster.build([serving(bare(0), listed or member_list()), *others])
    return {name: member.id for name, member in found.living.items() if name != "etcd-host0"}


def test_there_is_none_while_nobody_serves():
    assert roster.build([running(stopped(bare(0))), stopped(bare(1)), silent(bare(2))]) is None


def test_it_is_what_the_one_that_has_applied_most_says():
    behind = serving(bare(0), member_list(2))
    ahead = serving(bare(1), member_list())
    ahead = seeing(ahead, cluster={"status": replace(ahead.seen.status, raft_applied_index=10)})
    for hosts in ([behind, ahead], [ahead, behind]):
        assert len(roster.build(hosts).members) == 3


class TestAMemberIsKnown:
    @pytest.mark.parametrize("host", [stopped(bare(1)), emptied(bare(1)), running(stopped(bare(1)))])
    def test_by_its_log_or_its_marker(self, host):
        assert living(host) == {"etcd-host1": member_id(1)}

    def test_by_its_id_whatever_it_is_called_and_wherever_it_is(self):
        moved = replace(stopped(bare(1)), wanted=bare(1, NODE_NAME="infra1", etcd_address="10.0.0.9").wanted)
        assert living(moved) == {"etcd-host1": member_id(1)}

    @pytest.mark.parametrize("host", [bare(1), marked(bare(1), REMOVED), marked(bare(1), NEVER_STARTED)])
    def test_by_exact_peer_urls_before_it_has_an_id(self, host):
        assert living(host) == {"etcd-host1": member_id(1)}
        assert living(bare(1, etcd_peer_port=2382)) == {}

    def test_never_by_a_marker_of_one_that_was_removed(self):
        host = marked(bare(1, etcd_address="10.0.0.9"), REMOVED, member_id=member_id(1))
        assert living(host) == {}

    def test_never_by_peer_urls_that_are_another_hosts(self):
        """Its address was given to a new host before it has moved itself."""
        moved = replace(stopped(bare(1)), wanted=bare(1, etcd_address="10.0.0.9").wanted)
        assert living(bare(7, etcd_address="10.0.0.2"), moved) == {"etcd-host1": member_id(1)}

    def test_on_no_host_where_it_is_silent(self):
        assert living(silent(bare(1))) == {}


class TestWhatContradictsTheCluster:
    def test_two_hosts_with_one_id_are_refused(self):
        with pytest.raises(Refused, match="both hold the data of member"):
            living(stopped(bare(1)), seeing(stopped(bare(2)), data={"member_id": member_id(1)}))

    @pytest.mark.parametrize("life", [bare, serving, stopped, lambda host: running(stopped(host))])
    def test_two_lines_that_lead_to_one_machine_are_refused_whatever_is_there(self, life):
        """A second address of a member's machine must never make anybody stop its only copy."""
        one = bare(0) if life is bare else life(bare(0))
        alias = replace(bare(3), seen=one.seen)
        with pytest.raises(Refused) as caught:
            cluster_plan.plan([one, bare(1), alias])
        assert "etcd-host0 and etcd-host3 are one machine, and one instance on it (etcd)" in str(caught.value)
        assert "Take one of the two lines out" in str(caught.value)
        assert "aside" not in str(caught.value)

    @pytest.mark.parametrize(
        "other", [{"machine_id": "machine-9"}, {"boot": "boot-9 pid:[1]"}, {"boot": "boot-0 pid:[2]"}]
    )
    def test_but_another_machine_another_boot_or_another_container_is_a_copy(self, other):
        one = serving(bare(0))
        copy = seeing(replace(bare(3), seen=one.seen), host=other)
        with pytest.raises(Refused, match="both hold the data of member"):
            cluster_plan.plan([one, copy])

    def test_nobody_is_started_beside_its_twin_while_nobody_serves(self):
        clone = seeing(stopped(bare(3)), data={"member_id": member_id(0)})
        with pytest.raises(Refused, match=f"etcd-host3 and etcd-host0 both hold the data of member {member_id(0)}"):
            roster.build([stopped(bare(0)), running(stopped(bare(1))), clone])

    def test_nobody_is_started_beside_another_cluster_while_nobody_serves(self):
        with pytest.raises(Refused, match=f"etcd-host1 belongs to cluster other, and etcd-host0 to {CLUSTER_ID}"):
            roster.build([stopped(bare(0)), seeing(stopped(bare(1)), data={"cluster_id": "other"})])

    def test_data_of_another_cluster_are_refused(self):
        with pytest.raises(Refused, match=f"belongs to cluster other, and etcd-host0 to {CLUSTER_ID}"):
            living(seeing(stopped(bare(1)), data={"cluster_id": "other"}))

    def test_an_id_that_is_not_in_the_list_is_refused_naming_absent(self):
        with pytest.raises(Refused, match="Write etcd_member_state: absent for etcd-host2"):
            living(stopped(bare(2)), listed=member_list(2))

    @pytest.mark.parametrize("host", [absent(stopped(bare(2))), seeing(stopped(bare(2)), marker={"state": LEAVING})])
    def test_but_not_for_one_that_is_on_its_way_out(self, host):
        assert living(host, listed=member_list(2)) == {}


class TestTheRest:
    def test_is_unmanaged(self):
        found = roster.build([serving(bare(0)), stopped(bare(1))])
        assert [member.id for member in found.unmanaged()] == [member_id(2)]

    def test_is_asked_by_addresses_that_others_reach(self):
        listed = [
            replace(member, client_urls=[*member.client_urls, "http://127.0.0.1:2379"]) for member in member_list()
        ]
        assert roster.endpoints(listed, member_id(1)) == ["http://10.0.0.1:2379", "http://10.0.0.3:2379"]

    def test_is_named_by_any_word_for_it_to_be_forgotten(self):
        listed = [*member_list(), learner(3, started=False)]
        hosts = [serving(bare(0), listed), silent(replace(bare(1), name="db1")), bare(2, etcd_address="10.0.0.77")]

        def named(*words):
            return [one.id for one in roster.forgotten(hosts, listed, words)]

        assert named("etcd-host1", "db1", "10.0.0.2", member_id(1)) == [member_id(1)] * 4
        assert named(member_id(3), "10.0.0.4") == [member_id(3)] * 2
        # A new machine with a lost member's name has nothing that could be removed.
        assert named("etcd-host2") == [member_id(2)]
        with pytest.raises(BadInput, match=rf"etcd_forget names etcd-host, which.* {member_id(3)} \(10\.0\.0\.4\)"):
            named("etcd-host")
