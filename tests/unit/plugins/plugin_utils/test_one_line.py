# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members of a cluster in one line, and an inventory beside it."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.plugin_utils import _one_line
from ansible_collections.quorum.etcd.plugins.plugin_utils._one_line import Named

TWO = [Named("host0", "10.0.0.1"), Named("host1", "10.0.0.2")]


@pytest.mark.parametrize(
    "given",
    [
        "host0:10.0.0.1,host1:10.0.0.2",
        "host0:10.0.0.1 host1:10.0.0.2",
        " host0:10.0.0.1,\n  host1:10.0.0.2, ",
        ["host0:10.0.0.1", "host1:10.0.0.2"],
    ],
)
def test_it_is_written_as_guides_and_lists_are(given):
    assert _one_line.parse(given) == TWO


def test_an_address_is_any_that_a_host_can_have():
    assert _one_line.parse("a:2001:DB8::0:1,b:[2001:db8::2],c.d:etcd1.example.com") == [
        ("a", "2001:db8::1"),
        ("b", "2001:db8::2"),
        ("c.d", "etcd1.example.com"),
    ]


@pytest.mark.parametrize(
    "given, said",
    [
        ("", "names no member"),
        (" , ", "names no member"),
        ("host0", "has 'host0'. Give each member its name and its address"),
        ("10.0.0.1", "has '10.0.0.1'. Give each member"),
        ("host0:", "Give each member"),
        (":10.0.0.1", "'' cannot be a member's name"),
        ("-x:10.0.0.1", "'-x' cannot be a member's name"),
        ("a=b:10.0.0.1", "'a=b' cannot be a member's name"),
        ("localhost:10.0.0.1", "'localhost' cannot be a member's name"),
        ("all:10.0.0.1", "'all' cannot be a member's name"),
        ("host0:10.0.0", "'10.0.0' is neither an IP address nor a DNS name"),
        ("host0:10.0.0.256", "'10.0.0.256' is neither"),
        ("host0:https://10.0.0.1", "is neither"),
        ("host0:10.0.0.1:2380", "is neither"),
    ],
)
def test_what_is_no_member_is_refused(given, said):
    with pytest.raises(BadInput) as caught:
        _one_line.parse(given)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "given, said",
    [
        ("host0:10.0.0.1,host0:10.0.0.2", "the name host0 twice"),
        ("host0:10.0.0.1,host1:10.0.0.1", "the address 10.0.0.1 twice"),
        ("host0:2001:db8::1,host1:2001:db8:0::1", "the address 2001:db8::1 twice"),
        ("host0:Etcd.example.com,host1:etcd.example.com", "the address etcd.example.com twice"),
    ],
)
def test_a_name_or_an_address_is_one_members(given, said):
    with pytest.raises(Refused) as caught:
        _one_line.parse(given)
    assert said in caught.value.found
    assert caught.value.danger and caught.value.remedy


def test_every_mistake_is_named_at_once():
    with pytest.raises(EtcdError) as caught:
        _one_line.parse("host0,host1:10.0.0.300,host2:10.0.0.2,host2:10.0.0.3")
    assert len(caught.value.problems) == 3


def test_they_are_added_to_one_group():
    assert _one_line.group_of("", "etcd_cluster") == "etcd_cluster"
    assert _one_line.group_of(" prod ", "etcd_cluster") == "prod"
    assert _one_line.group_of(["prod"], "etcd_cluster") == "prod"
    with pytest.raises(BadInput, match="etcd_group names 2"):
        _one_line.group_of("prod,test", "etcd_cluster")


@pytest.mark.parametrize(
    "groups, known",
    [
        ({"all": []}, {}),
        ({"web": ["w"]}, {"w": {}}),
        ({"etcd_cluster": ["host1"]}, {"host1": {}}),
        ({"etcd_cluster": ["host1", "host0"]}, {"host1": {"ansible_host": "10.0.0.2"}, "host0": {}}),
        ({"etcd_cluster": []}, {"host0": {"ansible_user": "admin"}}),
    ],
)
def test_an_inventory_may_say_the_same(groups, known):
    _one_line.check_inventory(TWO, "etcd_cluster", groups, known)


@pytest.mark.parametrize(
    "groups, known, said",
    [
        (
            {"etcd_cluster": ["host0", "host9"]},
            {"host0": {}, "host9": {}},
            "the group etcd_cluster of the inventory has host9",
        ),
        (
            {"web": ["host0"]},
            {"host0": {"ansible_host": "10.0.0.9"}},
            "the inventory has host0 at 10.0.0.9, not 10.0.0.1",
        ),
        ({"web": ["host0"]}, {"host0": {"ansible_host": "no address"}}, "the inventory has host0 at no address"),
        ({"host1": ["w"]}, {"w": {}}, "host1 is a group of the inventory"),
    ],
)
def test_an_inventory_that_says_otherwise_is_refused(groups, known, said):
    with pytest.raises(Refused) as caught:
        _one_line.check_inventory(TWO, "etcd_cluster", groups, known)
    assert said in caught.value.found
    assert "-e etcd_group=NAME" in caught.value.remedy
