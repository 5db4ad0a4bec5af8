# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One look at a host: what runs, what lies there, what this member sees of its cluster. Read only."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import disk_space
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import signs_of_life
from ansible_collections.quorum.etcd.plugins.module_utils._config import variable_sources
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    exit_reason,
    host_files,
    installed_releases,
    key_pairs,
    local_member,
    member_files,
    member_storage,
    network,
    peer_side,
    processes,
    rollback,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    systemd as _systemd,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import identity, maintenance_key
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import SIGNATURE, Layout, is_archived
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Process
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._steps import snapshot_status

# Behind etcd's last words a panic prints every goroutine.
_LAST_WORDS = 300
# raft's own text when a leader speaks of entries that this member no longer has (raft/log.go, commitTo).
_BEHIND = re.compile(r"tocommit\(\d+\) is out of range")
# etcd's and bbolt's own texts (server/storage/wal, go.etcd.io/bbolt/errors) about files that they do not take.
_DAMAGED = re.compile(r"walp?b?: crc mismatch|invalid database|checksum error|freepages: ")


@dataclass(frozen=True)
class Interest:
    """What to look at beside the member itself.

    :param ports: TCP ports whose listeners are of interest.
    :param files: files of which the checksum, mode and owner are of interest.
    :param certificates: files whose text is returned; never a key.
    :param addresses: addresses or names that this host should be able to bind to.
    :param timeout: seconds that one question to the member may take.
    :param forget: names, IDs or addresses of members of which to tell whether they can still be reached from here.
    :param cluster: name of the cluster whose snapshots are of interest; empty for none.
    :param snapshot_dir: the directory in which they lie.
    :param snapshot_schedule: when they are to be saved, of which to tell whether systemd understands it.
    """

    ports: Sequence[int]
    files: Sequence[str]
    certificates: Sequence[str]
    addresses: Sequence[str]
    timeout: float
    forget: Sequence[str] = ()
    cluster: str = ""
    snapshot_dir: str = ""
    snapshot_schedule: str = ""


def observe(systemd: Systemd, layout: Layout, interest: Interest) -> dict[str, Any]:
    """Everything that a plan needs to know of one host.

    :raises HostError: the host cannot be looked at.
    """
    if os.geteuid() != 0:
        raise HostError(
            "it was asked by a user who is not root. Set ansible_become: true (and its password), or use root."
        )
    shown = systemd.show(layout.unit) if _systemd.is_running() else _systemd.parse(layout.unit, "")
    unit = _unit(systemd, layout, shown)
    runtime = _runtime(systemd, shown)
    marker, marker_error = _marker(layout)
    listeners = network.listeners(interest.ports)
    invocation = runtime.identity.invocation if runtime else ""
    machine = _host(interest.addresses)
    stored = installed_releases.stored_images(layout, systemd.run, machine["runtimes"])
    return {
        "host": machine,
        "account": _account(layout),
        "free": {"data": disk_space.free(layout.data_dir), "install": disk_space.free(layout.install_dir)},
        "read_only": [path for path in (layout.data_dir, layout.conf_dir, layout.install_dir) if _is_read_only(path)],
        "unsuitable": member_files.unsuitable(layout),
        "unit": unit,
        "runtime": runtime and asdict(runtime),
        "strangers": _strangers(layout, listeners),
        "ports": [listener for listener in listeners if listener["unit"] != layout.unit],
        "releases": installed_releases.versions(layout),
        "images": installed_releases.images(layout, stored),
        "stored_images": stored,
        "files": {path: host_files.describe(path) for path in interest.files},
        "certificates": _texts(interest.certificates),
        "unpaired": key_pairs.problems(interest.certificates),
        "record": host_files.read_record(layout, invocation),
        "refused": host_files.read_text(f"{layout.run_dir}/refused").strip(),
        "marker": marker,
        "marker_error": marker_error,
        "others": {name: one.to_dict() for name, one in host_files.markers_beside(layout).items()},
        "data": _data(layout, unit["last_error"], runtime is not None, interest.snapshot_dir),
        "previous": os.path.exists(rollback.path_of(layout)),
        "previous_doubtful": _is_doubtful(layout),
        "timer": _timer(systemd, layout),
        "snapshots": _snapshots(systemd, layout, interest),
        "cluster": _view_of(runtime.environment, layout, interest) if runtime else None,
        **_at_peer_port(shown["pid"] if runtime else 0, layout, interest.timeout),
        "drained": asdict(maintenance_key.record_in(host_files.read_text(layout.drained_file), time.time())),
    }


