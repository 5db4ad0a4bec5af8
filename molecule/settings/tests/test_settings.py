# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changed settings come to the members one by one; those with which etcd ends come to nobody, and stop the run. They
become a file of etcd's own, and variables again.
"""

from __future__ import annotations

import json

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
CHANGED = {"quota-backend-bytes": 4 << 30, "heartbeat-interval": 200, "election-timeout": 2000}
# No host has that address.
BROKEN = {**CHANGED, "listen-metrics-urls": "http://192.0.2.1:2381"}
CONF = "/etc/etcd/etcd.conf"


@pytest.fixture(scope="module")
def play(cluster):
    """Runs the playbook with some settings."""

    def played(settings, *arguments):
        return cluster.play("--extra-vars", json.dumps({"etcd_settings": settings}), *arguments)

    return played


@pytest.fixture(scope="module")
def first(cluster):
    """The processes with the first settings."""
    return cluster.processes(HOSTS)


@pytest.fixture(scope="module")
def changed(play, first):
    return play(CHANGED)


@pytest.fixture(scope="module")
def second(cluster, changed):
    """The processes with the changed settings."""
    return cluster.processes(HOSTS)


@pytest.fixture(scope="module")
def broken(play, second):
    return play(BROKEN)


@pytest.fixture(scope="module")
def third(cluster, broken):
    """The processes after the run that failed."""
    return cluster.processes(HOSTS)


@pytest.fixture(scope="module")
def corrected(play, third):
    return play(CHANGED)


@pytest.fixture(scope="module")
def edited(play, cluster, corrected):
    """A run after somebody edited a file that the member does not read again."""
    cluster.on("etcd-host1", f"echo 'ETCD_SNAPSHOT_COUNT=7' >>{CONF}")
    return play(CHANGED, "--diff")


def test_members_take_turns_and_the_leader_is_last(changed):
    assert changed.code == 0
    assert [step.split(",")[0] for step in changed.planned] == [f"{host}: restart" for host in (*HOSTS[1:], HOSTS[0])]
    assert changed.taken == changed.planned


def test_each_member_runs_with_the_changed_settings(second, first, cluster):
    for host, process in second.items():
        assert process != first[host]
        environment = cluster.on(host, f"tr '\\0' '\\n' </proc/{process}/environ").splitlines()
        assert {
            "ETCD_QUOTA_BACKEND_BYTES=4294967296",
            "ETCD_HEARTBEAT_INTERVAL=200",
            "ETCD_ELECTION_TIMEOUT=2000",
        } <= set(environment)


def test_a_turn_that_fails_stops_the_run_and_tells_etcds_own_cause(broken):
    assert broken.code != 0
    assert "failed and was undone: it serves again with its previous files" in broken.said
    assert "cannot assign requested address" in broken.said


def test_a_turn_that_fails_is_the_last_one(broken, second, third):
    assert len(broken.planned) == len(HOSTS)
    assert len(broken.taken) == 1
    touched = broken.taken[0].split(":")[0]
    assert [host for host in HOSTS if third[host] != second[host]] == [touched]


def test_after_it_all_members_serve_with_what_they_had(third, cluster):
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
    for host in HOSTS:
        assert "192.0.2.1" not in cluster.on(host, f"cat {CONF}")


def test_with_the_settings_put_right_nothing_is_left_to_do(corrected):
    assert corrected.found_nothing_to_do


def test_an_edited_file_is_shown_and_put_right(edited, cluster):
    assert (edited.code, edited.taken) == (0, edited.planned)
    assert "\n-ETCD_SNAPSHOT_COUNT=7\n" in edited.output
    assert edited.planned == [f"etcd-host1: no restart, because {CONF} differs"]
    assert "SNAPSHOT_COUNT" not in cluster.on("etcd-host1", f"cat {CONF}")


def test_nobody_restarts_for_it(edited, third, cluster):
    assert cluster.processes(HOSTS) == third


def test_a_second_run_finds_nothing_to_do(edited, play):
    assert play(CHANGED).found_nothing_to_do


@pytest.fixture(scope="module")
def in_yaml(play, edited):
    return play(CHANGED, "--extra-vars", "etcd_config_format=yaml")


@pytest.fixture(scope="module")
def fifth(cluster, in_yaml):
    """The processes once their settings are a file of etcd's own."""
    return cluster.processes(HOSTS)


@pytest.fixture(scope="module")
def in_variables(play, fifth):
    return play(CHANGED)


def command(cluster, host, process):
    return cluster.on(host, f"tr '\\0' '\\n' </proc/{process}/cmdline").splitlines()


def test_the_settings_become_a_file_on_one_member_after_the_other(in_yaml, fifth, third, cluster):
    assert (in_yaml.code, len(in_yaml.planned)) == (0, len(HOSTS))
    assert in_yaml.taken == in_yaml.planned
    for host, process in fifth.items():
        assert process != third[host]
        assert command(cluster, host, process)[1:] == ["--config-file=/run/quorum.etcd/etcd.conf.yml"]
        assert "\nheartbeat-interval: 200\n" in cluster.on(host, f"cat {CONF}.yml")
        cluster.on(host, f"test ! -e {CONF}")


def test_the_settings_become_variables_again(in_variables, fifth, cluster):
    assert (in_variables.code, in_variables.taken) == (0, in_variables.planned)
    for host, process in cluster.processes(HOSTS).items():
        assert process != fifth[host]
        assert len(command(cluster, host, process)) == 1
        cluster.on(host, f"test -e {CONF} && test ! -e {CONF}.yml")
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)
