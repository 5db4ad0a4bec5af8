# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.action.etcd_internal_plan import ActionModule
from inventory_of import bare, emptied, observation, seeing, three
from role_task import Task
from snapshots_of import manifest

PATH = "/var/lib/etcd-snapshots/etcd_cluster-20261122T070000Z-1000.db"


def looked(*kept, **changes):
    """What a host has told as C(looked)."""
    told = {"record": None, "prepared": False, "staged": [], "named": None, "newest": None}
    told |= {"known": [], "applied": 0, "revision": 0, "heard": [], "devices": {"data": 1, "snapshots": 1}}
    return {**told, "kept": [{"path": PATH, "manifest": one.to_dict(), "alarms": []} for one in kept], **changes}


def registered(hosts, **changes):
    """hostvars as after the role's looks: the last host has a snapshot."""
    found = {host.name: {"__etcd_seen": {"results": [observation(host)]}, "__etcd_looked": looked()} for host in hosts}
    found[hosts[-1].name]["__etcd_looked"] = looked(manifest())
    return {**found, **changes}


def lost():
    return [emptied(host) for host in three()]


def plan_on(here, hosts, hostvars=None, **options):
    task, names = Task(ActionModule), [host.name for host in hosts]
    result = task.run(
        {"inventory_hostname": here, "hostvars": registered(hosts) if hostvars is None else hostvars},
        **{"goal": "restore", "cluster": "etcd_cluster", "members": names, "batch": names, **options},
    )
    return result, task.printed


def test_every_host_arrives_at_the_same_and_one_says_it():
    hosts = lost()
    results = [plan_on(host.name, hosts) for host in hosts]
    assert len({json.dumps(result["restoration"], sort_keys=True) for result, _printed in results}) == 1
    assert [len(printed) for _result, printed in results] == [1, 0, 0]
    assert "restore " + PATH in results[0][1][0]


def test_a_refusal_is_no_failure_yet_and_is_said_in_full_on_every_host():
    hosts = lost()
    results = [plan_on(host.name, hosts, snapshot="/nowhere.db")[0] for host in hosts]
    assert results[0]["refusal"].startswith("etcd_cluster: refused, nothing was touched.\nThere is no file /nowhere.db")
    assert len({result["refusal"] for result in results}) == 1
    assert not any(result.get("failed") or result.get("waves") for result in results)


def test_a_host_that_was_not_asked_is_a_refusal():
    hosts = lost()
    hostvars = registered(hosts, **{"etcd-host1": {}})
    assert "etcd-host1 gave no answer: it was not asked." in plan_on("etcd-host0", hosts, hostvars)[0]["refusal"]


def test_a_machine_that_is_off_is_known_by_what_the_inventory_says_of_it():
    hosts = lost()
    hostvars = registered(hosts, **{"etcd-host0": {"ansible_host": "10.0.0.1"}})
    result, _printed = plan_on("etcd-host1", hosts, hostvars, fenced=["etcd-host0"])
    assert result["refusal"] == ""
    assert "etcd-host0" not in result["restoration"]["initial_cluster"]


def test_what_one_host_hears_of_a_machine_that_is_said_to_be_off_is_a_refusal():
    hosts = lost()
    hostvars = registered(hosts, **{"etcd-host0": {}})
    peer_urls = ["http://10.0.0.1:2380"]
    told = {"name": "etcd-host0", "peer_urls": peer_urls, "answer": f"answers at {peer_urls[0]}"}
    hostvars["etcd-host1"]["__etcd_looked"]["heard"] = [told]
    result, _printed = plan_on("etcd-host1", hosts, hostvars, fenced=["etcd-host0"])
    assert "asked from etcd-host1 it answers at http://10.0.0.1:2380" in result["refusal"]


def test_a_file_on_the_controller_is_judged_there(tmp_path):
    hosts = lost()
    (tmp_path / "etcd.db").write_bytes(b"no snapshot")
    result, _printed = plan_on("etcd-host0", hosts, snapshot=str(tmp_path / "etcd.db"))
    assert f"{tmp_path}/etcd.db " in result["refusal"]


def test_to_roll_back_needs_something_that_was_begun():
    assert "No restore is under way on any host" in plan_on("etcd-host0", lost(), roll_back=True)[0]["refusal"]


def test_what_one_host_says_of_a_restore_is_what_all_go_on_with():
    hosts = lost()
    record = plan_on("etcd-host0", hosts)[0]["restoration"]
    hosts[0] = seeing(hosts[0], marker=replace(hosts[0].marker, state="restore-pending", before="started"))
    hostvars = registered(hosts)
    hostvars["etcd-host0"]["__etcd_looked"] = looked(record=record, prepared=True)
    hostvars["etcd-host1"]["__etcd_seen"]["results"] = [observation(seeing(hosts[1], host={"nonce": "another"}))]
    assert plan_on("etcd-host0", hosts, hostvars)[0]["restoration"] == record
    roll_back, printed = plan_on("etcd-host0", hosts, hostvars, roll_back=True)
    assert (roll_back["waves"], roll_back["refusal"], roll_back["undo"]["kind"]) == (0, "", "undo")
    assert printed == ["etcd_cluster: roll the restore back on etcd-host0"]


def test_a_new_host_is_told_what_to_install():
    hosts = [bare(7)]
    result, _printed = plan_on("etcd-host7", hosts, fenced=["etcd-host0", "etcd-host1", "etcd-host2"])
    (install,) = (step for step in result["steps"] if step["kind"] == "install")
    assert (install["version"], install["announce"]) == ("3.6.14", "step 2 of 12: install etcd 3.6.14 on etcd-host7")


def test_an_act_of_all_hosts_is_announced_once():
    hosts = lost()
    steps = [plan_on(host.name, hosts)[0]["steps"] for host in hosts]
    marks = [next(step for step in own if step and step["kind"] == "mark")["announce"] for own in steps]
    assert marks == ["step 5 of 14: mark every host: nothing starts its member meanwhile", "", ""]
