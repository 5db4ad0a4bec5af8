# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A proxy on its host: looked at, made to be what is wanted, taken away."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._config import proxy_unit
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    exit_reason,
    host_files,
    installed_releases,
    key_pairs,
    member_files,
    network,
    processes,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd, is_running
from ansible_collections.quorum.etcd.plugins.module_utils._model import proxy as model
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.proxy import Running
from ansible_collections.quorum.etcd.plugins.module_utils._proxy import health

_UNITS = "/etc/systemd/system"
# 3.5 and 3.6 end with these words where nothing answers at the URL that they tell clients.
_ADVERTISED, _UNREACHED = "--advertise-client-url=", "context deadline exceeded"
_SUFFIX = ".service"


@dataclass(frozen=True)
class Wanted:
    """What a proxy is to be.

    :param command: the arguments of its process.
    :param bundle: the checksum of the CA bundle that it reads, or empty.
    :param health: as C(proxy_unit.health) returns it.
    :param members: endpoints that must be no proxies, and C(ask), with what they are asked.
    :param timeout: seconds until it must serve.
    """

    command: Sequence[str]
    bundle: str
    health: Mapping[str, str]
    members: Sequence[str]
    ask: Mapping[str, str]
    timeout: float


def look(requests: Sequence[Mapping[str, Any]], systemd: Systemd) -> dict[str, Any]:
    """Return what there is of the proxies that are asked for, and what the host is. Nothing is changed.

    :param requests: for each its C(layout), C(health), C(ports), C(hosts) that it listens on and C(files) of the
        operator's own.
    """
    ports = [port for one in requests for port in one["ports"]]
    hosts = {host for one in requests for host in one["hosts"]}
    files = {path for one in requests for path in one["files"]}
    layouts = [Layout.from_dict(one["layout"]) for one in requests]
    return {
        "is_root": os.geteuid() == 0,
        "has_systemd": is_running(),
        "machine": platform.machine(),
        "address": network.default_address(),
        "foreign_hosts": sorted(host for host in hosts if not network.has_address(host)),
        "listeners": network.listeners(ports),
        "files": {path: host_files.read_text(path) for path in sorted(files)},
        "proxies": {layout.instance: _seen(layout, one["health"], systemd) for layout, one in zip(layouts, requests)},
        "others": sorted(_units() - {layout.instance for layout in layouts}),
    }


def _units() -> set[str]:
    """The proxies on this host that are ours."""
    names = os.listdir(_UNITS) if os.path.isdir(_UNITS) else []
    return {
        name[: -len(_SUFFIX)]
        for name in names
        if name.startswith(model.PREFIX)
        and name.endswith(_SUFFIX)
        and proxy_unit.is_ours(host_files.read_text(os.path.join(_UNITS, name)))
    }


def _seen(layout: Layout, asked: Mapping[str, str], systemd: Systemd) -> dict[str, Any]:
    shown = systemd.show(layout.unit)
    running = _running(shown)
    leaf = layout.certificate(proxy_unit.LEAF)
    unit = host_files.read_text(layout.unit_file)
    return {
        "unit": unit,
        "version": installed_releases.named_in(unit),
        "unit_exists": os.path.lexists(layout.unit_file),
        "enabled": shown["enabled"],
        "drop_ins": shown["drop_in_paths"],
        "effective": shown["exec_start"],
        "command": list(running.command),
        "bundle": running.bundle,
        "certificate": host_files.read_text(leaf),
        "key": host_files.describe(layout.certificate(f"{proxy_unit.LEAF}-key")),
        "unpaired": key_pairs.problems([leaf]).get(leaf, ""),
        "bundle_file": host_files.describe(layout.certificate("ca"))["sha256"],
        "problem": health.problem(asked) if asked and shown["pid"] else "",
    }


def ensure(layout: Layout, content: Content, wanted: Wanted, systemd: Systemd, check: bool) -> dict[str, Any]:
    """Make a proxy what is wanted, and see that it serves.

    Its process stays where it may, see C(model.why_restart). One that does not serve with what is new gets what it had
    before.

    :param check: only say what would be done.
    :returns: C(changed), C(diff), C(restarted) (why, in words).
    :raises Refused: a unit of somebody else has its name, or an endpoint is a proxy.
    :raises HostError: the host would not do it, or the proxy does not serve.
    """
    before = host_files.read_text(layout.unit_file)
    if os.path.lexists(layout.unit_file):
        proxy_unit.check_ours(layout, before)
    with host_files.acting(layout):
        shown = systemd.show(layout.unit)
        running = _running(shown)
        restarts = []
        if not model.is_overridden(shown["drop_in_paths"], shown["exec_start"], running.command):
            restarts = model.why_restart(running, wanted.command, wanted.bundle)
        differences = member_files.differences(content)
        changed = bool(differences or content.leaves or restarts or not running.enabled)
        result = {"changed": changed, "diff": differences, "restarted": restarts}
        if check or not changed:
            return result
        _write(layout, content, wanted)
        systemd.control("daemon-reload")
        checkpoints.at("proxy: files written")
        if not running.enabled:
            systemd.control("enable", layout.unit)
        if restarts:
            _restart(layout, wanted, systemd, before if running.command else "")
        return result


