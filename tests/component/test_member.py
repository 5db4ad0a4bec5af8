# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd_member against real etcd."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from cluster import Cluster, Member, Tls, free_ports
from reports import NONCE, reporting

MakeCluster = Callable[..., Cluster]
RunModule = Callable[..., Any]

NEW = "http://127.0.0.1:1"


def listed(cluster: Cluster) -> list[ClusterMember]:
    with cluster.client() as client:
        return list(client.member_list().members)


def roles(cluster: Cluster) -> dict[str, bool]:
    """Name, or peer URL of who has none, to whether it is a learner."""
    return {one.name or one.peer_urls[0]: one.is_learner for one in listed(cluster)}


def id_of(cluster: Cluster, name: str) -> str:
    return str(next(one.id for one in listed(cluster) if one.name == name))


def newcomer(cluster: Cluster) -> Member:
    """A member that has yet to be added."""
    at = len(cluster.members)
    client_url, peer_url = (f"http://127.0.0.1:{port}" for port in free_ports(2))
    directory = cluster.members[0].directory.with_name(f"m{at}")
    return Member(f"m{at}", client_url, peer_url, directory, extra=["--initial-cluster-state=existing"])


def leader_of(cluster: Cluster) -> Member:
    with cluster.client() as client:
        leader = client.status().leader
    names = {one.id: one.name for one in listed(cluster)}
    return next(one for one in cluster.members if one.name == names[leader])


