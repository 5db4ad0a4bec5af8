# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What etcd's answers to a change of the members mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import membership
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from peer import Peer, Talk

NEW = "http://10.0.0.4:2380"
GONE = "etcdserver: member not found"
UNHEALTHY = "etcdserver: unhealthy cluster"
NOT_IN_SYNC = "etcdserver: can only promote a learner member which is in sync with leader"

VOTER = {"ID": 0xA1, "name": "etcd-host0", "peerURLs": ["http://10.0.0.1:2380"], "clientURLs": ["http://10.0.0.1:2379"]}
LEARNER = {"ID": 0xB2, "peerURLs": [NEW], "isLearner": True}

CHANGES: dict[str, Callable[[Client], Any]] = {
    "MemberAdd": lambda client: membership.add(client, [NEW]),
    "MemberPromote": lambda client: membership.promote(client, "b2", Deadline(0)),
    "MemberRemove": lambda client: membership.remove(client, "b2"),
    "MemberUpdate": lambda client: membership.update(client, "a1", [NEW]),
}


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "SETTLING", 0.5)


def etcd(asked: list[str], members: list[dict[str, Any]], *answers: tuple[int, str]) -> Callable[[Talk], None]:
    """One that answers changes in turn, the last one for ever (code 0 makes them), and lists the members."""
    left = list(answers)

    def script(talk: Talk) -> None:
        talk.settle()
        while True:
            try:
                request = talk.request()
            except ConnectionError:
                return
            method = request.headers[":path"].rpartition("/")[2]
            asked.append(method)
            told: dict[str, Any] = {"header": {"member_id": 0xA1}, "members": members}
            if method == "MemberList":
                talk.answer(request.stream, protobuf.encode("MemberListResponse", told))
                continue
            code, text = left.pop(0) if len(left) > 1 else left[0]
            if code:
                talk.answer_at_once(request.stream, [("grpc-status", str(code)), ("grpc-message", text)])
            else:
                made = {"member": members[-1]} if method == "MemberAdd" else {}
                talk.answer(request.stream, protobuf.encode(f"{method}Response", {**told, **made}))

    return script


def change(method: str, members: list[dict[str, Any]], *answers: tuple[int, str]) -> tuple[Any, list[str]]:
    """What comes of a change, and which were asked for."""
    asked: list[str] = []
    with Peer(etcd(asked, members, *answers)) as peer, Client([peer.url], timeout=5.0) as client:
        try:
            found: Any = [one.id for one in CHANGES[method](client)]
        except (Refused, BadInput, RpcError) as exc:
            found = exc
    return found, asked


def test_who_is_added_has_no_vote_yet() -> None:
    """A voter that has not caught up counts for the quorum and is of no use to it."""
    asked: list[dict[str, Any]] = []

    def etcd_that_remembers(talk: Talk) -> None:
        talk.settle()
        request = talk.request()
        asked.append(protobuf.decode("MemberAddRequest", request.message))
        told = {"header": {"member_id": 0xA1}, "member": LEARNER, "members": [VOTER, LEARNER]}
        talk.answer(request.stream, protobuf.encode("MemberAddResponse", told))

    with Peer(etcd_that_remembers) as peer, Client([peer.url], timeout=5.0) as client:
        membership.add(client, [NEW])
    assert [(one["peerURLs"], one["isLearner"]) for one in asked] == [([NEW], True)]


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_that_is_made_tells_the_members(method: str) -> None:
    assert change(method, [VOTER], (0, "")) == (["a1"], [method])


@pytest.mark.parametrize("method", CHANGES)
def test_what_passes_by_itself_is_tried_again(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHANGES, "MemberPromote", lambda client: membership.promote(client, "b2", Deadline(5)))
    assert change(method, [VOTER], (14, UNHEALTHY), (14, UNHEALTHY), (0, "")) == (["a1"], [method] * 3)


@pytest.mark.parametrize("method", CHANGES)
def test_what_does_not_pass_is_explained(method: str) -> None:
    found, _asked = change(method, [VOTER], (14, UNHEALTHY))
    assert isinstance(found, Refused)
    assert "has not been connected to enough others for 5 seconds" in found.found
    assert "etcd_health_info" in found.remedy


