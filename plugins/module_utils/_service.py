# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A member's unit: started without waiting, awaited on its own."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from typing import Any, Callable

from ansible_collections.quorum.etcd.plugins.module_utils import (
    _hostfiles,
    _marker,
    _probe,
    _process,
    _view,
    _wal,
)
from ansible_collections.quorum.etcd.plugins.module_utils._errors import HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._systemd import Systemd

_POLL = 0.2
# etcd may need one more try, when a peer's name does not resolve yet, say; not three.
_RESTARTS = 2


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
    with _hostfiles.acting(layout):
        marker = _hostfiles.read_marker(layout)
        state = marker.state if marker else None
        if state not in (_marker.NEVER_STARTED, _marker.STARTING, _marker.STARTED):
            raise Refused(
                f"The marker on this host says {state or 'nothing'!r}.",
                "Not all hosts have agreed on the cluster's first start: this member's gate would not let it through.",
                "Run the playbook: it goes on from what it finds.",
            )
        _probe.stop(systemd, layout)
        # What the gate said before is not what it will say now.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{layout.run_dir}/refused")
        systemd.control("enable", "--no-reload", layout.unit)
        systemd.control("start", "--no-block", layout.unit)
    return True


def await_ready(
    systemd: Systemd, layout: Layout, timeout: float, now: Callable[[], float] = time.monotonic
) -> dict[str, Any]:
    """Wait until the member serves, then write down which it is.

    :param timeout: seconds.
    :returns: C(changed), C(member_id), C(cluster_id).
    :raises HostError: it does not serve in time, or it ends again and again; with its own last words.
    :raises Refused: its gate keeps it down.
    """
    deadline = now() + timeout
    before = systemd.show(layout.unit)["restarts"]
    while True:
        unit = systemd.show(layout.unit)
        view = _look(layout, unit["pid"]) if unit["active_state"] == "active" else None
        if view is not None and view["serves"]:
            return _remember(layout, view)
        _check_alive(systemd, layout, unit, before)
        if now() >= deadline:
            why = view["error"] if view else "It waits for a quorum of members: see that the others run."
            raise HostError(
                f"{layout.unit} is {unit['active_state']} ({unit['sub_state']}) and does not serve after {timeout:.0f} "
                f"s. {why}\n{systemd.journal(layout.unit)}"
            )
        time.sleep(_POLL)


def _look(layout: Layout, pid: int) -> dict[str, Any] | None:
    process = _process.describe(pid) if pid else None
    return _view.of_process(process["environment"], layout, timeout=3.0) if process else None


def _check_alive(systemd: Systemd, layout: Layout, unit: dict[str, Any], before: int) -> None:
    reason = _hostfiles.read_text(f"{layout.run_dir}/refused").strip()
    if reason:
        raise Refused(f"The gate of {layout.unit} does not let it start.", reason, "")
    ended = unit["active_state"] in ("inactive", "failed") and not unit["job_pending"]
    if ended or unit["restarts"] - before >= _RESTARTS:
        if not _wal.segments(layout.log_dir):
            # Nothing of it lives yet: at rest it can be mended and tried again.
            systemd.control("stop", layout.unit)
        raise HostError(
            f"{layout.unit} ends as soon as it starts (result {unit['result']}). Its last words:\n"
            f"{systemd.journal(layout.unit)}"
        )


def _remember(layout: Layout, view: dict[str, Any]) -> dict[str, Any]:
    ids = {"member_id": view["member_id"], "cluster_id": view["cluster_id"]}
    with _hostfiles.acting(layout):
        marker = _hostfiles.read_marker(layout)
        if marker is None:
            raise Refused(
                f"{layout.marker_file} is gone while the member runs.",
                "Its gate would not start it again.",
                "Run the playbook: it says what is safe.",
            )
        wanted = replace(marker, **ids)
        if wanted != marker:
            _hostfiles.write_marker(layout, marker, wanted)
    return {"changed": wanted != marker, **ids}
