# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""etcd beside its unit: run for a purpose, reachable for no client but the one that has started it.

Its client listener is on a loopback port that is free and that nobody has configured, for programs of this host ask
127.0.0.1:2379. It has the host's certificates where there are any, so that no other user of the host gets in either. It
is a transient unit: a call that was killed leaves nothing that the next one does not find by its name.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import survey
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value
from ansible_collections.quorum.etcd.plugins.module_utils._host import exit_reason, host_files, local_member, processes
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout

_ADDRESS = "127.0.0.1"
# In a URL.
_PORT = re.compile(r":(\d+)\b")
_POLL = 0.2
_ASK = 3.0
_LAST_WORDS = 200
# Seconds: a call that was killed leaves it running, and nobody may come for it.
_LONGEST = 6 * 3600.0

# Where else clients, or those who watch over the member, would find it; and where its last words would not be found.
# And with auto-tls etcd would keep a certificate for loopback.
_ELSEWHERE = (
    "auto-tls",
    "listen-client-http-urls",
    "listen-metrics-urls",
    "log-outputs",
    "enable-log-rotation",
    "log-rotation-config-json",
)

# By which a member compares its data with that of its peers when it starts: before 3.6, and since.
_COMPARED = "experimental-initial-corrupt-check"
_GATES, _GATE = "feature-gates", "InitialCorruptCheck="


def unit_of(layout: Layout, purpose: str) -> str:
    """The transient unit of a purpose."""
    return f"quorum-etcd-{purpose}-{layout.instance}.service"


def free_ports(layout: Layout, count: int) -> list[int]:
    """TCP ports on loopback that nobody listens on now, each another one, and none that the member's settings name or
    that another instance has by its name.
    """
    but = {*map(int, _PORT.findall(" ".join(map(host_files.read_text, layout.conf_files))))}
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            probe = held.enter_context(socket.socket())
            probe.bind((_ADDRESS, 0))
            port = probe.getsockname()[1]
            if port not in but and port % 10000 not in (2379, 2380, 2381):
                found.append(port)
    return found


def alone(layout: Layout, name: str, data_dir: str, wal_dir: str = "") -> dict[str, Value]:
    """Settings of a member that nobody reaches, its peers included; more may be added."""
    client, peer = free_ports(layout, 2)
    settings: dict[str, Value] = {"name": name, "data-dir": data_dir, **_listener(layout, client)}
    if wal_dir:
        settings["wal-dir"] = wal_dir
    secure = os.path.exists(layout.certificate("peer"))
    url = f"{'https' if secure else 'http'}://{_ADDRESS}:{peer}"
    settings |= {"listen-peer-urls": [url], "initial-advertise-peer-urls": [url]}
    settings["advertise-client-urls"] = settings["listen-client-urls"]
    if secure:
        # A plain peer port would open the keys to every user of this host: etcd 3.4 and 3.5 serve clients on it too.
        settings |= {
            "peer-cert-file": layout.certificate("peer"),
            "peer-key-file": layout.certificate("peer-key"),
            "peer-trusted-ca-file": layout.certificate("peer-ca"),
            "peer-client-cert-auth": True,
        }
    return settings


def apart(layout: Layout, given: Mapping[str, str]) -> dict[str, Value]:
    """A member's own settings, but that no client finds it: its peers do, and the member list says what it will.

    It does not ask its peers for the hash of their data when it starts. Members that start at once answer that question
    only after etcd's timeout of 7 s, and learn nothing. Each asks when it starts for its clients, and the others serve.

    :param given: its settings as variables, see C(member_files.settings).
    """
    settings: dict[str, Value] = {
        name.removeprefix("ETCD_").lower().replace("_", "-"): value for name, value in given.items()
    }
    for flag in (*_ELSEWHERE, _COMPARED):
        settings.pop(flag, None)
    gates = [gate for gate in str(settings.pop(_GATES, "")).split(",") if gate and not gate.startswith(_GATE)]
    if gates:
        settings[_GATES] = ",".join(gates)
    return {**settings, **_listener(layout, free_ports(layout, 1)[0])}


def _listener(layout: Layout, port: int) -> dict[str, Value]:
    if not os.path.exists(layout.certificate("etcd")):
        return {"listen-client-urls": [f"http://{_ADDRESS}:{port}"]}
    return {
        "listen-client-urls": [f"https://{_ADDRESS}:{port}"],
        "cert-file": layout.certificate("etcd"),
        "key-file": layout.certificate("etcd-key"),
        "trusted-ca-file": layout.certificate("ca"),
        "client-cert-auth": True,
    }


