# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan to take hosts out of service, one machine after the other with the leader's last, and to bring each back.

Nothing is remembered of a run but what its drained host says, so a run that goes on begins with that host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    advice,
    guard,
    maintenance_guard,
    maintenance_refusals,
    markers,
    quorum,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import NOSPACE
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host, Step, Wave
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_acts import (
    Drain,
    EndMaintenance,
    RunTasks,
    Undrain,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import Holder, Owner
from ansible_collections.quorum.etcd.plugins.module_utils._plan import bootstrap, cluster_plan, machines, witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster as _roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.projection import Projection
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster

_RUN = "ansible-playbook quorum.etcd.etcd -i INVENTORY"


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    :param owner: who maintains.
    :param hosts: names of those that are meant, of this run's.
    :param lasts: seconds after which nobody is held up by a drained host any more.
    :param tasks: the file with what is done on a drained host; empty where the host is only drained.
    :param check: a file with tasks that must succeed before the next host is drained; empty for none.
    :param gone: processes of runs on this controller that have ended.
    :param here: hosts that are the controller itself.
    """

    owner: Owner
    hosts: Sequence[str]
    lasts: int = 3600
    tasks: str = ""
    check: str = ""
    gone: frozenset[str] = frozenset()
    here: frozenset[str] = frozenset()

    def is_ours(self, owner: Owner) -> bool:
        """Is it this run's, or that of a run before it which has ended?"""
        return owner.name == self.owner.name and (owner.process == self.owner.process or owner.process in self.gone)

    def is_drained_by_us(self, host: Host) -> bool:
        drained = host.seen.drained
        return drained.is_valid and self.is_ours(Owner(drained.owner, drained.process))


def holder_of(hosts: Sequence[Host]) -> Holder | None:
    """Who maintains the hosts, by the key as a member that serves shows it."""
    return next((one for host in hosts if host.answers and (one := host.seen.cluster.maintenance)), None)


def plan(hosts: Sequence[Host], wish: Wish, verifying: bool = False) -> Plan:
    """The steps that drain hosts, and with C(tasks) also those that bring each back.

    :param hosts: every host of the group in the inventory's order, those left out of the run included.
    :param verifying: the steps were taken.
    :raises EtcdError: nothing may be done; nothing was touched.
    """
    if verifying:
        return _verified(hosts, wish)
    roster = _checked(hosts, wish)
    projection = Projection(hosts, roster)
    meant = [host for host in hosts if host.name in wish.hosts and (roster is None or roster.on(host) is not None)]
    leader = roster.leader if roster is not None else ""
    planning = _Planning(hosts, projection, wish)
    waves: list[Wave] = []
    due: list[Host] = []
    for machine in _in_order(meant, wish, leader, projection):
        waves += planning.steps_of(machine)
        due += machine
    if wish.tasks and due:
        waves.append((planning.end(due[-1]),))
    what = "maintain" if wish.tasks else "drain"
    names = ", ".join(host.label for host in due)
    return Plan(f"{what} {names or 'no host: none of this run has a member'}", tuple(waves), notes=planning.notes)


def _in_order(hosts: Sequence[Host], wish: Wish, leader: str, projection: Projection) -> list[list[Host]]:
    """The machines: one that a run before has drained comes first, and the leader's last; and so do those on each."""

    def key(some: Sequence[Host]) -> tuple[bool, bool]:
        return not any(map(wish.is_drained_by_us, some)), leader != "" and leader in _ids(some, projection)

    return [sorted(machine, key=lambda host: key([host])) for machine in sorted(machines.of(hosts), key=key)]


def plan_undrain(hosts: Sequence[Host], wish: Wish, verifying: bool = False) -> Plan:
    """The steps that bring drained hosts back, and let others act on the cluster again.

    :raises Refused: somebody else has drained one, or maintains the hosts.
    """
    if verifying:
        return _verified(hosts, wish)
    found = Findings()
    drained = [host for host in hosts if host.seen.drained.is_valid]
    here = [host for host in drained if host.name in wish.hosts]
    for host in here:
        if host.seen.drained.owner != wish.owner.name:
            found.refuse([maintenance_refusals.of_drained(host.label, host.seen.drained)])
    holder = holder_of(hosts)
    if holder is not None and (not holder.lease or holder.owner.name != wish.owner.name) and not found:
        found.refuse([maintenance_refusals.of_holder(holder)])
    found.end()
    roster = _roster.build(hosts) if any(host.answers for host in hosts) else None
    planning = _Planning(hosts, Projection(hosts, roster), wish)
    meant = [*here, *(host for host in hosts if host.name in wish.hosts and _is_left_down(host))]
    waves: list[Wave] = [(planning.undrain(host, False, is_given_up=True),) for host in meant]
    able = meant or [host for host in hosts if host.name in wish.hosts and host.answers]
    if len(here) == len(drained) and able and (meant or holder is not None):
        waves.append((planning.end(able[-1], is_any_run=True),))
    names = ", ".join(host.label for host in meant)
    return Plan(f"bring back {names}" if meant else "no host is drained", tuple(waves))


def _is_left_down(host: Host) -> bool:
    """Was it drained for longer than foreseen, and has nobody brought its member back since?"""
    is_at_rest = host.state == markers.STARTED and not host.answers and not host.seen.previous
    return host.seen.drained.is_over and is_at_rest


def _verified(hosts: Sequence[Host], wish: Wish) -> Plan:
    """Whether what was to be done is done: of drained hosts that they are, of others that they serve."""
    meant = [host for host in hosts if host.name in wish.hosts and host.state is not None]
    only_drained = [host for host in meant if wish.is_drained_by_us(host)]
    down = [host for host in meant if host not in only_drained and not host.answers]
    texts = [
        f"{host.label} is drained until its time is over, or until: {advice.undrain(wish.owner.name)}"
        for host in only_drained
    ]
    return Plan(
        "done" if not down else "not all members serve",
        differences=tuple(f"{host.label} does not serve: {host.silent or 'see its log.'}" for host in down),
        notes=tuple(texts),
    )


class _Planning:
    """Steps on the cluster as the steps before them leave it."""

    def __init__(self, hosts: Sequence[Host], projection: Projection, wish: Wish) -> None:
        self._hosts = hosts
        self._projection = projection
        self._wish = wish
        holder = holder_of(hosts)
        is_before = holder is not None and holder.owner != wish.owner
        self._predecessor = holder.revision if holder is not None and is_before else 0
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def steps_of(self, machine: Sequence[Host]) -> Iterator[Wave]:
        """The steps of one machine: all its members are down at once."""
        wish, host = self._wish, machine[0]
        self._tell_of_others(host)
        # Where nobody serves nobody can be asked either, and this host was drained before.
        for one in self._to_drain(machine) if self._projection.members else ():
            yield (self._drain(one, machine),)
        if not wish.tasks:
            return
        yield (Step(host.name, f"run {wish.tasks} on {_named(machine)}", RunTasks(wish.tasks)),)
        for one in machine:
            yield (self.undrain(one, bool(wish.check)),)
        if wish.check:
            yield (Step(host.name, f"run {wish.check} on {_named(machine)}, which must succeed", RunTasks(wish.check)),)
            for one in machine:
                yield (self.undrain(one, False, f"end the maintenance of {one.label}"),)

    def _tell_of_others(self, host: Host) -> None:
        """Members of other clusters go down with the machine, and nobody asks theirs."""
        own = host.wanted.cluster if host.wanted is not None else ""
        for instance, one in host.seen.others.items():
            if one.cluster != own and one.state != markers.REMOVED:
                self._notes.append(
                    f"The machine of {host.label} has a member of {one.cluster}, too ({instance}), and it goes "
                    f"down with the machine. Nobody asks {one.cluster}: see that it can do without."
                )

    def _to_drain(self, machine: Sequence[Host]) -> Sequence[Host]:
        """Those of a machine that are drained. Where it has all voters, as many as leave a quorum: without one nobody
        grants the lock for the next. The others end with their machine.
        """
        voters = self._projection.votes().voters
        if not voters <= _ids(machine, self._projection):
            return machine
        drained = machine[: max(1, quorum.quorum(len(voters))["tolerance"])]
        going_on = f" {_named(machine[len(drained) :])} serve until it is shut down." if len(machine) > 1 else ""
        alone = "is the only voter" if len(machine) == 1 else "are all voters, on one machine"
        self._notes.append(f"{_named(machine)} {alone}: nobody is served until it is back.{going_on}")
        return drained

    def _drain(self, host: Host, beside: Sequence[Host]) -> Step:
        wish, votes = self._wish, self._projection.votes()
        machine = _ids(beside, self._projection)
        allow_outage = host.wanted is not None and host.wanted.said.allow_outage
        _check_alone(beside, votes.voters, machine, allow_outage)
        guard.check_stop_of_all(votes, machine, allow_outage)
        act = Drain(
            owner=list(wish.owner),
            lasts=wish.lasts,
            machine=sorted(machine),
            predecessor=self._predecessor,
            allow_outage=allow_outage,
            endpoints=self._projection.endpoints(_id(host, self._projection)),
            members=self._projection.presumed(),
            **self._witnessed(host),
        )
        # The next one finds the key of this very run.
        self._predecessor = 0
        self._projection.lost(_id(host, self._projection))
        return Step(host.name, f"drain {host.label}", act)

    def undrain(self, host: Host, goes_on: bool, title: str = "", is_given_up: bool = False) -> Step:
        act = Undrain(
            owner=list(self._wish.owner),
            goes_on=goes_on,
            is_given_up=is_given_up,
            endpoints=self._projection.endpoints(_id(host, self._projection)),
            **self._witnessed(host),
        )
        self._projection.well(host)
        return Step(host.name, title or f"bring {host.label} back", act)

    def end(self, host: Host, is_any_run: bool = False) -> Step:
        act = EndMaintenance(list(self._wish.owner), self._projection.endpoints(), is_any_run)
        return Step(host.name, "let others act on the cluster again", act)

    def _witnessed(self, host: Host) -> dict[str, Any]:
        return witnesses.of_act(host, self._hosts, self._projection.serving(self._hosts))


def _named(hosts: Sequence[Host]) -> str:
    return ", ".join(host.label for host in hosts)


def _checked(hosts: Sequence[Host], wish: Wish) -> Roster | None:
    """Whether hosts may be drained now.

    :returns: None where the only member is drained already.
    :raises EtcdError: they may not, with all that is wrong.
    """
    found = Findings()
    found.run(cluster_plan.check_inventory, hosts)
    for host in hosts:
        found.run(_check_answered, host, wish)
    found.end()
    for host in hosts:
        found.run(_check_owner, host, wish)
    found.run(_check_holder, hosts, wish)
    found.end()
    roster = _roster.build(hosts)
    for host in hosts:
        if host.name in wish.hosts:
            found.run(_check_fit, host, wish)
    found.run(_check_serving, hosts, roster, wish)
    found.end()
    if roster is not None and len(roster.members) > 1:
        bootstrap.check_can_be_asked(hosts)
    return roster


def _check_answered(host: Host, wish: Wish) -> None:
    if host.silent:
        raise Refused(
            f"{host.label} gave no answer: {host.silent.strip().rstrip('.')}.",
            "Its member may be down, and another one less could cost the quorum.",
            "See that every host can be looked at, and run again: it goes on with a host that it has drained. If the "
            f"machine is gone for good, end the maintenance first: {advice.undrain(wish.owner.name)}. Then {_RUN} says "
            "how its member is replaced.",
            code="host-unreachable",
        )


def _check_owner(host: Host, wish: Wish) -> None:
    drained = host.seen.drained
    if not drained.is_valid or wish.is_drained_by_us(host):
        return
    if drained.owner != wish.owner.name:
        raise maintenance_refusals.of_drained(host.label, drained)
    raise maintenance_refusals.of_other_run(drained.process, drained.owner)


def _check_holder(hosts: Sequence[Host], wish: Wish) -> None:
    holder = holder_of(hosts)
    if holder is None or (holder.lease and wish.is_ours(holder.owner)):
        return
    if not holder.lease or holder.owner.name != wish.owner.name:
        raise maintenance_refusals.of_holder(holder)
    raise maintenance_refusals.of_other_run(holder.owner.process, holder.owner.name)


def _check_fit(host: Host, wish: Wish) -> None:
    """May its member be stopped, and does it come back?"""
    if host.seen.previous:
        raise Refused(
            f"{host.label}: the last update of its member was interrupted.",
            "It may not start again with the files that it has now.",
            f"Let that update end first: {_RUN}",
            code="update-interrupted",
        )
    if host.masked:
        raise Refused(
            f"{host.label}: {host.seen.unit.name} is masked.",
            "Its member would not come back.",
            f"systemctl unmask {host.seen.unit.name} on that host, then run again.",
            code="unit-masked",
        )
    if wish.tasks and host.name in wish.here:
        raise Refused(
            f"{host.label} is the machine on which this very run is.",
            "Its reboot would end the run, with the host drained.",
            f"Run it on another machine. Or leave this host out (--limit 'all:!{host.name}'), and later drain it "
            f"(ansible-playbook quorum.etcd.drain -i INVENTORY --limit {host.name}), maintain it by hand, and bring it "
            f"back: {advice.undrain(wish.owner.name)}",
            code="host-is-controller",
        )


def _check_serving(hosts: Sequence[Host], roster: Roster | None, wish: Wish) -> None:
    """Do all members serve, but for those that a run of ours has drained?

    :raises Refused: they do not.
    """
    ours = [host for host in hosts if wish.is_drained_by_us(host)]
    if roster is None:
        members = [host for host in hosts if host.state is not None]
        if not members:
            raise BadInput("There is no cluster yet whose hosts could be maintained.")
        if ours == members and wish.tasks:
            return
        raise Refused(
            "No member of the cluster answers.",
            "It serves nobody, so nobody can say whether a host can be spared.",
            f"Bring its members back: {advice.undrain(wish.owner.name) if ours else _RUN}. Then run again.",
            code="quorum-lost",
        )
    _check_writes(hosts, bool(ours) or holder_of(hosts) is not None, wish)
    projection = Projection(hosts, roster)
    votes = projection.votes()
    excused = frozenset(member.id for host in ours if (member := projection.on(host)) is not None)
    maintenance_guard.check_others_serve(votes, excused)
    first = [host for host in hosts if host.name in wish.hosts]
    others = [host for host in ours if host not in first]
    for machine in machines.of(hosts):
        _check_whole_machine(machine, wish)
    if others or (not wish.tasks and len(machines.of(first)) > 1):
        named = others[0] if others else first[1]
        raise Refused(
            f"{named.label} is drained already."
            if others
            else f"{' and '.join(one.label for one in first)} are to be drained at once.",
            "Two members down at once could cost the quorum.",
            f"Bring it back first: {advice.undrain(wish.owner.name)}"
            if others
            else "Drain one machine at a time, with all its members: --limit "
            f"{','.join(one.name for one in machines.of(first)[0])}. In a play of your own: serial: 1.",
            code="drained-twice",
        )


def _check_whole_machine(machine: Sequence[Host], wish: Wish) -> None:
    """What is done with a machine stops all its members.

    :raises Refused: some of them are not meant.
    """
    left_out = [host for host in machine if host.name not in wish.hosts and host.state is not None]
    if left_out and any(host.name in wish.hosts for host in machine):
        raise Refused(
            f"{_named(machine)} are one machine, and {_named(left_out)} would be left out.",
            "They are down at once while it is maintained, which the cluster must be able to spare.",
            "In a play of your own, let all of them be in one batch. Else name all of them: --limit "
            f"{','.join(host.name for host in machine)}",
            code="machine-in-part",
        )


def _check_writes(hosts: Sequence[Host], is_begun: bool, wish: Wish) -> None:
    """Does the cluster take writes? Otherwise it grants no lease for the maintenance.

    :param is_begun: whether there is a maintenance of ours, under which nothing can be reclaimed.
    """
    alarms = [alarm.alarm for host in hosts for alarm in host.seen.cluster.alarms or ()]
    if NOSPACE in alarms:
        raise Refused(
            "The cluster has the alarm NOSPACE: its database has reached its quota.",
            "It grants no lease, so nobody could be kept from acting on it while a host is out of service.",
            (
                f"End the maintenance, and bring a drained host back: {advice.undrain(wish.owner.name)}. Then reclaim"
                if is_begun
                else "Reclaim"
            )
            + " the space (ansible-playbook quorum.etcd.reclaim -i INVENTORY), and run again.",
            code="alarm-nospace",
        )


def _check_alone(hosts: Sequence[Host], voters: frozenset[str], machine: frozenset[str], allow_outage: bool) -> None:
    if voters <= machine and not allow_outage:
        raise Refused(
            f"{_named(hosts)} has the only voter of its cluster."
            if len(hosts) == 1
            else f"{_named(hosts)} are one machine, and all voters of their cluster.",
            "While its machine is maintained nobody is served.",
            "If that is meant, say so: -e etcd_allow_outage=true",
            code="outage-not-allowed",
        )


def _ids(machine: Sequence[Host], projection: Projection) -> frozenset[str]:
    """The ids of all members that are down while a machine is."""
    return frozenset(found for host in machine if (found := _id(host, projection)))


def _id(host: Host, projection: Projection) -> str:
    member = projection.on(host)
    return member.id if member is not None else ""
