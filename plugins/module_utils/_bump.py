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

from ansible_collections.quorum.etcd.plugins.module_utils._manifest import Manifest

_LEAST = 1_000_000
_PART = 5
_TIME = "%Y-%m-%dT%H:%M:%SZ"
# Above that etcd's own counting (64 bits, signed) would come to its end within reach.
_MOST = 1 << 62


def bump(revision: int, live: Iterable[int], serving: Iterable[int], manifests: Sequence[Manifest], now: float) -> int:
    """The revisions between the snapshot's and the first one of the restored cluster.

    :param revision: the snapshot's.
    :param live: revisions that members tell which still answer; none where nobody does. One of them may lag behind, or
        be of another cluster on the same hosts.
    :param serving: those of them that serve in the cluster of the snapshot. Only these can know the last revision.
    :param manifests: of all snapshots of the cluster that are known, the one that is restored among them.
    :param now: seconds since 1970.
    """
    saved = max([revision, *(one.revision for one in manifests)])
    last = max([saved, *live])
    if max(serving, default=0) < saved:
        last = max(last, _reckoned(manifests, now))
    return min(last + max(-(-last // _PART), _LEAST), _MOST) - revision


def _reckoned(manifests: Sequence[Manifest], now: float) -> int:
    """What the revision may be by now, if writes went on as fast as they ever did between two snapshots."""
    known = sorted((_seconds(one), one.revision) for one in manifests)
    if not known:
        return 0
    rates = [
        (after - before) / max(1.0, later - earlier)
        for (earlier, before), (later, after) in zip(known, known[1:])
        if after > before
    ]
    revision, taken_at = max((revision, taken_at) for taken_at, revision in known)
    return revision + int(max(rates, default=0.0) * max(0.0, now - taken_at))


def _seconds(manifest: Manifest) -> float:
    return datetime.strptime(manifest.taken_at, _TIME).replace(tzinfo=timezone.utc).timestamp()