@pytest.mark.parametrize(
    "method, after", [("MemberPromote", [VOTER, {**LEARNER, "isLearner": False}]), ("MemberRemove", [VOTER])]
)
def test_an_unclear_answer_to_a_change_that_was_made_is_success(method: str, after: list[dict[str, Any]]) -> None:
    found, asked = change(method, after, (14, "etcdserver: request timed out"))
    assert found == [format(one["ID"], "x") for one in after]
    assert asked[:2] == [method, "MemberList"]


def test_a_change_without_a_clear_answer_is_made_again() -> None:
    found, asked = change("MemberRemove", [VOTER, LEARNER], (14, "etcdserver: server stopped"), (5, GONE))
    assert found == ["a1"]
    assert asked == ["MemberRemove", "MemberList", "MemberRemove", "MemberList"]


@pytest.mark.parametrize("method", ["MemberRemove", "MemberUpdate"])
def test_what_stays_unclear_is_said_to_be(method: str) -> None:
    found, _asked = change(method, [VOTER, LEARNER], (4, "context deadline exceeded"))
    assert isinstance(found, Refused)
    assert "It may have happened, or happen yet." in found.found
    assert found.remedy == "Run again: it looks first, and does only what is missing."


@pytest.mark.parametrize("text", ["etcdserver: Peer URLs already exists", "etcdserver: member ID already exist"])
def test_a_member_that_is_there_already_is_added(text: str) -> None:
    assert change("MemberAdd", [VOTER, LEARNER], (9, text))[0] == ["a1", "b2"]


@pytest.mark.parametrize(
    "other", [{**LEARNER, "name": "etcd-host9"}, {**LEARNER, "peerURLs": [NEW, "http://10.0.0.5:2380"]}]
)
def test_another_member_at_the_address_is_named(other: dict[str, Any]) -> None:
    found, _asked = change("MemberAdd", [VOTER, other], (9, "etcdserver: Peer URLs already exists"))
    assert isinstance(found, Refused)
    assert found.found.endswith(f"has one of {NEW} as its peer URL.")
    assert found.found.startswith("etcd-host9" if other.get("name") else "b2 (")


def test_the_learner_that_takes_the_place_is_named() -> None:
    found, _asked = change("MemberAdd", [VOTER, LEARNER], (9, "etcdserver: too many learner members in cluster"))
    assert isinstance(found, Refused)
    assert f"b2 ({NEW}, not started)" in found.found


def test_urls_that_etcd_does_not_take_are_bad_input() -> None:
    found, _asked = change("MemberAdd", [VOTER], (3, "etcdserver: given member URLs are invalid"))
    assert isinstance(found, BadInput)
    assert NEW in str(found)


def test_a_voter_is_promoted_already() -> None:
    assert change("MemberPromote", [VOTER], (9, "etcdserver: can only promote a learner member"))[0] == ["a1"]


def test_a_learner_that_is_behind_is_said_to_be() -> None:
    found, _asked = change("MemberPromote", [VOTER, LEARNER], (9, NOT_IN_SYNC))
    assert isinstance(found, Refused)
    assert "it is not in sync with the leader" in found.found


def test_a_member_that_is_gone_is_removed_whatever_a_member_that_is_behind_lists() -> None:
    assert change("MemberRemove", [VOTER, LEARNER], (5, GONE))[0] == ["a1"]


@pytest.mark.parametrize("method", ["MemberPromote", "MemberUpdate"])
def test_a_member_that_is_gone_is_neither_promoted_nor_moved(method: str) -> None:
    found, _asked = change(method, [VOTER], (5, GONE))
    assert isinstance(found, Refused)
    assert "there is no such member any more" in found.found


def test_an_address_of_another_is_not_taken() -> None:
    found, _asked = change("MemberUpdate", [VOTER, LEARNER], (9, "etcdserver: Peer URLs already exists"))
    assert isinstance(found, Refused)
    assert "another member has one of these peer URLs" in found.found


def test_a_voter_that_never_started_is_pointed_out() -> None:
    text = "etcdserver: re-configuration failed due to not enough started members"
    found, _asked = change("MemberRemove", [VOTER], (9, text))
    assert isinstance(found, Refused)
    assert "a voter in the list has never started" in found.found


@pytest.mark.parametrize("method", CHANGES)
def test_any_other_answer_is_etcds_own(method: str) -> None:
    found, asked = change(method, [VOTER], (7, "etcdserver: permission denied"))
    assert isinstance(found, RpcError)
    assert asked == [method]
