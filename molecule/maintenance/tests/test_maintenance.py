# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each host is rebooted while the others serve; a run that was killed is gone on with, and never are two at work."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
PLAYBOOK = "quorum.etcd.maintenance"
HERE = Path(__file__).resolve().parents[1] / "tasks"
GIVEN = ("-e", f"etcd_maintenance_tasks={HERE / 'reboot.yml'}", "-e", f"etcd_maintenance_check={HERE / 'check.yml'}")


def begun(inventory):
    """A run of the playbook, whose lines can be read as they come."""
    return subprocess.Popen(
        ["ansible-playbook", PLAYBOOK, "--inventory", inventory, *GIVEN],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def drained_in(output):
    return re.findall(r"^step \d+ of \d+: drain (etcd-host\d)", output, re.MULTILINE)


@pytest.fixture(scope="module")
def boots(cluster):
    """When each host has booted, by a clock that they all have."""
    return lambda: {host: int(cluster.on(host, "cut -d ' ' -f 22 /proc/1/stat")) for host in HOSTS}


@pytest.fixture(scope="module")
def first(boots):
    return boots()


@pytest.fixture(scope="module")
def foreseen(cluster, boots, first):
    before = cluster.processes(HOSTS)
    run = cluster.play("--check", *GIVEN, playbook=PLAYBOOK)
    assert (cluster.processes(HOSTS), boots()) == (before, first)
    return run


@pytest.fixture(scope="module")
def interrupted(inventory, foreseen):
    """The hosts that a run has drained which is killed while the second of them reboots."""
    run, output, reboots = begun(inventory), "", 0
    for line in run.stdout:
        output += line
        reboots += line.startswith("TASK") and "Reboot" in line
        if reboots == 2:
            os.killpg(run.pid, signal.SIGKILL)
            break
    run.wait()
    return drained_in(output)


@pytest.fixture(scope="module")
def ordinary(cluster, interrupted):
    return cluster.play()


@pytest.fixture(scope="module")
def at_once(inventory, boots, ordinary):
    """Two runs of the same command at once: exit status, output and the boots of before."""
    before, runs = boots(), [begun(inventory), begun(inventory)]
    told = [run.communicate()[0] for run in runs]
    for text in told:
        print(text)
    return before, sorted(zip([run.returncode for run in runs], told, strict=True))


def test_the_plan_has_one_host_after_the_other_and_the_leader_last(foreseen):
    assert foreseen.code == 0
    drained = [step for step in foreseen.planned if step.startswith("drain")]
    assert drained == ["drain etcd-host1", "drain etcd-host2", "drain etcd-host0"]
    assert foreseen.planned[-1] == "let others act on the cluster again"


def test_killed_it_leaves_one_host_drained_and_an_ordinary_run_says_so(interrupted, ordinary):
    assert interrupted == ["etcd-host1", "etcd-host2"]
    assert ordinary.code != 0
    assert re.search(r"etcd-host2 \(\S+\) is drained by \S+ until", ordinary.said)
    assert "quorum.etcd.undrain -i INVENTORY -e etcd_maintenance_owner=" in ordinary.said


def test_given_twice_at_once_one_goes_on_with_that_host_and_the_other_is_refused(at_once):
    _before, ((code, output), (other, refused)) = at_once
    assert (code, other) == (0, 2)
    assert drained_in(output)[0] == "etcd-host2"
    assert sorted(drained_in(output)) == list(HOSTS)
    assert "under maintenance by" in " ".join(refused.split())
    assert drained_in(refused) in ([], drained_in(output)[:1])


def test_each_host_has_booted_anew_in_the_order_in_which_they_were_drained(at_once, boots):
    before, ((_code, output), _refused) = at_once
    after = boots()
    assert all(after[host] > before[host] for host in HOSTS)
    assert sorted(HOSTS, key=after.get) == drained_in(output)


def test_all_members_vote_and_nothing_is_left(at_once, cluster):
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
    assert cluster.on(HOSTS[0], "etcdctl get --prefix /quorum.etcd/ --keys-only").strip() == ""
    for host in HOSTS:
        assert cluster.on(host, "ls /var/lib/quorum.etcd/etcd").split().count("drained") == 0
    assert cluster.play().found_nothing_to_do


def test_bad_input_is_refused_before_anything_is_touched(at_once, cluster, boots):
    before = boots()
    run = cluster.play("-e", "etcd_maintenance_tasks=/nowhere.yml", playbook=PLAYBOOK)
    assert (run.code, "etcd_maintenance_tasks is /nowhere.yml" in run.said) == (2, True)
    assert boots() == before


def test_all_members_are_restarted_once_for_a_command(at_once, cluster, boots):
    before, booted = cluster.processes(HOSTS), boots()
    run = cluster.play("-e", "etcd_restart=all")
    assert (run.code, len(run.planned)) == (0, 3)
    after = cluster.processes(HOSTS)
    assert all(after[host] != before[host] for host in HOSTS)
    assert boots() == booted
