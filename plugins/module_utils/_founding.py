# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A host's part in founding a cluster: the marker first, because it is the claim to this host, then its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils import (
    _ground,
    _hostfiles,
    _marker,
    _memberfiles,
    _probe,
    _progress,
    _timer,
    _wal,
)
from ansible_collections.quorum.etcd.plugins.module_utils._errors import AGAIN, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._marker import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._memberfiles import Content
from ansible_collections.quorum.etcd.plugins.module_utils._systemd import Systemd


@dataclass(frozen=True)
class Offer:
    """What a host brings to the first start.

    :param expected: the marker that the plan saw, None for none.
    :param wanted: the marker to write; its machine id and mount points are this host's own. One that says C(started)
        is that of a member whose data are here already.
    :param listen: peer and client URLs on which to stand until the first start; empty for none.
    """

    expected: Marker | None
    wanted: Marker
    listen: Sequence[str]


def offer(layout: Layout, content: Content, part: Offer, systemd: Systemd, check: bool) -> dict[str, Any]:
    """Claim the host, and write what differs. Without files the operator has accepted where its data are.

    :param check: only say what would be written.
    :returns: C(changed), C(diff): a list of C(before), C(after) of files that are no secrets.
    :raises Refused: this host is not as the plan saw it.
    :raises HostError: something cannot be written.
    """
    accepted = not content.files and part.wanted.state in (_marker.STARTING, _marker.STARTED, _marker.LEAVING)
    kept = accepted or part.wanted.state == _marker.STARTED
    # What a member runs with changes in its turn alone.
    runs = kept and bool(systemd.show(layout.unit)["pid"])
    diff = [] if runs else _memberfiles.differences(content)
    if check:
        return {"changed": True, "diff": diff}
    with _hostfiles.acting(layout):
        if bool(_wal.segments(layout.log_dir)) is not kept:
            raise Refused(
                f"There is {'no' if kept else 'a'} write-ahead log in {layout.log_dir} now.",
                "That is not what the plan was made for; data would be put at risk.",
                AGAIN,
            )
        if not kept:
            _ground.check_empty(layout)
        if accepted:
            _ground.check_log(layout, part.wanted)
        if runs or accepted:
            _hostfiles.make_directory(layout.state_dir, 0o700, 0, 0)
            _claim(layout, part)
            return {"changed": True, "diff": diff}
        _memberfiles.settle(layout)
        _claim(layout, part)
        _progress.at("found: claimed")
        _memberfiles.write(layout, content)
        systemd.control("daemon-reload")
        # It begins to run when the member serves, see C(_service.await_ready).
        if not _timer.is_wanted(layout, content):
            _timer.remove(systemd, layout)
        _progress.at("found: files written")
        if part.listen:
            _probe.listen(systemd, layout, part.listen, _probe.greeting(part.wanted.token, part.wanted.name))
    return {"changed": True, "diff": diff}


def agree(layout: Layout, expected: Marker, check: bool) -> None:
    """Agree on the first start, after every peer port was reached.

    :raises Refused: the marker is not the one the plan saw.
    """
    if not check:
        with _hostfiles.acting(layout):
            _hostfiles.write_marker(layout, expected, expected.becoming(_marker.NEVER_STARTED))
            _progress.at("found: agreed")


def _claim(layout: Layout, part: Offer) -> None:
    own = {
        "machine_id": _hostfiles.machine_id(),
        "mounts": tuple(_hostfiles.mounts_under(layout)),
    }
    _hostfiles.write_marker(layout, part.expected, part.wanted.becoming(part.wanted.state, **own))
