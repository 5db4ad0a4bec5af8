# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan of a migration from API version 2 to 3, out of the plan of an ordinary run and what version 2 holds.

The ordinary run takes C(enable-v2) out of every member, which shuts clients of version 2 out and no client of version
3. Only then do keys move, by a member that the cluster can spare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._config import render, v2_limits
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import Value
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts, guard, v2_acts, v2_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host, Step
from ansible_collections.quorum.etcd.plugins.module_utils._model.releases import WITHOUT_V2, minor
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import TTL_WORD
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_limits import Needs
from ansible_collections.quorum.etcd.plugins.module_utils._plan import roster as _roster
from ansible_collections.quorum.etcd.plugins.module_utils._plan import upgrade, witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan
from ansible_collections.quorum.etcd.plugins.module_utils._plan.projection import Projection

# What an ordinary run may have to do before the keys move. All else is a run of its own.
_BEFORE = (acts.Update, acts.Start, acts.Await, acts.RollBack)


@dataclass(frozen=True)
class Listing:
    """What one member's API of version 2 shows, as C(etcd_v2_info) returns it.

    :param told: C(key_count), C(directories), C(expiring), C(expiring_keys), C(empty_directories); None where the
        member does not serve the API.
    :param emulated: below what prefix version 3 has what the API serves; empty where that is its own.
    :param users: whether users of version 2 are switched on; None where the member does not serve the API.
    :param problem: why one that does gives no listing.
    :param needs: what the keys that are to be written need in version 3, see C(v2_limits.Needs).
    :param database: bytes of the member's database; 0 where it was not asked.
    :param room: bytes that the copy of a member's data C(needs), and those that are C(free).
    :param copies: those of earlier runs that lie on the host.
    """

    told: Mapping[str, Any] | None = None
    conflicts: Sequence[str] = ()
    copied: int = 0
    problem: str = ""
    room: Mapping[str, int] = field(default_factory=dict)
    emulated: str = ""
    users: bool | None = None
    needs: Mapping[str, Any] = field(default_factory=dict)
    database: int = 0
    copies: Sequence[str] = ()

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Listing:
        """From what a module has returned: it says more than this."""
        return cls(**{one.name: result[one.name] for one in fields(cls) if one.name != "told"}, told=result["listing"])

    @property
    def is_empty(self) -> bool:
        return self.told is not None and not self.told["key_count"] and not self.told["directories"]


def plan(hosts: Sequence[Host], ordinary: Plan, listings: Mapping[str, Listing]) -> Plan:
    """What to do about the keys of version 2.

    :param hosts: every host of the group in the inventory's order.
    :param ordinary: what an ordinary run would do.
    :param listings: what each host told that was heard.
    :raises Refused: they may not move.
    """
    listing = next((one for one in listings.values() if one.told is not None), Listing())
    labels = {host.name: host.label for host in hosts}
    findings = Findings()
    findings.run(_check_releases, hosts)
    findings.run(_check_closing, hosts)
    findings.run(_check_ordinary, ordinary)
    findings.run(_check_own, hosts, labels, listings)
    findings.run(_check_listed, labels, listings)
    findings.run(_check_keys, hosts, listing)
    findings.run(_check_limits, hosts, listings)
    findings.end()
    notes = (*ordinary.notes, *_notes(listing), *_notes_of_copies(labels, listings))
    if ordinary.waves:
        follows = (*ordinary.follows, "move the keys of version 2 to version 3, by one member apart from its clients")
        return replace(ordinary, notes=notes, follows=follows, is_first_part=True)
    if ordinary.differences:
        return ordinary
    return _moving(hosts, ordinary, notes)


def _moving(hosts: Sequence[Host], ordinary: Plan, notes: tuple[str, ...]) -> Plan:
    roster = _roster.build(hosts)
    foreseen = Projection(hosts, roster)
    votes = foreseen.votes()
    missing = upgrade.behind(hosts, roster, votes) if roster is not None else ["no member serves"]
    if roster is None or missing:
        raise Refused(
            f"The keys of version 2 move while every member is well, and {'; '.join(missing)}.",
            "One that serves version 2 unseen would take writes that are left behind.",
            "Bring them back, or take out those that are gone for good (-e etcd_forget=NAME), by etcd.yml. Then run "
            "again.",
            code="v2-not-all-members",
        )
    serving = foreseen.serving(hosts)
    followers = [host for host in serving if (member := roster.on(host)) is not None and member.id != roster.leader]
    actor = (followers or serving)[0]
    member = roster.living[actor.name]
    allowed = actor.wanted is not None and actor.wanted.said.allow_outage
    guard.check_stop(votes, member.id, allowed)
    act = v2_acts.MoveV2Keys(
        endpoints=foreseen.endpoints(member.id),
        members=foreseen.presumed(),
        takes_expiring=_may_expire(hosts),
        **witnesses.of_act(actor, hosts, serving),
    )
    title = f"move the keys of version 2 to version 3, by {actor.label} apart from its clients"
    return replace(
        ordinary,
        summary=f"{len(hosts)} host{'s' * (len(hosts) > 1)}, etcd {actor.version}: keys of version 2 move to version 3",
        waves=(
            (Step(actor.name, f"save a snapshot on {actor.label} before the migration", v2_acts.SaveBeforeMove()),),
            (Step(actor.name, title, act),),
        ),
        notes=notes,
        comes_after=True,
    )


