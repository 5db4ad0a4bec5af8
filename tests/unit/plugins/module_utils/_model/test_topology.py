# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import Member, member_of, members
from hypothesis import given
from hypothesis import strategies as st

ADDRESSES = ("10.100.57.54", "10.100.57.55", "10.100.57.56")
ETCD_NODES = (
    "etcd-host0=https://10.100.57.54:2380,etcd-host1=https://10.100.57.55:2380,etcd-host2=https://10.100.57.56:2380"
)


def guide(**common):
    """The guides' inventory: IP addresses as inventory names, NODE_NAME on each line."""
    return {address: {"NODE_NAME": f"etcd-host{i}", **common} for i, address in enumerate(ADDRESSES)}


def cluster(hostvars, observed=None):
    return members(list(hostvars), hostvars, observed)


def refusal(hostvars, observed=None):
    with pytest.raises(BadInput) as caught:
        cluster(hostvars, observed)
    return str(caught.value)


class TestTheGuidesInventory:
    def test_makes_a_tls_cluster(self):
        assert topology.initial_cluster(cluster(guide())) == ETCD_NODES

    def test_gives_each_member_its_urls(self):
        member = cluster(guide())[0]
        assert member.peer_urls == ("https://10.100.57.54:2380",)
        assert member.client_urls == ("https://10.100.57.54:2379",)
        assert member.listen_peer_urls == ("https://10.100.57.54:2380",)
        assert member.listen_client_urls == ("https://10.100.57.54:2379", "https://127.0.0.1:2379")
        assert member.tls

    def test_keeps_the_order_of_the_inventory(self):
        turned = dict(reversed(guide().items()))
        assert [member.name for member in cluster(turned)] == ["etcd-host2", "etcd-host1", "etcd-host0"]

    def test_without_tls(self):
        member = cluster(guide(etcd_tls="false"))[0]
        assert member.peer_urls == ("http://10.100.57.54:2380",)
        assert member.listen_client_urls == ("http://10.100.57.54:2379", "http://127.0.0.1:2379")
        assert not member.tls

    def test_with_the_guides_listen_urls(self):
        hostvars = guide()
        for address, variables in hostvars.items():
            variables["etcd_listen_client_urls"] = f"https://{address}:2379,http://127.0.0.1:2379"
        assert cluster(hostvars)[0].listen_client_urls == ("https://10.100.57.54:2379", "http://127.0.0.1:2379")

    @pytest.mark.parametrize(
        "nodes",
        [
            ETCD_NODES,
            ETCD_NODES.replace(",", ", "),
            ETCD_NODES.replace(",", ",\n  "),
            ETCD_NODES.replace(",", ",\\\n") + " \\\n",
            ETCD_NODES + ",",
            ETCD_NODES.split(","),
            dict(entry.split("=") for entry in ETCD_NODES.split(",")),
            {entry.split("=")[0]: [entry.split("=")[1]] for entry in ETCD_NODES.split(",")},
        ],
    )
    def test_with_etcd_nodes_however_it_is_written(self, nodes):
        assert topology.initial_cluster(cluster(guide(ETCD_NODES=nodes))) == ETCD_NODES

    def test_with_etcd_nodes_in_another_order_than_the_hosts(self):
        nodes = ",".join(reversed(ETCD_NODES.split(",")))
        assert topology.initial_cluster(cluster(guide(ETCD_NODES=nodes))) == ETCD_NODES

    def test_with_three_members_on_one_machine(self):
        ports = (12380, 22380, 32380)
        nodes = ",".join(f"machine-{i}=http://127.0.0.1:{port}" for i, port in enumerate(ports))
        hostvars = {
            f"m{i}": {
                "NODE_NAME": f"machine-{i}",
                "ansible_host": "127.0.0.1",
                "ETCD_NODES": nodes,
                "etcd_tls": False,
                "etcd_client_port": port - 1,
            }
            for i, port in enumerate(ports)
        }
        found = cluster(hostvars)
        assert topology.initial_cluster(found) == nodes
        assert found[2].listen_client_urls == ("http://127.0.0.1:32379",)
        assert topology.endpoints(found) == [f"http://127.0.0.1:{port - 1}" for port in ports]


