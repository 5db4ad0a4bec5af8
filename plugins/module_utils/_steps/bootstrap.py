# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A host's part in founding a cluster: the marker first, because it is the claim to this host, then its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import (
    gate_check,
    host_files,
    member_files,
    peer_probe,
    snapshot_timer,
)
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker


@dataclass(frozen=True)
class Offer:
    """What a host brings to the first start.

    :param expected: the marker that the plan saw, None for none.
    :param wanted: the marker to write; its machine id and mount points are this host's own. One that says C(started)
        is that of a member whose data are here already.
    :param listen: peer and client URLs on which to stand until the first start; empty for none.
    :param first_start: the settings of that start. Secret.
    """

    expected: Marker | None
    wanted: Marker
    listen: Sequence[str]
    first_start: str = ""


def offer(layout: Layout, content: Content, part: Offer, systemd: Systemd, check: bool) -> dict[str, Any]:
    """Claim the host, and write what differs. Without files the operator has accepted where its data are.

    :param check: only say what would be written.
    :returns: C(changed), C(diff): a list of C(before), C(after) of files that are no secrets.
    :raises Refused: this host is not as the plan saw it.
    :raises HostError: something cannot be written.
    """
    accepted = not content.files and part.wanted.state in (markers.STARTING, markers.STARTED, markers.LEAVING)
    kept = accepted or part.wanted.state == markers.STARTED
    # What a member runs with changes in its update alone.
    runs = kept and bool(systemd.show(layout.unit)["pid"])
    diff = [] if runs else member_files.differences(content)
    if check:
        return {"changed": True, "diff": diff}
    with host_files.acting(layout):
        if bool(wal.segments(layout.log_dir)) is not kept:
            raise Refused(
                f"There is {'no' if kept else 'a'} write-ahead log in {layout.log_dir} now.",
                "That is not what the plan was made for; data would be put at risk.",
                AGAIN,
                code="host-changed",
            )
        if not kept:
            gate_check.check_empty(layout)
        if accepted:
            gate_check.check_log(layout, part.wanted)
        if runs or accepted:
            host_files.make_directory(layout.state_dir, 0o700, 0, 0)
            _claim(layout, part)
            return {"changed": True, "diff": diff}
        member_files.ensure_directories(layout)
        _claim(layout, part)
        checkpoints.at("found: claimed")
        member_files.write(layout, content)
        if part.first_start:
            host_files.write(layout.bootstrap_file, part.first_start.encode(), 0o600, 0, 0)
        systemd.control("daemon-reload")
        # It begins to run when the member serves, see C(service.await_ready).
        if not snapshot_timer.is_wanted(layout, content):
            snapshot_timer.remove(systemd, layout)
        checkpoints.at("found: files written")
        if part.listen:
            peer_probe.listen(systemd, layout, part.listen, peer_probe.greeting(part.wanted.token, part.wanted.name))
    return {"changed": True, "diff": diff}


def agree(layout: Layout, expected: Marker, check: bool) -> None:
    """Agree on the first start, after every peer port was reached.

    :raises Refused: the marker is not the one the plan saw.
    """
    if not check:
        with host_files.acting(layout):
            host_files.write_marker(layout, expected, expected.becoming(markers.NEVER_STARTED))
            checkpoints.at("found: agreed")


def _claim(layout: Layout, part: Offer) -> None:
    own = {
        "machine_id": host_files.machine_id(),
        "mounts": tuple(host_files.mounts_under(layout)),
    }
    host_files.write_marker(layout, part.expected, part.wanted.becoming(part.wanted.state, **own))
