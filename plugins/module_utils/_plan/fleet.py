# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""In which order the clusters of one run take turns, and what became of each. Pure, like every plan."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import soak
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.soak import Sample

#: The variables that say it, which are the same for all clusters of a run.
VARIABLES = {
    "canary": "etcd_canary",
    "soak": "etcd_soak",
    "at_once": "etcd_at_once",
    "slowdown": "etcd_soak_slowdown",
}


@dataclass(frozen=True)
class Wish:
    """What the inventory says of the order.

    :param canary: the group whose cluster goes first.
    :param soak: seconds for which that is watched before the next one begins.
    :param at_once: how many of the others change side by side.
    :param slowdown: how many times longer writes and reads may take than before the change.
    """

    canary: str
    soak: int
    at_once: int
    slowdown: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Wish:
        """Read what the role was given.

        :raises BadInput: it makes no sense.
        """
        wish = cls(values["canary"], int(values["soak"]), int(values["at_once"]), float(values["slowdown"]))
        wrong = []
        if wish.soak < 0:
            wrong.append(f"etcd_soak is {wish.soak}; give seconds, 0 for none.")
        if wish.at_once < 1:
            wrong.append(f"etcd_at_once is {wish.at_once}; give how many clusters change at once, at least 1.")
        if wish.slowdown < 1 or not math.isfinite(wish.slowdown):
            wrong.append(f"etcd_soak_slowdown is {wish.slowdown:g}; give how many times longer, at least 1.")
        if wrong:
            raise BadInput(*wrong)
        return wish


@dataclass(frozen=True)
class Cluster:
    """One cluster of the run, as it was planned.

    :param hosts: those of this run that answered.
    :param runs: the releases that its members run; empty where none runs.
    :param due: how many steps it has to take.
    :param is_refused: its plan was refused, so it is not touched.
    :param is_pending: a change of an earlier run was not yet judged.
    """

    group: str
    name: str
    hosts: tuple[str, ...]
    runs: str = ""
    due: int = 0
    is_refused: bool = False
    is_pending: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Cluster:
        return cls(**{**values, "hosts": tuple(values["hosts"])})

    @property
    def has_a_turn(self) -> bool:
        return not self.is_refused and (self.due > 0 or self.is_pending)


@dataclass(frozen=True)
class Outcome:
    """What is known of a cluster at the end.

    :param runs: the releases that its members run now.
    :param lost: its hosts that failed.
    :param verdict: what was measured after its change; empty if nothing was.
    """

    runs: str = ""
    lost: tuple[str, ...] = ()
    verdict: str = ""


Turns = list[list[str]]


def view(hosts: Sequence[Host], alive: Collection[str]) -> dict[str, Any]:
    """Return what of one cluster the others' order and its own verdict need.

    :param alive: hosts of this run that answered.
    :returns: C(runs) (releases), C(speaker) (the host that asks the cluster, empty where no member serves), and
        C(speaker_endpoints) (where it asks).
    """
    speaker = next((host for host in hosts if host.name in alive and host.answers), None)
    endpoints: list[str] = []
    if speaker is not None:
        told = [url for member in speaker.seen.members for url in member.urls_for_others]
        endpoints = list(dict.fromkeys([speaker.seen.cluster.endpoint, *told]))
    return {
        "runs": ", ".join(sorted({host.version for host in hosts if host.version})),
        "speaker": speaker.name if speaker else "",
        "speaker_endpoints": endpoints,
    }


def order(clusters: Sequence[Cluster], wish: Wish) -> Turns:
    """Return the groups of each turn. A cluster that has nothing to do needs none.

    :raises BadInput: the canary is no cluster of this run.
    :raises Refused: the canary was refused.
    """
    if len(clusters) > 1:
        _check_canary(clusters, wish.canary)
    due = [cluster for cluster in clusters if cluster.has_a_turn]
    first = [[cluster.group] for cluster in due if cluster.group == wish.canary]
    # Whoever changed already tells more about the change than whoever is still to change.
    rest = sorted((one for one in due if one.group != wish.canary), key=lambda one: not one.is_pending)
    names = [cluster.group for cluster in rest]
    return first + [names[at : at + wish.at_once] for at in range(0, len(names), wish.at_once)]


def _check_canary(clusters: Sequence[Cluster], canary: str) -> None:
    groups = [cluster.group for cluster in clusters]
    if canary not in groups:
        raise BadInput(
            f"etcd_canary is {canary}, and no host of such a group is in this run: its clusters are those of "
            f"{', '.join(groups)}. Nothing was touched. Name one of them, such as -e etcd_canary={groups[0]}; or run "
            "without --limit, if that leaves it out."
        )
    found = next(cluster for cluster in clusters if cluster.group == canary)
    if found.is_refused:
        others = [cluster.group for cluster in clusters if not cluster.is_refused]
        raise Refused(
            f"{found.name} is to go first (etcd_canary), and it is refused.",
            "No cluster would show whether the change is a good one before all others have it.",
            "Mend what its own refusal says, then run the same command again."
            + (f" Or let another cluster go first: -e etcd_canary={others[0]}" if others else ""),
            code="canary-refused",
        )


