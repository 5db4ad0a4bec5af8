# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A member's unit: started without waiting, awaited on its own, restarted or stopped where its cluster can spare it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Growth
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import gate_refusals, variable_sources
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    exit_reason,
    gate_check,
    host_files,
    local_member,
    member_storage,
    peer_probe,
    processes,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.peer_port import Side
from ansible_collections.quorum.etcd.plugins.module_utils._steps import maintenance
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms

_POLL = 0.2
# etcd may need one more try, when a peer's name does not resolve yet, say; not three.
_RESTARTS = 2
# Lines of its log in which to look for why it ended: etcd is talkative when it starts.
_LAST_WORDS = 200

Clock = Callable[[], float]


def start(systemd: Systemd, layout: Layout, check: bool) -> bool:
    """Start a member's unit now and at every boot, without waiting: READY comes only with a quorum.

    :returns: whether anything was to be done.
    :raises Refused: its marker does not allow a start, so its gate would not let it through.
    """
    unit = systemd.show(layout.unit)
    # One that ended or was refused waits in auto-restart for its next try: it gets it now.
    trying = unit["active_state"] in ("active", "activating") and unit["sub_state"] != "auto-restart"
    if trying and unit["enabled"] == "enabled":
        return False
    if check:
        return True
    with host_files.acting(layout):
        check_marker(layout, host_files.read_marker(layout))
        launch(systemd, layout)
    return True


def restart(
    systemd: Systemd, layout: Layout, terms: Terms, timeout: float, check: bool, now: Clock = time.monotonic
) -> dict[str, Any]:
    """Restart a member that its cluster can spare, and wait until it serves. One that does not run is started.

    :param timeout: seconds for its start.
    :param check: only say whether it may be restarted.
    :returns: C(changed), C(notes), and but in check mode C(member_id), C(cluster_id).
    :raises Refused: its cluster cannot spare it, or it would not start again.
    :raises HostError: it does not serve in time, or it ends again and again; with its own last words.
    """
    with maintenance.on_host(layout, check), contextlib.ExitStack() as stack:
        check_startable(layout)
        check_unforced(systemd, layout)
        notes, spare, side = [], None, Side()
        process = processes.describe(systemd.show(layout.unit)["pid"])
        if process:
            spare = stack.enter_context(maintenance.spared(observe(systemd, layout), layout, terms, check))
            notes, side = spare.notes, Side.from_environment(process.environment)
            if not check:
                spare.leave_service(side)
        if check:
            return {"changed": True, "notes": notes}
        checkpoints.at("restart: leadership moved")
        launch(systemd, layout, again=True)
        checkpoints.at("restart: begun")
        ids = remember(layout, serving(systemd, layout, timeout, now))
        if spare:
            spare.welcome(side)
    return {"changed": True, "notes": notes, **ids}


def stop(systemd: Systemd, layout: Layout, terms: Terms, check: bool) -> dict[str, Any]:
    """Stop a member that its cluster can spare. It starts again with its machine.

    :returns: C(changed), C(notes).
    :raises Refused: its cluster cannot spare it.
    """
    with maintenance.on_host(layout, check), contextlib.ExitStack() as stack:
        unit = systemd.show(layout.unit)
        if unit["active_state"] in ("inactive", "failed") and not unit["job_pending"]:
            return {"changed": False, "notes": []}
        notes = []
        process = processes.describe(unit["pid"])
        if process:
            spare = stack.enter_context(maintenance.spared(observe(systemd, layout), layout, terms, check))
            notes = spare.notes
            if not check:
                spare.leave_service(Side.from_environment(process.environment))
        if not check:
            checkpoints.at("stop: leadership moved")
            systemd.control("stop", layout.unit)
    return {"changed": True, "notes": notes}


def await_ready(
    systemd: Systemd,
    layout: Layout,
    timeout: float,
    now: Clock = time.monotonic,
) -> dict[str, Any]:
    """Wait until the member serves, then write down which it is, and let its timer run.

    :param timeout: seconds.
    :returns: C(changed), C(member_id), C(cluster_id).
    :raises HostError: it does not serve in time, or it ends again and again; with its own last words.
    :raises Refused: its gate keeps it down.
    """
    view = serving(systemd, layout, timeout, now)
    with host_files.acting(layout):
        before = host_files.read_marker(layout)
        ids = remember(layout, view)
        followed = snapshot_timer.follow(systemd, layout)
        return {"changed": followed or host_files.read_marker(layout) != before, **ids}


