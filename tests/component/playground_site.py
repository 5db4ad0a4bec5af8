# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A place on this machine for a playground: a user, the archive of a release, and ports that are free."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import platform
import subprocess
from pathlib import Path

from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from cluster import REPOSITORY, _is_free, ports_of_worker
from ordinary_user import OrdinaryUser

#: The first port of playgrounds, and how many a worker has. The members have the same ones 10000 and 20000 above.
PORTS = 3000, 280
APART = (0, 10000, 20000)
_BASES = itertools.cycle(ports_of_worker(*PORTS)[::2])

#: Makes or removes a playground as the module does, without Ansible.
PROGRAM = """
import sys
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import Source
from ansible_collections.quorum.etcd.plugins.module_utils._model.playground import Request
from ansible_collections.quorum.etcd.plugins.module_utils._playground import cluster, directory
from ansible_collections.quorum.etcd.plugins.module_utils._playground.release import Supply
import platform, subprocess
def run(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    return Result(done.returncode, done.stdout, done.stderr)
state, archives, name, checksum, version, port = sys.argv[1:]
place = directory.place_of(cluster.usual_place())
if state == "absent":
    cluster.remove(place, False)
else:
    source = Source("", archives, {name: checksum}, False, None)
    supply = Supply(source, "", platform.machine(), platform.system(), run)
    changed, playground = cluster.prepare(Request(place, version, int(port)), "0" * 32, supply, False)
    cluster.start(playground, 60.0, False)
"""


class Site:
    """A user with the archive of a release, and ports that are free."""

    def __init__(self, directory: Path, version: str) -> None:
        self.user, self.version = OrdinaryUser(directory), version
        self.name = releases.archive(version, platform.machine())
        self.archives = REPOSITORY / ".cache" / "releases" / f"v{version}"
        self.checksum = hashlib.sha256((self.archives / self.name).read_bytes()).hexdigest()
        self.port = next(
            base
            for base in _BASES
            if all(_is_free(base + apart + one, "127.0.0.1") for apart in APART for one in (0, 1))
        )
        self.given = directory / "given.json"
        self.given.write_text(
            json.dumps(
                {
                    "etcd_version": version,
                    "etcd_archive_dir": str(self.archives),
                    "etcd_checksums": {self.name: self.checksum},
                    "etcd_playground_port": self.port,
                }
            )
        )

    @property
    def place(self) -> Path:
        return self.user.home / ".etcd-playground"

    def play(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.user.play("-e", f"@{self.given}", *arguments)

    def do(self, state: str) -> subprocess.CompletedProcess[str]:
        given = (self.archives, self.name, self.checksum, self.version, self.port)
        return self.user.run("python3", "-c", PROGRAM, state, *given)

    def pid(self, name: str) -> int:
        return int(json.loads((self.place / f"{name}.pid").read_text())["pid"])

    def processes(self) -> list[int]:
        """Those whose program lies in the home."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "exe").startswith(f"{self.user.home}/"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return sorted(found)

    def left(self) -> list[str]:
        return sorted(one.name for one in self.user.home.iterdir() if one.name != ".ansible")

    def shell(self, done: subprocess.CompletedProcess[str], line: str) -> str:
        """Type the printed settings, and then a line."""
        exports = [one for one in done.stdout.splitlines() if one.startswith("export ")]
        said = self.user.run("sh", "-c", "\n".join([*exports, line]))
        return said.stdout + said.stderr
