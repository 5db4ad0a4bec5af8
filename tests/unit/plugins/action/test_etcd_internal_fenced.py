# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_fenced import ActionModule
from inventory_of import member_id, member_list
from role_task import Task

#: The guides' inventory: IP addresses, and NODE_NAME.
HOSTS = {f"10.0.0.{at + 1}": {"NODE_NAME": f"etcd-host{at}"} for at in range(3)}
LOOKED = {"member_id": "", "members": member_list(), "failed": False}
AWAY = {"unreachable": True, "msg": "no route."}


def found(given, danger="", looked=()):
    hostvars = {
        name: {**variables, "__etcd_looked": one}
        for (name, variables), one in zip(HOSTS.items(), looked or [None] * 3, strict=True)
    }
    task = Task(ActionModule)
    here = {"inventory_hostname": "10.0.0.1", "hostvars": hostvars}
    return task.run(here, cluster="prod", members=list(HOSTS), given=given, danger=danger)


@pytest.mark.parametrize("given", ["etcd-host2", ["10.0.0.3"], "10.0.0.3,etcd-host2"])
def test_before_the_hosts_were_looked_at_the_inventory_tells(given):
    assert found(given)["off"] == ["10.0.0.3"]


@pytest.mark.parametrize("given", ["etcd-host2", "10.0.0.3", member_id(2)])
def test_afterwards_every_word_does(given):
    looks = [{**LOOKED, "member_id": member_id(0)}, {**LOOKED, "member_id": member_id(1)}, AWAY]
    result = found(given, "It may come back.", looks)
    assert (result["off"], result["changed"]) == (["10.0.0.3"], False)


def test_a_host_that_was_skipped_because_it_is_off_was_not_to_be_heard():
    looks = [{**LOOKED, "member_id": member_id(0)}, {**LOOKED, "member_id": member_id(1)}, {"skipped": True}]
    assert found("etcd-host2", "It may come back.", looks)["off"] == ["10.0.0.3"]


def test_who_gave_no_answer_is_refused():
    result = found("etcd-host2", "It may come back.", [LOOKED, AWAY, None])
    assert result["failed"]
    assert result["msg"].startswith(
        "prod: refused, nothing was touched.\n10.0.0.2 gave no answer: no route.\n  why   It may"
    )
    assert result["msg"].endswith("-e etcd_fenced=etcd-host2,10.0.0.2")


def test_who_was_refused_is_on():
    result = found("", "It may come back.", [LOOKED, {"failed": True, "msg": "Its marker."}, LOOKED])
    assert "10.0.0.2 was refused: Its marker.\n  why   It may" in result["msg"]
    assert "off for good" not in result["msg"]


def test_a_word_that_names_nothing_is_refused():
    result = found("etcd-host9", "It may come back.", [LOOKED, LOOKED, LOOKED])
    assert "etcd_fenced names etcd-host9, which is no host of the group" in result["msg"]


def test_whose_machine_is_on_is_refused():
    """It is said to be off, and one of the others hears it."""
    heard = [{"id": member_id(2), "name": "etcd-host2", "peer_urls": [], "answer": "answers at http://10.0.0.3:2379"}]
    looks = [{**LOOKED, "member_id": member_id(0)}, {**LOOKED, "member_id": member_id(1), "heard": heard}, AWAY]
    result = found("etcd-host2", "It may come back.", looks)
    assert "etcd_fenced names etcd-host2, and asked from 10.0.0.2 it answers at http://10.0.0.3:2379" in result["msg"]
