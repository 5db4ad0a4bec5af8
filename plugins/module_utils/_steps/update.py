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
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, kept_settings, quota
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    host_files,
    installed_releases,
    member_files,
    processes,
    rollback,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.rollback import Previous
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard, markers, update_moves, upgrade_rules
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Process
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor
from ansible_collections.quorum.etcd.plugins.module_utils._model.update_moves import Move, Standing
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance, service, upgrade
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms
from ansible_collections.quorum.etcd.plugins.module_utils._steps.way_back import Clock, NoWayBack, UpdatedHost, WayBack

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
    :param from_version: the release that the plan presumes the member to have; empty for any.
    """

    expected: Marker
    name: str
    restart: bool
    peer_urls: Sequence[str]
    environment: Mapping[str, str]
    timeout: float
    from_version: str = ""


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
    host = UpdatedHost(systemd, layout, update.timeout, now)
    diff = member_files.differences(content)
    other_timer = snapshot_timer.differs(systemd, layout, content)
    with maintenance.on_host(layout, check), contextlib.ExitStack() as stack:
        _check_marker(host_files.read_marker(layout), update.expected)
        has = host.release() or installed_releases.named_in(host_files.read_text(layout.unit_file))
        if not check:
            # Of a plan with several releases check mode walks every step on the first one.
            _check_as_presumed(update, has)
        interrupted = rollback.read(layout)
        if interrupted and not update.restart and not check:
            _confirm(host, content, interrupted, update, terms)
        readdressed = update.peer_urls or (interrupted and interrupted.peer_urls)
        window = None
        if update.restart:
            service.check_startable(layout)
            service.check_unforced(systemd, layout, written=True)
            service.check_released(systemd, layout)
        view = service.observe(systemd, layout)
        pid = systemd.show(layout.unit)["pid"]
        standing = Standing(bool(pid), bool(pid) and service.is_ready(view))
        if update.restart and not check:
            to = installed_releases.to_run(content.files, layout)
            upgrade.check_log(layout, update.expected, host.release(), to)
            if not standing.serves:
                upgrade.check_stopped(systemd.run, layout, update.expected, platform.machine(), has, to)
        if update.restart and not readdressed and _raises_quota(pid, update):
            terms = replace(terms, makes_room=True)
        if readdressed or (update.restart and pid):
            # One that is down costs its cluster nothing.
            hold = maintenance.spared if pid else maintenance.claimed
            window = stack.enter_context(hold(view, layout, terms, check))
            if pid and not check:
                _check_release(content, layout, has, window, update.environment)
                if update.peer_urls:
                    guard.check_same_minor(window.votes)
        if update.restart and not check:
            _check_not_older(host, content, has, terms, window)
        notes = list(window.notes) if window else []
        if not check:
            notes += _Forwards(host, content, update, terms, window).take(standing, interrupted is not None)
    changed = bool(diff or other_timer or content.leaves or update.restart or update.peer_urls or interrupted)
    return {"changed": changed, "diff": diff, "notes": notes}


@dataclass
class _Forwards:
    """One update, under the lock of its host."""

    host: UpdatedHost
    content: Content
    update: Update
    terms: Terms
    window: MaintenanceWindow | None

    def take(self, standing: Standing, interrupted: bool) -> list[str]:
        """Walk the moves, and those back where one fails.

        :returns: what a person should know.
        :raises HostError: it failed, and how that ended.
        """
        layout, update = self.host.layout, self.update
        self._served, self._started = standing.serves, False
        self._view: View | None = None
        self._previous: Previous | None = None
        acts: Mapping[Move, Callable[[], None]] = {
            Move.KEEP: self._keep,
            Move.WRITE: self._write,
            Move.STOP: self._stop,
            Move.READDRESS: self._readdress,
            Move.START: self._start,
            Move.VERIFY: self._verify,
        }
        try:
            for move in update_moves.forwards(standing, update.restart, bool(self.window and update.peer_urls)):
                acts[move]()
        except EtcdError as failure:
            if self._previous is None:
                raise
            back = partial(WayBack(self.host, self._previous, self.terms, self.window).take, self._started)
            how = _SERVES_AGAIN if self._started else "its files are the previous ones, it did not stop"
            raise _undone(self.host, update, back, how, failure) from failure
        checkpoints.at("update: serves")
        view = self._view or self.host.observe()
        stale = list(_stale(self.host, self.content))
        if view.status:
            service.remember(layout, view, name=update.name)
        if update.restart or not interrupted or (service.is_ready(view) and not stale):
            rollback.drop(layout)
        return [*stale, *(_stubborn(self.host, update) if update.restart and not stale else ())]

    def _keep(self) -> None:
        layout = self.host.layout
        # What may be there and not be wanted any more: the timer, and the settings in their other form.
        dropped = (layout.snapshot_timer_file, layout.conf_files[1])
        paths = [*(file["path"] for file in self.content.files), *self.content.links, *dropped]
        known_by = self.window.peer_urls if self.window and self.update.peer_urls else ()
        self._previous = rollback.keep(layout, paths, known_by, self._served)
        checkpoints.at("update: previous kept")

    def _write(self) -> None:
        systemd, layout = self.host.systemd, self.host.layout
        member_files.ensure_directories(layout)
        needed = rollback.generations(self._previous, layout) if self._previous else []
        member_files.write(layout, self.content, needed)
        systemd.control("daemon-reload")
        snapshot_timer.follow_file(systemd, layout, self.content)
        checkpoints.at("update: files written")

    def _stop(self) -> None:
        """The last thing before the restart, once all that it will read is written.

        :raises Refused: its cluster cannot spare it, or it was down and serves by now, which nobody has asked about.
        """
        if self.window and self.window.guarded:
            side = Side.from_environment(self.update.environment)
            self.window.leave_service(side, reached=not _moves(self.host, self.update))
        elif self.host.standing().serves:
            raise Refused(
                f"{self.update.name} was down when its update began, and serves now.",
                "Whether its cluster can spare it was not asked.",
                AGAIN,
                code="host-changed",
            )
        checkpoints.at("update: leadership moved")

    def _readdress(self) -> None:
        if self.window:
            self.window.readdress(self.update.peer_urls)
        checkpoints.at("update: readdressed")

    def _start(self) -> None:
        self._started = True
        service.launch(self.host.systemd, self.host.layout, again=True)
        checkpoints.at("update: restarted")

    def _verify(self) -> None:
        self._view = self.host.serving()
        if self.window and self.update.restart:
            self.window.welcome(Side.from_environment(self.update.environment))


def _confirm(host: UpdatedHost, content: Content, previous: Previous, update: Update, terms: Terms) -> None:
    """See that a member serves with what an interrupted update has written. One that does not start with it may look
    well for a moment: etcd answers before the last of its listeners fails.
    """
    try:
        host.serving()
    except EtcdError as failure:
        back = partial(WayBack(host, previous, terms).take, started=True)
        raise _undone(host, update, back, _SERVES_AGAIN, failure) from failure
    if any(_stale(host, content)) or any(_differing(host.systemd.show(host.layout.unit), update)):
        raise Refused(
            f"{update.name} has restarted since it was looked at, with other settings than the plan was made for.",
            "Its interrupted update had been put back in part; what it needs now is a restart.",
            AGAIN,
            code="host-changed",
        )


def _check_as_presumed(update: Update, has: str) -> None:
    """Does the member have the release that it had for the plan? Its files would bring another one back.

    :raises Refused: it does not.
    """
    if has and update.from_version and has != update.from_version:
        raise Refused(
            f"{update.name} has etcd {has} now, and the plan was made for etcd {update.from_version}.",
            "Somebody else gave it another release meanwhile, and this plan would take that back.",
            AGAIN,
            code="host-changed",
        )


def _check_not_older(
    host: UpdatedHost, content: Content, has: str, terms: Terms, window: MaintenanceWindow | None
) -> None:
    """May the member start with an older minor? Only while the other members say that the cluster speaks it.

    :param has: the release that it has.
    :raises Refused: it may not.
    """
    to = installed_releases.to_run(content.files, host.layout)
    if not to or to == has:
        return
    spoken = WayBack(host, Previous({}), terms, window).spoken_by_others()
    newer = [version for version in spoken if minor(version) > minor(to)]
    is_spoken = any(minor(version) == minor(to) for version in spoken)
    # The only member that answers was asked itself, see C(_check_release).
    is_spoken |= window is not None and len(window.votes.members) == len(window.votes.versions) == 1
    if newer or (has and minor(to) < minor(has) and not is_spoken):
        told = f"the cluster speaks {newer[0]}" if newer else "no other member says that the cluster speaks that minor"
        raise Refused(
            f"etcd {to} is to take the place of {has or 'what the member has'}, and {told}.",
            "An older minor does not start there, or misreads the data.",
            "Leave etcd_version unset, or give the version that the members run, and run again."
            if newer
            else "Bring the other members back first, then run again.",
            code="version-lower",
        )


def _check_release(
    content: Content, layout: Layout, has: str, window: MaintenanceWindow, environment: Mapping[str, str]
) -> None:
    """May the member start beside what the others run now?

    :param has: the release that it has, for one that does not say so itself.
    :raises Refused: it may not; etcd would start it.
    """
    to, others = installed_releases.to_run(content.files, layout), window.votes.versions
    if to:
        upgrade_rules.check_step([version for one, version in others.items() if one != window.member_id], to)
        has, pending = others.get(window.member_id) or has, window.votes.downgrade
        if pending and to != has and minor(to) != minor(pending):
            guard.check_downgrade(window.votes)
        if has and minor(to) < minor(has):
            upgrade.check_spoken(to, window.votes.members, Side.from_environment(environment))


def _raises_quota(pid: int, update: Update) -> bool:
    """Will the member let its database grow further than now?"""
    process = processes.describe(pid) if pid else None
    if process is None:
        return False
    return quota.of_environment(update.environment) > quota.of_environment(process.environment)


def _moves(host: UpdatedHost, update: Update) -> bool:
    """Will the others reach it elsewhere? Then they do so only once it is there; its address may have been told to the
    cluster by an update that was interrupted.
    """
    process = processes.describe(host.systemd.show(host.layout.unit)["pid"])
    now = process.environment if process else {}
    return bool(update.peer_urls) or any(now.get(name) != update.environment.get(name) for name in _PEER_ADDRESSES)


def _undone(host: UpdatedHost, update: Update, go_back: Callable[[], None], how: str, failure: EtcdError) -> HostError:
    """Undo an update that failed, and say how that went."""
    try:
        checkpoints.at("update: failed")
        go_back()
    except NoWayBack as closed:
        return HostError(f"The update of {update.name} failed, and was not undone. {closed} Why it failed: {failure}")
    except EtcdError as second:
        if not os.path.exists(rollback.path_of(host.layout)):
            return HostError(
                f"The update of {update.name} failed, and it was not undone: the member has the files of the update, "
                f"and does not serve with them. {second}\n"
                "Mend the cause and run the same command again: it begins with this member. Why the update itself "
                f"failed: {failure}"
            )
        return HostError(
            f"The update of {update.name} failed, and putting its previous files back failed too: {second}\n"
            f"They are kept in {rollback.path_of(host.layout)}. Mend the cause and run the same command again: it "
            f"begins with this member. Why the update itself failed: {failure}"
        )
    return HostError(f"The update of {update.name} failed and was undone: {how}. {failure}")


def _stale(host: UpdatedHost, content: Content) -> Iterator[str]:
    """What the process has read at its start and is not what was written."""
    process = _running(host.systemd.show(host.layout.unit))
    record = host_files.read_record(host.layout, process.identity.invocation if process else "")
    for path in member_files.read_otherwise(content, record):
        yield f"{path} was changed by somebody else: the member runs with another one."


def _differing(unit: Mapping[str, Any], update: Update) -> Iterator[tuple[str, str, str]]:
    """Settings with which it runs, and which are not the wanted ones."""
    process = _running(unit)
    yield from env_file.differing(process.environment if process else {}, update.environment)


def _running(unit: Mapping[str, Any]) -> Process | None:
    return processes.describe(unit["pid"]) if unit["pid"] else None


def _stubborn(host: UpdatedHost, update: Update) -> Iterator[str]:
    """Settings with which it runs although its files, as it read them, say otherwise. No restart mends them."""
    unit = host.systemd.show(host.layout.unit)
    process = _running(unit)
    sources = host.systemd.sources(unit, process.environment) if process else []
    for name, has, should in _differing(unit, update):
        source = kept_settings.keeping(sources, host.layout.conf_file, name, should)
        yield kept_settings.kept(update.name, name, has, should, source)


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
