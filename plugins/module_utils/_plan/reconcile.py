# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The steps from a cluster that serves to the one that the inventory says, in an order that never costs a quorum.

Each step is tried on the cluster as the steps before it would leave it; what the guard would refuse on the way is
refused before the first of them. Members that are down come first, and one that ends again and again comes last where
the others can do without it. What is lost for good is removed before anything is added, because etcd adds nothing while
a voter is missing. All else is added before it is removed, so that the cluster never tolerates fewer failures than it
does at the start or at the end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    acts,
    downgrade_acts,
    guard,
    identity,
    markers,
    quorum,
    releases,
    upgrade_acts,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host, Step, Wave
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._plan import (
    auto_tls,
    bootstrap,
    discovery,
    downgrade,
    drift,
    held_members,
    next_action,
    upgrade,
    witnesses,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster as _roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.drift import Drift
from ansible_collections.quorum.etcd.plugins.module_utils._plan.projection import Projection
from ansible_collections.quorum.etcd.plugins.module_utils._plan.roster import Roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.upgrade import Course

# etcd's own default (server/etcdserver/api/membership/cluster.go); C(max-learners) is a flag since 3.6.
_MAX_LEARNERS = 1


@dataclass
class Changes:
    """What is to be done with a cluster that exists.

    :param waves: the steps.
    :param later: why this run leaves something to the next one, in sentences.
    :param upgrades: they are those of an upgrade, which other steps may have had to come before.
    """

    waves: list[Wave] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    upgrades: bool = False

    @property
    def steps(self) -> list[Step]:
        return [step for wave in self.waves for step in wave]


def plan_changes(hosts: Sequence[Host], roster: Roster | None, versions: Mapping[str, str]) -> Changes:
    """The steps for one cluster.

    :param hosts: in the inventory's order.
    :param roster: None while nobody serves.
    :param versions: host name -> the version that it has, or is to get.
    :raises Refused: the guard would not let a step happen; no step was taken.
    :raises BadInput: C(etcd_forget) names a member that is not there, or lives.
    """
    if roster is None:
        planning = _Reconciler(hosts, roster, versions)
        planning.renew_certificates()
        planning.bring_up()
        return planning.changes
    crashing = [host for host in hosts if _crashes(host)]
    if crashing:
        with contextlib.suppress(Refused):
            return _with_last(crashing, hosts, roster, versions)
    planning = _Reconciler(hosts, roster, versions)
    try:
        planning.bring_up()
        planning.agree(roster)
    except Refused as exc:
        return _only_up(_Reconciler(hosts, roster, versions), exc, writing=True)
    return planning.changes


def plan_upgrade(hosts: Sequence[Host], roster: Roster, versions: Mapping[str, str], course: Course) -> Changes:
    """The steps that give the members another release.

    What is due with the releases that they have comes first: a member list that changes, or a member that is down, is
    no ground to upgrade on. The hosts are observed again then, and the upgrade is planned on what was found.

    :param versions: host name -> the version that it has, or is to get when it joins.
    :raises Refused: the guard would not let a step happen, or not every member can go along; no step was taken.
    :raises BadInput: a release on the way does not take the settings.
    """
    now = plan_changes(hosts, roster, versions)
    if not course.stages:
        # All have it, and the cluster is still to follow. Nothing else has to wait for that.
        planning = _Reconciler(hosts, roster, versions)
        if not upgrade.comes_first(now.steps, hosts):
            try:
                planning.follow(course, roster)
            except Refused as exc:
                if not now.waves:
                    raise
                now.later.append(str(exc))
            now.upgrades = True
        return Changes([*now.waves, *planning.changes.waves], [*now.later, *planning.changes.later], now.upgrades)
    if upgrade.comes_first(now.steps, hosts):
        now.later.append(f"The upgrade to etcd {course.target} ({course.text()}) is planned after the steps above.")
        return now
    planning = _Reconciler(hosts, roster, versions)
    planning.upgrade(course, roster)
    planning.changes.later += now.later
    planning.changes.upgrades = True
    return planning.changes


def plan_downgrade(hosts: Sequence[Host], roster: Roster, versions: Mapping[str, str], course: Course) -> Changes:
    """The steps that give the members the minor before, from wherever a run before has stopped.

    :raises Refused: the guard would not let a step happen, or not every member can go along; no step was taken.
    :raises BadInput: the older release does not take the settings.
    """
    planning = _Reconciler(hosts, roster, versions)
    waits: Refused | None = None
    try:
        now = plan_changes(hosts, roster, versions)
    except Refused as exc:
        waits = exc
        # A host that is to join waits for the end of the downgrade, and nothing else does.
        if exc.code not in ("downgrade-running", "versions-mixed") or planning.takes_out:
            raise downgrade.cancelled_first(exc, course) from exc
        now = Changes(later=[str(exc)])
    if not course.stages and not planning.pending_downgrade:
        return now
    if upgrade.comes_first(now.steps, hosts):
        now.later.append(f"The downgrade to etcd {course.target} ({course.text()}) is planned after the steps above.")
        return now
    try:
        planning.downgrade(course, roster)
    except Refused as exc:
        if waits is None or waits.code != "downgrade-running":
            raise
        # Without whom waits to join the others may be too few.
        raise downgrade.cancelled_first(waits, course) from exc
    planning.changes.later += now.later
    planning.changes.upgrades = True
    return planning.changes


def plan_cancel(hosts: Sequence[Host], roster: Roster, versions: Mapping[str, str]) -> Changes:
    """The step that cancels a pending downgrade, if there is one."""
    planning = _Reconciler(hosts, roster, versions)
    planning.cancel_downgrade()
    return planning.changes


def _with_last(crashing: Sequence[Host], hosts: Sequence[Host], roster: Roster, versions: Mapping[str, str]) -> Changes:
    """A member that does not start would end each run before anything else is done. Where the others can do without it,
    it comes last.

    :raises Refused: they cannot.
    """
    planning = _Reconciler(hosts, roster, versions)
    planning.set_aside(crashing)
    planning.bring_up()
    planning.agree(roster)
    planning.take_back(crashing)
    planning.bring_up()
    planning.turn_down()
    return planning.changes


def only_started(
    hosts: Sequence[Host], roster: Roster | None, versions: Mapping[str, str], refused: Refused
) -> Changes:
    """What is done although a danger refuses all else: members that are down are started with the files that they have.

    :raises Refused: there is none.
    """
    return _only_up(_Reconciler(hosts, roster, versions), refused, writing=False)


def _only_up(planning: _Reconciler, refused: Refused, writing: bool) -> Changes:
    """Members that are down come first whatever else is asked for; the rest is judged anew once they serve."""
    planning.bring_up(updating=False, writing=writing)
    if not planning.changes.waves:
        # A member that its gate keeps down may be all that is wrong: that comes first.
        told = [text for text in planning.changes.later if text not in refused.found]
        raise Refused(" ".join([*told, refused.found]), refused.danger, refused.remedy, code=refused.code)
    return Changes(planning.changes.waves, [*planning.changes.later, str(refused)])


class _Reconciler:
    """Walks the steps on the cluster as the steps before them would leave it."""

    def __init__(self, hosts: Sequence[Host], roster: Roster | None, versions: Mapping[str, str]) -> None:
        self._hosts = hosts
        self._versions = dict(versions)
        # What each has at the step that is planned next: what its process runs, else what its unit starts.
        self._has = {host.name: host.seen.runtime.version or host.seen.unit.version for host in hosts}
        #: Whose steps are planned now.
        self._planned = list(hosts)
        self._due = {host.name: next_action.choose(host, roster) for host in hosts}
        if roster is None and next_action.START in self._due.values():
            self._due.update({host.name: next_action.NOTHING for host in self._waiting_for_others()})
        if roster is None:
            self._due.update({host.name: next_action.KEEP for host in self._for_other_data()})
        self._foreseen = Projection(hosts, roster)
        self._updates = dict(self._find_updates()) if roster is not None else {}
        self._issued: set[str] = set()
        self.changes = Changes()

    def set_aside(self, some: Sequence[Host]) -> None:
        """Plan no start and no update of theirs; for the guard they are lost, as they are.

        One whose previous files may be put back has that first: nobody else may get what it does not start with.
        """
        may = (next_action.NOTHING, next_action.START, next_action.AWAIT)
        self._planned = [host for host in self._hosts if host not in some or self._due[host.name] not in may]

    def take_back(self, some: Sequence[Host]) -> None:
        """Plan the steps of these, and of nobody else."""
        self._planned = [host for host in some if host not in self._planned]

    @property
    def takes_out(self) -> bool:
        """Is a host to leave, or to give up what it was?"""
        return any(due in (next_action.LEAVE, next_action.REPLACE) for due in self._due.values())

    # -- members that are down ---------------------------------------------------------------------------------------

    def bring_up(self, updating: bool = True, writing: bool = True) -> None:
        """Nothing here needs a quorum. All are started before any is awaited: they may need each other.

        :param updating: are members to be updated?
        :param writing: are members to get the files that they lack?
        """
        for host in self._hosts_due(next_action.WAIT):
            obstacle = held_members.of_host(host, self._hosts)
            why = host.outdated or host.unfit
            self.changes.later.append(why if obstacle is None else str(obstacle.refusal()))
        kept = self._hosts_due(next_action.KEEP) if writing else []
        # An update brings it up by itself. At an address that is another by now it would not serve, nor would it with a
        # release that its cluster has left behind.
        outdated = {host.name for host in self._hosts if host.seen.unit.version not in ("", self._versions[host.name])}
        updates = [name for name, update in self._updates.items() if updating or update.peer_urls or name in outdated]
        due = [host for host in self._hosts_due(next_action.START) if host.name not in updates]
        starting = [host for host in due if writing or host.state != markers.NEVER_STARTED]
        fresh = [host for host in starting if host.state == markers.NEVER_STARTED]
        self._install([*fresh, *kept, *self._without_release([*starting, *self._hosts_due(next_action.RESTORE)])])
        self._add([*map(self._first_files, fresh), *map(self._kept_files, kept)])
        moved = [host for host in kept if not host.runs and drift.new_address(host, self._foreseen.on(host))]
        for host in moved:
            self.changes.later.append(
                f"{host.label} is started by the next run, with its update: its address has changed."
            )
        asking = [host for host in fresh if discovery.is_asked(host, self._hosts)]
        self._add(map(self._to_ask, discovery.who_asks(asking)))
        up = [*starting, *(host for host in kept if host not in moved)]
        self._add(bootstrap.start(host) for host in up)
        for host in self._hosts_due(next_action.RESTORE):
            self._add([self._restoring(host)])
        self._add(bootstrap.awaiting(host) for host in [*up, *self._hosts_due(next_action.AWAIT)])
        for host in [*up, *self._hosts_due(next_action.RESTORE), *self._hosts_due(next_action.AWAIT)]:
            self._foreseen.well(host)
        for host in [*fresh, *(host for host in kept if host in up and not host.runs)]:
            self._foreseen.started(host)

    def renew_certificates(self) -> None:
        """Nobody can be asked where all have expired. New ones need neither a quorum nor a restart.

        etcd reads them at the next handshake.
        """
        found = [(host, drift.find(host, None, self._versions[host.name])) for host in self._hosts if _has_due(host)]
        self._add(self._update_step(host, one, "") for host, one in found if one is not None and not one.restart)

    def _first_files(self, host: Host) -> Step:
        """The files of one that agreed on a first start and never ran are written anew."""
        # Without a marker it would not be due for a start.
        marker = cast(Marker, host.marker)
        self._has[host.name] = self._versions[host.name]
        learns = discovery.is_asked(host, self._hosts)
        files = acts.Configure(self._versions[host.name], marker.initial_cluster, marker.token, learns=learns)
        return Step(host.name, f"write the files of {host.label}", files)

    def _to_ask(self, host: Host) -> Step:
        marker, version = cast(Marker, host.marker), self._versions[host.name]
        return discovery.ask(host, self._hosts, version, marker.token, marker.initial_cluster, starts=True)

    def _kept_files(self, host: Host) -> Step:
        what = "the marker" if host.runs else "the files"
        if not host.runs:
            self._has[host.name] = self._versions[host.name]
        return Step(
            host.name,
            f"write {what} of {host.label}, whose data are those of a member",
            acts.Configure(self._versions[host.name], keeps_data=True),
        )

    def _restoring(self, host: Host) -> Step:
        member = self._foreseen.on(host)
        return Step(
            host.name,
            f"roll back the interrupted update of {host.label}, and start it",
            acts.RollBack(**self._presuming(member.id if member else ""), **self._witnessed(host)),
        )

    # -- acts that a quorum agrees on --------------------------------------------------------------------------------

    def agree(self, roster: Roster) -> None:
        """What a quorum must agree on.

        :raises BadInput: C(etcd_forget) is wrong.
        :raises Refused: a step would be dangerous.
        """
        self._check_addresses()
        up = len(self.changes.waves)
        updating = _leader_last(self._hosts_updating(), roster)
        leaving = _leader_last(self._hosts_due(next_action.LEAVE), roster)
        replaced = self._hosts_due(next_action.REPLACE)
        joining = self._hosts_due(next_action.JOIN)
        staying = [host for host in self._planned if host.name in self._updates or self._goes_on(host)]
        self._install([*replaced, *joining, *self._without_release(staying)])
        restarting = self._without_restarts(_up(updating))
        for host in _down(updating):
            self._turn(host)
        for member_id in self._forgotten(roster):
            self._forget(member_id, "whose machine is gone")
        for host in _down(leaving):
            self._leave(host)
        lost = [host for host in replaced if self._is_voter(host)]
        withdrawn = [host for host in replaced if host not in lost]
        for host in withdrawn:
            self._give_up(host)
        updates = self._not_too_early(restarting)
        updates = self._as_far_as_spared([host for host in updates if _is_halfway(host, roster)], updates)
        # One whose joining has begun has the only place there is for a learner.
        begun = [host for host in joining if self._foreseen.on(host) is not None]
        for host in begun:
            self._join(host)
        for host in lost:
            self._give_up(host)
            self._join(host)
        for host in [*joining, *withdrawn]:
            if host not in begun and not (host in joining and self._waits_for_one_minor(host)):
                self._join(host)
        for host in (one for one in updates if _is_halfway(one, roster)):
            self._turn(host)
        for host in _up(leaving):
            self._leave(host)
        for host in (one for one in updates if not _is_halfway(one, roster)):
            self._turn(host)
        if any(_asks(step) for wave in self.changes.waves[up:] for step in wave):
            bootstrap.check_can_be_asked(self._hosts)

    # -- another release ---------------------------------------------------------------------------------------------

    def upgrade(self, course: Course, roster: Roster) -> None:
        """One release after another: all members get one before the first gets the next.

        :raises BadInput: a release on the way does not take the settings.
        :raises Refused: a step would be dangerous, or not every member can go along.
        """
        upgrade.check(self._hosts, roster, course, self._foreseen.votes())
        self._check_addresses()
        bootstrap.check_can_be_asked(self._hosts)
        renews = upgrade.renews_raft_snapshots(course)
        if self.pending_downgrade:
            upgrade.check_downgrade(course, self._foreseen.votes(), self._hosts)
            # Left pending by a run that was killed while it did this. What says so may be gone in minutes.
            self._renew_raft_snapshots()
            renews = False
        self._prepare_upgrade(course, roster)
        if course.awaits and course.changes_minor:
            self._await_version(course.awaits)
        leader = roster.leader
        for stage in course.stages:
            if renews and releases.minor(stage) == releases.CANNOT_READ_V2:
                self._renew_raft_snapshots()
            self._to_release(stage, [host for host in self._planned if course.due_at(stage, host.name)])
            first = stage == course.stages[0]
            updating = _last(leader, _up(self._hosts_updating()), roster)
            if first:
                updating = self._without_restarts(updating)
            for host in sorted(updating, key=lambda one: not (first and _is_halfway(one, roster))):
                self._turn(host)
            leader = guard.transferee(self._foreseen.votes(), leader)
            self._updates.clear()
            # What was due is issued now.
            self._issued.update(host.name for host in self._hosts)
            if course.changes_minor:
                self._await_version(f"3.{releases.minor(stage)}")
        if course.awaits and not course.changes_minor:
            self.follow(course, roster)

    def follow(self, course: Course, roster: Roster) -> None:
        """The cluster speaks the minor that its members have, once all of them have it.

        :raises Refused: somebody else downgrades it.
        """
        votes = self._foreseen.votes()
        missing = upgrade.behind(self._hosts, roster, votes)
        if missing:
            self.changes.later.append(upgrade.awaited_later(course, missing))
            return
        if votes.downgrade and not course.stages:
            upgrade.check_downgrade(course, votes, self._hosts)
            # Left pending by a run that was killed while it did this.
            self._renew_raft_snapshots()
        self._await_version(course.awaits)

    def _prepare_upgrade(self, course: Course, roster: Roster) -> None:
        """What can fail before the first stop."""
        staying = [host for host in self._planned if self._goes_on(host)]
        self._install(self._without_release(staying))
        for stage in course.stages:
            due = [host for host in staying if course.due_at(stage, host.name)]
            self._add(bootstrap.installing(due, stage))
        if not course.stages:
            return
        saving = self._saving(roster)
        self._add(
            [Step(saving.name, f"save a snapshot on {saving.label} before the upgrade", upgrade_acts.SaveFirst())]
        )
        self._add(
            Step(host.name, f"examine the data of {host.label}", upgrade_acts.Examine(list(course.stages)))
            for host in staying
            if course.changes_minor and any(course.due_at(stage, host.name) for stage in course.stages)
        )
        title = f"serve that snapshot with etcd {' and '.join(course.stages)} for a trial on {saving.label}"
        self._add([Step(saving.name, title, upgrade_acts.Rehearse(list(course.stages)))])

    def _saving(self, roster: Roster) -> Host:
        """Who saves a snapshot: a follower, where there is one."""
        return _last(roster.leader, self._foreseen.serving(self._hosts), roster)[0]

    def downgrade(self, course: Course, roster: Roster) -> None:
        """etcd is asked to go back, and each member follows once all are ready for it.

        :raises BadInput: the older release does not take the settings.
        :raises Refused: a step would be dangerous, or not every member can go along.
        """
        downgrade.check(self._hosts, roster, course, self._foreseen.votes())
        self._check_addresses()
        bootstrap.check_can_be_asked(self._hosts)
        due = [host for host in self._planned if self._goes_on(host) and course.due_at(course.target, host.name)]
        self._add(bootstrap.installing(due, course.target))
        if due:
            saving = self._saving(roster)
            title = f"save a snapshot on {saving.label} before the downgrade"
            self._add([Step(saving.name, title, downgrade_acts.SaveBefore())])
            self._enable_downgrade(course)
        self._to_release(course.target, due)
        updating = _last(roster.leader, _up(self._hosts_updating()), roster)
        for host in sorted(self._without_restarts(updating), key=lambda one: not _is_halfway(one, roster)):
            self._turn(host)
        asking = self._foreseen.serving(self._hosts)[0]
        act = downgrade_acts.AwaitEnd(self._foreseen.endpoints())
        self._add([Step(asking.name, "await that etcd ends the downgrade", act)])

    @property
    def pending_downgrade(self) -> str:
        """The version to which the cluster is being downgraded; empty without such a job."""
        return self._foreseen.votes().downgrade

    def _enable_downgrade(self, course: Course) -> None:
        pending = self.pending_downgrade
        minor = f"3.{releases.minor(course.target)}"
        asking = self._foreseen.serving(self._hosts)[0]
        if pending or not downgrade.is_held(self._hosts, course):
            title = f"{'go on with' if pending else 'enable'} the downgrade to {minor}"
            self._add([Step(asking.name, title, downgrade_acts.Enable(minor, self._foreseen.endpoints()))])
        self._await_version(minor)

    def cancel_downgrade(self) -> None:
        pending = self.pending_downgrade
        if pending:
            asking = self._foreseen.serving(self._hosts)[0]
            act = downgrade_acts.Cancel(self._foreseen.endpoints())
            self._add([Step(asking.name, f"cancel the downgrade to {pending.rpartition('.')[0]}", act)])

    def _to_release(self, stage: str, hosts: Sequence[Host]) -> None:
        for host in hosts:
            has, due = self._versions[host.name], self._updates.get(host.name)
            why = (f"etcd {stage} takes the place of {has}", *(due.why if due else ()))
            self._updates[host.name] = Drift(why, True)
            self._versions[host.name] = stage

    def _renew_raft_snapshots(self) -> None:
        asking = self._foreseen.serving(self._hosts)[0]
        act = upgrade_acts.RenewRaftSnapshots(self._foreseen.endpoints())
        self._add([Step(asking.name, "let every member write a raft snapshot while it runs etcd 3.6", act)])

    def _await_version(self, minor: str) -> None:
        asking = self._foreseen.serving(self._hosts)[0]
        members = [{"name": one.name, "peer_urls": list(one.peer_urls)} for one in self._foreseen.members]
        act = upgrade_acts.AwaitVersion(minor, members)
        self._add([Step(asking.name, f"await the cluster version {minor} on every member", act)])

    # -- how an update is planned ------------------------------------------------------------------------------------

    def turn_down(self) -> None:
        """The updates of members that are down, which cost their cluster nothing."""
        updating = _down(self._hosts_updating())
        self._install(self._without_release(updating))
        for host in updating:
            self._turn(host)

    def _without_restarts(self, updating: Sequence[Host]) -> list[Host]:
        """What costs nobody anything comes first, certificates that are due among it: etcd reads them at each
        handshake, and nobody is stopped while new connections fail by those of others.

        :returns: who is to restart.
        """
        restarting = [host for host in updating if self._updates[host.name].restart]
        for host in updating:
            if host not in restarting:
                self._turn(host)
        # A new address gets its own certificate in its update.
        due = [
            host
            for host in restarting
            if (host.authorities.renew or auto_tls.is_moving(host))
            and not host.seen.previous
            and not self._updates[host.name].peer_urls
        ]
        self._issued.update(host.name for host in due)
        self._add(bootstrap.making_authorities(host) for host in due[:1] if host.authorities.missing)
        self._add(
            Step(
                host.name,
                f"{host.label}: no restart, because its certificates are due",
                acts.Update(
                    version=self._versions[host.name],
                    certificates="only",
                    from_version=self._has[host.name],
                    **self._presuming(_id_of(self._foreseen.on(host))),
                ),
            )
            for host in due
        )
        return restarting

    def _as_far_as_spared(self, halfway: Sequence[Host], updates: Sequence[Host]) -> list[Host]:
        """Who joins is promoted only where others can connect to the voters anew. Where no other can be spared before
        somebody has joined, the guard says so, and the update comes after.

        :returns: whose updates are left.
        """
        had = set()
        for host in halfway:
            with contextlib.suppress(Refused):
                self._turn(host)
                had.add(host.name)
        return [host for host in updates if host.name not in had]

    def _not_too_early(self, updating: Sequence[Host]) -> list[Host]:
        """The hosts that may be updated now. What has just been rolled back may be what nobody starts with: it is tried
        again where it was tried before, and first.
        """
        interrupted = self._hosts_due(next_action.RESTORE)
        if not interrupted:
            return list(updating)
        self.changes.later += [
            f"{host.label} is updated by the next run: the one of {interrupted[0].label} was interrupted, and comes "
            "first."
            for host in updating
            if self._updates[host.name].restart
        ]
        return [host for host in updating if not self._updates[host.name].restart]

    def _check_addresses(self) -> None:
        for host in self._hosts:
            # One that joins has never voted: its address is whatever the inventory says.
            if host.has_log and self._due[host.name] not in (
                next_action.LEAVE,
                next_action.REPLACE,
                next_action.JOIN,
                next_action.WAIT,
            ):
                drift.check_address(host, self._foreseen.on(host))

    def _forgotten(self, roster: Roster) -> list[str]:
        given = {word: None for host in self._hosts if host.wanted is not None for word in host.wanted.said.forget}
        found = _roster.forgotten(self._hosts, roster.members, list(given))
        for member in found:
            self._check_silent(member, roster)
        return list(dict.fromkeys(member.id for member in found))

    def _check_silent(self, member: ClusterMember, roster: Roster) -> None:
        answers: list[str] = []
        unclear: list[str] = []
        for host in self._hosts:
            lives_here = _id_of(roster.on(host)) == member.id
            if lives_here and host.runs:
                answers.append(f"it runs on {host.label}")
            elif lives_here and self._due[host.name] in (next_action.START, next_action.RESTORE, next_action.KEEP):
                answers.append(f"{host.label} was looked at and has its data, and this run would start it")
            voices = {"the controller": host.heard, host.label: host.seen.cluster.forgotten}
            for asker, heard in voices.items():
                sign = heard.get(member.id)
                if sign is not None:
                    (answers if sign.certain else unclear).append(f"asked from {asker} it {sign}")
        if answers:
            raise BadInput(
                f"etcd_forget names {guard.label(member)}, and it is alive: {answers[0]}. A member that is removed "
                "while it runs takes its vote with it, and clients lose what they read there. To take a living member "
                "out, write etcd_member_state: absent for its host."
            )
        if unclear and not self._is_confirmed(member):
            raise BadInput(
                f"etcd_forget names {guard.label(member)}, and it may be alive: {unclear[0]}. A member that hangs "
                "looks like this, and one that is removed while it runs takes its vote with it. See what listens there "
                "(ss -ltnp on that machine). If that is something else, and the member's machine is gone for good, "
                f"confirm it: -e etcd_confirm={member.id}"
            )

    def _is_confirmed(self, member: ClusterMember) -> bool:
        """Has the operator seen to it that what answers at its address is something else?"""
        said = [word for host in self._hosts if host.wanted is not None for word in host.wanted.said.confirm]
        return identity.of_member(member).is_named_by(said)

    def _forget(self, member_id: str, why: str) -> None:
        """Have it removed by a host that serves."""
        member = next(member for member in self._foreseen.members if member.id == member_id)
        self._foreseen.lost(member_id)
        guard.check_remove(self._foreseen.votes(), member_id)
        actor = next(host for host in self._hosts if host.answers)
        act = acts.Forget(member_id=member_id, confirmed=self._is_confirmed(member), **self._asking(member_id))
        self._add([Step(actor.name, f"remove {guard.label(member)}, {why}", act)])
        self._foreseen.gone(member_id)

    def _give_up(self, host: Host) -> None:
        """Take out what a host was, so that it can join anew."""
        member = self._foreseen.on(host)
        _check_mounts(host)
        if member is not None and not member.is_learner:
            self._foreseen.lost(member.id)
            guard.check_remove(self._foreseen.votes(), member.id)
            # At most one voter at a time, and only while all others are well.
            guard.check_add(self._foreseen.without(member.id), self._versions[host.name])
        self._take_out(host, "to let it join anew")

    def _leave(self, host: Host) -> None:
        member = self._foreseen.on(host)
        if member is not None:
            if not host.answers:
                self._foreseen.lost(member.id)
            guard.check_remove(self._foreseen.votes(), member.id)
        self._take_out(host, "for good")

    def _take_out(self, host: Host, why: str) -> None:
        """Where it is removed already, only its data are to be archived."""
        member = self._foreseen.on(host)
        member_id = member.id if member is not None else ""
        if member is not None:
            guard.check_downgrade(self._foreseen.votes())
        if host.state in (None, markers.OFFERED):
            # A machine built anew has nothing to put to rest, and no certificate either to ask the cluster with.
            if member is not None:
                self._forget(member_id, f"whose data {host.label} no longer has")
            return
        if member is not None and not (host.has_log or host.runs or next_action.has_files(host)):
            # Its marker alone is left of a system that was built anew: it cannot ask its cluster for anything.
            self._forget(member_id, f"whose data {host.label} no longer has")
            member, member_id = None, ""
        act = acts.Leave(member_id=member_id, **self._asking(member_id), **self._witnessed(host))
        self._add([Step(host.name, f"take {host.label} out, {why}", act)])
        if member is not None:
            self._foreseen.gone(member_id)

    def _join(self, host: Host) -> None:
        begun = self._foreseen.on(host)
        guard.check_downgrade(self._foreseen.votes())
        self._check_room(host, begun)
        if begun is None:
            guard.check_add(self._foreseen.votes(), self._versions[host.name])
        title = f"let {host.label} join as a learner, and make it a voter once it has caught up"
        asking = self._asking(begun.id if begun else "")
        act = acts.Join(version=self._versions[host.name], **asking, **self._witnessed(host))
        self._add([Step(host.name, title, act)])
        self._foreseen.joined(host)

    def _waits_for_one_minor(self, host: Host) -> bool:
        """In the middle of an upgrade one that is lost may come back, and so may what its cluster needs. Another one
        waits, and holds up nothing else.
        """
        waits = guard.is_mixed(self._foreseen.votes()) and self._spares_one()
        if waits:
            self.changes.later.append(f"{host.label} joins once all members run one minor of etcd.")
        return waits

    def _spares_one(self) -> bool:
        """Would the voters be a quorum without any one of them?"""
        votes = self._foreseen.votes()
        return len(votes.healthy) > quorum.quorum(len(votes.voters))["needed"]

    def _check_room(self, host: Host, begun: ClusterMember | None) -> None:
        """Is its name, its address and the one place for a learner free?"""
        wanted = cast(Desired, host.wanted)
        others = [member for member in self._foreseen.members if member is not begun]
        for member in others:
            if member.name == wanted.name or set(member.peer_urls) & set(wanted.member.peer_urls):
                raise Refused(
                    f"{host.label} is to join as {wanted.name} at {', '.join(wanted.member.peer_urls)}, and the "
                    f"cluster has the member {guard.label(member)} at {', '.join(member.peer_urls)}.",
                    "Two members with one name or one address cannot be told apart.",
                    "Give the new host a name and an address of its own. If that member's machine is gone for good, "
                    f"remove it first: -e etcd_forget={member.id}.",
                    code="member-name-taken",
                )
        learners = [member for member in others if member.is_learner]
        if begun is None and len(learners) >= int(wanted.settings.get("max-learners") or _MAX_LEARNERS):
            raise Refused(
                f"{host.label} is to join as a learner, and {guard.label(learners[0])} is one.",
                "etcd takes one learner at a time, unless max-learners says otherwise.",
                "Make a voter of it (etcd_member, state: voter), or remove it if it is of no use: "
                f"-e etcd_forget={learners[0].id}.",
                code="learner-limit",
            )

    def _find_updates(self) -> Iterator[tuple[str, Drift]]:
        for host in self._hosts:
            if (
                host.has_log
                and not host.masked
                and self._due[host.name] in (next_action.NOTHING, next_action.START, next_action.AWAIT)
            ):
                update = drift.find(host, self._foreseen.on(host), self._versions[host.name])
                if update is not None:
                    yield host.name, update

    def _turn(self, host: Host) -> None:
        update, member = self._updates[host.name], self._foreseen.on(host)
        if member is None:
            return
        self._check_free(host, member, update)
        if update.peer_urls:
            guard.check_same_minor(self._foreseen.votes())
        if update.restart:
            allow_outage = host.wanted is not None and host.wanted.said.allow_outage
            guard.check_stop(self._foreseen.votes(), member.id, allow_outage)
        self._add([self._update_step(host, update, member.id)])
        if update.peer_urls:
            self._foreseen.readdressed(member, update.peer_urls)
        if update.restart:
            self._foreseen.started(host)
            self._has[host.name] = self._versions[host.name]

    def _update_step(self, host: Host, update: Drift, member_id: str) -> Step:
        act = acts.Update(
            version=self._versions[host.name],
            restart=update.restart,
            peer_urls=list(update.peer_urls),
            certificates="kept" if host.name in self._issued else "issued",
            from_version=self._has[host.name],
            **self._presuming(member_id),
            **(self._witnessed(host) if update.restart else {}),
        )
        why = "; ".join(update.why)
        return Step(host.name, f"{host.label}: {'restart' if update.restart else 'no restart'}, because {why}", act)

    def _check_free(self, host: Host, member: ClusterMember, update: Drift) -> None:
        for other in self._foreseen.members:
            if other.id != member.id and set(other.peer_urls) & set(update.peer_urls):
                raise Refused(
                    f"{host.label} is to get {', '.join(update.peer_urls)}, and {guard.label(other)} is still known by "
                    f"{', '.join(other.peer_urls)}.",
                    "etcd takes no peer URL twice.",
                    "Change one address in a run of its own, by way of one that is free.",
                    code="peer-url-taken",
                )

    # -- how ---------------------------------------------------------------------------------------------------------

    def _hosts_due(self, what: str) -> list[Host]:
        return [host for host in self._planned if self._due[host.name] == what]

    def _waiting_for_others(self) -> list[Host]:
        """Who runs in the middle of an update, and may serve with the new files as soon as others are started."""
        return [host for host in self._hosts if host.runs and self._due[host.name] == next_action.RESTORE]

    def _for_other_data(self) -> list[Host]:
        """Who is to start, and its unit names a release for other data than it has."""
        return [
            host
            for host in self._hosts_due(next_action.START)
            if host.has_log and host.seen.unit.version not in ("", self._versions[host.name])
        ]

    def _hosts_updating(self) -> list[Host]:
        return [host for host in self._planned if host.name in self._updates]

    def _is_voter(self, host: Host) -> bool:
        member = self._foreseen.on(host)
        return member is not None and not member.is_learner

    def _goes_on(self, host: Host) -> bool:
        """Does it run as a member, and is to?"""
        return host.runs and self._due[host.name] in (next_action.NOTHING, next_action.AWAIT)

    def _without_release(self, hosts: Iterable[Host]) -> list[Host]:
        """Whose release somebody has removed, so that they would not start again. A first start has it installed."""
        return [
            host
            for host in hosts
            if host.state != markers.NEVER_STARTED and not host.has_release(self._versions[host.name])
        ]

    def _install(self, hosts: Sequence[Host]) -> None:
        by_version: dict[str, list[Host]] = {}
        for host in hosts:
            by_version.setdefault(self._versions[host.name], []).append(host)
        self._add(step for version, some in by_version.items() for step in bootstrap.installing(some, version))

    def _add(self, steps: Iterable[Step]) -> None:
        wave = tuple(steps)
        if wave:
            self.changes.waves.append(wave)

    def _presuming(self, member_id: str) -> dict[str, Any]:
        """What an act on a member carries: whom else to ask, and what it presumes of the cluster."""
        return {"endpoints": self._foreseen.endpoints(member_id), "members": self._foreseen.presumed()}

    def _asking(self, member_id: str) -> dict[str, Any]:
        """What an act carries that nobody but the other members can allow.

        :raises Refused: none of them can be asked.
        """
        others = [member for member in self._foreseen.members if member.id != member_id]
        if not self._foreseen.endpoints(member_id):
            guard.check_can_be_asked(others)
        return self._presuming(member_id)

    def _witnessed(self, host: Host) -> dict[str, Any]:
        """The hosts of the other members, which report whom they reach, and the nonce under which they do."""
        return witnesses.of_act(host, self._hosts, self._foreseen.serving(self._hosts))


def _asks(step: Step) -> bool:
    """Are other members asked about the quorum before it is done?"""
    return step.restarts or isinstance(step.act, (acts.Join, acts.Leave, acts.Forget))


def _crashes(host: Host) -> bool:
    """Does systemd start its member again and again, and it ends each time, by its own last words?"""
    if host.silent or host.answers or host.masked:
        return False
    return bool(host.has_log and host.seen.unit.last_error)


def _check_mounts(host: Host) -> None:
    """A member is replaced for lost data only where its disk is there to have lost them."""
    for mount in host.marker.mounts if host.marker is not None else ():
        if mount not in host.seen.data.mounts:
            raise Refused(
                f"{host.label}: {mount} was a mount point when this member was set up, and is none now.",
                "Its data may still be on that disk; replaced now, they would be given up.",
                "Mount it: the member starts by itself. If the disk is lost for good, mount its successor there.",
                code="mount-missing",
            )


def _has_due(host: Host) -> bool:
    """Does its member run with certificates that are to be issued anew, and is no update of it interrupted?"""
    if host.silent or host.wanted is None or not host.wanted.present or host.state != markers.STARTED:
        return False
    return bool(host.runs and not host.answers and host.authorities.renew and not host.seen.previous)


def _is_halfway(host: Host, roster: Roster) -> bool:
    """Is its update interrupted, or does its cluster know it by another address than it runs with? Then others cannot
    connect to it anew, and its own update is the only act that does not demand that they can.
    """
    member, environment = roster.on(host), host.seen.runtime.environment
    told = environment.get("ETCD_INITIAL_ADVERTISE_PEER_URLS", "")
    moved = member is not None and told and set(told.split(",")) != set(member.peer_urls)
    return bool(host.seen.previous or moved)


def _id_of(member: ClusterMember | None) -> str:
    return member.id if member is not None else ""


def _leader_last(hosts: Sequence[Host], roster: Roster) -> list[Host]:
    return _last(roster.leader, hosts, roster)


def _last(leader: str, hosts: Sequence[Host], roster: Roster) -> list[Host]:
    """The hosts in their order, the one whose member leads by then at the end."""
    return sorted(hosts, key=lambda host: leader == _id_of(roster.on(host)) != "")


def _up(hosts: Iterable[Host]) -> list[Host]:
    return [host for host in hosts if host.answers]


def _down(hosts: Iterable[Host]) -> list[Host]:
    return [host for host in hosts if not host.answers]