def until(question: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not question():
        assert time.monotonic() < end
        time.sleep(0.05)


def ended(member: Member) -> bool:
    assert member.process is not None
    return member.process.wait(10) == 0


# -- a member comes and goes -------------------------------------------------------------------------------------------


def test_a_member_is_added_promoted_and_removed(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version)
    new = newcomer(cluster)
    options: dict[str, Any] = {"name": new.name, "peer_urls": [new.peer_url], "endpoints": cluster.endpoints}

    def run(state: str, changed: bool, check_mode: bool = False) -> dict[str, Any]:
        before = listed(cluster)
        outcome = run_module("etcd_member", check_mode=check_mode, state=state, **options)
        assert not outcome.failed, outcome.result["msg"]
        assert outcome.result["changed"] is changed
        assert outcome.result["diff"]["before"]["members"] == [one.to_dict() for one in before]
        assert outcome.result["diff"]["after"]["members"] == outcome.result["members"]
        assert (listed(cluster) == before) is (check_mode or not changed)
        return dict(outcome.result)

    foreseen = run("learner", changed=True, check_mode=True)
    assert (foreseen["member"]["id"], foreseen["member"]["is_learner"]) == ("", True)
    added = run("learner", changed=True)
    assert added["member"] == {**foreseen["member"], "id": added["member"]["id"]}
    assert run("learner", changed=False)["member"] == added["member"]

    cluster.members.append(new)
    cluster.launch(new)
    until(lambda: all(member.started for member in listed(cluster)))
    assert run("voter", changed=True, check_mode=True)["member"]["is_learner"] is False
    promoted = run("voter", changed=True)["member"]
    assert promoted == {
        "id": added["member"]["id"],
        "name": new.name,
        "peer_urls": [new.peer_url],
        "client_urls": [new.client_url],
        "is_learner": False,
        "started": True,
    }
    cluster.wait_for(new)
    assert run("voter", changed=False)["member"] == promoted
    assert run("learner", changed=False)["member"] == promoted

    assert run("absent", changed=True, check_mode=True)["member"] == {}
    removed = run("absent", changed=True)
    assert (removed["member"], [one["name"] for one in removed["members"]]) == ({}, ["m0"])
    assert ended(new)
    assert run("absent", changed=False)["member"] == {}
    with cluster.client() as client:
        assert client.read("", prefix=True)["count"] == 0


def test_leadership_is_handed_over_before_the_leader_is_removed(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(every_version, size=3)
    leader = leader_of(cluster)
    others = [one.client_url for one in cluster.members if one is not leader]
    # Without the leader's own endpoint, too.
    outcome = run_module("etcd_member", name=leader.name, state="absent", endpoints=others)
    assert not outcome.failed, outcome.result["msg"]
    assert len(outcome.result["members"]) == 2
    assert ended(leader)
    log = leader.directory.with_suffix(".log").read_text()
    removed = re.search("removed member|permanently removed", log)
    assert removed is not None and -1 < log.find("starts to transfer leadership") < removed.start()


def test_a_member_can_be_asked_to_remove_itself(version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(version, size=3)
    own = cluster.members[0]
    outcome = run_module("etcd_member", name=own.name, state="absent", endpoints=cluster.endpoints)
    assert not outcome.failed, outcome.result["msg"]
    assert [one["name"] for one in outcome.result["members"] if one["name"] == own.name] == []
    with Client(cluster.endpoints[1:]) as client:
        assert client.read(cluster_lock.KEY)["count"] == 0


def test_certificates_are_options(version: str, make_cluster: MakeCluster, run_module: RunModule, tls: Tls) -> None:
    cluster = make_cluster(version, tls=tls)
    options = {"ca_path": tls.authority.path, "client_cert": tls.client.cert, "client_key": tls.client.key}
    added = run_module("etcd_member", state="learner", peer_urls=[NEW], endpoints=cluster.endpoints, **options)
    assert added.result["changed"]
    assert roles(cluster) == {"m0": False, NEW: True}


# -- which member is meant ---------------------------------------------------------------------------------------------


@pytest.fixture
def run_module(run_module: RunModule) -> RunModule:
    """With members that report whom they reach."""

    def run(name: str, /, check_mode: bool = False, **options: Any) -> Any:
        with reporting(options["endpoints"]):
            return run_module(name, check_mode=check_mode, **{"nonce": NONCE, **options})

    return run


@pytest.fixture
def one(version: str, make_cluster: MakeCluster) -> Cluster:
    return make_cluster(version)


@pytest.fixture
def refusal(run_module: RunModule) -> Callable[..., str]:
    """What the module says when it refuses; nothing may have changed then."""

    def refuse(cluster: Cluster, **options: Any) -> str:
        before = listed(cluster)
        outcome = run_module("etcd_member", **{"endpoints": cluster.endpoints, **options})
        assert outcome.failed
        assert listed(cluster) == before
        return str(outcome.result["msg"])

    return refuse


@pytest.mark.parametrize(
    "given", [["member_id"], ["peer_urls"], ["member_id", "name"], ["name", "peer_urls"], ["member_id", "peer_urls"]]
)
def test_a_member_goes_by_what_is_given(one: Cluster, run_module: RunModule, given: list[str]) -> None:
    member = listed(one)[0]
    known = {"name": "m0", "member_id": member.id, "peer_urls": member.peer_urls}
    options = {key: known[key] for key in given}
    result = run_module("etcd_member", state="voter", endpoints=one.endpoints, **options).result
    assert (result["changed"], result["member"]) == (False, member.to_dict())


def test_ids_are_read_as_etcdctl_and_others_print_them(one: Cluster, run_module: RunModule) -> None:
    member = listed(one)[0]
    options = {"member_id": member.id.upper(), "state": "voter", "endpoints": one.endpoints}
    assert run_module("etcd_member", **options).result["member"] == member.to_dict()


def test_a_name_and_an_id_of_different_members_are_refused(one: Cluster, refusal: Callable[..., str]) -> None:
    message = refusal(one, name="m1", member_id=listed(one)[0].id, state="absent")
    assert "is the member m0, not m1." in message


def test_urls_of_a_member_with_another_name_are_refused(one: Cluster, refusal: Callable[..., str]) -> None:
    message = refusal(one, name="m1", peer_urls=[one.members[0].peer_url], state="learner")
    assert f"{one.members[0].peer_url} is the member m0, not m1." in message


def test_a_member_at_other_urls_than_those_given_is_not_removed(one: Cluster, refusal: Callable[..., str]) -> None:
    message = refusal(one, name="m0", peer_urls=[NEW], state="absent")
    assert f"m0 has the peer URLs {one.members[0].peer_url}, not those given." in message


def test_a_part_of_a_name_is_no_name(one: Cluster, run_module: RunModule) -> None:
    assert run_module("etcd_member", name="m", state="absent", endpoints=one.endpoints).result["changed"] is False


def test_an_id_is_never_given_to_etcd(one: Cluster, refusal: Callable[..., str]) -> None:
    message = refusal(one, member_id="abc", peer_urls=[NEW], state="learner")
    assert "The cluster has no member abc. etcd chooses the ids itself" in message


def test_a_member_without_an_address_is_not_added(one: Cluster, refusal: Callable[..., str]) -> None:
    assert refusal(one, name="m1", state="learner").startswith(
        "The cluster has no member m1. To add it, give peer_urls"
    )


@pytest.mark.parametrize("url", ["10.0.0.1:2380", "http://10.0.0.1", "ftp://10.0.0.1:2380"])
def test_urls_that_are_none_are_refused_before_etcd_sees_them(
    one: Cluster, refusal: Callable[..., str], url: str
) -> None:
    assert refusal(one, peer_urls=[url], state="learner").startswith("peer_urls: ")


def test_an_address_of_another_member_is_refused(one: Cluster, refusal: Callable[..., str]) -> None:
    message = refusal(one, name="m1", peer_urls=[NEW, one.members[0].peer_url], state="learner")
    assert message.startswith(f"{one.members[0].peer_url} is a peer URL of m0, id ")


# -- what the cluster cannot spare -------------------------------------------------------------------------------------


def test_no_voter_is_added_at_once(one: Cluster, refusal: Callable[..., str]) -> None:
    message = refusal(one, name="m1", peer_urls=[NEW], state="voter")
    assert "Add it with state: learner and start it; then state: voter promotes it." in message


def test_a_learner_that_has_not_started_is_not_promoted(
    every_version: str, make_cluster: MakeCluster, refusal: Callable[..., str]
) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        client.member_add([NEW])
    assert "has not caught up with the leader" in refusal(cluster, peer_urls=[NEW], state="voter", catch_up_timeout=1)


def test_one_learner_at_a_time(every_version: str, make_cluster: MakeCluster, refusal: Callable[..., str]) -> None:
    cluster = make_cluster(every_version)
    with cluster.client() as client:
        client.member_add([NEW])
    message = refusal(cluster, peer_urls=["http://127.0.0.1:2"], state="learner")
    assert "it has as many learners as it takes (max-learners, 1 by default): " in message
    assert f"({NEW}, not started)" in message


def test_the_last_voter_stays(one: Cluster, refusal: Callable[..., str]) -> None:
    assert refusal(one, name="m0", state="absent").startswith("m0 is the only voter.")


@pytest.fixture
def degraded(version: str, make_cluster: MakeCluster) -> Cluster:
    """Of three members the last is down."""
    cluster = make_cluster(version, size=3)
    cluster.end(cluster.members[2])
    return cluster


class TestWithAMemberDown:
    def test_nothing_is_added(self, degraded: Cluster, refusal: Callable[..., str]) -> None:
        assert refusal(degraded, peer_urls=[NEW], state="learner").startswith(
            "m2 is not healthy, and a member is to be"
        )

    def test_a_healthy_one_stays(self, degraded: Cluster, refusal: Callable[..., str]) -> None:
        message = refusal(degraded, name="m0", state="absent")
        assert message.startswith("Without m0, 1 of 2 voters would be healthy, and 2 are needed. Not healthy: m2.")

    def test_the_address_of_a_healthy_one_stays(self, degraded: Cluster, refusal: Callable[..., str]) -> None:
        message = refusal(degraded, name="m0", peer_urls=[NEW], state="voter", allow_outage=True)
        assert message.startswith("Without m0, 1 of 3 voters would be healthy, and 2 are needed.")

    def test_it_is_removed_if_it_is_silent(self, degraded: Cluster, run_module: RunModule) -> None:
        options = {"name": "m2", "state": "absent", "only_if_silent": True, "endpoints": degraded.endpoints}
        assert run_module("etcd_member", **options).result["changed"]
        assert sorted(roles(degraded)) == ["m0", "m1"]

    def test_its_address_changes(self, degraded: Cluster, run_module: RunModule) -> None:
        options = {"name": "m2", "state": "voter", "peer_urls": [NEW], "endpoints": degraded.endpoints}
        assert run_module("etcd_member", **options).result["member"]["peer_urls"] == [NEW]


@pytest.mark.parametrize("given", [{"state": "absent"}, {"state": "voter", "peer_urls": [NEW]}])
def test_without_a_quorum_nothing_is_tried(
    every_version: str, make_cluster: MakeCluster, run_module: RunModule, given: dict[str, Any]
) -> None:
    cluster = make_cluster(every_version, size=3)
    for member in cluster.members[1:]:
        cluster.end(member)
    outcome = run_module("etcd_member", name="m2", endpoints=cluster.endpoints, timeout=1, **given)
    assert outcome.result["msg"].startswith("Of 3 voters 0 are healthy, and 2 are needed for a quorum.")


def test_a_member_that_answers_is_not_forgotten(
    version: str, make_cluster: MakeCluster, refusal: Callable[..., str]
) -> None:
    cluster = make_cluster(version, size=3)
    message = refusal(cluster, name="m2", state="absent", only_if_silent=True)
    assert message.startswith(f"m2 was to be forgotten, and it answers at {cluster.members[2].client_url}.")


# -- peer URLs ---------------------------------------------------------------------------------------------------------


def test_the_address_of_a_member_changes(every_version: str, make_cluster: MakeCluster, run_module: RunModule) -> None:
    cluster = make_cluster(every_version)
    options = {"name": "m0", "state": "voter", "peer_urls": [NEW, cluster.members[0].peer_url]}
    for check_mode, changed in ((True, True), (False, True), (False, False)):
        before = listed(cluster)
        result = run_module("etcd_member", check_mode=check_mode, endpoints=cluster.endpoints, **options).result
        assert result["changed"] is changed
        assert sorted(result["member"]["peer_urls"]) == sorted(options["peer_urls"])
        assert (listed(cluster) == before) is (check_mode or not changed)


def test_of_two_members_none_is_readdressed_unless_an_outage_is_allowed(
    version: str, make_cluster: MakeCluster, run_module: RunModule, refusal: Callable[..., str]
) -> None:
    cluster = make_cluster(version, size=2)
    options = {"name": "m1", "state": "voter", "peer_urls": [cluster.members[1].peer_url, NEW]}
    assert "allow_outage: true" in refusal(cluster, **options)
    assert run_module("etcd_member", endpoints=cluster.endpoints, allow_outage=True, **options).result["changed"]


# -- others at work ----------------------------------------------------------------------------------------------------


def test_it_waits_for_others_and_then_looks_again(
    version: str, make_cluster: MakeCluster, run_module: RunModule
) -> None:
    cluster = make_cluster(version)
    taken, given_back = threading.Event(), threading.Event()

    def another() -> None:
        with cluster_lock.held(cluster.endpoints, cluster.credentials, "another", 0), cluster.client() as client:
            taken.set()
            time.sleep(1)
            client.member_add([NEW])
            given_back.set()

    thread = threading.Thread(target=another)
    thread.start()
    assert taken.wait(10)
    outcome = run_module("etcd_member", state="learner", peer_urls=[NEW], endpoints=cluster.endpoints)
    assert given_back.is_set()
    thread.join()
    assert (outcome.failed, outcome.result["changed"]) == (False, False)
    assert len(listed(cluster)) == 2


def test_who_waits_too_long_is_told_for_whom(one: Cluster, refusal: Callable[..., str]) -> None:
    with cluster_lock.held(one.endpoints, one.credentials, "a turn of m0", 0):
        message = refusal(one, state="learner", peer_urls=[NEW], lock_timeout=0.3)
        assert message.startswith("Somebody else is at work on this cluster: a turn of m0.")


def test_check_mode_needs_no_lock(one: Cluster, run_module: RunModule) -> None:
    with cluster_lock.held(one.endpoints, one.credentials, "a turn of m0", 0):
        options = {"state": "learner", "peer_urls": [NEW], "endpoints": one.endpoints, "lock_timeout": 0}
        assert run_module("etcd_member", check_mode=True, **options).result["changed"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_plan_for_other_members_is_refused(
    one: Cluster, run_module: RunModule, refusal: Callable[..., str], check_mode: bool
) -> None:
    presumed = expected_members.describe(listed(one))
    options = {"state": "learner", "peer_urls": [NEW], "endpoints": one.endpoints}
    run_module("etcd_member", members=presumed, **options)
    assert roles(one) == {"m0": False, NEW: True}
    message = refusal(one, peer_urls=[NEW], state="absent", members=presumed, check_mode=check_mode)
    assert message.startswith("The cluster's members changed meanwhile: learner ")
    assert run_module(
        "etcd_member", **{**options, "state": "absent"}, members=expected_members.describe(listed(one))
    ).result["changed"]


# -- a downgrade -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["3.6.14", "3.7.1"])
def test_members_stay_while_the_cluster_is_downgraded_until_that_is_cancelled(
    release: str, make_cluster: MakeCluster, refusal: Callable[..., str], run_module: RunModule
) -> None:
    cluster = make_cluster(release, size=3)
    lower = f"3.{int(release.split('.')[1]) - 1}.0"

    def ask(action: str) -> None:
        """The cluster's version is agreed on a moment after its start."""
        for last in [*[False] * 60, True]:
            try:
                with cluster.client() as client:
                    client.call("Maintenance.Downgrade", {"action": action, "version": lower})
                return
            except RpcError:
                if last:
                    raise
                time.sleep(0.2)

    ask("ENABLE")
    with cluster.client() as client:
        assert client.status().downgrade == lower
    for given in ({"name": "m2", "state": "absent"}, {"peer_urls": [NEW], "state": "learner"}):
        assert f"The cluster is being downgraded to {lower}" in refusal(cluster, **given)
    ask("CANCEL")
    assert run_module("etcd_member", endpoints=cluster.endpoints, name="m2", state="absent").result["changed"]
