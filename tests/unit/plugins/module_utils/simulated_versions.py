# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated cluster whose members are of releases: what they write, what they can read, and what etcd does with that.

Every rule here was seen with real releases of etcd. What etcd does by itself happens at some later moment, for each
member at its own. A release that would start on data which it misreads is what must never be started.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import downgrade as _downgrade
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import raft_snapshots
from ansible_collections.quorum.etcd.plugins.module_utils._model import guard, upgrade_rules
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import View
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import minor
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.downgrade import Wish
from ansible_collections.quorum.etcd.plugins.module_utils._steps import upgrade
from inventory_of import seeing
from simulated import Broken, Inventory, Machine, Shape, World
from simulated_runs import Act, Actor, Run

#: The newest release of each minor that the collection knows, and one that is too old for the next minor.
NEWEST = {4: "3.4.23", 5: "3.5.33", 6: "3.6.14", 7: "3.7.1"}
BELOW_FLOOR = {5: "3.5.31", 6: "3.6.10"}

# The first minor whose members tell of a downgrade and of the version of their storage.
_TELLS = 6
_CANNOT_READ_V2 = 7


@dataclass
class Data:
    """What the data of one member are.

    :param wrote: the minor of their format.
    :param heard: the minor that the cluster spoke when this member last heard of it.
    :param snapshot: the index of the newest raft snapshot.
    """

    wrote: int
    heard: int
    snapshot: int = 0


