# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every etcdctl command of the guides, typed by root on a member, with and without their flags."""

from __future__ import annotations

import json
import re

import pytest

SSL = "/etc/etcd/ssl"
FLAGS = f"--cacert={SSL}/ca.pem --cert={SSL}/etcd.pem --key={SSL}/etcd-key.pem"


@pytest.fixture(params=["bare", "flags", "alias"])
def etcdctl(request, host, address):
    """A guide's way to type it: bare on a member, with all flags, or by an alias and endpoints without a scheme."""
    addresses = re.findall(r"https://([0-9.]+):2379", host.check_output("etcdctl member list"))
    return {
        "bare": "etcdctl",
        "flags": f"env ETCDCTL_API=3 /usr/local/bin/etcdctl --write-out=simple {FLAGS} --endpoints=https://{address}:2379",
        "alias": f"env ETCDCTL_API=3 etcdctl {FLAGS} --endpoints={','.join(f'{one}:2379' for one in addresses)}",
    }[request.param]


@pytest.fixture
def key(host, request):
    """A key of this test's own, gone afterwards."""
    name = "test-" + re.sub(r"\W+", "-", request.node.name)
    yield name
    host.check_output(f"etcdctl del --prefix {name}")


def test_put_get_and_delete(run, etcdctl, key):
    assert run(f"{etcdctl} put {key} 'Hello World'") == "OK\n"
    assert run(f"{etcdctl} get {key}") == f"{key}\nHello World\n"
    assert json.loads(run(f"{etcdctl.replace('--write-out=simple', '')} -w json get {key}"))["count"] == 1
    assert run(f"{etcdctl} del {key}") == "1\n"


def test_get_and_delete_by_prefix(run, etcdctl, key):
    for number in (1, 2, 3):
        run(f"{etcdctl} put {key}{number} value{number}")
    assert run(f"{etcdctl} get {key} --prefix").split() == [
        word for number in (1, 2, 3) for word in (f"{key}{number}", f"value{number}")
    ]
    assert run(f"{etcdctl} del {key} --prefix") == "3\n"


def test_several_writes_in_one_transaction(run, etcdctl, key):
    run(f"{etcdctl} put {key} 1")
    said = run(f'printf \'value("{key}") = "1"\n\nput {key} 2\n\nput {key} 3\n\n\' | {etcdctl} txn')
    assert said.startswith("SUCCESS")
    assert run(f"{etcdctl} get {key} --print-value-only") == "2\n"


@pytest.mark.parametrize("prefix", ["", " --prefix"])
def test_watch(run, etcdctl, key, prefix):
    said = run(
        f"timeout 10 sh -c '(sleep 1; etcdctl put {key} 1000 >/dev/null) & timeout 3 {etcdctl} watch {key}{prefix}' || :"
    )
    assert said.split()[:3] == ["PUT", key, "1000"]


def test_a_key_ends_with_its_lease(run, etcdctl, key):
    lease = re.search(r"lease ([0-9a-f]+) granted", run(f"{etcdctl} lease grant 300")).group(1)
    run(f"{etcdctl} put {key} value --lease={lease}")
    assert "keepalived" in run(f"{etcdctl} lease keep-alive --once {lease}")
    assert "revoked" in run(f"{etcdctl} lease revoke {lease}")
    assert run(f"{etcdctl} get {key}") == ""


def test_lock(run, etcdctl, key):
    assert run(f"timeout 10 {etcdctl} lock {key} echo held").strip().endswith("held")


def test_elect(run, etcdctl, key):
    assert "p1" in run(f"timeout 3 {etcdctl} elect {key} p1 || :").split()


def test_member_list(run, etcdctl):
    assert run(f"{etcdctl} member list").count("started") == 3


@pytest.mark.parametrize("table", ["", " -w table"])
def test_endpoint_status(run, etcdctl, table):
    assert "3.6.14" in run(f"{etcdctl} endpoint status{table}")


def test_endpoint_health(host, etcdctl):
    done = host.run(f"{etcdctl} endpoint health")
    assert done.rc == 0
    assert "is healthy" in done.stdout + done.stderr


def test_the_whole_cluster_from_one_member(run):
    status = json.loads(run("etcdctl endpoint status --cluster -w json"))
    assert len(status) == 3
    assert len({one["Status"]["leader"] for one in status}) == 1
    assert len({one["Status"]["header"]["cluster_id"] for one in status}) == 1


def test_snapshot(run, etcdctl):
    run(f"{etcdctl.split(',')[0]} snapshot save /root/backup.db")
    assert "TOTAL KEYS" in run("etcdutl --write-out=table snapshot status /root/backup.db; rm /root/backup.db")


def test_versions(run):
    assert "etcd Version: 3.6.14" in run("etcd --version")
    assert "etcdctl version: 3.6.14" in run("ETCDCTL_API=3 etcdctl version")


@pytest.mark.parametrize("where", ["127.0.0.1", "own"])
def test_curl_with_the_members_certificate(run, address, where):
    url = f"https://{address if where == 'own' else where}:2379/health"
    assert json.loads(run(f"curl -sS --cacert {SSL}/ca.pem --cert {SSL}/etcd.pem --key {SSL}/etcd-key.pem {url}"))[
        "health"
    ]


def test_metrics_are_for_those_on_the_host(run):
    assert "etcd_server_has_leader 1" in run("curl -sS http://127.0.0.1:2381/metrics")


def test_sudo_needs_no_flags_either(run):
    assert "is healthy" in run("env -i PATH=/usr/bin:/bin sudo /usr/local/bin/etcdctl endpoint health 2>&1")


def test_whoever_is_not_root_is_told_so(host):
    done = host.run("runuser -u nobody -- etcdctl endpoint health")
    assert done.rc != 0
    assert "sudo" in done.stderr


def test_a_write_on_one_member_is_read_on_another(run, address, key):
    addresses = re.findall(r"https://([0-9.]+):2379", run("etcdctl member list"))
    other = next(one for one in addresses if one != address)
    run(f"etcdctl put {key} written-on-{address}")
    assert (
        run(f"etcdctl --endpoints=https://{other}:2379 get {key} --print-value-only").strip() == f"written-on-{address}"
    )
