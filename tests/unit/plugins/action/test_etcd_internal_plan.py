# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_plan import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Drained
from ansible_collections.quorum.etcd.plugins.plugin_utils import _controller
from inventory_of import bare, observation, seeing, serving, silent, stopped, three
from role_task import Task


def registered(hosts, askers=None):
    """hostvars as after the role's first task: each asker holds the observations of its share."""
    askers = askers or {host.name: [host.name] for host in hosts}
    told = {host.name: observation(host) for host in hosts}
    return {asker: {"__etcd_seen": {"results": [told[name] for name in names]}} for asker, names in askers.items()}


def plan_on(here, hosts, hostvars=None, batch=None, verify=False, check=False, again=False, **options):
    """The result on one host, and what it printed."""
    names = [host.name for host in hosts]
    task = Task(ActionModule, check=check)
    hostvars = registered(hosts) if hostvars is None else hostvars
    result = task.run(
        {"inventory_hostname": here, "hostvars": hostvars},
        cluster="etcd_cluster",
        members=names,
        batch=names if batch is None else batch,
        verify=verify,
        again=again,
        **options,
    )
    return result, task.printed


class TestOnEveryHost:
    def test_the_plan_is_the_same_and_is_printed_once(self):
        hosts = three()
        results = [plan_on(host.name, hosts) for host in hosts]
        assert len({result["text"] for result, _printed in results}) == 1
        assert [len(printed) for _result, printed in results] == [1, 0, 0]
        assert results[0][1][0] == results[0][0]["text"]

    def test_its_own_steps_are_there_one_for_each_wave(self):
        hosts = three()
        result, _printed = plan_on("etcd-host1", hosts)
        assert [step["kind"] for step in result["steps"]] == ["install", "configure", "prove", "start", "await"]
        assert result["steps"][0]["announce"] == "step 2 of 15: install etcd 3.6.14 on etcd-host1"
        assert result["waves"] == 5

    def test_its_own_steps_are_a_change_where_no_act_follows_that_counts_them(self):
        for check in (True, False):
            assert plan_on("etcd-host1", three(), check=check)[0]["changed"] is check

    def test_a_host_without_a_step_changes_nothing(self):
        hosts = [stopped(bare(0)), serving(bare(1)), serving(bare(2))]
        result, _printed = plan_on("etcd-host1", hosts)
        assert (result["steps"], result["changed"]) == ([None, None], False)

    def test_the_first_that_answers_speaks(self):
        hosts = [silent(bare(0)), serving(bare(1)), serving(bare(2))]
        assert [bool(plan_on(host.name, hosts)[1]) for host in hosts] == [False, True, False]

    def test_those_that_answered_are_named(self):
        hosts = [serving(bare(0)), silent(bare(1)), serving(bare(2))]
        # The difference fails the run; who was alive is of interest only where there are steps.
        hosts[0] = stopped(bare(0))
        assert plan_on("etcd-host0", hosts)[0]["alive"] == ["etcd-host0", "etcd-host2"]


class TestNothingToDo:
    def test_comes_with_the_members_as_a_table(self):
        hosts = [serving(host) for host in three()]
        result, printed = plan_on("etcd-host0", hosts)
        assert result["refusal"] == ""
        assert (result["steps"], result["changed"]) == ([], False)
        assert "nothing to do" in printed[0]
        assert "http://10.0.0.3:2379" in printed[0]
        assert result["table"] in printed[0]

    def test_is_never_said_with_a_difference(self):
        hosts = [serving(host) for host in three()]
        hosts[1] = seeing(hosts[1], unit={"enabled": "disabled"})
        for host in hosts:
            result, printed = plan_on(host.name, hosts)
            assert "not as the inventory says" in result["refusal"]
            assert not any("nothing to do" in text for text in printed)

    def test_verifies_a_run(self):
        hosts = [serving(host) for host in three()]
        assert plan_on("etcd-host0", hosts, verify=True)[0]["refusal"] == ""

    def test_is_what_a_verification_must_find(self):
        result, _printed = plan_on("etcd-host0", [stopped(host) for host in three()], verify=True)
        assert "not all is done" in result["refusal"]

    @pytest.mark.parametrize("again", [False, True])
    def test_goes_on_once_with_an_upgrade_that_other_steps_came_before(self, again):
        hosts = [seeing(serving(bare(at, etcd_version="3.7.1")), cluster_version="3.6.0") for at in range(3)]
        result, _printed = plan_on("etcd-host0", hosts, verify=True, again=again)
        assert ("not all is done" in result["refusal"]) is again
        assert result["waves"] > 0


