# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of one lab, and what may happen to them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

#: Seconds that any one command of the lab may take on a busy machine.
PATIENCE = 180


class Machines:
    """Three hosts.

    :param lab: the lab's name.
    :param disk: size of a disk of their own for C(/var/lib/etcd), as the lab takes it; empty for none.
    """

    names = ("etcd-host0", "etcd-host1", "etcd-host2")

    def __init__(self, lab: str, disk: str = "") -> None:
        self._lab = lab
        self._disk = disk
        self._addresses: dict[str, str] = {}

    def make(self) -> None:
        """Make them anew, whatever an earlier run left."""
        self.remove()
        self._command("up", *(("--data-tmpfs", self._disk) if self._disk else ()), *self.names)

    def remove(self) -> None:
        self._command("down")

    def inventory(self, directory: Path) -> Path:
        """Write an inventory of them; its hosts file."""
        return Path(self._command("inventory", "--dir", str(directory), *self.names).strip())

    def address(self, host: str) -> str:
        if host not in self._addresses:
            self._addresses[host] = self._command("address", host).strip()
        return self._addresses[host]

    def run(self, host: str, script: str) -> str:
        """Run shell commands on a host, as root, and return what they print."""
        return self._command("exec", host, "sh", "-ec", script)

    def power_off(self, *hosts: str) -> None:
        """Without a word to anybody."""
        self._command("kill", *hosts)

    def power_on(self, *hosts: str) -> None:
        self._command("start", *hosts)

    def cut_off(self, *hosts: str) -> None:
        """From the other hosts."""
        self._command("cut", *hosts)

    def heal(self) -> None:
        self._command("heal")

    def writer(self, *arguments: str) -> str:
        """Write and record what was acknowledged, or verify such a record: what the lab's writer says."""
        return self._command("writer", *arguments)

    def _command(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "lab", "--name", self._lab, *arguments]
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"lab {' '.join(arguments)}: {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout
