# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The quorum guard: may a cluster spare this member, or take another one? Pure arithmetic of votes.

A healthy voter has started, answers a linearizable read of its own, is no learner and has no CORRUPT alarm. Every other
voter counts as lost, because whether it comes back is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, health
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember, View, members_of
from ansible_collections.quorum.etcd.plugins.module_utils._model.quorum import quorum

_DANGER = "Without a quorum the cluster answers nobody, and a member lost then may take acknowledged writes with it."


@dataclass(frozen=True)
class Votes:
    """Who may vote and who is well.

    :param healthy: the ids of healthy voters.
    :param caught_up: the ids of learners that answer and have what the leader had.
    :param downgrade: the version to which the cluster is being downgraded; empty without such a job.
    :param versions: id of a member that answers -> the release that it runs.
    """

    members: Sequence[ClusterMember]
    healthy: frozenset[str]
    caught_up: frozenset[str] = frozenset()
    downgrade: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def voters(self) -> frozenset[str]:
        return frozenset(member.id for member in self.members if not member.is_learner)

    def named(self, member_ids: frozenset[str]) -> str:
        """Members in a sentence."""
        return ", ".join(label(member) for member in self.members if member.id in member_ids)

    def forgetting(self, member_ids: frozenset[str]) -> str:
        """The option that removes members."""
        words = [member.name or member.id for member in self.members if member.id in member_ids]
        return f"-e etcd_forget={','.join(words)}"

    @property
    def lost(self) -> frozenset[str]:
        return self.voters - self.healthy


def of_survey(seen: Sequence[View]) -> Votes:
    """The votes, as every started member of the cluster was asked."""
    verdict = health.judge(seen)
    members = members_of(seen)
    rows = [row for row in verdict["endpoints"] if row["healthy"]]
    voters = {member.id for member in members if not member.is_learner}
    return Votes(
        members,
        frozenset(row["member_id"] for row in rows) & voters,
        downgrade=health.downgrade_in(seen),
        versions=health.versions_in(seen),
    )


def label(member: ClusterMember) -> str:
    """A member in messages: its name, or its id and peer URLs before it has one."""
    return member.name or f"{member.id} ({', '.join(member.peer_urls)}, not started)"


def check_can_be_asked(members: Sequence[ClusterMember]) -> None:
    """Do members tell where other hosts can ask them?

    :raises Refused: they advertise client URLs on loopback alone.
    """
    found = [member for member in members if _is_on_loopback_only(member)]
    if found:
        raise Refused(
            f"{', '.join(map(label, found))} cannot be asked whether the cluster keeps its quorum.",
            _DANGER,
            _way_to_ask(found),
            code="quorum-unknown",
        )


def _is_on_loopback_only(member: ClusterMember) -> bool:
    return bool(member.client_urls) and not member.urls_for_others


def _way_to_ask(members: Sequence[ClusterMember]) -> str:
    urls = dict.fromkeys(url for member in members for url in member.client_urls)
    return (
        f"The client URLs of {', '.join(map(label, members))} are on loopback only ({', '.join(urls)}), where no other "
        "host asks them. Correct etcd_listen_client_urls and etcd_advertise_client_urls in a run of their own. Where "
        "that run is refused too: stop one such member on its host (systemctl stop etcd, or its etcd_instance) while "
        "all others run, and run again: it is started with the new URLs. Then the next one."
    )


def _remedy(votes: Votes, lost: frozenset[str], down: str) -> str:
    """What helps where members are not known to be well: they may be, and nobody can ask them.

    :param down: what helps those that are down.
    """
    unasked = [member for member in votes.members if member.id in lost and _is_on_loopback_only(member)]
    if not unasked:
        return down
    return _way_to_ask(unasked) + (f" {down}" if len(unasked) < len(lost) else "")


def check_quorum(votes: Votes) -> None:
    """An act that the cluster must agree on needs a quorum.

    :raises Refused: there is none.
    """
    needed = quorum(len(votes.voters))["needed"]
    if len(votes.healthy) < needed:
        raise Refused(
            f"Of {len(votes.voters)} voters {len(votes.healthy)} are healthy, and {needed} are needed for a quorum. "
            f"Not healthy: {votes.named(votes.lost)}.",
            "The cluster can agree on nothing, and whatever is stopped now may not come back.",
            _remedy(
                votes,
                votes.lost,
                "Bring the others back first: a stopped member is started without any guard (state: started).",
            ),
            code="quorum-lost",
        )


