# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that replace or remove a whole cluster, on simulated machines, and an operator who follows refusals.

The plans are the real ones. A playbook is a generator that stops wherever a real one can be interrupted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, fencing, identity, markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.recovery_space import Place
from ansible_collections.quorum.etcd.plugins.module_utils._model.restore_spec import Restoration
from ansible_collections.quorum.etcd.plugins.module_utils._plan import recovery, restore, roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.recovery import MemberRemains, Recovery, RecoveryConsent
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore import HostView, RestoreRequest
from ansible_collections.quorum.etcd.plugins.module_utils._plan.restore_plan import Candidate
from inventory_of import CLUSTER_ID, seeing
from simulated import Broken, Inventory, Machine, Shape, World, _template, observe
from simulated_runs import Act, Run
from snapshots_of import manifest

CLUSTER = "etcd_cluster"
PATH = "/var/lib/etcd-snapshots/etcd_cluster-20261122T070000Z-1000.db"
#: The second at which each host says to be looked at.
NOW = 1795333200.0
#: How many commands an operator gives before the advice counts as a circle.
PATIENCE = 12


class Ways(World):
    """Machines, the cluster that is on them now, and those that were before it.

    :ivar restoration: machine -> the restore that is written down there.
    :ivar prepared: machine -> the token of the restore whose new data are made there.
    :ivar aside: machine -> the log that a restore has archived, and that can come back.
    :ivar damaged: members whose log cannot be read.
    :ivar snapshots: machines that have a snapshot of the first cluster.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.former: list[dict[str, dict[str, Any]]] = []
        self.restoration: dict[int, Restoration] = {}
        self.prepared: dict[int, str] = {}
        self.aside: dict[int, str] = {}
        self.damaged: set[str] = set()
        self.snapshots = set(range(size))
        self._clusters: dict[str, str] = {}
        # A member that goes on alone keeps its id: machine -> of how many clusters before it were its data.
        self.generation: dict[int, int] = {}

    def cluster_id_of(self, member_id: str) -> str:
        return self._clusters.get(member_id, self.cluster_id)

    def becomes(self, cluster_id: str, members: Mapping[str, ClusterMember]) -> None:
        """Another cluster takes the place of the one that was."""
        for member_id in self.members:
            self._clusters.setdefault(member_id, self.cluster_id)
        self.former.append(self.members)
        self.cluster_id, self.members = cluster_id, dict(members)
        self._clusters.update(dict.fromkeys(members, cluster_id))

    def cluster_of(self, machine: Machine) -> tuple[int, dict[str, dict[str, Any]]]:
        """Of which cluster the data on a machine are, counted from the first, and its members."""
        clusters = [*self.former, self.members]
        at = next((at for at, members in enumerate(clusters) if machine.log in members), len(self.former))
        at = self.generation.get(machine.at, at)
        return (at, clusters[at]) if machine.log in clusters[at] else (len(self.former), self.members)

    def start(self, machine: Machine) -> None:
        if machine.log in self.damaged:
            return
        super().start(machine)
        self.check_one_cluster()

    def check_one_cluster(self) -> None:
        """No cluster that was has a quorum beside the one that is."""
        for generation, members in enumerate(self.former):
            voters = {one for one, member in members.items() if not member.is_learner}
            running = [
                one
                for one in self.machines
                if one.on and one.runs and one.log in voters and self.cluster_of(one)[0] == generation
            ]
            if len(running) > len(voters) // 2 and self.has_quorum():
                raise Broken(f"two clusters: {[one.host for one in running]} serve beside {sorted(self.members)}")

    def fail(self, what: str, machine: Machine) -> None:
        super().fail(what, machine)
        if what == "rebuild":
            self.snapshots.discard(machine.at)
            for found in (self.restoration, self.prepared, self.aside):
                found.pop(machine.at, None)
        if what == "damage" and machine.log and not machine.runs:
            self.damaged.add(machine.log)

    def look(self, shape: Shape, inventory: Inventory) -> Host:
        host = super().look(shape, inventory)
        if host.silent:
            return host
        machine = self.machines[shape.at]
        host = seeing(host, host={"time": NOW}, data={"damaged": machine.log in self.damaged and machine.enabled})
        if host.seen.cluster.status:
            host = seeing(host, cluster={"status": replace(host.seen.status, revision=1200)})
        return host


@dataclass(frozen=True)
class Command:
    """What an operator types.

    :param snapshot: a file on the controller is named.
    :param snapshot_of: whose it is, where it is not this cluster's.
    """

    playbook: str
    fenced: tuple[str, ...] = ()
    roll_back: bool = False
    snapshot: bool = False
    snapshot_of: str = ""
    forget: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        undone = f" -e etcd_forget={','.join(self.forget)}" * bool(self.forget)
        undone += f" -e etcd_rollback={CLUSTER}" * self.roll_back
        return f"{self.playbook}.yml{undone} {advice.fencing(self.fenced)}{' with a file' * self.snapshot}".strip()


class Playbook:
    """One run of a playbook.

    :ivar said: the refusal, or why it stopped; empty where all was done.
    """

    def __init__(self, world: Ways, inventory: Inventory, command: Command) -> None:
        self.world, self.inventory, self.command = world, inventory, command
        self.said = ""
        self.changed = False

    def walk(self) -> Act:
        self.world.story.append(f"$ {self.command.text}")
        try:
            yield from getattr(self, f"_{self.command.playbook}")()
        except EtcdError as exc:
            self.said = str(exc)
        if self.said:
            self.world.story.append(f"  {self.said}")

    def finish(self) -> Playbook:
        for at, _where in enumerate(self.walk()):
            if at > 2000:
                raise Broken("it waits for ever")
        return self

    def _machine(self, host: str) -> Machine:
        machine = next(one for one in self.world.machines if one.host == host)
        if not machine.on:
            raise HostError(f"{host} is unreachable")
        return machine

    def _shape(self, machine: Machine) -> Shape:
        return next(shape for shape in self.inventory.shapes if shape.at == machine.at)

    def _each(self, hosts: Iterable[str], act: Callable[[Machine], None]) -> Act:
        for host in hosts:
            yield f"before {act.__name__} {host}"
            act(self._machine(host))
            self.changed = True

    def _rests(self, machine: Machine) -> None:
        machine.runs = machine.enabled = False

    def _resumed(self, machine: Machine) -> None:
        """The member that was before runs again."""
        if machine.marker is not None and machine.marker.state in (
            markers.STARTING,
            markers.STARTED,
            markers.LEAVING,
        ):
            machine.enabled = True
            self.world.start(machine)

    # -- etcd.yml ----------------------------------------------------------------------------------------------------

    def _etcd(self) -> Act:
        yield from self._ordinary(self.command.fenced)

    def _ordinary(self, fenced: Sequence[str]) -> Act:
        run = Run(self.world, replace(self.inventory, forget=self.command.forget), fenced)
        yield from run.walk()
        self.said = run.said if run.plan is None else run.said and f"{run.said}. Then run the same command again."
        self.changed = self.changed or bool(run.plan and run.plan.waves)

    # -- destroy.yml -------------------------------------------------------------------------------------------------

    def _destroy(self) -> Act:
        given = self.command.fenced
        hosts = observe(self.world, self.inventory)
        off = fencing.by_inventory(given, self._inventory()).off
        heard = [host for host in hosts if not host.silent and host.name not in off]
        members = {one.id: one for host in heard for one in self._known(self._machine(host.name))}
        found = [roster.identity_of(host) for host in hosts]
        fenced = fencing.by_members(given, found, list(members.values()))
        unheard = {host.name: host.silent for host in hosts if host.silent}
        fencing.check_heard(fenced, given, unheard, {}, "It may come back.")
        fencing.check_silent({host.name: self._alive(self._machine(host.name), fenced.words) for host in heard})
        names = [host.name for host in hosts if host.name not in fenced.off]
        yield from self._each(names, self._stopped_for_good)
        yield from self._each(names, self._destroyed)
        yield from self._each(names, self._unmarked)

    def _alive(self, machine: Machine, fenced: Sequence[str]) -> list[dict[str, Any]]:
        """Whom one machine knows of those that are said to be off, and hears."""
        named = [one for one in self._known(machine) if identity.of_member(one).is_named_by(fenced)]
        return [{"name": one.name, "answer": "answers"} for one in named if self.world.machine_of(one.id)]

    def _stopped_for_good(self, machine: Machine) -> None:
        self._rests(machine)
        if _was_member(machine.marker):
            assert machine.marker is not None
            machine.marker = machine.marker.becoming(markers.LEAVING)

    def _destroyed(self, machine: Machine) -> None:
        if not _was_member(machine.marker):
            return
        assert machine.marker is not None
        machine.log, machine.previous = "", None
        machine.marker = machine.marker.becoming(markers.REMOVED)

    def _unmarked(self, machine: Machine) -> None:
        machine.marker, machine.first = None, {}

    # -- recover.yml -------------------------------------------------------------------------------------------------

    def _recover(self) -> Act:
        words = RecoveryConsent(self.command.fenced, roll_back=self.command.roll_back)
        hosts = observe(self.world, self.inventory)
        plan = recovery.plan(hosts, self._left(hosts), words)
        yield from self._each(plan.rolls_back, self._roll_back)
        if plan.rolls_back:
            return
        yield from self._each(plan.rests, self._suspended)
        if plan.founds:
            plan = self._at_rest(hosts, words)
            yield "before going on alone"
            yield from self._alone(self._machine(plan.survivor))
        others = [host for host in plan.rests if host != plan.survivor]
        yield from self._each(others, self._given_up)
        yield from self._ordinary(plan.off)

    def _at_rest(self, hosts: Sequence[Host], words: RecoveryConsent) -> Recovery:
        try:
            return recovery.plan(hosts, self._left(hosts), words, at_rest=True)
        except EtcdError as exc:
            undoing = advice.rollback("recover", CLUSTER, self.command.fenced)
            raise HostError(f"{exc}\nTo roll it back: {undoing}") from exc

    def _left(self, hosts: Iterable[Host]) -> dict[str, MemberRemains]:
        return {host.name: self._left_on(self._machine(host.name)) for host in hosts if not host.silent}

    def _left_on(self, machine: Machine) -> MemberRemains:
        marker, is_damaged = machine.marker, machine.log in self.world.damaged
        has_log = bool(machine.log) and not is_damaged
        return MemberRemains(
            state=marker.state if marker else "",
            founded=_is_founded(marker),
            member_id=machine.log if has_log else "",
            cluster_id=self.world.cluster_id_of(machine.log) if has_log else "",
            log={"term": 2, "index": 9 + machine.at, "commit": 9, "keepable": 9 + machine.at, "torn": False}
            if has_log
            else None,
            damaged="its log is damaged." if is_damaged else "",
            members=self._known(machine),
            copies=(Place("/var/lib/etcd/recovering", 1, 2, 1),),
            version="3.6.0",
        )

    def _known(self, machine: Machine) -> list[ClusterMember]:
        """The members by the database that lies on a machine."""
        if not machine.log or machine.log in self.world.damaged:
            return []
        return list(self.world.cluster_of(machine)[1].values())

    def _suspended(self, machine: Machine) -> None:
        if machine.marker is None:
            machine.marker = Marker(markers.RECOVERY_PENDING, markers.RECOVERY, cluster=CLUSTER, name=machine.host)
        else:
            machine.marker = machine.marker.suspended(markers.RECOVERY_PENDING)
        self._rests(machine)

    def _roll_back(self, machine: Machine) -> None:
        marker = machine.marker
        if marker is None or marker.state != markers.RECOVERY_PENDING:
            return
        if _is_founded(marker):
            raise HostError(f"it has made the new cluster. Let the recovery go on: {advice.recover(CLUSTER)}")
        machine.marker = marker.resumed()
        self._resumed(machine)

    def _alone(self, machine: Machine) -> Act:
        world, shape, marker = self.world, self._shape(machine), machine.marker
        if marker is None or marker.state != markers.RECOVERY_PENDING:
            raise HostError("its member was to be stopped")
        machine.files = shape
        machine.releases.add(shape.version)
        if not _is_founded(marker):
            if machine.log in world.damaged:
                raise HostError("its log is damaged")
            machine.marker = marker = marker.becoming(
                markers.RECOVERY_PENDING,
                next_token=markers.RECOVERY,
                member_id=machine.log,
                cluster_id=world.cluster_id,
            )
            world.becomes(world.cluster_id, {machine.log: _voter(machine.log, shape.peer_urls, shape)})
            world.generation[machine.at] = len(world.former)
            yield "no way back"
        machine.marker = marker.becoming(markers.STARTED, origin=markers.RECOVERY, before="", next_token="")
        yield "marked"
        machine.enabled = True
        world.start(machine)

    def _given_up(self, machine: Machine) -> None:
        marker = machine.marker
        if marker is None or marker.state == markers.REMOVED:
            return
        machine.log, machine.previous = "", None
        self.world.generation.pop(machine.at, None)
        machine.marker = marker.becoming(markers.REMOVED, before="", next_token="")

    # -- restore.yml -------------------------------------------------------------------------------------------------

    def _restore(self) -> Act:
        looks, wish = self._looked()
        if self.command.roll_back:
            yield from self._each(restore.roll_back(looks, wish), self._restore_roll_back)
            return
        plan = restore.plan(looks, wish, _file(self.world) if self.command.snapshot else None)
        if plan.ending:
            yield from self._each(plan.ending, self._finished)
            raise HostError("this run restored nothing. To restore again, run the same command again.")
        self._restoration = plan.restoration
        try:
            for act in (self._prepared, self._marked, self._stopped, self._moved):
                yield from self._each(plan.hosts, act)
        except EtcdError:
            if plan.may_roll_back:
                yield from self._each(
                    [host for host in plan.hosts if self.world.machines[_number(host)].on], self._restore_roll_back
                )
            raise
        for act in (self._restored, self._started_apart, self._verified, self._opened, self._finished):
            yield from self._each(plan.hosts, act)

    def _looked(self) -> tuple[list[HostView], RestoreRequest]:
        hosts = observe(self.world, self.inventory)
        given, known = self.command.fenced, self._inventory()
        off: Sequence[str] = fencing.by_inventory(given, known).off
        looks = [self._look(host) for host in hosts if host.name not in off]
        fenced = restore.fenced_by(given, known, looks)
        off = restore.fenced_hosts(fenced, [host.name for host in hosts])
        wish = RestoreRequest(
            CLUSTER, "/srv/etcd.db" if self.command.snapshot else "", self.command.snapshot_of, fenced=fenced
        )
        return [look for look in looks if look.host.name not in off], wish

    def _look(self, host: Host) -> HostView:
        if host.silent:
            return HostView(host)
        machine, world = self._machine(host.name), self.world
        kept = [Candidate(host.name, PATH, _manifest(world))] if machine.at in world.snapshots else []
        return HostView(
            host,
            record=world.restoration.get(machine.at),
            prepared=machine.at in world.prepared,
            kept=kept,
            staged={},
            known=self._known(machine),
            applied=9 if machine.log else 0,
        )

    def _is_over(self, machine: Machine) -> bool:
        marker = machine.marker
        return marker is not None and (marker.state, marker.token) == (markers.STARTED, self._restoration.token)

    def _is_pending(self, machine: Machine) -> bool:
        return machine.marker is not None and machine.marker.state == markers.RESTORE_PENDING

    def _prepared(self, machine: Machine) -> None:
        if not self._is_over(machine) and self.world.prepared.get(machine.at) != self._restoration.token:
            self.world.restoration[machine.at] = self._restoration
            self.world.prepared[machine.at] = self._restoration.token

    def _marked(self, machine: Machine) -> None:
        marker, token = machine.marker, self._restoration.token
        if self._is_over(machine) or (marker and marker.state in (markers.RESTORE_PENDING, markers.RESTORED)):
            return
        if self.world.restoration.get(machine.at) != self._restoration:
            raise HostError("the new data of this host's member are not there")
        if marker is None:
            machine.marker = Marker(markers.RESTORE_PENDING, cluster=CLUSTER, next_token=token)
        else:
            machine.marker = marker.suspended(markers.RESTORE_PENDING, next_token=token)

    def _stopped(self, machine: Machine) -> None:
        if self._is_pending(machine):
            self._rests(machine)

    def _moved(self, machine: Machine) -> None:
        if self._is_pending(machine) and machine.at not in self.world.aside:
            self.world.aside[machine.at] = machine.log
            machine.log = ""

    def _restored(self, machine: Machine) -> None:
        marker, world, restoration = machine.marker, self.world, self._restoration
        if marker is None or not self._is_pending(machine):
            return
        shape = self._shape(machine)
        cluster_id = restoration.token[-16:]
        if world.cluster_id != cluster_id:
            made = {_restored_id(restoration, name): (name, urls) for name, urls in restoration.members.items()}
            world.becomes(
                cluster_id,
                {one: _voter(one, urls, _shape_of(self.inventory, name)) for one, (name, urls) in made.items()},
            )
            world.home.update({one: _shape_of(self.inventory, name).at for one, (name, _urls) in made.items()})
        machine.log, machine.files = _restored_id(restoration, shape.member), shape
        machine.releases.add(shape.version)
        machine.previous = None
        world.generation[machine.at] = len(world.former)
        machine.marker = marker.becoming(
            markers.RESTORED,
            before="",
            next_token="",
            origin=markers.RESTORE,
            cluster=CLUSTER,
            name=shape.member,
            token=restoration.token,
            initial_cluster=restoration.initial_cluster,
            member_id=machine.log,
            cluster_id=cluster_id,
            machine_id=machine.machine_id,
        )

    def _started_apart(self, machine: Machine) -> None:
        if self._is_over(machine):
            self._resumed(machine)
        else:
            machine.runs, machine.ran_with = True, machine.files
            self.world.check_one_cluster()

    def _verified(self, machine: Machine) -> None:
        if not self._is_over(machine) and not self.world.has_quorum():
            raise HostError(f"{machine.host} answers no linearizable read")

    def _opened(self, machine: Machine) -> None:
        marker = machine.marker
        if marker is not None and marker.state == markers.RESTORED:
            machine.marker = marker.becoming(markers.STARTED)
        machine.enabled = True
        self.world.start(machine)

    def _finished(self, machine: Machine) -> None:
        for found in (self.world.restoration, self.world.prepared, self.world.aside):
            found.pop(machine.at, None)

    def _restore_roll_back(self, machine: Machine) -> None:
        world, marker = self.world, machine.marker
        record = world.restoration.get(machine.at)
        if marker is not None and record is not None and record.token == marker.token:
            raise HostError(f"it is restored already. Let it go on: {advice.restore(CLUSTER)}")
        if marker is not None and record is not None and self._is_pending(machine):
            machine.log = world.aside.pop(machine.at, machine.log)
            machine.marker = marker.resumed()
        if record is not None:
            self._resumed(machine)
        self._finished(machine)

    def _inventory(self) -> list[Identity]:
        """By what the inventory alone knows the hosts."""
        found = [roster.identity_of(_template(shape)) for shape in self.inventory.shapes]
        return [replace(one, is_new=False, peer_urls=()) for one in found]


def _number(host: str) -> int:
    return int(host.removeprefix("etcd-host"))


def _shape_of(inventory: Inventory, name: str) -> Shape:
    return next(shape for shape in inventory.shapes if shape.member == name)


def _voter(member_id: str, peer_urls: Sequence[str], shape: Shape) -> ClusterMember:
    return ClusterMember(member_id, shape.member, peer_urls, shape.client_urls)


def _restored_id(restoration: Restoration, name: str) -> str:
    return f"{restoration.token[-8:]}{sorted(restoration.members).index(name):08x}"


def _was_member(marker: Marker | None) -> bool:
    return marker is not None and marker.state not in (markers.OFFERED, markers.REMOVED)


def _is_founded(marker: Marker | None) -> bool:
    return marker is not None and (marker.state, marker.next_token) == (markers.RECOVERY_PENDING, markers.RECOVERY)


def _manifest(world: Ways) -> Any:
    """Of the cluster that was there first."""
    members = world.former[0] if world.former else world.members
    return manifest(members=list(map(asdict, members.values())), cluster_id=CLUSTER_ID)


def _file(world: Ways) -> Candidate:
    return Candidate("", "/srv/etcd.db", _manifest(world))


# -- the operator ------------------------------------------------------------------------------------------------------

_COMMAND = re.compile(r"ansible-playbook quorum\.etcd\.(\w+) -i INVENTORY((?: -e [a-z_]+=[^\s]+)*)")
_OPTION = re.compile(r"-e (etcd_[a-z_]+)=([^\s]+)")


def advised(said: str, given: Command) -> list[Command]:
    """The commands that a refusal names, in its order. What is only an option goes with the command that was given."""
    found: list[tuple[int, Command]] = []
    rest = said
    for match in _COMMAND.finditer(said):
        options = dict(_OPTION.findall(match[2]))
        if options.get("etcd_fenced") == "HOST" or not options:
            continue
        found.append(
            (
                match.start(),
                Command(
                    match[1],
                    _words(options.get("etcd_fenced", "")),
                    "etcd_rollback" in options,
                    "etcd_snapshot" in options,
                ),
            )
        )
        rest = rest.replace(match[0], " " * len(match[0]), 1)
    for match in _OPTION.finditer(rest):
        changes: dict[str, Any] = {
            "etcd_fenced": {"fenced": _words(match[2])},
            "etcd_rollback": {"roll_back": True},
            "etcd_confirm_cluster": {"roll_back": False},
            "etcd_forget": {"forget": _words(match[2])},
            "etcd_snapshot": {"snapshot": True},
            "etcd_snapshot_of": {"snapshot_of": match[2].rstrip(".,;)")},
        }.get(match[1], {})
        if changes:
            found.append((match.start(), replace(given, **changes)))
    for text in ("Run etcd.yml", "then run etcd.yml", "Then run etcd.yml", "etcd.yml lets"):
        if text in said:
            found.append((said.index(text), Command("etcd", given.fenced if given.playbook == "etcd" else ())))
    for text in ("un again", "un this again", "same command again", "leave it out"):
        if text in said:
            found.append((said.index(text), given))
    return [command for _at, command in sorted(found, key=lambda one: one[0])]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.rstrip(".,;)").split(",") if word)


def is_well(world: Ways, inventory: Inventory) -> bool:
    """Does a cluster serve its clients, and may anybody change it again?"""
    busy = (*markers.PENDING, markers.RESTORED)
    return world.has_quorum() and not any(
        machine.on and machine.marker is not None and machine.marker.state in busy for machine in world.machines
    )


def is_empty(world: Ways, inventory: Inventory) -> bool:
    """Is all taken away?"""
    here = [world.machines[shape.at] for shape in inventory.shapes]
    return not any(machine.on and (machine.marker or machine.log) for machine in here)


def get_out(world: Ways, inventory: Inventory, command: Command, is_done: Callable[[Ways, Inventory], bool]) -> None:
    """An operator begins with one command, and does as it is told until all is well.

    Of several ways the one is taken that was tried least, in the order in which they were told.

    :raises Broken: the advice ends, or leads in a circle.
    """
    tried: Counter[Command] = Counter()
    waiting: list[Command] = []
    for _time in range(PATIENCE):
        tried[command] += 1
        run = Playbook(world, inventory, command).finish()
        if is_done(world, inventory) and not run.said:
            return
        ways = advised(run.said, command)
        # Where a command has succeeded the one that was told to follow it is next.
        done = [*ways, command] if not run.said else ways
        waiting = [*ways, *(one for one in waiting if one not in done)] or [Command("etcd")]
        if not waiting:
            break
        command = min(waiting, key=lambda one: (tried[one], waiting.index(one)))
    raise Broken("no way out:\n" + "\n".join(world.story))
