# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine as a host of Ansible's: modules are packed, sent and run as on any host, with the Python of choice.

They see the machine through a box: C(/etc), C(/var/lib), C(/usr/local) and C(/run) are there as they are, but what is
written there lands in the box. In it systemd is two small scripts.
"""

from __future__ import annotations

import getpass
import grp
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from cluster import REPOSITORY

HERE = Path(__file__).parent
LINKS = REPOSITORY / ".collections"
THERE = ("etc", "var/lib", "usr/local")

ENTER = """\
#!/bin/sh
set -eu
export BOX={box} PATH={box}/bin:"$PATH"
exec unshare --mount --propagation private ${{ALONE:+--pid --fork --mount-proc}} {user} -- /bin/sh -c '
  set -eu
  for place in {there}; do
    mount -t overlay overlay -o "lowerdir=/$place,upperdir=$BOX/$place,workdir=$BOX/work/$place" "/$place"
  done
  mount --bind "$BOX/run" /run
  exec "$@"' enter {python} "$@"
"""


class Outcome(NamedTuple):
    """What a task has returned."""

    failed: bool
    result: dict[str, Any]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))


def pythons() -> dict[str, str]:
    """The oldest Python that targets may have, and the one of these tests."""
    oldest = [*sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9")), shutil.which("python3.9")]
    assert oldest[0], "Python 3.9 is needed: the oldest that targets may have"
    return {"3.9": str(oldest[0]), "own": os.path.realpath(sys.executable)}


class Machine:
    """One host, empty at first.

    :param directory: for the box and for what the host's member would have.
    :param python: path of the interpreter that runs modules.
    """

    def __init__(self, directory: Path, python: str) -> None:
        self.box = directory / "box"
        self.directory = directory
        for place in (*THERE, *(f"work/{place}" for place in THERE), "bin", "units", "transient", "run/systemd/system"):
            (self.box / place).mkdir(parents=True)
        for program in ("systemctl", "systemd-run"):
            shutil.copy(HERE / "service_manager" / program, self.box / "bin" / program)
        version = [python, "-c", "import platform; print(platform.python_version())"]
        self.python_version = subprocess.run(version, check=True, capture_output=True, text=True).stdout.strip()
        self._python = directory / "python"
        self._python.write_text(
            ENTER.format(
                box=self.box,
                there=" ".join(THERE),
                python=python,
                user="" if os.geteuid() == 0 else "--user --map-root-user",
            )
        )
        self._python.chmod(0o755)
        self.layout = Layout(
            instance="etcd",
            user=getpass.getuser(),
            group=grp.getgrgid(os.getegid()).gr_name,
            conf_dir=str(directory / "conf"),
            data_dir=str(directory / "data"),
            wal_dir="",
            log_file="",
            install_dir=str(directory / "install"),
            bin_dir=str(directory / "bin"),
        )

    # -- tasks ---------------------------------------------------------------------------------------------------

    def do(self, module: str, check: bool = False, **options: Any) -> Outcome:
        """Run one task."""
        return self.play([(module, options, check)])[0]

    def play(self, tasks: list[tuple[str, Mapping[str, Any], bool]]) -> list[Outcome]:
        """Run tasks one after the other, whatever becomes of them: module, options, whether in check mode.

        They are the tasks of the role, in a copy of the collection.
        """
        collection = self.directory / "links" / "ansible_collections" / "quorum" / "etcd"
        role = collection / "roles" / "etcd" / "tasks" / "main.yml"
        if not role.exists():
            role.parent.mkdir(parents=True)
            for part in ("galaxy.yml", "meta", "plugins"):
                (collection / part).symlink_to(REPOSITORY / part)
        role.write_text(
            json.dumps(
                [
                    {f"quorum.etcd.{module}": dict(options), "check_mode": check, "ignore_errors": True}
                    for module, options, check in tasks
                ]
            )
        )
        return self._recorded(len(tasks), {"roles": ["quorum.etcd.etcd"]}, self.directory / "links")

    def task(self, module: str, **options: Any) -> Outcome:
        """Run one task that is in no role."""
        task = {f"quorum.etcd.{module}": options, "ignore_errors": True}
        return self._recorded(1, {"tasks": [task]}, LINKS)[0]

    def _recorded(self, tasks: int, play: Mapping[str, Any], collections: Path) -> list[Outcome]:
        book = self.directory / "play.json"
        book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, **play}]))
        record = self.directory / "record"
        record.unlink(missing_ok=True)
        run = self._ansible({}, "--diff", str(book), ANSIBLE_COLLECTIONS_PATH=str(collections))
        lines = record.read_text().splitlines() if record.exists() else []
        assert len(lines) == tasks, run.stdout + run.stderr
        return [Outcome(**json.loads(line)) for line in lines]

    def playbook(
        self, name: str, variables: Mapping[str, Any], *options: str, screen: str = "default"
    ) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection, this machine being the only host of the cluster.

        It sees no other processes, for an etcd of somebody else's would be its first concern.
        """
        return self._ansible(variables, *options, f"quorum.etcd.{name}", ALONE="yes", ANSIBLE_STDOUT_CALLBACK=screen)

    def own_playbook(self, path: Path, variables: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """Run somebody's own playbook as C(playbook) runs those of the collection."""
        return self._ansible(variables, str(path), ALONE="yes")

    def _ansible(
        self, variables: Mapping[str, Any], *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        host = {"ansible_connection": "local", "ansible_python_interpreter": str(self._python), **variables}
        inventory = self.directory / "hosts.json"
        inventory.write_text(json.dumps({"etcd_cluster": {"hosts": {"localhost": host}}}))
        return subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, *arguments],
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(LINKS),
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
                "ANSIBLE_CALLBACKS_ENABLED": "record",
                "ANSIBLE_HOME": str(self.directory / "ansible"),
                "ANSIBLE_PIPELINING": "true",
                "RECORD": str(self.directory / "record"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    # -- what the host holds -------------------------------------------------------------------------------------

    def place(self, path: str) -> Path:
        """Where something that the host has at a path really is."""
        return (
            self.box / path.lstrip("/") if path.startswith(tuple(f"/{one}/" for one in (*THERE, "run"))) else Path(path)
        )

    def unit(self, name: str, **properties: object) -> None:
        """Say what systemd says of a unit."""
        told = {"LoadState": "loaded", **properties}
        (self.box / "units" / name).write_text("".join(f"{key}={value}\n" for key, value in told.items()))

    def told(self) -> list[str]:
        """What the service manager was told since it was asked last, without the questions."""
        file = self.box / "told"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith("show ")]

    def end(self) -> None:
        """End what still runs."""
        for file in (self.box / "transient").iterdir():
            os.kill(int(file.read_text()), signal.SIGKILL)
