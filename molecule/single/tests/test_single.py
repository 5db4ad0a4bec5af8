# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One member where nothing is as by default: version, directories, log, listening, and the release of Debian."""

from __future__ import annotations

import json
import re

import pytest

SSL = "/etc/etcd/ssl"
CERTIFICATE = f"--cacert {SSL}/ca.pem --cert {SSL}/etcd.pem --key {SSL}/etcd-key.pem"


def test_the_host_is_debian_13(host):
    assert host.system_info.release.startswith("13")


def test_the_version_is_the_one_asked_for(run):
    pid = run("systemctl show etcd --property MainPID --value").strip()
    assert run(f"readlink /proc/{pid}/exe").strip() == "/opt/etcd/etcd-v3.5.33-linux-amd64/etcd"


@pytest.mark.parametrize("path", ["/data/app/etcd", *(f"/data/app/etcd/{name}" for name in ("data", "wal", "logs"))])
def test_the_directories_are_etcds_alone(host, path):
    found = host.file(path)
    assert (found.mode, found.user, found.group) == (0o700, "etcd", "etcd")


def test_the_write_ahead_log_lies_in_its_own_directory(host, run):
    assert run("ls /data/app/etcd/wal/*.wal")
    assert not host.file("/data/app/etcd/data/member/wal").exists
    assert host.file("/data/app/etcd/data/member/snap/db").is_file


def test_nothing_lies_where_it_would_by_default(host):
    assert not host.file("/var/lib/etcd").exists


def test_the_log_goes_to_its_file_and_not_to_the_journal(host, run):
    log = host.file("/data/app/etcd/logs/etcd.log")
    assert (log.mode, log.user) == (0o600, "etcd")
    assert log.contains("ready to serve client requests")
    assert "ready to serve client requests" not in run("journalctl --unit etcd --no-pager")


def test_etcd_knows_every_setting_that_it_was_given(host):
    assert not host.file("/data/app/etcd/logs/etcd.log").contains("unrecognized environment variable")


def test_the_sandbox_lets_it_write_there_and_nowhere_else(run):
    # The dash lets the unit come as far as its gate when a disk is missing.
    writable = run("systemctl show etcd --property ReadWritePaths --value").replace("-/", "/").split()
    assert writable == ["/data/app/etcd/data", "/data/app/etcd", "/data/app/etcd/logs"]


@pytest.mark.parametrize(
    "line",
    [
        'ETCD_NAME="etcd-host0"',
        'ETCD_DATA_DIR="/data/app/etcd/data"',
        'ETCD_WAL_DIR="/data/app/etcd/wal"',
        'ETCD_LISTEN_CLIENT_URLS="https://{address}:2379,http://127.0.0.1:2379"',
        'ETCD_ADVERTISE_CLIENT_URLS="https://{address}:2379"',
        'ETCD_HEARTBEAT_INTERVAL="200"',
        'ETCD_ELECTION_TIMEOUT="2000"',
        'ETCD_LOG_OUTPUTS="/data/app/etcd/logs/etcd.log"',
    ],
)
def test_the_settings_say_so(host, address, line):
    assert line.format(address=address) in host.file("/etc/etcd/etcd.conf").content_string.splitlines()


def test_loopback_needs_no_certificate(run):
    assert json.loads(run("curl -sS http://127.0.0.1:2379/health"))["health"] == "true"


def test_the_address_needs_one(host, run, address):
    assert json.loads(run(f"curl -sS {CERTIFICATE} https://{address}:2379/health"))["health"] == "true"
    assert host.run(f"curl -sS http://{address}:2379/health").rc != 0
    assert "alert" in host.run(f"curl -sS --cacert {SSL}/ca.pem https://{address}:2379/health").stderr


@pytest.mark.parametrize("endpoints", ["", "--endpoints=http://127.0.0.1:2379", "--endpoints=https://{address}:2379"])
def test_etcdctl_needs_no_flags_and_takes_either_endpoint(run, address, endpoints):
    said = run(f"etcdctl {endpoints.format(address=address)} endpoint status")
    assert re.search(r"3\.5\.33, .*, true, false", said)


def test_a_snapshot_is_saved_and_looked_at_as_in_the_guides(run):
    run("etcdctl snapshot save /root/backup.db")
    said = run("etcdctl --write-out=table snapshot status /root/backup.db; rm /root/backup.db")
    assert "REVISION" in said


def test_a_restart_keeps_the_data(run):
    run("etcdctl put kept value")
    run("systemctl restart etcd")
    assert run("etcdctl get kept --print-value-only") == "value\n"


def test_a_member_whose_log_is_moved_away_does_not_start(host, run):
    run("systemctl stop etcd")
    run("mv /data/app/etcd/wal /data/app/etcd/elsewhere")
    assert host.run("timeout 3 systemctl start etcd").rc != 0
    assert "there is no write-ahead log in /data/app/etcd/wal" in run("journalctl --unit etcd --no-pager")
    run("mv /data/app/etcd/elsewhere /data/app/etcd/wal")
    run("systemctl start etcd")
    assert run("etcdctl get kept --print-value-only") == "value\n"
