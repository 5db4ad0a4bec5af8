# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that changes: its operator runs the playbook, and looks at what became of the hosts."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]

# Seconds. Far more than either takes: what hangs is a failure that shows what it said, and no scenario that never ends.
_PATIENCE = 300
_PATIENCE_WITH_A_RUN = 1800

# In the plan it stands with two spaces before it; a host that takes it says so on a line, or in the name of a task.
_PLANNED = re.compile(r"^  step \d+ of \d+: (.+)$", re.MULTILINE)
_TAKEN = re.compile(r"^(?:TASK \[.*)?step \d+ of \d+: (.+?)(?:\] \*+)?$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """How a run of the playbook ended, and all that it printed."""

    code: int
    output: str

    @property
    def said(self) -> str:
        """The output on one line, for messages are wrapped."""
        return " ".join(self.output.split())

    @property
    def planned(self) -> list[str]:
        """The steps that it foresaw, in their order, without the addresses of hosts."""
        return [_without_addresses(step) for step in _PLANNED.findall(self.output)]

    @property
    def taken(self) -> list[str]:
        """The steps that were taken. Those that hosts take side by side come in any order."""
        return [_without_addresses(step) for step in _TAKEN.findall(self.output)]

    @property
    def found_nothing_to_do(self) -> bool:
        changed = re.findall(r"changed=(\d+)", self.output)
        return self.code == 0 and "nothing to do" in self.output and set(changed) == {"0"}


class Cluster:
    """The members on the hosts of a lab, each called like its host.

    :param scenario: whose lab it is.
    """

    def __init__(self, scenario: str, inventory: Path) -> None:
        self._lab = [sys.executable, "-m", "lab", "--name", f"molecule-{scenario}"]
        self._inventory = inventory

    def play(self, *arguments: str, playbook: str | Path = "quorum.etcd.etcd") -> Run:
        """Run the playbook once."""
        done = subprocess.run(
            ["ansible-playbook", playbook, "--inventory", self._inventory, *arguments],
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"},
            timeout=_PATIENCE_WITH_A_RUN,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        # pytest shows it where a statement fails.
        print(done.stdout)
        return Run(done.returncode, done.stdout)

    def play_in_the_checkout(self) -> Run:
        """Run the playbook as somebody who has cloned the repository, installed nothing and set no variable."""
        done = subprocess.run(
            ["ansible-playbook", "etcd.yml", "-i", self._inventory],
            cwd=CHECKOUT / "playbooks",
            env={name: os.environ[name] for name in ("PATH", "HOME")} | {"LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"},
            timeout=_PATIENCE_WITH_A_RUN,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout)
        return Run(done.returncode, done.stdout)

    def on(self, host: str, command: str, patience: int = _PATIENCE) -> str:
        """What a command prints that succeeds there.

        :param patience: seconds.
        """
        done = subprocess.run(
            [*self._lab, "exec", host, "sh", "-ceu", command],
            timeout=patience,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
        return done.stdout

    def verdict(self, up_to: int | None = None) -> str:
        """What became of the writes whose verdict was asked for last.

        :param up_to: the revision up to which they are asked for.
        """
        writer = self._inventory.parents[1] / "writer"
        # A host's line begins with its address, or with its name.
        addresses = re.findall(r"^(?:\S+ ansible_host=)?([\d.]+) ", self._inventory.read_text(), re.MULTILINE)
        done = subprocess.run(
            [
                *[*self._lab, "writer", "verify", "--record", writer / "judged", "--cacert", writer / "ca.pem"],
                *["--cert", writer / "admin.pem", "--key", writer / "admin-key.pem"],
                *["--endpoints", ",".join(f"https://{address}:2379" for address in addresses)],
                *(["--up-to", str(up_to)] if up_to is not None else []),
            ],
            timeout=_PATIENCE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout)
        return done.stdout

    def lab(self, *arguments: str) -> None:
        """Do something to the hosts: C(lab("kill", "etcd-host0"))."""
        subprocess.run([*self._lab, *arguments], timeout=_PATIENCE, check=True)

    def processes(self, hosts: Iterable[str]) -> dict[str, str]:
        """Which process each member is: another one after a restart."""
        return {host: self.on(host, "systemctl show etcd --property MainPID --value").strip() for host in hosts}

    def member_ids(self, host: str) -> dict[str, str]:
        """Each member's name and id, as this one knows them."""
        members = [line.split(", ") for line in self.on(host, "etcdctl member list").splitlines()]
        return {name: member_id for member_id, _started, name, *_rest in members}

    def voters(self, host: str) -> dict[str, str]:
        """The same, where every member is a voter that has started and answers."""
        assert "unstarted" not in (members := self.on(host, "etcdctl member list"))
        assert all(line.endswith(", false") for line in members.splitlines()), members
        self.on(host, "etcdctl endpoint health --cluster")
        return self.member_ids(host)

    def marker(self, host: str) -> dict[str, str]:
        """What the host remembers of its member."""
        text = self.on(host, "cat /var/lib/quorum.etcd/etcd/marker")
        return dict(line.split("=", 1) for line in text.splitlines())


class ClusterBySsh(Cluster):
    """Members on hosts that run containers themselves. The runtime there divides the control groups of its host, and a
    machine that has the old kind beside the new lets no process into them from outside.
    """

    def on(self, host: str, command: str, patience: int = _PATIENCE) -> str:
        """What a command prints that succeeds there.

        :param patience: seconds.
        """
        variables = yaml.safe_load((self._inventory.parent / "group_vars" / "etcd_cluster.yml").read_text())
        options = ["-i", variables["ansible_ssh_private_key_file"], *shlex.split(variables["ansible_ssh_common_args"])]
        (address,) = re.findall(rf"^{host} ansible_host=(\S+)", self._inventory.read_text(), re.MULTILINE)
        done = subprocess.run(
            ["ssh", *options, f"root@{address}", f"sh -ceu {shlex.quote(command)}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
        return done.stdout


def _without_addresses(step: str) -> str:
    return re.sub(r" \(\d+\.\d+\.\d+\.\d+\)", "", step)