def launch(systemd: Systemd, layout: Layout, again: bool = False) -> None:
    """Start the unit without waiting, now and at every boot. Whoever calls holds the host's lock.

    :param again: end what runs first.
    :raises Refused: a process that is not the unit's writes the member's data.
    """
    check_released(systemd, layout)
    _renew(layout)
    peer_probe.stop(systemd, layout)
    # What the gate said before is not what it will say now.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{layout.run_dir}/refused")
    systemd.control("enable", "--no-reload", layout.unit)
    systemd.control("restart" if again else "start", "--no-block", layout.unit)


def check_released(systemd: Systemd, layout: Layout) -> None:
    """Has no process but the member's own its data open for writing?

    :raises Refused: another one has.
    """
    unit = systemd.show(layout.unit)
    # What stands in for the member is ended by systemd before the unit starts.
    units = [layout.stand_in_unit]
    # Of a unit that has ended no process is left: one in a container of its may be.
    if unit["pid"] or unit["active_state"] == "deactivating":
        units.append(layout.unit)

    def is_own(pid: int) -> bool:
        return pid == unit["pid"] or processes.unit_of(pid) in units

    member_storage.check_released(markers.where_it_lies(layout, host_files.read_marker(layout)), is_own)


def _renew(layout: Layout) -> None:
    """Have the marker say on what a member runs that is to be restarted: its gate asks for that."""
    marker = host_files.read_marker(layout)
    wanted = replace(marker, **member_storage.served_on(layout)) if marker is not None else None
    if wanted is not None and wanted != marker:
        host_files.write_marker(layout, marker, wanted)


def serving(
    systemd: Systemd,
    layout: Layout,
    timeout: float,
    now: Clock = time.monotonic,
) -> View:
    """Wait until the member serves, see C(is_ready).

    :param timeout: seconds; they begin again whenever more of the leader's snapshot has come.
    :raises HostError: it does not serve in time, or it ends again and again; with its own last words.
    :raises Refused: its gate keeps it down.
    """
    deadline, growth = now() + timeout, Growth()
    unit = systemd.show(layout.unit)
    restarts = unit["restarts"]
    while True:
        view = _look(layout, unit)
        if is_ready(view):
            return view
        # systemd forgets the tries before when a start is asked for.
        restarts = min(restarts, unit["restarts"])
        _check_alive(systemd, layout, unit, restarts)
        if growth.seen(received(layout)):
            deadline = now() + timeout
        if now() >= deadline:
            words = exit_reason.relevant_lines(systemd.journal(layout.unit, _LAST_WORDS), layout.unit)
            raise HostError(
                f"{layout.unit} is {unit['active_state']} ({unit['sub_state']}) and does not serve after {timeout:.0f} "
                f"s. {view.error} If it only needs longer: etcd_start_timeout.\n{words}"
            )
        time.sleep(_POLL)
        unit = systemd.show(layout.unit)


def received(layout: Layout) -> int:
    """How much of its leader's snapshot a member has received, in bytes (server/etcdserver/api/snap/db.go, SaveDBFrom).

    For as long as that grows its start is worth waiting for, however large the database is.
    """
    found = 0
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(f"{layout.data_dir}/member/snap"):
            if entry.name.startswith("tmp") or entry.name.endswith(".snap.db"):
                with contextlib.suppress(FileNotFoundError):
                    found += entry.stat().st_size
    return found


def is_ready(view: View) -> bool:
    """Is this the view of a voter that serves, or of a learner that answers? It has no vote, and no read of its own."""
    status = view.status
    return view.serves or (status is not None and status.is_learner and not view.error)


def observe(systemd: Systemd, layout: Layout, others: Sequence[str] = ()) -> View:
    """What the member itself says, as C(local_member.of_process) gives it; nobody is asked before its unit is up.

    :param others: see C(local_member.of_process).
    """
    return _look(layout, systemd.show(layout.unit), others)


def _look(layout: Layout, unit: Mapping[str, Any], others: Sequence[str] = ()) -> View:
    # While it is to restart the process is still the one before.
    up = unit["active_state"] == "active" and not unit["job_pending"]
    process = processes.describe(unit["pid"]) if up and unit["pid"] else None
    if process is None:
        return View(error="It waits for a quorum of members: see that the others run.")
    return local_member.of_process(process.environment, layout, 3.0, others)


