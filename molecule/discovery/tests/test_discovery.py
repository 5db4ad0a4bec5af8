# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster owes to the discovery service by which it was founded: nothing any more."""

from __future__ import annotations

import json
import re

import pytest

FOUNDERS = ("etcd-host0", "etcd-host1")
MEMBERS = (*FOUNDERS, "etcd-host2")


class Service:
    """The discovery service, an etcd on a host of its own."""

    def __init__(self, cluster, inventory):
        self._cluster = cluster
        text = (inventory.parent / "group_vars" / "all.yml").read_text()
        self.url = re.search(r"etcd_discovery_endpoints: \[(.+)\]", text)[1]

    def send(self, signal):
        """Pause and continue it: a process that does not answer."""
        self._cluster.on("service", f"systemctl kill --signal {signal} discovery.service")

    def tokens(self, kind):
        """What each of its tokens holds."""
        if kind == "v2":
            found = json.loads(self._cluster.on("service", f"curl -s {self.url}/v2/keys/discovery?recursive=true"))
            return [sorted(one["value"] for one in token.get("nodes", ())) for token in found["node"]["nodes"]]
        command = f"/opt/etcd-v3.5.33-linux-amd64/etcdctl --endpoints {self.url} get --prefix /_etcd/registry/"
        lines = self._cluster.on("service", command).splitlines()
        tokens = {}
        for key, value in zip(lines[::2], lines[1::2], strict=True):
            tokens.setdefault(key.split("/")[3], []).extend([value] if "/members/" in key else [])
        return [sorted(token) for token in tokens.values()]


@pytest.fixture(scope="module")
def service(cluster, inventory):
    return Service(cluster, inventory)


@pytest.fixture(scope="module", params=["v3", "v2"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def words(kind, service, tmp_path_factory):
    """What the run is told beside the inventory."""
    if kind == "v3":
        return ()
    path = tmp_path_factory.mktemp("words") / "v2.yml"
    url = f"{service.url}/v2/keys/discovery/"
    path.write_text(json.dumps({"etcd_version": "3.5.33", "etcd_discovery_endpoints": [], "etcd_discovery_url": url}))
    return ("-e", f"@{path}")


@pytest.fixture(scope="module")
def founded(cluster, kind, words):
    """The first one is there; the other takes its place when that was destroyed."""
    if kind == "v3":
        return None
    cluster.lab("inventory", "--names", "--no-nodes", *FOUNDERS)
    run = cluster.play(*words)
    assert run.code == 0
    assert cluster.play(*words).found_nothing_to_do
    return run


@pytest.fixture(scope="module")
def grown(cluster, founded, service, words):
    """A third member, while the service does not answer."""
    service.send("STOP")
    cluster.lab("inventory", "--names", "--no-nodes", *MEMBERS)
    return cluster.play(*words)


@pytest.fixture(scope="module")
def emptied(cluster, grown):
    """A member that has lost its data, and what its unit does by itself."""
    script = (
        "systemctl kill --signal KILL etcd; find /var/lib/etcd -mindepth 1 -delete;"
        # systemd has tried again twice by then.
        "for second in $(seq 60); do [ $(systemctl show etcd -p NRestarts --value) -lt 2 ] || break; sleep 1; done;"
        "find /var/lib/etcd -mindepth 1; systemctl is-active etcd || :"
    )
    return cluster.on("etcd-host1", script)


@pytest.fixture(scope="module")
def replaced(cluster, emptied, words, service):
    run = cluster.play(*words)
    service.send("CONT")
    return run


def test_its_founders_are_those_that_registered(founded, cluster, service, kind):
    assert sorted(cluster.voters("etcd-host0")) == list(FOUNDERS)
    (token,) = service.tokens(kind)
    addresses = [cluster.on(host, "hostname -I").split()[0] for host in FOUNDERS]
    assert token == [f"{host}=https://{address}:2380" for host, address in zip(FOUNDERS, addresses, strict=True)]


def test_nothing_of_the_first_start_is_left_on_a_host(founded, cluster):
    for host in FOUNDERS:
        places = "/var/lib/quorum.etcd/etcd /run/quorum.etcd/etcd"
        assert cluster.on(host, f"find {places} -name bootstrap.env") == ""
        assert cluster.on(host, "grep -i discovery /etc/etcd/etcd.conf || :") == ""


def test_it_grows_without_the_service(grown, cluster):
    assert grown.code == 0
    assert not [step for step in grown.planned if "discovery" in step]
    assert sorted(cluster.voters("etcd-host2")) == list(MEMBERS)


def test_a_member_without_its_data_is_not_started_by_the_token(emptied):
    assert emptied.split() == ["activating"]


def test_a_member_without_its_data_is_replaced_without_the_service(replaced, cluster):
    assert replaced.code == 0
    assert not [step for step in replaced.planned if "discovery" in step]
    assert sorted(cluster.voters("etcd-host1")) == list(MEMBERS)


def test_nobody_has_registered_since(replaced, service, kind):
    assert [len(token) for token in service.tokens(kind)] == [2]


def test_what_is_wrong_is_refused_as_for_any_cluster(replaced, cluster, words):
    before = cluster.processes(MEMBERS)
    nobody = cluster.play(*words, "-e", "etcd_member_state=absent")
    twice = cluster.play(*words, "-e", "ETCD_NODES=etcd-host0=https://192.0.2.1:2380")
    assert (nobody.code, twice.code) != (0, 0)
    assert all("refused, nothing was touched" in run.said for run in (nobody, twice))
    assert "Take ETCD_NODES out" in twice.said
    assert cluster.processes(MEMBERS) == before


def test_no_other_cluster_is_founded_by_its_token(replaced, cluster, words, kind):
    """Its members are gone for good, and the token still has them."""
    token = cluster.marker("etcd-host0")["TOKEN"]
    destroyed = cluster.play("-e", "etcd_confirm_cluster=etcd_cluster", playbook="quorum.etcd.destroy")
    assert destroyed.code == 0
    cluster.lab("inventory", "--names", "--no-nodes", *FOUNDERS)
    given = "etcd_discovery_token" if kind == "v3" else "etcd_discovery_url"
    run = cluster.play(*words, "-e", f"{given}={token}")
    assert run.code != 0
    assert "was used before" in run.said
    assert not [step for step in run.taken if "install" in step]
