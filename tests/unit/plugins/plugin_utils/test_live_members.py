# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, MemberList, Status, View
from ansible_collections.quorum.etcd.plugins.plugin_utils import _live_members

CLUSTER = "c1"


def member(member_id, name, client="http://10.0.0.1:2379", peer="http://10.0.0.1:2380", learner=False):
    return ClusterMember(member_id, name, (peer,) if peer else (), (client,) if client else (), learner)


def listed(*members):
    return MemberList(CLUSTER, members[0].id, list(members))


def view(member_id, leader="1", term=2, cluster=CLUSTER):
    return View("", Status(cluster, member_id, "3.6.14", leader=leader, raft_term=term))


def hosts(*members, seen=None, taken=()):
    return _live_members.hosts_of(listed(*members), [view("1")] if seen is None else seen, taken)


def names(*given, taken=()):
    return [host.name for host in hosts(*(member(f"{at}", name) for at, name in enumerate(given, 1)), taken=taken)]


class TestAName:
    def test_is_the_members_own(self):
        assert names("etcd-host0", "etcd_1.example.com") == ["etcd-host0", "etcd_1.example.com"]

    @pytest.mark.parametrize("name", ["localhost", "all", "-oProxyX=x", "a[1:3]", "a,b", "{{ x }}", "", "x" * 254])
    def test_that_no_host_can_have_is_that_of_the_id(self, name):
        assert names(name) == ["member-1"]

    def test_that_two_members_have_is_neithers(self):
        assert names("default", "default") == ["member-1", "member-2"]

    def test_of_a_group_is_no_hosts(self):
        assert names("leader", "mine", taken=["mine"]) == ["member-1", "member-2"]

    def test_that_would_be_anothers_by_id_is_not_believed(self):
        assert names("member-2", "leader") == ["member-1", "member-2"]


class TestAGroup:
    def test_is_what_the_member_is(self):
        found = hosts(member("1", "a"), member("2", "b"), member("3", "c", learner=True))
        assert [host.group for host in found] == ["leader", "followers", "learners"]

    @pytest.mark.parametrize("client", ["http://127.0.0.1:2379", "http://localhost:2379", "unix://localhost:2379", ""])
    def test_is_of_its_own_where_nobody_reaches_it(self, client):
        (found,) = hosts(member("1", "a", client=client))
        assert found.group == "unreachable"
        assert found.variables["ansible_host"] == "10.0.0.1"

    def test_is_by_whoever_knows_the_newest_term(self):
        seen = [view("1", leader="1", term=2), view("2", leader="2", term=3), view("3", leader="", term=4)]
        found = hosts(member("1", "a"), member("2", "b"), member("3", "c"), seen=seen)
        assert [host.group for host in found] == ["followers", "leader", "followers"]

    def test_is_none_where_nobody_leads(self):
        with pytest.raises(EtcdError, match="who leads"):
            hosts(member("1", "a"), seen=[view("1", leader="")])

    def test_is_none_by_the_word_of_another_cluster(self):
        with pytest.raises(EtcdError, match="who leads"):
            hosts(member("1", "a"), seen=[view("1", cluster="c2")])


def test_no_host_is_the_controller():
    """Without ansible_host its name is looked up, which is never worse than this machine."""
    (found,) = hosts(member("1", "a", "http://127.0.0.1:2379", "http://127.0.0.1:2380"))
    assert "ansible_host" not in found.variables


def test_every_host_says_where_it_comes_from():
    assert all(host.variables["etcd_inventory_is_live"] is True for host in hosts(member("1", "a"), member("2", "")))


class TestTheCluster:
    @pytest.mark.parametrize("expected", ["", "c1", "C1"])
    def test_is_the_one_that_is_meant(self, expected):
        _live_members.check_cluster(listed(member("1", "a")), expected)

    def test_is_another_one(self):
        with pytest.raises(Refused, match="set cluster_id: c1") as caught:
            _live_members.check_cluster(listed(member("1", "a")), "c2")
        assert caught.value.code == "another-cluster"


class TestRecords:
    def test_name_hosts(self):
        (found,) = _live_members.hosts_at({"a.example.com": ["https://a.example.com:2380"]}, ())
        assert (found.name, found.group) == ("a.example.com", "")
        assert found.variables["etcd_inventory_is_live"] is True

    @pytest.mark.parametrize("name", ["localhost", "mine"])
    def test_of_other_names_are_refused(self, name):
        with pytest.raises(BadInput, match=name):
            _live_members.hosts_at({name: []}, ["mine"])
