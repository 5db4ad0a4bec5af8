# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import yaml

from lab.commands import LabError
from lab.inventory import Inventory, etcd_nodes, hosts_file, instances, inventory
from lab.network import Subnet
from lab.processes import Process
from lab.state import Host, Lab, Server

ROOT = Host("etcd-host0", 0)
USER = Host("etcd-host1", 1, user="admin", password="secret")


def lab() -> Lab:
    return Lab("demo", Subnet(4), [ROOT, USER], Server(8080, Process(1, 1)))


def test_a_host_is_one_line_as_the_guide_writes_it() -> None:
    assert hosts_file([ROOT], {"etcd-host0": "10.213.4.10"}) == (
        "[etcd_cluster]\n10.213.4.10 ansible_ssh_user=root NODE_NAME=etcd-host0\n"
    )


def test_a_host_may_be_called_by_its_name() -> None:
    assert inventory(lab(), [ROOT], by_name=True).hosts == (
        "[etcd_cluster]\netcd-host0 ansible_host=10.213.4.10 ansible_ssh_user=root\n"
    )


def test_an_ordinary_user_becomes_root_with_a_password() -> None:
    line = hosts_file([USER], {"etcd-host1": "10.213.4.11"}).splitlines()[1]
    assert line == (
        "10.213.4.11 ansible_ssh_user=admin NODE_NAME=etcd-host1 ansible_become=true ansible_become_password=secret"
    )


def test_etcd_nodes_is_an_initial_cluster() -> None:
    nodes = etcd_nodes({"etcd-host0": "10.213.4.10", "etcd-host1": "fd00:213:4::11"})
    assert nodes == "etcd-host0=https://10.213.4.10:2380,etcd-host1=https://[fd00:213:4::11]:2380"


def test_the_variables_say_how_to_connect_and_where_releases_are() -> None:
    variables = yaml.safe_load(inventory(lab(), lab().hosts).variables)
    assert variables["ansible_ssh_private_key_file"] == str(lab().key)
    assert f"UserKnownHostsFile={lab().known_hosts}" in variables["ansible_ssh_common_args"]
    assert variables["etcd_download_url"] == "http://10.213.4.1:8080"
    assert variables["etcd_maintenance_boot_time_command"] == "cut -d ' ' -f 22 /proc/1/stat"
    assert variables["ETCD_NODES"].startswith("etcd-host0=https://10.213.4.10:2380,")


def test_the_authorities_may_lie_beside_it_wherever_that_is() -> None:
    assert yaml.safe_load(inventory(lab(), lab().hosts).variables)["etcd_confirm"] == ["{{ etcd_pki_dir }}"]


def test_etcd_nodes_can_be_left_out() -> None:
    assert "ETCD_NODES" not in yaml.safe_load(inventory(lab(), lab().hosts, nodes=False).variables)


def test_hosts_can_be_named_by_their_ipv6_addresses() -> None:
    made = inventory(lab(), lab().hosts, version=6)
    assert "\nfd00:213:4::10 ansible_ssh_user=root" in made.hosts
    assert "https://[fd00:213:4::10]:2380" in made.variables


def test_a_lab_without_release_server_has_no_inventory() -> None:
    with pytest.raises(LabError, match="Lab demo is not up: run `python3 -m lab --name demo up`"):
        inventory(Lab("demo", Subnet(4), [ROOT]), [ROOT])


def test_only_the_owner_reads_a_written_inventory(tmp_path: Path) -> None:
    hosts = Inventory("[etcd_cluster]\n", "---\n").write(tmp_path)
    assert hosts.read_text(encoding="utf-8") == "[etcd_cluster]\n"
    for path in (hosts, tmp_path / "group_vars" / "etcd_cluster.yml"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_molecule_gets_its_instance_configuration() -> None:
    assert json.loads(instances(lab(), [USER])) == [
        {
            "instance": "etcd-host1",
            "address": "10.213.4.11",
            "port": 22,
            "user": "admin",
            "identity_file": str(lab().key),
        }
    ]
