# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who the members of a cluster are that is to be replaced, and whether those said to be off are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._steps import last_known_members
from member_host import MemberHost
from restored import Hosts

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")

NOTHING: dict[str, Any] = {"record": None, "kept": []}


@pytest.fixture
def hosts(version: str, tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts(tmp_path / "hosts", version, 2)
    yield made.found()
    made.end()


def look(host: MemberHost, fenced: Sequence[str] = (), **told: Any) -> dict[str, Any]:
    return last_known_members.observe(host.systemd, host.layout, {**NOTHING, **told}, fenced)


def names(members: Sequence[dict[str, Any]]) -> list[str]:
    return sorted(one["name"] for one in members)


def test_who_is_said_to_be_off_and_answers_is_heard_until_it_is(hosts: Hosts) -> None:
    here, other = hosts.hosts
    with hosts.client() as client:
        members = client.member_list().members
        revision = client.put("key", "value")
    (heard,) = look(here, [other.name])["heard"]
    assert heard["answer"] == f"answers at {other.wanted.member.client_urls[0]}"
    assert (heard["name"], heard["peer_urls"]) == (other.name, list(other.wanted.member.peer_urls))
    here.systemd.control("stop", here.layout.unit)
    # By its own database, and without one by a snapshot.
    assert names(look(here)["known"]) == [here.name, other.name]
    assert look(here)["applied"] > 0
    assert look(here)["revision"] == revision
    assert look(here, [other.name])["heard"] == [heard]
    (Path(here.layout.data_dir) / "member").rename(Path(here.layout.data_dir) / "member.gone")
    assert [look(here)[name] for name in ("known", "applied", "revision")] == [[], 0, 0]
    kept = [{"manifest": {"members": [one.to_dict() for one in members]}}]
    assert look(here, [other.name], kept=kept)["heard"] == [heard]
    assert look(here, [here.name], kept=kept)["heard"] == []
    other.end_all()
    assert look(here, [other.name], kept=kept)["heard"] == []
