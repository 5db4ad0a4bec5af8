# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_downgrade against real etcd: the older release starts once it is enabled, and it ends by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import raft_snapshots
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, render
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import update, upgrade
from ansible_collections.quorum.etcd.plugins.module_utils._steps.update import Update
from cluster import Cluster, Member, Tls, switch_authentication_on
from member_host import members_of
from one_of_three import OneOfThree
from reports import reporting
from restored import written_down

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]

STEPS = [("3.7.1", "3.6.14"), ("3.6.14", "3.5.33")]


@pytest.fixture
def ask(run_module: RunModule) -> Callable[..., dict[str, Any]]:
    """Calls the module, which is to end well."""

    def asked(cluster: Cluster, state: str, **given: Any) -> dict[str, Any]:
        options = {"endpoints": cluster.endpoints, "state": state, "wait": 30.0, **given}
        failed, result = run_module("etcd_downgrade", **options)
        assert not failed, result["msg"]
        return dict(result)

    return asked


def of_minor(version: str) -> str:
    return version.rpartition(".")[0]


def to_release(cluster: Cluster, member: Member, version: str) -> None:
    cluster.end(member)
    cluster.version = version
    cluster.launch(member)
    cluster.wait_for(member)


def started(make_cluster: MakeCluster, version: str) -> Cluster:
    cluster = make_cluster(version, size=3)
    cluster.agree_on_a_version()
    return cluster


def storage(told: dict[str, Any]) -> set[str]:
    return {of_minor(one["storage_version"]) for one in told["members"]}


@pytest.mark.parametrize("newer, older", STEPS)
def test_members_get_the_older_release_one_by_one_and_etcd_ends_it(
    newer: str, older: str, make_cluster: MakeCluster, ask: Callable[..., dict[str, Any]]
) -> None:
    cluster, target = started(make_cluster, newer), of_minor(older)
    with cluster.client() as client:
        client.put("key", "value")
        # Left by an upgrade that was killed: what is enabled now is not its own.
        client.put(raft_snapshots.KEY, "an upgrade")
    foreseen = ask(cluster, "enabled", target=target, check_mode=True)
    assert (foreseen["changed"], foreseen["target"]) == (True, "")
    enabled = ask(cluster, "enabled", target=target)
    assert (enabled["changed"], enabled["target"], storage(enabled)) == (True, f"{target}.0", {target})
    assert enabled["diff"]["before"]["target"] == ""
    with cluster.client() as client:
        assert client.read(raft_snapshots.KEY)["kvs"] == []
    assert not ask(cluster, "enabled", target=target)["changed"]
    for member in cluster.members:
        upgrade.check_spoken(older, members_of(cluster), Side())
        to_release(cluster, member, older)
    assert ask(cluster, "ended")["target"] == ""
    with cluster.client() as client:
        assert client.read("key")["kvs"][0]["value"] == b"value"


def said_by(member: Member) -> dict[str, str]:
    return peer_port.versions([member.peer_url], Side())


@pytest.mark.parametrize("way", ["password", pytest.param("certificate", marks=pytest.mark.matrix)])
@pytest.mark.parametrize("newer, older", [STEPS[0], pytest.param(*STEPS[1], marks=pytest.mark.matrix)])
def test_with_authentication_on_it_goes_the_same_way(
    newer: str, older: str, way: str, make_cluster: MakeCluster, ask: Callable[..., dict[str, Any]], tls: Tls
) -> None:
    """By a user with a password, and by one whose name is in a certificate. It is cancelled, and begun again."""
    cluster, target = make_cluster(newer, size=3, tls=tls if way == "certificate" else None), of_minor(older)
    while {said_by(member).get("etcdcluster", "")[:3] for member in cluster.members} != {of_minor(newer)}:
        time.sleep(0.1)
    with cluster.client() as client:
        client.put("key", "value")
        switch_authentication_on(client, "root", "secret")
    cluster.guarded = True
    given: dict[str, Any] = {"username": "root", "password": "secret"}
    if way == "certificate":
        given = {"ca_path": tls.authority.path, "client_cert": tls.client.cert, "client_key": tls.client.key}
    else:
        cluster.login = ("root", "secret")
    assert ask(cluster, "enabled", target=target, check_mode=True, **given)["changed"]
    assert storage(ask(cluster, "enabled", target=target, **given)) == {target}
    assert storage(ask(cluster, "cancelled", **given)) == {of_minor(newer)}
    assert storage(ask(cluster, "enabled", target=target, **given)) == {target}
    for member in cluster.members:
        upgrade.check_spoken(older, members_of(cluster), Side())
        to_release(cluster, member, older)
    assert ask(cluster, "ended", **given)["target"] == ""
    with cluster.client() as client:
        assert client.read("key")["kvs"][0]["value"] == b"value"


@pytest.mark.parametrize("newer, older", STEPS)
def test_cancelled_before_a_member_was_replaced_all_is_as_before(
    newer: str, older: str, make_cluster: MakeCluster, ask: Callable[..., dict[str, Any]]
) -> None:
    cluster = started(make_cluster, newer)
    assert not ask(cluster, "cancelled")["changed"]
    ask(cluster, "enabled", target=of_minor(older))
    cancelled = ask(cluster, "cancelled")
    assert (cancelled["changed"], cancelled["target"], storage(cancelled)) == (True, "", {of_minor(newer)})