class TestTheName:
    def test_is_node_name_before_etcd_name_before_the_inventory_name(self):
        assert topology.name_of("h", {"NODE_NAME": "a", "etcd_name": "b"}) == "a"
        assert topology.name_of("h", {"NODE_NAME": None, "etcd_name": "b"}) == "b"
        assert topology.name_of("h", {}) == "h"

    def test_may_be_a_number(self):
        assert topology.name_of("h", {"NODE_NAME": 1}) == "1"

    @pytest.mark.parametrize("name", [f"a{char}b" for char in "=, \n\t\"'$`\\\x07\x7f"])
    def test_may_not_break_a_settings_file(self, name):
        with pytest.raises(BadInput, match=r"NODE_NAME of h is .* cannot stand in a member's name"):
            topology.name_of("h", {"NODE_NAME": name})

    def test_that_is_the_inventorys_is_called_so(self):
        with pytest.raises(BadInput, match=r"^The inventory name of a b is 'a b', and ' ' cannot stand"):
            topology.name_of("a b", {})

    @pytest.mark.parametrize("name", ["", "  "])
    def test_may_not_be_empty(self, name):
        with pytest.raises(BadInput, match="NODE_NAME of h is empty"):
            topology.name_of("h", {"NODE_NAME": name})

    def test_has_at_most_253_characters(self):
        assert topology.name_of("h", {"NODE_NAME": "n" * 253})
        with pytest.raises(BadInput, match="254 characters"):
            topology.name_of("h", {"NODE_NAME": "n" * 254})

    def test_of_two_hosts_may_not_be_one(self):
        hostvars = guide()
        hostvars["10.100.57.56"]["NODE_NAME"] = "etcd-host0"
        assert "10.100.57.54 and 10.100.57.56 are both named etcd-host0" in refusal(hostvars)


class TestTheAddress:
    @pytest.mark.parametrize(
        ("host", "variables", "observed", "text", "source"),
        [
            ("h", {"etcd_address": "10.0.0.1", "ansible_host": "10.0.0.2"}, "10.0.0.3", "10.0.0.1", "etcd_address"),
            ("h", {"etcd_address": "Etcd1.Example.com"}, None, "etcd1.example.com", "etcd_address"),
            ("h", {"ansible_host": "10.0.0.2"}, "10.0.0.3", "10.0.0.2", "ansible_host"),
            ("10.0.0.4", {"ansible_host": "bastion"}, "10.0.0.3", "10.0.0.4", "inventory_hostname"),
            ("10.0.0.4", {}, None, "10.0.0.4", "inventory_hostname"),
            ("h", {"ansible_host": "h.example.com"}, "10.0.0.3", "10.0.0.3", "observed"),
            ("h", {"etcd_address": "2001:DB8:0::1"}, None, "2001:db8::1", "etcd_address"),
            ("h", {"ansible_host": "2001:db8::2"}, None, "2001:db8::2", "ansible_host"),
            ("h", {"ansible_host": "[2001:db8::2]"}, None, "2001:db8::2", "ansible_host"),
        ],
    )
    def test_comes_from_the_first_that_has_one(self, host, variables, observed, text, source):
        assert topology.address_of(host, variables, observed) == (text, source)

    def test_missing_everywhere_names_the_ways_to_give_it(self):
        with pytest.raises(BadInput, match=r"No address is known for h. Set etcd_address .*ansible_host .*facts"):
            topology.address_of("h", {"ansible_host": "h.example.com"})

    @pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "fe80::1"])
    def test_that_nobody_can_reach_is_refused(self, address):
        for variable in ("etcd_address", "ansible_host"):
            with pytest.raises(BadInput, match=f"^{variable} of h: nobody can reach"):
                topology.address_of("h", {variable: address})

    @pytest.mark.parametrize("address", ["10.0.0.300", "https://10.0.0.1", "10.0.0.1:2380", "{{ ip }}", ""])
    def test_that_is_none_is_refused(self, address):
        with pytest.raises(BadInput, match="etcd_address of h"):
            topology.address_of("h", {"etcd_address": address})

    @pytest.mark.parametrize("nodes", [{}, {"ETCD_NODES": "b=https://10.0.0.1:2380"}])
    def test_that_is_empty_is_told_with_its_host(self, nodes):
        with pytest.raises(BadInput, match="^ansible_host of h is empty"):
            member_of("h", {"ansible_host": " ", **nodes})

    def test_that_is_none_beside_etcd_nodes_is_told_with_its_host(self):
        with pytest.raises(BadInput, match="^etcd_address of a: "):
            member_of("a", {"ETCD_NODES": "a=https://10.0.0.1:2380", "etcd_address": "10.0.0.300"})

    def test_is_written_only_when_a_person_wrote_it(self):
        assert member_of("10.0.0.1", {"etcd_address": "10.0.0.1"}).written
        assert member_of("10.0.0.1", {"ETCD_NODES": "10.0.0.1=https://10.0.0.1:2380"}).written
        assert not member_of("10.0.0.1", {}).written
        assert not member_of("h", {"ansible_host": "10.0.0.1"}).written
        assert not member_of("h", {}, "10.0.0.1").written


