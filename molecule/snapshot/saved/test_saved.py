# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One member saves, the next one once it is gone; what was saved is whole, goes off site and can be restored."""

from __future__ import annotations

import json
import time

import boto3
import pytest
from moto.server import ThreadedMotoServer

HOSTS = ("etcd-host0", "etcd-host1", "etcd-host2")
DIRECTORY = "/var/lib/etcd-snapshots"
VARIABLES = {
    "etcd_snapshot_schedule": "*:*:0/5",
    "etcd_snapshot_keep": 2,
    "etcd_snapshot_daily": 0,
    "etcd_snapshot_metrics_file": "/var/lib/node_exporter/etcd.prom",
}
# A timer fires within 35 s, and a member that hangs or is off is noticed in some more.
SOON = 120.0


def kept(cluster, host):
    """The snapshots on a host, oldest first."""
    return cluster.on(host, f"ls {DIRECTORY}/*.db 2>/dev/null || :").split()


def await_one(cluster, hosts, beyond=()):
    """Wait for a snapshot that is none of those that were known; its host and path."""
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        for host in hosts:
            new = [path for path in kept(cluster, host) if path not in beyond]
            if new:
                return host, new[-1]
        time.sleep(1)
    raise AssertionError({host: cluster.on(host, "journalctl -u etcd-snapshot | tail -20") for host in hosts})


def manifest(cluster, host, path):
    return json.loads(cluster.on(host, f"cat {path}.json"))


def play(cluster, *arguments, playbook="quorum.etcd.etcd", **variables):
    return cluster.play("-e", json.dumps({**VARIABLES, **variables}), *arguments, playbook=playbook)


def leader(cluster):
    """The member that leads."""
    told = json.loads(cluster.on(HOSTS[0], "etcdctl endpoint status --cluster -w json"))
    leading = {f"{one['Status']['leader']:x}" for one in told}
    return next(name for name, member_id in cluster.member_ids(HOSTS[0]).items() if member_id in leading)


@pytest.fixture(scope="module")
def first(cluster):
    """Where the first snapshot was saved that the timers asked for."""
    return await_one(cluster, HOSTS)[0]


@pytest.fixture(scope="module")
def newest(cluster, first):
    """A snapshot on that host that holds writes, and what its manifest says; it is the last one there."""
    # Its timer saves as often as it can, and would soon have replaced this one.
    cluster.on(first, "systemctl stop etcd-snapshot.timer etcd-snapshot; systemctl start etcd-snapshot")
    path = kept(cluster, first)[-1]
    found = manifest(cluster, first, path)
    assert found["revision"] > 1
    return path, found


def test_a_follower_saves_and_the_others_leave_it_to_it(cluster, first):
    assert first != leader(cluster)
    assert [host for host in HOSTS if kept(cluster, host)] == [first]


def test_the_file_is_whole(cluster, first, newest):
    path, found = newest
    assert cluster.on(first, f"sha256sum {path}").split()[0] == found["sha256"]
    assert cluster.on(first, f"stat -c '%a %U' {DIRECTORY} {path}").splitlines() == ["700 root", "600 root"]
    status = cluster.on(first, f"cp {path} /tmp/copy.db && etcdutl snapshot status /tmp/copy.db -w json")
    assert json.loads(status)["revision"] == found["revision"]


def test_no_more_are_kept_than_asked_for(cluster, first, newest):
    # More often than systemd lets services be started otherwise, five times within ten seconds.
    for _time in range(6):
        cluster.on(first, "systemctl start etcd-snapshot")
    assert len(kept(cluster, first)) == 2


def test_metrics_say_so(cluster, first, newest):
    text = cluster.on(first, "cat /var/lib/node_exporter/etcd.prom")
    assert 'etcd_snapshot_last_try_success{cluster="etcd_cluster"} 1' in text
    assert "etcd_snapshot_newest_timestamp_seconds" in text


def test_one_is_saved_now_by_a_follower_and_the_run_says_where(cluster, first, newest):
    would = play(cluster, "--check", playbook="quorum.etcd.snapshot")
    assert (would.code, "would be saved on" in would.said) == (0, True)
    # What the timers of the other hosts save meanwhile would be taken for it.
    for host in HOSTS:
        cluster.on(host, "systemctl stop etcd-snapshot.timer etcd-snapshot")
    before = {host: kept(cluster, host) for host in HOSTS}
    run = play(cluster, playbook="quorum.etcd.snapshot")
    assert run.code == 0
    ((host, path),) = [(host, path) for host in HOSTS for path in kept(cluster, host) if path not in before[host]]
    found = manifest(cluster, host, path)
    assert f"{path} was saved on" in run.said
    assert f"Revision {found['revision']}, {found['size']} bytes, sha256 {found['sha256']}" in run.said
    assert cluster.on(host, f"sha256sum {path}").split()[0] == found["sha256"]
    assert (found["member"], host != leader(cluster), len(kept(cluster, host)) <= 2) == (host, True, True)
    for host in set(HOSTS) - {first}:
        cluster.on(host, "systemctl start etcd-snapshot.timer")


def test_one_is_saved_now_with_a_member_off(cluster, first, newest):
    gone = next(host for host in HOSTS if host not in (first, leader(cluster)))
    cluster.lab("kill", gone)
    try:
        run = play(cluster, playbook="quorum.etcd.snapshot")
        assert run.code == 0
        assert "was saved on" in run.said
        assert "Passed over: " in run.said
    finally:
        cluster.lab("start", gone)
    cluster.on(gone, "until etcdctl endpoint health --cluster; do sleep 1; done")


def test_it_goes_off_site(cluster, first, newest):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = {"aws_access_key_id": "an-access-key", "aws_secret_access_key": "a-secret-key"}
        storage = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **keys)
        storage.create_bucket(Bucket="backups")
        run = play(
            cluster,
            playbook="quorum.etcd.offsite",
            etcd_s3_bucket="backups",
            etcd_s3_endpoint=f"http://{host}:{port}",
            etcd_s3_access_key="an-access-key",
            etcd_s3_secret_key="a-secret-key",
            etcd_s3_encryption="AES256",
        )
        assert run.code == 0
        names = [one["Key"] for one in storage.list_objects_v2(Bucket="backups")["Contents"]]
        (snapshot,) = [name for name in names if name.endswith(".db")]
        assert f"{snapshot}.json" in names
        assert storage.head_object(Bucket="backups", Key=snapshot)["ServerSideEncryption"] == "AES256"
    finally:
        server.stop()


def test_it_can_be_restored(cluster, first, newest):
    run = play(cluster, playbook="quorum.etcd.drill")
    assert run.code == 0
    assert "was restored on" in run.said


def test_the_next_follower_saves_once_the_first_is_off(cluster, first, newest):
    others = [host for host in HOSTS if host != first]
    before = [path for host in others for path in kept(cluster, host)]
    cluster.lab("kill", first)
    try:
        host, path = await_one(cluster, others, before)
        assert manifest(cluster, host, path)["member"] == host
    finally:
        cluster.lab("start", first)


def test_an_empty_schedule_takes_the_timers_away_and_restarts_nobody(cluster, first, newest):
    cluster.on(first, "until etcdctl endpoint health --cluster; do sleep 1; done")
    processes = cluster.processes(HOSTS)
    assert play(cluster, etcd_snapshot_schedule="").code == 0
    for host in HOSTS:
        assert "etcd-snapshot.timer" not in cluster.on(host, "systemctl list-unit-files --no-pager")
    assert cluster.processes(HOSTS) == processes
    assert play(cluster, etcd_snapshot_schedule="").found_nothing_to_do
