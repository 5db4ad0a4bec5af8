# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines and a cluster on them: what etcd, systemd and the gate do, without any of them.

Whatever an act does on purpose is watched: it may never cost the cluster its quorum, nor start a member empty that may
have voted, nor give one host two members.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations, permutations
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, Sign, Status, View
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Observation
from inventory_of import CLUSTER_ID, VERSION, absent, bare, running, saying, seeing, serving, silent, written

#: A setting with which etcd ends.
BAD = "warn"


class Broken(AssertionError):
    """Something happened that must never happen."""


class Unknowable(Exception):
    """All hosts of an inventory were built anew: nothing tells that there was a cluster, and one is founded."""


@dataclass(frozen=True)
class Shape:
    """What the inventory says of one host.

    :param address: the last number of its written address; 0 for the one that is derived.
    :param version: of files, the release that they are for.
    """

    at: int
    address: int = 0
    name: str = ""
    level: str = "info"
    version: str = VERSION

    @property
    def host(self) -> str:
        return f"etcd-host{self.at}"

    @property
    def member(self) -> str:
        return self.name or self.host

    @property
    def peer_urls(self) -> list[str]:
        return [f"http://10.0.0.{self.address or self.at + 1}:2380"]

    @property
    def client_urls(self) -> list[str]:
        return [f"http://10.0.0.{self.address or self.at + 1}:2379"]


@dataclass(frozen=True)
class Inventory:
    """What an operator wants, for one run.

    :param version: C(etcd_version); empty for the release that is there.
    """

    shapes: tuple[Shape, ...]
    absent: frozenset[int] = frozenset()
    forget: tuple[str, ...] = ()
    allow_outage: bool = False
    version: str = ""


@cache
def _template(shape: Shape) -> Host:
    variables = {"etcd_address": f"10.0.0.{shape.address}"} if shape.address else {}
    variables.update({"NODE_NAME": shape.name} if shape.name else {})
    return bare(shape.at, etcd_settings={"log-level": shape.level}, **variables)


@cache
def _files(shape: Shape) -> Mapping[str, Any]:
    return written(_template(shape), shape.version).seen.files


@cache
def _process(shape: Shape) -> Observation:
    return running(written(_template(shape), shape.version), shape.version).seen


@cache
def _status() -> Status:
    return serving(_template(Shape(0))).seen.status


@dataclass
class Machine:
    """One host and all that lies on it.

    :param log: the id of the member whose log lies there, empty without one.
    :param files: what its files were written for.
    :param ran_with: what the process read at its start.
    :param previous: what an unfinished turn replaced, and the member's peer URLs before.
    :param doubtful: it did not serve with that.
    :param first: the settings of its one first start.
    """

    at: int
    on: bool = True
    masked: bool = False
    enabled: bool = False
    releases: set[str] = field(default_factory=set)
    marker: Marker | None = None
    log: str = ""
    behind: bool = False
    runs: bool = False
    files: Shape | None = None
    ran_with: Shape | None = None
    previous: tuple[Shape, tuple[str, ...]] | None = None
    doubtful: bool = False
    first: Mapping[str, str] = field(default_factory=dict)
    system: int = 0
    boots: int = 0

    @property
    def machine_id(self) -> str:
        return f"machine-{self.at}-{self.system}"

    @property
    def host(self) -> str:
        return f"etcd-host{self.at}"


