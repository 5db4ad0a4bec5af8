# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import srv, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.srv import Record, Records, Service

DOMAIN = "example.com"
WANTED = {name: [f"https://{name}.example.com:2380"] for name in ("a", "b", "c")}
TLS, PLAIN = Service(srv.PEER, True), Service(srv.PEER, False)


def record(name, port=2380, address="192.0.2.1"):
    return Record(f"{name}.{DOMAIN}", port, addresses=(address,) if address else ())


def kinds(of, wanted=WANTED, hosts=None):
    found = srv.compare(Records(DOMAIN, "", "10.0.0.53", of), wanted, hosts)
    return [(one.kind, one.member) for one in found]


@pytest.mark.parametrize(
    ("service", "suffix", "name"),
    [
        (TLS, "", "_etcd-server-ssl._tcp.example.com"),
        (PLAIN, "prod", "_etcd-server-prod._tcp.example.com"),
        (Service(srv.CLIENT, True), "prod", "_etcd-client-ssl-prod._tcp.example.com"),
    ],
)
def test_a_service_has_the_name_that_etcd_asks_for(service, suffix, name):
    assert service.name(DOMAIN, suffix) == name


class TestRecords:
    def test_that_are_right_differ_in_nothing(self):
        assert kinds({TLS: [record(name) for name in "abc"]}) == []

    def test_of_a_plain_cluster_are_those_without_ssl(self):
        wanted = {"a": ["http://a.example.com:2380"]}
        assert kinds({PLAIN: [record("a")]}, wanted) == []
        assert kinds({TLS: [record("a")]}, wanted) == [(srv.WRONG_SCHEME, "a")]

    def test_that_are_all_missing_are_each_named(self):
        assert kinds({}) == [(srv.MISSING, name) for name in "abc"]

    def test_of_somebody_else_are_surplus(self):
        assert kinds({TLS: [record(name) for name in "abcd"]}) == [(srv.SURPLUS, "")]
        assert kinds({TLS: [record(name) for name in "abc"], PLAIN: [record("d")]}) == [(srv.SURPLUS, "")]

    def test_that_are_there_twice_are_told(self):
        assert kinds({TLS: [*(record(name) for name in "abc"), record("b")]}) == [(srv.TWICE, "b")]

    def test_with_another_port_are_told_once(self):
        assert kinds({TLS: [record("a"), record("b"), record("c", 2381)]}) == [(srv.WRONG_PORT, "c")]

    def test_of_members_that_share_a_name_are_told_apart_by_their_ports(self):
        wanted = {name: [f"https://m.example.com:{port}"] for name, port in (("x", 2380), ("y", 12380))}
        assert kinds({TLS: [record("m"), record("m", 12380)]}, wanted) == []
        assert kinds({TLS: [record("m", 12380)]}, wanted) == [(srv.MISSING, "x")]

    def test_of_a_member_with_two_urls_are_both_needed(self):
        wanted = {"a": ["https://a.example.com:2380", "https://a2.example.com:2380"]}
        assert kinds({TLS: [record("a")]}, wanted) == [(srv.MISSING, "a")]


class TestATarget:
    def test_leads_to_its_members_host(self):
        of = {TLS: [record(name, address=f"192.0.2.{at}") for at, name in enumerate("abc")]}
        hosts = {"a": ["192.0.2.0"], "b": ["192.0.2.2"], "c": ["192.0.2.1", "192.0.2.2"]}
        assert kinds(of, hosts=hosts) == [(srv.ELSEWHERE, "b")]
        (found,) = srv.compare(Records(DOMAIN, "", "10.0.0.53", of), WANTED, hosts)
        assert "leads to 192.0.2.1, which is c" in found.found
        assert "192.0.2.2" in found.remedy

    def test_that_has_no_address_leads_nowhere(self):
        assert kinds({TLS: [record("a"), record("b"), record("c", address="")]}) == [(srv.UNRESOLVED, "c")]

    def test_of_a_host_that_nobody_looked_at_is_taken(self):
        assert kinds({TLS: [record(name) for name in "abc"]}, hosts={"a": ["192.0.2.1"]}) == []

    def test_is_the_name_in_the_member_list(self):
        """A peer URL with an address would be another one than the cluster has."""
        (found,) = srv.compare(
            Records(DOMAIN, "", "10.0.0.53", {TLS: [record("a")]}), {"a": ["https://192.0.2.1:2380"]}
        )
        assert (found.kind, found.remedy) == (srv.OTHER_NAME, "Set etcd_address of its host: a.example.com")


