# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of one lab, and what may happen to them."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab import state
from lab.engine import find_engine

CHECKOUT = Path(__file__).resolve().parents[2]
#: Hosts of one name are one on a machine, whoever makes them: each checkout has its own.
_SUFFIX = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:4]

#: Seconds that any one command of the lab may take on a busy machine.
PATIENCE = 600

#: Names the step at which a module ends that gets there; gone once one did.
END_AT = "/run/quorum.etcd/end-at"


class Machines:
    """Three hosts, or those that are named.

    :param lab: the lab's name.
    :param disk: size of a disk of their own for C(/var/lib/etcd), as the lab takes it; empty for none.
    """

    names: Sequence[str] = ("etcd-host0", "etcd-host1", "etcd-host2")

    def __init__(self, lab: str, disk: str = "", names: Sequence[str] = names) -> None:
        self.names = names
        self._lab = f"{lab}-{_SUFFIX}"
        self.disk = disk
        self._addresses: dict[str, str] = {}

    def make(self) -> None:
        """Make them anew, whatever an earlier run left."""
        self.remove()
        self._command("up", *(("--data-tmpfs", self.disk) if self.disk else ()), *self.names)

    def rebuild(self) -> None:
        """Lose all of them, and have new ones with their names and addresses."""
        self._command("rebuild", *self.names)

    def remove(self) -> None:
        self._command("down")

    def inventory(self, directory: Path, nodes: bool = True, by_name: bool = False) -> Path:
        """Write an inventory of them; its hosts file.

        :param nodes: whether it names all members, C(ETCD_NODES).
        :param by_name: whether it calls hosts by their names, not by their addresses.
        """
        options = ["--dir", str(directory), *(() if nodes else ("--no-nodes",)), *(("--names",) if by_name else ())]
        return Path(self._command("inventory", *options, *self.names).strip())

    def address(self, host: str) -> str:
        if host not in self._addresses:
            self._addresses[host] = self._command("address", host).strip()
        return self._addresses[host]

    def run(self, host: str, script: str) -> str:
        """Run shell commands on a host, as root, and return what they print."""
        # By the engine itself: a test runs dozens of commands, and each Python that starts is a tenth of a second.
        lab = state.load(self._lab)
        return self._output(find_engine().command("exec", lab.container(lab.host(host)), "sh", "-ec", script))

    def power_off(self, *hosts: str) -> None:
        """Without a word to anybody."""
        self._command("kill", *hosts)

    def power_on(self, *hosts: str) -> None:
        self._command("start", *hosts)

    def cut_off(self, *hosts: str) -> None:
        """From the other hosts."""
        self._command("cut", *hosts)

    def block(self, sources: Sequence[str], targets: Sequence[str], port: int) -> None:
        """Drop each connection that these hosts open to a port of others. Established ones live."""
        self._command("block", *sources, "--to", *targets, "--port", str(port))

    def unblock(self) -> None:
        self._command("unblock")

    def heal(self) -> None:
        self._command("heal")

    def fill(self, host: str) -> None:
        """Its data disk, to the last byte."""
        self._command("fill", host)

    def drain(self, host: str) -> None:
        self._command("drain", host)

    def slow(self, host: str, writes: int) -> None:
        """So many writes a second are all that its disk can do."""
        self._command("slow", host, "--writes", str(writes))

    def fast(self, host: str) -> None:
        self._command("fast", host)

    def end_at(self, host: str, step: str) -> None:
        """The module that gets to this step of its act on this host ends there, at once and without a word."""
        self.run(host, f"install -d {END_AT.rpartition('/')[0]}; echo '{step}' >{END_AT}")

    def has_ended(self, host: str) -> bool:
        """Did one get there? A host that was switched off since has forgotten it."""
        return not self.run(host, f"ls {END_AT} 2>/dev/null || :").strip()

    def await_end(self, host: str, seconds: float) -> bool:
        """Whether one gets there within so many seconds."""
        waiting = f"while [ -e {END_AT} ]; do sleep 0.02; done"
        return not self.run(host, f"timeout {seconds} sh -c '{waiting}' || echo late").strip()

    def writer(self, *arguments: str) -> str:
        """Write and record what was acknowledged, or verify such a record: what the lab's writer says."""
        return self._command("writer", *arguments)

    @contextlib.contextmanager
    def writing(self, record: Path, *arguments: str) -> Iterator[None]:
        """Write without pause beside what is done here, and record what was acknowledged."""
        stop = record.with_suffix(".stop")
        command = self._lab_command("writer", "run", "--record", str(record), "--until-file", str(stop), *arguments)
        process = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            stop.touch()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
        assert process.returncode == 0, f"the writer: {process.returncode}"

    def _lab_command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "lab", "--name", self._lab, *arguments]

    def _command(self, *arguments: str) -> str:
        return self._output(self._lab_command(*arguments))

    def _output(self, command: Sequence[str]) -> str:
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout
