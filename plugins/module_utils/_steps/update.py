# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One member's update: what differs is written, and where etcd reads that at its start only the member is restarted.

An update whose member does not serve afterwards is undone: its previous files are put back, and so is what the cluster
knew the member by. Whatever ends this process in between, the previous set stays on the host, and C(undo) puts it back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, quota, variable_sources
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    host_files,
    member_files,
    processes,
    rollback,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.rollback import Previous
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms

Clock = Callable[[], float]

# Where the others reach it.
_PEER_ADDRESSES = ("ETCD_LISTEN_PEER_URLS", "ETCD_INITIAL_ADVERTISE_PEER_URLS")

_SERVES_AGAIN = "it serves again with its previous files"


@dataclass(frozen=True)
class Update:
    """What an update is for.

    :param expected: the marker that the plan saw.
    :param name: the member's name from now on.
    :param restart: must the member read something anew?
    :param peer_urls: what the cluster is to know it by from now on; empty where that does not change.
    :param environment: the C(ETCD_*) with which it is to run.
    :param timeout: seconds for its start.
    """

    expected: Marker
    name: str
    restart: bool
    peer_urls: Sequence[str]
    environment: Mapping[str, str]
    timeout: float


@dataclass(frozen=True)
class _UpdatedHost:
    """Where all of it happens."""

    systemd: Systemd
    layout: Layout
    timeout: float
    now: Clock

    def serving(self) -> dict[str, Any]:
        return service.serving(self.systemd, self.layout, self.timeout, self.now)

    def is_ready(self) -> bool:
        return service.is_ready(service.observe(self.systemd, self.layout))

    def put_files_back(self, previous: Previous) -> None:
        # One that was new is gone with its file, and one that was there before runs again.
        snapshot_timer.rest(self.systemd, self.layout)
        rollback.restore(previous)
        self.systemd.control("daemon-reload")
        snapshot_timer.follow(self.systemd, self.layout)
        checkpoints.at("undo: files put back")

    def roll_back(self, previous: Previous) -> dict[str, Any]:
        """Let the member run as it did before, and wait until it serves."""
        self.put_files_back(previous)
        service.launch(self.systemd, self.layout, again=True)
        checkpoints.at("undo: restarted")
        try:
            return self.serving()
        except EtcdError:
            # The next run has something else to try.
            with contextlib.suppress(EtcdError):
                rollback.doubt(self.layout)
            raise


def apply(
    systemd: Systemd,
    layout: Layout,
    content: Content,
    update: Update,
    terms: Terms,
    check: bool,
    now: Clock = time.monotonic,
) -> dict[str, Any]:
    """Update one member.

    :param check: only say what would be written, and whether the member can be spared.
    :returns: C(changed), C(diff), C(notes): what a person should know.
    :raises Refused: the host or the cluster is not as the plan saw it, or cannot spare the member; nothing was changed.
    :raises HostError: it failed and was undone, or could not be.
    """
    host = _UpdatedHost(systemd, layout, update.timeout, now)
    diff = member_files.differences(content)
    other_timer = snapshot_timer.differs(systemd, layout, content)
    with maintenance.on_host(layout, check), contextlib.ExitStack() as stack:
        _check_marker(host_files.read_marker(layout), update.expected)
        interrupted = rollback.read(layout)
        if interrupted and not update.restart and not check:
            _confirm(host, content, interrupted, update, terms)
        readdressed = update.peer_urls or (interrupted and interrupted.peer_urls)
        spare = None
        if update.restart:
            service.check_startable(layout)
            service.check_unforced(systemd, layout, written=True)
        view = service.observe(systemd, layout)
        pid = systemd.show(layout.unit)["pid"]
        runs = bool(pid)
        if update.restart and not readdressed and _raises_quota(pid, update):
            terms = replace(terms, makes_room=True)
        if readdressed or (update.restart and runs):
            # One that is down costs its cluster nothing.
            hold = maintenance.spared if runs else maintenance.claimed
            spare = stack.enter_context(hold(view, layout, terms, check))
        notes = list(spare.notes) if spare else []
        if not check:
            notes += _act(host, content, update, spare, interrupted is not None, service.is_ready(view))
    changed = bool(diff or other_timer or content.leaves or update.restart or update.peer_urls or interrupted)
    return {"changed": changed, "diff": diff, "notes": notes}


