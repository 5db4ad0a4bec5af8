# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What was seen of one host, read once from what C(etcd_node_info) returns. Its documentation says what each field is.

The defaults are what is known of a host that gave no answer: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Drained
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.process import Process


@dataclass(frozen=True)
class Machine:
    """The machine.

    :param boot: what no two running systems share.
    :param time: its clock, seconds since 1970.
    :param nonce: a number that it has drawn for this look.
    :param not_here: addresses that are on none of its interfaces.
    :param runtimes: which of C(podman) and C(docker) it has.
    """

    hostname: str = ""
    machine_id: str = ""
    boot: str = ""
    architecture: str = ""
    python: str = ""
    interpreter: str = ""
    systemd: bool = False
    time: float = 0.0
    nonce: str = ""
    default_address: str = ""
    not_here: Sequence[str] = ()
    runtimes: Sequence[str] = ()


@dataclass(frozen=True)
class Account:
    """The system account of the member."""

    exists: bool = False


@dataclass(frozen=True)
class Free:
    """Bytes that are free.

    :param data: where the data lie.
    :param install: where releases are unpacked.
    """

    data: int = 0
    install: int = 0


@dataclass(frozen=True)
class Unsuitable:
    """Directories that are there and that etcd's account cannot use.

    :param closed: it cannot go through them.
    :param unwritable: it cannot write there.
    """

    closed: Sequence[Mapping[str, str]] = ()
    unwritable: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Unit:
    """A systemd unit, in systemd's own terms.

    :param enabled: C(UnitFileState).
    :param restarts: C(NRestarts).
    """

    name: str = ""
    load_state: str = "not-found"
    active_state: str = "inactive"
    sub_state: str = "dead"
    result: str = ""
    pid: int = 0
    fragment_path: str = ""
    drop_in_paths: Sequence[str] = ()
    enabled: str = ""
    need_daemon_reload: bool = False
    restarts: int = 0
    job_pending: bool = False


@dataclass(frozen=True)
class MemberUnit(Unit):
    """The unit of the member.

    :param version: the release that it names.
    :param ours: this collection wrote it.
    :param forced_by: what would let its next start drop all other members.
    :param last_error: why it ended, where it failed or starts again and again.
    """

    version: str = ""
    ours: bool = False
    forced_by: str = ""
    last_error: str = ""


@dataclass(frozen=True)
class File:
    """What lies at a path.

    :param sha256: empty for anything but a file.
    :param mode: four octal digits.
    :param link: the target of a symbolic link, else empty.
    """

    exists: bool = False
    sha256: str = ""
    mode: str = ""
    owner: str = ""
    group: str = ""
    link: str = ""


@dataclass(frozen=True)
class Data:
    """The data directory.

    :param log: there is a write-ahead log.
    :param member_id: whose it is, in lower-case hex.
    :param left: the first trace of a member's data beside no log.
    :param older_than: the newest segment that the member had already, where the log ends before it.
    :param held: an etcd has this very log open.
    :param owner: the account to which the log belongs.
    :param not_its_own: the first of etcd's files that belongs to another account.
    :param behind: the member ended because its leader speaks of entries that the log no longer has.
    :param unreadable: why the disk does not tell.
    :param version: the minor that the database is of, as C(3.6.0), while the member stands still; empty where nothing
        tells.
    """

    path: str = ""
    log: bool = False
    member_id: str = ""
    cluster_id: str = ""
    mounts: Sequence[str] = ()
    wal_dir_is_mount: bool = False
    foreign: Sequence[str] = ()
    left: str = ""
    older_than: str = ""
    held: bool = False
    owner: str = ""
    not_its_own: str = ""
    behind: bool = False
    damaged: bool = False
    unreadable: str = ""
    version: str = ""


@dataclass(frozen=True)
class SavedSnapshots:
    """What the member has saved.

    :param newest: C(path), C(taken_at), C(size) and C(revision) of the newest one, None without one.
    :param last: what became of the last try, None where there was none.
    :param since: seconds since 1970 at which the timer was written; 0 without one.
    :param schedule_problem: why systemd does not take the schedule.
    """

    newest: Mapping[str, Any] | None = None
    last: Mapping[str, Any] | None = None
    since: float = 0.0
    schedule_problem: str = ""


@dataclass(frozen=True)
class Observation:
    """Everything that a plan knows of one host.

    :param runtime: the process; without a C(pid) where none runs.
    :param images: version -> runtime and ID of the image that a release was made from, where the runtime still has it.
    :param stored_images: runtime and ID of each image that a runtime has, where etcd is to come as one.
    :param record: path -> the checksum that it had when this process started.
    :param unpaired: path of a certificate that does not match its key -> why not.
    :param others: the other instances of this machine that have a marker -> what it says.
    :param previous: the host keeps what an update has replaced.
    :param previous_doubtful: the member did not serve with that either.
    :param cluster: what the member says; without an C(endpoint) where none runs.
    :param cluster_version: the version that its cluster speaks, as its peer port says; empty where it says nothing.
    :param drained: by whom it is drained for its maintenance; nothing once that record is out of date.
    """

    host: Machine = Machine()
    account: Account = Account()
    free: Free = Free()
    read_only: Sequence[str] = ()
    unsuitable: Unsuitable = Unsuitable()
    unit: MemberUnit = MemberUnit()
    runtime: Process = field(default_factory=Process)
    strangers: Sequence[Mapping[str, Any]] = ()
    ports: Sequence[Mapping[str, Any]] = ()
    releases: Sequence[str] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    stored_images: Sequence[str] = ()
    files: Mapping[str, File] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict)
    unpaired: Mapping[str, str] = field(default_factory=dict)
    record: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    marker: Marker | None = None
    marker_error: str = ""
    others: Mapping[str, Marker] = field(default_factory=dict)
    data: Data = Data()
    previous: bool = False
    previous_doubtful: bool = False
    timer: Unit = Unit()
    snapshots: SavedSnapshots = SavedSnapshots()
    cluster: View = field(default_factory=View)
    refuses_peers: str = ""
    cluster_version: str = ""
    drained: Drained = field(default_factory=Drained)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Observation:
        """From C(node) of what C(etcd_node_info) returned; from nothing for a host that was not looked at."""
        read: dict[str, Any] = {name: _READ[name](value) for name, value in values.items() if name in _READ}
        return cls(**{**values, **read})

    def file(self, path: str) -> File:
        """What lies at a path; nothing at one that was not looked at."""
        return self.files.get(path, File())

    @property
    def status(self) -> Status:
        """What the member says of itself; empty without an answer."""
        return self.cluster.status or Status()

    @property
    def members(self) -> Sequence[ClusterMember]:
        """The members that it knows; empty without an answer."""
        return self.cluster.members or ()


_READ: Mapping[str, Callable[[Any], object]] = {
    "host": lambda value: Machine(**value),
    "account": lambda value: Account(**value),
    "free": lambda value: Free(**value),
    "unsuitable": lambda value: Unsuitable(**value),
    "unit": lambda value: MemberUnit(**value),
    "runtime": lambda value: Process.from_dict(value) if value else Process(),
    "files": lambda value: {path: File(**found) for path, found in value.items()},
    "marker": lambda value: Marker.from_dict(value) if value else None,
    "data": lambda value: Data(**value),
    "timer": lambda value: Unit(**value),
    "snapshots": lambda value: SavedSnapshots(**value),
    "cluster": lambda value: View.from_dict(value or {}),
    "drained": lambda value: Drained(**value),
    "others": lambda value: {instance: Marker.from_dict(marker) for instance, marker in value.items()},
}