def _at_peer_port(pid: int, layout: Layout, timeout: float) -> dict[str, str]:
    """Why the member that runs takes no new connection of a peer, though the old ones live; empty if it does. And the
    version that its cluster speaks.
    """
    process = processes.describe(pid) if pid else None
    if process is None:
        return {"refuses_peers": "", "cluster_version": ""}
    urls = [url for url in process.environment.get("ETCD_INITIAL_ADVERTISE_PEER_URLS", "").split(",") if url]
    side = peer_side.of_running(layout, process)
    refusal = peer_port.refusal(urls, side, timeout)
    told = {} if refusal else peer_port.versions(urls, side, timeout)
    return {"refuses_peers": refusal, "cluster_version": told.get("etcdcluster", "")}


def _timer(systemd: Systemd, layout: Layout) -> dict[str, Any]:
    shown = systemd.show(layout.snapshot_timer) if _systemd.is_running() else _systemd.parse("", "")
    return {name: value for name, value in shown.items() if name not in variable_sources.PRINTED}


def _host(addresses: Sequence[str]) -> dict[str, Any]:
    return {
        "hostname": platform.node(),
        "machine_id": host_files.machine_id(),
        "boot": _boot(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "interpreter": _interpreter(),
        "systemd": _systemd.is_running(),
        "time": time.time(),
        "nonce": secrets.token_hex(16),
        "default_address": network.default_address(),
        "runtimes": [name for name in ("podman", "docker") if shutil.which(name)],
        "not_here": [address for address in addresses if not network.has_address(address)],
    }


def _boot() -> str:
    """What no two running systems share: the kernel's boot, and which of its containers this is."""
    return f"{host_files.read_text('/proc/sys/kernel/random/boot_id').strip()} {os.readlink('/proc/self/ns/pid')}"


def _interpreter() -> str:
    """The path of this Python; where it is the system's own, the one that stays through an upgrade of the system."""
    usual = "/usr/bin/python3"
    return usual if os.path.realpath(usual) == os.path.realpath(sys.executable) else sys.executable


def _account(layout: Layout) -> dict[str, bool]:
    try:
        host_files.owner_ids(layout.user, layout.group)
    except EtcdError:
        return {"exists": False}
    return {"exists": True}


def _is_read_only(path: str) -> bool:
    return bool(disk_space.file_system(path).f_flag & os.ST_RDONLY)


def _unit(systemd: Systemd, layout: Layout, shown: Mapping[str, Any]) -> dict[str, Any]:
    unit = {name: value for name, value in shown.items() if name not in variable_sources.PRINTED}
    text = host_files.read_text(unit["fragment_path"]) if unit["fragment_path"] else ""
    return {
        **unit,
        "forced_by": systemd.forcing(shown),
        "version": installed_releases.named_in(text),
        "ours": text.startswith(SIGNATURE),
        "last_error": exit_reason.reason_in(systemd.journal(layout.unit, _LAST_WORDS)) if _ended_badly(unit) else "",
    }


def _ended_badly(unit: Mapping[str, Any]) -> bool:
    again = unit["sub_state"] == "auto-restart" or unit["restarts"] > 0
    return bool(unit["active_state"] == "failed" or (unit["active_state"] == "activating" and again))


def _runtime(systemd: Systemd, unit: Mapping[str, Any]) -> Process | None:
    """What runs: its kind, version and identity."""
    process = processes.describe(unit["pid"]) if unit["pid"] else None
    # While the gate works the unit's process is a shell.
    if process is None or os.path.basename(process.identity.executable.split(" ", maxsplit=1)[0]) != "etcd":
        return None
    return replace(
        process,
        version=installed_releases.named_in(process.identity.executable),
        command=processes.command_line(unit["pid"]),
        sources=systemd.sources(unit, process.environment),
    )


def _strangers(layout: Layout, listeners: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Processes called etcd that are not this member, and what each of them uses that this member is to have."""
    found = []
    for pid in processes.named("etcd"):
        unit = processes.unit_of(pid)
        if unit != layout.unit:
            command = processes.command_line(pid)
            found.append({"pid": pid, "unit": unit, "command": command, "uses": _used_by(pid, layout, listeners)})
    return found


def _used_by(pid: int, layout: Layout, listeners: Sequence[Mapping[str, Any]]) -> list[str]:
    ports = sorted({listener["port"] for listener in listeners if listener["pid"] == pid})
    places = [path for path in (layout.data_dir, layout.wal_dir, layout.conf_dir) if path]
    # What our link leads to all instances may run.
    if not os.path.realpath(layout.link("etcd")).startswith(f"{os.path.realpath(layout.install_dir)}/"):
        places.append(layout.link("etcd"))
    return [*(f"port {port}" for port in ports), *processes.used(pid, places)]


def _marker(layout: Layout) -> tuple[dict[str, Any] | None, str]:
    try:
        marker = host_files.read_marker(layout)
    except EtcdError as exc:
        return None, str(exc)
    return (marker.to_dict() if marker else None), ""


def _data(layout: Layout, last_error: str, runs: bool, snapshot_dir: str) -> dict[str, Any]:
    nothing = {"foreign": [], "log": False, "member_id": "", "cluster_id": "", "older_than": "", "held": False}
    nothing.update(left="", owner="", not_its_own="", damaged=False, unreadable="", version="")
    try:
        found = {**nothing, **_on_disk(layout, runs, snapshot_dir)}
    except HostError as exc:
        found = {**nothing, "unreadable": str(exc)}
    except OSError as exc:
        found = {**nothing, "unreadable": f"{exc.filename or layout.data_dir} cannot be read: {exc.strerror}."}
    return {
        **found,
        "path": layout.data_dir,
        "wal_dir_is_mount": bool(layout.wal_dir) and os.path.ismount(layout.wal_dir),
        "mounts": host_files.mounts_under(layout),
        # Why its data let the member end again and again, by its own last words.
        "behind": _BEHIND.search(last_error) is not None,
        "damaged": found["damaged"] or _DAMAGED.search(last_error) is not None,
    }


def _on_disk(layout: Layout, runs: bool, snapshot_dir: str) -> dict[str, Any]:
    """What the data directory shows.

    :raises HostError, OSError: its disk does not tell.
    """
    log, damaged = bool(wal.segments(layout.log_dir)), False
    try:
        member_id, cluster_id = wal.identity(layout.log_dir) if log else ("", "")
    except wal.DamagedLog:
        member_id, cluster_id, damaged = "", "", True
    return {
        "foreign": _foreign(layout, snapshot_dir),
        "log": log,
        "member_id": member_id,
        "cluster_id": cluster_id,
        "older_than": member_storage.older_than(layout, member_id, cluster_id),
        "held": runs and member_storage.is_held(layout),
        "left": "" if log else member_storage.left(layout),
        "owner": host_files.describe_owner(layout.log_dir).partition(":")[0] if log else "",
        "not_its_own": _not_its_own(layout),
        "damaged": damaged,
        "version": member_storage.version_of_database(layout) if log and not runs else "",
    }


def _not_its_own(layout: Layout) -> str:
    """The first of etcd's own directories and files that is not its account's, with its owner; empty without one."""
    try:
        uid, _gid = host_files.owner_ids(layout.user, layout.group)
    except EtcdError:
        return ""
    member = os.path.join(layout.data_dir, "member")
    places = [member, os.path.join(member, "snap"), layout.log_dir]
    for place in places:
        inside = [os.path.join(place, name) for name in sorted(os.listdir(place))] if os.path.isdir(place) else []
        for path in (place, *inside):
            # etcd purges old segments meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if os.stat(path).st_uid != uid:
                    return f"{path} ({host_files.describe_owner(path)})"
    return ""


def _foreign(layout: Layout, snapshot_dir: str) -> list[str]:
    """Some of what lies in the data directory and is neither etcd's nor put there by a setting of ours; a disk of its
    own may have lost+found.
    """
    if not os.path.isdir(layout.data_dir):
        return []
    log_file = os.path.basename(layout.log_file) if os.path.dirname(layout.log_file) == layout.data_dir else ""
    stem, ending = os.path.splitext(log_file)
    ours = [os.path.relpath(path, layout.data_dir) for path in (layout.log_file, layout.wal_dir, snapshot_dir) if path]
    etcds = {"member", "fixtures", "lost+found", *(path.partition("/")[0] for path in ours)}
    return sorted(
        name
        for name in set(os.listdir(layout.data_dir)) - etcds
        # etcd rotates its log: NAME-TIME.ENDING, perhaps compressed.
        if not (stem and name.startswith(f"{stem}-") and name.removesuffix(".gz").endswith(ending))
        if not is_archived(name)
    )[:5]


def _is_doubtful(layout: Layout) -> bool:
    """Has nobody seen the member serve with its previous set? One that cannot be read is told of by who needs it."""
    try:
        previous = rollback.read(layout)
    except EtcdError:
        return False
    return previous is not None and previous.doubtful


def _snapshots(systemd: Systemd, layout: Layout, interest: Interest) -> dict[str, Any]:
    """What this host says of the snapshots that its member saves."""
    problem = systemd.calendar_problem(interest.snapshot_schedule) if interest.snapshot_schedule else ""
    return {**snapshot_status.on_host(layout, interest.snapshot_dir, interest.cluster), "schedule_problem": problem}


def _view_of(environment: Mapping[str, str], layout: Layout, interest: Interest) -> dict[str, Any]:
    view = local_member.of_process(environment, layout, interest.timeout)
    named = [one for one in view.members or [] if identity.of_member(one).is_named_by(interest.forget)]
    with ThreadPoolExecutor(max_workers=max(1, len(named))) as pool:
        asker = local_member.asker(layout, view.cluster_id)
        signs = pool.map(lambda member: signs_of_life.find(member, asker, interest.timeout), named)
        found = {member.id: sign for member, sign in zip(named, signs)}
        return replace(view, forgotten=found).to_dict()


def _texts(paths: Sequence[str]) -> dict[str, str]:
    return {path: host_files.read_text(path) for path in paths if os.path.isfile(path)}
