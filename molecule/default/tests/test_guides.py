# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guides type on a member, as root, in each of their ways to name endpoints and certificates.

Every command of theirs is in tests/guides/commands.yml.
"""

from __future__ import annotations

import json
import re

import pytest
import testinfra

SSL = "/etc/etcd/ssl"
FLAGS = f"--cacert={SSL}/ca.pem --cert={SSL}/etcd.pem --key={SSL}/etcd-key.pem"


@pytest.fixture(scope="module")
def members(request):
    return testinfra.get_hosts(["ansible://etcd_cluster"], ansible_inventory=request.config.option.ansible_inventory)


@pytest.fixture(scope="module")
def host(members):
    """The member that everything is typed on."""
    return members[0]


@pytest.fixture
def urls(members):
    return [f"https://{member.backend.host}:2379" for member in members]


@pytest.fixture(params=["bare", "flags", "alias"])
def etcdctl(request, urls):
    """A guide's way to type etcdctl: bare, with all flags, or with an alias and endpoints without a scheme."""
    return {
        "bare": "etcdctl",
        "flags": f"env ETCDCTL_API=3 /usr/local/bin/etcdctl {FLAGS} --endpoints={','.join(urls)}",
        "alias": f"env ETCDCTL_API=3 etcdctl {FLAGS} --endpoints={','.join(url[8:] for url in urls)}",
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
    assert json.loads(run(f"{etcdctl} -w json get {key}"))["count"] == 1
    assert json.loads(run(f"{etcdctl} --write-out=json get {key}"))["count"] == 1
    assert run(f"{etcdctl} del {key}") == "1\n"


def test_get_and_delete_by_prefix(run, etcdctl, key):
    for number in (1, 2, 3):
        run(f"{etcdctl} put {key}{number} value{number}")
    assert run(f"{etcdctl} get {key} --prefix").split() == [
        word for number in (1, 2, 3) for word in (f"{key}{number}", f"value{number}")
    ]
    assert run(f"{etcdctl} del {key} --prefix") == "3\n"


def test_a_transaction_takes_the_one_way_or_the_other(run, etcdctl, key):
    transaction = f'value("{key}") = "bad"\n\ndel {key}\n\nput {key} good\n\n'
    run(f"{etcdctl} put {key} bad")
    assert "SUCCESS" in run(f"printf %s '{transaction}' | {etcdctl} txn --interactive")
    assert run(f"{etcdctl} get {key}") == ""
    assert "FAILURE" in run(f"printf %s '{transaction}' | {etcdctl} txn --interactive")
    assert run(f"{etcdctl} get {key} --print-value-only") == "good\n"


@pytest.mark.parametrize(("prefix", "names"), [("", [""]), (" --prefix", ["1", "2"])])
def test_a_watch_sees_what_is_written(run, etcdctl, key, prefix, names):
    # Written again and again until it is seen, for nobody can tell when the watch has begun.
    puts = "; ".join(f"etcdctl put {key}{name} 1000 >/dev/null" for name in names)
    seen = " && ".join(f"grep -q {key}{name} $seen" for name in names)
    said = run(
        f"seen=$(mktemp); timeout 60 {etcdctl} watch {key}{prefix} >$seen & watch=$!\n"
        f"for turn in $(seq 100); do {puts}; {seen} && break; sleep 0.1; done\n"
        "kill $watch; cat $seen; rm $seen"
    )
    for name in names:
        assert f"PUT\n{key}{name}\n1000\n" in said


def test_a_key_ends_with_its_lease(run, etcdctl, key):
    lease = re.search(r"lease ([0-9a-f]+) granted", run(f"{etcdctl} lease grant 300")).group(1)
    run(f"{etcdctl} put {key} value --lease={lease}")
    assert "keepalived" in run(f"{etcdctl} lease keep-alive --once {lease}")
    assert run(f"{etcdctl} get {key} --print-value-only") == "value\n"
    assert "revoked" in run(f"{etcdctl} lease revoke {lease}")
    assert run(f"{etcdctl} get {key}") == ""


def test_a_lock_keeps_others_out(run, etcdctl, key):
    other = f"timeout 1 {etcdctl} lock {key} echo stolen; echo $?"
    assert run(f"{etcdctl} lock {key} -- sh -c 'echo held; {other}'") == "held\n124\n"
    assert run(f"{etcdctl} lock {key} echo free") == "free\n"


def test_only_one_is_elected(run, etcdctl, key):
    said = run(
        f"won=$(mktemp); timeout 60 {etcdctl} elect {key} p1 >$won & first=$!\n"
        "for turn in $(seq 100); do grep -q p1 $won && break; sleep 0.1; done\n"
        f"timeout 1 {etcdctl} elect {key} p2; echo $?\n"
        "kill $first; cat $won; rm $won"
    )
    assert re.fullmatch(rf"124\n{key}/[0-9a-f]+\np1\n", said)


@pytest.mark.parametrize("table", ["", " --write-out=table", " -w table"])
def test_member_list(run, etcdctl, table):
    assert run(f"{etcdctl} member list{table}").count("started") == 3


@pytest.mark.parametrize("table", ["", " --write-out=table"])
def test_endpoint_status(run, etcdctl, urls, table):
    said = run(f"{etcdctl} endpoint status{table}")
    assert said.count("3.6.14") == (1 if etcdctl == "etcdctl" else len(urls))


@pytest.mark.parametrize("table", ["", " --write-out=table"])
def test_endpoint_health(run, etcdctl, urls, table):
    said = run(f"{etcdctl} endpoint health{table} 2>&1")
    assert len(re.findall(r"is healthy|\| +true \|", said)) == (1 if etcdctl == "etcdctl" else len(urls))


def test_the_whole_cluster_from_one_member(run):
    status = json.loads(run("etcdctl endpoint status --cluster -w json"))
    assert len(status) == 3
    assert len({one["Status"]["leader"] for one in status}) == 1
    assert len({one["Status"]["header"]["cluster_id"] for one in status}) == 1


@pytest.mark.parametrize("flags", ["", f" {FLAGS} --endpoints=https://127.0.0.1:2379"])
def test_a_snapshot_can_be_looked_at_and_restored(run, flags):
    run(f"etcdctl{flags} snapshot save /root/snapshot.db")
    assert "REVISION" in run("etcdctl --write-out=table snapshot status /root/snapshot.db")
    run("etcdctl snapshot restore /root/snapshot.db --data-dir=/root/restored")
    assert run("ls /root/restored/member") == "snap\nwal\n"
    run("rm -r /root/snapshot.db /root/restored")


def test_versions(run):
    assert "etcd Version: 3.6.14" in run("etcd --version")
    assert "etcdctl version: 3.6.14" in run("ETCDCTL_API=3 etcdctl version")


def test_curl_with_the_members_certificate(run, urls):
    for url in (urls[0], "https://127.0.0.1:2379"):
        health = run(f"curl -sS --cacert {SSL}/ca.pem --cert {SSL}/etcd.pem --key {SSL}/etcd-key.pem {url}/health")
        assert json.loads(health)["health"] == "true"


def test_metrics_are_for_those_on_the_host(host, run, urls):
    assert "etcd_server_has_leader 1" in run("curl -sS http://127.0.0.1:2381/metrics")
    assert host.run(f"curl -sS {urls[0].replace('https', 'http').replace('2379', '2381')}/metrics").rc == 7


def test_sudo_needs_no_flags_either(run):
    assert "is healthy" in run("env -i PATH=/usr/bin:/bin sudo etcdctl endpoint health 2>&1")


def test_whoever_is_not_root_is_told_so(host):
    done = host.run("runuser -u nobody -- etcdctl endpoint health")
    assert done.rc != 0
    assert "readable by root only: use sudo" in done.stderr


def test_a_write_on_one_member_is_read_on_every_other(run, members, key):
    run(f"etcdctl put {key} written-on-the-first")
    for member in members[1:]:
        assert member.check_output(f"etcdctl get {key} --print-value-only") == "written-on-the-first"
