# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The YAML file of etcd's --config-file. That etcd itself takes each of its keys is a component test."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, yaml_file
from hypothesis import given
from hypothesis import strategies as st

SETTINGS = {
    "name": "etcd-host0",
    "data-dir": "/var/lib/etcd",
    "listen-client-urls": ["http://10.0.0.1:2379", "http://127.0.0.1:2379"],
    "initial-cluster-state": "existing",
    "cert-file": "/etc/etcd/ssl/etcd.pem",
    "client-cert-auth": True,
    "peer-cert-file": "/etc/etcd/ssl/peer.pem",
    "peer-cert-allowed-cn": ["peer-a", "peer-b"],
    "auto-compaction-retention": "1",
    "grpc-keepalive-interval": "1h30m",
    "quota-backend-bytes": 8 << 30,
    "log-outputs": ["stderr"],
    "feature-gates": {"CompactHashCheck": True, "InitialCorruptCheck": False},
    "socket-reuse-port": True,
    "experimental-snapshot-catchup-entries": 5,
    "pre-vote": False,
}

TEXTS = st.one_of(
    st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=40),
    # Where YAML ends a line, what it does not take, and a pair of surrogates.
    st.text("a\x85\u2028\u2029\x7f\ufeff\uffff\xa0\U0001f600", min_size=1, max_size=9),
    # What YAML reads more into.
    st.text("\"'\\\\#:{}[]&*!|>%@`-, \t~ayesno0", min_size=1, max_size=20),
)


def test_every_value_has_the_type_and_the_place_that_etcd_expects():
    assert yaml.safe_load(yaml_file.render(SETTINGS)) == {
        "name": "etcd-host0",
        "data-dir": "/var/lib/etcd",
        "listen-client-urls": "http://10.0.0.1:2379,http://127.0.0.1:2379",
        "initial-cluster-state": "existing",
        "client-transport-security": {"cert-file": "/etc/etcd/ssl/etcd.pem", "client-cert-auth": True},
        "peer-transport-security": {"cert-file": "/etc/etcd/ssl/peer.pem", "allowed-cn": ["peer-a", "peer-b"]},
        "auto-compaction-retention": "1",
        "grpc-keepalive-interval": 5400 * 10**9,
        "quota-backend-bytes": 8 << 30,
        "log-outputs": ["stderr"],
        "feature-gates": "CompactHashCheck=true,InitialCorruptCheck=false",
        "socket-options": {"reuse-port": True},
        "experimental-snapshot-catch-up-entries": 5,
        "pre-vote": False,
    }


def test_it_is_the_same_settings_as_the_environment_file():
    assert env_file.read(yaml_file.render(SETTINGS)) == env_file.environment(SETTINGS)


@given(st.dictionaries(st.sampled_from(["name", "cert-file", "peer-cert-file", "auth-token"]), TEXTS, min_size=1))
def test_any_text_is_read_back_by_yaml_and_by_us(settings):
    text = yaml_file.render(settings)
    assert env_file.read(text) == env_file.environment(settings)
    read = yaml.safe_load(text)
    assert read.get("name") == settings.get("name")
    assert read.get("peer-transport-security", {}).get("cert-file") == settings.get("peer-cert-file")


def test_it_can_be_read_by_a_person_and_says_that_it_is_managed():
    lines = yaml_file.render({"name": "etcd-host0", "grpc-keepalive-interval": "90s", "cert-file": "/c"}).splitlines()
    assert lines[0].startswith("# Managed by quorum.etcd")
    assert 'name: "etcd-host0"' in lines
    assert "grpc-keepalive-interval: 90000000000  # 90s" in lines
    assert lines[-2:] == ["client-transport-security:", '  cert-file: "/c"']


@pytest.mark.parametrize(
    "text, found",
    [
        ("force-new-cluster: yes\n", {"ETCD_FORCE_NEW_CLUSTER": "yes"}),
        ("force-new-cluster: false  # was true\n", {"ETCD_FORCE_NEW_CLUSTER": "false"}),
        ("name: m0  \n", {"ETCD_NAME": "m0"}),
        ("peer-transport-security:\n    cert-file: /p\n", {"ETCD_PEER_CERT_FILE": "/p"}),
        ("{name: m0}\n- a\n# name: m1\n", {}),
        ('ETCD_AUTH_TOKEN="a\u2028name: m1"\n', {"ETCD_AUTH_TOKEN": "a\u2028name: m1"}),
    ],
)
def test_of_a_file_that_somebody_else_wrote_what_is_understood_is_read(text, found):
    assert env_file.read(text) == found


@pytest.mark.parametrize("flag", ["client-crl-file", "peer-crl-file", "raft-read-timeout", "raft-write-timeout"])
def test_a_setting_without_a_key_is_named_with_the_way_out(flag):
    (said,) = yaml_file.without_key({flag: "x", "name": "m0"}, "3.7.1")
    assert said == (
        f"{flag} has no key in etcd's configuration file: etcd would ignore it. Take it out, or set "
        "etcd_config_format: env."
    )


@pytest.mark.parametrize(
    "flag, last, first",
    [
        # Whom a peer's certificate names: etcd would take any that the CA has issued.
        ("client-cert-allowed-hostname", "3.5.13", "3.5.14"),
        ("peer-cert-allowed-cn", "3.5.13", "3.5.14"),
        ("peer-cert-allowed-cn", "3.4.37", "3.5.14"),
        ("peer-cert-allowed-hostname", "3.5.9", "3.5.14"),
        ("socket-reuse-port", "3.5.9", "3.5.10"),
        ("experimental-peer-skip-client-san-verification", "3.5.33", "3.6.0"),
    ],
)
def test_a_setting_whose_key_came_later_is_named_before(flag, last, first):
    (said,) = yaml_file.without_key({flag: True}, last)
    assert f"which has it from etcd {first} on" in said
    assert list(yaml_file.without_key({flag: True}, first)) == []


@pytest.mark.parametrize(
    "minor, settings, said",
    [
        (4, {}, {"auto-compaction-mode": "periodic", "enable-grpc-gateway": True}),
        (5, {}, {"auto-compaction-mode": "periodic", "tls-min-version": "TLS1.2"}),
        (
            5,
            {"experimental-enable-distributed-tracing": True},
            {
                "auto-compaction-mode": "periodic",
                "tls-min-version": "TLS1.2",
                "experimental-distributed-tracing-address": "localhost:4317",
                "experimental-distributed-tracing-service-name": "etcd",
            },
        ),
        (6, {"enable-distributed-tracing": True}, {}),
    ],
)
def test_where_etcd_has_other_defaults_for_a_file_it_says_those_of_the_variables(minor, settings, said):
    assert yaml_file.beside(settings, minor) == said
