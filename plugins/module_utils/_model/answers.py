# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What etcd says of its cluster: the members, the status of one of them, the alarms.

The client reads an answer into these types once. They are written to plain data where a module returns them, and read
back by the observation. IDs are lower-case hex.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Holder

NOSPACE, CORRUPT = "NOSPACE", "CORRUPT"


@dataclass(frozen=True)
class ClusterMember:
    """A member, as its cluster lists it.

    :param id: empty for one that is not added yet.
    :param name: empty until it has started.
    :param client_urls: empty until then, too.
    """

    id: str = ""
    name: str = ""
    peer_urls: Sequence[str] = ()
    client_urls: Sequence[str] = ()
    is_learner: bool = False

    @property
    def started(self) -> bool:
        return bool(self.name)

    @property
    def urls_for_others(self) -> list[str]:
        """The client URLs at which other members' hosts ask it: without loopback, unless its peers are told loopback
        addresses too, as where all members are on one machine.
        """
        return urls.from_elsewhere(self.client_urls) or (
            [] if urls.from_elsewhere(self.peer_urls) else list(self.client_urls)
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClusterMember:
        return cls(**_own(cls, values))

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "started": self.started}


class MemberList(NamedTuple):
    """The members of a cluster.

    :param member_id: of the member that answered.
    :param members: ordered by ID.
    """

    cluster_id: str
    member_id: str
    members: list[ClusterMember]


@dataclass(frozen=True)
class Status:
    """What a member says of itself, without asking the others.

    :param storage_version: empty before etcd 3.6.
    :param db_size: bytes, as the next two.
    :param db_size_quota: 0 before etcd 3.6.
    :param leader: the ID of the leader, empty without one.
    :param errors: etcd's own texts.
    :param downgrade: the version to which the cluster is being downgraded; empty without such a job, and before
        etcd 3.6.
    """

    cluster_id: str = ""
    member_id: str = ""
    version: str = ""
    storage_version: str = ""
    db_size: int = 0
    db_size_in_use: int = 0
    db_size_quota: int = 0
    leader: str = ""
    is_learner: bool = False
    raft_term: int = 0
    raft_index: int = 0
    raft_applied_index: int = 0
    revision: int = 0
    errors: Sequence[str] = ()
    downgrade: str = ""

    @property
    def is_leader(self) -> bool:
        return self.leader == self.member_id != ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Status:
        return cls(**_own(cls, values))

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "is_leader": self.is_leader}


@dataclass(frozen=True, order=True)
class Alarm:
    """An alarm that is raised.

    :param alarm: C(NOSPACE) or C(CORRUPT).
    """

    member_id: str
    alarm: str


class Sign(NamedTuple):
    """A sign that a member lives.

    :param url: where.
    :param certain: it is a member of the cluster that answers. Otherwise something takes connections there, as a member
        that hangs would, and does not say who it is.
    """

    url: str
    certain: bool

    def __str__(self) -> str:
        if self.certain:
            return f"answers at {self.url}"
        return f"may answer at {self.url}, where something takes connections and does not say who it is"


@dataclass(frozen=True)
class View:
    """What one endpoint says of its cluster.

    :param endpoint: its URL; empty where no member runs.
    :param status: None without an answer, as C(members) and C(alarms).
    :param members: as far as this member knows.
    :param error: why there is no status, or else why a linearizable read of its own failed; empty if it worked.
    :param took: seconds until the answer to the linearizable read, or until it failed.
    :param forgotten: ID of a member that is to be forgotten -> the sign of life, None without one.
    :param maintenance: who maintains the hosts of its cluster; None without anybody, and where it cannot be read.
    :param is_renewing: a downgrade is pending, and a key says that it lets members write raft snapshots.
    """

    endpoint: str = ""
    status: Status | None = None
    members: Sequence[ClusterMember] | None = None
    alarms: Sequence[Alarm] | None = None
    error: str = ""
    took: float = 0.0
    forgotten: Mapping[str, Sign | None] = field(default_factory=dict)
    maintenance: Holder | None = None
    is_renewing: bool = False

    @property
    def serves(self) -> bool:
        """Whether it is a voter that answered a linearizable read of its own."""
        return self.status is not None and not self.status.is_learner and not self.error

    @property
    def member_id(self) -> str:
        return self.status.member_id if self.status else ""

    @property
    def cluster_id(self) -> str:
        return self.status.cluster_id if self.status else ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> View:
        """From what C(to_dict) gave; from nothing where no member runs."""
        status, members, alarms = (values.get(name) for name in ("status", "members", "alarms"))
        read = {
            "status": None if status is None else Status.from_dict(status),
            "members": None if members is None else [ClusterMember.from_dict(one) for one in members],
            "alarms": None if alarms is None else [Alarm(**one) for one in alarms],
            "forgotten": {name: sign and Sign(**sign) for name, sign in values.get("forgotten", {}).items()},
            "maintenance": Holder.from_dict(values["maintenance"]) if values.get("maintenance") else None,
        }
        return cls(**{**_own(cls, values), **read})

    def to_dict(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "status": self.status and self.status.to_dict(),
            "members": None if self.members is None else [member.to_dict() for member in self.members],
            "alarms": None if self.alarms is None else [asdict(alarm) for alarm in self.alarms],
            "error": self.error,
            "took": self.took,
            "serves": self.serves,
            "member_id": self.member_id,
            "cluster_id": self.cluster_id,
            "forgotten": {name: sign and sign._asdict() for name, sign in self.forgotten.items()},
            "maintenance": self.maintenance and self.maintenance.to_dict(),
            "is_renewing": self.is_renewing,
        }


def members_of(views: Sequence[View]) -> list[ClusterMember]:
    """The member list of whoever has applied most of the log; empty if nobody has told."""
    told = [view for view in views if view.members is not None]
    newest = max(told, key=lambda view: view.status.raft_applied_index if view.status else 0, default=None)
    return list(newest.members or ()) if newest else []


def _own(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a class, without what follows from them."""
    return {one.name: values[one.name] for one in fields(cls) if one.name in values}
