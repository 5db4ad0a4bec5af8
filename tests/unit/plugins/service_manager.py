# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service manager that is not systemd: it says what it is told to, and runs transient units as plain processes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd


def _since(journal: str, call: Sequence[str]) -> str:
    """What journalctl prints. Its cursor is the number of characters before it."""
    if "--show-cursor" in call:
        return f"{journal}-- cursor: {len(journal)}\n"
    return journal[int(call[call.index("--after-cursor") + 1]) :] if "--after-cursor" in call else journal


class ServiceManager:
    """What C(Systemd) runs its programs by.

    :param units: unit -> what C(systemctl show) says of it.
    """

    def __init__(self, units: dict[str, dict[str, str]] | None = None) -> None:
        self.units = units or {}
        self.journal = "its last words\n"
        self.calls: list[list[str]] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def systemd(self) -> Systemd:
        return Systemd(self)

    @property
    def done(self) -> list[str]:
        """What was asked of it beyond looking."""
        return [" ".join(call[1:]) for call in self.calls if call[0] == "systemctl" and call[1] != "show"]

    def __call__(self, arguments: Sequence[str]) -> Result:
        call = list(arguments)
        self.calls.append(call)
        output = ""
        if call[:2] == ["systemctl", "show"]:
            output = self._show(call[2])
        elif call[:2] == ["systemctl", "stop"]:
            self._stop(call[2])
        elif call[0] == "systemd-run":
            unit = next(word.partition("=")[2] for word in call if word.startswith("--unit="))
            self.processes[unit] = subprocess.Popen(call[call.index("--") + 1 :], stderr=subprocess.DEVNULL)
        elif call[0] == "journalctl":
            output = _since(self.journal, call)
        return Result(0, output, "")

    def _show(self, unit: str) -> str:
        state = "loaded" if unit in self.units or unit in self.processes else "not-found"
        said = {"LoadState": state, **self.units.get(unit, {})}
        return "".join(f"{name}={value}\n" for name, value in said.items())

    def _stop(self, unit: str) -> None:
        process = self.processes.pop(unit, None)
        if process is not None:
            process.kill()
            process.wait()

    def end(self) -> None:
        for unit in list(self.processes):
            self._stop(unit)
