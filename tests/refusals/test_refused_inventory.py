# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories that make no cluster: nothing is touched anywhere.

The rules are pure code with tests of their own. That a refusal reaches the operator and no host is tried here for each
kind of them, and with C(--matrix) for every one.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from operator_site import Site

_more = partial(pytest.param, marks=pytest.mark.matrix)


def test_a_right_inventory_is_planned(site: Site) -> None:
    site.is_planned("3 hosts, no cluster yet: found one with etcd 3.6.14, TLS", "start etcd-host2")


@pytest.mark.matrix
def test_a_missing_name_is_the_inventory_name(site: Site) -> None:
    del site.host(0)["NODE_NAME"]
    site.is_planned(f"start {site.addresses[0]}")


@pytest.mark.matrix
def test_a_missing_name_beside_etcd_nodes_is_refused_with_the_one_that_was_meant(site: Site) -> None:
    site.variables["ETCD_NODES"] = site.nodes()
    del site.host(1)["NODE_NAME"]
    site.is_refused(f"ETCD_NODES has no member {site.addresses[1]}", "Did you mean etcd-host1?")


@pytest.mark.matrix
def test_an_empty_name_is_refused(site: Site) -> None:
    site.host(0)["NODE_NAME"] = ""
    site.is_refused(f"NODE_NAME of {site.addresses[0]} is empty", "Give every member a name of its own")


@pytest.mark.matrix
def test_a_name_of_two_hosts_is_refused(site: Site) -> None:
    site.host(1)["NODE_NAME"] = "etcd-host0"
    site.is_refused(
        f"{site.addresses[0]} and {site.addresses[1]} are both named etcd-host0", "Give each a NODE_NAME of its own"
    )


@pytest.mark.matrix
@pytest.mark.parametrize("name", ["etcd,host0", "etcd host0", "etcd=host0"])
def test_a_name_that_initial_cluster_cannot_carry_is_refused(site: Site, name: str) -> None:
    site.host(0)["NODE_NAME"] = name
    site.is_refused(f"'{name}'", "cannot stand in a member's name", "Use letters, digits")


@pytest.mark.matrix
def test_etcd_nodes_with_a_member_that_is_no_host_is_refused(site: Site) -> None:
    site.variables["ETCD_NODES"] = site.nodes(etcd_host3="https://192.0.2.3:2380")
    site.is_refused("ETCD_NODES names etcd-host3, which no host of the group has as NODE_NAME", "Add the host")


@pytest.mark.matrix
def test_etcd_nodes_without_one_of_the_hosts_is_refused(site: Site) -> None:
    site.variables["ETCD_NODES"] = site.nodes(etcd_host2=None)
    site.is_refused("ETCD_NODES has no member etcd-host2", "take ETCD_NODES out")


@pytest.mark.matrix
def test_etcd_nodes_with_the_address_of_another_host_is_refused(site: Site) -> None:
    first, second, _third = site.addresses
    site.variables["ETCD_NODES"] = site.nodes(etcd_host0=f"https://{second}:2380", etcd_host1=f"https://{first}:2380")
    site.is_refused(f"gives etcd-host0 ({first}) the peer URL https://{second}:2380", "Put the addresses", "right")


@pytest.mark.matrix
def test_etcd_nodes_with_an_address_of_no_host_is_refused(site: Site) -> None:
    site.variables["ETCD_NODES"] = site.nodes(etcd_host0="https://192.0.2.77:2380")
    site.is_refused("etcd-host0", "192.0.2.77, which is on none of its interfaces", "ETCD_NODES")


@pytest.mark.matrix
def test_etcd_nodes_with_another_scheme_is_refused(site: Site) -> None:
    site.variables["ETCD_NODES"] = site.nodes(etcd_host1=f"http://{site.addresses[1]}:2380")
    site.is_refused(f"http://{site.addresses[1]}:2380", "etcd_tls is true", "Write https://")


