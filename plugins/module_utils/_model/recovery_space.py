# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Whether one host has room for all that a recovery writes there. Asked before anything stops. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused


@dataclass(frozen=True)
class Place:
    """A directory below which something will be written.

    :param device: of its file system.
    :param free: bytes that are free there.
    :param needs: bytes that will be written.
    :param leaves: bytes that must be free beside them.
    """

    path: str
    device: int
    free: int
    needs: int
    leaves: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Place:
        return cls(**values)


def check_snapshot(label: str, snapshot: Place, unit: str, others: Sequence[Place] = ()) -> None:
    """Room for the snapshot of a member that still answers.

    :param unit: of the member.
    :param others: where other members of its machine save theirs at the same time.
    :raises Refused: there is none.
    """
    beside = [other for other in others if other.device == snapshot.device]
    needed = snapshot.needs + snapshot.leaves + sum(other.needs for other in beside)
    if snapshot.free < needed:
        with_others = f", with those of {len(beside)} other members of its machine" * bool(beside)
        raise Refused(
            f"{label} has {snapshot.free >> 20} MiB free in {snapshot.path}, and the snapshot that is saved first "
            f"needs {_mib(needed)} MiB{with_others}.",
            "Once its member is stopped it answers no more, and what it serves now could not be saved.",
            "Make room there, or name another directory: -e etcd_snapshot_dir=PATH. To go on without that snapshot, "
            f"stop the member on that host: systemctl stop {unit}",
            code="no-space",
        )


def check_copies(label: str, copies: Sequence[Place], snapshots: Sequence[Place]) -> None:
    """Room for the copy of a member's data, once the snapshots of its machine are saved.

    :param snapshots: those that are still to be saved.
    :raises Refused: there is none.
    """
    for device in dict.fromkeys(place.device for place in copies):
        here = [place for place in copies if place.device == device]
        needed = sum(place.needs for place in here)
        saved_here = [one for one in snapshots if one.device == device]
        saved = sum(one.needs for one in saved_here)
        free = min(place.free for place in here)
        if free < needed + saved:
            paths = " and ".join(place.path for place in here)
            also = f", with the snapshot in {' and '.join(one.path for one in saved_here)}" * bool(saved_here)
            raise Refused(
                f"{label} has {free >> 20} MiB free in {paths}, and a copy of the data takes "
                f"{_mib(needed + saved)} MiB{also}.",
                "The only data that are left are not worked on without a copy.",
                f"Make room on that file system{', or save elsewhere: -e etcd_snapshot_dir=PATH' if also else '.'}",
                code="no-space",
            )


def _mib(size: int) -> int:
    return -(-size >> 20)
