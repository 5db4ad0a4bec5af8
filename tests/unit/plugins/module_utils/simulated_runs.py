# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acts on simulated machines, and runs made of them: what the modules do, in their order.

An act is a generator that stops wherever a real one can be interrupted; to close it is to kill it there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members, guard, markers, peer_links
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.guard import Votes
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.peer_links import Demand
from ansible_collections.quorum.etcd.plugins.module_utils._plan import cluster_plan
from simulated import Broken, Inventory, Machine, Shape, Unknowable, World, observe

#: What an act says where it can be interrupted.
Act = Generator[str, None, None]

WAITING = "waiting for a lock"


@dataclass
class Actor:
    """One step under way."""

    world: World
    inventory: Inventory
    step: Step
    host: Host

    @property
    def shape(self) -> Shape:
        return next(shape for shape in self.inventory.shapes if shape.host == self.host.name)

    @property
    def machine(self) -> Machine:
        return self.world.machines[self.shape.at]

    def _shape_for(self, arguments: Mapping[str, Any]) -> Shape:
        """What files that are written for a release are written for."""
        return replace(self.shape, version=arguments["version"])

    def act(self) -> Act:
        self.alive()
        inner, boots = (
            getattr(self, f"_{self.step.kind.replace('-', '_')}")(self.step.act.to_dict()),
            self.machine.boots,
        )
        for where in inner:
            yield where
            if self.machine.boots != boots:
                inner.close()
                raise HostError(f"{self.host.name} is unreachable: it was booted in between")

    def alive(self) -> None:
        if not self.machine.on:
            raise HostError(f"{self.host.name} is unreachable")

    # locks: whoever is killed gives them up

    def _hold(self, name: str) -> Act:
        while name in self.world.locks:
            yield WAITING
        self.world.locks[name] = self

    def _let_go(self) -> None:
        for name in [name for name, owner in self.world.locks.items() if owner is self]:
            del self.world.locks[name]

    def _locked(self, inner: Act) -> Act:
        try:
            yield from self._hold(self.host.name)
            yield from inner
        finally:
            self._let_go()

    def _cluster(self, presumed: Sequence[Mapping[str, Any]] | None, but: str = "") -> Act:
        if not self.world.has_quorum():
            raise Refused("no lease: there is no quorum.", "", "", code="simulated")
        yield from self._hold("cluster")
        self._reach(self.step.act.to_dict().get("endpoints", ()))
        if presumed is not None:
            expected_members.check(presumed, self.world.listed(), but)

    def _reach(self, endpoints: Sequence[str]) -> None:
        """Is at least one of those that an act is to ask there?"""
        listening = {
            url for one in self.world.machines if one.runs and one.ran_with for url in one.ran_with.client_urls
        }
        if endpoints and not listening & set(endpoints):
            raise HostError(f"none of {len(endpoints)} endpoints answered: {', '.join(endpoints)}")

    def _mark(self, expected: Marker | None, wanted: Marker) -> None:
        if self.machine.marker != expected:
            raise Refused("the marker changed meanwhile", "", "", code="simulated")
        markers.check_follows(expected.state if expected else None, wanted.state)
        self.machine.marker = wanted

    def _expected(self) -> Marker | None:
        return self.host.marker

    # founding and starting

    def _install(self, arguments: Mapping[str, Any]) -> Act:
        yield "unpacked"
        self.machine.releases.add(arguments["version"])

    def _configure(self, arguments: Mapping[str, Any]) -> Act:
        yield from self._locked(self._configured(arguments))

    def _configured(self, arguments: Mapping[str, Any]) -> Act:
        expected, machine = self._expected(), self.machine
        own = {"cluster": "etcd_cluster", "name": self.shape.member, "machine_id": machine.machine_id}
        if arguments["keeps_data"]:
            ids = {"member_id": machine.log, "cluster_id": self.world.cluster_id}
            if not machine.log:
                raise Refused("no log", "", "", code="simulated")
            self._mark(expected, Marker(markers.STARTED, origin=markers.KEPT, **own, **ids))
            if machine.runs:
                return
        else:
            if machine.log:
                raise Refused("there is a log now", "", "", code="simulated")
            state = expected.state if expected else markers.OFFERED
            told = {key: arguments[key] for key in ("token", "initial_cluster")}
            self._mark(expected, Marker(state, **own, **told))
            machine.first = told
        yield "marked"
        self.machine.files = self._shape_for(arguments)
        yield "files written"

    def _prove(self, arguments: Mapping[str, Any]) -> Act:
        marker = self.machine.marker
        if marker is None:
            raise Refused("no marker", "", "", code="simulated")
        for peer in arguments["peers"]:
            other = next(one for one in self.world.machines if one.files and one.files.member == peer["name"])
            if not other.on or other.marker is None or other.marker.token != arguments["token"]:
                raise HostError(f"{peer['name']} does not greet")
        yield "reached"
        self._mark(marker, marker.becoming(markers.NEVER_STARTED))

    def _start(self, _arguments: Mapping[str, Any]) -> Act:
        yield "about to start"
        self.alive()
        if self.machine.masked:
            raise HostError("masked")
        state = self.machine.marker.state if self.machine.marker else None
        allowed = (markers.NEVER_STARTED, markers.STARTING, markers.STARTED)
        if not self.machine.runs and state not in (*allowed, *([markers.LEAVING] if self.machine.log else [])):
            raise Refused("its gate would not let it through", "", "", code="simulated")
        self.machine.enabled = True
        self.world.start(self.machine)

    def _await(self, _arguments: Mapping[str, Any]) -> Act:
        yield "waiting"
        self._serving()
        yield "serves"
        self._remember()

    def _serving(self) -> None:
        self.alive()
        if self.machine.log not in self.world.healthy() or not self.machine.runs:
            raise HostError(f"{self.host.name} does not serve")

    def _serving_again(self) -> None:
        """With what was put back."""
        try:
            self._serving()
        except HostError:
            self.machine.doubtful = True
            raise

    def _remember(self, **changes: Any) -> None:
        marker = self.machine.marker
        assert marker is not None
        self.machine.marker = replace(marker, member_id=self.machine.log, cluster_id=self.world.cluster_id, **changes)

    # updates

    def _restart(self, outage: bool = False) -> Act:
        if self.machine.runs:
            self.world.stop(self.machine, outage)
        yield "stopped"
        self.alive()
        self.machine.enabled = True
        self.world.start(self.machine)
        yield "started"

    def _outage(self) -> bool:
        return self.inventory.allow_outage and len(self.world.voters) == 2

    def _rollback(self, arguments: Mapping[str, Any]) -> Act:
        yield from self._locked(self._rolled_back(arguments))

    def _rolled_back(self, _arguments: Mapping[str, Any]) -> Act:
        machine = self.machine
        if machine.previous is None or machine.log in self.world.healthy():
            return
        self._check_way_back(machine)
        claimed = False
        if machine.runs:
            claimed = yield from self._released(machine)
        files, urls = machine.previous
        machine.files = files
        yield "files put back"
        yield from self._restart()
        self._serving_again()
        if urls:
            if not claimed:
                yield from self._cluster(None)
            self.world.update(machine.log, urls)
            yield "readdressed"
        self._remember()
        machine.previous = None

    def _update(self, arguments: Mapping[str, Any]) -> Act:
        yield from self._locked(self._updated(arguments))

    def _updated(self, arguments: Mapping[str, Any]) -> Act:
        machine, expected = self.machine, self._expected()
        found = machine.marker
        if found is None or expected is None or (found.name, found.token) != (expected.name, expected.token):
            raise Refused("the marker changed meanwhile", "", "", code="simulated")
        ran = (markers.STARTING, markers.STARTED)
        if found.state != expected.state and not (found.state in ran and expected.state in ran):
            raise Refused("the marker changed meanwhile", "", "", code="simulated")
        interrupted = machine.previous is not None
        urls, restart = arguments["peer_urls"], arguments["restart"]
        if restart and not machine.log:
            raise Refused("its data are gone: its gate would not start it again", "", "", code="simulated")
        if urls or (restart and machine.runs):
            yield from self._cluster(arguments["members"])
            if machine.runs:
                guard.check_stop(self.world.votes(), machine.log, self.inventory.allow_outage)
        self._check_release(arguments)
        assert machine.files is not None
        serves = machine.log in self.world.healthy()
        if machine.previous is None or (machine.doubtful and serves):
            machine.doubtful = not serves
            machine.previous = (machine.files, tuple(self.world.members[machine.log].peer_urls) if urls else ())
        elif urls and not machine.previous[1]:
            machine.previous = (machine.previous[0], tuple(self.world.members[machine.log].peer_urls))
        yield "previous kept"
        machine.files = self._shape_for(arguments)
        yield "files written"
        if restart:
            yield from self._restarted(machine, urls)
        stale = machine.runs and machine.ran_with != machine.files
        if machine.runs:
            self._remember(name=self.shape.member)
        if restart or not interrupted or (machine.log in self.world.healthy() and not stale):
            machine.previous = None

    def _check_release(self, arguments: Mapping[str, Any]) -> None:
        """May the member get the release of an update?"""

    def _check_way_back(self, machine: Machine) -> None:
        """May the member get the release of before?"""

    def _restarted(self, machine: Machine, urls: Sequence[str]) -> Act:
        """Once the others show that they can spare it, and take it back."""
        guarded, allowed = machine.runs, self.inventory.allow_outage
        if guarded:
            try:
                same = machine.ran_with is not None and machine.ran_with.peer_urls == self.shape.peer_urls
                stays = same and not urls
                self._require(lambda now: peer_links.before_stop(now, machine.log, allowed, reached=stays), machine.log)
            except Refused:
                assert machine.previous is not None
                machine.files, machine.previous = machine.previous[0], None
                raise
        if urls:
            self.world.update(machine.log, urls, self._outage())
            yield "readdressed"
        yield from self._restart(self._outage())
        if machine.log not in self.world.healthy():
            yield from self._undone(machine, bool(urls))
        elif guarded:
            yield from self._welcomed(machine, bool(urls))

    def _welcomed(self, machine: Machine, readdressed: bool) -> Act:
        """It serves; without new connections both ways it goes back to what it was, if it can be spared again."""
        allowed = self.inventory.allow_outage
        try:
            self._require(lambda now: peer_links.after_start(now, machine.log, allowed), machine.log)
        except Refused:
            yield from self._undone(machine, readdressed)

    def _released(self, machine: Machine, claimed: bool = False) -> Generator[str, None, bool]:
        """A member that runs goes back to its previous files.

        :returns: whether the cluster's lock is held.
        """
        votes, allowed = self.world.votes(), self.inventory.allow_outage
        if not votes.healthy and any(one.runs for one in self.world.machines if one is not machine):
            # There is no quorum to lose.
            return claimed
        if not claimed:
            yield from self._cluster(None)
        own_side = False
        self._require(lambda now: peer_links.before_stop(now, machine.log, allowed, False, own_side), machine.log)
        return True

    def _require(self, demand_of: Callable[[Votes], Demand | None], own: str = "") -> None:
        """New connections, as they are just now."""
        votes, links = self.world.votes(), self.world.links(self.inventory)
        demand = demand_of(votes)
        if demand is not None:
            peer_links.check(
                demand, votes, {one: found for one, found in links.items() if one in votes.healthy or one == own}
            )

    def _undone(self, machine: Machine, readdressed: bool) -> Act:
        assert machine.previous is not None
        self._check_way_back(machine)
        files, urls = machine.previous
        if machine.runs:
            yield from self._released(machine, claimed=self.world.locks.get("cluster") is self)
        machine.files = files
        yield "files put back"
        yield from self._restart(outage=True)
        self._serving_again()
        if readdressed and urls:
            self.world.update(machine.log, urls)
        machine.previous = None
        raise HostError("the update failed and was undone")

    # membership

    def _join(self, arguments: Mapping[str, Any]) -> Act:
        yield from self._locked(self._joined(arguments))

    def _joined(self, arguments: Mapping[str, Any]) -> Act:
        machine, world = self.machine, self.world
        before, has_log = machine.marker, bool(machine.log)
        state = before.state if before else None
        ours = before is not None and before.origin == markers.JOIN
        allowed = (
            ours and state in (markers.STARTING, markers.STARTED)
            if has_log
            else state in (None, markers.REMOVED) or (ours and state == markers.NEVER_STARTED)
        )
        if not allowed:
            raise Refused("only a host without data can join", "", "", code="simulated")
        wanted = self._shape_for(arguments)
        goes_on = machine.runs and (machine.ran_with == wanted or machine.log in world.voters)
        if not goes_on:
            machine.files = wanted
            yield "files written"
        yield from self._cluster(None)
        own = self._own(before, has_log, world.listed())
        expected_members.check(arguments["members"], world.listed(), own.id if own else "")
        if own is None:
            guard.check_add(world.votes(), arguments["version"])
            member_id = world.add(machine.at, self.shape.peer_urls)
            yield "added"
        else:
            member_id = own.id
            if own.is_learner and own.peer_urls != sorted(self.shape.peer_urls):
                world.update(member_id, self.shape.peer_urls)
                yield "readdressed"
        if not has_log:
            pairs = [
                f"{self.shape.member if one.id == member_id else one.name or one.id}={url}"
                for one in world.listed()
                for url in one.peer_urls
            ]
            machine.first = {"initial_cluster": ",".join(pairs), "token": ""}
            yield "first start prepared"
            ids = {"member_id": member_id, "cluster_id": self.world.cluster_id, "machine_id": machine.machine_id}
            marker = Marker(markers.NEVER_STARTED, origin=markers.JOIN, cluster="etcd_cluster", **ids)
            self._mark(before, replace(marker, name=self.shape.member, initial_cluster=",".join(pairs)))
            yield "marked"
        machine.enabled = True
        machine.runs = machine.runs and goes_on
        world.start(machine)
        yield "started"
        self.alive()
        if member_id in world.members and world.members[member_id].is_learner:
            guard.check_promote(world.votes(), member_id)
            self._require(lambda now: peer_links.before_promotion(now, member_id), member_id)
            world.promote(member_id)
            yield "promoted"
        self._serving()

    def _own(self, marker: Marker | None, has_log: bool, members: Sequence[ClusterMember]) -> ClusterMember | None:
        shape = self.shape
        if has_log and marker is not None:
            found = next((one for one in members if one.id == marker.member_id), None)
            if found is None:
                raise Refused("removed while it joined", "", "", code="simulated")
            return found
        found = next((one for one in members if set(one.peer_urls) & set(shape.peer_urls)), None)
        if any(one.name == shape.member and one is not found for one in members):
            raise Refused("the name is taken", "", "", code="simulated")
        if found and (found.started or not found.is_learner or found.peer_urls != sorted(shape.peer_urls)):
            raise Refused("it may have voted", "", "", code="simulated")
        return found

    def _leave(self, arguments: Mapping[str, Any]) -> Act:
        yield from self._locked(self._left(arguments))

    def _left(self, arguments: Mapping[str, Any]) -> Act:
        machine, world, member_id = self.machine, self.world, arguments["member_id"]
        if machine.marker and machine.marker.state == markers.REMOVED and not member_id:
            return
        if member_id or machine.log:
            if machine.files is None:
                raise Refused("no certificate to ask the cluster with", "", "", code="simulated")
            yield from self._cluster(arguments["members"], member_id)
        is_member = member_id in world.members
        if is_member:
            self._require(lambda now: peer_links.before_removal(now, member_id))
        if machine.marker is None:
            self._mark(None, Marker(markers.LEAVING, name=self.shape.member, member_id=member_id))
        elif machine.marker.state not in (markers.LEAVING, markers.REMOVED):
            known = member_id or machine.marker.member_id
            self._mark(machine.marker, machine.marker.becoming(markers.LEAVING, member_id=known))
        yield "marked"
        if is_member:
            if member_id not in world.healthy():
                machine.runs = machine.enabled = False
                yield "stopped"
            world.remove(member_id)
            yield "removed"
        world.locks = {name: owner for name, owner in world.locks.items() if name != "cluster" or owner is not self}
        machine.runs = machine.enabled = False
        yield "at rest"
        machine.log, machine.behind = "", False
        yield "data archived"
        assert machine.marker is not None
        self._mark(machine.marker, machine.marker.becoming(markers.REMOVED))
        machine.previous = None

    def _forget(self, arguments: Mapping[str, Any]) -> Act:
        try:
            yield from self._cluster(arguments["members"])
            if self.world.machine_of(arguments["member_id"]):
                raise Refused("it answers", "", "", code="simulated")
            guard.check_remove(self.world.votes(), arguments["member_id"])
            self.world.remove(arguments["member_id"])
            yield "removed"
        finally:
            self._let_go()


