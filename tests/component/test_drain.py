# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host is drained and brought back in a real cluster, interrupted anywhere, beside others who act on it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import (
    cluster_lock,
    link_proof,
    maintenance_lease,
    queries,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import (
    KEY,
    Drained,
    Holder,
    Owner,
    record_in,
)
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Credentials
from ansible_collections.quorum.etcd.plugins.module_utils._steps import drain, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.drain import Drain, Return
from member_host import members_of
from one_of_three import OneOfThree

MakeThree = Callable[[str], OneOfThree]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")

OURS = Owner("root@admin", "100 at 1 on admin")
LATER = Owner("root@admin", "200 at 2 on admin")
THEIRS = Owner("eve@elsewhere", "100 at 1 on elsewhere")
LASTS = 600


class Killed(BaseException):
    """The process ends here."""


def drained(three: OneOfThree, owner: Owner = OURS, predecessor: int = 0, check: bool = False, **terms: Any) -> Any:
    host = three.host
    asked = Drain(owner, LASTS, predecessor)
    return drain.drain(host.systemd, host.layout, asked, three.terms(act="maintenance", **terms), check)


def undrained(
    three: OneOfThree, owner: Owner = OURS, goes_on: bool = False, is_given_up: bool = False, **terms: Any
) -> Any:
    host = three.host
    asked = Return(owner, goes_on, 30.0, is_given_up)
    return drain.undrain(host.systemd, host.layout, asked, three.terms(act="maintenance", **terms), check=False)


def ended(three: OneOfThree, owner: Owner = OURS, any_run: bool = False) -> bool:
    terms = three.terms(act="maintenance")
    return drain.end(three.host.systemd, three.host.layout, owner, any_run, terms, check=False)


def record(three: OneOfThree, now: float | None = None) -> Drained:
    text = host_files.read_text(three.host.layout.drained_file)
    return record_in(text, time.time() if now is None else now)


def holder(three: OneOfThree) -> Holder | None:
    with three.cluster.client() as client:
        return maintenance_lease.find(client)


def claim(three: OneOfThree, maintenance: int = 0) -> None:
    with cluster_lock.held(three.endpoints, Credentials(), "an update", 0.0, maintenance=maintenance):
        pass


def killed_at(step: str) -> Callable[[str], None]:
    def at(reached: str) -> None:
        if reached == step:
            raise Killed(step)

    return at


def test_drained_it_leads_no_more_and_says_so_in_the_cluster_and_on_disk(
    make_three: MakeThree, every_version: str
) -> None:
    three = make_three(every_version)
    three.cluster.lead(three.cluster.members[-1])
    assert drained(three)["changed"]
    assert three.pid == 0
    assert three.leader != three.listed.id
    assert (record(three).owner, record(three).process) == OURS
    assert not record(three, time.time() + LASTS).is_valid
    found = holder(three)
    assert found is not None
    assert (found.owner, found.lease > 0) == (OURS, True)
    undrained(three)
    three.cluster.wait_for(three.cluster.members[-1])
    assert (record(three).is_valid, holder(three)) == (False, found)
    assert ended(three)
    assert holder(three) is None
    assert not ended(three)
    claim(three)


