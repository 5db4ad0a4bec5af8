# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster owes to the SRV records by which it was founded, and that wrong ones found nothing."""

from __future__ import annotations

import pytest

DOMAIN = "example.com"
FOUNDERS = ("etcd-host0", "etcd-host1")
MEMBERS = (*FOUNDERS, "etcd-host2")
RECORDS = [("_etcd-server-ssl", host, 2380) for host in FOUNDERS]
OLDER = ("-e", "etcd_version=3.4.23")
CLIENTS = [("_etcd-client-ssl", host, 2379) for host in MEMBERS]


class Zone:
    """The zone of a real name server on a host of its own."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._addresses = {host: cluster.on(host, "hostname -I").split()[0] for host in MEMBERS}

    def serve(self, records, **elsewhere):
        """Answer with these records, and with the address of each member, be it a wrong one."""
        addresses = {**self._addresses, **{name: self._addresses[other] for name, other in elsewhere.items()}}
        lines = [f"local=/{DOMAIN}/"]
        lines += [f"host-record={name}.{DOMAIN},{address}" for name, address in addresses.items()]
        lines += [f"srv-host={name}._tcp.{DOMAIN},{target}.{DOMAIN},{port}" for name, target, port in records]
        text = "\n".join(lines)
        self._cluster.on("names", f"printf '%s\\n' '{text}' | zone")

    def end(self):
        self._cluster.on("names", "systemctl stop names.service")


@pytest.fixture(scope="module")
def zone(cluster):
    return Zone(cluster)


@pytest.fixture(scope="module")
def grown(cluster, zone):
    """A third member, while the records of members are gone."""
    zone.serve(CLIENTS)
    cluster.lab("inventory", "--names", "--no-nodes", *MEMBERS)
    return cluster.play()


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
def replaced(cluster, emptied):
    return cluster.play()


@pytest.fixture(scope="module")
def destroyed(cluster, replaced):
    run = cluster.play("-e", "etcd_confirm_cluster=etcd_cluster", playbook="quorum.etcd.destroy")
    assert run.code == 0
    cluster.lab("inventory", "--names", "--no-nodes", *FOUNDERS)


@pytest.fixture(scope="module")
def founded_with_3_4(cluster, destroyed, zone):
    zone.serve(RECORDS)
    run = cluster.play(*OLDER)
    assert cluster.play(*OLDER).found_nothing_to_do
    return run


def are_founders(cluster):
    assert sorted(cluster.voters("etcd-host0")) == list(FOUNDERS)
    urls = [line.split(", ")[3] for line in cluster.on("etcd-host0", "etcdctl member list").splitlines()]
    assert sorted(urls) == [f"https://{host}.{DOMAIN}:2380" for host in FOUNDERS]
    # Told the names, it would not have asked.
    assert "got bootstrap from DNS" in cluster.on("etcd-host0", "journalctl -u etcd --no-pager")


def test_its_founders_are_those_of_the_records(cluster):
    are_founders(cluster)


def test_nothing_of_the_first_start_is_left_on_a_host(cluster):
    for host in FOUNDERS:
        places = "/var/lib/quorum.etcd/etcd /run/quorum.etcd/etcd"
        assert cluster.on(host, f"find {places} -name bootstrap.env") == ""
        assert cluster.on(host, "grep -i discovery /etc/etcd/etcd.conf || :") == ""


def test_it_grows_without_the_records(grown, cluster):
    assert grown.code == 0
    assert not [step for step in grown.planned if "SRV" in step]
    assert sorted(cluster.voters("etcd-host2")) == list(MEMBERS)


def test_clients_find_it_by_theirs(grown, cluster):
    files = "--cacert /etc/etcd/ssl/ca.pem --cert /etc/etcd/ssl/admin.pem --key /etc/etcd/ssl/admin-key.pem"
    etcdctl = f"/opt/etcd/etcd-v3.6.14-linux-amd64/etcdctl --discovery-srv {DOMAIN} {files}"
    assert cluster.on("etcd-host0", f"{etcdctl} put found by-dns").strip() == "OK"


def test_a_member_without_its_data_is_not_started_by_the_records(emptied):
    assert emptied.split() == ["activating"]


def test_a_member_without_its_data_is_replaced_without_them(replaced, cluster):
    assert replaced.code == 0
    assert not [step for step in replaced.planned if "SRV" in step]
    assert sorted(cluster.voters("etcd-host1")) == list(MEMBERS)


@pytest.mark.parametrize(
    ("records", "code"),
    [
        (RECORDS[:1], "srv-incomplete"),
        ([*RECORDS, ("_etcd-server-ssl", "etcd-host2", 2380)], "srv-surplus"),
        ([RECORDS[0], ("_etcd-server-ssl", "etcd-host1", 2381)], "srv-incomplete"),
        ([RECORDS[0], ("_etcd-server", "etcd-host1", 2380)], "srv-incomplete"),
    ],
    ids=["missing", "surplus", "port", "scheme"],
)
def test_wrong_records_found_nothing(destroyed, cluster, zone, records, code):
    zone.serve(records)
    run = cluster.play(*OLDER)
    assert run.code != 0
    assert code in run.said
    assert not [step for step in run.taken if "install" in step]


def test_a_name_server_that_is_gone_founds_nothing(destroyed, cluster, zone):
    zone.end()
    run = cluster.play(*OLDER)
    assert run.code != 0
    assert "srv-unanswered" in run.said
    assert not [step for step in run.taken if "install" in step]


def test_a_name_that_leads_to_another_host_founds_nothing(destroyed, cluster, zone):
    zone.serve(RECORDS, **{"etcd-host1": "etcd-host0"})
    run = cluster.play(*OLDER)
    assert run.code != 0
    assert "etcd-host1" in run.said
    assert not [step for step in run.taken if step.startswith("start ")]


def test_the_oldest_release_is_founded_so_as_well(founded_with_3_4, cluster):
    assert founded_with_3_4.code == 0
    are_founders(cluster)