class Run:
    """One run of the playbook, walked act by act.

    :param fenced: words for machines that are said to be off.
    :param plan: what it planned, once it has; None where that was refused.
    :param said: the refusal, or why it stopped.
    """

    def __init__(self, world: World, inventory: Inventory, fenced: Sequence[str] = ()) -> None:
        self.world, self.inventory, self.fenced = world, inventory, fenced
        self.plan: cluster_plan.Plan | None = None
        self.said = ""

    #: Who does its steps.
    actor: type[Actor] = Actor

    def _plan(self, hosts: Sequence[Host]) -> cluster_plan.Plan:
        return cluster_plan.plan(hosts, fenced=self.fenced)

    def walk(self) -> Act:
        hosts = observe(self.world, self.inventory)
        try:
            self.plan = self._plan(hosts)
        except EtcdError as exc:
            self.said = str(exc)
            return
        by_name = {host.name: host for host in hosts}
        founds = any(step.kind == "prove" for step in self.plan.steps)
        if founds and self.world.tokens and not any(host.has_log or host.state for host in hosts):
            raise Unknowable
        for wave in self.plan.waves:
            failed = ""
            for step in wave:
                self.world.story.append(f"{step.kind} {step.host}")
                try:
                    yield f"before {step.kind}"
                    yield from self.actor(self.world, self.inventory, step, by_name[step.host]).act()
                except EtcdError as exc:
                    failed = failed or f"{step.kind} {step.host}: {exc}"
                    self.world.story.append(f"failed: {failed}")
            if failed:
                self.said = failed
                return

    def finish(self, limit: int = 2000) -> Run:
        for at, _where in enumerate(self.walk()):
            if at > limit:
                raise Broken("it waits for ever")
        return self


def side_by_side(rng: Random, world: World, runs: Sequence[Run], meanwhile: Callable[[float], None]) -> None:
    """Walk runs side by side, each of which may be killed anywhere.

    :param meanwhile: what else happens at a moment, by a number from 0.03 to 1: at those below a run is killed.
    """
    walks = [run.walk() for run in runs]
    for _moment in range(400):
        if not walks:
            return
        walk = rng.choice(walks)
        if not world.locks:
            world.disturbed = False
        try:
            where = next(walk)
        except StopIteration:
            walks.remove(walk)
            continue
        fate = rng.random()
        if fate < 0.03:
            world.story.append(f"killed {where}")
            walk.close()
            walks.remove(walk)
        else:
            meanwhile(fate)
    for walk in walks:
        walk.close()
