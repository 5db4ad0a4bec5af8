# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host below a directory, whose member is a real etcd behind its real gate; systemd is as little as that needs."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, installed_releases
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from cluster import Cluster, binary, free_ports
from inventory_of import bare
from layout_below import layout_below


class MemberHost:
    """A host that is to be a member of a plain cluster.

    :param at: which one: it is called C(etcd-hostAT).
    """

    def __init__(self, directory: Path, version: str, at: int) -> None:
        self.layout = layout_below(directory)
        self.version = version
        self._at = at
        self._ports = free_ports(2)
        self._log = directory / "journal"
        self._process: subprocess.Popen[bytes] | None = None
        self._unit = {"ActiveState": "inactive", "SubState": "dead", "UnitFileState": "disabled"}
        self._watchers: list[threading.Thread] = []
        self._transient: dict[str, subprocess.Popen[bytes]] = {}
        self.told: list[str] = []
        self.exec_start = "/opt/etcd/etcd"

    # -- what it is to be --------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> Desired:
        host = bare(
            self._at,
            layout=self.layout,
            etcd_address="127.0.0.1",
            etcd_client_port=self._ports[0],
            etcd_peer_port=self._ports[1],
            etcd_settings={"listen-metrics-urls": None},
        )
        assert host.wanted is not None
        return host.wanted

    def content(self, more: str = "") -> Content:
        """Its files.

        :param more: a line more in its settings, which nobody has checked.
        """
        # All of it is this very user's.
        own = {"owner": self.layout.user, "group": self.layout.group}
        files = [{**vars(file), **own} for file in render.files(self.wanted, self.version, "x86_64", sys.executable)]
        for file in files:
            file["content"] += f"{more}\n" if file["path"] == self.layout.conf_file else ""
        return Content(files, {}, {}, {})

    def written(self, path: str, content: str, mode: str) -> dict[str, str]:
        """A file beside them, this very user's as well."""
        return {"path": path, "content": content, "mode": mode, "owner": self.layout.user, "group": self.layout.group}

    @property
    def name(self) -> str:
        return self.wanted.name

    @property
    def marker(self) -> Marker | None:
        return host_files.read_marker(self.layout)

    def mark(self, **changes: Any) -> None:
        marker = self.marker
        assert marker is not None
        Path(self.layout.marker_file).write_text(markers.render(replace(marker, **changes)))

    def write_settings_as(self, form: str) -> None:
        """Let its settings file have another form from now on."""
        self.layout = replace(self.layout, config_format=form)

    # -- systemd -----------------------------------------------------------------------------------------------------

    @property
    def systemd(self) -> Systemd:
        return Systemd(self)

    @property
    def unit(self) -> dict[str, str]:
        return dict(self._unit)

    def __call__(self, arguments: Sequence[str]) -> Result:
        call = list(arguments)
        if call[:2] == ["systemctl", "show"]:
            return Result(0, self._show(call[2]), "")
        if call[0] == "journalctl":
            lines = self._log_of(call[2]).read_text(errors="replace").splitlines()
            if "--show-cursor" in call:
                return Result(0, f"{lines[-1] if lines else ''}\n-- cursor: {len(lines)}\n", "")
            if "--after-cursor" in call:
                return Result(0, "\n".join(lines[int(call[call.index("--after-cursor") + 1]) :]), "")
            return Result(0, "\n".join(lines[-200:]), "")
        if call[0] == "systemd-run":
            self._run_transient(call)
            return Result(0, "", "")
        if call[0] != "systemctl":
            done = subprocess.run(call, capture_output=True, text=True, check=False)
            return Result(done.returncode, done.stdout, done.stderr)
        self.told.append(" ".join(call[1:]))
        verb = call[1]
        if verb == "stop" and call[2] in self._transient:
            self._end_transient(call[2])
            return Result(0, "", "")
        if verb in ("stop", "restart"):
            self.end(signal.SIGTERM)
            self._unit.update(ActiveState="inactive", SubState="dead")
        # One that runs is not started again.
        if verb in ("start", "restart") and (self._process is None or self._process.poll() is not None):
            self._launch()
        if verb in ("enable", "disable"):
            self._unit["UnitFileState"] = f"{verb}d"
        return Result(0, "", "")

    def pause(self) -> None:
        """Stop the process where it is."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the process, and wait until the unit knows."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
        for watcher in self._watchers:
            watcher.join()
        self._watchers.clear()

    def end_all(self) -> None:
        """End its member, and all that runs beside it."""
        for unit in list(self._transient):
            self._end_transient(unit)
        self.end()

    def _run_transient(self, call: Sequence[str]) -> None:
        options, command = call[1 : call.index("--")], call[call.index("--") + 1 :]
        given = dict(option.removeprefix("--").split("=", 1) for option in options if "=" in option)
        unit = given["unit"]
        file = next(option for option in options if option.startswith("--property=EnvironmentFile="))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD")}
        environment |= _settings(file.split("=", 2)[2])
        with self._log_of(unit).open("ab") as log:
            self._transient[unit] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _end_transient(self, unit: str) -> None:
        process = self._transient.pop(unit)
        process.send_signal(signal.SIGTERM)
        process.wait()

    def _log_of(self, unit: str) -> Path:
        return self._log if unit == self.layout.unit else self._log.with_name(unit)

    def _show(self, unit: str) -> str:
        process = self._transient.get(unit)
        if process is not None and process.poll() is None:
            return f"LoadState=loaded\nActiveState=active\nSubState=running\nMainPID={process.pid}\n"
        if unit != self.layout.unit or not Path(self.layout.unit_file).exists():
            return "LoadState=not-found\n"
        said = {"LoadState": "loaded", "FragmentPath": self.layout.unit_file, **self._unit}
        said["ExecStart"] = f"{{ path=etcd ; argv[]={self.exec_start} ; ignore_errors=no ; }}"
        said["Environment"] = self._unit_says("Environment")
        return "".join(f"{name}={value}\n" for name, value in said.items())

    def _launch(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD")}
        given, command = self._unit_says("Environment"), [binary(self._release())]
        if given:
            name, _equals, value = given.partition("=")
            environment[name] = value
            command += [word for word in self._unit_says("ExecStart").split() if word.startswith("--config-file=")]
        else:
            environment.update(_settings(next(path for path in self.layout.conf_files if path.endswith(".conf"))))
        environment["INVOCATION_ID"] = uuid.uuid4().hex
        if self._gate("before", environment) != 0:
            self._unit.update(ActiveState="activating", SubState="auto-restart", MainPID="0")
            return
        if not given:
            environment.update(_settings(f"{self.layout.run_dir}/bootstrap.env"))
        notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = f"{self.layout.root}/notify"
        Path(path).unlink(missing_ok=True)
        notified.bind(path)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**environment, "NOTIFY_SOCKET": path}, stdout=log, stderr=log
            )
        self._unit.update(ActiveState="activating", SubState="start", MainPID=str(self._process.pid))
        arguments = (self._process, notified, environment)
        self._watchers = [threading.Thread(target=run, args=arguments) for run in (self._await_ready, self._await_end)]
        for watcher in self._watchers:
            watcher.start()

    def _unit_says(self, key: str) -> str:
        """What its unit file says last behind a key; empty where it says nothing."""
        unit = Path(self.layout.unit_file)
        lines = unit.read_text().splitlines() if unit.exists() else []
        return next((line.partition("=")[2] for line in reversed(lines) if line.startswith(f"{key}=")), "")

    def _release(self) -> str:
        """That which its unit names."""
        unit = Path(self.layout.unit_file)
        return installed_releases.named_in(unit.read_text() if unit.exists() else "") or self.version

    def _await_ready(
        self, process: subprocess.Popen[bytes], notified: socket.socket, environment: dict[str, str]
    ) -> None:
        notified.settimeout(0.1)
        with notified:
            while process.poll() is None:
                try:
                    ready = b"READY=1" in notified.recv(4096)
                except TimeoutError:
                    continue
                if ready:
                    self._gate("ready", environment)
                    self._unit.update(ActiveState="active", SubState="running")
                    return

    def _await_end(
        self, process: subprocess.Popen[bytes], _notified: socket.socket, environment: dict[str, str]
    ) -> None:
        status = process.wait()
        self._watchers[0].join()
        self._gate("after", environment)
        failed = status not in (0, -signal.SIGTERM)
        self._unit.update(ActiveState="failed" if failed else "inactive", MainPID="0", Result="exit-code")

    def _gate(self, moment: str, environment: dict[str, str]) -> int:
        with self._log.open("ab") as log:
            return subprocess.run(
                ["sh", self.layout.gate_file, moment], env=environment, stdout=log, stderr=log, check=False
            ).returncode


def _settings(path: str) -> dict[str, str]:
    if not Path(path).exists():
        return {}
    return dict(line.split("=", 1) for line in shlex.split(Path(path).read_text(), comments=True))


def members_of(cluster: Cluster) -> list[ClusterMember]:
    with cluster.client() as client:
        return list(client.member_list().members)
