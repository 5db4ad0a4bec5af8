# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of a lab, in the form an operator writes by hand, and what a controller must know to reach it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.hosts import BOOT_TIME, REBOOT, ssh_options
from lab.releases import checksums
from lab.server import url
from lab.state import Host, Lab

GROUP = "etcd_cluster"


@dataclass(frozen=True)
class Inventory:
    """The two files of an inventory."""

    hosts: str
    variables: str

    def write(self, directory: Path) -> Path:
        """Write the files, readable by their owner only: they may hold passwords.

        :returns: the file to give to C(ansible-playbook -i).
        """
        variables = directory / "group_vars" / f"{GROUP}.yml"
        variables.parent.mkdir(parents=True, exist_ok=True)
        for path, text in ((directory / "hosts", self.hosts), (variables, self.variables)):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        return directory / "hosts"


def inventory(
    lab: Lab, hosts: Sequence[Host], version: int = 4, nodes: bool = True, by_name: bool = False
) -> Inventory:
    """The inventory of some hosts of a lab.

    :param version: 4 or 6: the addresses by which hosts are reached.
    :param nodes: whether C(ETCD_NODES) is given, as the guide does.
    :param by_name: hosts are called by their names, not by their addresses as in the guide.
    """
    addresses = {host.name: lab.address(host, version) for host in hosts}
    variables: dict[str, object] = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(lab.key),
        "ansible_ssh_common_args": shlex.join(ssh_options(lab)[2:]),
    }
    variables["etcd_download_url"] = url(lab)
    variables["etcd_checksums"] = checksums()
    # Its CAs live as long as the lab, be it below /tmp or in the checkout of a CI job.
    variables["etcd_confirm"] = ["{{ etcd_pki_dir }}"]
    variables["etcd_maintenance_boot_time_command"] = shlex.join(BOOT_TIME)
    variables["etcd_maintenance_reboot_command"] = shlex.join(REBOOT)
    if nodes:
        variables["ETCD_NODES"] = etcd_nodes(addresses)
    return Inventory(hosts_file(hosts, addresses, by_name), yaml(variables))


def hosts_file(hosts: Sequence[Host], addresses: Mapping[str, str], by_name: bool = False) -> str:
    """The inventory proper: one line a host, called by its address or by its name."""
    lines = [f"[{GROUP}]"]
    for host in hosts:
        address, user = addresses[host.name], f"ansible_ssh_user={host.user}"
        line = f"{host.name} ansible_host={address} {user}" if by_name else f"{address} {user} NODE_NAME={host.name}"
        if host.password:
            line += f" ansible_become=true ansible_become_password={host.password}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def etcd_nodes(addresses: Mapping[str, str]) -> str:
    """The value of C(ETCD_NODES): etcd's C(--initial-cluster)."""
    return ",".join(f"{name}=https://{in_url(address)}:2380" for name, address in addresses.items())


def in_url(address: str) -> str:
    """An address as a URL writes it: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def yaml(variables: Mapping[str, object]) -> str:
    """A YAML file of variables. Every JSON text is a YAML value, so JSON does the quoting."""
    return "---\n" + "".join(f"{name}: {json.dumps(value)}\n" for name, value in variables.items())


def instances(lab: Lab, hosts: Sequence[Host], version: int = 4) -> str:
    """The hosts as Molecule's instance configuration: a list with address, port, user and key of each."""
    return json.dumps(
        [
            {
                "instance": host.name,
                "address": lab.address(host, version),
                "port": 22,
                "user": host.user,
                "identity_file": str(lab.key),
            }
            for host in hosts
        ],
        indent=2,
    )
