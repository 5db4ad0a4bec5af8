# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""systemd as seen and moved by systemctl. Nothing here decides."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run, succeed
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._config import variable_sources
from ansible_collections.quorum.etcd.plugins.module_utils._host import processes

_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "FragmentPath",
    "DropInPaths",
    "Environment",
    "EnvironmentFiles",
    "UnsetEnvironment",
    "ExecStart",
    "UnitFileState",
    "NeedDaemonReload",
    "NRestarts",
    "Job",
)

_REMEDY = "Hosts need systemd."
# What journalctl --show-cursor writes before the cursor.
_CURSOR = "-- cursor:"


def is_running() -> bool:
    """Is systemd this host's init (sd_booted(3))?"""
    return os.path.isdir("/run/systemd/system")


class Systemd:
    """The service manager of this host. Every method raises HostError with systemd's own words."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def run(self) -> Run:
        """What runs the programs of this host, systemd's or not."""
        return self._run

    def control(self, *arguments: str) -> str:
        """Run systemctl, and return what it prints."""
        return succeed(self._run, ("systemctl", *arguments), _REMEDY)

    def show(self, unit: str) -> dict[str, Any]:
        """One unit's state: C(load_state), C(active_state), C(sub_state), C(result), C(pid) (0 when nothing runs),
        C(fragment_path), C(drop_in_paths), C(enabled) (systemd's word, for example C(enabled) or C(masked)),
        C(need_daemon_reload), C(restarts), C(job_pending) (it is to start or stop, and waits for something),
        C(environment), C(unset_environment), C(exec_start) (the command line; the last one of several), each as systemd
        prints it, and C(environment_files) (paths and patterns, in its order).
        """
        found = parse(unit, self.control("show", unit, "--property", ",".join(_PROPERTIES)))
        return {**found, "pid": processes.of_unit(unit, found["pid"])}

    def sources(self, unit: Mapping[str, Any], has: Mapping[str, str]) -> list[variable_sources.Source]:
        """Where a new process of a unit would get its C(ETCD_*) from, see C(_config.variable_sources).

        :param unit: as C(show) gives it.
        :param has: those of the process that runs.
        """
        return variable_sources.of_unit(unit, has, _texts, self._environment)

    def forcing(self, unit: Mapping[str, Any]) -> str:
        """The source by which each start of a unit would drop all other members from the cluster; empty without one.

        :param unit: as C(show) gives it.
        """
        return variable_sources.forcing(unit, _texts)

    def _environment(self) -> str:
        """What the service manager gives to every unit; empty where it does not tell."""
        try:
            return self.control("show-environment")
        except HostError:
            return ""

    def journal(self, unit: str, lines: int = 20) -> str:
        """The unit's last log lines, for a person; empty where the journal cannot be read."""
        wanted = ("journalctl", "--unit", unit, "--lines", str(lines), "--no-pager", "--output", "cat")
        try:
            return succeed(self._run, wanted).strip()
        except HostError:
            return ""

    def journal_end(self, unit: str) -> str:
        """Where the unit's log ends by now, for C(journal_since); empty where it has no line, or cannot be read."""
        asked = ("journalctl", "--unit", unit, "--lines", "1", "--no-pager", "--output", "cat", "--show-cursor")
        with contextlib.suppress(HostError):
            for line in reversed(succeed(self._run, asked).splitlines()):
                if line.startswith(_CURSOR):
                    return line[len(_CURSOR) :].strip()
        return ""

    def journal_since(self, unit: str, end: str) -> str:
        """What was written to the unit's log since then; empty where the journal cannot be read.

        :param end: as C(journal_end) gave it.
        """
        since = ("--after-cursor", end) if end else ()
        with contextlib.suppress(HostError):
            return succeed(self._run, ("journalctl", "--unit", unit, *since, "--no-pager", "--output", "cat"))
        return ""

    def calendar_problem(self, schedule: str) -> str:
        """Why a timer could not take a schedule, in systemd's own words; empty if it could, or if nobody can tell."""
        try:
            found = self._run(("systemd-analyze", "calendar", "--", schedule))
        except OSError:
            return ""
        return found.words if found.code else ""

    def run_transient(self, unit: str, properties: Mapping[str, str], command: Sequence[str]) -> None:
        """Run a command as a unit that has no file and is forgotten when it ends."""
        options = [f"--property={name}={value}" for name, value in properties.items()]
        succeed(self._run, ("systemd-run", "--quiet", "--collect", f"--unit={unit}", *options, "--", *command), _REMEDY)


def _texts(pattern: str) -> dict[str, str]:
    """The files that an C(EnvironmentFile) names, in systemd's order."""
    found = {}
    for path in sorted(glob.glob(pattern)):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as stream:
            found[path] = stream.read()
    return found


def parse(unit: str, shown: str) -> dict[str, Any]:
    """What C(systemctl show) prints, as C(Systemd.show) returns it. An empty text is a unit that does not exist."""
    pairs = [line.split("=", 1) for line in shown.splitlines() if "=" in line]
    values = dict(pairs)
    return {
        "name": unit,
        "load_state": values.get("LoadState", "not-found"),
        "active_state": values.get("ActiveState", "inactive"),
        "sub_state": values.get("SubState", "dead"),
        "result": values.get("Result", ""),
        "pid": int(values.get("MainPID") or 0),
        "fragment_path": values.get("FragmentPath", ""),
        "drop_in_paths": values.get("DropInPaths", "").split(),
        "enabled": values.get("UnitFileState", ""),
        "need_daemon_reload": values.get("NeedDaemonReload") == "yes",
        "restarts": int(values.get("NRestarts") or 0),
        "environment": values.get("Environment", ""),
        "environment_files": [value.rpartition(" (")[0] for name, value in pairs if name == "EnvironmentFiles"],
        "unset_environment": values.get("UnsetEnvironment", ""),
        "exec_start": values.get("ExecStart", "").partition("argv[]=")[2].partition(" ; ignore_errors=")[0],
        "job_pending": values.get("Job", "0") not in ("", "0"),
    }
