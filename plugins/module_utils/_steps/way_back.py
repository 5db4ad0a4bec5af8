# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The way back of a member's update: what it replaced is put back, on the host and in the cluster."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    exit_reason,
    host_files,
    installed_releases,
    local_member,
    member_files,
    processes,
    rollback,
    snapshot_timer,
    start_log,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.rollback import Previous
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import update_moves
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor
from ansible_collections.quorum.etcd.plugins.module_utils._model.update_moves import Move, Standing
from ansible_collections.quorum.etcd.plugins.module_utils._rpc import peer_port
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms

Clock = Callable[[], float]

# etcd's own words of a release that is too old for what its cluster, or its data, have become
# (server/etcdserver/cluster_util.go, server/storage/schema/schema.go).
_TOO_OLD = re.compile(r"invalid downgrade|version \\*\"?[0-9.]+\\*\"? is not supported")


class NoWayBack(HostError):
    """The release of before cannot come back. The member stays with the one that its update has given it."""


def undo(
    systemd: Systemd,
    layout: Layout,
    terms: Terms,
    timeout: float,
    check: bool,
    now: Clock = time.monotonic,
    foreseen: Sequence[Mapping[str, Any]] = (),
) -> bool:
    """Put back what an interrupted update has replaced, and start the member. One that serves is left as it is.

    :param foreseen: the members as the plan saw them, who are asked where none of them tells its members. They may
        have other peer URLs by now: another rollback of this run gives a member its former ones.
    :returns: whether anything was to be done.
    :raises Refused: the cluster cannot spare a member that runs and does not serve.
    :raises HostError: it does not serve with its previous files either.
    """
    host = UpdatedHost(systemd, layout, timeout, now)
    with maintenance.on_host(layout, check):
        previous, standing = rollback.read(layout), host.standing()
        if previous is None or standing.serves:
            return False
        if not check:
            WayBack(host, previous, terms, foreseen=foreseen).take(started=True)
        elif standing.runs:
            with maintenance.released(host.observe(), layout, terms, serves=False, check=True):
                pass
    return True


@dataclass(frozen=True)
class UpdatedHost:
    """Where all of it happens."""

    systemd: Systemd
    layout: Layout
    timeout: float
    now: Clock

    def observe(self) -> View:
        return service.observe(self.systemd, self.layout)

    def standing(self) -> Standing:
        runs = bool(self.systemd.show(self.layout.unit)["pid"])
        return Standing(runs, runs and service.is_ready(self.observe()))

    def release(self) -> str:
        """The release of its process; empty where none runs, or where its path names none."""
        process = processes.describe(self.systemd.show(self.layout.unit)["pid"])
        return installed_releases.named_in(process.identity.executable) if process else ""

    def serving(self) -> View:
        return service.serving(self.systemd, self.layout, self.timeout, self.now)