class TestADowngrade:
    @pytest.fixture
    def hosts(self):
        return [seeing(serving(bare(at), version="3.7.1"), cluster_version="3.7.0") for at in range(3)]

    def test_is_a_goal_of_its_own(self, hosts):
        result, _printed = plan_on("etcd-host0", hosts, goal="downgrade", downgrade_to="3.6")
        assert "enable-downgrade" in [step["kind"] for step in result["steps"] if step]
        assert result["can_be_rehearsed"]

    def test_is_nothing_of_an_ordinary_run(self, hosts):
        result, _printed = plan_on("etcd-host0", hosts, downgrade_to="3.6")
        assert "enable-downgrade" not in [step["kind"] for step in result["steps"] if step]

    def test_is_refused_without_a_target(self, hosts):
        result, _printed = plan_on("etcd-host0", hosts, goal="downgrade")
        assert "-e etcd_downgrade_to=3.6" in result["refusal"]

    def test_is_cancelled_without_one(self, hosts):
        result, _printed = plan_on("etcd-host0", hosts, goal="downgrade", cancel=True)
        assert (result["refusal"], result["waves"]) == ("", 0)


class TestMaintenance:
    @pytest.fixture
    def given(self, tmp_path):
        """What the role says of it."""
        tasks = tmp_path / "tasks.yml"
        tasks.write_text("- name: Reboot\n  ansible.builtin.reboot:\n")
        return {"timeout": "3600", "owner": "", "tasks": str(tasks), "check": ""}

    @staticmethod
    def plan(given, goal="maintenance", hosts=None, here="etcd-host1", **options):
        hosts = hosts or [serving(host) for host in three()]
        return plan_on(here, hosts, goal=goal, maintenance=given, **options)[0]

    def test_is_walked_with_the_operators_tasks(self, given):
        result = self.plan(given)
        assert [step["kind"] for step in result["steps"][:3]] == ["drain", "run-tasks", "undrain"]
        assert (result["has_tasks"], result["steps"][1]["file"]) == (True, given["tasks"])
        assert self.plan(given, check=True)["walked"] == 0

    def test_is_owned_by_this_run_of_whoever_runs_it(self, given):
        (owner, process), *_rest = [step["owner"] for step in self.plan(given)["steps"] if step and "owner" in step]
        assert (owner, process) == (_controller.person(), _controller.run())
        assert self.plan({**given, "owner": "ci"})["steps"][0]["owner"][0] == "ci"

    def test_of_a_run_that_has_ended_is_gone_on_with(self, given):
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            run = _controller.run(child.pid)
            hosts = [serving(bare(0)), serving(bare(1)), seeing(stopped(bare(2)), drained=self.drained(run))]
            assert "another run" in self.plan(given, hosts=hosts)["refusal"]
        assert self.plan(given, hosts=hosts, here="etcd-host2")["steps"][0]["kind"] == "drain"

    @staticmethod
    def drained(process):
        return Drained(_controller.person(), process, 2e9)

    def test_refuses_the_machine_on_which_it_runs(self, given):
        hosts = [serving(host) for host in three()]
        hosts[2] = seeing(hosts[2], host={"boot": _controller.boot()})
        assert "on which this very run is" in self.plan(given, hosts=hosts)["refusal"]

    def test_of_the_whole_is_told_from_its_halves(self, given):
        hosts = [serving(host) for host in three()]
        told = registered(hosts, {"etcd-host1": [host.name for host in hosts]})
        told.update({"etcd-host0": {}, "etcd-host2": {}})
        result = self.plan(given, "drain", hosts, hostvars=told, batch=["etcd-host1"])
        assert [step["kind"] for step in result["steps"]] == ["drain"]
        assert not result["has_tasks"]
        assert self.plan(given, goal="undrain")["waves"] == 0

    @pytest.mark.parametrize("text", [None, "", "name: no list\n", "- [", "words"])
    def test_refuses_a_file_that_has_no_tasks(self, given, tmp_path, text):
        other = tmp_path / "other.yml"
        if text is not None:
            other.write_text(text)
        for variable in ("tasks", "check"):
            refusal = self.plan({**given, variable: str(other)})["refusal"]
            assert f"etcd_maintenance_{variable} is {other}" in refusal

    @pytest.mark.parametrize("timeout", ["soon", "59", "604801", None])
    def test_refuses_a_time_that_is_none(self, given, timeout):
        assert "etcd_maintenance_timeout is" in self.plan({**given, "timeout": timeout})["refusal"]


