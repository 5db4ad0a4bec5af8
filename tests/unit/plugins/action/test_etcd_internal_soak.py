# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_soak import ActionModule
from role_task import Task

GOOD = {"ill": {}, "alarms": [], "leader": "a1", "writes": [0.02], "reads": [0.02], "error": ""}
SLOW = {**GOOD, "writes": [0.9]}


class Watch:
    """A cluster that gives these samples, the last one for ever; the time is what the action sleeps."""

    def __init__(self, *samples: Any, before: Any = GOOD) -> None:
        self._samples = list(samples)
        self._before = before
        self.now = 0.0
        self.slept: list[float] = []
        self.asked: list[str] = []
        self._task = Task(ActionModule)
        action = self._task._action
        action._execute_module = self._answer
        action._clock = lambda: self.now
        action._sleep = self._sleep

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def _answer(self, module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        self.asked.append(module_args["state"])
        if module_args["state"] in ("begun", "forgotten"):
            return {}
        sample = self._samples.pop(0) if len(self._samples) > 1 else self._samples[0]
        if isinstance(sample, Exception):
            raise sample
        return {"sample": sample, "before": self._before or {}, "is_pending": self._before is not None}

    def result(self, seconds: int = 0) -> dict[str, Any]:
        return self._task.run(
            {}, cluster="etcd-beta", seconds=seconds, slowdown=3, probe={"endpoints": ["http://10.0.0.1:2379"]}
        )


def test_one_good_look_is_enough_without_a_time():
    watch = Watch(GOOD)
    assert watch.result()["verdict"] == "no worse: writes 20 ms, 20 ms before"
    assert watch.asked == ["begun", "measured", "forgotten"]


def test_a_cluster_is_watched_to_the_end_of_its_time():
    watch = Watch(GOOD)
    assert watch.result(25)["samples"] == 4
    assert (watch.now, watch.slept) == (25.0, [10.0, 10.0, 5.0])


@pytest.mark.parametrize("bad", [SLOW, {**GOOD, "ill": {"beta0": "it hangs."}}, AnsibleConnectionFailure("no route")])
def test_three_bad_ones_in_a_row_end_it_at_once(bad):
    watch = Watch(GOOD, bad)
    result = watch.result(300)
    assert result["failed"]
    assert "etcd-beta is worse after its change." in result["msg"]
    assert [one["code"] for one in result["refusals"]] == ["cluster-worse"]
    assert watch.asked == ["begun", *["measured"] * 4]


def test_what_was_before_stays_until_it_is_no_worse():
    watch = Watch(SLOW)
    watch.result()
    assert "forgotten" not in watch.asked


def test_a_moment_is_passed_over():
    watch = Watch(GOOD, SLOW, SLOW, GOOD)
    assert "failed" not in watch.result(15)
    assert watch.asked[-1] == "forgotten"


def test_a_worker_whose_run_was_killed_judges_nothing():
    watch = Watch(GOOD)
    parents = iter([7, 7, 7, 1])
    watch._task._action._parent = lambda: next(parents)
    assert watch.result(300)["failed"]
    assert watch.asked == ["begun", "measured", "measured"]


def test_a_cluster_that_was_founded_is_judged_by_its_health():
    assert Watch(SLOW, before=None).result()["verdict"] == "no worse: writes 900 ms"
