# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""systemd as seen and moved by systemctl. Nothing here decides."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._errors import HostError

_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "FragmentPath",
    "DropInPaths",
    "UnitFileState",
    "NeedDaemonReload",
    "NRestarts",
)


def is_running() -> bool:
    """Is systemd this host's init (sd_booted(3))?"""
    return os.path.isdir("/run/systemd/system")


def _run(arguments: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            list(arguments),
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as exc:
        raise HostError(f"{arguments[0]} is not on this host: it needs systemd.") from exc
    if done.returncode:
        text = done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace").strip()
        raise HostError(f"{' '.join(arguments)} failed: {text}")
    return done.stdout.decode(errors="replace")


def systemctl(*arguments: str) -> str:
    """Run systemctl.

    :raises HostError: it failed, with its own words.
    """
    return _run(("systemctl", *arguments))


def show(unit: str) -> dict[str, Any]:
    """One unit's state: C(load_state), C(active_state), C(sub_state), C(result), C(pid) (0 when nothing runs),
    C(fragment_path), C(drop_in_paths), C(enabled) (systemd's word, for example C(enabled) or C(masked)),
    C(need_daemon_reload), C(restarts).
    """
    text = systemctl("show", unit, "--property", ",".join(_PROPERTIES))
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {
        "name": unit,
        "load_state": values.get("LoadState", ""),
        "active_state": values.get("ActiveState", ""),
        "sub_state": values.get("SubState", ""),
        "result": values.get("Result", ""),
        "pid": int(values.get("MainPID") or 0),
        "fragment_path": values.get("FragmentPath", ""),
        "drop_in_paths": values.get("DropInPaths", "").split(),
        "enabled": values.get("UnitFileState", ""),
        "need_daemon_reload": values.get("NeedDaemonReload") == "yes",
        "restarts": int(values.get("NRestarts") or 0),
    }


def journal(unit: str, lines: int = 20) -> str:
    """The unit's last log lines, for a person; empty where the journal cannot be read."""
    try:
        return _run(("journalctl", "--unit", unit, "--lines", str(lines), "--no-pager", "--output", "cat")).strip()
    except HostError:
        return ""


#: What C(show) would say of a unit that does not exist.
NO_UNIT: dict[str, Any] = {
    "name": "",
    "load_state": "not-found",
    "active_state": "inactive",
    "sub_state": "dead",
    "result": "",
    "pid": 0,
    "fragment_path": "",
    "drop_in_paths": [],
    "enabled": "",
    "need_daemon_reload": False,
    "restarts": 0,
}


def run_transient(unit: str, properties: Mapping[str, str], command: Sequence[str]) -> None:
    """Run a command as a unit that has no file and is forgotten when it ends.

    :raises HostError: it cannot be started.
    """
    options = [f"--property={name}={value}" for name, value in properties.items()]
    _run(("systemd-run", "--quiet", "--collect", f"--unit={unit}", *options, "--", *command))
