# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a step of a restore does on its host. Each is done on every host that has it before any host begins the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act


@dataclass(frozen=True)
class OfRestore(Act):
    """A part of a restore.

    :cvar state: the state of C(etcd_internal_restore) that does it.
    :cvar text: what a person reads of it in a plan.
    :param restoration: what is restored, C(restore_spec.Restoration).
    """

    is_long = True
    state: ClassVar[str]
    text: ClassVar[str]
    restoration: Mapping[str, Any]


@dataclass(frozen=True)
class Fetch(OfRestore):
    """Bring the snapshot to the controller.

    :param path: where it lies on the host.
    """

    kind = "fetch"
    state = "lent"
    task = "Fetch the snapshot from the host that has it"
    text = "bring the snapshot to the controller"
    path: str


@dataclass(frozen=True)
class Stage(OfRestore):
    """Bring the snapshot to a host, and compare its checksum there.

    :param source: C(host), empty for the controller, and C(path) of the snapshot.
    :param path: where the host has it already, empty where it has not.
    """

    kind = "stage"
    state = "staged"
    task = "Copy the snapshot to every host, and compare its checksum there"
    text = "bring the snapshot to every host, and compare its checksum there"
    source: Mapping[str, str]
    path: str


@dataclass(frozen=True)
class Save(Act):
    """Save a snapshot of what the member serves now, where the next restore does not find it as the newest."""

    kind = "save"
    is_long = True
    task = "Save a snapshot of what is served now"
    refusal = (
        "{cluster}: refused, no member was touched. What the member on {host} serves now could not be saved, and "
        "would be gone with the restore. {msg} Mend that, then run again. If it may be gone, stop that member: "
        "systemctl stop {instance}. The same command then saves what another one serves, and nothing where nobody "
        "answers."
    )


@dataclass(frozen=True)
class Try(OfRestore):
    """Restore the snapshot for a trial, and throw that away.

    :param manifest: what the snapshot must hold, None where nobody has written that down.
    """

    kind = "try"
    state = "drilled"
    task = "Restore the snapshot for a trial"
    manifest: Mapping[str, Any] | None


@dataclass(frozen=True)
class Prepare(OfRestore):
    kind = "prepare"
    state = "prepared"
    task = "Make every member's new data beside the old"
    text = "make every member's new data beside the old ones"


@dataclass(frozen=True)
class Mark(OfRestore):
    kind = "mark"
    state = "marked"
    task = "Mark every host"
    text = "mark every host: nothing starts its member meanwhile"


@dataclass(frozen=True)
class Stop(OfRestore):
    kind = "stop"
    state = "stopped"
    task = "Stop every member but the leader"
    text = "stop every follower"


@dataclass(frozen=True)
class StopLeader(Stop):
    """The leader follows its followers: beside them it would hand over to one that stops as well, and wait for that."""

    kind = "stop-leader"
    task = "Stop the leader"
    text = "stop the leader"


@dataclass(frozen=True)
class ArchiveData(OfRestore):
    kind = "archive"
    state = "archived"
    task = "Archive every member's old data"
    text = "archive every member's old data"


@dataclass(frozen=True)
class PutInPlace(OfRestore):
    kind = "put-in-place"
    state = "restored"
    task = "Put every member's new data in place"
    text = "give every member its new data (until here all of it can be rolled back)"


@dataclass(frozen=True)
class StartApart(OfRestore):
    kind = "start-apart"
    state = "started"
    task = "Start every member without its clients"
    text = "start all members, and let no client find them"


@dataclass(frozen=True)
class Compare(OfRestore):
    kind = "compare"
    state = "verified"
    task = "Compare revision, keys and members"
    text = "compare revision, keys and members"


@dataclass(frozen=True)
class Open(OfRestore):
    kind = "open"
    state = "open"
    task = "Start the member for its clients"
    text = "start the member for its clients"


@dataclass(frozen=True)
class Finish(OfRestore):
    kind = "finish"
    state = "finished"
    task = "Await every member"
    text = "await every member"


@dataclass(frozen=True)
class End(OfRestore):
    """Remove what a restore has left behind that is over."""

    kind = "end"
    state = "ended"
    task = "Remove what the restore has left behind"
    text = "remove what the restore has left behind"


@dataclass(frozen=True)
class Undo(Act):
    """Have everything on the host as it was before the restore."""

    kind = "undo"
    task = "Roll the restore back"
    is_long = True
