# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS is required on both ports, from both sides."""

from __future__ import annotations

import pytest

SSL = "/etc/etcd/ssl"
#: Who guards which port.
CA = {2379: "ca", 2380: "peer-ca"}


@pytest.fixture
def ask(host, address):
    """Shakes hands with a port and waits for its answer, sending nothing; curl would not always see the alert."""

    def shake_hands(port, name=None):
        certificate = f"-cert {SSL}/{name}.pem -key {SSL}/{name}-key.pem" if name else ""
        return host.run(
            f"timeout 20 openssl s_client -connect {address}:{port} -CAfile {SSL}/{CA[port]}.pem -verify_return_error "
            f"-ign_eof {certificate} </dev/null"
        ).stderr

    return shake_hands


@pytest.mark.parametrize(("port", "name"), [(2379, "admin"), (2379, "etcd"), (2380, "peer")])
def test_a_certificate_opens_its_own_port(run, address, port, name):
    given = f"--cacert {SSL}/{CA[port]}.pem --cert {SSL}/{name}.pem --key {SSL}/{name}-key.pem"
    assert "etcdserver" in run(f"curl -sS --http1.1 {given} https://{address}:{port}/version")


@pytest.mark.parametrize("port", [2379, 2380])
def test_a_port_does_not_speak_without_tls(host, address, port):
    assert "etcdserver" not in host.run(f"curl -sS -m 20 http://{address}:{port}/version").stdout


@pytest.mark.parametrize("port", [2379, 2380])
def test_a_client_without_a_certificate_is_sent_away(ask, port):
    assert "alert certificate required" in ask(port)


@pytest.mark.parametrize("name", ["admin", "etcd"])
def test_no_certificate_of_the_client_ca_opens_a_peer_port(ask, name):
    assert "alert unknown ca" in ask(2380, name)


def test_a_peer_certificate_opens_no_client_port(ask):
    assert "alert unknown ca" in ask(2379, "peer")


@pytest.mark.parametrize("name", ["etcd", "peer"])
def test_a_member_is_no_user(run, name):
    assert "CN" not in run(f"openssl x509 -noout -subject -in {SSL}/{name}.pem")


@pytest.mark.parametrize("name", ["etcd", "peer"])
def test_a_member_is_known_by_every_name_and_address_it_is_reached_by(host, run, address, name):
    names = run(f"openssl x509 -noout -ext subjectAltName -in {SSL}/{name}.pem")
    own = host.ansible.get_variables()["NODE_NAME"]
    for expected in (f"IP Address:{address}", f"DNS:{own}", "DNS:localhost", "IP Address:127.0.0.1"):
        assert expected in names


def test_the_administrator_is_root(run):
    assert "CN = root" in run(f"openssl x509 -noout -subject -nameopt oneline -in {SSL}/admin.pem")
