# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan that was made for other members is found out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from hypothesis import given
from hypothesis import strategies as st


def member(member_id: str, learner: bool = False, urls: tuple[str, ...] = ()) -> ClusterMember:
    peer_urls = urls or (f"http://{member_id}:2380",)
    return ClusterMember(member_id, f"m-{member_id}", peer_urls, [f"http://{member_id}:2379"], learner)


def refused(presumed: list[dict[str, Any]], members: list[ClusterMember], but: str = "") -> str:
    with pytest.raises(Refused) as caught:
        expected_members.check(presumed, members, but)
    return caught.value.found


THREE = [member("a"), member("b"), member("c")]


def test_a_step_carries_identity_and_role_alone() -> None:
    assert expected_members.describe([member("a", urls=("http://y:1", "http://x:1"))]) == [
        {"id": "a", "peer_urls": ["http://x:1", "http://y:1"], "is_learner": False}
    ]


@given(st.permutations(THREE), st.permutations(THREE))
def test_the_order_of_members_does_not_matter(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    expected_members.check(expected_members.describe(one), other)


def test_the_order_of_urls_does_not_matter() -> None:
    presumed = [{"id": "a", "peer_urls": ["http://y:1", "http://x:1"], "is_learner": False}]
    expected_members.check(presumed, [member("a", urls=("http://x:1", "http://y:1"))])


def test_a_name_may_change() -> None:
    expected_members.check(expected_members.describe(THREE), [replace(one, name="") for one in THREE])


def test_one_too_many_is_found() -> None:
    assert refused(expected_members.describe(THREE), [*THREE, member("d")]) == (
        "The cluster's members changed meanwhile: voter d at http://d:2380 was not foreseen."
    )


def test_one_too_few_is_found() -> None:
    assert refused(expected_members.describe(THREE), THREE[:2]) == (
        "The cluster's members changed meanwhile: voter c at http://c:2380 is not there as planned."
    )


@pytest.mark.parametrize("changed", [member("c", learner=True), member("c", urls=("http://z:2380",))])
def test_a_member_that_is_another_than_planned_is_found(changed: dict[str, Any]) -> None:
    found = refused(expected_members.describe(THREE), [*THREE[:2], changed])
    assert "voter c at http://c:2380 is not there as planned" in found


def test_a_member_that_was_replaced_is_found_though_its_address_is_the_same() -> None:
    found = refused(expected_members.describe(THREE), [*THREE[:2], member("d", urls=("http://c:2380",))])
    assert found.endswith(
        "voter c at http://c:2380 is not there as planned; voter d at http://c:2380 was not foreseen."
    )


def test_a_member_that_an_earlier_step_adds_is_known_by_its_address() -> None:
    presumed = [*expected_members.describe(THREE), {"id": "", "peer_urls": ["http://d:2380"], "is_learner": False}]
    expected_members.check(presumed, [*THREE, member("d")])
    assert "voter (new) at http://d:2380 is not there as planned" in refused(presumed, THREE)
    assert "voter (new) at http://d:2380 is not there" in refused(presumed, [*THREE, member("d", learner=True)])


def test_the_member_that_is_being_changed_may_be_any_way() -> None:
    for members in (THREE, THREE[:2], [*THREE[:2], member("c", learner=True, urls=("http://z:1",))]):
        expected_members.check(expected_members.describe(THREE), members, but="c")
    assert "voter b" in refused(expected_members.describe(THREE), [THREE[0], THREE[2]], but="c")


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_only_the_same_members_pass(planned: list[str], found: list[str]) -> None:
    presumed, members = expected_members.describe(map(member, planned)), list(map(member, found))
    if set(planned) == set(found):
        expected_members.check(presumed, members)
    else:
        refused(presumed, members)
