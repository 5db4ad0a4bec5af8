# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members get one minor after another, one member at a time, and the same command goes on wherever it was ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
SETTINGS = {"experimental-corrupt-check-time": "1h"}
RESTART = re.compile(r"(etcd-host\d): restart, because etcd ([\d.]+) takes the place of ([\d.]+)")


@pytest.fixture(scope="module")
def play(cluster):
    """Runs the playbook with a version."""

    def played(*arguments, version="3.7.1"):
        return cluster.play(
            "--extra-vars", json.dumps({"etcd_version": version, "etcd_settings": SETTINGS}), *arguments
        )

    return played


@pytest.fixture(scope="module")
def first(cluster):
    return cluster.processes(HOSTS)


@pytest.fixture(scope="module")
def foreseen(play, first):
    return play("--check", "--diff")


@pytest.fixture(scope="module")
def halfway(play, foreseen):
    return play("--extra-vars", "etcd_upgrade_stop_at=3.6")


@pytest.fixture(scope="module")
def second(cluster, halfway):
    return cluster.processes(HOSTS)


@pytest.fixture(scope="module")
def interrupted(inventory, second):
    """A run that is killed as soon as a member has begun to get 3.7; what it printed."""
    arguments = json.dumps({"etcd_version": "3.7.1", "etcd_settings": SETTINGS})
    run = subprocess.Popen(
        ["ansible-playbook", "quorum.etcd.etcd", "--inventory", inventory, "--extra-vars", arguments],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    printed = []
    for line in run.stdout:
        printed.append(line)
        if "Update the member" in line:
            os.killpg(run.pid, signal.SIGKILL)
            break
    run.wait()
    return "".join(printed)


@pytest.fixture(scope="module")
def upgraded(play, interrupted):
    return play()


def updates(run):
    return [RESTART.match(step).groups() for step in run.planned if RESTART.match(step)]


def versions(cluster):
    """What each member runs, and what the cluster speaks."""
    asked = (
        "curl -s --cacert {ssl}/ca.pem --cert {ssl}/admin.pem --key {ssl}/admin-key.pem https://127.0.0.1:2379/version"
    )
    told = [json.loads(cluster.on(host, asked.format(ssl="/etc/etcd/ssl"))) for host in HOSTS]
    return {(one["etcdserver"], one["etcdcluster"]) for one in told}


def outages(cluster):
    """When each member was down, by its unit: pairs of seconds, with the host."""
    found = []
    for host in HOSTS:
        lines = cluster.on(host, "journalctl -u etcd -o short-unix --no-pager _PID=1").splitlines()
        told = [(float(line.split()[0]), line) for line in lines]
        ends = [at for at, line in told if "Stopping etcd" in line]
        begins = [at for at, line in told if "Started etcd" in line]
        found += [(end, min(at for at in begins if at > end), host) for end in ends]
    return sorted(found)


def test_the_plan_tells_the_way_and_every_update(foreseen, first, cluster):
    assert foreseen.code == 0
    assert "etcd 3.4.23 -> 3.5.33 -> 3.6.14 -> 3.7.1" in foreseen.said
    last = {minor: [host for host, to, _has in updates(foreseen) if to == minor][-1] for minor in ("3.5.33",)}
    assert (len(updates(foreseen)), last) == (9, {"3.5.33": "etcd-host0"})
    assert "+ExecStart=/opt/etcd/etcd-v3.7.1-linux" in foreseen.output
    assert "+ETCD_CORRUPT_CHECK_TIME=" in foreseen.output
    assert cluster.processes(HOSTS) == first


def test_it_ends_at_the_minor_where_it_is_to_stop(halfway, cluster):
    # What hosts do side by side is told in any order.
    assert (halfway.code, sorted(halfway.taken)) == (0, sorted(halfway.planned))
    assert [to for _host, to, _has in updates(halfway)] == ["3.5.33"] * 3 + ["3.6.14"] * 3
    assert versions(cluster) == {("3.6.14", "3.6.0")}


def test_a_snapshot_was_saved_before_the_first_member_stopped(halfway, cluster):
    steps = halfway.planned
    (saved,) = (at for at, step in enumerate(steps) if step.startswith("save a snapshot"))
    assert saved < next(at for at, step in enumerate(steps) if RESTART.match(step))
    host = steps[saved].split(" on ")[1].split()[0]
    assert ".db" in cluster.on(host, "ls /var/lib/etcd-snapshots/before-upgrade")


def test_a_run_that_was_killed_is_gone_on_with_by_the_same_command(interrupted, upgraded, cluster):
    assert "Update the member" in interrupted
    assert upgraded.code == 0
    assert {to for _host, to, _has in updates(upgraded)} == {"3.7.1"}
    assert versions(cluster) == {("3.7.1", "3.7.0")}


def test_each_setting_has_the_name_that_the_release_knows(upgraded, cluster):
    for host in HOSTS:
        assert "ETCD_CORRUPT_CHECK_TIME=" in cluster.on(host, "grep CHECK_TIME /etc/etcd/etcd.conf")


def test_every_member_was_restarted_three_times_and_never_two_at_once(upgraded, cluster, first):
    found = outages(cluster)
    assert [sum(host == one for _end, _begin, one in found) for host in HOSTS] == [3, 3, 3]
    assert all(later[0] > earlier[1] for earlier, later in zip(found, found[1:]))
    assert all(process != first[host] for host, process in cluster.processes(HOSTS).items())


def test_all_members_vote_and_a_second_run_finds_nothing_to_do(upgraded, cluster, play):
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
    assert play().found_nothing_to_do


def test_an_older_minor_is_refused_from_now_on(upgraded, play, cluster):
    run = play("--check", version="3.6.14")
    assert run.code != 0
    assert "docs/refusals.md#version-lower" in run.said
    assert versions(cluster) == {("3.7.1", "3.7.0")}
