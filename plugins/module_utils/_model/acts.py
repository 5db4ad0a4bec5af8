# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a step does on its host, one class for each kind.

An act is written to plain data once, where the plan leaves the action that made it, and read once, where it is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True)
class Act:
    """What a step does.

    :cvar kind: its name in a plan.
    :cvar task: what the task is called that does it.
    :cvar is_long: whether a whole database may be read or sent.
    :cvar refusal: what a failure means, with C({cluster}), C({host}), C({instance}) and C({msg}); empty where the
        failure says it all.
    """

    kind: ClassVar[str]
    task: ClassVar[str]
    is_long: ClassVar[bool] = False
    refusal: ClassVar[str] = ""

    @property
    def has_version(self) -> bool:
        """Whether it writes what belongs to one release of etcd."""
        return any(one.name == "version" for one in fields(self))

    def outcome(self, _result: Mapping[str, Any]) -> str:
        """Return what a person should know of what was done; empty where the act says it all."""
        return ""

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "task": self.task, "is_long": self.is_long, **asdict(self)}


@dataclass(frozen=True)
class Reported(Act):
    """An act before which other hosts report their new peer connections.

    :param nonce: under which they report.
    :param witnesses: host -> what it must be told of its own member. Empty where nobody need report.
    """

    nonce: str = ""
    witnesses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Presuming(Reported):
    """An act on the cluster.

    :param endpoints: of the members that go on meanwhile.
    :param members: the members that the plan expects at that moment, see C(expected_members).
    """

    endpoints: Sequence[str] = ()
    members: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Install(Act):
    """Unpack a release beside those that are there.

    :param archive: the name of its archive, or the version of its package.
    """

    kind = "install"
    task = "Install"
    is_long = True
    version: str
    archive: str


@dataclass(frozen=True)
class MakeAuthorities(Act):
    """Make the CAs that are missing, on the controller."""

    kind = "authority"
    task = "Make the certificate authorities"


@dataclass(frozen=True)
class Configure(Act):
    """Write the files of a member that has not started yet.

    :param initial_cluster: of its first start, empty for one that has started before.
    :param token: of that.
    :param keeps_data: the data of a member are there, and its marker is not.
    :param learns: its first start asks where its inventory says for the names of the others, and is not told them.
    """

    kind = "configure"
    task = "Write the member's files"
    version: str
    initial_cluster: str = ""
    token: str = ""
    keeps_data: bool = False
    learns: bool = False


@dataclass(frozen=True)
class AskService(Act):
    """Compare what is registered at a discovery service with the inventory.

    :param version: of the member that is to ask there.
    :param token: the agreed one; empty while none is.
    :param makes: make it, where it is not there yet.
    :param initial_cluster: who they are.
    :param may_be_there: names of those that an interrupted run may have started already.
    :param starts: its member starts next.
    :param waiting: names of those that wait there for the others.
    """

    kind = "ask"
    task = "Ask the discovery service"
    version: str
    token: str
    makes: bool
    initial_cluster: str
    may_be_there: Sequence[str] = ()
    starts: bool = False
    waiting: Sequence[str] = ()


@dataclass(frozen=True)
class CompareRecords(Act):
    """Compare the SRV records of a new cluster with the inventory, from the controller.

    :param initial_cluster: who the members are.
    """

    kind = "compare-records"
    task = "Compare the SRV records with the inventory"
    initial_cluster: str


@dataclass(frozen=True)
class DrawToken(Act):
    """Have a discovery service draw a token, and write it down as that of this host's first start.

    :param version: of the member that is to ask there.
    :param initial_cluster: who the members are.
    """

    kind = "draw"
    task = "Draw a discovery token"
    version: str
    initial_cluster: str


@dataclass(frozen=True)
class Accept(Act):
    """Let a member have its data on the disks and the machine where they are now."""

    kind = "accept"
    task = "Accept the member's disks and machine"


@dataclass(frozen=True)
class Prove(Act):
    """Reach every other host of a cluster that is founded.

    :param peers: C(name) and C(urls) of each place.
    :param token: of the first start.
    """

    kind = "prove"
    task = "Reach every member"
    peers: Sequence[Mapping[str, Any]]
    token: str


@dataclass(frozen=True)
class Start(Act):
    """Start a member without waiting for it."""

    kind = "start"
    task = "Start the member"


@dataclass(frozen=True)
class Await(Act):
    """Wait until a member serves."""

    kind = "await"
    task = "Await the member"
    is_long = True


@dataclass(frozen=True)
class Join(Presuming):
    """Let a host join as a learner, and make it a voter."""

    kind = "join"
    task = "Join the cluster"
    is_long = True
    version: str = ""


@dataclass(frozen=True)
class Leave(Presuming):
    """Take a host out of its cluster, and archive its data.

    :param member_id: empty where its member is removed already.
    """

    kind = "leave"
    task = "Leave the cluster"
    member_id: str = ""


@dataclass(frozen=True)
class Forget(Presuming):
    """Remove a member whose machine is gone.

    :param confirmed: the operator says that what answers at its address is something else.
    """

    kind = "forget"
    task = "Remove a member whose machine is gone"
    member_id: str = ""
    confirmed: bool = False


@dataclass(frozen=True)
class Update(Presuming):
    """Bring a member to what the inventory says, or leave it as it was.

    :param restart: whether its process must read something anew.
    :param peer_urls: those that its cluster is told first, empty for no change.
    :param certificates: C(issued) where they are due, C(kept) as they are, or C(only) these.
    :param from_version: the release that the plan presumes it to have by then; empty where that is not known.
    """

    kind = "update"
    task = "Update the member"
    is_long = True
    version: str = ""
    restart: bool = False
    peer_urls: Sequence[str] = ()
    certificates: str = "issued"
    from_version: str = ""


@dataclass(frozen=True)
class RollBack(Presuming):
    """Put back what an interrupted update replaced.

    What it presumes says whom to ask, and refuses nothing: another one of the same run may change the peer URLs.
    """

    kind = "rollback"
    task = "Roll an interrupted update back"
    is_long = True
