# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_plan import ActionModule
from inventory_of import CLUSTER_ID, bare, member_id, member_list, observation, silent, stopped
from role_task import Task

HOSTS = [stopped(bare(0)), bare(1), silent(bare(2))]
NOTHING = {
    "state": "",
    "founded": False,
    "member_id": "",
    "cluster_id": "",
    "log": None,
    "damaged": "",
    "members": [],
    "copies": [{"path": "/var/lib/etcd/recovering", "device": 1, "free": 1, "needs": 0, "leaves": 0}],
    "snapshot": None,
    "version": "3.6.0",
    "heard": [],
    "changed": False,
    "saved": "",
}
LEFT = {
    **NOTHING,
    "state": "started",
    "member_id": member_id(0),
    "cluster_id": CLUSTER_ID,
    "log": {"term": 2, "index": 9, "commit": 9, "keepable": 9, "torn": False},
    "members": [asdict(one) for one in member_list()],
}


def hostvars(**left):
    """As after the tasks before: what was seen, and what is left."""
    left = {"etcd-host0": LEFT, "etcd-host1": NOTHING, "etcd-host2": {"unreachable": True, "msg": "no route."}, **left}
    return {
        host.name: {
            "NODE_NAME": host.name,
            "__etcd_seen": {"results": [observation(host)]},
            "__etcd_left": left[host.name],
        }
        for host in HOSTS
    }


@pytest.fixture
def plan():
    def plan(here="etcd-host0", known=None, **arguments):
        task = Task(ActionModule)
        names = [host.name for host in HOSTS]
        given = {"cluster": "prod", "members": names, "batch": names, "fenced": ["etcd-host2"], **arguments}
        variables = {"inventory_hostname": here, "hostvars": known or hostvars()}
        return task.run(variables, goal="recovery", **given), task.printed

    return plan


def test_it_is_the_same_on_each_host_and_printed_once(plan):
    results = [plan(host.name) for host in HOSTS]
    assert len({result["text"] for result, _printed in results}) == 1
    assert [printed for _result, printed in results] == [[results[0][0]["text"]], [], []]


def kinds(result):
    return [step and step["kind"] for step in result["steps"]]


def test_each_host_is_told_its_own_part(plan):
    result, _printed = plan()
    assert (result["refusal"], result["founds"], result["rolls_back"]) == ("", True, False)
    assert (result["alive"], result["off"]) == (["etcd-host0", "etcd-host1"], ["etcd-host2"])
    assert kinds(result) == ["suspend", "go-on-alone", None]
    assert kinds(plan("etcd-host1")[0]) == ["suspend", None, "give-up"]


def test_it_is_made_once_more_when_every_member_is_stopped(plan):
    before, _printed = plan()
    assert before["reversible"] == 1
    after, printed = plan(at_rest=True)
    assert (after["steps"], after["reversible"], printed) == (before["steps"], 1, [])


def test_what_all_do_at_once_is_announced_by_the_first(plan):
    assert [plan(f"etcd-host{at}")[0]["steps"][0]["announce"] for at in range(2)] == [
        "step 1 of 4: stop the members on etcd-host0, etcd-host1, and let none start",
        "",
    ]


def test_the_survivor_goes_on_with_what_its_log_ends_with(plan):
    result, _printed = plan(at_rest=True)
    told = result["steps"][1]
    assert (told["kind"], told["term"], told["index"]) == ("go-on-alone", LEFT["log"]["term"], LEFT["log"]["index"])
    assert told["announce"] == "step 2 of 4: the member on etcd-host0 goes on alone, from a copy of its data"


def test_it_says_what_the_survivor_lacks(plan):
    known = hostvars()
    bare_host = observation(bare(0))
    known["etcd-host0"]["__etcd_seen"] = {"results": [bare_host]}
    result, _printed = plan(known=known)
    install = result["steps"][1]
    assert install["announce"] == "step 2 of 5: install etcd 3.6.14 on etcd-host0"
    assert {"version", "archive"} <= set(install)


def test_a_refusal_is_for_the_next_task_and_in_full_on_every_host(plan):
    first, _printed = plan(fenced=[])
    second, _printed = plan("etcd-host1", fenced=[])
    assert first["refusal"].startswith("prod: refused, nothing was touched.\netcd-host2 could not be looked at")
    assert second["refusal"] == first["refusal"]


def test_a_refusal_once_all_rest_says_how_everything_is_rolled_back(plan):
    full = {**LEFT, "copies": [{**LEFT["copies"][0], "needs": 2}]}
    result, printed = plan(at_rest=True, known=hostvars(**{"etcd-host0": full}))
    assert "refused, now that every member is stopped" in result["refusal"]
    assert "-e etcd_rollback=prod" in result["refusal"]
    assert printed == []


def test_a_host_whose_look_failed_was_not_heard(plan):
    result, _printed = plan(known=hostvars(**{"etcd-host1": {"failed": True, "msg": "Its marker is another's."}}))
    assert "etcd-host1 could not be looked at: Its marker is another's." in result["refusal"]


def test_every_host_must_be_in_the_run(plan):
    result, _printed = plan(batch=["etcd-host0"], known={**hostvars(), "etcd-host0": _sees_all()})
    assert "etcd-host1 could not be looked at: it is not in this run (--limit or serial" in result["refusal"]


def _sees_all():
    """With --limit the one host of the run looks at the others too."""
    found = dict(hostvars()["etcd-host0"])
    found["__etcd_seen"] = {"results": [observation(host) for host in HOSTS]}
    return found


def test_an_address_that_is_wrong_is_told(plan):
    known = hostvars()
    known["etcd-host2"]["NODE_NAME"] = "a,b"
    result, _printed = plan(known=known)
    assert "cannot stand in a member's name" in result["refusal"]