def undo(
    systemd: Systemd, layout: Layout, terms: Terms, timeout: float, check: bool, now: Clock = time.monotonic
) -> bool:
    """Put back what an interrupted update has replaced, and start the member. One that serves is left as it is.

    :returns: whether anything was to be done.
    :raises Refused: the cluster cannot spare a member that runs and does not serve.
    :raises HostError: it does not serve with its previous files either.
    """
    host = _UpdatedHost(systemd, layout, timeout, now)
    with maintenance.on_host(layout, check):
        previous = rollback.read(layout)
        view = service.observe(systemd, layout)
        if previous is None or service.is_ready(view):
            return False
        _roll_back_spared(host, previous, view, terms, check)
    return True


def _roll_back_spared(
    host: _UpdatedHost, previous: Previous, view: Mapping[str, Any], terms: Terms, check: bool
) -> None:
    """Put back what an interrupted update has replaced, on the host and in the cluster."""
    layout = host.layout
    with contextlib.ExitStack() as stack:
        spare = None
        if host.systemd.show(layout.unit)["pid"]:
            spare = stack.enter_context(maintenance.spared(view, layout, terms, check))
            if not check:
                spare.leave_service()
        if not check:
            view = host.roll_back(previous)
            if previous.peer_urls:
                # Without a quorum the cluster takes no new address: it may have one only since this member serves.
                spare = spare or stack.enter_context(maintenance.claimed(view, layout, terms, check))
                spare.readdress(previous.peer_urls)
            service.remember(layout, view)
            rollback.drop(layout)


def _confirm(host: _UpdatedHost, content: Content, previous: Previous, update: Update, terms: Terms) -> None:
    """See that a member serves with what an interrupted update has written. One that does not start with it may look
    well for a moment: etcd answers before the last of its listeners fails.
    """
    try:
        host.serving()
    except EtcdError as failure:
        view = service.observe(host.systemd, host.layout)
        back = partial(_roll_back_spared, host, previous, view, terms, check=False)
        raise _undone(host, update, back, _SERVES_AGAIN, failure) from failure
    if any(_stale(host, content)) or any(_differing(host.systemd.show(host.layout.unit), update)):
        raise Refused(
            f"{update.name} has restarted since it was looked at, with other settings than the plan was made for.",
            "Its interrupted update had been put back in part; what it needs now is a restart.",
            AGAIN,
            code="host-changed",
        )


def _raises_quota(pid: int, update: Update) -> bool:
    """Will the member let its database grow further than now?"""
    process = processes.describe(pid) if pid else None
    if process is None:
        return False
    return quota.of_environment(update.environment) > quota.of_environment(process["environment"])


def _act(
    host: _UpdatedHost,
    content: Content,
    update: Update,
    spare: MaintenanceWindow | None,
    interrupted: bool,
    served: bool,
) -> list[str]:
    layout = host.layout
    # The timer may be there and not be wanted any more.
    paths = [*(file["path"] for file in content.files), *content.links, layout.snapshot_timer_file]
    previous = rollback.keep(layout, paths, spare.peer_urls if spare and update.peer_urls else (), served)
    checkpoints.at("update: previous kept")
    stopped = False
    try:
        member_files.ensure_directories(layout)
        member_files.write(layout, content, rollback.generations(previous, layout))
        host.systemd.control("daemon-reload")
        snapshot_timer.follow_file(host.systemd, layout, content)
        checkpoints.at("update: files written")
        if update.restart:
            _let_go(host, update, spare)
            checkpoints.at("update: leadership moved")
        if spare and update.peer_urls:
            spare.readdress(update.peer_urls)
            checkpoints.at("update: readdressed")
        if update.restart:
            stopped = True
            service.launch(host.systemd, layout, again=True)
            checkpoints.at("update: restarted")
        # What it reads at each handshake, such as its certificates, is tried without a restart too.
        view = host.serving() if update.restart or served else service.observe(host.systemd, layout)
        if spare and update.restart:
            spare.welcome(Side.from_environment(update.environment))
    except EtcdError as failure:
        back = partial(_roll_back, host, previous, spare, stopped)
        how = _SERVES_AGAIN if stopped else "its files are the previous ones, it did not stop"
        raise _undone(host, update, back, how, failure) from failure
    checkpoints.at("update: serves")
    stale = list(_stale(host, content))
    if view["status"]:
        service.remember(layout, view, name=update.name)
    if update.restart or not interrupted or (service.is_ready(view) and not stale):
        rollback.drop(layout)
    return [*stale, *(_stubborn(host, update) if update.restart and not stale else ())]


