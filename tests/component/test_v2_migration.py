# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of API version 2 move to version 3 in a real cluster, and none of either version is lost."""

from __future__ import annotations

import glob
import os
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    EtcdError,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import v2_migration as keys_of_v2
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_acts import MoveV2Keys
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Content
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.v2_member import V2Member
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service, v2_info, v2_migration
from ansible_collections.quorum.etcd.plugins.module_utils._steps.v2_migration import Move
from cluster import Cluster, binary
from one_of_three import OneOfThree

MakeThree = Callable[..., OneOfThree]
MakeCluster = Callable[..., Cluster]

OLD, NEXT = "3.4.23", "3.5.33"

#: Keys that version 2 still has once a call has failed at a step.
NOTHING_MOVED = {"v2: leadership moved": 153, "v2: stopped": 153, "v2: copied": 153, "v2: apart": 153}
#: A group at a time is moved.
SOME_MOVED = {"v2: written": 153, "v2: taken out": 153 - 64}
ALL_MOVED = {"v2: started again": 0}

of_root = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")


def ask(method: str, url: str, body: bytes | None = None, kind: str = "application/json") -> None:
    request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
    urllib.request.urlopen(request, timeout=5).close()


def put(endpoint: str, name: str, **form: str) -> None:
    body = urllib.parse.urlencode(form).encode()
    ask("PUT", f"{endpoint}/v2/keys{urllib.parse.quote(name)}", body, "application/x-www-form-urlencoded")


def member_of(endpoint: str) -> V2Member:
    return V2Member(endpoint, v2_info.context_of(Credentials()), 5.0)


def listed(endpoint: str) -> V2Content:
    return keys_of_v2.listed(member_of(endpoint), agreed=True).content


def has_api(endpoint: str) -> bool:
    return member_of(endpoint).is_served()


def read(endpoint: str, name: str) -> list[dict[str, Any]]:
    with Client([endpoint]) as client:
        found: list[dict[str, Any]] = client.read(name)["kvs"]
        return found


def with_api(make_three: MakeThree, version: str, **settings: str) -> OneOfThree:
    """A cluster whose members serve version 2, and hold something of each kind there."""
    three = make_three(version, enable_v2="true", **settings)
    endpoint = three.endpoints[0]
    for number in range(150):
        put(endpoint, f"/net/{number % 3}/{number}", value=f"of {number}")
    put(endpoint, "/lease", value="a day", ttl="86400")
    put(endpoint, "/dir", dir="true", ttl="86400")
    put(endpoint, "/dir/in", value="by its directory")
    put(endpoint, "/empty", dir="true")
    put(endpoint, "/_hidden", value="at the root")
    put(endpoint, "/net/0/_hidden", value="inside")
    put(endpoint, "/with %2F and ü", value="ü")
    with Client([endpoint]) as client:
        for number in range(150):
            client.put(f"three/{number}", f"{number}")
        client.put("/net/1/1", "of 1")
    return three


def close(three: OneOfThree) -> None:
    """Restart every member without the API."""
    for other in three.others:
        other.extra.remove("--enable-v2=true")
        three.cluster.end(other)
        three.cluster.launch(other)
        three.cluster.wait_for(other)
    host = three.host
    path = Path(host.layout.conf_file)
    path.write_text(path.read_text().replace('ETCD_ENABLE_V2="true"\n', ""))
    service.launch(host.systemd, host.layout, again=True)
    service.serving(host.systemd, host.layout, 30.0)


def migrated(three: OneOfThree, takes_expiring: bool = True, check: bool = False) -> dict[str, Any]:
    host = three.host
    terms = three.terms(act="migration")
    return v2_migration.migrate(host, host.layout, Move(takes_expiring, 30.0), terms, check)


def copies(three: OneOfThree) -> list[str]:
    return glob.glob(f"{three.host.layout.data_dir}/*.migration-*")


def removed(client: Client, member_id: str) -> None:
    """Remove a member. etcd does not while it has connections that are younger than five seconds, and answers nobody
    while the removed one was the leader.
    """
    deadline = Deadline(60.0)
    while any(one.id == member_id for one in client.member_list(linearizable=False).members):
        try:
            client.member_remove(member_id)
            return
        except (RpcError, TransportError):
            if not deadline.left():
                raise
            time.sleep(0.5)


def hashes(three: OneOfThree) -> set[int]:
    with Client(three.cluster.endpoints) as client:
        revision = client.status(three.endpoints[0]).revision
        return {client.hash_kv(revision, one)["hash"] for one in three.cluster.endpoints}


@of_root
@pytest.mark.parametrize("release", [OLD, NEXT])
def test_every_key_is_in_version_3_on_all_members_and_nothing_of_version_3_is_lost(
    make_three: MakeThree, release: str
) -> None:
    three = with_api(make_three, release)
    three.cluster.lead(three.cluster.members[-1])
    close(three)
    before = three.pid
    done = migrated(three)
    assert (done["key_count"], done["copied"], done["expiring"], done["empty_directories"]) == (153, 152, 2, 1)
    assert (done["hidden_in"], done["after"] - done["before"]) == (["/net", "/net/0"], 152)
    assert three.pid != before
    for endpoint in three.cluster.endpoints:
        assert [one["value"] for one in read(endpoint, "/net/2/149")] == [b"of 149"]
        assert [one["value"] for one in read(endpoint, "/with %2F and ü")] == ["ü".encode()]
        assert not has_api(endpoint)
        with Client([endpoint]) as client:
            assert client.read("three/", prefix=True)["count"] == 150
    assert len(hashes(three)) == 1
    (lease,) = {read(three.endpoints[0], name)[0]["lease"] for name in ("/lease", "/dir/in")}
    assert lease
    assert not read(three.endpoints[0], "/net/2/149")[0]["lease"]
    assert "153 keys of version 2, 152 of them written" in MoveV2Keys().outcome(done)
    kept = done["kept"]
    assert copies(three) == kept
    assert [os.path.isdir(os.path.join(path, "wal")) for path in kept] == [True]


@of_root
def test_what_is_left_in_version_2_is_what_nobody_could_see(make_three: MakeThree) -> None:
    three = with_api(make_three, OLD)
    close(three)
    migrated(three)
    for other in three.others:
        other.extra = ["--enable-v2=true"]
        three.cluster.end(other)
        three.cluster.launch(other)
        three.cluster.wait_for(other)
    assert listed(three.endpoints[0]) == V2Content((), ("/net", "/net/0"), ("/net/0",))


@of_root
def test_with_a_member_that_still_serves_version_2_nothing_is_stopped(make_three: MakeThree) -> None:
    three = with_api(make_three, OLD)
    before = three.pid
    with pytest.raises(Refused, match="may still be served by") as refused:
        migrated(three)
    assert (refused.value.code, three.pid) == ("v2-still-served", before)


@of_root
def test_without_the_word_for_keys_that_expire_no_key_moves_and_the_member_serves_again(make_three: MakeThree) -> None:
    three = with_api(make_three, OLD)
    close(three)
    with pytest.raises(Refused, match="/dir/in, /lease") as refused:
        migrated(three, takes_expiring=False)
    assert refused.value.code == "v2-keys-expire"
    three.cluster.wait_for(three.cluster.members[-1])
    assert read(three.cluster.endpoints[-1], "/net/2/149") == []
    assert copies(three) == []
    assert migrated(three)["copied"] == 152


@of_root
def test_another_value_in_version_3_is_never_overwritten(make_three: MakeThree) -> None:
    three = with_api(make_three, OLD)
    with Client([three.endpoints[0]]) as client:
        client.put("/net/2/2", "newer")
    close(three)
    with pytest.raises(Refused, match=r"/net/2/2 \(version 3 has another value\)") as refused:
        migrated(three)
    assert refused.value.code == "v2-keys-conflict"
    three.cluster.wait_for(three.cluster.members[-1])
    assert read(three.endpoints[0], "/net/2/2")[0]["value"] == b"newer"
    assert read(three.endpoints[0], "/net/2/149") == []


