# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator writes: who is a member, at which address and with which settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from machines import Machines


@dataclass(frozen=True)
class Inventory:
    """One state of the inventory.

    :param members: the hosts that are to be members.
    :param absent: those whose lines say that they are to leave.
    :param settings: etcd's, of all members.
    :param peer_ports: of members whose port is not the usual one.
    :param version: C(etcd_version); empty where the version that is there is meant.
    """

    members: Sequence[str]
    absent: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    peer_ports: Mapping[str, int] = field(default_factory=dict)
    version: str = ""

    def write(self, machines: Machines, directory: Path, by_name: bool = False) -> Path:
        """Write it, with what it takes to reach the hosts beside it; its hosts file.

        :param by_name: hosts are called by their names, not by their addresses.
        """
        path = machines.inventory(directory, nodes=False)
        lines = ["[etcd_cluster]", *(self._line(machines, host, by_name) for host in (*self.members, *self.absent))]
        lines += ["[etcd_cluster:vars]", f"etcd_settings={json.dumps(dict(self.settings))}"]
        lines += [f"etcd_version={self.version}"] * bool(self.version)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _line(self, machines: Machines, host: str, by_name: bool) -> str:
        address = machines.address(host)
        called = [host, f"ansible_host={address}"] if by_name else [address, f"NODE_NAME={host}"]
        words = [*called, "ansible_ssh_user=root", f"etcd_address={address}"]
        if host in self.absent:
            words.append("etcd_member_state=absent")
        if host in self.peer_ports:
            words.append(f"etcd_peer_port={self.peer_ports[host]}")
        return " ".join(words)
