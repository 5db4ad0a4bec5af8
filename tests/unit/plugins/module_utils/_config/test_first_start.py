# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a first start, by where names come from and by which etcd reads them."""

from __future__ import annotations

import json
import subprocess

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, first_start, gate
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import (
    STATIC,
    DiscoveryV2,
    DiscoveryV3,
    Srv,
)
from inventory_of import initial_cluster

URL = "http://10.0.0.9:2379/v2/keys/discovery/t1"
V2 = DiscoveryV2(url=URL)
V3 = DiscoveryV3(endpoints=("https://10.0.0.9:2379", "https://10.0.0.8:2379"), token="t1")
LOGIN = DiscoveryV3(
    endpoints=V3.endpoints,
    token="t1",
    ca_file="/etc/d/ca.pem",
    cert_file="/etc/d/c.pem",
    key_file="/etc/d/k.pem",
    user="finder",
    has_password=True,
)
# Whatever means something to a shell, to JSON or to YAML.
PASSWORD = "a\"b'$(c)`d`\\e: #{}é"


def variables(source, minor=6):
    return env_file.read(first_start.render(source, initial_cluster(), "t1", minor, False))


def line(source, minor=6, password=""):
    """What the gate appends to etcd's configuration file, as a POSIX shell reads it."""
    text = first_start.render(source, initial_cluster(), "t1", minor, True, password)
    script = f'{text}printf "%s" "${gate.FIRST_START_VARIABLE}"'
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


def test_statically_it_names_every_member():
    for is_yaml in (True, False):
        assert env_file.read(first_start.render(STATIC, initial_cluster(), "t1", 6, is_yaml)) == {
            "ETCD_INITIAL_CLUSTER": initial_cluster(),
            "ETCD_INITIAL_CLUSTER_TOKEN": "t1",
            "ETCD_INITIAL_CLUSTER_STATE": "new",
        }


@pytest.mark.parametrize("source, minor", [(V3, 6), (V3, 7), (LOGIN, 7), (V2, 4), (V2, 6)])
def test_by_a_service_it_names_no_member(source, minor):
    """etcd takes the one or the other."""
    text = first_start.render(source, initial_cluster(), "t1", minor, minor >= 6, PASSWORD)
    assert "INITIAL_CLUSTER=" not in text
    assert 'ETCD_INITIAL_CLUSTER_STATE="new"' in text
    assert "10.0.0.1" not in text


def test_version_3_by_variables():
    assert variables(V3) == {
        "ETCD_DISCOVERY_TOKEN": "t1",
        "ETCD_DISCOVERY_ENDPOINTS": ",".join(V3.endpoints),
        "ETCD_DISCOVERY_INSECURE_TRANSPORT": "false",
        "ETCD_INITIAL_CLUSTER_STATE": "new",
    }


def test_version_3_without_tls_says_so():
    """etcd's own default is no transport security, whatever the URLs say."""
    plain = DiscoveryV3(endpoints=("http://10.0.0.9:2379",), token="t1")
    assert variables(plain)["ETCD_DISCOVERY_INSECURE_TRANSPORT"] == "true"


def test_version_3_by_a_file_is_one_line():
    assert line(LOGIN, password=PASSWORD).startswith("discovery-config: ")
    assert "\n" not in line(LOGIN, password=PASSWORD)
    assert json.loads(line(LOGIN, password=PASSWORD).partition(": ")[2]) == {
        "token": "t1",
        "client": {
            "endpoints": list(V3.endpoints),
            "secure": {
                "insecure-transport": False,
                "cacert": "/etc/d/ca.pem",
                "cert": "/etc/d/c.pem",
                "key": "/etc/d/k.pem",
            },
            "auth": {"username": "finder", "password": PASSWORD},
        },
    }


@pytest.mark.parametrize("minor", [4, 5])
def test_a_member_without_a_place_ends_where_it_would_become_a_proxy(minor):
    assert variables(V2, minor)["ETCD_DISCOVERY_FALLBACK"] == "exit"
    assert "ETCD_DISCOVERY_FALLBACK" not in variables(V2, 6)


def test_version_2_goes_by_its_proxy():
    through = DiscoveryV2(url=URL, proxy="http://10.0.0.1:3128")
    assert variables(through)["ETCD_DISCOVERY_PROXY"] == "http://10.0.0.1:3128"
    assert line(through) == 'discovery: "t1"\ndiscovery-proxy: "http://10.0.0.1:3128"'
    assert "ETCD_DISCOVERY_PROXY" not in variables(V2)


def test_records_go_with_the_token_of_the_cluster():
    """The IDs are then those of a cluster whose members were told the names."""
    records = Srv(domain="example.com", suffix="prod", name_servers=("10.0.0.53",))
    assert variables(records) == {
        "ETCD_DISCOVERY_SRV": "example.com",
        "ETCD_DISCOVERY_SRV_NAME": "prod",
        "ETCD_INITIAL_CLUSTER_TOKEN": "t1",
        "ETCD_INITIAL_CLUSTER_STATE": "new",
    }
    assert "ETCD_DISCOVERY_SRV_NAME" not in variables(Srv(domain="example.com"))
    assert line(records).splitlines() == [
        'discovery-srv: "example.com"',
        'initial-cluster-token: "t1"',
        'discovery-srv-name: "prod"',
    ]


@pytest.mark.parametrize(
    "source, minor, is_yaml, found, way",
    [
        (V3, 5, False, "came with etcd 3.6, and this is 3.5", "etcd_discovery_url"),
        (V2, 7, False, "gone in etcd 3.7", "etcd_discovery_endpoints"),
        (V2, 5, True, "no key for discovery-fallback", "etcd_config_format: env"),
        (LOGIN, 6, False, "in the journal of every member", "etcd_config_format: yaml"),
    ],
)
def test_what_an_etcd_does_not_know_is_no_first_start(source, minor, is_yaml, found, way):
    """It would ignore the settings without a word, and found a cluster of one."""
    with pytest.raises(BadInput, match=found) as refused:
        first_start.render(source, initial_cluster(), "t1", minor, is_yaml)
    assert way in str(refused.value)
    assert list(first_start.problems_of(source, minor, is_yaml)) == list(refused.value.texts)
