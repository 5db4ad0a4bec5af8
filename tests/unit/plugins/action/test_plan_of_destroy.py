# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing of a cluster is taken away unless every host has answered whose machine is not off."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_plan import ActionModule
from inventory_of import member_id, member_list
from role_task import Task

#: The guides' inventory: IP addresses, and NODE_NAME.
HOSTS = {f"10.0.0.{at + 1}": {"NODE_NAME": f"etcd-host{at}"} for at in range(3)}
LOOKED = {"member_id": "", "members": [asdict(one) for one in member_list()], "failed": False}
AWAY = {"unreachable": True, "msg": "no route."}


def planned(fenced, looked, here="10.0.0.1"):
    hostvars = {
        name: {**variables, "__etcd_looked": one} for (name, variables), one in zip(HOSTS.items(), looked, strict=True)
    }
    names = list(HOSTS)
    options = {"goal": "destroy", "cluster": "prod", "members": names, "batch": names, "fenced": fenced}
    return Task(ActionModule).run({"inventory_hostname": here, "hostvars": hostvars}, **options)


def test_each_act_is_one_of_all_hosts_before_the_next_begins():
    steps = [planned("", [LOOKED] * 3, here)["steps"] for here in HOSTS]
    assert [[step["kind"] for step in own] for own in steps] == [
        ["stop-for-good", "archive-for-good", "remove-marker"]
    ] * 3
    announced = [step["announce"] for own in steps for step in own]
    hosts = ", ".join(HOSTS)
    assert announced == [
        f"step 1 of 3: stop the members on {hosts} for good",
        f"step 2 of 3: archive the data on {hosts}",
        f"step 3 of 3: remove the markers on {hosts}: a new cluster may be founded there",
        *[""] * 6,
    ]


@pytest.mark.parametrize("given", ["etcd-host2", "10.0.0.3", member_id(2)])
def test_afterwards_every_word_does(given):
    looks = [{**LOOKED, "member_id": member_id(0)}, {**LOOKED, "member_id": member_id(1)}, AWAY]
    result = planned(given, looks)
    assert (result["off"], result["refusal"]) == (["10.0.0.3"], "")


def test_a_host_that_was_skipped_because_it_is_off_was_not_to_be_heard():
    looks = [{**LOOKED, "member_id": member_id(0)}, {**LOOKED, "member_id": member_id(1)}, {"skipped": True}]
    assert planned("etcd-host2", looks)["off"] == ["10.0.0.3"]


def test_who_gave_no_answer_is_refused():
    result = planned("etcd-host2", [LOOKED, AWAY, None])
    assert result["refusal"].startswith(
        "prod: refused, nothing was touched.\n10.0.0.2 gave no answer: no route.\n  why   A member that is not "
    )
    assert "-e etcd_fenced=etcd-host2,10.0.0.2\n" in result["refusal"]


def test_who_was_refused_is_on():
    result = planned("", [LOOKED, {"failed": True, "msg": "Its marker."}, LOOKED])
    assert "10.0.0.2 was refused: Its marker.\n  why   A member that is not stopped may" in result["refusal"]
    assert "off for good" not in result["refusal"]


def test_a_word_that_names_nothing_is_refused():
    result = planned("etcd-host9", [LOOKED, LOOKED, LOOKED])
    assert "etcd_fenced names etcd-host9, which is no host of the group" in result["refusal"]


def test_whose_machine_is_on_is_refused():
    """It is said to be off, and one of the others hears it."""
    heard = [{"id": member_id(2), "name": "etcd-host2", "peer_urls": [], "answer": "answers at http://10.0.0.3:2379"}]
    looks = [{**LOOKED, "member_id": member_id(0)}, {**LOOKED, "member_id": member_id(1), "heard": heard}, AWAY]
    result = planned("etcd-host2", looks)
    assert (
        "etcd_fenced names etcd-host2, and asked from 10.0.0.2 it answers at http://10.0.0.3:2379" in result["refusal"]
    )


def three(**first):
    """What three hosts say of which the first says more."""
    looks = [{**LOOKED, "member_id": member_id(at), "instance": "etcd", "beside": {}} for at in range(3)]
    return [{**looks[0], **first}, *looks[1:]]


def test_under_maintenance_nobody_is_stopped_not_even_who_is_drained():
    """A host whose member is down has no lock to wait for, and would be the only one that is taken away."""
    held = {"owner": ["eve@elsewhere", ""], "revision": 5, "lease": 7}
    result = planned("", three(serves=True, maintenance=held))
    assert "under maintenance by eve@elsewhere" in result["refusal"]
    assert "quorum.etcd.undrain" in result["refusal"]


def test_a_cluster_that_serves_is_taken_away_whole():
    members = [asdict(one) for one in member_list(5)]
    refusal = planned("", three(serves=True, members=members))["refusal"]
    assert "members on no host of the inventory: etcd-host3 " in refusal
    assert "-e etcd_fenced=etcd-host3,etcd-host4" in refusal
    assert planned("etcd-host3,etcd-host4", three(serves=True, members=members))["refusal"] == ""
    assert planned("", three(members=members))["refusal"] == "", "nobody serves"


def test_who_has_not_begun_yet_is_no_stranger():
    looks = three(serves=True)
    looks[2] = {**looks[2], "member_id": ""}
    assert planned("", looks)["refusal"] == ""


@pytest.mark.parametrize("beside", [{"etcd7": "etcd-host1"}, {"etcd2": "another"}])
def test_a_member_of_which_no_line_is_told_is_refused(beside):
    """Its line says another instance: there would be nothing to stop."""
    ((instance, name),) = beside.items()
    refusal = planned("", three(beside=beside))["refusal"]
    assert f"a member of this cluster, {instance} ({name})" in refusal
    assert f"{name} with etcd_instance={instance}" in refusal


def test_members_that_have_their_lines_are_beside_each_other():
    looks = three(beside={"etcd2": "etcd-host1"})
    looks[1] = {**looks[1], "instance": "etcd2", "beside": {"etcd": "etcd-host0"}}
    assert planned("", looks)["refusal"] == ""
    looks[1] = AWAY
    assert planned("etcd-host1", looks)["refusal"] == ""