def check_downgrade(votes: Votes) -> None:
    """May the member list change?

    :raises Refused: a downgrade job is pending. etcd itself would take the change.
    """
    if votes.downgrade:
        raise Refused(
            f"The cluster is being downgraded to {votes.downgrade}, and its members are to change.",
            "Until every member runs that version, a member that joins or is replaced can bring the other version "
            "back, and the members then disagree about the format of their data.",
            f"Go on with the downgrade: {advice.downgrade(_minor(votes.downgrade)[1])}; or cancel it: "
            f"{advice.cancel_downgrade()}. Then run again.",
            code="downgrade-running",
        )


def check_same_minor(votes: Votes) -> None:
    """May the member list change?

    :raises Refused: members run different minors: an upgrade is under way. etcd itself would take the change.
    """
    if not is_mixed(votes):
        return
    told = ", ".join(f"{votes.named(frozenset({one}))} {version}" for one, version in sorted(votes.versions.items()))
    raise Refused(
        f"The members run different minors of etcd ({told}), and the member list is to change.",
        "An upgrade is under way. A member that comes or goes meanwhile can bring the wrong version, or leave too few "
        "members to go back with.",
        "Let the upgrade end first: run the playbook with the etcd_version that it goes to, and without the change.",
        code="versions-mixed",
    )


def is_mixed(votes: Votes) -> bool:
    """Do the members that answer run different minors?"""
    return len(set(map(_minor, votes.versions.values()))) > 1


def is_of_cluster_minor(votes: Votes, version: str) -> bool:
    """Is a release of the oldest minor that voters run? While they differ, the cluster speaks that one."""
    told = _minors_of_voters(votes)
    return bool(version) and bool(told) and _minor(version) == min(told)


def _minors_of_voters(votes: Votes) -> list[tuple[int, ...]]:
    return [_minor(version) for one, version in votes.versions.items() if one in votes.voters]


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def check_stop(votes: Votes, member_id: str, allow_outage: bool = False) -> None:
    """May this member be stopped, for good or for a restart?

    The only voter of a cluster is an announced outage and may. Of two, either one is the quorum.

    :param member_id: empty where it is not known which of them it is.
    :param allow_outage: stop it even though nobody can write until it is back. Never where another one is not healthy.
    :raises Refused: the others would not be a quorum.
    """
    if not member_id:
        _check_stop_of_any(votes)
    check_stop_of_all(votes, frozenset({member_id}), allow_outage)


def check_stop_of_all(votes: Votes, member_ids: frozenset[str], allow_outage: bool = False) -> None:
    """May these members be down at once, as those of one machine are while it reboots? See C(check_stop).

    :raises Refused: the others would not be a quorum.
    """
    gone = member_ids & votes.voters
    if not gone or gone == votes.voters:
        return
    needed = quorum(len(votes.voters))["needed"]
    left = len(votes.healthy - gone)
    if left >= needed:
        return
    others_lost = votes.lost - gone
    if allow_outage and not others_lost and len(votes.voters) <= 2:
        return
    if others_lost:
        remedy = _remedy(votes, others_lost, f"Bring {votes.named(others_lost)} back first, then run again.")
    elif len(votes.voters) <= 2:
        remedy = "A cluster of two has no spare member: add a third, or allow the outage (allow_outage: true)."
    else:
        remedy = "Too many members are on this machine: give them machines of their own."
    raise Refused(
        f"Without {votes.named(gone)}, {left} of {len(votes.voters)} voters would be healthy, and {needed} are needed."
        + (f" Not healthy: {votes.named(others_lost)}." if others_lost else ""),
        _DANGER,
        remedy,
        code="quorum-at-risk",
    )


def _check_stop_of_any(votes: Votes) -> None:
    """It may be any of the voters, a healthy one too."""
    needed = quorum(len(votes.voters))["needed"]
    if len(votes.healthy) <= needed:
        raise Refused(
            f"Which of the cluster's members runs here is not known: it does not answer, and neither its log nor its "
            f"marker tells. Of {len(votes.voters)} voters {len(votes.healthy)} are healthy, and {needed} are needed "
            "without it.",
            _DANGER,
            "Say where its data lie (data_dir, wal_dir), or bring the others back first"
            + (f": {votes.named(votes.lost)}." if votes.lost else "."),
            code="quorum-at-risk",
        )