def _may_expire(hosts: Sequence[Host]) -> bool:
    return any(TTL_WORD in host.wanted.said.confirm for host in hosts if host.wanted is not None)


def _check_releases(hosts: Sequence[Host]) -> None:
    gone = [host for host in hosts if host.version and minor(host.version) >= WITHOUT_V2]
    if gone:
        raise v2_refusals.gone(f"{', '.join(host.label for host in gone)} runs etcd {gone[0].version}.")


def _check_closing(hosts: Sequence[Host]) -> None:
    """Is every member to run without the API?"""
    kept = [host for host in hosts if _is_to_serve(host)]
    if kept:
        raise v2_refusals.still_served(
            f"etcd_settings says enable-v2: true for {', '.join(one.label for one in kept)}."
        )


def _is_to_serve(host: Host) -> bool:
    return _flags(host).get("enable-v2") is True


def _flags(host: Host) -> Mapping[str, Value]:
    """The settings that a member is to have with a release that has the API; none for another."""
    if host.wanted is None or not host.version or minor(host.version) >= WITHOUT_V2:
        return {}
    return render.flags(host.wanted, host.version)


def _check_ordinary(ordinary: Plan) -> None:
    """Does nothing else differ from the inventory?"""
    others = [step for step in ordinary.steps if not isinstance(step.act, _BEFORE) or _changes_release(step)]
    if others:
        raise Refused(
            f"The cluster is not as the inventory says: {others[0].title}.",
            "Keys of version 2 move in a cluster that does not change otherwise.",
            "Run etcd.yml first, or for this run leave it as it is: a release that is asked for by -e etcd_version=",
            code="v2-cluster-differs",
        )


def _changes_release(step: Step) -> bool:
    act = step.act
    return isinstance(act, acts.Update) and act.from_version not in ("", act.version)


def _check_own(hosts: Sequence[Host], labels: Mapping[str, str], listings: Mapping[str, Listing]) -> None:
    """Is what members serve as version 2 of version 2?"""
    found = {labels[name]: listing.emulated for name, listing in listings.items() if listing.emulated}
    for host in hosts:
        prefix = _flags(host).get("experimental-enable-v2v3")
        if prefix:
            found[host.label] = str(prefix)
    if found:
        raise v2_refusals.emulated(", ".join(found), next(iter(found.values())))


def _check_listed(labels: Mapping[str, str], listings: Mapping[str, Listing]) -> None:
    """Did every member that serves version 2 list it, and is there room for a copy of one member's data?"""
    users = [labels[name] for name, listing in listings.items() if listing.users]
    if users:
        raise v2_refusals.guarded(", ".join(users))
    for name, listing in listings.items():
        if listing.problem:
            raise Refused(
                f"The member on {labels[name]} serves version 2, and does not list its keys: {listing.problem}",
                "What it holds there is not known.",
                "See that it answers: curl URL/v2/keys/?recursive=true. Then run again.",
                code="v2-unreadable",
            )
        if listing.room and listing.room["free"] < listing.room["needs"]:
            raise Refused(
                f"{labels[name]} has {listing.room['free'] >> 20} MiB free for its data, and a copy of them needs "
                f"{listing.room['needs'] >> 20} MiB.",
                "The data as they were are kept before keys are taken out of version 2.",
                "Make room on that file system.",
                code="no-space",
            )


def _check_limits(hosts: Sequence[Host], listings: Mapping[str, Listing]) -> None:
    """Does version 3 take every key, by the settings that members are to have?"""
    database = max((one.database for one in listings.values()), default=0)
    needs = next((Needs.from_dict(one.needs) for one in listings.values() if one.needs), Needs())
    for host in hosts:
        if host.wanted is not None and host.version:
            v2_limits.limits(_flags(host)).check(needs, database)


def _check_keys(hosts: Sequence[Host], listing: Listing) -> None:
    if listing.conflicts:
        raise v2_refusals.conflicting(listing.conflicts)
    if listing.told is not None and listing.told["expiring"] and not _may_expire(hosts):
        names = [one["key"] for one in listing.told["expiring_keys"]]
        raise v2_refusals.expiring(names, listing.told["expiring"])


def _notes(listing: Listing) -> list[str]:
    """What a person should know before anything is touched."""
    told = listing.told
    if told is None:
        return [
            "no member serves version 2 any more, so its keys are listed by the member that moves them. Where one may "
            "not move, none does."
        ]
    if listing.is_empty:
        return [
            "no key of version 2 shows now. They are listed again by the member that moves them, once no client can "
            "write any more"
        ]
    said = [
        f"version 2 has {told['key_count']} keys in {told['directories']} directories, "
        f"{listing.copied} of them in version 3"
    ]
    if told["expiring"]:
        named = ", ".join(f"{one['key']} ({one['ttl']} s)" for one in told["expiring_keys"][:20])
        said.append(f"{told['expiring']} keys end with a lease when their time is over: {named}")
    if told["empty_directories"]:
        said.append(f"version 3 has no directories, and these are empty: {', '.join(told['empty_directories'][:20])}")
    said.append("keys whose names begin with an underscore are hidden from every list: they do not move, and stay")
    return said


def _notes_of_copies(labels: Mapping[str, str], listings: Mapping[str, Listing]) -> list[str]:
    """What earlier runs have left, which takes room."""
    return [
        f"{labels[name]} has {', '.join(listing.copies)} of earlier runs. Remove those that are not needed any more"
        for name, listing in listings.items()
        if listing.copies
    ]