@dataclass
class WayBack:
    """What an update has replaced, put back on the host and in the cluster.

    :param window: what is held for the member already.
    :param foreseen: see C(undo).
    """

    host: UpdatedHost
    previous: Previous
    terms: Terms
    window: MaintenanceWindow | None = None
    foreseen: Sequence[Mapping[str, Any]] = ()

    def take(self, started: bool) -> None:
        """Walk the moves.

        :param started: whether the member may have been started since.
        :raises Refused: its cluster cannot spare it.
        :raises NoWayBack: the release of before does not start any more. It has the new one.
        :raises HostError: it does not serve with its previous files.
        """
        acts: Mapping[Move, Callable[[], None]] = {
            Move.STOP: self._stop,
            Move.RESTORE: self._restore,
            Move.START: self._start,
            Move.SERVE: self._serve,
            Move.ADDRESS_BACK: self._address_back,
            Move.DROP: partial(rollback.drop, self.host.layout),
        }
        if started:
            # One that was not started runs what it ran before, whatever its files say.
            self._check_open()
            self.previous = rollback.keep_ahead(self.host.layout, self.previous)
        with contextlib.ExitStack() as self._stack:
            for move in update_moves.back(self.host.standing(), started, bool(self.previous.peer_urls)):
                acts[move]()

    def spoken_by_others(self) -> list[str]:
        """Return which version the cluster speaks, as each other member says it that has heard of one."""
        told = [peer_port.versions(urls, self._side()).get("etcdcluster", "") for urls in self._others() or ()]
        return [version for version in told if version.count(".") == 2]

    def _check_open(self) -> None:
        """An older minor returns only while the cluster still speaks it.

        :raises NoWayBack: it does not, or will not in a moment.
        """
        layout = self.host.layout
        before = installed_releases.named_in(rollback.content(self.previous, layout.unit_file))
        now = installed_releases.named_in(rollback.content(rollback.ahead(self.previous), layout.unit_file))
        if not before or not now or minor(before) >= minor(now):
            return
        new = f"3.{minor(now)}."
        others, serves = self._others(), self.host.standing().serves and self.host.release() == now
        told = [peer_port.versions(urls, self._side()) for urls in others or ()]
        own = peer_port.versions(self._own_urls(), self._side()) if serves else {}
        spoken = [one["etcdcluster"] for one in (*told, own) if one.get("etcdcluster", "").startswith(new)]
        # The leader raises the version by itself once it has seen the last member with the new minor.
        is_last = others is not None and all(one.get("etcdserver", "").startswith(new) for one in told)
        if not spoken and not (is_last and serves):
            return
        why = f"speaks {spoken[0]} by now" if spoken else "speaks that version in a moment, for it was the last one"
        closed = f"its cluster {why}, and etcd {before} does not start there."
        if rollback.is_put_back(self.previous):
            self._go_ahead(closed)
        rollback.drop(layout)
        raise NoWayBack(f"The member stays with etcd {now}: {closed} {AGAIN}")

    def _others(self) -> list[Sequence[str]] | None:
        """The peer URLs of each other member; None where nobody says who the members are."""
        own = set(self._own_urls())
        known = list(self._known())
        return [urls for urls in known if own.isdisjoint(urls)] if known else None

    def _known(self) -> Iterator[Sequence[str]]:
        if self.window:
            yield from (one.peer_urls for one in self.window.votes.members)
            return
        members: Sequence[Any] = ()
        if self.terms.endpoints:
            with contextlib.suppress(EtcdError):
                members = queries.votes(self.terms.endpoints, local_member.credentials(self.host.layout)).members
        yield from (one.peer_urls for one in members)
        if not members:
            yield from (one["peer_urls"] for one in self.terms.members or self.foreseen)

    def _own_urls(self) -> list[str]:
        """Where its cluster may know it by now, or before its update."""
        layout = self.host.layout
        sets = (self.previous, rollback.ahead(self.previous))
        texts = [
            text
            for path in layout.conf_files
            for text in (host_files.read_text(path), *(rollback.content(one, path) for one in sets))
        ]
        said = ",".join(env_file.read(text).get("ETCD_INITIAL_ADVERTISE_PEER_URLS", "") for text in texts)
        return [url for url in dict.fromkeys([*said.split(","), *self.previous.peer_urls]) if url]

    def _side(self) -> Side:
        return Side.from_environment(member_files.settings(self.host.layout))

    def _stop(self) -> None:
        view, layout = self.host.observe(), self.host.layout
        released = maintenance.released(view, layout, self.terms, service.is_ready(view), window=self.window)
        self.window = self._stack.enter_context(released) or self.window

    def _restore(self) -> None:
        systemd, layout = self.host.systemd, self.host.layout
        # One that was new is gone with its file, and one that was there before runs again.
        snapshot_timer.rest(systemd, layout)
        rollback.restore(self.previous)
        systemd.control("daemon-reload")
        snapshot_timer.follow(systemd, layout)
        checkpoints.at("undo: files put back")

    def _start(self) -> None:
        self._begun = start_log.mark(self.host.systemd, self.host.layout)
        service.launch(self.host.systemd, self.host.layout, again=True)
        checkpoints.at("undo: restarted")

    def _serve(self) -> None:
        try:
            view = self.host.serving()
        except EtcdError as failure:
            said = start_log.since(self.host.systemd, self.host.layout, self._begun)
            refused = [line for line in said.splitlines() if _TOO_OLD.search(line)]
            if refused:
                self._go_ahead(f"etcd refuses the one of before: {exit_reason.sentence(refused[-1])}", failure)
            # The next run has something else to try.
            with contextlib.suppress(EtcdError):
                rollback.doubt(self.host.layout)
            raise
        service.remember(self.host.layout, view)

    def _go_ahead(self, why: str, cause: EtcdError | None = None) -> None:
        """The release of before cannot serve: the member goes on with the one that its update has given it.

        :param why: as a sentence.
        :raises NoWayBack: it serves again with that.
        :raises HostError: it does not.
        """
        systemd, layout = self.host.systemd, self.host.layout
        rollback.restore(rollback.ahead(self.previous))
        systemd.control("daemon-reload")
        rollback.drop(layout)
        snapshot_timer.follow(systemd, layout)
        service.launch(systemd, layout, again=True)
        try:
            view = self.host.serving()
        except EtcdError as second:
            raise HostError(f"{second}\nIts previous files cannot come back: {why}") from second
        service.remember(layout, view)
        raise NoWayBack(f"It serves again with the new release, for {why}") from cause

    def _address_back(self) -> None:
        if self.window is None:
            claimed = maintenance.claimed(self.host.observe(), self.host.layout, self.terms, check=False)
            self.window = self._stack.enter_context(claimed)
        self.window.readdress(self.previous.peer_urls)
