# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(etcd_bootstrap) and what belongs to it, as inventories write it."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import bootstrap_source
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import (
    STATIC,
    DiscoveryV2,
    DiscoveryV3,
    Srv,
)
from ansible_collections.quorum.etcd.plugins.plugin_utils._bootstrap import source_of

ENDPOINT = "http://10.0.0.9:2379"
URL = f"{ENDPOINT}/v2/keys/discovery"
NOTHING = {
    "endpoints": [],
    "token": "",
    "ca_file": "",
    "cert_file": "",
    "key_file": None,
    "user": "",
    "password": "",
    "url": "",
    "proxy": "",
    "srv": "",
    "srv_name": "",
    "name_servers": [],
}


def source(kind="discovery", etcd_nodes=None, **given):
    return source_of({"kind": kind, **NOTHING, **given}, etcd_nodes)


def test_it_is_static_where_nobody_says_otherwise():
    assert source("static") == STATIC
    assert source("static", etcd_nodes="m0=http://10.0.0.1:2380") == STATIC


def test_a_service_of_version_3():
    found = source(
        endpoints="https://b:2379, https://a:2379",
        token="t_1",
        ca_file="/etc/d/ca.pem",
        cert_file="/etc/d/c.pem",
        key_file="/etc/d/k.pem",
        user="finder",
        password="secret",
    )
    assert isinstance(found, DiscoveryV3)
    assert found.endpoints == ("https://b:2379", "https://a:2379")
    assert (found.token, found.user, found.has_password, found.key_file) == ("t_1", "finder", True, "/etc/d/k.pem")


def test_a_password_is_in_nothing_that_is_printed():
    found = source(endpoints=[ENDPOINT], user="finder", password="secret")
    assert "secret" not in str(found) + str(found.to_dict())


@pytest.mark.parametrize(
    "url, token",
    [(f"{URL}/t1", f"{URL}/t1"), (f"{URL}/", ""), ("https://d.example.com/new?size=3", ""), ("https://d/new", "")],
)
def test_a_service_of_version_2(url, token):
    found = source(url=url, proxy="10.0.0.1:3128")
    assert found == DiscoveryV2(url=url, proxy="10.0.0.1:3128")
    assert found.given_token == token


def test_records_of_a_domain():
    found = source("srv", srv="Example.com.", srv_name="prod", name_servers=["10.0.0.53", "10.0.0.54"])
    assert found == Srv(domain="example.com", suffix="prod", name_servers=("10.0.0.53", "10.0.0.54"))
    assert source("srv", srv="example.com", name_servers="10.0.0.53").name_servers == ("10.0.0.53",)


@pytest.mark.parametrize("other", [{"kind": "static"}, {"endpoints": [ENDPOINT]}])
def test_a_domain_is_for_certificates_as_well(other):
    assert source(**other, srv="example.com", srv_name="prod") == source(**other)


@pytest.mark.parametrize(
    "found",
    [
        STATIC,
        source(endpoints=[ENDPOINT]),
        source(url=f"{URL}/"),
        source("srv", srv="example.com", name_servers=["10.0.0.53"]),
    ],
)
def test_a_source_is_read_as_it_was_written(found):
    assert bootstrap_source.read(found.to_dict()) == found


@pytest.mark.parametrize(
    "given, found",
    [
        ({"kind": "srv2"}, "Use static, discovery or srv"),
        ({"kind": "srv"}, "name the domain of the SRV records in etcd_discovery_srv"),
        ({"kind": "srv", "srv": "example com"}, "example com"),
        ({"kind": "srv", "srv": "example.com", "srv_name": "a.b"}, "suffix"),
        ({"kind": "srv", "srv": "example.com", "url": URL}, "etcd_discovery_url says nothing"),
        ({"kind": "srv", "srv": "example.com", "etcd_nodes": "m0=http://10.0.0.1:2380"}, "is srv, and ETCD_NODES"),
        ({"kind": "static", "name_servers": ["10.0.0.53"]}, "etcd_discovery_name_servers says nothing .* srv"),
        ({"endpoints": [ENDPOINT], "name_servers": ["10.0.0.53"]}, "etcd_discovery_name_servers says nothing .* srv"),
        ({}, "and not none"),
        ({"srv": "example.com"}, "and not none"),
        ({"endpoints": [ENDPOINT], "url": URL}, "not two"),
        ({"endpoints": [ENDPOINT], "etcd_nodes": "m0=http://10.0.0.1:2380"}, "Take ETCD_NODES out"),
        ({"kind": "static", "url": URL}, "etcd_discovery_url says nothing without etcd_bootstrap: discovery"),
        ({"kind": "static", "password": "x"}, "etcd_discovery_password says nothing"),
        ({"endpoints": ["10.0.0.9"]}, "etcd_discovery_endpoints"),
        ({"endpoints": [ENDPOINT, "https://10.0.0.8:2379"]}, "http and with https"),
        ({"endpoints": [ENDPOINT], "token": "a/b"}, "etcd_discovery_token"),
        ({"endpoints": [ENDPOINT], "ca_file": "ca.pem"}, "etcd_discovery_ca_file"),
        ({"endpoints": [ENDPOINT], "user": "finder"}, "etcd_discovery_password are given together"),
        ({"endpoints": [ENDPOINT], "password": "secret"}, "etcd_discovery_user"),
        ({"endpoints": [ENDPOINT], "cert_file": "/c.pem"}, "etcd_discovery_key_file are given together"),
        ({"endpoints": [ENDPOINT], "proxy": "http://p:1"}, "etcd_discovery_proxy is for etcd_discovery_url alone"),
        ({"url": URL, "token": "t1"}, "etcd_discovery_token is not for etcd_discovery_url"),
        ({"url": URL, "user": "finder", "password": "secret"}, "etcd_discovery_user and etcd_discovery_password"),
        ({"url": "10.0.0.9/t1"}, "no URL"),
        ({"url": "http://finder:secret@10.0.0.9/t1"}, "a user or a password in it"),
        ({"url": URL, "proxy": "http://finder:secret@10.0.0.1:3128"}, "etcd_discovery_proxy has a user"),
        ({"url": f"{URL}/t1?size=3"}, "What follows a"),
    ],
)
def test_what_does_not_go_together_is_refused(given, found):
    with pytest.raises(BadInput, match=found) as refused:
        source(**given)
    assert "secret" not in str(refused.value)