class TestUrls:
    def test_of_an_ipv6_member(self):
        member = member_of("h", {"etcd_address": "2001:db8::1"})
        assert member.peer_urls == ("https://[2001:db8::1]:2380",)
        assert member.listen_client_urls == ("https://[2001:db8::1]:2379", "https://[::1]:2379")

    def test_of_a_member_with_a_dns_name_listen_on_all_addresses(self):
        member = member_of("h", {"etcd_address": "etcd1.example.com"})
        assert member.peer_urls == ("https://etcd1.example.com:2380",)
        assert member.listen_peer_urls == ("https://0.0.0.0:2380",)
        assert member.listen_client_urls == ("https://0.0.0.0:2379",)

    @pytest.mark.parametrize(("variables", "observed"), [({}, "2001:db8::1"), ({"ansible_host": "2001:db8::1"}, None)])
    def test_of_a_member_with_a_dns_name_follow_the_hosts_address_family(self, variables, observed):
        member = member_of("h", {"etcd_address": "etcd1.example.com", **variables}, observed)
        assert member.listen_peer_urls == ("https://[::]:2380",)

    def test_follow_the_ports(self):
        member = member_of("10.0.0.1", {"etcd_peer_port": "12380", "etcd_client_port": 12379})
        assert member.peer_urls == member.listen_peer_urls == ("https://10.0.0.1:12380",)
        assert member.listen_client_urls == ("https://10.0.0.1:12379", "https://127.0.0.1:12379")

    def test_of_a_peer_named_in_etcd_nodes_listen_on_the_written_address(self):
        nodes = "a=https://a.example.com:2380"
        member = member_of("h", {"NODE_NAME": "a", "ETCD_NODES": nodes, "etcd_address": "10.0.0.1"})
        assert member.peer_urls == ("https://a.example.com:2380",)
        assert member.listen_peer_urls == ("https://10.0.0.1:2380",)
        assert member.client_urls == ("https://10.0.0.1:2379",)

    def test_of_a_member_with_several_peer_urls(self):
        nodes = "a=https://10.0.0.1:2380,a=https://10.1.0.1:2380"
        member = member_of("h", {"NODE_NAME": "a", "ETCD_NODES": nodes})
        assert member.peer_urls == member.listen_peer_urls == ("https://10.0.0.1:2380", "https://10.1.0.1:2380")

    @pytest.mark.parametrize(
        ("variables", "why"),
        [
            ({"etcd_advertise_client_urls": "https://0.0.0.0:2379"}, "nobody can reach"),
            ({"etcd_advertise_client_urls": "https://[::]:2379"}, "nobody can reach"),
            ({"etcd_listen_client_urls": "https://etcd1:2379"}, "cannot listen on the name"),
            ({"etcd_listen_peer_urls": "https://etcd1:2380"}, "cannot listen on the name"),
            ({"etcd_listen_client_urls": "http://10.0.0.1:2379"}, "without a certificate"),
            ({"etcd_listen_client_urls": "http://0.0.0.0:2379"}, "without a certificate"),
            ({"etcd_advertise_client_urls": "http://10.0.0.1:2379"}, "without a certificate"),
            ({"etcd_listen_client_urls": "https://10.0.0.1:2379", "etcd_tls": False}, "needs certificates"),
            ({"etcd_listen_peer_urls": "http://10.0.0.1:2380"}, "etcd_tls is true"),
            ({"etcd_listen_client_urls": "https://10.0.0.1:12379"}, "has no port 2379.*etcd_client_port"),
            ({"etcd_listen_peer_urls": "https://10.0.0.1:12380"}, "has no port 2380.*etcd_peer_port"),
            ({"etcd_peer_port": 2379}, "same port of the same address"),
            ({"etcd_peer_port": 0}, "etcd_peer_port of 10.0.0.1: '0' is not a port"),
            ({"etcd_client_port": "a"}, "etcd_client_port of 10.0.0.1: 'a' is not a port"),
            ({"etcd_tls": "perhaps"}, "etcd_tls of 10.0.0.1 is 'perhaps'. Write true or false."),
            ({"etcd_listen_client_urls": []}, "is empty"),
        ],
    )
    def test_that_could_not_work_are_refused(self, variables, why):
        with pytest.raises(BadInput, match=why):
            member_of("10.0.0.1", variables)

    @pytest.mark.parametrize(
        ("variables", "said"),
        [
            (
                {"etcd_listen_peer_urls": "https://10.0.0.1:12380"},
                "etcd_listen_peer_urls of 10.0.0.1 has no port 2380, and others would be told https://10.0.0.1:2380. "
                "Set etcd_peer_port to the port that etcd listens on; if they reach it at another one, write "
                "ETCD_NODES.",
            ),
            (
                {"etcd_listen_client_urls": "https://10.0.0.1:12379"},
                "etcd_listen_client_urls of 10.0.0.1 has no port 2379, and others would be told https://10.0.0.1:2379. "
                "Set etcd_client_port to the port that etcd listens on; if they reach it at another one, write "
                "etcd_advertise_client_urls.",
            ),
            (
                {"etcd_listen_peer_urls": "http://10.0.0.1:2380"},
                "etcd_listen_peer_urls says http://10.0.0.1:2380 for 10.0.0.1, but etcd_tls is true. Write https://, "
                "or set etcd_tls to false.",
            ),
            (
                {"etcd_listen_peer_urls": "https://10.0.0.1:2380", "etcd_tls": False},
                "etcd_listen_peer_urls says https://10.0.0.1:2380 for 10.0.0.1, but etcd_tls is false. Write http://, "
                "or set etcd_tls to true.",
            ),
            (
                {"etcd_listen_client_urls": "http://10.0.0.1:2379"},
                "etcd_listen_client_urls of 10.0.0.1: http://10.0.0.1:2379 would let anybody who reaches it read and "
                "write without a certificate, though etcd_tls is true. Write https://, keep http:// to 127.0.0.1, or "
                "set etcd_tls to false.",
            ),
            (
                {"etcd_listen_client_urls": "https://10.0.0.1:2379", "etcd_tls": False},
                "etcd_listen_client_urls of 10.0.0.1: https://10.0.0.1:2379 needs certificates; etcd_tls is false. "
                "Write http://, or set it to true.",
            ),
            (
                {"etcd_advertise_client_urls": "https://0.0.0.0:2379"},
                "etcd_advertise_client_urls of 10.0.0.1: nobody can reach https://0.0.0.0:2379. Advertise an address "
                "of the host.",
            ),
            (
                {"etcd_advertise_client_urls": "http://10.0.0.1:2379"},
                "etcd_advertise_client_urls of 10.0.0.1: http://10.0.0.1:2379 would let anybody who reaches it read "
                "and write without a certificate, though etcd_tls is true. Write https://, keep http:// to 127.0.0.1, "
                "or set etcd_tls to false.",
            ),
            *(
                (
                    {variable: []},
                    f"{variable} of 10.0.0.1 is empty. Leave it out or give at least one URL.",
                )
                for variable in ("etcd_listen_peer_urls", "etcd_listen_client_urls", "etcd_advertise_client_urls")
            ),
            (
                {"etcd_address": "10.0.0.1", "ansible_host": ""},
                "ansible_host of 10.0.0.1 is empty. Give it a value or take it out.",
            ),
            (
                {"etcd_certificate_sans": 7},
                "etcd_certificate_sans of 10.0.0.1 must be a list or a text separated by commas, not '7'.",
            ),
        ],
    )
    def test_are_refused_in_words_that_name_the_variable_and_the_host(self, variables, said):
        with pytest.raises(BadInput) as caught:
            member_of("10.0.0.1", variables)
        assert str(caught.value) == said

    def test_on_a_forwarded_port_can_be_written(self):
        variables = {
            "etcd_listen_client_urls": "https://10.0.0.1:12379",
            "etcd_advertise_client_urls": "https://a:2379",
        }
        assert member_of("10.0.0.1", variables).client_urls == ("https://a:2379",)


