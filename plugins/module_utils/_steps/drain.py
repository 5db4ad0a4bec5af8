# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A host is taken out of service for its maintenance, and brought back.

Drained it remembers so on disk, whatever happens to the run that has done it. Its member starts again with its machine.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, maintenance_lease, queries
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    host_files,
    local_member,
    processes,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import maintenance_guard
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Drained, Owner, record_in
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Process
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import MaintenanceWindow, Terms

Clock = Callable[[], float]


@dataclass(frozen=True)
class Drain:
    """What a host is drained for.

    :param owner: whose maintenance it is.
    :param lasts: seconds after which nobody is held up by it any more.
    :param predecessor: the revision of the key of a run of the same owner that is gone; 0 without one.
    """

    owner: Owner
    lasts: int
    predecessor: int = 0


def drain(systemd: Systemd, layout: Layout, asked: Drain, terms: Terms, check: bool) -> dict[str, Any]:
    """Stop the member of a host that its cluster can spare, under the lock that outlives this act.

    :param check: only say whether it may be stopped.
    :returns: C(changed), C(notes).
    :raises Refused: its cluster cannot spare it, somebody else maintains the hosts, or it would not start again.
    """
    with maintenance.on_host(layout, check), contextlib.ExitStack() as stack:
        _check_running(systemd, layout)
        service.check_marker(layout, host_files.read_marker(layout))
        view = service.observe(systemd, layout)
        terms = replace(terms, maintenance=_own(view, layout, terms, asked.owner, asked.predecessor))
        window = stack.enter_context(maintenance.spared(view, layout, terms, check))
        # What the plan saw of the others may be hours ago, and a quorum of a large cluster would do for the guard.
        maintenance_guard.check_others_serve(window.votes, terms.machine | {window.member_id})
        if check:
            return {"changed": True, "notes": window.notes}
        was_drained = record_in(host_files.read_text(layout.drained_file), time.time()).is_valid
        _claim(window, layout, asked)
        try:
            # Its machine may have brought it up while somebody else was waited for.
            process = _check_running(systemd, layout)
            if process:
                window.leave_service(Side.from_environment(process.environment))
        except EtcdError:
            _give_back(window, layout, asked.owner, was_drained)
            raise
        checkpoints.at("drain: leadership moved")
        # One that its gate keeps down is tried again and again.
        systemd.control("stop", layout.unit)
        checkpoints.at("drain: stopped")
    return {"changed": True, "notes": window.notes}


def _check_running(systemd: Systemd, layout: Layout) -> Process | None:
    """The member's process now; None without one.

    :raises Refused: there is one, and it would not start again.
    """
    process = processes.describe(systemd.show(layout.unit)["pid"])
    if process:
        service.check_startable(layout)
        service.check_unforced(systemd, layout)
    return process


def _claim(window: MaintenanceWindow, layout: Layout, asked: Drain) -> None:
    """Say in the cluster and on the host who maintains it, before anything is stopped."""
    if window.lock is None:
        return
    with Client(window.endpoints, window.credentials, queries.TIMEOUT) as client:
        maintenance_lease.take(client, window.lock, asked.owner, asked.lasts)
    checkpoints.at("drain: maintenance begun")
    record = Drained(*asked.owner, until=time.time() + asked.lasts)
    host_files.write(layout.drained_file, record.text().encode(), 0o600, 0, 0)
    checkpoints.at("drain: recorded")


def _give_back(window: MaintenanceWindow, layout: Layout, owner: Owner, was_drained: bool) -> None:
    """Let nothing hold anybody up of a drain that was refused right before the stop."""
    if was_drained:
        return
    host_files.remove(layout.drained_file)
    if not window.terms.maintenance:
        # Whatever prevents it, the lease runs out by itself.
        with contextlib.suppress(EtcdError), Client(window.endpoints, window.credentials, queries.TIMEOUT) as client:
            maintenance_lease.end(client, owner, any_run=False, check=False)