def test_nobody_else_gets_the_lock_until_it_is_over(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    drained(three)
    with pytest.raises(Refused, match="under maintenance by root@admin") as refused:
        claim(three)
    assert refused.value.code == "maintenance-held"
    assert "-e etcd_maintenance_owner=root@admin" in refused.value.remedy
    with pytest.raises(Refused, match="under maintenance by root@admin"):
        drained(three, THEIRS)
    with pytest.raises(Refused, match="under maintenance by root@admin"):
        ended(three, THEIRS)
    undrained(three)
    with pytest.raises(Refused):
        claim(three)
    ended(three)
    claim(three)


def test_while_somebody_acts_on_the_cluster_nobody_is_drained(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.pid
    with (
        cluster_lock.held(three.endpoints, Credentials(), "an update, by somebody"),
        pytest.raises(Refused, match="an update, by somebody"),
    ):
        drained(three)
    assert (three.pid, holder(three), record(three).is_valid) == (before, None, False)


def test_another_run_of_the_same_owner_takes_over_only_what_it_has_seen_to_be_gone(
    make_three: MakeThree, version: str
) -> None:
    three = make_three(version)
    drained(three)
    found = holder(three)
    assert found is not None
    with pytest.raises(Refused, match="under maintenance by root@admin"):
        drained(three, LATER)
    assert drained(three, LATER, found.revision)["changed"]
    later = holder(three)
    assert later is not None
    assert (later.owner, later.revision > found.revision) == (LATER, True)
    # The first run lives after all: it stops nobody any more.
    with pytest.raises(Refused):
        claim(three, found.revision)
    undrained(three, LATER)
    with pytest.raises(Refused, match="under maintenance"):
        drained(three, OURS)


def test_whose_maintenance_is_ended_meanwhile_stops_nobody(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    before = three.pid

    def at(step: str) -> None:
        if step == "drain: recorded":
            with three.cluster.client() as client:
                client.delete(KEY)

    monkeypatch.setattr(checkpoints, "at", at)
    with pytest.raises(Refused) as refused:
        drained(three)
    assert (refused.value.code, three.pid) == ("maintenance-lost", before)


def test_a_drain_that_is_refused_right_before_the_stop_holds_nobody_up(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.pid
    with pytest.raises(Refused) as refused:
        drained(three, witnesses=link_proof.NOBODY)
    assert refused.value.code == "links-not-shown"
    assert (three.pid, record(three).is_valid, holder(three)) == (before, False, None)
    drained(three)
    undrained(three)
    with pytest.raises(Refused):
        drained(three, witnesses=link_proof.NOBODY)
    # What this run has begun before goes on.
    assert (record(three).is_valid, holder(three) is not None) == (False, True)


def test_a_run_ends_no_maintenance_that_another_one_has_taken_over(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    drained(three, LATER)
    assert not ended(three, OURS)
    assert holder(three) is not None
    assert ended(three, OURS, any_run=True)
    assert holder(three) is None


def test_it_is_renewed_by_each_act_of_its_run(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    drained(three)
    found = holder(three)
    drained(three)
    undrained(three, goes_on=True)
    assert record(three).is_valid
    assert holder(three) == found


@pytest.mark.parametrize(
    "step",
    [
        "maintenance: nobody has it",
        "drain: maintenance begun",
        "drain: recorded",
        "drain: leadership moved",
        "drain: stopped",
    ],
)
def test_interrupted_it_is_gone_on_with_by_the_next_run(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    three = make_three(version)
    with monkeypatch.context() as interrupting:
        interrupting.setattr(checkpoints, "at", killed_at(step))
        with pytest.raises(Killed):
            drained(three)
    left = holder(three)
    drained(three, LATER, left.revision if left else 0, wait=60.0)
    assert (three.pid, record(three).process) == (0, LATER.process)
    undrained(three, LATER)
    assert ended(three, LATER)


@pytest.mark.parametrize("step", ["undrain: started", "undrain: serves"])
def test_interrupted_on_its_way_back_it_is_brought_back_by_whoever_its_owner_is_now(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    three = make_three(version)
    drained(three)
    with monkeypatch.context() as interrupting:
        interrupting.setattr(checkpoints, "at", killed_at(step))
        with pytest.raises(Killed):
            undrained(three)
    assert record(three).is_valid
    undrained(three, LATER, wait=60.0)
    assert not record(three).is_valid
    three.cluster.wait_for(three.cluster.members[-1])


def test_interrupted_at_its_very_end_nothing_is_left(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    drained(three)
    undrained(three)
    with monkeypatch.context() as interrupting:
        interrupting.setattr(checkpoints, "at", killed_at("maintenance: ended"))
        with pytest.raises(Killed):
            ended(three)
    assert holder(three) is None


def test_it_is_not_drained_where_the_others_cannot_spare_it(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    three.cluster.lead(three.others[1])
    three.cluster.end(three.others[0])
    before = three.pid
    for check in (True, False):
        with pytest.raises(Refused, match="Not healthy: m0"):
            drained(three, check=check, endpoints=[three.others[1].client_url])
    assert (three.pid, record(three).is_valid) == (before, False)


def test_all_members_of_its_machine_count_as_down(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.pid
    ids = frozenset({three.listed.id, *(one.id for one in members_of(three.cluster) if one.name == "m0")})
    with pytest.raises(Refused) as refused:
        drained(three, machine=ids)
    assert (refused.value.code, three.pid, holder(three)) == ("quorum-at-risk", before, None)


def test_a_key_without_a_lease_is_no_lock_and_is_told_with_the_command_that_removes_it(
    make_three: MakeThree, version: str
) -> None:
    three = make_three(version)
    with three.cluster.client() as client:
        client.put(KEY, THEIRS.text())
        with pytest.raises(Refused, match="has no lease") as refused:
            drained(three)
        assert refused.value.remedy.endswith(f"etcdctl del {KEY}")
        client.delete(KEY)
    drained(three)


def test_a_cluster_that_is_full_is_not_maintained_and_a_drained_host_comes_back_to_it(
    make_three: MakeThree, version: str
) -> None:
    three = make_three(version)
    drained(three)
    with three.cluster.client() as client:
        status = client.status(three.endpoints[0])
        full = {"action": "ACTIVATE", "memberID": int(status.member_id, 16), "alarm": "NOSPACE"}
        client.call("Maintenance.Alarm", full)
    assert "quorum.etcd.reclaim" in undrained(three)["notes"][0]
    assert ended(three)
    before = three.pid
    with pytest.raises(cluster_lock.NoSpace, match="quorum.etcd.reclaim"):
        drained(three)
    assert (three.pid, record(three).is_valid) == (before, False)


def test_of_five_none_is_drained_while_another_one_is_down(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    before, ask = three.pid, queries.votes

    def of_five(*asked: Any) -> Votes:
        found = ask(*asked)
        others = [ClusterMember("4", "m4", ["http://10.0.0.4:2380"], []), ClusterMember("5", "m5", [], [])]
        return replace(found, members=[*found.members, *others], healthy=found.healthy | {"4"})

    monkeypatch.setattr(queries, "votes", of_five)
    with pytest.raises(Refused, match="m5 does not serve") as refused:
        drained(three)
    assert (refused.value.code, three.pid, holder(three)) == ("member-down", before, None)


def test_a_member_that_its_machine_brings_up_while_it_is_drained_is_stopped_too(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    drained(three)

    def at(step: str) -> None:
        if step == "drain: recorded":
            three.host(["systemctl", "start", three.host.layout.unit])
            service.serving(three.host.systemd, three.host.layout, 30.0)

    monkeypatch.setattr(checkpoints, "at", at)
    drained(three)
    assert three.pid == 0


def test_given_up_and_interrupted_it_counts_as_down(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    drained(three)
    with monkeypatch.context() as interrupting:
        interrupting.setattr(checkpoints, "at", killed_at("undrain: given up"))
        with pytest.raises(Killed):
            undrained(three, is_given_up=True)
    assert (three.pid, record(three).is_valid) == (0, False)
    assert ended(three)
    service.start(three.host.systemd, three.host.layout, check=False)
    service.await_ready(three.host.systemd, three.host.layout, 30.0)


def test_one_that_was_given_up_is_no_longer_drained_although_its_member_does_not_come_back(
    make_three: MakeThree, version: str
) -> None:
    three = make_three(version)
    drained(three)
    shutil.rmtree(f"{three.host.layout.data_dir}/member")
    for is_given_up in (False, True):
        with pytest.raises(EtcdError):
            undrained(three, is_given_up=is_given_up)
        assert record(three).is_valid is not is_given_up
    assert ended(three)


def test_what_goes_on_without_a_lock_in_a_full_cluster_is_refused_while_its_hosts_are_maintained(
    make_three: MakeThree, version: str
) -> None:
    three = make_three(version)
    drained(three)
    found = holder(three)
    service.start(three.host.systemd, three.host.layout, check=False)
    service.await_ready(three.host.systemd, three.host.layout, 30.0)
    with three.cluster.client() as client:
        status = client.status(three.endpoints[0])
        full = {"action": "ACTIVATE", "memberID": int(status.member_id, 16), "alarm": "NOSPACE"}
        client.call("Maintenance.Alarm", full)
    before = three.pid
    with pytest.raises(Refused) as refused:
        service.restart(three.host.systemd, three.host.layout, three.terms(makes_room=True), 30.0, check=False)
    assert (refused.value.code, three.pid) == ("maintenance-held", before)
    assert found is not None
    with pytest.raises(cluster_lock.NoSpace):
        claim(three, found.revision)
    assert ended(three)
    with pytest.raises(cluster_lock.NoSpace):
        claim(three)


def test_who_has_lost_the_lock_without_noticing_makes_no_key(
    make_three: MakeThree, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = make_three(version)
    before = three.pid

    def at(step: str) -> None:
        if step == "maintenance: nobody has it":
            with three.cluster.client() as client:
                client.put(cluster_lock.KEY, "somebody else", client.lease_grant(60)["lease"])

    monkeypatch.setattr(checkpoints, "at", at)
    with pytest.raises(Refused) as refused:
        drained(three)
    assert (refused.value.code, three.pid) == ("lock-lost", before)
    assert (holder(three), record(three).is_valid) == (None, False)


def test_a_member_that_came_back_with_its_machine_is_drained_again(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    drained(three)
    service.start(three.host.systemd, three.host.layout, check=False)
    service.await_ready(three.host.systemd, three.host.layout, 30.0)
    drained(three)
    assert three.pid == 0
