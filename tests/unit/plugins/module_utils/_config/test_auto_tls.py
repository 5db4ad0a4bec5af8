# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies on the host of a member that makes its certificates itself."""

from __future__ import annotations

import json

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import auto_tls, env_file, render, yaml_file
from ansible_collections.quorum.etcd.plugins.module_utils._model.auto_tls import NO_PORT, AutoTls
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import UNVERIFIED
from inventory_of import LAYOUT, VERSION, bare

BOTH, CLIENTS, PEERS = AutoTls(True, True), AutoTls(clients=True), AutoTls(peers=True)


def wanted(auto=BOTH, **variables):
    names = {"etcd_auto_tls": auto.clients, "etcd_peer_auto_tls": auto.peers}
    return bare(tls=True, **names, **variables).wanted


def files(auto=BOTH):
    return {file.path: file for file in render.files(wanted(auto), VERSION, "x86_64", "/usr/bin/python3")}


@pytest.mark.parametrize("auto", [BOTH, CLIENTS, PEERS, NO_PORT])
def test_a_port_has_the_one_or_the_other(auto):
    flags = render.flags(wanted(auto), VERSION)
    assert (flags.get("auto-tls", False), flags.get("peer-auto-tls", False)) == auto
    assert auto.clients is not any(name in flags for name in ("cert-file", "trusted-ca-file", "client-cert-auth"))
    assert auto.peers is not any(name in flags for name in ("peer-cert-file", "peer-client-cert-auth"))
    assert flags["listen-client-urls"] == ["https://10.0.0.1:2379", "https://127.0.0.1:2379"]


@pytest.mark.parametrize(
    "auto, leaves, bundles",
    [
        (BOTH, [], []),
        (CLIENTS, ["peer"], ["peer-ca"]),
        (PEERS, ["etcd", "admin"], ["ca"]),
        (NO_PORT, ["etcd", "peer", "admin"], ["ca", "peer-ca"]),
    ],
)
def test_certificates_are_issued_for_the_other_port_alone(auto, leaves, bundles):
    assert list(render.leaves(wanted(auto))) == leaves
    assert list(render.bundles(wanted(auto))) == bundles
    linked = [path for path in render.links(wanted(auto), VERSION, "x86_64") if "/ssl/" in path]
    assert sorted(linked) == sorted(f"/etc/etcd/ssl/{leaf}{end}.pem" for leaf in leaves for end in ("", "-key"))


def test_what_stands_where_the_cas_would_says_why_there_are_none():
    file = files()["/etc/etcd/ssl/ca.pem"]
    assert (file.mode, file.owner) == ("0644", "root")
    assert file.content.startswith(UNVERIFIED) and "etcd_auto_tls" in file.content
    assert "/etc/etcd/ssl/ca.pem" not in files(PEERS)


def test_a_member_that_is_asked_without_a_certificate_is_asked_by_its_own_tools_so():
    snapshots = json.loads(files()["/etc/etcd/etcd-snapshot.json"].content)
    assert snapshots["ca_path"] == "/etc/etcd/ssl/ca.pem"
    assert not snapshots["client_cert"] and not snapshots["client_key"]
    wrapper = files()["/usr/local/bin/etcdctl"].content
    assert "ETCDCTL_INSECURE_SKIP_TLS_VERIFY" in wrapper and "admin.pem" not in wrapper
    assert "ETCDCTL_INSECURE_SKIP_TLS_VERIFY" not in files(PEERS)["/usr/local/bin/etcdctl"].content


@pytest.mark.parametrize("auto", [BOTH, CLIENTS, PEERS])
def test_the_file_of_etcd_means_the_same_and_is_read_so(auto):
    flags = render.flags(wanted(auto), VERSION)
    told = env_file.read(yaml_file.render(flags))
    assert (told.get("ETCD_AUTO_TLS", "false"), told.get("ETCD_PEER_AUTO_TLS", "false")) == tuple(
        str(one).lower() for one in auto
    )


class TestTheValidity:
    def test_is_a_setting_of_years_since_etcd_3_5(self):
        flags = render.flags(wanted(etcd_settings={"self-signed-cert-validity": "10"}), "3.5.33")
        assert flags["self-signed-cert-validity"] == 10
        with pytest.raises(BadInput, match="self-signed-cert-validity came with etcd 3.5. Take it out"):
            render.flags(wanted(etcd_settings={"self-signed-cert-validity": 10}), "3.4.23")

    @pytest.mark.parametrize("years", [0, 293])
    def test_is_one_that_etcd_can_do(self, years):
        with pytest.raises(BadInput, match="Use a number from 1 to 292"):
            render.flags(wanted(etcd_settings={"self-signed-cert-validity": years}), VERSION)

    def test_means_nothing_where_no_member_makes_a_certificate(self):
        with pytest.raises(BadInput, match="no member makes its certificate itself.*etcd_pki_days"):
            auto_tls.check(NO_PORT, True, {"self-signed-cert-validity": 10})


@pytest.mark.parametrize("name", ["client-cert-auth", "ETCD_CLIENT_CERT_AUTH", "--client-crl-file", "trusted-ca-file"])
def test_client_certificates_are_not_asked_for_where_etcd_would_ask_for_none(name):
    """``--auto-tls`` takes ``--client-cert-auth`` back without a word."""
    with pytest.raises(BadInput, match=f"has {name} beside etcd_auto_tls: .*ask nobody for a certificate"):
        auto_tls.check(BOTH, True, {name: "true"})
    auto_tls.check(PEERS, True, {name: "true"})


def test_neither_are_those_of_peers():
    with pytest.raises(BadInput, match="has peer-cert-allowed-cn beside etcd_peer_auto_tls"):
        auto_tls.check(PEERS, True, {"peer-cert-allowed-cn": "m"})
    auto_tls.check(CLIENTS, True, {"peer-cert-allowed-cn": "m"})


def test_it_is_tls():
    with pytest.raises(BadInput, match="etcd_auto_tls and etcd_peer_auto_tls are true and etcd_tls is false"):
        auto_tls.check(BOTH, False, {})
    auto_tls.check(BOTH, True, {})
    auto_tls.check(NO_PORT, False, {})


class TestTheWayToRealCertificates:
    RUNS = {"ETCD_AUTO_TLS": "true", "ETCD_PEER_AUTO_TLS": "true"}

    def test_is_shown_by_links_where_etcd_reads_its_own(self):
        assert auto_tls.published(NO_PORT, LAYOUT, self.RUNS) == {
            "/var/lib/etcd/fixtures/client/cert.pem": "/etc/etcd/ssl/current/etcd.pem",
            "/var/lib/etcd/fixtures/client/key.pem": "/etc/etcd/ssl/current/etcd-key.pem",
            "/var/lib/etcd/fixtures/peer/cert.pem": "/etc/etcd/ssl/current/peer.pem",
            "/var/lib/etcd/fixtures/peer/key.pem": "/etc/etcd/ssl/current/peer-key.pem",
        }

    def test_is_taken_by_the_ports_that_do_not_stay(self):
        assert auto_tls.published(BOTH, LAYOUT, self.RUNS) == {}
        assert auto_tls.published(NO_PORT, LAYOUT, {}) == {}
        assert {path.split("/")[-2] for path in auto_tls.published(PEERS, LAYOUT, self.RUNS)} == {"client"}
