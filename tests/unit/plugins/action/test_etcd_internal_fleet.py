# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_fleet import ActionModule
from role_task import Task

HOSTS = ["alpha0", "alpha1", "beta0", "gamma0"]
WISH = {"canary": "beta", "soak": 300, "at_once": 1, "slowdown": 3.0}


def planned(host, **values):
    group = host[:-1]
    alive = [one for one in HOSTS if one[:-1] == group]
    plan = {"group": group, "cluster": f"etcd-{group}", "refusal": "", "wish": WISH}
    return {"__etcd_plan": {**plan, "alive": alive, "runs": "3.6.13", "due": 2, **values}}


def hostvars(**changed):
    return {host: {**planned(host), **changed.get(host, {})} for host in HOSTS}


def run_on(here, variables, state="ordered", hosts=HOSTS, wish=WISH, **options):
    task = Task(ActionModule)
    told = task.run(
        {"inventory_hostname": here, "hostvars": variables},
        state=state,
        group=here[:-1],
        hosts=hosts,
        wish=wish,
        **options,
    )
    return told, task.printed


class TestOrder:
    def test_is_alike_on_every_host_and_printed_once(self):
        results = [run_on(host, hostvars()) for host in HOSTS]
        assert [told["turns"] for told, _printed in results] == [[["beta"], ["alpha"], ["gamma"]]] * 4
        assert [told["turn"] for told, _printed in results] == [1, 1, 0, 2]
        assert [len(printed) for _told, printed in results] == [1, 0, 0, 0]

    def test_watches_the_canary(self):
        assert [run_on(host, hostvars())[0]["watched"] for host in HOSTS] == [0, 0, 300, 0]

    def test_knows_of_a_change_that_was_not_judged(self):
        nothing_to_do = {host: planned(host, due=0) for host in HOSTS}
        nothing_to_do["alpha1"]["__etcd_pending"] = {"is_pending": True}
        assert run_on("gamma0", hostvars(**nothing_to_do))[0]["turns"] == [["alpha"]]

    def test_stops_all_with_the_canary_that_is_refused(self):
        refused = {"__etcd_plan": {"group": "beta", "cluster": "etcd-beta", "refusal": "no disk", "wish": WISH}}
        for host in HOSTS:
            told, _printed = run_on(host, hostvars(beta0=refused))
            assert "etcd-beta is to go first" in told["refusal"]
            refusals = [one["code"] for one in told.get("ansible_facts", {}).get("etcd_refusals", [])]
            # What its own hosts say to programs stays.
            assert refusals == ([] if host == "beta0" else ["canary-refused"])

    def test_passes_over_another_that_is_refused(self):
        refused = {"__etcd_plan": {"group": "gamma", "cluster": "etcd-gamma", "refusal": "no disk", "wish": WISH}}
        told, _printed = run_on("alpha0", hostvars(gamma0=refused))
        assert (told["refusal"], told["turns"]) == ("", [["beta"], ["alpha"]])

    def test_is_one_for_all_clusters(self):
        told, _printed = run_on("alpha0", hostvars(gamma0=planned("gamma0", wish={**WISH, "canary": ""})))
        assert "etcd_canary differs between the clusters of this run: beta for alpha" in told["refusal"]
        assert "nothing for gamma" in told["refusal"]

    def test_leaves_hosts_out_that_were_not_planned(self):
        """What they registered may be of another play; those of this batch alone are named."""
        told, _printed = run_on("beta0", hostvars(), hosts=["beta0", "gamma0"])
        assert told["turns"] == [["beta"], ["gamma"]]


class TestReport:
    BEGAN = run_on("alpha0", hostvars())[0]

    def told(self, here, there, variables=None):
        return run_on(here, variables or hostvars(), "reported", there, began=self.BEGAN)

    def test_is_printed_by_whoever_is_left(self):
        there = ["alpha1", "gamma0"]
        assert [len(self.told(host, there)[1]) for host in there] == [1, 0]

    def test_says_what_was_measured_and_what_runs(self):
        judged = {**planned("beta0", runs="3.6.14"), "__etcd_judged": {"verdict": "no worse for 300 s"}}
        _told, printed = self.told("alpha0", HOSTS, hostvars(beta0=judged))
        assert "etcd-beta (canary): etcd 3.6.13, now 3.6.14; 2 steps; no worse for 300 s" in printed[0]

    @pytest.mark.parametrize(("here", "code"), [("beta0", []), ("alpha0", []), ("gamma0", ["fleet-stopped"])])
    def test_refuses_on_hosts_whose_turn_did_not_come(self, here, code):
        told, _printed = self.told(here, ["alpha0", "beta0", "gamma0"])
        assert [one["code"] for one in told.get("ansible_facts", {}).get("etcd_refusals", [])] == code
        assert bool(told["refusal"]) is bool(code)