class Releases(World):
    """Machines, and a cluster that speaks a version.

    :ivar spoken: the minor that the cluster speaks.
    :ivar job: the minor to which it is being downgraded; 0 without such a job.
    :ivar key: for how long the key says that the job is an upgrade's: C(briefly), C(pending), or empty.
    :ivar decided: the version that the leader has decided on, and nobody has heard of yet; 0 for none. One member may
        start meanwhile, and no two: a proposal takes milliseconds.
    :ivar data: member id -> its data.
    :ivar index: of the newest entry in everybody's log, and of the newest one that 3.7 cannot read.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.spoken = self.job = self.decided = self._started_since = 0
        self.key = ""
        self.data: dict[str, Data] = {}
        self.index, self.newest_v2 = 1, 0

    # -- what a binary does ------------------------------------------------------------------------------------------

    def may_run(self, machine: Machine) -> bool:
        assert machine.files is not None
        has = minor(machine.files.version)
        self.spoken = self.spoken or has
        data = self.data.get(machine.log)
        if data is None:
            # It is sent a log; by a member of 3.7 one that begins behind what such a member cannot read.
            sent = self.index if has == _CANNOT_READ_V2 else 0
            data = self.data[machine.log] = Data(min(has, self.spoken), self.spoken, sent)
        heard = max(data.heard, self.spoken) if self.has_quorum() else data.heard
        if has < heard:
            # invalid downgrade: but for 3.4, which starts on the data of 3.6.
            self._check_reads(machine, has == 4 and data.wrote >= 6)
            return self._ended(machine, f"{has} on a cluster of {heard}")
        if has < data.wrote:
            self._check_reads(machine, has < 6)
            return self._ended(machine, f"{has} on data of {data.wrote}")
        if has == _CANNOT_READ_V2 and (data.wrote < 6 or data.snapshot < self.newest_v2):
            return self._ended(machine, f"{has} on requests of API version 2")
        self._check_reads(machine, has - data.wrote > 1)
        self._registered(has)
        return True

    def _check_reads(self, machine: Machine, misreads: bool) -> None:
        if misreads:
            raise Broken(f"{machine.host} starts {machine.files} on data that it misreads: {self.data[machine.log]}")

    def _ended(self, machine: Machine, why: str) -> bool:
        self.story.append(f"! {machine.host} ends: {why}")
        return False

    def _registered(self, has: int) -> None:
        self._started_since += 1
        self.decided *= self._started_since < 2
        self.index += 1
        if has < 6:
            self.newest_v2 = self.index

    def releases(self) -> dict[str, str]:
        """Who answers, and what it runs."""
        found = {one: self.machine_of(one) for one in self.members}
        there = {*self.healthy(), *self.votes_of_learners()}
        return {one: machine.ran_with.version for one, machine in found.items() if one in there and machine.ran_with}

    def votes_of_learners(self) -> Collection[str]:
        return super().votes().caught_up

    def minors(self) -> list[int]:
        return [minor(version) for version in self.releases().values()]

    # -- what etcd does by itself ------------------------------------------------------------------------------------

    def all_answer(self) -> bool:
        return self.has_quorum() and set(self.releases()) == set(self.members)

    def decide(self) -> None:
        """The leader looks what all members run."""
        if self.decided or not self.all_answer():
            return
        self._started_since = 0
        minors = self.minors()
        if self.job:
            if self.spoken == self.job + 1 == min(minors):
                self.decided = self.job
            elif self.spoken == self.job and max(minors) <= self.job:
                self.story.append("! the downgrade has ended")
                self.job = 0
        elif min(minors) > self.spoken:
            self.decided = min(minors)

    def agree(self) -> None:
        """What it has decided on comes to be, whatever has happened meanwhile."""
        if not self.decided or not self.has_quorum():
            return
        self.spoken, self.decided = self.decided, 0
        self.story.append(f"! the cluster speaks {self.spoken}")

    def hear(self, member_id: str) -> None:
        """A member learns what the cluster speaks; one that is too old for it ends."""
        machine, data = self.machine_of(member_id), self.data.get(member_id)
        if machine is None or data is None or machine.ran_with is None or data.heard == self.spoken:
            return
        has = minor(machine.ran_with.version)
        if member_id not in self.releases():
            return
        if has < self.spoken:
            machine.runs = self._ended(machine, f"{has} in a cluster that speaks {self.spoken} by now")
            return
        if self.spoken < data.heard:
            # At once, on every member: what the upgrade to 3.7 builds on.
            data.snapshot = self.index
        data.heard = self.spoken

    def store(self, member_id: str) -> None:
        """A member brings its storage to what the cluster speaks."""
        machine, data = self.machine_of(member_id), self.data.get(member_id)
        if machine is None or data is None or machine.ran_with is None or data.wrote == data.heard:
            return
        if member_id not in self.releases():
            return
        data.wrote = data.heard if minor(machine.ran_with.version) >= _TELLS else min(data.heard, 5)

    def passes(self) -> None:
        """So much time passes that all of that has happened."""
        for _round in range(2):
            self.decide()
            self.agree()
            for member_id in self.members:
                self.hear(member_id)
                self.store(member_id)

    def moves(self, rng: Any) -> None:
        """Some of it happens."""
        what = rng.randrange(8)
        member_id = rng.choice(sorted(self.members)) if self.members else ""
        if what < 2:
            self.decide()
        elif what < 4:
            self.agree()
        elif what == 4:
            self.hear(member_id)
        elif what == 5:
            self.store(member_id)
        elif what == 6:
            # So many writes that a member takes a raft snapshot of its own.
            if rng.random() < 0.1 and member_id in self.releases() and member_id in self.data:
                self.data[member_id].snapshot = self.index
        elif not self.locks and rng.random() < (0.5 if self.key == "briefly" else 0.05):
            self.key = ""

    # -- what it is asked --------------------------------------------------------------------------------------------

    def enable(self, target: int) -> None:
        if not self.has_quorum():
            raise HostError("request timed out")
        if self.job:
            raise HostError("cluster has a downgrade job in progress")
        if target != self.spoken - 1 or target < 5:
            raise HostError("invalid downgrade target version")
        self.story.append(f"! a downgrade to {target} is enabled")
        # What the leader was about to do is overtaken.
        self.job, self.decided = target, 0

    def cancel(self) -> None:
        if not self.has_quorum():
            raise HostError("request timed out")
        self.story.append("! the downgrade is cancelled")
        self.job = self.decided = 0

    def storage(self) -> dict[str, int]:
        """Who answers, and of which minor its storage is; nothing of members before 3.6."""
        return {one: self.data[one].wrote for one, has in self.releases().items() if minor(has) >= _TELLS}

    def is_stored(self, target: int) -> bool:
        """Has every member that tells its storage at this version, and is none silent?"""
        return self.all_answer() and all(one == target for one in self.storage().values())

    def says(self, member_id: str) -> list[int]:
        """What the peer port of a member tells: what the cluster speaks, and the version of its storage."""
        machine = self.machine_of(member_id)
        if machine is None or machine.ran_with is None or member_id not in self.data:
            return []
        data = self.data[member_id]
        return [data.heard, data.wrote] if minor(machine.ran_with.version) >= _TELLS else [data.heard]

    def votes(self) -> Votes:
        found = super().votes()
        tells = any(one >= _TELLS for one in self.minors())
        return replace(found, downgrade=f"3.{self.job}.0" if self.job and tells else "", versions=self.releases())

    # -- what a run sees ---------------------------------------------------------------------------------------------

    def fail(self, what: str, machine: Machine) -> None:
        super().fail(what, machine)
        self.data = {one: data for one, data in self.data.items() if any(there.log == one for there in self.machines)}

    def look(self, shape: Shape, inventory: Inventory) -> Host:
        host, machine = super().look(shape, inventory), self.machines[shape.at]
        if host.wanted is not None:
            host = replace(host, wanted=replace(host.wanted, version=inventory.version))
        data = self.data.get(machine.log)
        if host.silent or data is None:
            return host
        host = seeing(host, data={"version": "" if machine.runs else f"3.{data.wrote}.0"})
        return seeing(host, cluster_version=f"3.{data.heard}.0") if machine.runs else host

    def _view(self, machine: Machine, inventory: Inventory) -> View:
        found = super()._view(machine, inventory)
        if found.status is None or machine.ran_with is None:
            return found
        tells = minor(machine.ran_with.version) >= _TELLS
        status = replace(
            found.status,
            version=machine.ran_with.version,
            storage_version=f"3.{self.data[machine.log].wrote}.0" if tells else "",
            downgrade=f"3.{self.job}.0" if self.job and tells else "",
        )
        return replace(found, status=status, is_renewing=bool(self.key and status.downgrade and not found.error))


class VersionedActor(Actor):
    """Acts on members of releases, as the modules do them."""

    world: Releases

    # -- an update ---------------------------------------------------------------------------------------------------

    def _check_release(self, arguments: Mapping[str, Any]) -> None:
        machine, world, to = self.machine, self.world, arguments["version"]
        assert machine.files is not None
        runs = machine.ran_with.version if machine.runs and machine.ran_with else ""
        has = runs or machine.files.version
        if arguments["from_version"] and has != arguments["from_version"]:
            _refuse("it has another release now", "host-changed")
        if not arguments["restart"]:
            return
        data = world.data[machine.log]
        if minor(to) >= _CANNOT_READ_V2 > (minor(runs) if runs else 0) and data.snapshot < world.newest_v2:
            raise upgrade.unreadable_log(machine.host, world.newest_v2, data.snapshot, to)
        votes = world.votes()
        if machine.runs:
            self._check_beside_others(votes, has, to)
        if to != has:
            self._check_not_older(votes, has, to)

    def _check_beside_others(self, votes: Votes, has: str, to: str) -> None:
        others = {one: version for one, version in votes.versions.items() if one != self.machine.log}
        upgrade_rules.check_step(list(others.values()), to)
        if votes.downgrade and to != has and minor(to) != minor(votes.downgrade):
            guard.check_downgrade(votes)
        if minor(to) < minor(has):
            said = {one: self.world.says(one) for one in self.world.members}
            if any(not told or set(told) != {minor(to)} for told in said.values()):
                _refuse(f"{said}: it would start with {to}", "downgrade-not-enabled")

    def _check_not_older(self, votes: Votes, has: str, to: str) -> None:
        spoken = [told[0] for one in self.world.members if one != self.machine.log and (told := self.world.says(one))]
        is_spoken = minor(to) in spoken or (self.machine.runs and len(votes.members) == len(votes.versions) == 1)
        if any(one > minor(to) for one in spoken) or (minor(to) < minor(has) and not is_spoken):
            _refuse(f"{to} is to take the place of {has}, and the cluster speaks {spoken}", "version-lower")

    def _check_way_back(self, machine: Machine) -> None:
        """An older minor returns only while the cluster speaks it, and will do so in a moment."""
        assert machine.previous is not None and machine.files is not None
        before, now = minor(machine.previous[0].version), minor(machine.files.version)
        if before >= now:
            return
        world, serves = self.world, machine.log in self.world.healthy()
        others = [one for one in world.members if one != machine.log]
        told = [said[0] for one in others if (said := world.says(one))]
        told += [world.data[machine.log].heard] if serves else []
        releases = [there.ran_with for one in others if (there := world.machine_of(one)) is not None]
        is_last = len(releases) == len(others) and all(one and minor(one.version) == now for one in releases)
        if now in told or (is_last and serves):
            machine.previous = None
            raise HostError(f"{machine.host} stays with {now}: its cluster speaks it, or will do so in a moment")

    def _serving_again(self) -> None:
        """With what was put back; what etcd refuses as too old is replaced by the new release again."""
        machine = self.machine
        too_old = machine.files is not None and self._is_too_old(machine)
        if machine.runs or not too_old or self._ahead is None:
            super()._serving_again()
            return
        machine.files, machine.previous = self._ahead, None
        self.world.start(machine)
        self._serving()
        raise HostError(f"{machine.host} serves again with the new release")

    def _is_too_old(self, machine: Machine) -> bool:
        data, world = self.world.data.get(machine.log), self.world
        if data is None:
            return False
        heard = max(data.heard, world.spoken) if world.has_quorum() else data.heard
        assert machine.files is not None
        return minor(machine.files.version) < max(heard, data.wrote)

    _ahead: Shape | None = None

    def _undone(self, machine: Machine, readdressed: bool) -> Act:
        self._ahead = machine.files
        yield from super()._undone(machine, readdressed)

    def _rolled_back(self, arguments: Mapping[str, Any]) -> Act:
        self._ahead = self.machine.files
        yield from super()._rolled_back(arguments)

    # -- an upgrade --------------------------------------------------------------------------------------------------

    def _save_first(self, _arguments: Mapping[str, Any]) -> Act:
        yield "saved"

    _examine = _rehearse = _save_before = _save_first

    def _await_version(self, arguments: Mapping[str, Any]) -> Act:
        wanted = minor(arguments["minor"])
        yield "waiting"
        self.world.passes()
        self.alive()
        if any(set(self.world.says(one)) != {wanted} for one in self.world.members):
            raise HostError(f"the cluster does not speak 3.{wanted}")

    def _renew_raft_snapshots(self, _arguments: Mapping[str, Any]) -> Act:
        yield from self._at_the_cluster(self._renewed())

    def _at_the_cluster(self, inner: Act) -> Act:
        try:
            yield from self._cluster(None)
            yield from inner
        finally:
            self._let_go()

    def _renewed(self) -> Act:
        world = self.world
        votes = world.votes()
        raft_snapshots._check(votes, ours=bool(world.key))
        if not votes.downgrade:
            world.key = "briefly"
            yield "announced"
            self._check_lock()
            try:
                world.enable(5)
            except EtcdError:
                world.key = ""
                raise
        world.key = "pending"
        yield "downgrade enabled"
        world.passes()
        if not world.is_stored(5):
            self._cancelled()
            raise HostError("the storage does not have the version 3.5")
        world.key = "briefly"
        yield "about to cancel"
        self._cancelled()
        yield "cancelled"
        world.passes()
        if not world.is_stored(6):
            raise HostError("the storage does not have the version 3.6")

    def _check_lock(self) -> None:
        if self.world.locks.get("cluster") is not self:
            raise HostError("the lock is gone")

    def _cancelled(self) -> None:
        self.world.cancel()
        self.world.key = ""

    # -- a downgrade -------------------------------------------------------------------------------------------------

    def _enable_downgrade(self, arguments: Mapping[str, Any]) -> Act:
        yield from self._at_the_cluster(self._enabled(minor(arguments["target"])))

    def _enabled(self, target: int) -> Act:
        world = self.world
        votes = world.votes()
        _downgrade._check(votes, f"3.{target}")
        held = target in world.minors()
        due = not votes.downgrade and not (held and world.is_stored(target))
        world.key = ""
        yield "validated"
        if due:
            self._check_lock()
            world.enable(target)
        yield "enabled"
        world.passes()
        if not world.is_stored(target):
            raise HostError(f"the storage does not have the version 3.{target}")

    def _cancel_downgrade(self, _arguments: Mapping[str, Any]) -> Act:
        yield from self._at_the_cluster(self._taken_back())

    def _taken_back(self) -> Act:
        world = self.world
        if not world.votes().downgrade:
            return
        yield "about to cancel"
        world.cancel()
        yield "cancelled"
        world.key = ""
        world.passes()
        if len(set(world.minors())) == 1 and world.all_answer() and not world.is_stored(world.minors()[0]):
            raise HostError("the storage does not return")

    def _await_downgrade(self, _arguments: Mapping[str, Any]) -> Act:
        yield "waiting"
        self.world.passes()
        if self.world.job:
            raise HostError("the downgrade is still pending")


def _refuse(found: str, code: str) -> None:
    raise Refused(found, "", "", code=code)


class VersionedRun(Run):
    """One run of the ordinary playbook, or of the one that lets a cluster go back.

    :param back: the downgrade that is asked for.
    """

    actor = VersionedActor

    def __init__(self, world: Releases, inventory: Inventory, back: Wish | None = None) -> None:
        super().__init__(world, inventory)
        self.back = back

    def _plan(self, hosts: Sequence[Host]) -> cluster_plan.Plan:
        return cluster_plan.plan(hosts, back=self.back)
