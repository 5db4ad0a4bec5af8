# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that members save snapshots by, packed as it lies on hosts and run as their timers run it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_agent
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import agent
from cluster import DEFAULT_VERSION, REPOSITORY, Cluster, Tls, switch_authentication_on
from machine import pythons
from savers import Hosts


@pytest.fixture
def hosts(tmp_path):
    """Three members, of which the last in order leads."""
    cluster = Cluster(tmp_path, DEFAULT_VERSION, 3)
    try:
        found = Hosts(tmp_path, cluster.start())
        cluster.lead(found.order[2])
        with cluster.client() as client:
            client.put("key", "value")
        yield found
    finally:
        cluster.stop()


@pytest.fixture
def one(tmp_path):
    cluster = Cluster(tmp_path, DEFAULT_VERSION)
    try:
        yield Hosts(tmp_path, cluster.start())
    finally:
        cluster.stop()


class TestOfThree:
    def test_exactly_one_saves_and_the_next_one_once_it_is_gone(self, hosts):
        first, second, third = hosts.order
        assert hosts.run_all() == [first.name]
        (kept,) = hosts.kept(first)
        assert kept.manifest.member == first.name
        assert (Path(kept.path).stat().st_mode & 0o777, kept.manifest.key_count) == (0o600, 1)
        assert hosts.state(second)["outcome"] == snapshot_agent.PASSED
        assert first.name in hosts.state(second)["message"]
        assert hosts.metrics(first)["etcd_snapshot_last_try_saved"] == 1
        assert hosts.metrics(first)["etcd_snapshot_newest_revision"] == kept.manifest.revision
        assert hosts.metrics(third)["etcd_snapshot_last_try_success"] == 1

        hosts.cluster.end(first)
        assert hosts.run_all() == [second.name]

        hosts.cluster.end(second)
        assert hosts.run_all() == [third.name], "the last one saves what it has, without a quorum"

    def test_one_that_dies_at_it_is_noticed_at_the_second_look(self, hosts):
        first, second, _third = hosts.order
        done = agent.attempt(hosts.settings(second), lambda _seconds: hosts.cluster.end(first))
        assert done.outcome == snapshot_agent.SAVED
        assert len(hosts.kept(second)) == 1

    def test_a_leader_that_changes_between_their_looks_costs_no_snapshot(self, hosts):
        """The first looks while it leads, the second while that does: each would leave it to the other."""
        first, second, _third = hosts.order
        hosts.cluster.lead(first)
        done = agent.attempt(hosts.settings(first), lambda _seconds: hosts.cluster.lead(second))
        assert done.outcome == snapshot_agent.SAVED

    def test_the_next_one_saves_on_the_next_day_although_the_first_is_well(self, hosts):
        """Nobody sees that a host has no timer; so it may cost the cluster its own days and no more."""
        first, second, _third = hosts.order
        tomorrow = time.time() + 86400
        done = [
            agent.attempt(hosts.settings(member), lambda _seconds: None, lambda: tomorrow) for member in (first, second)
        ]
        assert [one.outcome for one in done] == [snapshot_agent.PASSED, snapshot_agent.SAVED]

    def test_one_whose_member_starts_late_is_waited_for(self, hosts):
        """As after a boot, when the timer makes up for what was missed."""
        first = hosts.order[0]
        hosts.cluster.end(first)
        waits = []

        def wait(seconds):
            waits.append(seconds)
            if len(waits) == 2:
                hosts.cluster.start()

        done = agent.attempt(hosts.settings(first, await_member=60.0), wait)
        assert done.outcome == snapshot_agent.SAVED
        assert len(waits) >= 2

    def test_one_whose_own_member_is_down_says_so(self, hosts):
        first = hosts.order[0]
        hosts.cluster.end(first)
        run = hosts.run(first)
        assert run.returncode == 1
        assert "The member on this host does not answer" in run.stderr
        assert "systemctl status etcd.service" in run.stderr
        assert run.stderr.count("\n") == 1
        assert hosts.state(first)["outcome"] == snapshot_agent.FAILED
        assert hosts.metrics(first)["etcd_snapshot_last_try_success"] == 0


ALERTS = re.search(r"```promql\n(.*?)```", (REPOSITORY / "docs" / "snapshots.md").read_text(), re.S)
MINUTES = 28 * 60
METRICS = ("last_try_success", "last_try_timestamp_seconds", "newest_timestamp_seconds")