def test_enabled_right_after_another_one_was_cancelled_it_waits_for_the_newer_version(
    make_cluster: MakeCluster, ask: Callable[..., dict[str, Any]]
) -> None:
    cluster = started(make_cluster, "3.7.1")
    ask(cluster, "enabled", target="3.6")
    with cluster.client() as client:
        client.downgrade("CANCEL")
    enabled = ask(cluster, "enabled", target="3.6")
    assert (enabled["changed"], enabled["target"], storage(enabled)) == (True, "3.6.0", {"3.6"})


@pytest.mark.parametrize("newer, older", STEPS)
def test_cancelled_between_two_members_the_rest_follows_without_another_one(
    newer: str, older: str, make_cluster: MakeCluster, ask: Callable[..., dict[str, Any]]
) -> None:
    """The member that is replaced is the one that is asked first, and 3.5 does not answer to a CANCEL."""
    cluster, target = started(make_cluster, newer), of_minor(older)
    ask(cluster, "enabled", target=target)
    to_release(cluster, cluster.members[0], older)
    assert ask(cluster, "cancelled")["changed"]
    assert not ask(cluster, "enabled", target=target)["changed"]
    for member in cluster.members[1:]:
        to_release(cluster, member, older)
    assert {one["version"] for one in ask(cluster, "listed")["members"]} == {older}


@pytest.mark.parametrize(
    "step, state",
    [
        ("downgrade: validated", "enabled"),
        ("downgrade: enabled", "enabled"),
        ("downgrade: cancelled", "cancelled"),
    ],
)
def test_the_same_command_goes_on_where_one_has_ended(
    make_cluster: MakeCluster,
    ask: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    state: str,
) -> None:
    def at(reached: str) -> None:
        if reached == step:
            raise KeyboardInterrupt

    cluster = started(make_cluster, "3.7.1")
    if state == "cancelled":
        ask(cluster, "enabled", target="3.6")
    given = {"target": "3.6"} if state == "enabled" else {}
    with monkeypatch.context() as interrupting:
        interrupting.setattr(checkpoints, "at", at)
        with pytest.raises(KeyboardInterrupt):
            ask(cluster, state, **given)
    assert ask(cluster, state, **given)["target"] == ("3.6.0" if state == "enabled" else "")


def test_cancelling_waits_for_no_member_that_is_lost(
    make_cluster: MakeCluster, ask: Callable[..., dict[str, Any]]
) -> None:
    """It has to be replaced before the version can return, and that needs the downgrade to be over."""
    cluster = started(make_cluster, "3.7.1")
    ask(cluster, "enabled", target="3.6")
    cluster.end(cluster.members[2])
    cancelled = ask(cluster, "cancelled", wait=3.0)
    assert (cancelled["changed"], cancelled["target"]) == (True, "")


def test_no_member_starts_with_the_older_release_before(make_cluster: MakeCluster) -> None:
    cluster = started(make_cluster, "3.7.1")
    with pytest.raises(Refused, match=r"m0 says 3\.7\.0") as refused:
        upgrade.check_spoken("3.6.14", members_of(cluster), Side())
    assert refused.value.code == "downgrade-not-enabled"


def update_to(three: OneOfThree, version: str) -> None:
    """The host's own update to another release."""
    host = three.host
    host.version = version
    assert host.marker is not None
    environment = env_file.environment(render.flags(host.wanted, version))
    asked = Update(host.marker, host.name, True, [], environment, 30.0)
    update.apply(host.systemd, host.layout, host.content(), asked, three.terms(), check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")
def test_the_update_of_a_member_waits_for_what_was_enabled(
    make_three: Callable[..., OneOfThree], ask: Callable[..., dict[str, Any]]
) -> None:
    newer, older = STEPS[0]
    three = make_three(newer)
    three.cluster.agree_on_a_version()
    before = three.pid
    with pytest.raises(Refused) as refused:
        update_to(three, older)
    assert (refused.value.code, three.pid) == ("downgrade-not-enabled", before)
    ask(three.cluster, "enabled", target="3.6")
    update_to(three, older)
    assert peer_port.versions(three.host.wanted.member.peer_urls, Side())["etcdserver"] == older


@pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")
@pytest.mark.parametrize("newer, older", STEPS)
def test_with_authentication_on_members_are_updated_by_the_user_that_the_host_names(
    newer: str, older: str, make_three: Callable[..., OneOfThree], ask: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """As the first, and once more as the last, when all others have the older release already."""
    three = make_three(newer)
    cluster, target = three.cluster, of_minor(older)
    cluster.agree_on_a_version()
    with cluster.client() as client:
        switch_authentication_on(client, "root", "secret")
    cluster.login, cluster.guarded = ("root", "secret"), True
    user = written_down(tmp_path / "user", "root", "secret")
    three.host.layout = replace(three.host.layout, user_file=str(user))
    given = {"username": "root", "password": "secret"}
    ask(cluster, "enabled", target=target, **given)
    with reporting(cluster.endpoints, cluster.credentials):
        update_to(three, older)
        ask(cluster, "cancelled", **given)
        # The version stays, for one has the older release: the newer one comes back where it was.
        update_to(three, newer)
        ask(cluster, "enabled", target=target, **given)
        for member in three.others:
            to_release(cluster, member, older)
        update_to(three, older)
    assert ask(cluster, "ended", **given)["target"] == ""
    assert {one["version"] for one in ask(cluster, "listed", **given)["members"]} == {older}


@pytest.mark.parametrize("target, words", [("3.5", "runs neither"), ("3.4", "times out"), ("3.6.0", "Give a minor")])
def test_another_target_is_refused(target: str, words: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = started(make_cluster, "3.7.1")
    failed, result = run_module("etcd_downgrade", endpoints=cluster.endpoints, state="enabled", target=target)
    assert failed
    assert words in result["msg"]
