# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""By how much the revision of a restored cluster is raised. Pure.

A restored cluster begins at the revision of the snapshot, and counts on. Clients have seen revisions above that: a
watcher that goes on from one of them would wait in silence and miss what is written, and a cache would take old values
for new ones. So the cluster begins above whatever anybody can have seen, and all before that is marked as compacted:
then etcd itself tells whoever goes on from an old revision to begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest

_LEAST = 1_000_000
# Changes a second that hardly any cluster keeps up, for one of which no rate is known. Revisions are not scarce: a year
# of it is a millionth of what can be counted.
_FASTEST = 10_000
# Seconds. The time of a file may be that of a copy, so a snapshot without a manifest counts as this old at least.
_UNKNOWN_AGE = 365 * 86400.0
_PART = 5
_TIME = "%Y-%m-%dT%H:%M:%SZ"
# Above that etcd's own counting (64 bits, signed) would come to its end within reach.
_MOST = 1 << 62


def bump(
    revision: int,
    live: Iterable[int],
    serving: Iterable[int],
    manifests: Sequence[Manifest],
    now: float,
    modified: float | None = None,
) -> int:
    """The revisions between the snapshot's and the first one of the restored cluster.

    :param revision: the snapshot's.
    :param live: revisions of members that still answer, and of the databases of stopped ones. A member may lag behind,
        or be of another cluster on the same hosts.
    :param serving: those of them that serve in the cluster of the snapshot. Only these can know the last revision.
    :param manifests: of all snapshots of the cluster that are known, the one that is restored among them if it has one.
    :param now: seconds since 1970.
    :param modified: the time of the snapshot's file if it has no manifest.
    """
    saved = max([revision, *(one.revision for one in manifests)])
    last = max([saved, *live])
    if max(serving, default=0) < saved:
        known = [(one.revision, _seconds(one)) for one in manifests]
        known += [(revision, min(modified, now - _UNKNOWN_AGE))] if modified is not None else []
        last = max(last, _reckoned(known, _rate(manifests), now))
    return min(last + max(-(-last // _PART), _LEAST), _MOST) - revision


def _reckoned(known: Sequence[tuple[int, float]], rate: float, now: float) -> int:
    """What the revision may be by now, if changes went on at a rate since the last one that is known."""
    revision, since = max(known, default=(0, now))
    return revision + int(rate * max(0.0, now - since))


def _rate(manifests: Iterable[Manifest]) -> float:
    """Changes a second, the most there ever were between two snapshots of one cluster.

    A restored cluster has another id: the revisions that its restore has skipped are no changes.
    """
    clusters: dict[str, list[tuple[float, int]]] = {}
    for one in manifests:
        clusters.setdefault(one.cluster_id, []).append((_seconds(one), one.revision))
    rates = [
        (after - before) / max(1.0, later - earlier)
        for known in map(sorted, clusters.values())
        for (earlier, before), (later, after) in zip(known, known[1:])
        if after > before
    ]
    return max(rates, default=_FASTEST)


def _seconds(manifest: Manifest) -> float:
    return datetime.strptime(manifest.taken_at, _TIME).replace(tzinfo=timezone.utc).timestamp()
