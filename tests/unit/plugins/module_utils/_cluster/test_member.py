# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which member is meant, and what is to be done for it."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import member as _member
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.member import ABSENT, LEARNER, VOTER, WantedMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember

URL = "http://10.0.0.{}:2380".format


def member(number: int, name: str | None = None, learner: bool = False) -> ClusterMember:
    name = f"etcd-host{number}" if name is None else name
    client_urls = [URL(number).replace("2380", "2379")] if name else []
    return ClusterMember(f"a{number}", name, [URL(number)], client_urls, learner)


MEMBERS = [member(0), member(1), member(2, learner=True), member(3, name="", learner=True)]


@pytest.mark.parametrize(
    "wanted, member_id",
    [
        (WantedMember(VOTER, name="etcd-host1"), "a1"),
        (WantedMember(VOTER, member_id="a1"), "a1"),
        (WantedMember(VOTER, peer_urls=(URL(1),)), "a1"),
        (WantedMember(VOTER, name="etcd-host1", member_id="a1", peer_urls=(URL(9),)), "a1"),
        # It has not started, so nobody knows its name yet.
        (WantedMember(VOTER, name="etcd-host3", peer_urls=(URL(3),)), "a3"),
        (WantedMember(VOTER, name="etcd-host3", member_id="a3"), "a3"),
        (WantedMember(VOTER, name="etcd-host"), None),
        (WantedMember(VOTER, name="etcd-host10"), None),
        (WantedMember(VOTER, member_id="a"), None),
        (WantedMember(VOTER, peer_urls=(URL(1), URL(2))), None),
    ],
)
def test_a_member_goes_by_all_of_a_name_an_id_or_its_urls(wanted: WantedMember, member_id: str | None) -> None:
    found = _member.find(MEMBERS, wanted)
    assert (found and found.id) == member_id


@pytest.mark.parametrize(
    "wanted, message",
    [
        (WantedMember(ABSENT, name="etcd-host0", member_id="a1"), "a1 is the member etcd-host1, not etcd-host0."),
        (
            WantedMember(LEARNER, name="etcd-host9", peer_urls=(URL(1),)),
            f"{URL(1)} is the member etcd-host1, not etcd-host9",
        ),
    ],
)
def test_what_belongs_to_different_members_is_refused(wanted: WantedMember, message: str) -> None:
    with pytest.raises(Refused, match=message):
        _member.find(MEMBERS, wanted)


def test_of_two_with_one_name_none_is_chosen() -> None:
    with pytest.raises(Refused, match="2 members are called etcd-host1: a1, a2"):
        _member.find([member(1), member(2, name="etcd-host1")], WantedMember(ABSENT, name="etcd-host1"))
    twins = [member(1), member(2, name="etcd-host1")]
    assert _member.find(twins, WantedMember(ABSENT, name="etcd-host1", member_id="a2")) == twins[1]


@pytest.mark.parametrize(
    "wanted, todo",
    [
        (WantedMember(LEARNER, name="etcd-host4", peer_urls=(URL(4),)), ["add"]),
        (WantedMember(LEARNER, name="etcd-host3", peer_urls=(URL(3),)), []),
        (WantedMember(LEARNER, name="etcd-host2"), []),
        (WantedMember(LEARNER, name="etcd-host1"), []),
        (WantedMember(VOTER, name="etcd-host1"), []),
        (WantedMember(VOTER, name="etcd-host2"), ["promote"]),
        (WantedMember(VOTER, name="etcd-host1", peer_urls=(URL(1),)), []),
        (WantedMember(VOTER, name="etcd-host1", peer_urls=(URL(9),)), ["update"]),
        (WantedMember(LEARNER, name="etcd-host1", peer_urls=(URL(1), URL(9))), ["update"]),
        (WantedMember(VOTER, name="etcd-host2", peer_urls=(URL(9),)), ["update", "promote"]),
        (WantedMember(ABSENT, name="etcd-host1"), ["remove"]),
        (WantedMember(ABSENT, name="etcd-host3", peer_urls=(URL(3),)), ["remove"]),
        (WantedMember(ABSENT, name="etcd-host9"), []),
        (WantedMember(ABSENT, member_id="b9"), []),
    ],
)
def test_only_what_is_missing_is_done(wanted: WantedMember, todo: list[str]) -> None:
    assert _member.changes(MEMBERS, wanted) == todo


@pytest.mark.parametrize(
    "wanted, message",
    [
        (WantedMember(VOTER, name="etcd-host4", peer_urls=(URL(4),)), "Add it with state: learner and start it"),
        (WantedMember(LEARNER, member_id="b9", peer_urls=(URL(4),)), "etcd chooses the ids itself"),
        (WantedMember(LEARNER, name="etcd-host4"), "give peer_urls"),
        (WantedMember(LEARNER, name="etcd-host4", peer_urls=(URL(4), URL(1))), "is a peer URL of etcd-host1, id a1"),
        (WantedMember(VOTER, name="etcd-host0", peer_urls=(URL(0), URL(1))), "is a peer URL of etcd-host1, id a1"),
        (
            WantedMember(ABSENT, name="etcd-host1", peer_urls=(URL(9),)),
            "has the peer URLs http://10.0.0.1:2380, not those",
        ),
    ],
)
def test_what_would_not_be_safe_is_refused(wanted: WantedMember, message: str) -> None:
    with pytest.raises((Refused, BadInput), match=message):
        _member.changes(MEMBERS, wanted)
