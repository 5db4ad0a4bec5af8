# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Whether a cluster is worse after a change than it was before: a pure function of what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

#: Seconds between two samples while a cluster is watched, and after one with a fault.
INTERVAL = 10.0
INTERVAL_AFTER_A_FAULT = 3.0

#: As many samples in a row must be bad: a single one may have met an election, or a busy machine.
PATIENCE = 3

#: Seconds. A median below it is no fault, however short it was before: it is what noise alone makes of a fast disk.
FLOOR = 0.05


@dataclass(frozen=True)
class Sample:
    """A cluster at one moment, over connections that were made for it.

    :param ill: name or endpoint of each member that is not healthy -> why.
    :param alarms: such as C(NOSPACE of 8e9e05c52164694d).
    :param leader: id of the leader, empty without one.
    :param writes: seconds that each probe write took; empty where none was made.
    :param reads: the same of linearizable reads.
    :param error: why the probes failed; empty if they did not.
    """

    ill: Mapping[str, str] = field(default_factory=dict)
    alarms: Sequence[str] = ()
    leader: str = ""
    writes: Sequence[float] = ()
    reads: Sequence[float] = ()
    error: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Sample:
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def of_verdict(health: Mapping[str, Any]) -> Sample:
    """Return the sample of a cluster's health, without probes.

    :param health: what C(health.judge) returned.
    """
    rows = {row["name"] or row["endpoint"]: row for row in health["endpoints"]}
    ill = {name: " ".join(row["reasons"]) for name, row in rows.items() if not row["healthy"]}
    about_members = {f"{name}: {reason}" for name, row in rows.items() for reason in row["reasons"]}
    beyond = [reason for reason in health["reasons"] if reason not in about_members]
    return Sample(
        ill={**ill, **({"the cluster": " ".join(beyond)} if beyond else {})},
        alarms=[f"{alarm['alarm']} of {alarm['member_id']}" for alarm in health["alarms"]],
        leader=health["leader"],
    )


def faults(sample: Sample, before: Sample | None, slowdown: float) -> list[str]:
    """Return what is worse than before, in sentences. What was bad before the change is not the change's.

    :param before: None where it is not known, as of a cluster that was only just founded. Then times are not compared.
    :param slowdown: how many times longer than before the median of writes or reads may be.
    """
    was = before or Sample()
    found = [f"{name} is not healthy: {why}" for name, why in sample.ill.items() if name not in was.ill]
    found += [f"There is the alarm {alarm}." for alarm in sample.alarms if alarm not in was.alarms]
    if not sample.leader:
        found.append("No member leads.")
    if sample.error:
        found.append(f"A write or a read fails: {sample.error}")
    for what, now, then in (("writes", sample.writes, was.writes), ("reads", sample.reads, was.reads)):
        if now and then and median(now) > max(FLOOR, slowdown * median(then)):
            found.append(
                f"The median of {what} is {milliseconds(now)}, and was {milliseconds(then)} before the change: more "
                f"than {slowdown:g} times as long."
            )
    return found


def is_worse(history: Sequence[Sequence[str]]) -> bool:
    """Return whether a cluster is worse, by the faults of its samples so far."""
    return len(history) >= PATIENCE and all(history[-PATIENCE:])


def is_decided(history: Sequence[Sequence[str]], left: float) -> bool:
    """Return whether nothing more is to be measured.

    :param left: seconds for which the cluster is still to be watched.
    """
    return is_worse(history) or (bool(history) and not history[-1] and left <= 0)


def pause(history: Sequence[Sequence[str]], left: float) -> float:
    """Return the seconds until the next sample."""
    return INTERVAL_AFTER_A_FAULT if history[-1] else max(0.0, min(INTERVAL, left))


def median(seconds: Sequence[float]) -> float:
    return statistics.median(seconds)


def milliseconds(seconds: Sequence[float]) -> str:
    """Return the median for a person."""
    found = 1000 * median(seconds)
    return f"{found:.0f} ms" if found >= 10 else f"{found:.1f} ms"