def check_alive(systemd: Systemd, layout: Layout, restarts: int) -> None:
    """Can what is awaited still come?

    :param restarts: how often the unit had been restarted when the waiting began.
    :raises HostError: it ends again and again; with its own last words.
    :raises Refused: its gate keeps it down.
    """
    _check_alive(systemd, layout, systemd.show(layout.unit), restarts)


def _check_alive(systemd: Systemd, layout: Layout, unit: Mapping[str, Any], restarts: int) -> None:
    reason = host_files.read_text(f"{layout.run_dir}/refused").strip()
    if reason:
        raise Refused(f"The gate of {layout.unit} does not let it start.", reason, "", code="gate-closed")
    ended = unit["active_state"] in ("inactive", "failed") and not unit["job_pending"]
    if ended or unit["restarts"] - restarts >= _RESTARTS:
        if not wal.segments(layout.log_dir):
            # Nothing of it lives yet: at rest it can be mended and tried again.
            systemd.control("stop", layout.unit)
        journal = systemd.journal(layout.unit, _LAST_WORDS)
        cause = exit_reason.reason_in(journal) or f"result {unit['result']}"
        raise HostError(
            f"{layout.unit} ends as soon as it starts: {cause}.{exit_reason.remedy(cause)} Its last words:\n"
            f"{exit_reason.relevant_lines(journal, layout.unit)}"
        )


def check_startable(layout: Layout) -> None:
    """Would the gate let this member start? Ask before it is stopped.

    :raises Refused: it would not.
    """
    marker = host_files.read_marker(layout)
    check_marker(layout, marker)
    if marker is None or marker.state == markers.NEVER_STARTED:
        return
    lies = markers.where_it_lies(layout, marker)
    if not wal.segments(lies.log_dir):
        raise Refused(
            f"There is no write-ahead log in {lies.log_dir}.",
            "Once this member is stopped, its gate keeps it down: its data are gone, or their disk is.",
            "Bring the disk back. If the data are lost, run the playbook: it says what is safe.",
            code="data-missing",
        )
    gate_check.check(lies, marker)


def check_unforced(systemd: Systemd, layout: Layout, written: bool = False) -> None:
    """Would etcd keep the other members at its next start?

    :param written: are our own files written before that?
    :raises Refused: a rescue by hand has left it so that it would drop them.
    """
    source = systemd.forcing(systemd.show(layout.unit))
    if source and not (written and variable_sources.is_ours(source, layout.conf_file, layout.unit_file)):
        raise gate_refusals.of_forced("This host", source).refusal()


def remember(layout: Layout, view: View, name: str = "") -> dict[str, str]:
    """Write down which member serves here. Whoever calls holds the host's lock.

    :param name: the member's name, where that may have changed.
    :returns: C(member_id), C(cluster_id).
    :raises Refused: the marker is gone.
    """
    ids = {"member_id": view.member_id, "cluster_id": view.cluster_id}
    marker = host_files.read_marker(layout)
    if marker is None:
        raise Refused(
            f"{layout.marker_file} is gone while the member runs.",
            "Its gate would not start it again.",
            "Run the playbook: it says what is safe.",
            code="marker-lost",
        )
    wanted = replace(marker, **{**ids, "name": name or marker.name, **member_storage.served_on(layout)})
    if wanted != marker:
        host_files.write_marker(layout, marker, wanted)
    return ids


def check_marker(layout: Layout, marker: Marker | None) -> None:
    """May its gate let the member through, by what the marker says of the cluster's first start?

    :raises Refused: it may not.
    """
    state = marker.state if marker else None
    # One that was to leave and never did is needed: its gate lets it through with its log.
    stays = state == markers.LEAVING and wal.segments(markers.where_it_lies(layout, marker).log_dir)
    if state not in (markers.NEVER_STARTED, markers.STARTING, markers.STARTED) and not stays:
        raise Refused(
            f"The marker on this host says {state or 'nothing'!r}.",
            "Not all hosts have agreed on the cluster's first start: this member's gate would not let it through."
            if state in (None, markers.OFFERED)
            else "This member's gate would not let it through.",
            "Run the playbook: it goes on from what it finds.",
            code="founding-unfinished",
        )
