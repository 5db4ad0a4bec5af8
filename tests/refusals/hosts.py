# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of the lab, and whether anything was left on them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]

# Every file with its mode, owner, size and time, and what runs or is to run. Logs, and what systemd keeps of its own,
# change by themselves, and so do the data of a member that lives; Ansible's own directory holds its connections. A lock
# below /run stays where it was taken: removed, it could be held twice.
_FINGERPRINT = r"""
find / -xdev \( -path /var/log -o -path /var/lib/systemd -o -path '*/.ansible' -o -name __pycache__ \) -prune \
    -o -type d -printf '%p %y %m %u:%g\n' -o -path '*/member/*' -printf '%p %y %m %u:%g\n' \
    -o -printf '%p %y %m %u:%g %s %T@ %l\n'
find /run/quorum.etcd /run/systemd/transient ! -type d ! -name lock 2>/dev/null
cat /etc/passwd /etc/group
systemctl list-unit-files --no-legend --no-pager
systemctl list-units --no-legend --no-pager --plain --type=service | cut -d' ' -f1
pgrep --list-full --exact etcd
ss --no-header --listening --tcp --numeric
"""


class Hosts:
    """The hosts of one lab.

    :param lab: its name.
    :param names: theirs.
    """

    def __init__(self, lab: str, *names: str) -> None:
        self._lab = lab
        self.names = names
        self._seen: dict[str, set[str]] = {}

    def up(self) -> None:
        """Make them anew."""
        self.down()
        self._command("up", *self.names)

    def down(self) -> None:
        self._command("down")

    def run(self, host: str, script: str) -> str:
        """Run shell commands on a host, as root, and return what they print."""
        self._seen.pop(host, None)
        return self._command("exec", host, "sh", "-ec", script)

    def inventory(self) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        """What an operator would write: address -> variables of each host, and the variables of their group."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(self._command("inventory", "--no-nodes", "--dir", directory, *self.names).strip())
            lines = path.read_text(encoding="utf-8").splitlines()[1:]
            group = (path.parent / "group_vars" / "etcd_cluster.yml").read_text(encoding="utf-8").splitlines()[1:]
        hosts = {}
        for address, *pairs in (line.split() for line in lines):
            hosts[address] = dict(pair.split("=", 1) for pair in pairs)
        return hosts, {name: json.loads(value) for name, value in (line.split(": ", 1) for line in group)}

    def fingerprints(self) -> dict[str, set[str]]:
        """Host -> lines that say all there is on it. Remembered until something is run on it."""
        unknown = [name for name in self.names if name not in self._seen]
        with ThreadPoolExecutor() as pool:
            self._seen.update(zip(unknown, pool.map(self._fingerprint, unknown)))
        return dict(self._seen)

    def forget(self) -> None:
        """Look anew the next time."""
        self._seen.clear()

    def _fingerprint(self, host: str) -> set[str]:
        return set(self._command("exec", host, "sh", "-c", f"{_FINGERPRINT}true").splitlines())

    def _command(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "lab", "--name", self._lab, *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout
