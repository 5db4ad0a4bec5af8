# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""A plan that is kept, and whether what would be done now is a part of it.

Steps are derived anew from what is seen each time. What is kept says which steps were approved and what they presume;
it is compared with the same description of the plan that is made now. No order counts, and neither does who leads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import render
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, advice, identity, upgrade_acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Desired, Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster as _roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan

#: How far the clock of the controller that planned may be ahead, in seconds.
SKEW_LIMIT = 60.0

# What an act carries for the moment at which it is done. The members are compared once for the whole plan.
_OF_THE_MOMENT = {"nonce", "witnesses", "endpoints", "members", "token", "certificates", "may_be_there", "learns"}
# Done once for the cluster, by a host that is chosen by who leads or who answers.
_OF_THE_CLUSTER = {
    one.kind
    for one in (
        acts.MakeAuthorities,
        acts.Forget,
        upgrade_acts.SaveFirst,
        upgrade_acts.Rehearse,
        upgrade_acts.AwaitVersion,
        upgrade_acts.RenewRaftSnapshots,
    )
}
# Before or in the middle of which a member does not serve. Of updates it is those that restart it.
_WITHOUT_SERVING = {
    one.kind for one in (acts.Configure, acts.Start, acts.Await, acts.RollBack, acts.Join, acts.Leave, acts.Accept)
}
# What brings a member up again after one of its steps was interrupted.
_AFTER_AN_INTERRUPTION = {acts.Start.kind, acts.Await.kind, acts.RollBack.kind}


@dataclass(frozen=True)
class ApprovedStep:
    """One step, as far as it is the same whenever it is planned.

    :param does: the fields of its act.
    :param writes: path -> SHA256 of each file that it writes.
    :param finds: path -> SHA256 of what lay there; empty for nothing.
    :param issues: certificates that are issued anew.
    :param changes: names and peer URLs by which the cluster's member list may change.
    """

    host: str
    kind: str
    title: str
    does: Mapping[str, Any]
    writes: Mapping[str, str]
    finds: Mapping[str, str]
    issues: Sequence[str]
    changes: Sequence[str]

    @property
    def subject(self) -> tuple[str, str, str]:
        """What steps have in common of which a later plan may put several into one, or leave some out."""
        which = self.does.get("member_id") if self.kind == acts.Forget.kind else self.does.get("version")
        return ("" if self.kind in _OF_THE_CLUSTER else self.host, self.kind, str(which or self.does.get("minor", "")))

    @property
    def brings_content(self) -> bool:
        """Does it bring a member's files to what the inventory says?"""
        return self.kind in (acts.Update.kind, acts.Join.kind, acts.Configure.kind)

    @property
    def may_stop(self) -> bool:
        """May its host's member be down in the middle of it?"""
        return self.kind in _WITHOUT_SERVING or bool(self.does.get("restart"))

    @property
    def identity(self) -> dict[str, Any]:
        return {**asdict(self), "title": "", "host": self.subject[0]}


@dataclass(frozen=True)
class ApprovedPlan:
    """What is to be done with one cluster, and what that presumes.

    :param cluster_id: empty while there is no cluster.
    :param made_at: seconds since 1970.
    :param collection: the version of this collection.
    :param wanted: host -> variable -> SHA256 of what it says. Nothing of a host that gave no answer.
    :param words: variable of the run -> what the operator has said there.
    :param down: hosts whose members did not serve.
    :param silent: hosts that gave no answer.
    :param members: ID, name, peer URLs and role of each member that the cluster had.
    """

    cluster: str
    cluster_id: str
    made_at: float
    collection: str
    summary: str
    wanted: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Sequence[str]]
    down: Sequence[str]
    silent: Sequence[str]
    members: Sequence[Mapping[str, Any]]
    steps: Sequence[ApprovedStep]

    @property
    def id(self) -> str:
        """The same for the same steps on the same cluster, whenever and in whichever order they are planned."""
        presumed = {
            **asdict(self),
            **dict.fromkeys(("made_at", "collection", "summary"), ""),
            "steps": sorted((step.identity for step in self.steps), key=_text),
        }
        return _digest(presumed)[:32]

    @property
    def made(self) -> str:
        return datetime.fromtimestamp(self.made_at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")

    def to_dict(self) -> dict[str, Any]:
        told = {"id": self.id, "made": self.made, **asdict(self)}
        return {**told, "sha256": _digest(told)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> ApprovedPlan:
        """Return what C(to_dict) has written.

        :raises ValueError: it was changed, or it is none.
        """
        values = dict(told)
        written = values.pop("sha256", "")
        if written != _digest(values):
            raise ValueError("it was edited")
        try:
            steps = [ApprovedStep(**step) for step in values["steps"]]
            return cls(**{one.name: values[one.name] for one in fields(cls) if one.name != "steps"}, steps=steps)
        except (KeyError, TypeError) as exc:
            raise ValueError(f"it lacks something, or has too much: {exc}") from exc

    def of_host(self, name: str) -> list[ApprovedStep]:
        return [step for step in self.steps if step.host == name]


def describe(hosts: Sequence[Host], plan: Plan, cluster: str, made_at: float, collection: str) -> ApprovedPlan:
    """Return what a plan would do, without what changes from one look to the next.

    :param hosts: as they were seen, with all that the operator has said.
    """
    known = {host.name: host for host in hosts}
    asked = next((host for host in hosts if host.answers), None)
    members = asked.seen.members if asked is not None else ()
    urls_of = {member.id: [member.name, *member.peer_urls] for member in members}
    ids = [found for host in hosts if not host.left_another and (found := _cluster_id(host))]
    return ApprovedPlan(
        cluster=cluster,
        cluster_id=ids[0] if ids else "",
        made_at=made_at,
        collection=collection,
        summary=plan.summary,
        wanted={host.name: _wanted(host.wanted) if host.wanted is not None else {} for host in hosts},
        words=_words(hosts),
        down=sorted(host.name for host in hosts if _is_to_serve(host) and not host.answers),
        silent=sorted(host.name for host in hosts if host.silent),
        members=sorted(
            (
                {
                    "id": one.id,
                    "name": one.name,
                    "peer_urls": sorted(one.peer_urls),
                    "role": "learner" if one.is_learner else "voter",
                }
                for one in members
            ),
            key=_text,
        ),
        steps=[_described(step, known[step.host], urls_of) for step in plan.steps],
    )


def without_done(hosts: Sequence[Host], approved: ApprovedPlan) -> list[Host]:
    """The hosts without the approved words of C(etcd_forget) whose members are gone by now: that is no mistake."""
    members = next((host.seen.members for host in hosts if host.answers), ())
    given = [word for word in approved.words.get("etcd_forget", ()) if members]
    gone = set(identity.unnamed(given, _roster.known(hosts, members)))
    return [_not_forgetting(host, gone) for host in hosts]


def check_age(approved: ApprovedPlan, now: float, max_age: float, source: str) -> None:
    """Is it still young enough?

    :param max_age: seconds; 0 for any age.
    :param source: the file that it comes from.
    :raises Refused: it is not, or the clocks do not tell.
    """
    again = f"Plan again, and have that approved: {advice.keep_plan(source)}"
    ahead = approved.made_at - now
    if ahead > SKEW_LIMIT:
        raise Refused(
            f"The plan of {approved.cluster} in {source} was made at {approved.made}, which is "
            f"{timedelta(seconds=round(ahead))} ahead of this controller's clock.",
            "One of the two clocks is wrong, so that nothing tells how old the plan is.",
            f"Set the clocks of both controllers. {again}",
            code="plan-expired",
        )
    if max_age and -ahead > max_age:
        raise Refused(
            f"The plan of {approved.cluster} in {source} was made at {approved.made}, "
            f"{timedelta(seconds=round(-ahead))} ago, and is good for {timedelta(seconds=round(max_age))} "
            "(etcd_plan_max_age).",
            "What was approved so long ago may not be meant any more.",
            again,
            code="plan-expired",
        )


def check(approved: ApprovedPlan, now: ApprovedPlan, source: str) -> None:
    """Is what would be done now a part of what was approved, on the cluster for which it was approved?

    :param now: the description of the plan that was made now.
    :param source: the file that the approved one comes from.
    :raises Refused: it is not, with all that has changed.
    """
    if approved.cluster_id and now.cluster_id and approved.cluster_id != now.cluster_id:
        raise Refused(
            f"The plan in {source} was made for the cluster {approved.cluster} with the ID {approved.cluster_id}, and "
            f"the one that is there has the ID {now.cluster_id}.",
            "It is another cluster of that name: nobody has approved a change of it.",
            f"Take the inventory of the cluster that is meant, or plan this one: {advice.keep_plan(source)}",
            code="plan-of-another-cluster",
        )
    changed = [
        *_changed_release(approved, now),
        *_changed_inventory(approved, now),
        *_changed_words(approved, now),
        *_changed_members(approved, now),
        *_changed_health(approved, now),
        *(text for step in now.steps for text in _objections(step, approved)),
    ]
    if changed:
        raise Refused(
            f"Plan {approved.id} of {approved.cluster}, made at {approved.made}, is not what would be done now. "
            + " ".join(f"{text[0].upper()}{text[1:]}." for text in dict.fromkeys(changed)),
            "It was approved for what was seen then.",
            "If that is not wanted, put it back and run the same command again. If it is, plan again and have that "
            f"approved: {advice.keep_plan(source)}",
            code="plan-changed",
        )


def check_complete(plan: Plan, cluster: str) -> None:
    """Are all steps of a run in its plan, so that it can be approved?

    :raises Refused: some are planned only once the others are done.
    """
    if plan.is_first_part:
        raise Refused(
            f"{cluster}: an upgrade follows on the steps of this plan, and is planned only once they are done. "
            f"{' '.join(plan.differences)}",
            "What is approved now would not be all that is done.",
            "Have these steps approved without the upgrade first: leave etcd_version unset. Once they are done, plan "
            "the upgrade.",
            code="plan-incomplete",
        )


def _described(step: Step, host: Host, members: Mapping[str, Sequence[str]]) -> ApprovedStep:
    act = step.act
    does = {one.name: _plain(getattr(act, one.name)) for one in fields(act) if one.name not in _OF_THE_MOMENT}
    if "initial_cluster" in does:
        does["initial_cluster"] = sorted(does["initial_cluster"].split(","))
    certificates = isinstance(act, acts.Update) and act.certificates
    writes = _writes(host, does["version"]) if _has_files(act) and certificates != "only" else {}
    issues = sorted(host.authorities.renew) if _has_files(act) and certificates != "kept" else []
    return ApprovedStep(
        host=step.host,
        kind=step.kind,
        title=step.title,
        does=does,
        writes=writes,
        finds={path: host.seen.file(path).sha256 for path in writes},
        issues=issues,
        changes=sorted({word for word in _changes(act, host, members) if word}),
    )


def _has_files(act: acts.Act) -> bool:
    return isinstance(act, (acts.Update, acts.Join, acts.Configure))


def _writes(host: Host, version: str) -> dict[str, str]:
    """Path -> SHA256 of a member's files, without its certificates and keys."""
    wanted, machine = host.wanted, host.seen.host
    if wanted is None:
        return {}
    files = render.files(wanted, version, machine.architecture, machine.interpreter)
    program = {wanted.layout.snapshot_program: wanted.snapshots.program} if wanted.snapshots.program else {}
    return {**{file.path: file.sha256 for file in files}, **program, **host.authorities.bundles}


def _changes(act: acts.Act, host: Host, members: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Names and peer URLs of the member that comes, goes or moves by an act, or whose name its start makes known."""
    if isinstance(act, (acts.Leave, acts.Forget)):
        yield from members.get(act.member_id, ())
    if host.wanted is None:
        return
    name, urls = host.wanted.name, host.wanted.member.peer_urls
    is_renamed = isinstance(act, acts.Update) and act.restart and not any(name in words for words in members.values())
    moves = isinstance(act, acts.Update) and act.peer_urls
    if is_renamed or moves or isinstance(act, (acts.Configure, acts.Join, acts.Leave, acts.Start)):
        yield from (name, *urls)


def _wanted(wanted: Desired) -> dict[str, str]:
    """What the inventory says of a host, one checksum for each thing that can be named."""
    said = wanted.to_dict()
    settings = said.pop("settings")
    # Words are compared as they are; of which archives a checksum is known changes nothing that is done.
    for name in ("said", "checksums", "cluster"):
        said.pop(name)
    # No variable: it is among the files that are written.
    said["snapshots"].pop("program")
    named = {
        "present": "etcd_member_state",
        "version": "etcd_version",
        "upgrade_stop_at": "etcd_upgrade_stop_at",
        "tls": "etcd_tls",
        "member": "its name, address or URLs",
        "layout": "its directories or accounts",
        "snapshots": "etcd_snapshot_*",
        "bootstrap": "etcd_bootstrap, etcd_discovery_*",
        "auto_tls": "etcd_auto_tls or etcd_peer_auto_tls",
        "container": "etcd_container_*",
    }
    told = {named[name]: _digest(value) for name, value in said.items()}
    return {**told, **{f"{name} of etcd_settings": _digest(value) for name, value in settings.items()}}


def _words(hosts: Iterable[Host]) -> dict[str, list[str]]:
    said = [host.wanted.said for host in hosts if host.wanted is not None]
    outage = sorted(host.name for host in hosts if host.wanted is not None and host.wanted.said.allow_outage)
    return {
        "etcd_forget": sorted({word for one in said for word in one.forget}),
        "etcd_confirm": sorted({word for one in said for word in one.confirm}),
        "etcd_accept_mounts": sorted({word for one in said for word in one.accept_mounts}),
        "etcd_accept_machine": sorted({word for one in said for word in one.accept_machine}),
        "etcd_restart": sorted({word for one in said for word in one.restart}),
        "etcd_allow_outage": outage,
    }


def _cluster_id(host: Host) -> str:
    return _roster.cluster_id(host) or (host.marker.cluster_id if host.marker is not None else "")


def _is_to_serve(host: Host) -> bool:
    return bool(host.silent or (host.wanted is not None and host.wanted.present))


def _not_forgetting(host: Host, gone: set[str]) -> Host:
    if host.wanted is None or not gone:
        return host
    said = host.wanted.said
    kept = tuple(word for word in said.forget if word not in gone)
    return replace(host, wanted=replace(host.wanted, said=replace(said, forget=kept)))


def _changed_release(approved: ApprovedPlan, now: ApprovedPlan) -> Iterator[str]:
    if approved.collection != now.collection:
        yield (
            f"it was made by version {approved.collection} of this collection, and this is {now.collection}: a step of "
            "the same name may do something else"
        )


def _changed_inventory(approved: ApprovedPlan, now: ApprovedPlan) -> Iterator[str]:
    for name in now.wanted:
        if name not in approved.wanted:
            yield f"the inventory has {name} now"
    for name, was in approved.wanted.items():
        if name not in now.wanted:
            yield f"the inventory no longer has {name}"
            continue
        said = now.wanted[name]
        if was and said:
            for variable in sorted({*was, *said}):
                if was.get(variable) != said.get(variable):
                    yield f"the inventory says something else of {name}: {variable}"


def _changed_words(approved: ApprovedPlan, now: ApprovedPlan) -> Iterator[str]:
    for variable, said in now.words.items():
        was = approved.words.get(variable, ())
        if list(said) != list(was):
            yield f"{variable} is {', '.join(said) or 'empty'} and was {', '.join(was) or 'empty'}"


def _changed_members(approved: ApprovedPlan, now: ApprovedPlan) -> Iterator[str]:
    if not now.members:
        return
    changing = {word for step in approved.steps for word in step.changes}

    def is_foreseen(member: Mapping[str, Any]) -> bool:
        return not changing.isdisjoint((member["name"], *member["peer_urls"]))

    there = [_without_id(member) for member in now.members]
    were = {_text(_without_id(member)): member["id"] for member in approved.members}
    for member in now.members:
        if member in approved.members or is_foreseen(member):
            continue
        was = were.get(_text(_without_id(member)))
        if was:
            yield f"{_named(member)} was removed and added again: its ID is {member['id']} and was {was}"
        else:
            yield f"the cluster has the {member['role']} {_named(member)} now"
    for member in approved.members:
        if _without_id(member) not in there and not is_foreseen(member):
            yield f"the cluster no longer has the {member['role']} {_named(member)}"


def _without_id(member: Mapping[str, Any]) -> dict[str, Any]:
    """A member as it is known when it was removed and added again."""
    return {**member, "id": ""}


def _named(member: Mapping[str, Any]) -> str:
    return f"{member['name'] or 'without a name'} at {', '.join(member['peer_urls'])}"


def _changed_health(approved: ApprovedPlan, now: ApprovedPlan) -> Iterator[str]:
    for name in now.silent:
        if name not in approved.silent:
            yield f"{name} gives no answer now, so that nothing tells which of its steps are done"
    for name in now.down:
        excused = (*approved.down, *approved.silent, *now.silent)
        if name not in excused and not any(step.may_stop for step in approved.of_host(name)):
            yield f"the member on {name} served and does not serve now"


def _objections(step: ApprovedStep, approved: ApprovedPlan) -> Iterator[str]:
    """Why a step that is due now is none of the approved ones."""
    alike = [one for one in approved.steps if one.subject == step.subject]
    bringing = [one for one in approved.of_host(step.host) if one.brings_content and one.may_stop]
    if not alike and step.kind in _AFTER_AN_INTERRUPTION and bringing:
        return
    if alike:
        other = [name for name, value in step.does.items() if not _is_in(value, [one.does[name] for one in alike])]
        if other:
            yield f"'{step.title}' was approved with another {' and '.join(other)}"
    else:
        # One that was interrupted after its member had started is completed by an update.
        alike = bringing if step.kind == acts.Update.kind else []
    if not any(_is_same_content(step, one, approved) for one in alike):
        if not alike or all(one.writes == {} for one in alike):
            yield f"'{step.title}' was not approved"
        else:
            differing = sorted(_differing(step, alike[-1], approved))
            yield f"'{step.title}' would write something else than what was approved to {' and '.join(differing)}"
    unexpected = sorted(set(step.issues) - {leaf for one in alike for leaf in one.issues})
    if alike and unexpected:
        yield f"'{step.title}' would issue a certificate anew that was not due: {' and '.join(unexpected)}"
    edited = [path for path, digest in step.finds.items() if not _was_there(path, digest, approved.of_host(step.host))]
    if alike and edited:
        yield f"on {step.host} somebody has changed {' and '.join(edited)}"


def _is_in(value: Any, approved: Sequence[Any]) -> bool:
    """Is a field of a step an approved one, or the part of it that is left?"""
    if isinstance(value, list):
        return any(set(map(_text, value)) <= set(map(_text, one)) for one in approved)
    return not value or value in approved


def _is_same_content(step: ApprovedStep, one: ApprovedStep, approved: ApprovedPlan) -> bool:
    return not step.writes or (bool(one.writes) and not _differing(step, one, approved))


def _differing(step: ApprovedStep, one: ApprovedStep, approved: ApprovedPlan) -> set[str]:
    """Paths to which two steps write something else. CAs that the plan makes were not known when it was approved."""
    makes = any(other.kind == acts.MakeAuthorities.kind for other in approved.steps)
    paths = {*step.writes, *one.writes} - (set(step.writes) - set(one.writes) if makes else set())
    return {path for path in paths if step.writes.get(path) != one.writes.get(path)}


def _was_there(path: str, digest: str, steps: Sequence[ApprovedStep]) -> bool:
    known = [found[path] for one in steps for found in (one.finds, one.writes) if path in found]
    return digest in known or not known


def _plain(value: Any) -> Any:
    """A value as JSON has it, lists in one order: none of them means anything."""
    read = json.loads(json.dumps(value))
    return sorted(read, key=_text) if isinstance(read, list) else read


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _digest(value: Any) -> str:
    return hashlib.sha256(_text(value).encode()).hexdigest()
