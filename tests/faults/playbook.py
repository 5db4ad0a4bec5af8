# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command of the README, run to its end or killed on the way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: Seconds after which a run hangs.
PATIENCE = 600

#: The tasks of a run that founds a cluster of three, in their order.
TASKS = (
    "Take the members of one line",
    "Find the groups of members",
    "Set the groups of the next play",
    "Validating arguments against arg spec 'main' - A member of an etcd cluster, from bare host to verified",
    "Observe",
    "Plan",
    "Carry out the plan",
    "Check users and roles first",
    "Let the clusters take turns",
    "Refuse",
    "Walk the plan",
    "Begin with nobody who has failed",
    "Carry out the waves",
    "Install",
    "Make the certificate authorities",
    "Write the member's files",
    "Reach every member",
    "Start the member",
    "Await the member",
    "Carry out the waves in which members report",
    "Carry out the waves in which hosts are maintained",
    "Stop the run for this cluster",
    "Observe",
    "Plan",
    "Refuse what is left",
    "Apply users and roles",
    "Check that tags have selected the role",
)
_BANNER = re.compile(r"^TASK \[(?:quorum\.etcd\.etcd : )?(.+?)\] \*", re.MULTILINE)


@dataclass(frozen=True)
class Kill:
    """When to kill a run.

    :param task: which of its tasks, from 1, or how the first one's name begins.
    :param after: seconds after that task began; at 0 no host has begun it.
    """

    task: int | str
    after: float = 0.0

    @classmethod
    def at(cls, name: str, after: float = 0.0) -> Kill:
        """At the first task of that name."""
        assert name in TASKS
        return cls(name, after)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "killed_at",
            "KILLED_AT_TASK": str(self.task),
            "KILLED_AFTER": str(self.after),
        }


@dataclass(frozen=True)
class Meanwhile:
    """What happens beside a run.

    :param task: once a task begins whose name begins so.
    """

    task: str
    act: Callable[[], None]

    def begins(self, line: str) -> bool:
        found = _BANNER.match(line)
        return found is not None and found[1].startswith(self.task)


@dataclass(frozen=True)
class How:
    """In which of Ansible's ways a run goes.

    :param pipelining: modules go through ssh, not through a file and a terminal.
    :param strict: any error ends the play on all hosts (C(any_errors_fatal)).
    """

    pipelining: bool = True
    strict: bool = False

    @property
    def environment(self) -> dict[str, str]:
        return {"ANSIBLE_PIPELINING": str(self.pipelining), "ANSIBLE_ANY_ERRORS_FATAL": str(self.strict)}


@dataclass(frozen=True)
class Run:
    """How a run ended.

    :param output: all that it printed.
    """

    code: int
    output: str

    @property
    def said(self) -> str:
        """The output on one line, for messages are wrapped and quoted in several ways."""
        return " ".join(self.output.replace("\\n", " ").replace('\\"', '"').split())

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that began."""
        return tuple(_BANNER.findall(self.output))

    @property
    def killed(self) -> bool:
        return self.code == 128 + signal.SIGKILL

    @property
    def done(self) -> bool:
        """It found, or brought about, that nothing is left to do."""
        return self.code == 0 and "nothing to do" in self.said


class Playbook:
    """The playbook with one inventory.

    :param directory: where it is started, and where its temporary files go.
    :param playbook: another one than the collection's.
    """

    def __init__(self, inventory: Path, directory: Path, playbook: str = "quorum.etcd.etcd") -> None:
        self.inventory = inventory
        self._directory = directory
        self._playbook = playbook
        self.variables: dict[str, object] = {}

    def run(
        self, *arguments: str, kill: Kill | None = None, meanwhile: Meanwhile | None = None, how: How = How()
    ) -> Run:
        """Run it once. When this returns nothing of it lives on this machine; what it began on hosts goes on."""
        command = ["ansible-playbook", self._playbook, "-i", str(self.inventory), *arguments]
        if self.variables:
            command += ["--extra-vars", json.dumps(self.variables)]
        environment = {
            "ANSIBLE_LOCAL_TEMP": str(self._directory / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            # Connections of its own: they end with the run.
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._directory / "ssh"),
            "ANSIBLE_TIMEOUT": "10",
            **how.environment,
            **(kill.environment if kill else {}),
        }
        return self._reaped(command, environment, meanwhile)

    def run_until_done(self, runs: int = 3, how: How = How()) -> int:
        """The same command until nothing is left to do, which it says; how many runs that took."""
        said = []
        for number in range(1, 1 + runs):
            run = self.run(how=how)
            if run.done:
                return number
            said.append(run.output)
        raise AssertionError(f"After {runs} runs there is something left to do:\n" + "\n".join(said))

    def _reaped(self, command: list[str], environment: Mapping[str, str], meanwhile: Meanwhile | None) -> Run:
        lines: list[str] = []
        acts: list[Future[None]] = []
        with (
            ThreadPoolExecutor() as pool,
            subprocess.Popen(
                [sys.executable, str(HERE / "reaper.py"), str(PATIENCE), *command],
                cwd=self._directory,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if meanwhile and not acts and meanwhile.begins(line):
                    acts.append(pool.submit(meanwhile.act))
        for act in acts:
            act.result()
        return Run(process.returncode, "".join(lines))


def at_once(*playbooks: Playbook) -> list[Run]:
    """Run several beside each other."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(Playbook.run, playbooks))
