# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base import urls as _urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import Url
from hypothesis import given
from hypothesis import strategies as st

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
URLS = st.builds(
    Url,
    st.sampled_from(["http", "https"]),
    st.one_of(NAMES, st.ip_addresses().map(str)),
    st.integers(1, 65535),
)


@given(URLS)
def test_a_url_that_is_written_is_read_back(url):
    assert _urls.parse_url(str(url), "x") == url


@given(st.ip_addresses(v=6), st.integers(1, 65535))
def test_all_spellings_of_an_ipv6_address_are_one_url(address, port):
    long = f"https://[{ipaddress.IPv6Address(int(address)).exploded.upper()}]:{port}"
    assert str(_urls.parse_url(long, "x")) == f"https://[{address.compressed}]:{port}"


@pytest.mark.parametrize("text", ["https://[2001:db8::1]:65535", "http://10.0.0.1:1", "https://etcd1:2380"])
def test_a_url_in_its_shortest_form_stays_as_it_is(text):
    assert str(_urls.parse_url(text, "x")) == text


def test_a_name_is_lower_case():
    assert str(_urls.parse_url(" HTTPS://Etcd1.Example.com:2380 ", "x")) == "https://etcd1.example.com:2380"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.0.0.1:2380", "is not a URL"),
        ("https://10.0.0.1", "has no port"),
        ("https://:2380", "has no host"),
        ("https://10.0.0.1:2380/", "has a path"),
        ("https://10.0.0.1:2380/v3", "has a path"),
        ("https://2001:db8::1:2380", "has an IPv6 address without brackets"),
        ("https://::1", "has an IPv6 address without brackets"),
        ("https://a]:2380", "is not a URL"),
        ("https://[10.0.0.1]:2380", "has brackets around something that is not an IPv6 address."),
        ("https://[fe80::1%eth0]:2380", "is neither an IP address nor a DNS name"),
        ("https://10.0.0.256:2380", "is neither an IP address nor a DNS name"),
        ("https://${THIS_IP}:2380", "is neither an IP address nor a DNS name"),
        ("https://<IP>:2380", "is neither an IP address nor a DNS name"),
        ("https://10.0.0.1:0", "is not a port"),
        ("https://10.0.0.1:65536", "is not a port"),
        ("https://10.0.0.1:client", "is not a port"),
        ("https://10.0.0.1:٢٣", "is not a port"),
        ("unix://etcd:2380", "has the scheme unix"),
        ("tcp://10.0.0.1:2380", "has the scheme tcp"),
        ("", "is not a URL"),
    ],
)
def test_what_etcd_would_not_take_is_refused_with_the_reason(text, why):
    with pytest.raises(BadInput) as caught:
        _urls.parse_url(text, "etcd_listen_client_urls of host1")
    assert f"' {why}" in str(caught.value)
    assert str(caught.value).startswith("etcd_listen_client_urls of host1: ")


@pytest.mark.parametrize(
    ("text", "legal"),
    [
        ("etcd1", True),
        ("etcd-host0.example.com", True),
        ("a_b.example.com", True),
        ("10.0.0.300", False),
        ("10", False),
        ("-etcd", False),
        ("etcd-", False),
        ("etcd..com", False),
        ("etcd.", False),
        ("", False),
        ("a" * 63, True),
        ("a" * 64, False),
        (".".join(["a" * 49] * 4 + ["a" * 53]), True),
        (".".join(["a" * 49] * 4 + ["a" * 54]), False),
    ],
)
def test_which_texts_are_dns_names(text, legal):
    assert _urls.is_dns_name(text) is legal


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_what_only_the_host_itself_reaches(host):
    assert _urls.is_loopback(host)
    assert not _urls.is_loopback("etcd1")
    assert not _urls.is_loopback("10.0.0.1")


@pytest.mark.parametrize("value", ["http://a:1, http://b:2", "http://a:1,\n  http://b:2", ["http://a:1", "http://b:2"]])
def test_urls_come_as_a_list_or_as_a_text_with_commas(value):
    assert [str(url) for url in _urls.parse_urls(value, "x")] == ["http://a:1", "http://b:2"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "is empty"),
        ([], "is empty"),
        ("http://a:1,,http://b:2", "empty item"),
        ("http://a:1,http://b:2,", "empty item"),
        ("http://a:1,http://A:1", "has http://a:1 twice"),
        ("http://a:1,http://b", "'http://b' has no port"),
        (7, "must be a list"),
        ({"a": 1}, "must be a list"),
    ],
)
def test_lists_with_a_slip_are_refused(value, why):
    with pytest.raises(BadInput, match=f"^x:? .*{why}"):
        _urls.parse_urls(value, "x")


@pytest.mark.parametrize(
    ("peers", "clients"),
    [
        (["https://10.0.0.1:2380"], ["https://10.0.0.1:2379", "http://127.0.0.1:2379"]),
        (["https://10.0.0.1:2380"], ["https://10.0.0.1:2379", "http://10.0.0.1:2379"]),
        (["https://0.0.0.0:2380"], ["https://0.0.0.0:2379", "https://[::1]:2379"]),
        (["https://10.0.0.1:2379"], ["https://10.0.0.2:2379"]),
        (["https://localhost:2380"], ["https://localhost:2379"]),
    ],
)
def test_urls_that_can_be_bound_together(peers, clients):
    _urls.check_listen({"peers": _urls.parse_urls(peers, "p"), "clients": _urls.parse_urls(clients, "c")})


@pytest.mark.parametrize(
    ("peers", "clients"),
    [
        (["https://10.0.0.1:2379"], ["https://10.0.0.1:2379"]),
        (["http://10.0.0.1:2379"], ["https://10.0.0.1:2379"]),
        (["https://0.0.0.0:2379"], ["https://10.0.0.1:2379"]),
        (["https://[::]:2379"], ["https://10.0.0.1:2379"]),
        (["https://[::]:2379"], ["https://[2001:db8::1]:2379"]),
        (["https://10.0.0.1:2380"], ["https://0.0.0.0:2379", "https://127.0.0.1:2379"]),
        (["https://localhost:2379"], ["https://127.0.0.1:2379"]),
    ],
)
def test_urls_that_would_take_each_others_port_are_refused(peers, clients):
    with pytest.raises(BadInput, match="same port of the same address"):
        _urls.check_listen({"peers": _urls.parse_urls(peers, "p"), "clients": _urls.parse_urls(clients, "c")})


def test_a_name_cannot_be_listened_on():
    with pytest.raises(BadInput, match=r"^x: .* the name etcd1 .*, or https://0\.0\.0\.0:2379 for all of them\.$"):
        _urls.check_listen({"x": _urls.parse_urls("https://etcd1:2379", "x")})


@pytest.mark.parametrize(
    ("listen", "local"),
    [
        (["https://10.0.0.1:2379", "https://127.0.0.1:2379"], "https://127.0.0.1:2379"),
        (["https://10.0.0.1:2379", "http://localhost:2379"], "http://localhost:2379"),
        (["https://[2001:db8::1]:2379", "https://[::1]:2379"], "https://[::1]:2379"),
        (["https://0.0.0.0:2379"], "https://127.0.0.1:2379"),
        (["https://[::]:2379"], "https://[::1]:2379"),
        (["https://10.0.0.1:2379"], "https://10.0.0.1:2379"),
    ],
)
def test_the_host_itself_reaches_a_listener_on_loopback_where_it_can(listen, local):
    assert _urls.local(listen) == local


def test_a_url_that_leads_every_host_to_itself_is_of_no_use_elsewhere():
    urls = ["https://10.0.0.1:2379", "https://localhost:2379", "http://[::1]:2379", "https://etcd1:2379"]
    assert _urls.from_elsewhere(urls) == ["https://10.0.0.1:2379", "https://etcd1:2379"]