@pytest.mark.parametrize(
    ("of", "hosts", "code"),
    [
        ({TLS: [record("a"), record("b")]}, {}, "srv-incomplete"),
        ({TLS: [record(name) for name in "abcd"]}, {}, "srv-surplus"),
        ({TLS: [record(name) for name in "abc"]}, {"c": ["192.0.2.9"]}, "srv-elsewhere"),
    ],
)
def test_a_difference_is_refused_by_its_own_name(of, hosts, code):
    (refusal,) = srv.refusals(srv.compare(Records(DOMAIN, "", "10.0.0.53", of), WANTED, hosts))
    assert refusal.code == code
    assert all((refusal.found, refusal.danger, refusal.remedy))
    assert "says the name server 10.0.0.53" in refusal.found


def test_a_name_in_place_of_an_address_is_refused_with_the_variable_to_set():
    found = srv.compare(Records(DOMAIN, "", "10.0.0.53", {TLS: [record("a")]}), {"a": ["https://192.0.2.1:2380"]})
    (refusal,) = srv.refusals(found)
    assert (refusal.code, refusal.remedy) == ("srv-other-name", "Set etcd_address of its host: a.example.com")


@pytest.mark.parametrize("version", ["3.4.23", "3.5.33", "3.6.14", "3.7.1"])
@pytest.mark.parametrize("tls", [True, False])
def test_only_3_4_founds_no_plain_cluster_by_records(version, tls):
    if tls or version != "3.4.23":
        srv.check_release(version, tls)
    else:
        with pytest.raises(Refused, match="needs the records of TLS"):
            srv.check_release(version, tls)


@pytest.mark.parametrize("domain", ["", "a b", "10.0.0.1"])
def test_what_is_no_domain_is_refused(domain):
    with pytest.raises(BadInput):
        srv.check_domain(domain)


@pytest.mark.parametrize("suffix", ["a.b", "ä", "-"])
def test_what_is_no_part_of_a_name_is_refused(suffix):
    with pytest.raises(BadInput):
        srv.check_domain(DOMAIN, suffix)


def test_a_domain_has_one_spelling():
    assert srv.check_domain("Example.COM.") == DOMAIN


def members(**variables):
    hosts = {f"h{at}": {"ansible_host": f"10.0.0.{at}", **variables} for at in range(2)}
    return topology.members(list(hosts), hosts)


class TestZoneLines:
    def test_name_members_in_the_domain(self):
        assert srv.zone_lines(members(), DOMAIN, ttl=60) == [
            "_etcd-server-ssl._tcp.example.com. 60 IN SRV 0 0 2380 h0.example.com.",
            "_etcd-server-ssl._tcp.example.com. 60 IN SRV 0 0 2380 h1.example.com.",
            "_etcd-client-ssl._tcp.example.com. 60 IN SRV 0 0 2379 h0.example.com.",
            "_etcd-client-ssl._tcp.example.com. 60 IN SRV 0 0 2379 h1.example.com.",
            "h0.example.com. 60 IN A 10.0.0.0",
            "h1.example.com. 60 IN A 10.0.0.1",
        ]

    def test_of_a_plain_cluster_have_no_ssl(self):
        assert srv.zone_lines(members(etcd_tls=False), DOMAIN, "prod")[0].startswith("_etcd-server-prod._tcp.")

    def test_keep_names_as_they_are(self):
        named = topology.members(["h"], {"h": {"etcd_address": "db1.example.com"}})
        assert [line.rpartition("IN ")[2] for line in srv.zone_lines(named, DOMAIN)] == [
            "SRV 0 0 2380 db1.example.com.",
            "SRV 0 0 2379 db1.example.com.",
        ]

    def test_know_both_kinds_of_addresses(self):
        six = topology.members(["h"], {"h": {"etcd_address": "2001:db8::1"}})
        assert srv.zone_lines(six, DOMAIN)[-1] == "h.example.com. 300 IN AAAA 2001:db8::1"

    def test_cannot_be_made_of_every_name(self):
        odd = topology.members(["h"], {"h": {"NODE_NAME": "a/b", "etcd_address": "10.0.0.1"}})
        with pytest.raises(BadInput, match="etcd_address: etcd-host0.example.com"):
            srv.zone_lines(odd, DOMAIN)