@dataclass(frozen=True)
class Return:
    """How a host is brought back.

    :param owner: whose maintenance it was.
    :param goes_on: it is not over yet: the record stays.
    :param timeout: seconds for the member's start.
    :param is_given_up: no run goes on with it: the record goes, whether or not the member comes back.
    """

    owner: Owner
    goes_on: bool
    timeout: float
    is_given_up: bool = False


def undrain(
    systemd: Systemd, layout: Layout, asked: Return, terms: Terms, check: bool, now: Clock = time.monotonic
) -> dict[str, Any]:
    """Start the member of a drained host, wait until it serves, and see that others reach it anew.

    :param check: only say whether anything is to be done.
    :returns: C(changed), C(notes), and but in check mode C(member_id), C(cluster_id).
    :raises Refused: its gate keeps it down, or by new connections it is not connected.
    :raises HostError: it does not serve in time, or it ends again and again; with its own last words.
    """
    if check:
        return {"changed": True, "notes": []}
    with maintenance.on_host(layout, check):
        if asked.is_given_up:
            # One whose data are gone never serves: what replaces it must not be kept from it.
            host_files.remove(layout.drained_file)
            checkpoints.at("undrain: given up")
        unit = systemd.show(layout.unit)
        is_up = unit["active_state"] in ("active", "activating") and unit["sub_state"] != "auto-restart"
        if not is_up or unit["enabled"] != "enabled":
            service.check_marker(layout, host_files.read_marker(layout))
            service.launch(systemd, layout)
        checkpoints.at("undrain: started")
        view = service.serving(systemd, layout, asked.timeout, now)
        ids = service.remember(layout, view)
        snapshot_timer.follow(systemd, layout)
        checkpoints.at("undrain: serves")
        notes = _welcome(systemd, layout, view, asked, terms)
        if not asked.goes_on:
            host_files.remove(layout.drained_file)
    return {"changed": True, "notes": notes, **ids}


def _welcome(systemd: Systemd, layout: Layout, view: View, asked: Return, terms: Terms) -> list[str]:
    """See that the member is connected both ways before another one may be stopped, and let the maintenance last on."""
    process = processes.describe(systemd.show(layout.unit)["pid"])
    side = Side.from_environment(process.environment if process else {})
    terms = replace(terms, maintenance=_own(view, layout, terms, asked.owner, is_any_run=True))
    try:
        with maintenance.claimed(view, layout, terms, check=False) as window:
            window.welcome(side)
            with Client(window.endpoints, window.credentials, queries.TIMEOUT) as client:
                maintenance_lease.renew(client, asked.owner)
    except cluster_lock.NoSpace as full:
        # It is back, which needs no lock, and so it can be reclaimed with all members.
        return [str(full)]
    return []


def end(systemd: Systemd, layout: Layout, owner: Owner, any_run: bool, terms: Terms, check: bool) -> bool:
    """End the maintenance.

    :param any_run: also where another run of this owner has begun it.
    :returns: whether there was any.
    :raises Refused: it is somebody else's.
    """
    view = service.observe(systemd, layout)
    endpoints = list(dict.fromkeys([*([view.endpoint] if view.serves else []), *terms.endpoints]))
    with Client(endpoints, local_member.credentials(layout), queries.TIMEOUT) as client:
        ended = maintenance_lease.end(client, owner, any_run, check)
    checkpoints.at("maintenance: ended")
    return ended


def _own(view: View, layout: Layout, terms: Terms, owner: Owner, predecessor: int = 0, is_any_run: bool = False) -> int:
    """The revision of the key under which the act is done; 0 where there must be none.

    :param predecessor: of a run that is gone, as the plan saw it.
    :param is_any_run: whether the key of any run of this owner is one's own.
    """
    endpoints = maintenance.endpoints_for(view, layout, terms)
    with Client(endpoints, local_member.credentials(layout), queries.TIMEOUT) as client:
        found = maintenance_lease.find(client)
    if found is not None and (found.owner == owner or (is_any_run and found.owner.name == owner.name)):
        return found.revision
    return predecessor