class TestEtcdNodes:
    def test_that_does_not_know_a_member_suggests_the_nearest_name(self):
        nodes = "etcd0=https://10.1.0.1:2380,etcd1=https://10.1.0.2:2380,etcd2=https://10.1.0.3:2380"
        hostvars = {f"h{i}": {"NODE_NAME": f"machine-{i}", "ETCD_NODES": nodes} for i in range(3)}
        text = refusal(hostvars)
        assert "ETCD_NODES has no member machine-0, which is the NODE_NAME of h0; it names etcd0, etcd1, etcd2." in text
        assert "Did you mean etcd0?" in text

    def test_that_has_a_members_address_under_another_name_suggests_that_name(self):
        nodes = ETCD_NODES.replace("etcd-host0", "first")
        assert "Did you mean first?" in refusal(guide(ETCD_NODES=nodes))

    @pytest.mark.parametrize(
        "ansible_host, there",
        [("10.0.0.1", "10.0.0.1"), ("Host.Example.com", "host.example.com"), ("[2001:DB8::1]", "[2001:db8::1]")],
    )
    def test_that_has_a_members_ansible_host_under_another_name_suggests_that_name(self, ansible_host, there):
        nodes = f"first=https://{there}:2380,second=https://10.0.0.2:2380"
        with pytest.raises(BadInput, match="Did you mean first\\?"):
            member_of("h", {"NODE_NAME": "x", "ansible_host": ansible_host, "ETCD_NODES": nodes})

    def test_that_nobody_can_reach_is_refused(self):
        with pytest.raises(BadInput, match="^ETCD_NODES for h: nobody can reach a member at 0.0.0.0"):
            member_of("h", {"NODE_NAME": "a", "ETCD_NODES": "a=https://0.0.0.0:2380"})

    def test_that_names_too_few_does_not_suggest_another_members_name(self):
        nodes = ETCD_NODES.rpartition(",")[0]
        text = refusal(guide(ETCD_NODES=nodes))
        assert text == (
            "ETCD_NODES has no member etcd-host2, which is the NODE_NAME of 10.100.57.56; it names etcd-host0, "
            "etcd-host1. Make the names in ETCD_NODES and the NODE_NAMEs of the group the same, or take ETCD_NODES "
            "out: without it the peer URLs follow from the inventory."
        )

    def test_that_names_too_many_is_refused(self):
        nodes = ETCD_NODES + ",etcd-host3=https://10.100.57.57:2380,etcd-host4=https://10.100.57.58:2380"
        assert refusal(guide(ETCD_NODES=nodes)) == (
            "ETCD_NODES names etcd-host3, etcd-host4, which no host of the group has as NODE_NAME; the group has "
            "etcd-host0, etcd-host1, etcd-host2. Add the host to the group, or take the entry out."
        )

    def test_that_gives_a_member_another_members_address_is_refused(self):
        nodes = ETCD_NODES.replace(".54:", ".x:").replace(".55:", ".54:").replace(".x:", ".55:")
        text = refusal(guide(ETCD_NODES=nodes))
        assert "gives etcd-host0 (10.100.57.54) the peer URL https://10.100.57.55:2380" in text
        assert "which is the address of etcd-host1" in text

    def test_that_gives_two_members_one_url_is_refused(self):
        nodes = "a=https://e.example.com:2380,b=https://e.example.com:2380"
        hostvars = {name: {"NODE_NAME": name, "ETCD_NODES": nodes} for name in ("a", "b")}
        assert "a (a) and b (b) have the same peer URL https://e.example.com:2380" in refusal(hostvars)

    def test_that_contradicts_a_written_address_is_refused(self):
        hostvars = guide(ETCD_NODES=ETCD_NODES)
        hostvars["10.100.57.55"]["etcd_address"] = "10.200.0.55"
        text = refusal(hostvars)
        assert "ETCD_NODES says https://10.100.57.55:2380 for 10.100.57.55, and its etcd_address is 10.200.0.55" in text

    def test_of_several_urls_that_contradict_a_written_address_are_all_named(self):
        nodes = "a=https://10.0.0.1:2380,a=https://10.1.0.1:2380"
        with pytest.raises(BadInput, match="^ETCD_NODES says https://10.0.0.1:2380, https://10.1.0.1:2380 for h, and"):
            member_of("h", {"NODE_NAME": "a", "ETCD_NODES": nodes, "etcd_address": "10.2.0.1"})

    def test_may_lie_on_another_network_than_ansibles(self):
        nodes = ETCD_NODES.replace("10.100.57.", "192.168.7.")
        found = cluster(guide(ETCD_NODES=nodes))
        assert found[0].address == "192.168.7.54"
        assert found[0].address_source == "ETCD_NODES"

    def test_of_another_scheme_than_etcd_tls_is_refused(self):
        text = refusal(guide(ETCD_NODES=ETCD_NODES.replace("https", "http")))
        assert "ETCD_NODES says http://10.100.57.54:2380 for 10.100.57.54, but etcd_tls is true" in text
        assert "Write https://, or set etcd_tls to false." in text

    def test_that_differs_between_hosts_is_refused(self):
        hostvars = guide(ETCD_NODES=ETCD_NODES)
        hostvars["10.100.57.56"]["ETCD_NODES"] = ETCD_NODES.replace("2380", "12380")
        assert "ETCD_NODES is not the same for all members: 10.100.57.54 has" in refusal(hostvars)

    def test_that_only_some_hosts_have_is_refused(self):
        hostvars = guide(ETCD_NODES=ETCD_NODES)
        del hostvars["10.100.57.56"]["ETCD_NODES"]
        assert "10.100.57.56 has ''" in refusal(hostvars)

    @pytest.mark.parametrize(
        ("nodes", "why"),
        [
            ("", "ETCD_NODES is empty"),
            ("etcd-host0", "ETCD_NODES: 'etcd-host0' is not of the form NAME=URL"),
            ("=https://10.0.0.1:2380", "not of the form NAME=URL"),
            ("etcd-host0=10.100.57.54:2380", "is not a URL"),
            ("etcd-host0=https://10.100.57.54", "has no port"),
            ("etcd-host0=https://10.100.57.54:2380,,etcd-host1=https://10.100.57.55:2380", "empty item"),
            (7, "must be a list"),
        ],
    )
    def test_that_cannot_be_read_is_refused(self, nodes, why):
        assert why in refusal(guide(ETCD_NODES=nodes))