class World:
    """All machines and the one cluster that may be on them."""

    def __init__(self, size: int) -> None:
        self.machines = [Machine(at) for at in range(size)]
        self.members: dict[str, ClusterMember] = {}
        self.tokens: set[str] = set()
        #: The member ids that have ever had a log, and the machine of every id there ever was.
        self.voted: set[str] = set()
        self.home: dict[str, int] = {}
        self.removed: set[str] = set()
        self.locks: dict[str, object] = {}
        #: Something broke from outside while an act was under way: what it then costs is not the act's doing.
        self.disturbed = False
        #: Connections between members, and what no new one gets through: from machine to machine, and to an address.
        self.connected: set[frozenset[str]] = set()
        self.closed: set[tuple[int, int]] = set()
        self.closed_urls: set[str] = set()
        self.story: list[str] = []
        self.cluster_id = CLUSTER_ID
        self._looks = 0

    # -- what etcd is ------------------------------------------------------------------------------------------------

    @property
    def voters(self) -> list[str]:
        return [one for one, member in self.members.items() if not member.is_learner]

    def machine_of(self, member_id: str) -> Machine | None:
        """Where a member runs."""
        for one in self.machines:
            if one.log == member_id and one.on and one.runs:
                return one
        return None

    def up(self) -> set[str]:
        """The voters that the best leader has a connection to, and itself: who serves if they are a quorum."""
        self._connect()
        found = [voter for voter in self.voters if self._runs(voter)]
        followed = [{one, *(other for other in found if frozenset({one, other}) in self.connected)} for one in found]
        return max(followed, key=len, default=set())

    def can_dial(self, one: str, other: str) -> bool:
        """Can a member open a new connection to another, where the cluster believes it to be?"""
        there = self.machine_of(other)
        if not self._runs(one) or there is None or there.ran_with is None:
            return False
        known = self.members[other].peer_urls
        open_way = (self.home[one], self.home[other]) not in self.closed and not set(known) & self.closed_urls
        return open_way and sorted(there.ran_with.peer_urls) == known

    def links(self, inventory: Inventory) -> dict[str, dict[str, str]]:
        """What the members on hosts of an inventory report."""
        here = {shape.at for shape in inventory.shapes}
        return {
            one: {other: "" if self.can_dial(one, other) else "closed." for other in self.members if other != one}
            for one in self.members
            if self._runs(one) and self.home[one] in here
        }

    def _runs(self, member_id: str) -> bool:
        machine = self.machine_of(member_id)
        return machine is not None and machine.ran_with is not None

    def _connect(self) -> None:
        """Members keep the connections that they have, and try for those that they lack. One way is enough."""
        pairs = [frozenset(pair) for pair in combinations(filter(self._runs, self.members), 2)]
        self.connected = {
            pair for pair in pairs if pair in self.connected or any(self.can_dial(*way) for way in permutations(pair))
        }

    def has_quorum(self) -> bool:
        return bool(self.voters) and len(self.up()) > len(self.voters) // 2

    def healthy(self) -> frozenset[str]:
        return frozenset(self.up()) if self.has_quorum() else frozenset()

    def tolerated(self) -> int:
        """How many more voters may fail."""
        return len(self.healthy()) - (len(self.voters) // 2 + 1)

    def votes(self) -> Votes:
        serving = self.healthy()
        learners = [
            one
            for one, member in self.members.items()
            if member.is_learner and any(frozenset({one, other}) in self.connected for other in serving)
        ]
        return Votes(self.listed(), self.healthy(), frozenset(learners))

    def listed(self) -> list[ClusterMember]:
        return list(self.members.values())

    @contextmanager
    def on_purpose(self, what: str, outage: bool = False) -> Iterator[None]:
        """Something that an act does: it may not cost the quorum, but where that was announced."""
        self.story.append(what)
        before, alone = self.has_quorum(), len(self.voters) == 1
        yield
        if before and not self.has_quorum() and not alone and not outage and not self.disturbed:
            raise Broken(f"{what}: the quorum is lost")
        homes = [self.home[one] for one in self.members]
        if len(homes) != len(set(homes)):
            raise Broken(f"{what}: one host has two members")

    def add(self, at: int, peer_urls: Sequence[str]) -> str:
        """MemberAdd, as a learner."""
        connected, size = len(self.up()), len(self.voters)
        if not self.has_quorum() or (size > 1 and connected < (size + 1) // 2 + 1):
            raise HostError("unhealthy cluster")
        if any(member.is_learner for member in self.members.values()):
            raise HostError("too many learner members in cluster")
        if any(set(member.peer_urls) & set(peer_urls) for member in self.members.values()):
            raise HostError("Peer URLs already exists")
        member_id = f"{len(self.home) + 1:016x}"
        self.home[member_id] = at
        with self.on_purpose(f"add {member_id} for {at}"):
            self.members[member_id] = ClusterMember(member_id, peer_urls=sorted(peer_urls), is_learner=True)
        return member_id

    def promote(self, member_id: str) -> None:
        if not self.has_quorum() or member_id not in self.members or self.machine_of(member_id) is None:
            raise HostError("can only promote a learner member which is in sync with leader")
        with self.on_purpose(f"promote {member_id}"):
            self._change(member_id, is_learner=False)
        self.settle()

    def remove(self, member_id: str) -> None:
        rest = [one for one in self.voters if one != member_id]
        if not self.has_quorum() or (member_id in self.up() and len(self.up() - {member_id}) <= len(rest) // 2):
            raise HostError("unhealthy cluster")
        with self.on_purpose(f"remove {member_id}"):
            del self.members[member_id]
            self.removed.add(member_id)
        self.settle()

    def update(self, member_id: str, peer_urls: Sequence[str], outage: bool = False) -> None:
        if not self.has_quorum() or member_id not in self.members:
            raise HostError("request timed out")
        if any(one != member_id and set(other.peer_urls) & set(peer_urls) for one, other in self.members.items()):
            raise HostError("Peer URLs already exists")
        with self.on_purpose(f"update {member_id} to {peer_urls}", outage):
            self._change(member_id, peer_urls=sorted(peer_urls))

    def _change(self, member_id: str, **what: Any) -> None:
        self.members[member_id] = replace(self.members[member_id], **what)

    def settle(self) -> None:
        """What happens by itself: members publish who they are, and the gate says that they have started."""
        for machine in self.machines:
            if machine.on and machine.runs and machine.log in self.removed and self.has_quorum():
                machine.runs = False
        for machine in self.machines:
            member = self.members.get(machine.log)
            if not (machine.on and machine.runs and member and self.has_quorum() and machine.ran_with):
                continue
            shape = machine.ran_with
            self._change(member.id, name=shape.member, client_urls=shape.client_urls)
            if machine.marker is not None and machine.marker.state == markers.STARTING:
                machine.marker = replace(machine.marker, state=markers.STARTED)

    # -- what a host is ----------------------------------------------------------------------------------------------

    def start(self, machine: Machine) -> None:
        """The unit is started: the gate decides, then etcd itself."""
        if machine.runs or machine.masked or not machine.on or machine.files is None or machine.files.level == BAD:
            return
        state = machine.marker.state if machine.marker else None
        if machine.log and state in (markers.STARTING, markers.STARTED, markers.LEAVING):
            # One whose log went back in time panics as soon as a leader speaks to it.
            machine.runs = not (machine.behind and self.has_quorum()) and machine.log not in self.removed
        elif not machine.log and state == markers.NEVER_STARTED and machine.first:
            self._first_start(machine)
        machine.runs = machine.runs and self.may_run(machine)
        machine.ran_with = machine.files if machine.runs else None
        self.connected = {pair for pair in self.connected if machine.log not in pair}
        self.settle()

    def may_run(self, _machine: Machine) -> bool:
        """Does the release on a machine start on its data, beside the others?"""
        return True

    def _first_start(self, machine: Machine) -> None:
        marker = machine.marker
        assert marker is not None
        pairs = [pair.split("=", 1) for pair in machine.first["initial_cluster"].split(",")]
        if machine.first["token"]:
            self.tokens.add(machine.first["token"])
            if len(self.tokens) > 1:
                raise Broken(f"two clusters: {self.tokens}")
            if not self.home:
                self._found(pairs)
            assert machine.files is not None
            urls = machine.files.peer_urls
            member_id = next((one for one in self.home if self.founders.get(one) == urls[0]), "")
        else:
            known = sorted(url for member in self.members.values() for url in member.peer_urls)
            if sorted(url for _name, url in pairs) != known:
                return
            member_id = marker.member_id
        if member_id in self.voted:
            raise Broken(f"{machine.host} was started empty as {member_id}, which has been started before")
        if member_id in self.removed or not member_id:
            return
        self.voted.add(member_id)
        machine.marker = replace(marker, state=markers.STARTING)
        machine.log, machine.runs, machine.first = member_id, True, {}

    def _found(self, pairs: Sequence[Sequence[str]]) -> None:
        self.founders: dict[str, str] = {}
        for name, url in pairs:
            member_id = f"{len(self.home) + 1:016x}"
            self.founders[member_id] = url
            self.home[member_id] = next(one.at for one in self.machines if one.files and one.files.member == name)
            self.members[member_id] = ClusterMember(member_id, name, [url])

    def stop(self, machine: Machine, outage: bool = False) -> None:
        """An act ends a process."""
        with self.on_purpose(f"stop {machine.host}", outage):
            machine.runs = False

    # -- what breaks -------------------------------------------------------------------------------------------------

    def close(self, one: Machine, other: Machine) -> None:
        """No new connection gets from one machine to another; those that are there live on."""
        self.story.append(f"! closed {one.host} to {other.host}")
        self.closed.add((one.at, other.at))

    def close_address(self, shape: Shape) -> None:
        """No new connection gets to an address."""
        self.story.append(f"! closed {shape.peer_urls}")
        self.closed_urls.update(shape.peer_urls)

    def open_all(self) -> None:
        self.closed, self.closed_urls = set(), set()
        self.settle()

    def fail(self, what: str, machine: Machine) -> None:
        """Something that nobody wanted."""
        self.story.append(f"! {what} {machine.host}")
        self.disturbed = True
        if what in ("kill", "off", "reboot", "wipe", "rebuild", "reinstall"):
            machine.runs = False
        if what == "off":
            machine.on = False
        if what in ("off", "reboot", "rebuild", "reinstall"):
            machine.boots += 1
        if what in ("wipe", "rebuild"):
            machine.log, machine.behind = "", False
        if what in ("rebuild", "reinstall"):
            fresh = Machine(machine.at, system=machine.system + 1, log=machine.log, behind=machine.behind)
            fresh.boots = machine.boots
            self.machines[machine.at] = fresh
            machine = fresh
        if what == "behind" and machine.log and not machine.runs:
            machine.behind = True
        if what in ("reboot", "on"):
            machine.on = True
            if machine.enabled:
                self.start(machine)
        if what == "mask" and not machine.runs:
            machine.masked = True
        self.settle()

    # -- what a run sees ---------------------------------------------------------------------------------------------

    def look(self, shape: Shape, inventory: Inventory) -> Host:
        """A host as the observation tells it."""
        machine = self.machines[shape.at]
        host = _template(shape)
        if not machine.on:
            return silent(host)
        self._looks += 1
        seen: dict[str, Any] = {
            "host": {"machine_id": machine.machine_id, "nonce": f"drawn-{self._looks}"},
            "marker": machine.marker,
            "data": {
                "log": bool(machine.log),
                "member_id": machine.log,
                "cluster_id": self.cluster_id_of(machine.log) if machine.log else "",
                "behind": machine.behind and machine.enabled,
                "damaged": False,
                "held": machine.runs,
            },
            "previous": machine.previous is not None,
            "previous_doubtful": machine.previous is not None and machine.doubtful,
        }
        if machine.releases:
            seen.update(account={"exists": True}, releases=sorted(machine.releases))
        if machine.files is not None:
            files = _files(machine.files)
            seen["files"] = {**host.seen.files, **files}
            unit = {"version": machine.files.version, "fragment_path": host.wanted.layout.unit_file, "ours": True}
            seen["unit"] = {**unit, "enabled": "enabled" if machine.enabled else "disabled"}
        if machine.masked:
            seen["unit"] = {**seen.get("unit", {}), "enabled": "masked"}
        if machine.runs and machine.ran_with is not None:
            process = _process(machine.ran_with)
            seen.update(runtime=process.runtime, record=process.record, cluster=self._view(machine, inventory))
        host = seeing(host, **seen)
        if shape.at in inventory.absent:
            host = absent(host)
        return saying(host, forget=inventory.forget, allow_outage=inventory.allow_outage)

    def cluster_id_of(self, _member_id: str) -> str:
        return self.cluster_id

    def _view(self, machine: Machine, inventory: Inventory) -> View:
        member = self.members.get(machine.log)
        serves = machine.log in self.healthy()
        well = _status()
        leader = min(self.healthy(), default="")
        status = replace(
            well,
            member_id=machine.log,
            cluster_id=self.cluster_id_of(machine.log),
            leader=leader,
            is_learner=bool(member and member.is_learner),
        )
        named = [one for one in self.members.values() if {one.id, one.name} & set(inventory.forget)]
        return View(
            "http://127.0.0.1:2379",
            status if serves or status.is_learner else None,
            self.listed() if serves else None,
            [] if serves else None,
            "" if serves else "request timed out",
            forgotten={one.id: Sign("its own", True) if self.machine_of(one.id) else None for one in named},
        )


def observe(world: World, inventory: Inventory) -> list[Host]:
    return [world.look(shape, inventory) for shape in inventory.shapes]


def shapes(numbers: Iterable[int]) -> tuple[Shape, ...]:
    return tuple(Shape(at) for at in numbers)
