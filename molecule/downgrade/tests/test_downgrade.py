# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members go back by one minor, one member at a time; what was begun is gone on with, or cancelled."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
PLAYBOOK = "quorum.etcd.downgrade"
RESTART = re.compile(r"(etcd-host\d): restart, because etcd ([\d.]+) takes the place of ([\d.]+)")


@pytest.fixture(scope="module")
def back(cluster):
    """Runs the playbook with a target."""
    return lambda to, *arguments: cluster.play("-e", f"etcd_downgrade_to={to}", *arguments, playbook=PLAYBOOK)


@pytest.fixture(scope="module")
def foreseen(back, cluster):
    before = cluster.processes(HOSTS)
    run = back("3.6", "--check", "--diff")
    assert cluster.processes(HOSTS) == before
    return run


@pytest.fixture(scope="module")
def interrupted(inventory, foreseen):
    """A run that is killed once a first member has the older release."""
    run = subprocess.Popen(
        ["ansible-playbook", PLAYBOOK, "--inventory", inventory, "-e", "etcd_downgrade_to=3.6"],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    updates = 0
    for line in run.stdout:
        updates += "Update the member" in line
        if updates == 2:
            os.killpg(run.pid, signal.SIGKILL)
            break
    run.wait()
    return updates


@pytest.fixture(scope="module")
def reported(cluster, interrupted):
    return cluster.play()


@pytest.fixture(scope="module")
def cancelled(cluster, reported):
    return cluster.play("-e", "etcd_downgrade_cancel=true", playbook=PLAYBOOK)


@pytest.fixture(scope="module")
def gone_on(back, cancelled):
    return back("3.6")


@pytest.fixture(scope="module")
def at_the_end(back, gone_on):
    return back("3.5")


def versions(cluster):
    """What each member runs, and what the cluster speaks."""
    asked = (
        "curl -s --cacert {ssl}/ca.pem --cert {ssl}/admin.pem --key {ssl}/admin-key.pem https://127.0.0.1:2379/version"
    )
    told = [json.loads(cluster.on(host, asked.format(ssl="/etc/etcd/ssl"))) for host in HOSTS]
    return {(one["etcdserver"], one["etcdcluster"]) for one in told}


def test_the_plan_tells_the_job_before_the_first_update(foreseen):
    assert foreseen.code == 0
    steps = [step.split(":")[0] if RESTART.match(step) else step for step in foreseen.planned]
    assert steps[4:6] == ["enable the downgrade to 3.6", "await the cluster version 3.6 on every member"]
    assert len([step for step in foreseen.planned if RESTART.match(step)]) == 3
    assert steps[-1] == "await that etcd ends the downgrade"


def test_an_ordinary_run_names_both_ways_out_of_a_pending_one(interrupted, reported):
    assert interrupted == 2
    assert reported.code != 0
    assert "A downgrade to 3.6 is pending." in reported.said
    assert "etcd_downgrade_to=3.6" in reported.said
    assert "etcd_downgrade_cancel=true" in reported.said


def test_cancelled_between_two_members_it_says_who_has_the_older_minor(cancelled):
    assert (cancelled.code, cancelled.planned) == (0, ["cancel the downgrade to 3.6"])
    assert "older minor already" in cancelled.said


def test_it_is_gone_on_with_by_the_same_command(gone_on):
    assert gone_on.code == 0
    assert 0 < len([step for step in gone_on.planned if RESTART.match(step)]) < 3


def test_another_run_leads_to_the_minor_before(at_the_end, cluster):
    assert at_the_end.code == 0
    assert versions(cluster) == {("3.5.33", "3.5.0")}


def test_a_snapshot_was_saved_before(at_the_end, cluster):
    assert any(".db" in cluster.on(host, "ls /var/lib/etcd-snapshots/before-downgrade 2>&1 || true") for host in HOSTS)


def test_all_members_vote_and_a_second_run_finds_nothing_to_do(at_the_end, cluster, back):
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
    assert back("3.5").found_nothing_to_do


def test_from_3_5_no_way_leads_back(at_the_end, back):
    run = back("3.4", "--check")
    assert run.code != 0
    assert "docs/refusals.md#downgrade-unsupported" in run.said