def start(
    systemd: Systemd,
    layout: Layout,
    purpose: str,
    binary: str,
    settings: Mapping[str, Value],
    lifetime: float = 0,
    flags: Sequence[str] = (),
    is_light: bool = False,
    stands_in: bool = False,
) -> str:
    """Start it without waiting, in the place of one of the same purpose that still runs.

    :param purpose: one lower-case word, part of the unit's name.
    :param binary: the versioned path of etcd.
    :param settings: see C(alone) and C(apart), by etcd's flag names.
    :param lifetime: seconds after which it is ended, whoever has forgotten it; 0 for never.
    :param flags: what must be in no file, on its command line.
    :param is_light: it gets processor and disk only where the member of this host does not want them.
    :param stands_in: it runs on the data of the member itself, whose unit is stopped. Whoever starts that, or boots the
        machine, ends this one first.
    :returns: the URL at which it will answer.
    :raises HostError: systemd would not do it.
    """
    stop(systemd, layout, purpose)
    file = _settings_file(layout, purpose)
    lines = env_file.assignments(settings)
    host_files.make_directory(layout.run_dir, 0o700, 0, 0)
    host_files.write(file, "".join(f"{line}\n" for line in lines).encode(), 0o600, 0, 0)
    properties = {
        "Description": f"etcd, apart from its clients ({purpose})",
        "User": layout.user,
        "Group": layout.group,
        "WorkingDirectory": "/",
        "EnvironmentFile": file,
        "UnsetEnvironment": "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy",
        "LimitNOFILE": "65536",
        # For a member whose settings say memory-mlock.
        "LimitMEMLOCK": "infinity",
        "UMask": "0077",
        "NoNewPrivileges": "yes",
        **({"RuntimeMaxSec": f"{lifetime:.0f}"} if lifetime else {}),
        **({"CPUWeight": "20", "IOWeight": "20", "Nice": "10"} if is_light else {}),
        # Two on one data directory: the second hangs until the first has ended, without a word.
        **({"Conflicts": layout.unit, "Before": layout.unit} if stands_in else {}),
    }
    systemd.run_transient(unit_of(layout, purpose), properties, [binary, *flags])
    return urls.local(str(env_file.environment(settings)["ETCD_LISTEN_CLIENT_URLS"]).split(","))


def endpoint(systemd: Systemd, layout: Layout, purpose: str) -> str:
    """The URL at which the one of a purpose listens, an empty text where none runs."""
    pid = systemd.show(unit_of(layout, purpose))["pid"]
    process = processes.describe(pid) if pid else None
    return process.environment.get("ETCD_LISTEN_CLIENT_URLS", "") if process else ""


def wait(systemd: Systemd, layout: Layout, purpose: str, timeout: float) -> View:
    """Wait until it answers a linearizable read of its own.

    :param timeout: seconds.
    :raises HostError: it ended, or does not answer in time; with its last words.
    """
    unit, deadline = unit_of(layout, purpose), Deadline(timeout)
    error = "It has not been asked yet."
    while True:
        # What it is asked at is in its environment, which is etcd's own only once etcd runs.
        where, ended = endpoint(systemd, layout, purpose), _has_ended(systemd.show(unit))
        if where:
            seen = _look(where, layout)
            if seen.status is not None and not seen.error:
                return seen
            error = seen.error
        if ended or not deadline.left():
            words = systemd.journal(unit, _LAST_WORDS)
            found = (
                f"ended: {exit_reason.reason_in(words)}" if ended else f"does not answer after {timeout:.0f} s. {error}"
            )
            raise HostError(f"{unit} {found}\nIts last words:\n{exit_reason.relevant_lines(words, unit)}")
        time.sleep(_POLL)


def _look(where: str, layout: Layout) -> View:
    try:
        return survey.ask(where, local_member.credentials(layout), _ASK)
    except EtcdError as exc:
        return View(where, error=str(exc))


def _has_ended(unit: Mapping[str, Any]) -> bool:
    return unit["load_state"] == "not-found" or unit["active_state"] in ("inactive", "failed")


def stop(systemd: Systemd, layout: Layout, purpose: str) -> None:
    """End it, and wait until it has; nothing happens where none runs.

    :raises HostError: systemd would not do it.
    """
    unit = unit_of(layout, purpose)
    if systemd.show(unit)["load_state"] != "not-found":
        systemd.control("stop", unit)
    host_files.remove(_settings_file(layout, purpose))


def _settings_file(layout: Layout, purpose: str) -> str:
    return f"{layout.run_dir}/{purpose}.env"


@contextlib.contextmanager
def running(
    systemd: Systemd,
    layout: Layout,
    purpose: str,
    binary: str,
    settings: Mapping[str, Value],
    timeout: float,
    flags: Sequence[str] = (),
    is_light: bool = False,
    stands_in: bool = False,
) -> Iterator[View]:
    """Run it for as long as it is needed.

    :param timeout: seconds until it must answer.
    :param flags: as in C(start), like the next one.
    :returns: what it said first; its C(endpoint) is where it is asked on.
    :raises HostError: it ended, or does not answer in time; with its last words.
    """
    try:
        start(systemd, layout, purpose, binary, settings, _LONGEST, flags, is_light, stands_in)
        yield wait(systemd, layout, purpose, timeout)
    finally:
        stop(systemd, layout, purpose)