def _running(shown: Mapping[str, Any]) -> Running:
    """What runs, out of what systemd shows of its unit."""
    pid, enabled = shown["pid"], shown["enabled"] == "enabled"
    if not pid:
        return Running(enabled=enabled)
    bundle = processes.environment(pid).get(model.BUNDLE_VARIABLE, "")
    return Running(tuple(processes.command_line(pid)), bundle, enabled)


def _write(layout: Layout, content: Content, wanted: Wanted) -> None:
    """What it needs first, its unit last: until then nothing that runs has changed."""
    uid, gid = host_files.owner_ids(layout.user, layout.group)
    host_files.make_directory(os.path.dirname(layout.conf_dir), 0o755, 0, 0)
    for path in (layout.conf_dir, layout.ssl_dir):
        host_files.open_directory(path, uid, gid)
    unit = [file for file in content.files if file["path"] == layout.unit_file]
    others = [file for file in content.files if file["path"] != layout.unit_file]
    member_files.write(layout, replace(content, files=others))
    health.check_members(wanted.members, wanted.ask)
    member_files.write(layout, replace(content, files=unit, links={}, leaves={}, keys={}))


def _restart(layout: Layout, wanted: Wanted, systemd: Systemd, before: str) -> None:
    """Restart it, and wait until it serves.

    :param before: the unit with which it ran; empty where it did not run.
    :raises HostError: it does not serve; it runs with what it had before.
    """
    end = systemd.journal_end(layout.unit)
    problem = _started(layout, systemd) or health.await_service(wanted.health, Deadline(wanted.timeout))
    if not problem:
        return
    said = _last_words(systemd.journal_since(layout.unit, end), layout.unit)
    text = f"{layout.unit} does not serve: {problem}" + (f" It said: {said}." if said else "")
    url = next((word for word in wanted.command if word.startswith(_ADVERTISED)), "")
    if url and _UNREACHED in said:
        text += (
            f" At its start it dials {url[len(_ADVERTISED) :]}, which must lead to itself: see advertise_client_url."
        )
    if before:
        host_files.write(layout.unit_file, before.encode(), 0o644, 0, 0)
        systemd.control("daemon-reload")
        still = _started(layout, systemd) or health.await_service(wanted.health, Deadline(wanted.timeout))
        text += (
            f" With its former settings it does not either: {still}"
            if still
            else " It was started again with its former settings, and serves with them."
        )
    raise HostError(f"{text} All of it: journalctl -u {layout.unit}")


def _last_words(journal: str, unit: str) -> str:
    """Why it ended: its last line that is no entry of its log, and not systemd's."""
    own = [line for line in journal.splitlines() if line and not line.startswith("{") and unit not in line]
    return exit_reason.reason_in(journal) or (own[-1] if own else "")


def _started(layout: Layout, systemd: Systemd) -> str:
    """Why systemd could not start it; empty if it could."""
    try:
        systemd.control("restart", layout.unit)
    except HostError as exc:
        return str(exc)
    return ""


def remove(layout: Layout, systemd: Systemd, check: bool) -> dict[str, Any]:
    """Stop a proxy, and remove its unit and its certificates. It has nothing that cannot be made again.

    :returns: C(changed), C(diff). A unit of somebody else that has its name is left alone.
    """
    unit = host_files.read_text(layout.unit_file)
    is_there = proxy_unit.is_ours(unit)
    if os.path.lexists(layout.unit_file) and not is_there:
        return {"changed": False, "diff": {}}
    changed = is_there or os.path.isdir(layout.conf_dir)
    if changed and not check:
        with host_files.acting(layout):
            if is_there:
                systemd.control("disable", "--now", layout.unit)
                host_files.remove(layout.unit_file)
                systemd.control("daemon-reload")
            shutil.rmtree(layout.conf_dir, ignore_errors=True)
    return {"changed": changed, "diff": {"before": {layout.unit: "present"} if changed else {}, "after": {}}}
