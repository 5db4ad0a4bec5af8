# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user of this machine who is not root, with a home of his own and a C(/run) in which programs can be ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cluster import REPOSITORY

# It has no name, and need not be in any file.
_NUMBER = 54321
_BIN = Path(sys.executable).parent

# Whoever is root becomes that user, who may read all that the tests need and write what is his own.
_RUN = "mount --bind {run} /run && exec {become} env -i {environment}"
_BECOME = (
    f"setpriv --reuid={_NUMBER} --regid={_NUMBER} --clear-groups "
    "--inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
)


class OrdinaryUser:
    """One user, and what he has made.

    :param directory: of a test; the home lies in it.
    """

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self._run = directory / "run"
        for place in (self.home, self._run / "quorum.etcd"):
            place.mkdir(parents=True)
        self.is_changed = os.geteuid() == 0
        if self.is_changed:
            for place in (self.home, self._run / "quorum.etcd"):
                os.chown(place, _NUMBER, _NUMBER)

    def end_at(self, checkpoint: str) -> None:
        """Let the next program that comes there be ended just there."""
        (self._run / "quorum.etcd" / "end-at").write_text(checkpoint)

    def run(self, *command: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        variables: Mapping[str, object] = {
            "HOME": self.home,
            "PATH": f"{_BIN}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "2000",
            "PYTHONPATH": f"{REPOSITORY / '.collections'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_COLLECTIONS_PATH": REPOSITORY / ".collections",
            "ANSIBLE_HOME": self.home / ".ansible",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            **environment,
        }
        line = _RUN.format(
            run=self._run,
            become=_BECOME if self.is_changed else "",
            environment=" ".join(f"'{name}={value}'" for name, value in variables.items()),
        )
        # Who is no root yet may mount in a namespace of his own, as himself.
        namespace = [] if self.is_changed else ["--user", "--map-current-user", "--keep-caps"]
        return subprocess.run(
            ["unshare", *namespace, "--mount", "sh", "-c", f'{line} "$@"', "sh", *map(str, command)],
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def play(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the playbook C(quorum.etcd.local)."""
        return self.run("ansible-playbook", "quorum.etcd.local", *arguments)
