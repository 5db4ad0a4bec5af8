# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as people use them: in a play, over an inventory in the guides' form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.quorum.etcd.plugins.filter import (
    cert_sans,
    endpoints,
    initial_cluster,
    parse_initial_cluster,
    peer_urls,
    quorum,
)

INVENTORY = """\
[etcd_cluster]
10.100.57.54 ansible_ssh_user=root ansible_ssh_pass=secret NODE_NAME=etcd-host0
10.100.57.55 ansible_ssh_user=root ansible_ssh_pass=secret NODE_NAME=etcd-host1
10.100.57.56 ansible_ssh_user=root ansible_ssh_pass=secret NODE_NAME=etcd-host2

[written]
a NODE_NAME=a
b NODE_NAME=b

[written:vars]
ETCD_NODES=a=http://a.example.com:2380, b=http://b.example.com:2380
etcd_tls=false

[wrong]
w0 NODE_NAME=machine-0
w1 NODE_NAME=machine-1

[wrong:vars]
ETCD_NODES=etcd0=https://10.0.0.1:2380,etcd1=https://10.0.0.2:2380
"""
EXPRESSIONS = {
    "initial_cluster": "groups['etcd_cluster'] | quorum.etcd.initial_cluster",
    "initial_cluster_given": "groups['etcd_cluster'] | quorum.etcd.initial_cluster(renamed)",
    "initial_cluster_written": "groups['written'] | quorum.etcd.initial_cluster(hostvars)",
    "parsed": "nodes | quorum.etcd.parse_initial_cluster",
    "endpoints": "groups['etcd_cluster'] | quorum.etcd.endpoints",
    "endpoints_plain": "groups['etcd_cluster'] | quorum.etcd.endpoints(defaults={'etcd_tls': false})",
    "endpoints_observed": "['observed'] | quorum.etcd.endpoints(hostvars)",
    "peer_urls": "groups['etcd_cluster'] | quorum.etcd.peer_urls",
    "cert_sans": "groups['etcd_cluster'][0] | quorum.etcd.cert_sans",
    "cert_sans_of_each": "groups['etcd_cluster'] | map('quorum.etcd.cert_sans') | map(attribute='dns') | map('first')",
    "quorum": "groups['etcd_cluster'] | quorum.etcd.quorum",
}
PLAY = [
    {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "nodes": "etcd1=https://10.0.0.1:2380,\n  etcd2=https://10.0.0.2:2380",
            "renamed": {f"10.100.57.{host}": {"NODE_NAME": f"n{host}"} for host in (54, 55, 56)},
        },
        "tasks": [
            {"ansible.builtin.add_host": {"name": "observed"}},
            {
                # Stands for gathered facts, which this test must not depend on.
                "ansible.builtin.set_fact": {"default_ipv6": {"address": "2001:db8::7"}, "cacheable": True},
                "delegate_to": "observed",
                "delegate_facts": True,
            },
            {
                "ansible.builtin.copy": {
                    "dest": "{{ playbook_dir }}/told.json",
                    "content": "{{ {" + ", ".join(f"'{k}': {v}" for k, v in EXPRESSIONS.items()) + "} | to_json }}",
                    "mode": "0600",
                }
            },
            {
                "block": [
                    {"ansible.builtin.debug": {"msg": "{{ groups['wrong'] | quorum.etcd.initial_cluster(hostvars) }}"}}
                ],
                "rescue": [
                    {
                        "ansible.builtin.copy": {
                            "dest": "{{ playbook_dir }}/refusal.txt",
                            "content": "{{ ansible_failed_result.msg }}",
                            "mode": "0600",
                        }
                    }
                ],
            },
        ],
    }
]


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    """The directory of a play that wrote down what each expression is."""
    directory = tmp_path_factory.mktemp("play")
    (directory / "hosts").write_text(INVENTORY, encoding="utf-8")
    (directory / "play.yml").write_text(json.dumps(PLAY), encoding="utf-8")
    collections = next(entry for entry in sys.path if Path(entry, "ansible_collections", "quorum", "etcd").is_dir())
    (directory / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {collections}\n", encoding="utf-8")
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", "hosts", "play.yml"]
    ran = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return directory


@pytest.fixture(scope="module")
def told(play):
    return json.loads((play / "told.json").read_text(encoding="utf-8"))


def test_initial_cluster_of_the_guides_inventory(told):
    assert told["initial_cluster"] == (
        "etcd-host0=https://10.100.57.54:2380,etcd-host1=https://10.100.57.55:2380,etcd-host2=https://10.100.57.56:2380"
    )


def test_hostvars_that_are_given_outrank_those_of_the_play(told):
    given = ",".join(f"n{host}=https://10.100.57.{host}:2380" for host in (54, 55, 56))
    assert told["initial_cluster_given"] == given


def test_initial_cluster_is_etcd_nodes_where_that_is_written(told):
    assert told["initial_cluster_written"] == "a=http://a.example.com:2380,b=http://b.example.com:2380"


def test_parse_initial_cluster_reads_a_text_with_line_breaks(told):
    assert told["parsed"] == {"etcd1": ["https://10.0.0.1:2380"], "etcd2": ["https://10.0.0.2:2380"]}


def test_endpoints_are_one_a_member(told):
    assert told["endpoints"] == [f"https://10.100.57.{i}:2379" for i in (54, 55, 56)]


def test_variables_that_the_inventory_lacks_can_be_given(told):
    assert told["endpoints_plain"] == [f"http://10.100.57.{i}:2379" for i in (54, 55, 56)]


def test_gathered_facts_give_an_address(told):
    assert told["endpoints_observed"] == ["https://[2001:db8::7]:2379"]


def test_peer_urls_are_by_name(told):
    assert told["peer_urls"] == {f"etcd-host{i}": [f"https://10.100.57.{54 + i}:2380"] for i in range(3)}


def test_cert_sans_of_one_host(told):
    assert told["cert_sans"] == {"dns": ["etcd-host0", "localhost"], "ip": ["10.100.57.54", "127.0.0.1", "::1"]}


def test_cert_sans_of_each_host_of_a_group(told):
    assert told["cert_sans_of_each"] == ["etcd-host0", "etcd-host1", "etcd-host2"]


def test_quorum_of_a_group(told):
    assert told["quorum"] == {"size": 3, "needed": 2, "tolerance": 1}


def test_a_mistake_fails_the_task_with_what_to_do(play):
    text = (play / "refusal.txt").read_text(encoding="utf-8")
    assert "quorum.etcd.initial_cluster: ETCD_NODES has no member machine-0" in text
    assert "Did you mean etcd0?" in text


HOSTVARS = {"10.0.0.1": {"NODE_NAME": "etcd1"}}
#: The context of a template outside of a play.
NOTHING_KNOWN: dict[str, object] = {}
(INITIAL_CLUSTER, ENDPOINTS, PEER_URLS, CERT_SANS, PARSE, QUORUM) = (
    next(iter(module.FilterModule().filters().values()))
    for module in (initial_cluster, endpoints, peer_urls, cert_sans, parse_initial_cluster, quorum)
)


@pytest.mark.parametrize("of_hosts", [INITIAL_CLUSTER, ENDPOINTS, PEER_URLS])
@pytest.mark.parametrize(
    ("hosts", "hostvars", "why"),
    [
        ("10.0.0.1", HOSTVARS, "the list of a group's hosts"),
        (["10.0.0.2"], HOSTVARS, "10.0.0.2 is no host of the inventory"),
        ([], HOSTVARS, "has no host"),
        (["10.0.0.1"], "hostvars", "It needs hostvars"),
        (["10.0.0.1"], None, "It needs hostvars"),
    ],
)
def test_what_is_no_group_is_refused(of_hosts, hosts, hostvars, why):
    with pytest.raises(AnsibleFilterError, match=why):
        of_hosts(NOTHING_KNOWN, hosts, hostvars)


@pytest.mark.parametrize(("host", "why"), [("10.0.0.2", "is no host"), (["10.0.0.1"], "is no host")])
def test_cert_sans_of_no_host_are_refused(host, why):
    with pytest.raises(AnsibleFilterError, match=why):
        CERT_SANS(NOTHING_KNOWN, host, HOSTVARS)


@pytest.mark.parametrize("text", [None, ["a=https://10.0.0.1:2380"], "a"])
def test_what_is_no_initial_cluster_is_refused(text):
    with pytest.raises(AnsibleFilterError, match=r"quorum.etcd.parse_initial_cluster"):
        PARSE(text)


@pytest.mark.parametrize("voters", [0, -1, True, "3", None, []])
def test_what_cannot_be_counted_is_refused(voters):
    with pytest.raises(AnsibleFilterError, match=r"quorum.etcd.quorum"):
        QUORUM(voters)


def test_quorum_takes_a_number_too():
    assert QUORUM(5) == {"size": 5, "needed": 3, "tolerance": 2}


def test_a_filter_leaves_its_input_as_it_was():
    hostvars = {"10.0.0.1": {"NODE_NAME": "etcd1"}}
    INITIAL_CLUSTER(NOTHING_KNOWN, ["10.0.0.1"], hostvars, {"etcd_tls": False})
    assert hostvars == HOSTVARS