class TestARefusal:
    def test_is_told_in_full_on_every_host(self):
        hosts = [bare(0), bare(1), silent(bare(2), "no route to host.")]
        results = [plan_on(host.name, hosts)[0] for host in hosts]
        assert "no route to host." in results[0]["refusal"]
        assert len({result["refusal"] for result in results}) == 1
        assert "steps" not in results[0]

    def test_is_left_for_the_tasks_of_others_until_the_next_plan(self):
        (told,) = plan_on("etcd-host0", [silent(host) for host in three()])[0]["ansible_facts"]["etcd_refusals"]
        assert told["code"] == "host-unreachable"
        assert told["found"] and told["why"] and told["safe"]
        assert plan_on("etcd-host0", three())[0]["ansible_facts"] == {"etcd_refusals": []}

    def test_says_that_nothing_was_touched(self):
        result, _printed = plan_on("etcd-host0", [silent(host) for host in three()])
        assert result["refusal"].startswith("etcd_cluster: refused, nothing was touched.")


class TestCheckMode:
    """Goes through the waves where that shows what would be written."""

    def walked(self, hosts, check_mode):
        task = Task(ActionModule, check=check_mode)
        names = [host.name for host in hosts]
        told = {"inventory_hostname": names[0], "hostvars": registered(hosts)}
        return task.run(told, cluster="etcd_cluster", members=names, batch=names, verify=False)["walked"]

    def test_goes_through_turns(self):
        hosts = [serving(host) for host in three(etcd_settings={"log-level": "warn"})]
        hosts[1] = seeing(hosts[1], files={hosts[1].wanted.layout.conf_file: {"sha256": "edited", "exists": True}})
        assert self.walked(hosts, check_mode=True) == self.walked(hosts, check_mode=False) > 0

    def test_stops_before_what_presumes_a_step_before_it(self):
        assert self.walked(three(), check_mode=True) == 0
        assert self.walked(three(), check_mode=False) == 5


class TestHostsThatARunLeavesOut:
    def test_are_known_by_those_who_asked_them(self):
        hosts = [serving(host) for host in three()]
        hostvars = registered(hosts, {"etcd-host0": ["etcd-host0", "etcd-host1", "etcd-host2"]})
        hostvars.update({"etcd-host1": {}, "etcd-host2": {}})
        result, _printed = plan_on("etcd-host0", hosts, hostvars, batch=["etcd-host0"])
        assert result["refusal"] == ""

    def test_may_not_have_steps(self):
        hosts = [serving(bare(0)), serving(bare(1)), stopped(bare(2))]
        hostvars = registered(hosts, {"etcd-host0": ["etcd-host0", "etcd-host1", "etcd-host2"]})
        result, _printed = plan_on("etcd-host0", hosts, hostvars, batch=["etcd-host0"])
        assert "'start etcd-host2' is due, and etcd-host2 is not in this run" in result["refusal"]

    def test_and_that_nobody_asked_are_silent(self):
        hosts = three()
        hostvars = registered(hosts[:2])
        hostvars["etcd-host2"] = {}
        result, _printed = plan_on("etcd-host0", hosts, hostvars, batch=["etcd-host0", "etcd-host1"])
        assert "etcd-host2 could not be looked at: it was not asked." in result["refusal"]

    def test_and_were_asked_in_an_earlier_play_are_not_believed(self):
        """A result outlives its play."""
        hosts = three()
        hostvars = registered(hosts)
        result, _printed = plan_on("etcd-host0", hosts, hostvars, batch=["etcd-host0", "etcd-host1"])
        assert "etcd-host2 could not be looked at: it was not asked." in result["refusal"]


class TestAHostWithoutAnObservation:
    @pytest.mark.parametrize(
        "item, said",
        [
            ({"item": "etcd-host2", "unreachable": True, "msg": "Failed to connect."}, "Failed to connect."),
            ({"item": "etcd-host2", "failed": True, "msg": "Timed out after 60 second(s)."}, "Timed out after 60"),
            ({"item": "etcd-host2", "skipped": True}, "no result."),
            ({"item": "etcd-host2", "failed": True, "msg": ""}, "no result."),
        ],
    )
    def test_is_no_answer_and_never_no_evidence(self, item, said):
        hosts = three()
        hostvars = registered(hosts)
        hostvars["etcd-host2"] = {"__etcd_seen": {"results": [item]}}
        result, _printed = plan_on("etcd-host0", hosts, hostvars)
        assert f"etcd-host2 could not be looked at: {said}" in result["refusal"]

    @pytest.mark.parametrize("hostvars", [{}, {"__etcd_seen": None}, {"__etcd_seen": {"skipped": True}}])
    def test_because_it_never_got_that_far(self, hostvars):
        hosts = three()
        result, _printed = plan_on("etcd-host0", hosts, {**registered(hosts[:2]), "etcd-host2": hostvars})
        assert "etcd-host2 could not be looked at" in result["refusal"]
