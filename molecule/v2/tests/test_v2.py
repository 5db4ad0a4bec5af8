# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of API version 2 move to version 3 while its clients go on, and nothing of them keeps the cluster from 3.6."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
PLAYBOOK = "quorum.etcd.migrate_v2"
KEYS = 300

SSL = "/etc/etcd/ssl"
CURL = f"curl -s --cacert {SSL}/ca.pem --cert {SSL}/admin.pem --key {SSL}/admin-key.pem"
FILL = f"""
seq -f 'url = "https://127.0.0.1:2379/v2/keys/net/%g"' {KEYS} > /tmp/urls
{CURL} -X PUT -d value=two --config /tmp/urls --output /dev/null
{CURL} -X PUT -d value=a-day -d ttl=86400 https://127.0.0.1:2379/v2/keys/lease
{CURL} -X PUT -d dir=true https://127.0.0.1:2379/v2/keys/empty
"""
#: The program that moves keys, which has the host's lock, ends at once. etcd beside its unit goes on. Which host moves
#: them follows from who leads by then: the others are told that it was another.
KILL = """
until systemctl is-active --quiet quorum-etcd-migration-etcd; do
    test ! -e /tmp/was-elsewhere || exit 0
    sleep 0.05
done
for at in /proc/[0-9]*; do
    if ls -l $at/fd 2>/dev/null | grep -q '/run/quorum.etcd/etcd/lock$'; then kill -9 ${at#/proc/}; fi
done
systemctl is-active quorum-etcd-migration-etcd
"""


@pytest.fixture(scope="module")
def warned(cluster):
    """An ordinary run that leaves all as it is."""
    cluster.on("etcd-host0", FILL)
    return cluster.play("-e", json.dumps({"etcd_version": "3.4.23", "etcd_settings": {"enable-v2": True}}), "--check")


@pytest.fixture(scope="module")
def moving(cluster):
    """Runs the playbook for an inventory that has no C(enable-v2) any more."""
    confirmed = ("-e", "etcd_version=3.4.23", "-e", "etcd_confirm_cluster=etcd_cluster")
    return lambda *arguments: cluster.play(*confirmed, *arguments, playbook=PLAYBOOK)


@pytest.fixture(scope="module")
def first(cluster, warned):
    return cluster.processes(HOSTS)


@pytest.fixture(scope="module")
def refused(moving, first):
    return moving()


@pytest.fixture(scope="module")
def foreseen(moving, refused):
    return moving("--check", "-e", "etcd_confirm=v2-ttl")


@pytest.fixture(scope="module")
def found(inventory, foreseen):
    """What the module for it tells of the member that serves version 2."""
    done = subprocess.run(
        ["ansible", "-i", inventory, HOSTS[1], "-m", "quorum.etcd.etcd_v2_info"],
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.partition("=> ")[2])


@pytest.fixture(scope="module")
def interrupted(cluster, inventory, found):
    """A run whose program on a host is killed while its member is apart: its end, the host, and what is left there."""
    arguments = ["-e", "etcd_version=3.4.23", "-e", "etcd_confirm_cluster=etcd_cluster", "-e", "etcd_confirm=v2-ttl"]
    run = subprocess.Popen(
        ["ansible-playbook", PLAYBOOK, "--inventory", inventory, *arguments],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.DEVNULL,
    )
    with ThreadPoolExecutor() as pool:
        waiting = {pool.submit(cluster.on, host, KILL, 1800): host for host in HOSTS}
        done = set()
        while not done and run.poll() is None:
            done, _others = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
        for host in HOSTS:
            cluster.on(host, "touch /tmp/was-elsewhere")
    (first,) = done
    return run.wait(), waiting[first], first.result().strip()


@pytest.fixture(scope="module")
def gone_on(moving, interrupted):
    return moving("-e", "etcd_confirm=v2-ttl")


@pytest.fixture(scope="module")
def rolled(cluster, gone_on):
    """What docs/api-version-2.md says of the log, before an upgrade."""
    settings = {"snapshot-count": 1, "max-wals": 1}
    return cluster.play("-e", json.dumps({"etcd_version": "3.4.23", "etcd_settings": settings}))


@pytest.fixture(scope="module")
def upgraded(cluster, rolled):
    return cluster.play("-e", "etcd_version=3.6.14")


