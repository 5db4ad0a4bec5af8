# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An operator's directory: an inventory that a test makes wrong, and the command of the README."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosts import Hosts

_RESULT = re.compile(r"=> (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    :param said: all it printed, each stretch of white space as one space.
    """

    code: int
    said: str


class Site:
    """One inventory, fit for a cluster until something in it is changed.

    :param hosts: the hosts that it lists.
    :param directory: where it lies, and C(etcd-pki) beside it.
    """

    def __init__(self, hosts: Hosts, directory: Path) -> None:
        self._lab = hosts
        self._directory = directory
        self.hosts, self.variables = copy.deepcopy(hosts.inventory())

    @property
    def addresses(self) -> list[str]:
        """The hosts' names in the inventory."""
        return list(self.hosts)

    @property
    def pki(self) -> Path:
        return Path(self.variables.get("etcd_pki_dir", self._directory / "etcd-pki" / "etcd_cluster"))

    def host(self, number: int) -> dict[str, Any]:
        """The variables of a host, to be changed."""
        return self.hosts[self.addresses[number]]

    def nodes(self, **changes: str | None) -> str:
        """C(ETCD_NODES) as it should be, but for some members; None leaves one out."""
        right = {self.host(n)["NODE_NAME"]: f"https://{address}:2380" for n, address in enumerate(self.addresses)}
        right.update({name.replace("_", "-"): url for name, url in changes.items()})
        return ", ".join(f"{name}={url}" for name, url in right.items() if url)

    def run(self, *arguments: str) -> Outcome:
        """Run the playbook. Whatever it does is looked at by the next fingerprint."""
        inventory = self._directory / "hosts.json"
        inventory.write_text(json.dumps({"etcd_cluster": {"hosts": self.hosts, "vars": self.variables}}))
        self._lab.forget()
        return self.play(inventory, *arguments)

    def play(self, inventory: Path | str, *arguments: str) -> Outcome:
        """Run the playbook with an inventory of the test's own: a file, or hosts with commas behind them."""
        done = subprocess.run(
            ["ansible-playbook", "quorum.etcd.etcd", "-i", str(inventory), *arguments],
            cwd=self._directory,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SSH_RETRIES": "0", "ANSIBLE_TIMEOUT": "5"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=180,
        )
        texts = [_text(json.loads(result)) for result in _RESULT.findall(done.stdout)]
        return Outcome(done.returncode, " ".join("\n".join([*texts, done.stdout]).split()))

    def is_refused(self, *sayings: str, arguments: tuple[str, ...] = (), playbook_ends: int = 2) -> Outcome:
        """Run the playbook, and make sure that it refuses, says so in these words, and leaves nothing anywhere."""
        before = self._lab.fingerprints()
        pki = _files(self.pki)
        outcome = self.run(*arguments)
        assert outcome.code == playbook_ends, outcome.said
        for saying in sayings:
            assert saying in outcome.said, f"not said: {saying}\nsaid: {outcome.said}"
        after = self._lab.fingerprints()
        for host, lines in before.items():
            assert lines == after[host], "\n".join([f"{host} was touched:", *sorted(lines ^ after[host])])
        assert _files(self.pki) == pki
        return outcome

    def is_planned(self, *sayings: str) -> Outcome:
        """The same inventory is good enough for a plan, which says this and changes nothing."""
        return self.is_refused(*sayings, arguments=("--check",), playbook_ends=0)


def _text(result: dict[str, Any]) -> str:
    """What a task's result says to a person, in its loop's items too."""
    return "\n".join([str(result.get("msg", "")), *(str(item.get("msg", "")) for item in result.get("results", []))])


def _files(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
