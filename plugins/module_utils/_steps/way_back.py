# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The way back of a member's update: what it replaced is put back, on the host and in the cluster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._host import rollback, snapshot_timer
from ansible_collections.quorum.etcd.plugins.module_utils._host.rollback import Previous
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import update_moves
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.update_moves import Move, Standing
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms

Clock = Callable[[], float]


def undo(
    systemd: Systemd, layout: Layout, terms: Terms, timeout: float, check: bool, now: Clock = time.monotonic
) -> bool:
    """Put back what an interrupted update has replaced, and start the member. One that serves is left as it is.

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
            WayBack(host, previous, terms).take(started=True)
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

    def serving(self) -> View:
        return service.serving(self.systemd, self.layout, self.timeout, self.now)


@dataclass
class WayBack:
    """What an update has replaced, put back on the host and in the cluster.

    :param window: what is held for the member already.
    """

    host: UpdatedHost
    previous: Previous
    terms: Terms
    window: MaintenanceWindow | None = None

    def take(self, started: bool) -> None:
        """Walk the moves.

        :param started: whether the member may have been started since.
        :raises Refused: its cluster cannot spare it.
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
        with contextlib.ExitStack() as self._stack:
            for move in update_moves.back(self.host.standing(), started, bool(self.previous.peer_urls)):
                acts[move]()

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
        service.launch(self.host.systemd, self.host.layout, again=True)
        checkpoints.at("undo: restarted")

    def _serve(self) -> None:
        try:
            view = self.host.serving()
        except EtcdError:
            # The next run has something else to try.
            with contextlib.suppress(EtcdError):
                rollback.doubt(self.host.layout)
            raise
        service.remember(self.host.layout, view)

    def _address_back(self) -> None:
        if self.window is None:
            claimed = maintenance.claimed(self.host.observe(), self.host.layout, self.terms, check=False)
            self.window = self._stack.enter_context(claimed)
        self.window.readdress(self.previous.peer_urls)
