# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line and the unit of a proxy."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._config import proxy_unit
from ansible_collections.quorum.etcd.plugins.module_utils._model import proxy as model
from ansible_collections.quorum.etcd.plugins.module_utils._model.proxy import Site

SECURE = Site(("https://10.0.0.1:2379", "https://10.0.0.2:2379"), tls=True)
PLAIN = Site(("http://10.0.0.1:2379",), tls=False)
LAYOUT = model.layout_of("web", "etcd", "etcd", "/opt/etcd")
SSL = "/etc/etcd-proxy/web/ssl"


def proxy(site=SECURE, **entry):
    return model.read([{"name": "web", "kind": "grpc", **entry}], site, Findings())[0][0]


def flags(wanted, version="3.6.14"):
    _binary, *words = proxy_unit.command(wanted, LAYOUT, "/opt/etcd/etcd", version)
    return words


class TestAGateway:
    def test_gets_addresses_without_a_scheme(self):
        assert flags(proxy(kind="gateway")) == [
            *("gateway", "start", "--listen-addr=127.0.0.1:23790"),
            "--endpoints=10.0.0.1:2379,10.0.0.2:2379",
        ]

    def test_judges_what_records_name_by_the_ca(self):
        assert flags(proxy(kind="gateway", discovery_srv="example.com", retry_delay="10s")) == [
            *("gateway", "start", "--listen-addr=127.0.0.1:23790", "--discovery-srv=example.com"),
            *(f"--trusted-ca-file={SSL}/ca.pem", "--retry-delay=10s"),
        ]

    def test_takes_plain_records_as_they_are(self):
        words = flags(proxy(PLAIN, kind="gateway", discovery_srv="example.com", discovery_srv_name="prod"))
        assert words[3:] == ["--discovery-srv=example.com", "--discovery-srv-name=prod", "--insecure-discovery=true"]


class TestAGrpcProxy:
    def test_uses_tls_on_both_sides_with_one_certificate(self):
        assert flags(proxy()) == [
            *("grpc-proxy", "start", "--listen-addr=127.0.0.1:23790"),
            "--endpoints=https://10.0.0.1:2379,https://10.0.0.2:2379",
            "--advertise-client-url=https://127.0.0.1:23790",
            *(f"--cacert={SSL}/ca.pem", f"--cert={SSL}/proxy.pem", f"--key={SSL}/proxy-key.pem"),
            *(f"--cert-file={SSL}/proxy.pem", f"--key-file={SSL}/proxy-key.pem", f"--trusted-ca-file={SSL}/ca.pem"),
            "--endpoints-auto-sync-interval=5m",
        ]

    def test_has_no_file_in_front_of_a_plain_cluster(self):
        assert [word for word in flags(proxy(PLAIN)) if "file" in word or "cert" in word] == []

    def test_ends_tls_for_plain_clients(self):
        words = flags(proxy(tls=False))
        assert f"--cert={SSL}/proxy.pem" in words
        assert [word for word in words if "-file" in word] == []

    def test_takes_all_that_etcd_offers(self):
        words = flags(
            proxy(
                namespace="app/",
                resolver_prefix="___grpc_proxy_endpoint",
                metrics_url="http://127.0.0.1:4443",
                max_concurrent_streams=100,
                auto_sync="",
            )
        )
        assert words[-5:] == [
            *("--namespace=app/", "--resolver-prefix=___grpc_proxy_endpoint", "--resolver-ttl=60"),
            *("--metrics-addr=http://127.0.0.1:4443", "--max-concurrent-streams=100"),
        ]

    def test_shows_members_a_certificate_of_the_operator(self):
        own = {"client_cert": "/own/c.pem", "client_key": "/own/k.pem", "client_ca": "/own/ca.pem"}
        words = flags(proxy(**own))
        assert {"--cacert=/own/ca.pem", "--cert=/own/c.pem", "--key=/own/k.pem"} <= set(words)
        assert f"--cert-file={SSL}/proxy.pem" in words

    def test_is_not_given_what_its_release_would_end_with(self):
        with pytest.raises(BadInput, match=r"etcd 3\.4\.23 has no auto_sync"):
            flags(proxy(auto_sync="5s"), "3.4.23")


class TestAUnit:
    def text(self, **entry):
        wanted = proxy(**entry)
        words = proxy_unit.command(wanted, LAYOUT, "/opt/etcd/etcd", "3.6.14")
        return proxy_unit.render(wanted, LAYOUT, "100%", words, "abc")

    def test_is_known_for_one_of_a_proxy(self):
        assert proxy_unit.is_ours(self.text())
        assert proxy_unit.is_ours(self.text(kind="gateway"))
        assert not proxy_unit.is_ours("# Managed by quorum.etcd: \nExecStart=/opt/etcd/etcd\n")
        assert not proxy_unit.is_ours("[Service]\nExecStart=/opt/etcd/etcd gateway start\n")

    def test_restarts_after_a_signal_too(self):
        assert "\nRestart=always\n" in self.text()

    def test_writes_nowhere(self):
        assert "\nReadWritePaths=\n" in self.text()

    def test_says_which_bundle_its_process_reads(self):
        assert "\nEnvironment=QUORUM_ETCD_PROXY_CA=abc\n" in self.text()

    def test_has_no_specifier_and_no_variable_of_systemd(self):
        text = self.text(namespace='50%/$HOME/ "x" \\')
        assert '"--namespace=50%%/$$HOME/ \\"x\\" \\\\"' in text
        assert "of 100%%\n" in text

    def test_can_read_a_certificate_in_a_home(self):
        own = {"client_cert": "/root/c.pem", "client_key": "/root/k.pem", "client_ca": "/root/ca.pem"}
        assert "\nProtectHome=no\n" in self.text(**own)
        assert "\nProtectHome=yes\n" in self.text()


class TestHealth:
    def test_of_a_gateway_shows_no_certificate(self):
        asked = proxy_unit.health(proxy(kind="gateway"), LAYOUT)
        assert asked == {
            "kind": "gateway",
            "url": "https://127.0.0.1:23790",
            "ca": f"{SSL}/ca.pem",
            "cert": "",
            "key": "",
        }

    def test_of_a_grpc_proxy_asks_as_its_clients_do(self):
        assert proxy_unit.health(proxy(), LAYOUT)["cert"] == f"{SSL}/proxy.pem"
        assert proxy_unit.health(proxy(tls=False), LAYOUT) == {
            "kind": "grpc",
            "url": "http://127.0.0.1:23790",
            "ca": "",
            "cert": "",
            "key": "",
        }
