# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of API version 2 move once clients of it are shut out, and what may not move is named before that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import TTL_WORD
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan, v2_migration
from ansible_collections.quorum.etcd.plugins.module_utils._plan.v2_migration import Listing
from inventory_of import bare, saying, seeing, serving, silent, stopped, written

OLD = "3.4.23"
ROOM = {"needs": 1 << 20, "free": 1 << 30}
NOTHING = {"key_count": 0, "directories": 0, "expiring": 0, "expiring_keys": [], "empty_directories": []}
SOME = {**NOTHING, "key_count": 7, "directories": 2, "empty_directories": ["/empty"]}
EXPIRING = {**SOME, "expiring": 1, "expiring_keys": [{"key": "/lease", "ttl": 60}]}


def member(at, has=OLD, serves=False, wants=False, **variables):
    """A member that runs with or without the API, and is to run with or without it."""
    told = bare(at, etcd_settings={"enable-v2": True} if serves else {}, **variables)
    host = replace(stopped(bare(at)), wanted=told.wanted)
    host = seeing(serving(written(host, has), version=has), cluster_version="3.4.0", releases=[has])
    wanted = bare(at, etcd_settings={"enable-v2": True} if wants else {}, **variables).wanted
    return replace(host, wanted=wanted)


def cluster(**variables):
    return [member(at, **variables) for at in range(3)]


def listings(told=SOME, **more):
    return {f"etcd-host{at}": Listing(told, room=ROOM, **more) for at in range(3)}


def plan(hosts, found):
    return v2_migration.plan(hosts, cluster_plan.plan(hosts), found)


def refusal(hosts, found):
    with pytest.raises(Refused) as refused:
        plan(hosts, found)
    return refused.value


def kinds(found):
    return [(step.kind, step.host) for step in found.steps]


class TestWhileMembersServeVersion2:
    def test_they_restart_without_it_before_a_key_moves(self):
        found = plan(cluster(serves=True), listings())
        assert [kind for kind, _host in kinds(found)] == ["update"] * 3
        assert found.follows == ("move the keys of version 2 to version 3, by one member apart from its clients",)
        assert found.is_first_part

    def test_what_version_3_does_not_have_is_named(self):
        found = plan([saying(host, confirm=(TTL_WORD,)) for host in cluster(serves=True)], listings(EXPIRING))
        assert any("/lease (60 s)" in note for note in found.notes)
        assert any("these are empty: /empty" in note for note in found.notes)
        assert any("hidden from every list" in note for note in found.notes)

    def test_keys_that_expire_need_a_word_before_anything_is_touched(self):
        assert refusal(cluster(serves=True), listings(EXPIRING)).code == "v2-keys-expire"

    def test_another_value_in_version_3_is_refused_before_anything_is_touched(self):
        refused = refusal(cluster(serves=True), listings(conflicts=("/a (version 3 has another value)",)))
        assert (refused.code, "/a (version 3" in refused.found) == ("v2-keys-conflict", True)

    def test_one_that_does_not_list_its_keys_is_refused(self):
        found = {"etcd-host0": Listing(problem="401: Insufficient credentials", room=ROOM)}
        assert refusal(cluster(serves=True), found).code == "v2-unreadable"

    def test_a_host_without_room_for_a_copy_is_refused(self):
        found = {**listings(), "etcd-host2": Listing(SOME, room={"needs": 2 << 20, "free": 1 << 20})}
        assert refusal(cluster(serves=True), found).code == "no-space"

    def test_without_a_key_there_is_nothing_to_move(self):
        found = plan(cluster(serves=True), listings(NOTHING))
        assert not found.follows
        assert any("there is nothing to move" in note for note in found.notes)

    def test_an_inventory_that_wants_it_is_refused(self):
        refused = refusal(cluster(serves=True, wants=True), listings())
        assert (refused.code, "Take enable-v2 out" in refused.remedy) == ("v2-still-served", True)


class TestOnceNobodyServesVersion2:
    def test_a_follower_moves_the_keys_behind_a_snapshot(self):
        found = plan(cluster(), listings(None))
        assert kinds(found) == [("save-before-v2", "etcd-host1"), ("move-v2-keys", "etcd-host1")]
        assert found.comes_after
        act = found.steps[-1].act
        assert set(act.witnesses) == {"etcd-host0", "etcd-host2"}
        assert len(act.members) == 3
        assert act.endpoints == ["http://10.0.0.1:2379", "http://10.0.0.3:2379"]
        assert not act.takes_expiring

    def test_the_word_for_keys_that_expire_goes_along(self):
        found = plan([saying(host, confirm=(TTL_WORD,)) for host in cluster()], listings(None))
        assert found.steps[-1].act.takes_expiring

    def test_what_is_listed_by_the_move_alone_is_said(self):
        assert any("listed by the member that moves them" in note for note in plan(cluster(), listings(None)).notes)

    def test_a_member_that_is_down_comes_first(self):
        hosts = cluster()
        hosts[1] = written(stopped(bare(1)), OLD)
        found = plan(hosts, listings(None))
        assert found.steps[0].kind == "start"
        assert "move-v2-keys" not in [kind for kind, _host in kinds(found)]

    def test_a_host_that_gives_no_answer_is_refused(self):
        hosts = cluster()
        hosts[2] = silent(hosts[2])
        with pytest.raises(Refused) as refused:
            v2_migration._moving(hosts, cluster_plan.plan(cluster()), ())
        assert refused.value.code == "v2-not-all-members"


def test_a_cluster_that_changes_otherwise_is_refused():
    hosts = [*cluster(), bare(3)]
    assert refusal(hosts, listings()).code == "v2-cluster-differs"


def test_a_release_that_is_asked_for_is_refused():
    hosts = [replace(host, wanted=replace(host.wanted, version="3.5.33")) for host in cluster()]
    refused = refusal(hosts, listings())
    assert (refused.code, "-e etcd_version=" in refused.remedy) == ("v2-cluster-differs", True)


def test_etcd_3_6_has_nothing_of_it():
    hosts = [
        seeing(serving(written(stopped(bare(at)), "3.6.14"), version="3.6.14"), releases=["3.6.14"]) for at in range(3)
    ]
    assert refusal(hosts, listings(None)).code == "v2-gone"