def test_the_guides_own_slip_is_refused_with_the_name_that_was_meant(site: Site) -> None:
    """Hosts called etcd0 to etcd2, and machine-0 to machine-2 copied from another section."""
    for number in range(3):
        site.host(number)["NODE_NAME"] = f"etcd{number}"
    site.variables["ETCD_NODES"] = ",".join(f"machine-{n}=https://{ip}:2380" for n, ip in enumerate(site.addresses))
    site.is_refused("ETCD_NODES has no member etcd0", "Did you mean machine-0?", "Make the names in ETCD_NODES and")


@pytest.mark.matrix
def test_two_members_with_one_peer_url_are_refused(site: Site) -> None:
    site.host(1)["etcd_address"] = site.addresses[0]
    url = f"https://{site.addresses[0]}:2380"
    site.is_refused(f"have the same peer URL {url}", "Give each the address of its own machine")


def test_an_address_on_no_interface_of_its_host_is_refused(site: Site) -> None:
    site.host(2)["etcd_address"] = "192.0.2.9"
    site.is_refused("etcd-host2", "is to listen on 192.0.2.9, which is on none of its interfaces", "etcd_address")


@pytest.mark.matrix
def test_loopback_for_some_members_is_refused(site: Site) -> None:
    site.host(0)["etcd_address"] = "127.0.0.1"
    site.is_refused("The other members cannot reach etcd-host0", "an address of its network")


@pytest.mark.matrix
def test_a_setting_that_etcd_would_ignore_in_its_file_is_refused(site: Site) -> None:
    site.variables["etcd_config_format"] = "yaml"
    site.variables["etcd_settings"] = {"client-crl-file": "/etc/etcd/crl.pem"}
    site.is_refused("client-crl-file has no key in etcd's configuration file", "set etcd_config_format: env")


@pytest.mark.matrix
def test_a_form_of_the_settings_that_there_is_not_is_refused(site: Site) -> None:
    site.variables["etcd_config_format"] = "yml"
    site.is_refused("etcd_config_format", "env, yaml")


@pytest.mark.matrix
def test_an_even_group_is_a_warning(site: Site) -> None:
    site.hosts.popitem()
    site.is_planned("warning: 2 members tolerate no more failures than 1: an odd number is better")


@pytest.mark.parametrize("inventory", ["[databases]\n192.0.2.1\n", _more("[etcd_cluster]\n")])
def test_a_group_without_hosts_is_refused(site: Site, tmp_path: Path, inventory: str) -> None:
    (tmp_path / "hosts").write_text(inventory)
    outcome = site.play(tmp_path / "hosts")
    assert outcome.code != 0, outcome.said
    assert "The group etcd_cluster has no host in this inventory" in outcome.said
    assert "-e etcd_group=GROUP" in outcome.said


def test_one_line_is_planned_as_an_inventory_is(site: Site, tmp_path: Path) -> None:
    line = ",".join(f"{host['NODE_NAME']}:{address}" for address, host in site.hosts.items())
    given = {name: value for name, value in site.variables.items() if name != "etcd_confirm"}
    arguments = ("-u", "root", "-e", json.dumps(given), "-e", f"etcd_members={line}", "--check")
    keys = tmp_path / "etcd-pki" / "etcd_cluster"
    refused = site.play("/dev/null", *arguments)
    assert refused.code == 2
    assert f"would be made in {keys} (etcd_pki_dir), and /tmp is for temporary files" in refused.said, refused.said
    planned = site.play("/dev/null", *arguments, "-e", f"etcd_confirm={keys}")
    assert planned.code == 0, planned.said
    assert "3 hosts, no cluster yet: found one with etcd 3.6.14, TLS" in planned.said
    assert "start etcd-host2" in planned.said
    assert not keys.exists()


@pytest.mark.parametrize("limit", [_more(()), ("--limit", "databases")], ids=["all hosts", "without localhost"])
def test_a_group_that_all_hosts_have_by_another_name_is_planned(
    site: Site, tmp_path: Path, limit: tuple[str, ...]
) -> None:
    inventory = tmp_path / "hosts.json"
    group = {"hosts": site.hosts, "vars": site.variables}
    inventory.write_text(json.dumps({"all": {"vars": {"etcd_group": "databases"}}, "databases": group}))
    outcome = site.play(inventory, "--check", *limit)
    assert outcome.code == 0, outcome.said
    assert "databases: 3 hosts, no cluster yet" in outcome.said