class TestTheDocumentedAlerts:
    """Judged by Prometheus' own tool, minute by minute."""

    def fired(self, directory, tries):
        """The alerts that are raised in the end.

        :param tries: by host its METRICS, each as a value and what is added to it every minute.
        """
        assert ALERTS
        rules = [{"alert": f"alert{at}", "expr": text} for at, text in enumerate(ALERTS[1].splitlines())]
        (directory / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
        series = [
            {
                "series": f'etcd_snapshot_{name}{{cluster="etcd_cluster",instance="{host}"}}',
                "values": f"{begin}+{step}x{MINUTES}",
            }
            for host, values in tries.items()
            for name, (begin, step) in zip(METRICS, values)
        ]
        return [at for at in range(len(rules)) if self.is_raised(directory, f"alert{at}", series)]

    def is_raised(self, directory, alert, series):
        expected = {"eval_time": f"{MINUTES}m", "alertname": alert, "exp_alerts": []}
        test = {"interval": "1m", "input_series": series, "alert_rule_test": [expected]}
        path = directory / "test.yml"
        path.write_text(json.dumps({"rule_files": ["rules.yml"], "tests": [test]}))
        done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or "got:[" in done.stdout + done.stderr, done.stdout + done.stderr
        return done.returncode != 0

    WELL = ((1, 0), (0, 60), (0, 60))

    @pytest.mark.parametrize(
        ("third", "fired"),
        [
            pytest.param(WELL, [], id="all is well"),
            pytest.param(((1, 0), (0, 60), (0, 0)), [], id="another host has a newer one", marks=pytest.mark.matrix),
            pytest.param(((0, 0), (0, 60), (0, 60)), [4], id="a try failed"),
            pytest.param(((1, 0), (0, 0), (0, 60)), [1], id="its timer stopped", marks=pytest.mark.matrix),
            pytest.param((), [2], id="its program was never started"),
        ],
    )
    def test_see_each_host(self, tmp_path, third, fired):
        assert self.fired(tmp_path, {"a": self.WELL, "b": self.WELL, "c": third}) == fired

    def test_see_that_there_is_no_snapshot(self, tmp_path):
        assert self.fired(tmp_path, dict.fromkeys("abc", ((1, 0), (0, 60), (0, 0)))) == [0]

    def test_see_a_cluster_where_nothing_was_ever_started(self, tmp_path):
        assert self.fired(tmp_path, {}) == [3]


class TestOfOne:
    def test_leaves_nothing_to_a_learner(self, one):
        learner = one.cluster.add("learner")
        run = one.run(learner)
        assert run.returncode == 0, run.stderr
        assert one.state(learner)["outcome"] == snapshot_agent.PASSED
        assert one.kept(learner) == []

    @pytest.mark.parametrize("python", ["3.9", "own"])
    def test_saves(self, one, python):
        run = one.run(one.cluster.members[0], python)
        assert run.returncode == 0, run.stderr
        assert "Saved " in run.stdout

    def test_keeps_as_many_as_it_is_told_to(self, one):
        (member,) = one.cluster.members
        for _time in range(3):
            assert one.run(member, keep=2).returncode == 0
        assert len(one.kept(member)) == 2

    def test_hands_the_path_to_a_command_as_one_argument(self, one, tmp_path):
        (member,) = one.cluster.members
        told = tmp_path / "told"
        script = tmp_path / "command"
        script.write_text(f'#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done >{told}\n')
        script.chmod(0o755)
        assert one.run(member, after_command=(str(script), "a b", "$(id)")).returncode == 0
        (kept,) = one.kept(member)
        assert " " in kept.path
        assert told.read_text().splitlines() == ["a b", "$(id)", kept.path]

    @pytest.mark.parametrize(
        "command, why",
        [("/bin/false", "ended with status 1"), ("/nowhere", "cannot be run: No such file or directory")],
    )
    def test_fails_with_its_command_and_keeps_the_snapshot(self, one, command, why):
        (member,) = one.cluster.members
        run = one.run(member, after_command=(command,))
        assert (run.returncode, why in run.stderr) == (1, True)
        (kept,) = one.kept(member)
        assert f"The snapshot {kept.path} is good and stays" in run.stderr
        assert one.metrics(member)["etcd_snapshot_last_try_success"] == 0

    def test_fails_where_nothing_can_be_written(self, one, tmp_path):
        (member,) = one.cluster.members
        file = tmp_path / "file"
        file.touch()
        run = one.run(member, directory=str(file / "snapshots"))
        assert run.returncode == 1
        assert f"{file}/snapshots" in run.stderr
        assert one.state(member)["outcome"] == snapshot_agent.FAILED

    def test_fails_where_its_metrics_cannot_be_written(self, one):
        """Whoever watches them would go on to see the last ones."""
        (member,) = one.cluster.members
        run = one.run(member, metrics_file="/nowhere/etcd.prom")
        assert (run.returncode, "/nowhere/etcd.prom cannot be written" in run.stderr) == (1, True)
        assert len(one.kept(member)) == 1

    def test_fails_without_settings(self, one):
        run = subprocess.run(
            [pythons()["3.9"], "-I", one.program, "/nowhere"], capture_output=True, text=True, check=False
        )
        assert (run.returncode, "/nowhere cannot be read" in run.stderr) == (1, True)


class TestWhereAuthenticationIsOn:
    @pytest.fixture
    def secure(self, tmp_path):
        cluster = Cluster(tmp_path, DEFAULT_VERSION, tls=Tls.make(tmp_path))
        try:
            _switch_on(cluster.start())
            yield Hosts(tmp_path, cluster)
        finally:
            cluster.stop()

    def test_the_certificate_of_the_administrator_will_do(self, secure):
        run = secure.run(secure.cluster.members[0])
        assert run.returncode == 0, run.stderr

    def test_a_user_and_a_password_will_do(self, one, tmp_path):
        (member,) = one.cluster.members
        _switch_on(one.cluster)
        user = tmp_path / "user"
        user.touch(0o600)
        user.write_text("root:secret:word\n")
        run = one.run(member, user_file=str(user))
        assert run.returncode == 0, run.stderr
        assert "secret" not in run.stdout

        run = one.run(member)
        assert run.returncode == 1
        assert "user name is empty" in run.stderr

    def test_a_password_that_others_may_read_is_none(self, one, tmp_path):
        user = tmp_path / "user"
        user.write_text("root:secret\n")
        user.chmod(0o640)
        run = one.run(one.cluster.members[0], user_file=str(user))
        assert (run.returncode, f"chmod 0600 {user}" in run.stderr) == (1, True)

    def test_a_file_without_a_password_is_none(self, one, tmp_path):
        user = tmp_path / "user"
        user.touch(0o600)
        with pytest.raises(HostError, match="does not hold NAME:PASSWORD"):
            agent.attempt(one.settings(one.cluster.members[0], user_file=str(user)))


def _switch_on(cluster):
    with cluster.client() as client:
        switch_authentication_on(client, "root", "secret:word")
