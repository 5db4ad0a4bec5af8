# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a cluster without a CA: it is run like any other, says what it is not, and gets one at last."""

from __future__ import annotations

from pathlib import Path

import pytest

FOUNDERS = ("etcd-host0", "etcd-host1", "etcd-host2")
MEMBERS = (*FOUNDERS, "etcd-host3")
SHARED = Path(__file__).resolve().parents[2] / "shared"
WORD = "connections are encrypted, and nobody is verified"
CONFIRMED = ("-e", "{etcd_confirm: ['{{ etcd_pki_dir }}', client-cert-auth]}")


@pytest.fixture(scope="module")
def looked_at(cluster):
    return cluster.play()


@pytest.fixture(scope="module")
def grown(cluster, looked_at):
    cluster.lab("inventory", "--names", "--no-nodes", *MEMBERS)
    return cluster.play()


@pytest.fixture(scope="module")
def replaced(cluster, grown):
    """A member that has lost its data, and its certificates with them."""
    cluster.on("etcd-host1", "systemctl kill --signal KILL etcd; find /var/lib/etcd -mindepth 1 -delete")
    return cluster.play()


@pytest.fixture(scope="module")
def variables(inventory):
    """The file that says which certificates there are."""
    return inventory.parent / "group_vars" / "all.yml"


@pytest.fixture(scope="module")
def asked(cluster, replaced, variables):
    """The two variables are taken out, and nobody has said that clients have certificates."""
    lines = variables.read_text().splitlines(keepends=True)
    variables.write_text("".join(line for line in lines if "auto_tls" not in line))
    before = cluster.processes(MEMBERS)
    return cluster.play(), before


@pytest.fixture(scope="module")
def secured(cluster, asked, inventory):
    """A client that got its certificate beforehand writes all the while."""
    assert cluster.play(playbook=Path(__file__).parent / "client.yml").code == 0
    run = cluster.play(*CONFIRMED)
    return run, cluster.play(playbook=SHARED / "verdict.yml")


def test_a_run_says_what_it_does_not_protect_from(looked_at):
    assert looked_at.found_nothing_to_do
    assert WORD in looked_at.said and "whoever reaches a peer port can pass for a member" in looked_at.said


def test_no_authority_is_made_for_it(looked_at, inventory):
    assert not (inventory.parent / "etcd-pki").exists()


def test_whoever_reaches_it_is_served(looked_at, cluster):
    address = cluster.on("etcd-host2", "hostname -I").split()[0]
    on_another = f"/opt/etcd/etcd-v*/etcdctl --insecure-skip-tls-verify --endpoints https://{address}:2379 put a b"
    assert cluster.on("etcd-host0", on_another) == "OK\n"


def test_its_tools_on_a_host_ask_it_as_ever(looked_at, cluster):
    assert sorted(cluster.voters("etcd-host0")) == list(FOUNDERS)
    cluster.on("etcd-host0", "systemctl start etcd-snapshot.service")


def test_it_grows(grown, cluster):
    assert grown.code == 0
    assert sorted(cluster.voters("etcd-host3")) == list(MEMBERS)


def test_a_lost_disk_is_replaced(replaced, cluster):
    assert replaced.code == 0
    assert sorted(cluster.voters("etcd-host1")) == list(MEMBERS)


def test_clients_are_not_cut_off_unasked(asked, cluster):
    run, before = asked
    assert run.code != 0
    assert "-e etcd_confirm=client-cert-auth" in run.said
    assert cluster.processes(MEMBERS) == before


def test_it_gets_certificates_of_a_ca_while_a_client_writes(secured, cluster):
    run, verdict = secured
    assert (run.code, verdict.code) == (0, 0)
    assert cluster.play(*CONFIRMED).found_nothing_to_do
    assert sorted(cluster.voters("etcd-host0")) == list(MEMBERS)


def test_all_show_theirs_before_the_first_one_restarts(secured):
    run, _verdict = secured
    shown = [at for at, step in enumerate(run.planned) if "no restart, because its certificates are due" in step]
    restarted = [at for at, step in enumerate(run.planned) if "restart" in step and at not in shown]
    assert (len(shown), len(restarted)) == (4, 4)
    assert max(shown) < min(restarted)


def test_nobody_is_served_without_a_certificate_any_more(secured, cluster):
    address = cluster.on("etcd-host2", "hostname -I").split()[0]
    asking = f"/opt/etcd/etcd-v*/etcdctl --insecure-skip-tls-verify --endpoints https://{address}:2379 put a b"
    assert cluster.on("etcd-host0", f"! {asking} 2>/dev/null") == ""


def test_there_is_no_way_back_on_a_cluster_that_serves(secured, cluster):
    before = cluster.processes(MEMBERS)
    run = cluster.play("-e", "etcd_auto_tls=true", "-e", "etcd_peer_auto_tls=true")
    assert run.code != 0
    assert "Take etcd_auto_tls and etcd_peer_auto_tls out" in run.said
    assert cluster.processes(MEMBERS) == before
