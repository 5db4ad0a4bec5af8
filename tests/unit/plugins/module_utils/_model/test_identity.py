# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host or member a word names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity, markers, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster
from inventory_of import bare, emptied, marked, member_id, member_list, stopped

NODES = "etcd-host0=https://10.0.0.1:2380,etcd-host2=https://etcd2.example:2380"

#: As the guides write an inventory, and with the other variables that say where a member is.
HOSTS = [
    topology.identity_of("10.0.0.1", {"NODE_NAME": "etcd-host0"}),
    topology.identity_of("db1", {"etcd_name": "etcd-host1", "ansible_host": "10.0.0.2", "etcd_address": "10.1.0.2"}),
    topology.identity_of("10.0.0.3", {"NODE_NAME": "etcd-host2", "ETCD_NODES": NODES}),
]


def listed(at, url):
    return replace(member_list(at + 1)[at], peer_urls=[url])


MEMBERS = [
    listed(0, "http://10.0.0.1:2380"),
    listed(1, "http://10.1.0.2:2380"),
    listed(2, "https://etcd2.example:2380"),
    listed(7, "http://10.0.0.8:2380"),
]


def found(*words, members=MEMBERS, hosts=HOSTS):
    return [one.host for one in identity.named("etcd_fenced", words, identity.known(hosts, members))]


class TestAWordNamesAHost:
    @pytest.mark.parametrize(
        "host, words",
        [
            ("10.0.0.1", ("10.0.0.1", "etcd-host0", member_id(0))),
            ("db1", ("db1", "etcd-host1", "10.0.0.2", "10.1.0.2", member_id(1))),
            ("10.0.0.3", ("10.0.0.3", "etcd-host2", "etcd2.example", member_id(2))),
        ],
    )
    def test_by_the_inventory_by_its_member_by_its_address_and_by_its_id(self, host, words):
        assert found(*words) == [host] * len(words)

    def test_by_an_ip_address_however_it_is_written(self):
        hosts = [topology.identity_of("db0", {"etcd_address": "2001:db8::1"})]
        assert found("2001:DB8:0::1", "[2001:db8::1]", hosts=hosts, members=[]) == ["db0", "db0"]

    def test_that_was_observed_by_the_id_of_its_data_wherever_the_member_list_has_it(self):
        moved = replace(stopped(bare(1)), wanted=bare(1, NODE_NAME="infra1", etcd_address="10.0.0.9").wanted)
        assert [one.host for one in identity.named("x", [member_id(1)], roster.known([moved], member_list(2)))] == [
            "etcd-host1"
        ]


def test_a_word_names_a_member_that_no_host_of_the_inventory_has():
    assert found(member_id(7), "etcd-host7", "10.0.0.8") == ["", "", ""]


def test_a_word_that_names_nothing_is_refused_with_all_that_it_could_be():
    with pytest.raises(BadInput, match="etcd_fenced names etcd-hots2, which is no host") as caught:
        found("etcd-host0", "etcd-hots2")
    for one in (f"etcd-host0 (10.0.0.1, {member_id(0)})", "etcd-host1 (db1,", "etcd-host7", "10.0.0.8"):
        assert one in str(caught.value)


class TestAWordThatCouldBeTwo:
    SWAPPED = [
        topology.identity_of("etcd-1", {"NODE_NAME": "etcd-2", "ansible_host": "10.0.0.1"}),
        topology.identity_of("etcd-2", {"NODE_NAME": "etcd-1", "ansible_host": "10.0.0.2"}),
    ]

    def test_is_refused_with_words_that_are_accepted(self):
        with pytest.raises(BadInput, match=r"could be each of .* and .*: 10\.0\.0\.1 or 10\.0\.0\.2\."):
            found("etcd-1", hosts=self.SWAPPED, members=[])
        assert found("10.0.0.1", "10.0.0.2", hosts=self.SWAPPED, members=[]) == ["etcd-1", "etcd-2"]

    def test_is_the_name_of_a_lost_member_that_a_new_machine_has_got(self):
        hosts = [stopped(bare(0)), bare(1, etcd_address="10.0.0.77")]
        known = roster.known(hosts, member_list(2))
        with pytest.raises(BadInput, match=f"Say which .*: .*{member_id(1)}"):
            identity.named("etcd_fenced", ["etcd-host1"], known)
        assert [one.host for one in identity.named("etcd_fenced", [member_id(1), "10.0.0.77"], known)] == [
            "",
            "etcd-host1",
        ]


class TestAMemberLives:
    """Where a member of the list has its home."""

    BY_NAME = [replace(member, peer_urls=[f"http://db{at}.example:2380"]) for at, member in enumerate(member_list(2))]

    def home(self, host, members):
        return [one.host for one in roster.known([host], members) if member_id(1) in one.member_ids]

    def host(self, **variables):
        return bare(1, etcd_address="db1.example", **variables)

    def test_where_its_data_or_its_marker_are(self):
        for host in (stopped(self.host()), emptied(self.host()), marked(self.host(), markers.STARTING)):
            assert self.home(host, self.BY_NAME) == ["etcd-host1"]

    def test_on_no_new_machine_under_its_dns_name(self):
        pending = marked(self.host(), markers.RECOVERY_PENDING, before="")
        for host in (self.host(), marked(self.host(), markers.OFFERED), pending):
            assert self.home(host, self.BY_NAME) == [""]

    def test_on_a_new_machine_at_its_ip_address(self):
        assert self.home(bare(1), member_list(2)) == ["etcd-host1"]

    def test_where_the_inventory_says_so_of_a_host_that_gave_no_answer(self):
        host = Identity("db1", "etcd-host1", addresses=("10.9.9.9",))
        known = identity.known([host], self.BY_NAME)
        assert [one.host for one in known if member_id(1) in one.member_ids] == ["db1"]


def test_a_machine_of_an_earlier_member_is_known_by_the_id_that_its_marker_remembers():
    host = marked(bare(1), markers.REMOVED, member_id=member_id(1))
    assert [one.member_ids for one in roster.known([host], member_list(2)) if one.host] == [(member_id(1),)]


def test_a_machine_that_was_given_another_member_is_still_the_one_at_its_ip_address():
    """As in the middle of a restore: the others know the member that was there before."""
    restored = marked(bare(1), markers.RESTORED, member_id="aa01")
    (found,) = [one for one in roster.known([restored], member_list(2)) if one.host]
    assert found.member_ids == ("aa01", member_id(1))
    assert [one.host for one in identity.named("etcd_fenced", ["etcd-host1"], [found])] == ["etcd-host1"]


@pytest.mark.parametrize("given", ["a, b,,a", ["a", "b"], ["a,b", "a"], ("a", "b")])
def test_words_are_a_list_or_a_text_with_commas(given):
    assert identity.words_of(given) == ("a", "b")


def test_nothing_is_no_word():
    assert identity.words_of(None) == identity.words_of("") == identity.words_of([]) == ()


@pytest.mark.parametrize("given", [{"a": 1}, [["a"]], 3.5])
def test_anything_else_is_refused(given):
    with pytest.raises(BadInput, match="must be a name"):
        identity.words_of(given)


def test_whoever_is_asked_gets_all_words_for_a_member():
    assert identity.synonyms(["db1", "other"], HOSTS) == ["db1", "other", "etcd-host1", "10.1.0.2", "10.0.0.2"]
