# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict

from ansible_collections.quorum.etcd.plugins.action.etcd_internal_plan import ActionModule
from inventory_of import member_id, member_list
from role_task import Task

HOSTS = {f"10.0.0.{at + 1}": {"NODE_NAME": f"etcd-host{at}"} for at in range(3)}
ENDPOINTS = [f"http://{address}:2379" for address in HOSTS]


def looked(at, **told):
    sizes = {"db_size": 1 << 20, "db_size_in_use": 1 << 20, "free": 1 << 30, "alarms": [], "endpoints": ENDPOINTS}
    return (
        {
            "member_id": member_id(at),
            "members": [asdict(one) for one in member_list()],
            "name": f"etcd-host{at}",
            "is_leader": False,
        }
        | sizes
        | told
    )


def planned(*looks, fenced=""):
    hostvars = {
        name: {**variables, "__etcd_looked": one} for (name, variables), one in zip(HOSTS.items(), looks, strict=True)
    }
    names = list(HOSTS)
    options = {"goal": "reclaim", "cluster": "prod", "members": names, "batch": names, "keep_revisions": 7}
    options["fenced"] = fenced
    return Task(ActionModule).run({"inventory_hostname": names[0], "hostvars": hostvars}, **options)


def test_the_first_host_compacts_is_defragmented_last_as_it_leads_and_disarms():
    found = planned(looked(0, is_leader=True), looked(1), looked(2))
    assert [step and step["kind"] for step in found["steps"]] == ["compact", None, None, "defragment", "disarm"]
    compact, disarm = found["steps"][0], found["steps"][-1]
    assert (compact["endpoints"], compact["keep_revisions"]) == (ENDPOINTS, 7)
    assert disarm["endpoints"] == found["endpoints"] == ENDPOINTS


def test_all_others_must_be_there_while_a_member_answers_nobody():
    found = planned(looked(0), {"unreachable": True, "msg": "no route."}, looked(2))
    assert "10.0.0.2 gave no answer: no route.\n  why   While a member is defragmented" in found["refusal"]


def test_where_every_machine_is_off_nothing_can_be_reclaimed():
    found = planned(None, None, None, fenced="etcd-host0,etcd-host1,etcd-host2")
    assert "etcd_fenced names every host of the group" in found["refusal"]