@of_root
@pytest.mark.parametrize("step", [*NOTHING_MOVED, *SOME_MOVED, *ALL_MOVED])
def test_failed_at_any_step_the_member_serves_again_and_the_same_call_goes_on(
    make_three: MakeThree, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = with_api(make_three, OLD)
    close(three)

    def at(reached: str) -> None:
        if reached == step:
            raise EtcdError(step)

    with monkeypatch.context() as patched:
        patched.setattr(v2_migration.checkpoints, "at", at)
        with pytest.raises(EtcdError, match=step):
            migrated(three)
    service.await_ready(three.host.systemd, three.host.layout, timeout=30)
    done = migrated(three)
    assert done["key_count"] == {**NOTHING_MOVED, **SOME_MOVED, **ALL_MOVED}[step]
    assert len(done["earlier"]) == (0 if step in NOTHING_MOVED else 1)
    assert [one["value"] for one in read(three.endpoints[1], "/net/2/149")] == [b"of 149"]
    assert len(hashes(three)) == 1


@of_root
def test_an_only_member_moves_its_keys_by_itself(make_three: MakeThree) -> None:
    three = with_api(make_three, OLD)
    close(three)
    own = three.cluster.endpoints[-1]
    with Client([own]) as client:
        for one in client.member_list().members:
            if one.id != three.listed.id:
                removed(client, one.id)
    for other in three.others:
        three.cluster.end(other)
    terms = three.terms(act="migration", endpoints=[], allow_outage=True)
    host = three.host
    done = v2_migration.migrate(host, host.layout, Move(True, 30.0), terms, check=False)
    assert done["copied"] == 152
    with Client([own]) as client:
        assert client.read("/net/", prefix=True)["count"] == 150


@of_root
def test_check_mode_only_looks(make_three: MakeThree) -> None:
    three = with_api(make_three, OLD)
    close(three)
    before = three.pid
    assert migrated(three, check=True)["changed"]
    assert three.pid == before
    assert copies(three) == []


@of_root
@pytest.mark.parametrize("release", [OLD, NEXT])
def test_users_of_version_2_are_found_and_the_command_that_is_named_is_accepted(
    make_three: MakeThree, release: str
) -> None:
    three = with_api(make_three, release)
    endpoint = three.endpoints[0]
    ask("PUT", f"{endpoint}/v2/auth/users/root", b'{"user":"root","password":"secret"}')
    ask("PUT", f"{endpoint}/v2/auth/enable")
    found = v2_info.inspect(three.host, three.host.layout, 5.0)
    assert (found["users"], found["listing"]) == (True, None)
    close(three)
    with pytest.raises(Refused, match="curl -u root:PASSWORD -X DELETE URL/v2/auth/enable") as refused:
        migrated(three)
    assert refused.value.code == "v2-auth-enabled"
    assert read(endpoint, "/net/2/149") == []
    for other in three.others:
        other.extra.append("--enable-v2=true")
        three.cluster.end(other)
        three.cluster.launch(other)
        three.cluster.wait_for(other)
    subprocess.run(["curl", "-sf", "-u", "root:secret", "-X", "DELETE", f"{endpoint}/v2/auth/enable"], check=True)
    close(three)
    assert migrated(three)["copied"] == 152


@of_root
def test_keys_of_version_3_that_version_2_shows_are_neither_moved_nor_deleted(make_three: MakeThree) -> None:
    three = make_three(OLD, enable_v2="true", experimental_enable_v2v3="/two")
    endpoint = three.endpoints[0]
    put(endpoint, "/a", value="x")
    found = v2_info.inspect(three.host, three.host.layout, 5.0)
    assert (found["emulated"], found["listing"]) == ("/two", None)
    close(three)
    before = three.pid
    with Client([endpoint]) as client:
        count = client.count()
        with pytest.raises(Refused, match="etcdctl get --prefix /two") as refused:
            migrated(three)
        assert (refused.value.code, three.pid, client.count()) == ("v2-emulated", before, count)


@of_root
def test_to_look_costs_the_cluster_no_request_in_its_log(make_three: MakeThree) -> None:
    three = make_three(OLD, enable_v2="true")
    own = three.cluster.endpoints[-1]
    # Without a key that expires nothing else writes.
    put(three.endpoints[0], "/a", value="x")
    with Client([own]) as client:
        before = client.status(own).raft_index
        found = v2_info.inspect(three.host, three.host.layout, 5.0)
        assert client.status(own).raft_index == before
    assert (found["listing"]["key_count"], found["users"], found["needs"]["largest"]) == (1, False, "/a")


@of_root
def test_a_key_that_is_too_large_is_named_before_one_is_written(make_three: MakeThree) -> None:
    three = with_api(make_three, OLD, max_request_bytes="20000")
    put(three.endpoints[0], "/large", value="x" * 30000)
    close(three)
    with pytest.raises(Refused, match="/large of version 2 .* max-request-bytes is 20000") as refused:
        migrated(three)
    assert refused.value.code == "v2-key-too-large"
    assert read(three.endpoints[0], "/net/2/149") == []
    three.cluster.wait_for(three.cluster.members[-1])
    assert copies(three) == []


@of_root
def test_a_member_that_takes_fewer_operations_gets_smaller_groups(make_three: MakeThree) -> None:
    three = with_api(make_three, OLD, max_txn_ops="7")
    close(three)
    assert migrated(three)["copied"] == 152


@of_root
def test_where_nothing_is_to_be_moved_no_copy_is_left(make_three: MakeThree) -> None:
    three = make_three(OLD)
    for _again in range(2):
        done = migrated(three)
        assert (done["key_count"], done["kept"], done["earlier"], copies(three)) == (0, [], [], [])


def test_etcdctl_migrate_would_lose_keys_of_version_3(make_cluster: MakeCluster) -> None:
    """It writes each key at the revision that is its modifiedIndex, whatever lies there: this is why it is not used."""
    cluster = make_cluster(OLD, extra=["--enable-v2=true"])
    (member,) = cluster.members
    with cluster.client() as client:
        for number in range(20):
            client.put(f"three/{number}", "x")
    for number in range(8):
        put(member.client_url, f"/two/{number}", value="y")
    cluster.end(member)
    subprocess.run(
        [binary(OLD, "etcdctl"), "migrate", "--data-dir", member.directory],
        env={"ETCDCTL_API": "3"},
        capture_output=True,
        check=True,
    )
    cluster.launch(member)
    cluster.wait_for(member)
    with cluster.client() as client:
        assert client.read("three/", prefix=True)["count"] < 20
