# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import (
    Alarm,
    ClusterMember,
    Sign,
    Status,
    View,
    members_of,
)

MEMBER = ClusterMember("a1", "etcd-host0", ["http://10.0.0.1:2380"], ["http://10.0.0.1:2379"])
STATUS = Status("c1", "a1", "3.6.14", "3.6.0", 20480, 16384, 1 << 31, "a1", False, 2, 10, 9, 5, ["no room"], "3.5.0")
VIEW = View(
    "http://127.0.0.1:2379",
    STATUS,
    [MEMBER, ClusterMember("b2", "", ["http://10.0.0.2:2380"], [], is_learner=True)],
    [Alarm("a1", "NOSPACE")],
    "request timed out",
    0.5,
    {"b2": Sign("http://10.0.0.2:2380", False), "c3": None},
)


@pytest.mark.parametrize("view", [VIEW, View("http://127.0.0.1:2379", error="nobody listens there."), View()])
def test_a_view_comes_back_as_it_was_written(view: View) -> None:
    assert View.from_dict(json.loads(json.dumps(view.to_dict()))) == view


def test_what_follows_from_an_answer_is_written_beside_it() -> None:
    told = replace(VIEW, error="").to_dict()
    assert (told["serves"], told["member_id"], told["cluster_id"]) == (True, "a1", "c1")
    assert told["status"]["is_leader"] is True
    assert [one["started"] for one in told["members"]] == [True, False]


def test_no_member_runs_where_nothing_was_written() -> None:
    assert View.from_dict({}) == View()


def test_a_voter_serves_that_answered_a_read() -> None:
    assert View(status=STATUS).serves
    assert not View(status=replace(STATUS, is_learner=True)).serves
    assert not View(status=STATUS, error="request timed out").serves
    assert not View().serves


def test_nobody_leads_without_a_leader() -> None:
    assert STATUS.is_leader
    assert not replace(STATUS, leader="b2").is_leader
    assert not Status().is_leader


def test_who_has_applied_most_tells_the_members() -> None:
    behind = View(status=replace(STATUS, raft_applied_index=1), members=[])
    assert members_of([behind, View(status=STATUS, members=[MEMBER]), View()]) == [MEMBER]
    assert members_of([View()]) == []
