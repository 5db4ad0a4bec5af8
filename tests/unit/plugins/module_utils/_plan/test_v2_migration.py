# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of API version 2 move once clients of it are shut out, and what may not move is named before that."""

from __future__ import annotations

import re
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


def cluster(serves=False, **variables):
    return [member(at, serves=serves, **variables) for at in range(3)]


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

    def test_a_listing_without_a_key_is_not_the_last_word(self):
        found = plan(cluster(serves=True), listings(NOTHING))
        assert found.follows == ("move the keys of version 2 to version 3, by one member apart from its clients",)
        assert any("They are listed again" in note for note in found.notes)
        assert [kind for kind, _host in kinds(plan(cluster(), listings(NOTHING)))] == ["save-before-v2", "move-v2-keys"]

    def test_keys_of_version_3_below_a_prefix_are_no_keys_of_version_2(self):
        refused = refusal(cluster(serves=True), {"etcd-host0": Listing(room=ROOM, emulated="/v2")})
        assert (refused.code, "etcdctl get --prefix /v2" in refused.remedy) == ("v2-emulated", True)
        settings = {"experimental-enable-v2v3": "/v2"}
        hosts = [replace(host, wanted=bare(at, etcd_settings=settings).wanted) for at, host in enumerate(cluster())]
        assert refusal(hosts, listings(None)).code == "v2-emulated"

    def test_users_of_version_2_are_refused(self):
        refused = refusal(cluster(serves=True), {"etcd-host0": Listing(room=ROOM, users=True)})
        assert (refused.code, "URL/v2/auth/enable" in refused.remedy) == ("v2-auth-enabled", True)

    def test_a_key_that_no_request_holds_is_named_with_the_setting(self):
        needs = {"largest": "/big", "request": 2 << 20, "space": 4 << 20}
        refused = refusal(cluster(serves=True), listings(needs=needs))
        assert refused.code == "v2-key-too-large"
        assert "/big" in refused.found
        (size,) = re.findall(r"max-request-bytes: (\d+) in etcd_settings", refused.remedy)
        larger = {"max-request-bytes": int(size)}
        hosts = [replace(host, wanted=bare(at, etcd_settings=larger).wanted) for at, host in enumerate(cluster(True))]
        assert plan(hosts, listings(needs=needs)).follows

    def test_keys_beyond_the_quota_are_refused_with_one_that_is_enough(self):
        needs = {"largest": "/a", "request": 100, "space": 6 << 30}
        refused = refusal(cluster(serves=True), listings(needs=needs, database=3 << 30))
        assert refused.code == "v2-over-quota"
        (size,) = re.findall(r"quota-backend-bytes: (\d+) or more", refused.remedy)
        larger = {"quota-backend-bytes": int(size)}
        hosts = [replace(host, wanted=bare(at, etcd_settings=larger).wanted) for at, host in enumerate(cluster(True))]
        assert plan(hosts, listings(needs=needs, database=3 << 30)).follows

    def test_copies_of_earlier_runs_are_named(self):
        copies = ("/var/lib/etcd/member.migration-unfinished",)
        found = plan(cluster(serves=True), {"etcd-host0": Listing(SOME, room=ROOM, copies=copies)})
        assert any("etcd-host0 has /var/lib/etcd/member.migration-unfinished" in note for note in found.notes)

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
