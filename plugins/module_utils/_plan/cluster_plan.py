# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan: a pure function of what is wanted and what was seen, to waves of steps or a refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._config import (
    gate_refusals,
    renamed_settings,
    render,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config import settings as _settings
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    acts,
    advice,
    maintenance_refusals,
    markers,
    quorum,
    releases,
    topology,
    upgrade_rules,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model import (
    identity as _identity,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Confirmations, Desired, Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import DEFAULT_VERSION
from ansible_collections.quorum.etcd.plugins.module_utils._model.topology import Member
from ansible_collections.quorum.etcd.plugins.module_utils._plan import (
    auto_tls,
    backups,
    bootstrap,
    discovery,
    downgrade,
    held_members,
    machines,
    member_releases,
    packages_beside,
    preflight,
    reconcile,
    restarts,
    safety,
    sources,
    unresolved,
    upgrade,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan import (
    roster as _roster,
)
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan

#: Clocks further apart than this are reported, in seconds.
SKEW_LIMIT = 2.0


def plan(
    hosts: Sequence[Host], verifying: bool = False, fenced: Sequence[str] = (), back: downgrade.Wish | None = None
) -> Plan:
    """What to do with one cluster.

    :param hosts: every host of the group in the inventory's order, those left out of the run included.
    :param verifying: the steps were taken: who was to be forgotten is gone, and that is no mistake any more.
    :param fenced: words for machines that are said to be off: that such a host is silent is no difference.
    :param back: the downgrade that is asked for; None for an ordinary run.
    :raises BadInput: the inventory is wrong; nothing was touched.
    :raises Refused: going on would be dangerous; nothing was touched.
    """
    if verifying:
        hosts = [_done(host) for host in hosts]
    found = Findings()
    found.run(check_inventory, hosts)
    off = found.run(_off, hosts, fenced) or []
    found.run(restarts.check, hosts)
    twins = Findings()
    twins.run(machines.check_instances, hosts)
    known = [host for host in hosts if host.is_understood]
    asked = found.run(asked_version, known)
    is_new = bootstrap.is_due(known)
    default = (found.run(sources.default_version, known) or "") if is_new and not asked else DEFAULT_VERSION
    # Of which version nobody knows the settings may still be wrong for every one.
    found.run(
        check_settings,
        known,
        "" if asked is None else asked or member_releases.running_version(known) or default,
    )
    if twins:
        # What else one line shows is the other one's: advice about it could stop the only copy.
        found.end()
    for host in known:
        found.run(_check_cluster, host)
    found.run(_check_not_suspended, known, fenced)
    if is_new:
        if back is not None and not any(host.silent for host in hosts):
            found.end()
            raise BadInput("There is no cluster yet that could be downgraded.")
        return _founding(hosts, found, asked or default)
    return _existing(hosts, off, found, back)


def _founding(hosts: Sequence[Host], found: Findings, chosen: str) -> Plan:
    """Found a cluster, unless something is wrong.

    :param found: what is wrong with the inventory.
    :param chosen: the version that it gets; empty where nothing tells.
    """
    known = [host for host in hosts if host.is_understood]
    # All else is judged for the usual one, so that one refusal names everything.
    version = chosen or DEFAULT_VERSION
    # What was no member and is to be none has no part in it.
    members = [host for host in known if host.wanted is not None and host.wanted.present]
    found.run(bootstrap.check_can_be_asked, members)
    if chosen:
        found.run(sources.check, [(host, chosen) for host in members])
    found.run(discovery.check, members, version)
    found.run(preflight.check, members, version)
    found.run(bootstrap.check, known, len(known) == len(hosts))
    found.run(machines.check_founding, members)
    found.run(safety.check_unforced, members)
    found.run(check_authorities, members, True)
    found.end()
    waves = tuple(bootstrap.waves(members, version))
    safety.check_clocks(members, safety.issuing(step for wave in waves for step in wave))
    tls = auto_tls.named(members)
    return Plan(
        f"{len(members)} host{'s' * (len(members) > 1)}, no cluster yet: found one with etcd {version}, {tls}",
        waves,
        warnings=_warnings(members, version),
        # Once the token is drawn all else can be planned.
        comes_after=discovery.is_drawn(members),
    )


def _off(hosts: Sequence[Host], fenced: Sequence[str]) -> list[Host]:
    """The silent hosts that C(etcd_fenced) names.

    :raises BadInput: a word names nothing, or two things.
    """
    if not fenced:
        return []
    listed = (host.seen.members for host in hosts)
    members = {member.id: member for one in listed for member in one}
    found = _roster.known(hosts, list(members.values()))
    named = {one.host for one in _identity.named("etcd_fenced", fenced, found)}
    return [host for host in hosts if host.silent and host.name in named]


def _done(host: Host) -> Host:
    """Without the words for what is done once."""
    wanted = host.wanted
    if wanted is None:
        return host
    return replace(host, wanted=replace(wanted, said=replace(wanted.said, forget=(), restart=())))


def _existing(everybody: Sequence[Host], off: Sequence[Host], found: Findings, back: downgrade.Wish | None) -> Plan:
    """Move a cluster to what the inventory says, unless something is wrong.

    :param found: what is wrong with the inventory.
    :param back: the downgrade that is asked for.
    """
    seen = [host for host in everybody if host.is_understood]
    hosts = [held_members.accepted(host) for host in seen]
    strange = Findings()
    for host in hosts:
        strange.run(_check_ours, host, hosts)
    found.add(strange)
    # Which members there are can be told once every host's data are known to be its own.
    roster = found.run(_roster.build, hosts) if not strange and len(hosts) == len(everybody) else None
    if roster is None and not found:
        found.run(check_login, hosts)
        found.run(_check_first_start, hosts)
    for host in hosts:
        found.run(_check_whole, host)
    found.run(discovery.check_waiting, hosts)
    # Where nobody has a certificate of a CA yet, those are still to be made.
    found.run(check_authorities, hosts, any(map(auto_tls.is_moving, hosts)))
    found.end()
    asked = asked_version(hosts)
    there = member_releases.version_there(hosts, asked)
    if back is not None and back.cancels and roster is not None:
        return _cancelling(hosts, roster, there)
    course, no_way = _course(hosts, roster, asked, back)
    version = (course.target if course else asked) or there or DEFAULT_VERSION
    # An unset version means the one that is there; a member's files are those of the release that it runs.
    versions = {host.name: member_releases.choose(host, hosts, roster, asked) or version for host in hosts}
    outdated = {host.name: _drained(host) or member_releases.problem(host, hosts, roster, asked) for host in hosts}
    hosts = [replace(_judged(one, versions[one.name]), outdated=str(outdated[one.name] or "")) for one in hosts]
    warnings = (*_warnings(hosts, version), *backups.problems(hosts), *map(_fenced, off))
    try:
        if no_way:
            raise no_way
        changes = _changes(hosts, roster, versions, course)
    except Refused as exc:
        changes = reconcile.only_started(hosts, roster, versions, exc)
    if roster is None and not changes.waves:
        _raise_lost(hosts, [why for why in outdated.values() if why is not None])
    if not asked:
        _check_version_known(hosts, changes.steps, there)
    accepting = tuple(_accept(host, versions) for host, was in zip(hosts, seen) if host.marker != was.marker)
    changes.waves[:0] = [accepting] if accepting else []
    is_on_its_way = course is not None and (bool(course.held_at) or (course.is_due and bool(changes.waves)))
    waiting = [] if is_on_its_way else list(unresolved.of_downgrade(hosts))
    differences = [
        *changes.later,
        *(
            text
            for host, has in ((host, versions[host.name]) for host in hosts if host not in off)
            # Where no release is asked for, what differs is told of all of them at once.
            for text in unresolved.of_host(
                host, has, has if is_on_its_way or waiting or not asked else version, changes.steps
            )
        ),
        *unresolved.of_membership(hosts, roster, changes.steps),
        *(() if back is not None and is_on_its_way else unresolved.of_versions(hosts, asked, _held_at(course))),
        *waiting,
    ]
    if not changes.waves:
        differences += unresolved.of_health(hosts)
    way = course.text() if course is not None and course.stages else version
    count = f"{len(hosts)} host{'s' * (len(hosts) > 1)}, etcd {way}"
    if changes.waves:
        summary = f"{count}: {len(changes.steps)} step{'s' * (len(changes.steps) > 1)} to what the inventory says"
    else:
        summary = f"{count}: {'different from the inventory' if differences else 'nothing to do'}"
    found_open = tuple(dict.fromkeys(differences))
    return Plan(
        summary,
        tuple(changes.waves),
        differences=found_open,
        warnings=warnings,
        comes_after=changes.upgrades,
        is_first_part=is_on_its_way and not changes.upgrades,
    )


def _drained(host: Host) -> Refused | None:
    """Why the member of a host is neither started nor updated while somebody maintains its machine."""
    drained = host.seen.drained
    return maintenance_refusals.of_drained(host.label, drained) if drained.is_valid and host.state else None


def _held_at(course: upgrade.Course | None) -> str:
    return course.held_at if course else ""


def _course(
    hosts: Sequence[Host], roster: _roster.Roster | None, asked: str, back: downgrade.Wish | None
) -> tuple[upgrade.Course | None, Refused | None]:
    """The way to the release that is asked for; or why there is none, which keeps no member down."""
    try:
        if back is not None:
            return downgrade.course(hosts, roster, asked, back), None
        return upgrade.course(hosts, roster, asked, stop_at(hosts)), None
    except Refused as exc:
        return None, exc


def _changes(
    hosts: Sequence[Host], roster: _roster.Roster | None, versions: Mapping[str, str], course: upgrade.Course | None
) -> reconcile.Changes:
    """Everything that is due.

    :raises Refused: a step would be dangerous.
    """
    safety.check(hosts, roster, versions)
    if course is not None and course.is_due and roster is not None:
        due = [(host, stage) for stage in course.stages for host in hosts if course.due_at(stage, host.name)]
        sources.check(due, hosts)
        for stage in course.stages:
            safety.check_release([host for host, one in due if one == stage], stage)
        planned = reconcile.plan_downgrade if course.goes_back else reconcile.plan_upgrade
        changes = planned(hosts, roster, versions, course)
    else:
        changes = reconcile.plan_changes(hosts, roster, versions)
    sources.check_steps(changes.steps, hosts)
    safety.check_clocks(hosts, safety.issuing(changes.steps))
    return changes


def _raise_lost(hosts: Sequence[Host], outdated: Sequence[Refused]) -> None:
    """Say why nobody serves and nobody can be started.

    :raises Refused: always.
    """
    _check_not_left(hosts)
    _check_known(hosts)
    raise outdated[0] if outdated else _quorum_lost(hosts)


def _cancelling(hosts: Sequence[Host], roster: _roster.Roster, there: str) -> Plan:
    changes = reconcile.plan_cancel(hosts, roster, {host.name: member_releases.own(host) or there for host in hosts})
    what = "cancel the downgrade" if changes.waves else "no downgrade is pending"
    return Plan(
        f"{len(hosts)} host{'s' * (len(hosts) > 1)}, etcd {there}: {what}",
        tuple(changes.waves),
        notes=tuple(downgrade.notes(hosts)),
    )


def _fenced(host: Host) -> str:
    return f"{host.label} is off (etcd_fenced). Take it out of the inventory, or give it a new machine."


def _check_version_known(hosts: Sequence[Host], steps: Iterable[Step], there: str) -> None:
    """Nobody gets the files or the binary of another release than the members have.

    :param there: the version of the members that there are; empty where nothing tells it.
    :raises Refused: a step needs a version that nothing tells.
    """
    need = {step.host for step in steps if step.act.has_version}
    untold = [host for host in hosts if host.name in need and host.runs and not member_releases.own(host)]
    if not untold and (there or not need):
        return
    found = (
        f"{untold[0].label} runs {untold[0].seen.runtime.identity.executable}, which is no release of ours, "
        "and its member does not say which version that is."
        if untold
        else "The cluster exists, and neither a running member nor a unit says which version of etcd it has."
    )
    raise Refused(
        found,
        "An older etcd does not start on the data of a newer one, and a newer one changes the data of an older one.",
        "Give the version that the members have, for the group or for this run: -e etcd_version=X.Y.Z. The binary of a "
        "member says it: etcd --version."
        if untold
        else f"{advice.release_of_data(_unit_of(hosts))}.",
        code="version-unknown",
    )


def _unit_of(hosts: Sequence[Host]) -> str:
    return next((host.wanted.layout.unit for host in hosts if host.wanted is not None), "etcd")


def _accept(host: Host, versions: Mapping[str, str]) -> Step:
    return Step(host.name, f"let {host.label} have its data where they are now", acts.Accept())


def _judged(host: Host, version: str) -> Host:
    """The host with what keeps it from becoming a member, if that is what it is due for."""
    if host.silent or host.wanted is None or not host.wanted.present:
        return host
    problems = preflight.problems(host, version)
    if not host.runs:
        problems += [text for refused in bootstrap.foreign(host) for text in refused.texts]
    return replace(host, unfit="\n".join(problems))


def check_login(hosts: Sequence[Host]) -> None:
    """May we ask those that run whether they serve?

    :raises Refused: one of them does not take our word for who we are: nobody knows then whether a quorum is lost.
    """
    locked_out = [host for host in hosts if host.locked_out]
    if locked_out:
        raise Refused(
            " ".join(f"{host.label} runs, and tells us nothing: {host.locked_out.rstrip('.')}." for host in locked_out),
            "Authentication is on: whether there is a quorum cannot be seen, and nothing can be agreed on.",
            "Write NAME:PASSWORD of a user who has the role root into a file of mode 0600 on every member's host, and "
            "name that file in the inventory: etcd_user_file=PATH.",
            code="login-needed",
        )


def _quorum_lost(hosts: Sequence[Host]) -> Refused:
    """Nobody serves, and nothing that this run may start would change that."""
    obstacles = [obstacle for host in hosts if (obstacle := held_members.of_host(host, hosts)) is not None]
    if obstacles:
        return gate_refusals.refusal(obstacles)
    return Refused(
        "No member of the cluster answers, and no stopped one can be started: its quorum is lost. "
        + " ".join(_standing(host) for host in hosts),
        "Whatever is changed now, nobody can agree to; a member that is stopped now does not come back by itself.",
        "Bring back the machines, disks and network of enough members for a quorum: they start by themselves. "
        + _ways_back(hosts),
        code="quorum-lost",
    )


def _ways_back(hosts: Sequence[Host]) -> str:
    """What is left once members are lost for good."""
    cluster = bootstrap.cluster_of(hosts)
    gone = [host.name for host in hosts if host.silent]
    return (
        "If most of them are lost for good, recover with the data of those that are left: "
        f"{advice.recover(cluster, gone)}. If no data are left, restore a snapshot: "
        f"{advice.restore(cluster, gone)} -e etcd_snapshot=FILE"
    )


def _standing(host: Host) -> str:
    if host.silent:
        return f"{host.label}: could not be looked at."
    if host.runs:
        if host.seen.status.is_learner:
            return f"{host.label} runs as a learner, which has no vote: the hosts that vote must be in the inventory."
        error = host.seen.cluster.error or "it answers no linearizable read."
        due = dict.fromkeys(reason for reasons in host.authorities.renew.values() for reason in reasons)
        # Where nothing else was to be changed they were issued anew.
        renewal = (
            f" Its certificates are due ({'; '.join(due)}): take out of the inventory whatever else changes."
            * bool(due)
        )
        return f"{host.label} runs and does not serve: {error}{renewal}"
    if host.masked:
        return f"{host.label}: its unit is masked."
    if host.state == markers.REMOVED:
        return f"{host.label}: was taken out of its cluster."
    return f"{host.label}: {'stopped' if host.has_log else 'without data'}."


def check_inventory(hosts: Sequence[Host]) -> None:
    """Does the inventory describe one cluster?

    :raises BadInput: it does not.
    :raises Refused: what a host remembers cannot be understood.
    """
    found = Findings()
    found.run(_check_variables, hosts)
    found.run(_once, "etcd_cluster_name", [host.wanted.cluster for host in hosts if host.wanted is not None])
    found.run(auto_tls.check_alike, hosts)
    found.run(_check_present, hosts)
    members = [host.wanted.member for host in hosts if host.wanted is not None]
    # Of a host that is silent nobody knows the default address: whether the others contradict each other is known.
    found.run(_check_members, members, len(members) == len(hosts))
    found.run(machines.check_instances, hosts)
    found.run(machines.check, hosts)
    found.run(_check_accepted, hosts)
    for host in hosts:
        found.run(_check_marker, host)
    found.end()


def _check_members(members: Sequence[Member], everybody: bool) -> None:
    topology.check_members(members, everybody)
    topology.check_own_addresses(members)


def _check_variables(hosts: Sequence[Host]) -> None:
    labels: dict[str, list[str]] = {}
    for host in hosts:
        for problem in host.problems:
            labels.setdefault(problem, []).append(host.label)
    if labels:
        raise BadInput(*(f"{', '.join(having)}: {problem}" for problem, having in labels.items()))


def _check_marker(host: Host) -> None:
    if host.seen.marker_error:
        raise Refused(f"{host.label}:", host.seen.marker_error, "", code="marker-unreadable")


def _check_present(hosts: Sequence[Host]) -> None:
    if hosts and not any(host.silent or host.wanted is None or host.wanted.present for host in hosts):
        raise BadInput(
            "Every host of the group is to be absent (etcd_member_state). Without its last member there is no cluster, "
            "and its data serve nobody. To take the whole cluster away, run playbooks/destroy.yml."
        )


def _check_accepted(hosts: Sequence[Host]) -> None:
    known = {name for host in hosts for name in (host.name, host.wanted.name if host.wanted is not None else "")}
    for host in hosts:
        said = host.wanted.said if host.wanted is not None else Confirmations()
        for variable, names in (("mounts", said.accept_mounts), ("machine", said.accept_machine)):
            for name in names:
                # Whose member a silent host has nobody knows.
                if name not in known and not any(other.silent for other in hosts):
                    raise BadInput(f"etcd_accept_{variable} names {name!r}, and no host of the group is called so.")


def _check_cluster(host: Host) -> None:
    """What a host was set up for is this cluster. One that was taken out of another has nothing of it any more."""
    marker, wanted = host.marker, host.wanted
    if marker is None or wanted is None or marker.state == markers.REMOVED or marker.cluster in ("", wanted.cluster):
        return
    raise Refused(
        f"{host.label} was set up for the cluster {marker.cluster}, and the inventory has it in {wanted.cluster}.",
        "Two clusters would be taken for one: new hosts would join the wrong one, or lose it a member.",
        f"If it belongs to {marker.cluster}, take it out of the group of {wanted.cluster}. If that cluster is only "
        f"called otherwise now, keep its name: write etcd_cluster_name: {marker.cluster} for the group. If it is to "
        f"change clusters, let it leave first: etcd_member_state: absent in the inventory of {marker.cluster}.",
        code="another-cluster",
    )


def _check_not_suspended(hosts: Sequence[Host], fenced: Sequence[str]) -> None:
    """While a restore or a recovery is under way nothing else changes the cluster: its hosts belong together."""
    under_way = [host for host in hosts if host.state in (*markers.PENDING, markers.RESTORED)]
    if not under_way:
        return
    marker = under_way[0].marker
    cluster = marker.cluster if marker else ""
    restores = any(host.state != markers.RECOVERY_PENDING for host in under_way)
    what, playbook, going_on = (
        ("A restore from a snapshot", "restore", advice.restore(cluster, fenced))
        if restores
        else ("A recovery from a lost quorum", "recover", advice.recover(cluster, fenced))
    )
    raise Refused(
        f"{what} is under way: {', '.join(f'{host.label} says {host.state!r}' for host in under_way)}.",
        "Some of its hosts have left the cluster that was, and some may serve the one that is to be.",
        f"Let it go on: {going_on}. Or, as long as no new cluster was made, roll it back: "
        + advice.rollback(playbook, cluster, fenced),
        code="restore-or-recovery-pending",
    )


def _check_ours(host: Host, hosts: Sequence[Host]) -> None:
    """Data or a member that our marker does not know are somebody else's, whatever the other hosts look like."""
    wanted = host.wanted
    if host.silent or wanted is None:
        return
    data, marker = host.seen.data, host.marker
    unknown = host.state in (None, markers.OFFERED, markers.REMOVED) and (host.has_log or host.runs)
    # The gate says otherwise before it lets etcd write a log.
    unknown = unknown or (host.state == markers.NEVER_STARTED and host.has_log)
    if unknown and not _is_kept(host, hosts):
        what = f"a write-ahead log in {wanted.layout.log_dir}" if host.has_log else "a running member"
        identity = f" of member {data.member_id}, cluster {data.cluster_id}" if data.member_id else ""
        raise Refused(
            f"{host.label} has {what}{identity}, and its marker ({host.state or 'none'}) does not say that it is ours."
            f"{_what_runs(host)}",
            "It may be a member of a cluster that somebody else runs; a cluster that is not ours is left alone.",
            _way_with(host, hosts),
            code="foreign-data",
        )
    if data.not_its_own and not host.runs:
        raise Refused(
            f"{host.label} has data that the account {wanted.layout.user} does not own: {data.not_its_own}.",
            "Started on them etcd ends at once, or leaves files that it cannot read the next time.",
            "If they are this member's, give them to it: chown -R "
            f"{wanted.layout.user}:{wanted.layout.group} {data.path}"
            f"{' ' + wanted.layout.wal_dir if wanted.layout.wal_dir else ''}",
            code="foreign-owner",
        )
    told = _roster.member_id(host)
    if host.runs and marker is not None and marker.member_id and told not in ("", marker.member_id):
        raise Refused(
            f"{host.label} runs as member {told}, and its own is {marker.member_id}."
            + "".join(f" Member {told} belongs on {other.label}." for other in hosts if _has(other, told)),
            "The data of two hosts were swapped: their members cannot be reached where the others look for them.",
            f"Stop the members concerned (systemctl stop {host.seen.unit.name}), put the data in "
            f"{wanted.layout.data_dir} back where they belong, and run again.",
            code="data-swapped",
        )
    if marker is not None and marker.cluster_id and data.cluster_id not in ("", marker.cluster_id):
        raise Refused(
            f"{host.label} has the data of cluster {data.cluster_id}, and its marker says {marker.cluster_id}.",
            "Started like this it would talk to the wrong cluster.",
            f"Put the right data into {wanted.layout.data_dir}. If they are lost, move what lies there aside and run "
            "again: while the others serve, the member is replaced.",
            code="data-swapped",
        )


def _has(host: Host, member_id: str) -> bool:
    """Is a member this host's, by its marker?"""
    return host.marker is not None and host.marker.member_id == member_id


def _way_with(host: Host, hosts: Sequence[Host]) -> str:
    """What is safe with data or a member that no marker speaks of. Never to give up those that a cluster may need: done
    on one host after the other that costs its quorum.
    """
    wanted, unit = host.wanted, host.seen.unit
    aside = "stop it and move its data directory aside, then run again."
    if wanted is None or host.state is not None or not host.has_log or (unit.fragment_path and not unit.ours):
        return f"{'Take the host out of the group. ' * host.answers}If its data are not needed, {aside}"
    serving = [other for other in hosts if other.answers and _roster.cluster_id(other) == _roster.cluster_id(host)]
    if serving and not _lists(host, hosts):
        return f"Its cluster does not have this member any more: {aside}"
    marker = f"FORMAT=1\\nSTATE=started\\nCLUSTER={wanted.cluster}\\n"
    return (
        f"If it is a member of {wanted.cluster} that lost its marker, say so there and run again; it keeps its data "
        f"and is not restarted: mkdir -p {wanted.layout.state_dir} && printf '{marker}' > {wanted.layout.marker_file}. "
        + ("If not, take the host out of the group." if unit.ours else f"If its data are not needed, {aside}")
    )


def _lists(host: Host, hosts: Sequence[Host]) -> bool:
    """Does a serving cluster of this group have the member whose data or process is on this host?"""
    return any(
        other.seen.cluster.cluster_id == _roster.cluster_id(host)
        and any(member.id == _roster.member_id(host) for member in other.seen.members)
        for other in hosts
        if other.answers
    )


def _is_kept(host: Host, hosts: Sequence[Host]) -> bool:
    """A system built anew beside the data of a member that the serving cluster still has, or one that runs and lost its
    marker. While nobody serves it may be one, if others of its group are of the same cluster: whoever may start is
    started first.
    """
    if host.state is not None:
        return False
    cluster_id = _roster.cluster_id(host)
    known = any(other.marker is not None and other.marker.cluster_id == cluster_id != "" for other in hosts)
    if host.runs:
        # A cluster that is not of this group alone may be somebody else's who uses this collection.
        return bool(host.seen.unit.ours) and _lists(host, hosts) and (known or _is_all_here(hosts))
    if any(other.answers for other in hosts):
        return _lists(host, hosts)
    return known


def _is_all_here(hosts: Sequence[Host]) -> bool:
    """Do all members of the cluster that serves live on hosts of this group, by what they tell themselves?"""
    here = {_roster.member_id(host) for host in hosts}
    return all(member.id in here for host in hosts if host.answers for member in host.seen.members)


def _what_runs(host: Host) -> str:
    """A member that somebody else set up, so that a person recognises it."""
    if not host.runs:
        return ""
    unit, runtime = host.seen.unit, host.seen.runtime
    settings = " ".join(f"{name}={value}" for name, value in sorted(runtime.environment.items()))
    members = host.seen.members
    known = "; ".join(f"{member.name or 'not started'} at {', '.join(member.peer_urls)}" for member in members)
    return (
        f" It runs as {unit.name} ({unit.fragment_path}): {' '.join(runtime.command)}"
        + (f", with {settings}" if settings else "")
        + (f". Its cluster's members: {known}." if known else ".")
    )


def _check_whole(host: Host) -> None:
    """What a host lacks although others of its group have gone on."""
    if host.silent or host.wanted is None or not host.wanted.present:
        return
    if host.state == markers.OFFERED:
        raise Refused(
            f"{host.label} has only offered itself for a first start, and other hosts of the group have gone on.",
            "No interrupted run leaves that: its system disk went back in time, or hosts of another cluster are in "
            "this group.",
            "Find out which hosts belong together, and put the inventory right. If this one never was a member of any "
            f"cluster, remove {host.wanted.layout.state_dir} there, and it can join.",
            code="founders-changed",
        )
    bootstrap.check_machine(host)


def _check_not_left(hosts: Sequence[Host]) -> None:
    """A member that was taken out left others behind. Where the group has none of them they may be anywhere."""
    left = [host for host in hosts if host.state == markers.REMOVED]
    if not left or any(host.silent or (host.may_have_voted and host not in left) for host in hosts):
        return
    cluster = left[0].wanted.cluster if left[0].wanted is not None else ""
    raise Refused(
        f"{', '.join(host.label for host in left)} was taken out of the cluster {cluster}, and no other host of the "
        "group has anything of that cluster.",
        "Its other members may serve elsewhere, or may have lost their disks. A second cluster of the same name could "
        "be taken for it.",
        "If that cluster exists, write the hosts of its members into the group. If it is gone for good, forget it: "
        f"{advice.destroy(cluster)}. Then run again: a new one is founded. A cluster of another name "
        "(etcd_cluster_name) can be founded at once.",
        code="removed-members-only",
    )


def _check_first_start(hosts: Sequence[Host]) -> None:
    """A power cut in the very first start may leave too few members with a log, and none that was ever ready.

    :raises Refused: no quorum of them can start any more.
    """
    members = [host for host in hosts if host.silent or (host.wanted is not None and host.wanted.present)]
    if not members or not all(_never_ready(host) for host in members):
        return
    ended = [host for host in members if host.state == markers.STARTING and not (host.has_log or host.runs)]
    if not ended or len(members) - len(ended) >= quorum.quorum(len(members))["needed"]:
        return
    raise Refused(
        f"The first start of the cluster was interrupted, as by a power cut: {', '.join(host.label for host in ended)} "
        "began it and has no write-ahead log. No member was ever ready, and too few can start.",
        "Started empty once more a member could have voted twice under one ID. There is nothing to recover either.",
        f"No client was ever served. Found the cluster anew: {advice.destroy(bootstrap.cluster_of(hosts))}, then run "
        "again. What is there is archived.",
        code="first-start-interrupted",
    )


def _never_ready(host: Host) -> bool:
    """Is it known that this host's member never got further than its first start, and are its disks there to tell?"""
    marker = host.marker
    if host.silent or marker is None or marker.origin != markers.BOOTSTRAP or host.seen.data.unreadable:
        return False
    known = (markers.OFFERED, markers.NEVER_STARTED, markers.STARTING)
    return marker.state in known and set(marker.mounts) <= set(host.seen.data.mounts)


def _check_known(hosts: Sequence[Host]) -> None:
    """A new host beside a cluster that does not serve may be a member that lost all it had."""
    for host in hosts:
        if not host.silent and host.state is None:
            if host.has_log:
                raise Refused(
                    f"{host.label} has a write-ahead log in {host.seen.data.path} of the cluster of the others, "
                    "and no marker.",
                    "Whether it is still a member of that cluster nobody can say, for no member answers.",
                    "Bring enough of the other members back for a quorum; then it is started with its data.",
                    code="marker-lost",
                )
            raise Refused(
                f"{host.label} has no marker, and other hosts of the group have begun or finished their first start.",
                "If it was a member it lost its system disk, and nobody can say whether it voted, for no member "
                "answers.",
                "Bring its disk back. If it is a new host, take it out of the inventory until the cluster serves "
                "again. " + _ways_back(hosts),
                code="marker-lost",
            )


def asked_version(hosts: Sequence[Host]) -> str:
    """What C(etcd_version) says; empty where nobody gives it.

    :raises BadInput: it is none, or differs.
    """
    asked = {host.wanted.version for host in hosts if host.wanted is not None and host.wanted.version}
    for version in asked:
        releases.check_version(version)
    return _once("etcd_version", asked)


def stop_at(hosts: Sequence[Host]) -> str:
    """What C(etcd_upgrade_stop_at) says; empty where nobody gives it.

    :raises BadInput: it differs.
    """
    return _once("etcd_upgrade_stop_at", [host.wanted.upgrade_stop_at for host in hosts if host.wanted is not None])


def _once(name: str, given: Iterable[str]) -> str:
    """A variable that is one for the whole cluster, empty where nobody gives it.

    :raises BadInput: it differs.
    """
    found = sorted(set(given))
    if len(found) > 1:
        raise BadInput(
            f"{name} differs between the hosts of one cluster: {', '.join(found)}. Give it once, for the group."
        )
    return found[0] if found else ""


def check_settings(hosts: Sequence[Host], version: str) -> None:
    """Does this version take every host's settings?

    :param version: empty while it is not known; then any version that takes them will do.
    :raises BadInput: it does not, with all that is wrong.
    """
    complaints: dict[str, list[str]] = {}
    for host in hosts:
        if host.wanted is None:
            continue
        try:
            if version:
                render.flags(host.wanted, version)
            else:
                _settings.check_any_version(host.wanted.settings)
        except BadInput as exc:
            complaints.setdefault(str(exc), []).append(host.label)
        problem = host.seen.snapshots.schedule_problem
        if problem:
            schedule = host.wanted.snapshots.schedule
            text = f"etcd_snapshot_schedule is {schedule!r}, which systemd does not take: {problem}"
            complaints.setdefault(text, []).append(host.label)
    if complaints:
        raise BadInput(*(f"{', '.join(labels)}: {text}" for text, labels in complaints.items()))


def check_authorities(hosts: Sequence[Host], founding: bool) -> None:
    """Are the certificate authorities here by which the hosts know each other?

    :param founding: they may still have to be made.
    :raises BadInput, Refused: they are not.
    """
    found = Findings()
    found.run(_once, "etcd_pki_dir", [host.authorities.place for host in hosts if host.authorities.place])
    given = [host.authorities.bundles.values() for host in hosts if not host.authorities.place.startswith("/")]
    found.run(_once, "The SHA256 of the CAs in variables", [" and ".join(bundles) for bundles in given if bundles])
    for host in hosts:
        if host.wanted is not None and host.wanted.tls and not host.silent:
            found.run(_check_authorities_of, host, host.wanted, founding)
    found.end()


def _check_authorities_of(host: Host, wanted: Desired, founding: bool) -> None:
    found = host.authorities
    if found.problem:
        raise BadInput(found.problem)
    # What a host still has of a cluster that it has left is replaced.
    for stranger in () if host.left_another else found.strangers:
        bare = host.state is None and not host.has_log and not host.runs
        raise Refused(
            f"{host.label}: {stranger}",
            "A new CA here would cut this member off from the others, and its clients from it.",
            f"Bring the CA and its key to {_named(found.place)}, from where the cluster was made."
            + (
                " If it is left from a cluster that is gone, and nothing on the host uses it any more, remove it "
                f"there: rm -r {wanted.layout.ssl_dir}."
                if bare
                else ""
            ),
            code="ca-unknown",
        )
    if found.missing and not founding:
        raise Refused(
            f"The {' and '.join(found.missing)} CA is not in {found.place}, and the cluster exists.",
            "A new CA would be trusted by no member of it.",
            "Bring the CA and its key there (etcd_pki_dir), from where the cluster was made.",
            code="ca-missing",
        )
    if found.missing and found.doubt and found.place not in wanted.said.confirm:
        raise Refused(
            f"The {' and '.join(found.missing)} CA would be made in {_named(found.place)}, and {found.doubt}.",
            "Without its key no member gets a new certificate and none can be added.",
            f"{found.remedy}; or, if this directory is kept nevertheless, confirm it: -e etcd_confirm={found.place}",
            code="ca-would-be-lost",
        )


def _named(place: str) -> str:
    """Where CAs are, with the variable that says so."""
    return f"{place} (etcd_pki_dir)" if place.startswith("/") else place


def _warnings(hosts: Sequence[Host], version: str) -> tuple[str, ...]:
    texts: list[str] = []
    for host in hosts:
        if host.wanted is not None:
            texts += host.authorities.notes
            texts += renamed_settings.notes(host.wanted.settings, releases.minor(version))
            texts += _settings.warnings(render.flags(host.wanted, version), version)
    for runs in sorted({host.version for host in hosts if host.version} or {version}, key=releases.order):
        texts += upgrade_rules.remarks(runs, sources.options_of_others(hosts))
    size = sum(host.wanted is None or host.wanted.present for host in hosts)
    texts += packages_beside.warnings(hosts)
    texts += auto_tls.warnings(hosts)
    together = machines.warnings(hosts)
    texts += together
    if size and size % 2 == 0 and not together:
        texts.append(f"{size} members tolerate no more failures than {size - 1}: an odd number is better.")
    for host in hosts:
        if abs(host.skew) > SKEW_LIMIT:
            texts.append(f"{host.label}: its clock is {abs(host.skew):.0f} s or more away from the controller's.")
    for host in hosts:
        if not host.may_have_voted:
            texts += bootstrap.neighbours(host, machines.units(machines.beside(host, hosts)))
    clones: dict[str, str] = {}
    for host in (machine[0] for machine in machines.of(hosts)):
        own_id = host.seen.host.machine_id
        if own_id and own_id in clones:
            texts.append(
                f"{host.label} and {clones[own_id]} have the same /etc/machine-id: was one cloned from the other?"
            )
        clones.setdefault(own_id, host.label)
    return tuple(dict.fromkeys(texts))