def counted(cluster, host):
    told = cluster.on(host, "etcdctl get --prefix --keys-only --write-out json /net/")
    return json.loads(told).get("count", 0)


def hashes(cluster):
    """Of all that version 3 has held up to one revision, by each member."""
    fields = "etcdctl endpoint status --write-out fields | sed -n 's/^\"Revision\" : //p'"
    revision = cluster.on(HOSTS[0], fields).strip()
    told = cluster.on(HOSTS[0], f"etcdctl endpoint hashkv --cluster --rev {revision} --write-out json")
    return [one["HashKV"]["hash"] for one in json.loads(told)]


def test_an_ordinary_run_warns_of_the_setting(warned):
    assert warned.code == 0
    assert "warning: enable-v2 is true" in warned.said
    assert "quorum.etcd.migrate_v2" in warned.said


def test_keys_that_expire_need_a_word(refused, first, cluster):
    assert refused.code != 0
    assert "1 keys of version 2 have a time to live: /lease" in refused.said
    assert "etcd_confirm=v2-ttl" in refused.said
    assert cluster.processes(HOSTS) == first


def test_the_plan_names_what_version_3_does_not_have(foreseen, first, cluster):
    assert foreseen.code == 0
    assert f"version 2 has {KEYS + 1} keys" in foreseen.said
    assert "these are empty: /empty" in foreseen.said
    assert len([step for step in foreseen.planned if "restart" in step]) == 3
    assert foreseen.planned[-1].startswith("move the keys of version 2")
    assert cluster.processes(HOSTS) == first


def test_a_module_finds_them(found):
    assert (found["served"], found["listing"]["key_count"], found["listing"]["expiring"]) == (True, KEYS + 1, 1)
    assert "two" not in json.dumps(found["listing"])


def test_a_run_that_is_killed_leaves_one_member_apart(interrupted, cluster):
    code, _actor, left = interrupted
    assert (code != 0, left) == (True, "active")


def test_the_same_command_goes_on(gone_on, interrupted):
    assert gone_on.code == 0
    assert f"start {interrupted[1]}" in gone_on.planned
    assert f"{KEYS + 1} keys of version 2, " in gone_on.said
    assert "keys there before" in gone_on.said
    assert "a copy of the data as they were is kept in /var/lib/etcd/member.migration-" in gone_on.said


def test_every_member_has_every_key(gone_on, cluster):
    assert [counted(cluster, host) for host in HOSTS] == [KEYS] * 3
    assert len(hashes(cluster)) == 3
    assert len(set(hashes(cluster))) == 1


def test_a_key_with_a_time_to_live_has_a_lease(gone_on, cluster):
    told = json.loads(cluster.on(HOSTS[0], "etcdctl get /lease --write-out json"))
    assert told["kvs"][0]["lease"]


def test_the_data_as_they_were_are_kept(gone_on, interrupted, cluster):
    assert "member.migration-" in cluster.on(interrupted[1], "ls /var/lib/etcd")
    assert ".db" in cluster.on(interrupted[1], "ls /var/lib/etcd-snapshots/before-v2-migration")


def test_once_more_there_is_nothing_to_move(gone_on, moving):
    again = moving("-e", "etcd_confirm=v2-ttl")
    assert again.code == 0
    assert "0 keys of version 2" in again.said


def test_copies_of_data_do_not_pile_up(gone_on, cluster):
    # That of the run that was killed, and that of the one that went on.
    assert sum(cluster.on(host, "ls /var/lib/etcd").count("member.migration-") for host in HOSTS) == 2


def test_nothing_of_version_2_keeps_the_cluster_from_3_6(upgraded, cluster):
    assert upgraded.code == 0
    told = [json.loads(cluster.on(host, f"{CURL} https://127.0.0.1:2379/version")) for host in HOSTS]
    assert {one["etcdserver"] for one in told} == {"3.6.14"}
    assert [counted(cluster, host) for host in HOSTS] == [KEYS] * 3
    assert len(set(hashes(cluster))) == 1
    assert sorted(cluster.voters(HOSTS[0])) == list(HOSTS)


def test_with_3_6_there_is_nothing_to_move(upgraded, cluster):
    run = cluster.play("-e", "etcd_confirm_cluster=etcd_cluster", playbook=PLAYBOOK)
    assert run.code != 0
    assert "docs/refusals.md#v2-gone" in run.said