def _let_go(host: _UpdatedHost, update: Update, spare: MaintenanceWindow | None) -> None:
    """The last thing before the restart, once all that it will read is written.

    :raises Refused: its cluster cannot spare it, or it was down and serves by now, which nobody has asked about.
    """
    if spare and spare.guarded:
        spare.leave_service(Side.from_environment(update.environment), reached=not _moves(host, update))
    elif host.is_ready():
        raise Refused(
            f"{update.name} was down when its update began, and serves now.",
            "Whether its cluster can spare it was not asked.",
            AGAIN,
            code="host-changed",
        )


def _moves(host: _UpdatedHost, update: Update) -> bool:
    """Will the others reach it elsewhere? Then they do so only once it is there; its address may have been told to the
    cluster by an update that was interrupted.
    """
    process = processes.describe(host.systemd.show(host.layout.unit)["pid"])
    now = process["environment"] if process else {}
    return bool(update.peer_urls) or any(now.get(name) != update.environment.get(name) for name in _PEER_ADDRESSES)


def _roll_back(host: _UpdatedHost, previous: Previous, spare: MaintenanceWindow | None, stopped: bool) -> None:
    """Put back what this update has replaced, on the host and in the cluster."""
    if stopped:
        if spare and host.is_ready():
            spare.check_again()
        host.roll_back(previous)
    else:
        host.put_files_back(previous)
    if spare and previous.peer_urls:
        spare.readdress(previous.peer_urls)
    rollback.drop(host.layout)


def _undone(
    host: _UpdatedHost, update: Update, roll_back: Callable[[], None], how: str, failure: EtcdError
) -> HostError:
    """Undo an update that failed, and say how that went."""
    try:
        checkpoints.at("update: failed")
        roll_back()
    except EtcdError as second:
        return HostError(
            f"The update of {update.name} failed, and putting its previous files back failed too: {second}\n"
            f"They are kept in {rollback.path_of(host.layout)}. Mend the cause and run the same command again: it "
            f"begins with this member. Why the update itself failed: {failure}"
        )
    return HostError(f"The update of {update.name} failed and was undone: {how}. {failure}")


def _stale(host: _UpdatedHost, content: Content) -> Iterator[str]:
    """What the process has read at its start and is not what was written."""
    process = _running(host.systemd.show(host.layout.unit))
    record = host_files.read_record(host.layout, process["invocation"] if process else "")
    for path in member_files.read_otherwise(content, record):
        yield f"{path} was changed by somebody else: the member runs with another one."


def _differing(unit: Mapping[str, Any], update: Update) -> Iterator[tuple[str, str, str]]:
    """Settings with which it runs, and which are not the wanted ones."""
    process = _running(unit)
    yield from env_file.differing(process["environment"] if process else {}, update.environment)


def _running(unit: Mapping[str, Any]) -> dict[str, Any] | None:
    return processes.describe(unit["pid"]) if unit["pid"] else None


def _stubborn(host: _UpdatedHost, update: Update) -> Iterator[str]:
    """Settings with which it runs although its files, as it read them, say otherwise. No restart mends them."""
    unit = host.systemd.show(host.layout.unit)
    process = _running(unit)
    sources = host.systemd.sources(unit, process["environment"]) if process else []
    for name, has, should in _differing(unit, update):
        source = variable_sources.keeping(sources, host.layout.conf_file, name, should)
        yield variable_sources.kept(update.name, name, has, should, source)


def _check_marker(found: Marker | None, expected: Marker) -> None:
    """Is this still the member that the plan was made for? Its ids and its gate's transitions may have come since."""
    ran = (markers.STARTING, markers.STARTED)
    same = found is not None and (
        (found.cluster, found.token, found.name) == (expected.cluster, expected.token, expected.name)
        and (found.state == expected.state or (found.state in ran and expected.state in ran))
        and expected.member_id in ("", found.member_id)
    )
    if not same:
        raise Refused(
            f"The marker on this host says {found.state if found else 'nothing'!r} now, not {expected.state!r} as when "
            "the plan was made, or speaks of another member.",
            "Somebody else changed this host meanwhile.",
            AGAIN,
            code="host-changed",
        )