@pytest.mark.matrix
@pytest.mark.parametrize(
    "version",
    [
        "3.3.27",
        "2.3.8",
        "3.6",
        "latest",
    ],
)
def test_a_version_that_cannot_be_installed_is_refused(site: Site, version: str) -> None:
    site.variables["etcd_version"] = version
    site.is_refused(f"etcd_version is '{version}'", "Give a full version of 3.4 or newer", "such as 3.6.14")


@pytest.mark.matrix
def test_two_versions_for_one_cluster_are_refused(site: Site) -> None:
    site.host(0)["etcd_version"], site.variables["etcd_version"] = "3.5.33", "3.6.14"
    site.is_refused("etcd_version differs between the hosts of one cluster: 3.5.33, 3.6.14", "Give it once")


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("setting", "sayings"),
    [
        ({"quota-backend-byte": 1}, ["quota-backend-byte is no setting of etcd", "Did you mean quota-backend-bytes?"]),
        ({"colour": "blue"}, ["colour is no setting of etcd"]),
        ({"enable-v2": True}, ["enable-v2 is gone in etcd 3.6", "Take it out"]),
        ({"heartbeat-interval": "soon"}, ["heartbeat-interval", "soon"]),
        ({"initial-cluster": "a=b"}, ["initial-cluster is not a setting", "the hosts of the group decide it"]),
    ],
    ids=["mistyped", "unknown", "removed", "wrong type", "not a setting"],
)
def test_a_setting_that_this_version_would_ignore_is_refused(
    site: Site, setting: dict[str, object], sayings: list[str]
) -> None:
    site.variables["etcd_settings"] = setting
    site.is_refused("etcd_settings has a mistake for etcd 3.6", *sayings)


def test_five_mistakes_are_one_list(site: Site) -> None:
    """Those that the inventory alone tells, and those for which a host must be asked: none hides another."""
    site.variables["etcd_settings"] = {"quota-backend-byte": 1}
    site.variables["etcd_verison"] = "3.6.14"
    site.variables["etcd_version"] = "3.6"
    site.host(1)["etcd_address"] = "192.0.2.8"
    site.host(2)["etcd_address"] = "192.0.2.9"
    outcome = site.is_refused(
        "etcd_verison is no variable of quorum.etcd and would be ignored. Did you mean etcd_version?",
        "etcd_version is '3.6'",
        "quota-backend-byte is no setting of etcd. Did you mean quota-backend-bytes?",
        f"etcd-host1 ({site.addresses[1]}) is to listen on 192.0.2.8",
        f"etcd-host2 ({site.addresses[2]}) is to listen on 192.0.2.9",
    )
    assert "see above" not in outcome.said


@pytest.mark.matrix
def test_a_host_whose_variables_are_wrong_hides_nothing_of_the_others(site: Site) -> None:
    site.host(0)["etcd_peer_port"] = 70000
    site.host(0)["etcd_member_state"] = "gone"
    site.variables["etcd_settings"] = {"colour": "blue"}
    site.host(2)["etcd_address"] = "192.0.2.9"
    site.is_refused(
        f"etcd_peer_port of {site.addresses[0]}",
        f"etcd_member_state of {site.addresses[0]} is 'gone'",
        "colour is no setting of etcd",
        f"etcd-host2 ({site.addresses[2]}) is to listen on 192.0.2.9",
    )


@pytest.mark.parametrize("name, meant", [("etcd_setings", "etcd_settings"), _more("etcd_adress", "etcd_address")])
def test_a_misspelt_variable_of_the_command_line_is_refused(site: Site, name: str, meant: str) -> None:
    site.is_refused(f"{name} is no variable", f"Did you mean {meant}?", arguments=("-e", f"{name}=1"))
    site.variables["etcd_known_variables"] = [name]
    site.is_planned("3 hosts, no cluster yet")
