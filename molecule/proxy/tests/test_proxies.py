# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies serve, follow the members, and cost their clients no more than they must."""

from __future__ import annotations

import json
import re

import pytest

HOSTS = ("proxy0", "proxy1")
MEMBERS = ("etcd-host0", "etcd-host1", "etcd-host2")
NAMES = ("web", "app", "gw")
PLAYBOOK = "quorum.etcd.proxy"


class Proxies:
    """The proxies of the scenario."""

    def __init__(self, cluster):
        self._cluster = cluster

    def play(self, *arguments):
        return self._cluster.play(*arguments, playbook=PLAYBOOK)

    def ctl(self, host, url, words):
        """What etcdctl prints through a proxy, with the certificate that lies on its host."""
        ssl = "/etc/etcd-proxy/web/ssl"
        files = f"--cacert {ssl}/ca.pem --cert {ssl}/proxy.pem --key {ssl}/proxy-key.pem" if "https" in url else ""
        return self._cluster.on(host, f"/opt/etcd/etcd-v*/etcdctl --endpoints {url} {files} {words}")

    def pids(self, units, hosts):
        """Host and unit -> the number of its process."""
        told = {}
        for host in hosts:
            for unit in units:
                told[host, unit] = int(self._cluster.on(host, f"systemctl show -p MainPID --value {unit}"))
        return told

    def serve(self):
        for host in HOSTS:
            for url in ("https://127.0.0.1:23790", "http://127.0.0.1:23791", "https://127.0.0.1:2379"):
                self.ctl(host, url, f"put serves {host}")
        return True


@pytest.fixture(scope="module")
def proxies(cluster):
    return Proxies(cluster)


@pytest.fixture(scope="module")
def units():
    return [f"etcd-proxy-{name}" for name in NAMES]


def test_each_serves(proxies):
    assert proxies.serve()


def test_a_namespace_is_below_its_prefix(proxies):
    proxies.ctl("proxy0", "http://127.0.0.1:23791", "put k v")
    assert proxies.ctl("proxy1", "https://127.0.0.1:23790", "get --print-value-only app/k").strip() == "v"


def test_clients_are_told_of_both(proxies):
    told = proxies.ctl("proxy0", "https://127.0.0.1:23790", "member list")
    assert {line.split(", ")[2] for line in told.splitlines()} == set(HOSTS)


def test_health_is_told_beside_it(cluster):
    for host in HOSTS:
        assert json.loads(cluster.on(host, "curl -s http://127.0.0.1:4443/proxy/health"))["health"] == "true"


def test_a_client_without_a_certificate_is_nobody(cluster):
    done = "curl -s --cacert /etc/etcd-proxy/web/ssl/ca.pem https://127.0.0.1:23790/health || echo refused"
    assert cluster.on("proxy0", done).strip() == "refused"


@pytest.fixture(scope="module")
def shrunk(cluster, proxies, inventory, units):
    """A member has gone, and the proxies have followed. What ran before and after."""
    proxies.serve()
    before = proxies.pids(units, HOSTS), proxies.pids(["etcd"], MEMBERS[:2])
    text = inventory.read_text()
    inventory.write_text(re.sub(r"^(etcd-host2 .*)$", r"\1 etcd_member_state=absent", text, flags=re.MULTILINE))
    assert cluster.play().code == 0
    run = proxies.play()
    assert run.code == 0
    after = proxies.pids(units, HOSTS), proxies.pids(["etcd"], MEMBERS[:2])
    return before, after


def test_one_that_learns_of_members_keeps_its_clients(shrunk):
    before, after = shrunk
    for host in HOSTS:
        assert before[0][host, "etcd-proxy-web"] == after[0][host, "etcd-proxy-web"]
        assert before[0][host, "etcd-proxy-gw"] != after[0][host, "etcd-proxy-gw"]


def test_members_are_not_touched(shrunk):
    before, after = shrunk
    assert before[1] == after[1]


def test_all_serve_without_the_member(shrunk, proxies):
    assert proxies.serve()
    assert "changed=0" in proxies.play().output


def test_the_same_command_goes_on_with_what_was_interrupted(shrunk, cluster, proxies, units, tmp_path):
    path = tmp_path / "later.json"
    later = {"name": "gw", "kind": "gateway", "listen": "127.0.0.1:2379", "retry_delay": "2s"}
    path.write_text(json.dumps({"etcd_proxy_instances": [later]}))
    step = "proxy: files written"
    cluster.on("proxy0", f"mkdir -p /run/quorum.etcd; echo '{step}' >/run/quorum.etcd/end-at")
    before = proxies.pids(units, HOSTS)
    assert proxies.play("-e", f"@{path}").code != 0
    # Its process is still the one of before, beside the unit of after.
    assert proxies.pids(units, HOSTS) == before
    assert "--retry-delay=2s" in cluster.on("proxy0", "cat /etc/systemd/system/etcd-proxy-gw.service")
    assert proxies.play("-e", f"@{path}").code == 0
    after = proxies.pids(units, HOSTS)
    assert {place for place in before if before[place] != after[place]} == {(host, "etcd-proxy-gw") for host in HOSTS}
    assert proxies.serve()
    assert "changed=0" in proxies.play("-e", f"@{path}").output


def test_settings_that_do_not_serve_stop_at_the_first_host(shrunk, proxies, units, tmp_path):
    before = proxies.pids(units, HOSTS)
    wrong = {"name": "web", "kind": "grpc", "listen": "0.0.0.0:23790", "advertise_client_url": "https://127.0.0.1:9"}
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({"etcd_proxy_instances": [wrong]}))
    run = proxies.play("-e", f"@{path}")
    assert run.code != 0
    assert "It was started again with its former settings, and serves with them" in run.output
    assert "left as it was, because proxy0 failed" in run.output
    after = proxies.pids(units, HOSTS)
    assert {place for place in before if before[place] != after[place]} == {("proxy0", "etcd-proxy-web")}
    assert proxies.serve()


def test_one_that_is_absent_is_gone(shrunk, cluster, proxies, tmp_path):
    path = tmp_path / "absent.json"
    path.write_text(json.dumps({"etcd_proxy_instances": [{"name": "app", "state": "absent"}]}))
    run = proxies.play("-e", f"@{path}")
    assert run.code == 0
    assert "etcd-proxy-web.service is on this host" in " ".join(run.output.split())
    for host in HOSTS:
        assert "app" not in cluster.on(host, "ls /etc/etcd-proxy; ls /etc/systemd/system")
    assert "changed=0" in proxies.play("-e", f"@{path}").output