def text(clusters: Sequence[Cluster], turns: Turns, wish: Wish) -> str:
    """Return the order for a person."""
    names = {cluster.group: cluster.name for cluster in clusters}
    lines = [f"fleet: {len(clusters)} cluster{'s' * (len(clusters) > 1)}, {len(turns)} turn{'s' * (len(turns) != 1)}"]
    for number, groups in enumerate(turns, 1):
        is_canary = groups == [wish.canary]
        watched = f" (the canary; watched for {wish.soak} s)" if is_canary else ""
        lines.append(f"  turn {number} of {len(turns)}: {', '.join(names[one] for one in groups)}{watched}")
    for what, found in (
        ("nothing to do", [one.name for one in clusters if not one.has_a_turn and not one.is_refused]),
        ("refused", [one.name for one in clusters if one.is_refused]),
        ("a change of an earlier run is to be judged", [one.name for one in clusters if one.is_pending]),
    ):
        lines += [f"  {what}: {', '.join(found)}"] if found else []
    return "\n".join(lines)


def watched(turns: Turns, group: str, wish: Wish) -> int:
    """Return for how many seconds a cluster is watched after its change."""
    return wish.soak if turns and turns[0] == [group] == [wish.canary] else 0


def turn_of(turns: Turns, group: str) -> int:
    """Return the number of a group's turn, from 0; -1 if it has none."""
    return next((number for number, groups in enumerate(turns) if group in groups), -1)


def earlier(clusters: Sequence[Cluster], turns: Turns, group: str) -> list[str]:
    """Return the hosts of all clusters that come before a group's turn. Where one of them failed, it does not begin."""
    groups = {one for groups in turns[: max(0, turn_of(turns, group))] for one in groups}
    return [host for cluster in clusters if cluster.group in groups for host in cluster.hosts]


def stopped_by(clusters: Sequence[Cluster], turns: Turns, group: str, lost: Collection[str]) -> list[str]:
    """Return the names of the clusters because of which a group's turn did not come.

    :param lost: hosts that failed.
    """
    groups = {one for groups in turns[: max(0, turn_of(turns, group))] for one in groups}
    return [one.name for one in clusters if one.group in groups and set(one.hosts) & set(lost)]


def untouched(cluster: str, because: Sequence[str]) -> Refused:
    """Return why a cluster's turn did not come."""
    return Refused(
        f"{cluster} was not touched, because {', '.join(because)} stopped before its turn.",
        "A change that did one cluster harm may do it to the next one.",
        "Mend what was said of that one, then run the same command again: it goes on from what it finds.",
        code="fleet-stopped",
    )


def worse(cluster: str, found: Sequence[str], sample: Sample, before: Sample | None, slowdown: float) -> Refused:
    """Return what is wrong with a cluster after its change.

    :param found: the faults of the last sample.
    """
    way = "Find the cause, as docs/fleets.md says, then run the same command again: it judges the cluster once more."
    if before is not None and not soak.faults(sample, before, math.inf):
        pairs = ((sample.writes, before.writes), (sample.reads, before.reads))
        ratio = max(soak.median(now) / soak.median(then) for now, then in pairs if now and then)
        way += f" If it is to be as slow as this from now on: -e etcd_soak_slowdown={math.ceil(2 * ratio)}"
    return Refused(
        f"{cluster} is worse after its change. " + " ".join(found),
        "The clusters whose turn comes later could suffer the same, so they are not touched.",
        way,
        code="cluster-worse",
    )


def verdict(sample: Sample, before: Sample | None, seconds: int) -> str:
    """Return for a person that a cluster is no worse."""
    lasted = f"no worse for {seconds} s" if seconds else "no worse"
    if not sample.writes:
        return lasted
    was = f", {soak.milliseconds(before.writes)} before" if before is not None and before.writes else ""
    return f"{lasted}: writes {soak.milliseconds(sample.writes)}{was}"


def report(clusters: Sequence[Cluster], turns: Turns, wish: Wish, outcomes: Mapping[str, Outcome]) -> str:
    """Return one line for each cluster.

    :param outcomes: by group.
    """
    lost = {host for one in outcomes.values() for host in one.lost}
    lines = ["fleet: what became of each cluster"]
    for cluster in clusters:
        mark = " (canary)" if cluster.group == wish.canary else ""
        because = stopped_by(clusters, turns, cluster.group, lost)
        lines.append(f"  {cluster.name}{mark}: {_end(cluster, outcomes[cluster.group], because)}")
    return "\n".join(lines)


def _end(cluster: Cluster, outcome: Outcome, because: Sequence[str]) -> str:
    was = f"etcd {cluster.runs}" if cluster.runs else "no member ran"
    left = f"{cluster.due} step{'s' * (cluster.due != 1)}"
    if cluster.is_refused:
        return "refused, not touched"
    if not cluster.has_a_turn:
        return f"{was}; nothing to do"
    if because:
        return f"{was}; not touched, {left} left"
    now = f", now {outcome.runs}" if outcome.runs not in ("", cluster.runs) else ""
    if outcome.lost:
        return f"{was}{now}; stopped, see what {', '.join(outcome.lost)} said"
    done = left if cluster.due else "changed by an earlier run"
    return f"{was}{now}; {done}; {outcome.verdict or 'not judged'}"
