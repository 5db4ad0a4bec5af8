# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member's database made small again in a real cluster, also where nobody can have the cluster's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import alarm as _alarm
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, compaction
from ansible_collections.quorum.etcd.plugins.module_utils._steps import defrag
from ansible_collections.quorum.etcd.plugins.module_utils._steps.defrag import DefragTimeouts
from fullness import KEYS, QUOTA, fill, overwrite
from one_of_three import OneOfThree

MakeThree = Callable[..., OneOfThree]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")

SIZE = 8 << 20


def defragment(three: OneOfThree, check: bool = False, **terms: Any) -> dict[str, Any]:
    given = three.terms(**{"act": "defragmentation", "makes_room": True, **terms})
    return defrag.defragment(three.host.systemd, three.host.layout, given, DefragTimeouts(30.0, 30.0), check)


def look(three: OneOfThree) -> dict[str, Any]:
    return defrag.observe(three.host.systemd, three.host.layout, three.terms())


def freed(three: OneOfThree) -> None:
    """Let there be much in the database that nobody needs."""
    with three.cluster.client() as client:
        overwrite(client, SIZE)
    compact(three)


def compact(three: OneOfThree) -> None:
    endpoints, credentials = three.cluster.endpoints, three.cluster.credentials
    compaction.compact(endpoints, credentials, 5.0, compaction.CompactionTarget(keep=0, patience=30.0), check=False)


def size(three: OneOfThree) -> int:
    """Of the database of the host's member. Its file may be larger: it grows ahead of it."""
    own = three.cluster.members[-1].client_url
    with three.cluster.client() as client:
        return int(client.status(own).db_size)


def lead(three: OneOfThree) -> None:
    three.cluster.lead(three.cluster.members[-1])


def test_a_database_becomes_small_after_another_leads(make_three: MakeThree, every_version: str) -> None:
    three = make_three(every_version)
    freed(three)
    lead(three)
    before, pid = size(three), three.pid
    result = defragment(three)
    assert result["changed"]
    assert result["db_size"] < result["before"]
    assert size(three) < before
    assert (result["name"], result["member_id"]) == (three.host.name, three.listed.id)
    assert not result["is_leader"]
    assert three.leader != three.listed.id
    assert (result["notes"], three.pid) == ([], pid)
    with three.cluster.client() as client:
        assert client.read("/filled/", prefix=True)["count"] == len(KEYS)
        assert client.read(cluster_lock.KEY)["kvs"] == []


def test_in_check_mode_nothing_is_touched(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    freed(three)
    lead(three)
    before = size(three)
    foreseen = defragment(three, check=True)
    assert foreseen["changed"]
    assert foreseen["before"] == foreseen["db_size"]
    assert size(three) >= before
    assert three.leader == three.listed.id


def test_a_cluster_that_is_full_takes_writes_again(make_three: MakeThree, every_version: str) -> None:
    """Nobody can have the lock meanwhile, and each defragmentation says so."""
    three = make_three(every_version, quota_backend_bytes=str(QUOTA))
    with three.cluster.client() as client:
        fill(client)
        with pytest.raises(Refused, match="ansible-playbook quorum.etcd.reclaim"):
            defragment(three, makes_room=False)
        compact(three)
        (note,) = defragment(three)["notes"]
        assert note.startswith("Under NOSPACE etcd keeps no lock for anybody")
        for endpoint in three.endpoints:
            client.defragment(endpoint, 30)
        disarmed = _alarm.disarm(three.cluster.endpoints, three.cluster.credentials, 5.0, "NOSPACE", "", check=False)
        assert disarmed["alarms"] == []
        overwrite(client, SIZE)
        assert defragment(three)["notes"] == []


def test_what_the_member_and_its_file_system_have_is_told(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    freed(three)
    lead(three)
    told = look(three)
    assert (told["name"], told["member_id"], told["is_leader"]) == (three.host.name, three.listed.id, True)
    assert sorted(told["endpoints"]) == sorted(three.cluster.endpoints)
    assert told["db_size"] >= SIZE / 2
    assert told["db_size_in_use"] < told["needed"] < told["free"]
    assert told["alarms"] == []


def without_room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_bavail=free >> 12, f_frsize=1 << 12))


class TestADefragmentationIsRefused:
    def untouched(self, three: OneOfThree, said: str, **terms: Any) -> None:
        before = size(three)
        with pytest.raises(Refused, match=said):
            defragment(three, **terms)
        assert size(three) == before

    def test_where_there_is_no_room_for_a_second_database(
        self, make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        three = make_three(version)
        freed(three)
        needed = look(three)["needed"]
        without_room(monkeypatch, needed - (1 << 20))
        self.untouched(three, "MiB free, and to write the database of etcd-host7 anew beside the old one takes")
        (note,) = defragment(three, check=True)["notes"]
        assert "anew beside the old one takes" in note
        without_room(monkeypatch, needed + (1 << 20))
        assert defragment(three)["db_size"] < SIZE

    def test_while_the_cluster_cannot_spare_the_member(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        freed(three)
        three.cluster.lead(three.others[1])
        three.cluster.end(three.others[0])
        alone = [three.others[1].client_url]
        self.untouched(three, "Without etcd-host7, 1 of 3 voters", endpoints=alone)
        with pytest.raises(Refused, match="Without etcd-host7, 1 of 3 voters"):
            defrag.observe(three.host.systemd, three.host.layout, three.terms(endpoints=alone))

    def test_while_somebody_else_is_at_work(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        freed(three)
        with cluster_lock.held(three.endpoints, three.cluster.credentials, "growing, by somebody"):
            self.untouched(three, "growing, by somebody")

    def test_while_somebody_else_is_at_work_since_before_the_database_was_full(
        self, make_three: MakeThree, version: str
    ) -> None:
        three = make_three(version)
        freed(three)
        with (
            cluster_lock.held(three.endpoints, three.cluster.credentials, "growing, by somebody"),
            three.cluster.client() as client,
        ):
            alarm = {"action": "ACTIVATE", "memberID": int(three.listed.id, 16), "alarm": "NOSPACE"}
            client.call("Maintenance.Alarm", alarm)
            self.untouched(three, "growing, by somebody")

    def test_where_the_member_does_not_serve(self, make_three: MakeThree, version: str) -> None:
        three = make_three(version)
        three.host.end()
        with pytest.raises(Refused, match="MiB are free where its data lie. .* If that file system is full"):
            defragment(three)