class TestTheCluster:
    def test_needs_a_host(self):
        assert refusal({}) == "The cluster's group has no host. Put its members, one a line, under it in the inventory."

    def test_has_hosts_of_the_inventory_only(self):
        with pytest.raises(BadInput, match="h9 is no host of the inventory"):
            members(["h9"], guide())

    def test_has_no_peer_url_twice(self):
        hostvars = guide()
        hostvars["10.100.57.56"]["etcd_address"] = "10.100.57.54"
        assert "have the same peer URL https://10.100.57.54:2380" in refusal(hostvars)

    def test_may_be_three_on_one_machine_as_a_guide_begins(self):
        nodes = ",".join(f"machine-{at}=http://127.0.0.1:{at + 1}2380" for at in range(3))
        found = cluster(
            {
                f"m{at}": {
                    "NODE_NAME": f"machine-{at}",
                    "ETCD_NODES": nodes,
                    "etcd_tls": False,
                    "etcd_instance": f"etcd{at + 1}",
                }
                for at in range(3)
            }
        )
        topology.check_own_addresses(found)
        assert [one.listen_client_urls[0] for one in found] == [f"http://127.0.0.1:{at}2379" for at in (1, 2, 3)]

    def test_has_each_port_of_an_address_once(self):
        hostvars = guide(etcd_listen_peer_urls="https://10.0.0.9:2380")
        with pytest.raises(
            BadInput, match=r"would both listen on port 2380 of 10\.0\.0\.9 .*give each an etcd_instance"
        ):
            topology.check_own_addresses(cluster(hostvars))
        topology.check_own_addresses(cluster(guide(etcd_listen_peer_urls="https://0.0.0.0:2380")))

    def test_may_be_reached_at_one_address_and_the_advice_is_accepted(self):
        """As behind one that is translated."""
        hostvars = guide(etcd_address="192.0.2.7", etcd_listen_peer_urls="https://10.0.0.9:2380,https://10.0.0.9:3001")
        for at, own in enumerate(hostvars.values()):
            own["etcd_peer_port"] = 3000 + at
            own["etcd_listen_peer_urls"] = f"https://10.0.0.9:2380,https://10.0.0.9:{3000 + at}"
        with pytest.raises(BadInput, match="etcd_listen_peer_urls where others reach both"):
            topology.check_own_addresses(cluster(hostvars))
        for at, (host, own) in enumerate(hostvars.items()):
            own["etcd_listen_peer_urls"] = f"https://{host}:{3000 + at}"
        topology.check_own_addresses(cluster(hostvars))

    def test_speaks_tls_everywhere_or_nowhere(self):
        hostvars = guide()
        hostvars["10.100.57.56"]["etcd_tls"] = False
        assert "10.100.57.54 has etcd_tls true and 10.100.57.56 has it false" in refusal(hostvars)

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
    def test_has_loopback_addresses_for_all_or_for_none(self, address):
        hostvars = guide()
        hostvars["10.100.57.55"]["etcd_address"] = address
        assert "The other members cannot reach etcd-host1 (10.100.57.55)" in refusal(hostvars)

    def test_of_one_may_be_on_loopback(self):
        assert cluster({"localhost": {"etcd_address": "127.0.0.1"}})[0].listen_client_urls == (
            "https://127.0.0.1:2379",
        )

    def test_uses_observed_addresses(self):
        found = cluster({"a": {}, "b": {}}, {"a": "10.0.0.1", "b": "10.0.0.2"})
        assert topology.peer_urls(found) == {"a": ["https://10.0.0.1:2380"], "b": ["https://10.0.0.2:2380"]}

    def test_can_be_put_together_from_members_that_travelled_as_json(self):
        found = cluster(guide(ETCD_NODES=ETCD_NODES, etcd_certificate_sans=["a.example.com"]))
        travelled = [Member.from_dict(json.loads(json.dumps(member.to_dict()))) for member in found]
        assert tuple(travelled) == found
        topology.check_members(travelled)


@pytest.mark.parametrize(
    "kind, listen, advertised, meant",
    [
        ("peer", "https://127.0.0.1:2380", None, "https://127.0.0.1:2380,https://10.100.57.54:2380"),
        ("client", "https://127.0.0.1:2379", None, "https://127.0.0.1:2379,https://10.100.57.54:2379"),
        ("client", "http://127.0.0.1:2379", "https://a.example.com:2379", "https://0.0.0.0:2379"),
        (
            "client",
            "http://127.0.0.1:2379",
            "https://192.168.86.131:2379",
            "http://127.0.0.1:2379,https://192.168.86.131:2379",
        ),
        (
            "client",
            "https://10.100.57.54:2379",
            "https://10.100.57.54:4001",
            "https://10.100.57.54:2379,https://10.100.57.54:4001",
        ),
    ],
)
def test_others_are_told_nothing_where_nobody_listens_and_the_advice_is_accepted(kind, listen, advertised, meant):
    hostvars = guide()
    own = hostvars["10.100.57.54"]
    own[f"etcd_listen_{kind}_urls"] = listen
    if advertised:
        own["etcd_advertise_client_urls"] = advertised
    text = refusal(hostvars)
    assert text.startswith(f"etcd_listen_{kind}_urls of 10.100.57.54 is {listen}, and others would be told ")
    assert text.endswith(f"Write etcd_listen_{kind}_urls: {meant}")
    own[f"etcd_listen_{kind}_urls"] = meant
    assert cluster(hostvars)