def check_remove(votes: Votes, member_id: str) -> None:
    """May this member be removed for good?

    :raises Refused: the last voter, no quorum to agree on it, or none among those that remain.
    """
    check_quorum(votes)
    check_downgrade(votes)
    if member_id in votes.healthy:
        # One that is lost may go, and come back with the release of the minor that the cluster still has.
        check_same_minor(votes)
    if member_id not in votes.voters:
        return
    remain = votes.voters - {member_id}
    if not remain:
        raise Refused(
            f"{votes.named(votes.voters)} is the only voter.",
            "Without it there is no cluster, and its data serve nobody.",
            "To take the whole cluster away, run playbooks/destroy.yml.",
            code="only-voter",
        )
    needed = quorum(len(remain))["needed"]
    healthy = len(votes.healthy & remain)
    if healthy < needed:
        raise Refused(
            f"Without {votes.named(frozenset({member_id}))}, {healthy} of {len(remain)} voters would be healthy, and "
            f"{needed} are needed. Not healthy: {votes.named(votes.lost - {member_id})}.",
            _DANGER,
            f"Bring {votes.named(votes.lost - {member_id})} back first, or remove what is lost for good first: "
            f"{votes.forgetting(votes.lost - {member_id})}",
            code="quorum-at-risk",
        )


def check_add(votes: Votes, version: str = "") -> None:
    """May a member be added?

    Only while every voter is well: a new one can fail to start, and etcd refuses it too, in most cases
    (server/etcdserver/server.go, the check for C(--strict-reconfig-check)).

    :param version: the release that it will run; empty where that is not known.
    :raises Refused: naming who is down, and what is safe.
    """
    check_quorum(votes)
    check_downgrade(votes)
    if not is_of_cluster_minor(votes, version):
        check_same_minor(votes)
        _check_minor_of_new(votes, version)
    if votes.lost:
        raise Refused(
            f"{votes.named(votes.lost)} is not healthy, and a member is to be added.",
            "A new member raises the quorum: if it then fails to start, one more failure stops the cluster.",
            f"Bring {votes.named(votes.lost)} back first. If its machine or its data are gone for good, "
            f"{votes.forgetting(votes.lost)} removes it, and then the new member can join.",
            code="voter-unhealthy",
        )


def _check_minor_of_new(votes: Votes, version: str) -> None:
    """A newer one could never become a voter, and an older one ends on what the cluster speaks."""
    told = _minors_of_voters(votes)
    if not version or not told:
        return
    minor = ".".join(map(str, min(told)))
    raise Refused(
        f"A member of etcd {version} is to be added, and the members run etcd {minor}.",
        "Members of two minors would be beside each other outside of an upgrade, and it could not become a voter.",
        f"Let it have a release of {minor}: etcd_version unset, or one of {minor}. Then upgrade all of them.",
        code="versions-mixed",
    )


def _check_minor_of_learner(votes: Votes, member_id: str) -> None:
    told, version = _minors_of_voters(votes), votes.versions.get(member_id, "")
    if not version or not told:
        return
    name, minor = votes.named(frozenset({member_id})), ".".join(map(str, min(told)))
    raise Refused(
        f"The learner {name} runs etcd {version}, and the cluster speaks {minor}.",
        "As a voter it would be of another minor than the others outside of an upgrade, and an upgrade does not begin "
        "beside a learner.",
        f"It has no vote and nothing to lose: take it out (etcd_member_state: absent for its host), run the playbook, "
        f"and let it join anew. It gets a release of {minor} then.",
        code="versions-mixed",
    )


def check_promote(votes: Votes, member_id: str) -> None:
    """May this learner become a voter?

    :raises Refused: with it as a voter the healthy ones would be no quorum, or it has not caught up.
    """
    check_quorum(votes)
    if member_id in votes.voters:
        return
    check_downgrade(votes)
    if not is_of_cluster_minor(votes, votes.versions.get(member_id, "")):
        _check_minor_of_learner(votes, member_id)
        check_same_minor(votes)
    if member_id not in votes.caught_up:
        raise Refused(
            f"{votes.named(frozenset({member_id}))} has not caught up with the leader, or does not answer.",
            "As a voter it would count for the quorum and be of no use to it.",
            "Wait until it answers and has caught up, then run again.",
            code="learner-behind",
        )


def transferee(votes: Votes, leader: str) -> str:
    """Who is to lead instead: a healthy voter, the same for everyone who asks; empty if there is none."""
    return next(iter(sorted(votes.healthy - {leader})), "")
