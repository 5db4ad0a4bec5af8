# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS is required on both ports, from both sides."""

from __future__ import annotations

import pytest

SSL = "/etc/etcd/ssl"


@pytest.mark.parametrize("port", [2379, 2380])
def test_a_port_does_not_speak_without_tls(host, address, port):
    assert host.run(f"curl -s -m 5 http://{address}:{port}/version").rc != 0


@pytest.mark.parametrize("port", [2379, 2380])
def test_a_client_without_a_certificate_is_sent_away(host, address, port):
    ca = f"{SSL}/ca.pem" if port == 2379 else f"{SSL}/peer-ca.pem"
    done = host.run(f"curl -sS -m 5 --cacert {ca} https://{address}:{port}/version")
    assert done.rc != 0
    assert "certificate required" in done.stderr or "alert" in done.stderr


def test_a_client_certificate_opens_the_client_port(run, address):
    assert "etcdserver" in run(
        f"curl -sS --cacert {SSL}/ca.pem --cert {SSL}/admin.pem --key {SSL}/admin-key.pem https://{address}:2379/version"
    )


@pytest.mark.parametrize("name", ["admin", "etcd"])
def test_no_certificate_of_the_client_ca_opens_a_peer_port(host, address, name):
    done = host.run(
        f"curl -sS -m 5 --cacert {SSL}/peer-ca.pem --cert {SSL}/{name}.pem --key {SSL}/{name}-key.pem "
        f"https://{address}:2380/version"
    )
    assert done.rc != 0
    assert "alert" in done.stderr


def test_a_peer_certificate_opens_no_client_port(host, address):
    done = host.run(
        f"curl -sS -m 5 --cacert {SSL}/ca.pem --cert {SSL}/peer.pem --key {SSL}/peer-key.pem https://{address}:2379/version"
    )
    assert done.rc != 0


@pytest.mark.parametrize("name", ["etcd", "peer"])
def test_a_member_is_no_user(run, name):
    assert "CN" not in run(f"openssl x509 -noout -subject -in {SSL}/{name}.pem")


@pytest.mark.parametrize("name", ["etcd", "peer"])
def test_a_member_is_known_by_every_name_and_address_it_is_reached_by(run, address, name):
    names = run(f"openssl x509 -noout -ext subjectAltName -in {SSL}/{name}.pem")
    for expected in (f"IP Address:{address}", "DNS:localhost", "IP Address:127.0.0.1", "DNS:etcd-host"):
        assert expected in names


def test_the_administrator_is_root(run):
    assert "CN = root" in run(f"openssl x509 -noout -subject -in {SSL}/admin.pem").replace("CN=", "CN = ")