@pytest.mark.parametrize(
    "listen, advertised",
    [
        ("https://0.0.0.0:2379", "https://198.51.100.1:443"),
        ("https://10.100.57.54:2379", "https://198.51.100.1:443"),
        ("https://10.100.57.54:2379", "https://etcd.example.com:443"),
        ("https://10.100.57.54:2379,http://127.0.0.1:2379", "https://10.100.57.54:2379,http://127.0.0.1:2379"),
    ],
)
def test_an_address_that_is_translated_is_nobodys_mistake(listen, advertised):
    hostvars = guide()
    hostvars["10.100.57.54"].update(etcd_listen_client_urls=listen, etcd_advertise_client_urls=advertised)
    assert cluster(hostvars)


def test_an_endpoint_is_a_url_that_others_can_reach():
    variables = {"etcd_tls": False, "etcd_advertise_client_urls": "http://127.0.0.1:2379,http://172.16.0.8:2379"}
    assert topology.endpoints([member_of("172.16.0.8", variables)]) == ["http://172.16.0.8:2379"]


class TestOnlySomeOfTheMembers:
    def test_must_not_contradict_each_other(self):
        found = [member_of("h0", {"NODE_NAME": "a", "etcd_address": "10.0.0.1"})]
        twin = member_of("h1", {"NODE_NAME": "a", "etcd_address": "10.0.0.2"})
        with pytest.raises(BadInput, match="both named a"):
            topology.check_members([*found, twin], everybody=False)

    def test_may_lack_those_that_were_not_heard(self):
        nodes = {"ETCD_NODES": "a=https://10.0.0.1:2380,b=https://10.0.0.2:2380"}
        topology.check_members([member_of("h0", {"NODE_NAME": "a", **nodes})], everybody=False)
        topology.check_members([], everybody=False)


class TestCertificateNames:
    def test_hold_every_way_to_the_member(self):
        variables = {
            "NODE_NAME": "Etcd-Host0",
            "ansible_host": "10.0.0.1",
            "etcd_address": "etcd0.example.com",
            "etcd_advertise_client_urls": "https://lb.example.com:2379",
            "etcd_listen_client_urls": "https://10.9.0.1:2379",
            "etcd_certificate_sans": "*.example.org, 2001:DB8::7",
        }
        assert topology.cert_sans(member_of("host0.lan", variables)) == {
            "dns": ["etcd-host0", "host0.lan", "etcd0.example.com", "lb.example.com", "*.example.org", "localhost"],
            "ip": ["10.0.0.1", "10.9.0.1", "2001:db8::7", "127.0.0.1", "::1"],
        }

    def test_leave_out_what_is_no_dns_name_and_what_is_every_address(self):
        sans = topology.cert_sans(member_of("h", {"NODE_NAME": "etcd (1)".replace(" ", ""), "etcd_address": "a.b"}))
        assert sans == {"dns": ["h", "a.b", "localhost"], "ip": ["127.0.0.1", "::1"]}

    @pytest.mark.parametrize("name", ["a b", "https://a", "*", "a.*.b"])
    def test_of_the_user_must_be_names_or_addresses(self, name):
        with pytest.raises(BadInput, match="etcd_certificate_sans of h"):
            topology.cert_sans(member_of("h", {"etcd_address": "10.0.0.1", "etcd_certificate_sans": [name]}))


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


REACHABLE = st.one_of(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="2001:db8::/32")).map(str)


@given(st.lists(st.tuples(NAMES, REACHABLE), min_size=1, max_size=9, unique_by=(lambda m: m[0], lambda m: m[1])))
def test_a_cluster_written_as_etcd_nodes_is_the_same_cluster(named):
    hostvars = {f"h{i}": {"NODE_NAME": name, "etcd_address": address} for i, (name, address) in enumerate(named)}
    text = topology.initial_cluster(cluster(hostvars))
    for variables in hostvars.values():
        del variables["etcd_address"]
        variables["ETCD_NODES"] = text
    assert topology.initial_cluster(cluster(hostvars)) == text


class TestADomainWithSrvRecords:
    def sans(self, **variables):
        return topology.cert_sans(member_of("h0", {"ansible_host": "10.0.0.1", **variables}))["dns"]

    def test_is_in_the_certificates_with_the_name_of_the_record(self):
        assert {"example.com", "h0.example.com"} <= set(self.sans(etcd_discovery_srv="Example.com."))
        assert "db0.example.com" in self.sans(etcd_discovery_srv="example.com", NODE_NAME="db0.example.com")

    def test_is_not_there_without_the_variable(self):
        assert self.sans() == ["h0", "localhost"]

    def test_leaves_a_name_as_it_is(self):
        found = self.sans(etcd_discovery_srv="example.com", etcd_address="db0.example.org")
        assert {"example.com", "db0.example.org"} <= set(found)
        assert "h0.example.com" not in found

    def test_must_be_one(self):
        with pytest.raises(BadInput, match="etcd_discovery_srv of h0 is 'a b'"):
            self.sans(etcd_discovery_srv="a b")
