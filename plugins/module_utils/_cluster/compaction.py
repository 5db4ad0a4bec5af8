# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What keys held in the past, forgotten up to a revision: etcd's compaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import checkpoints
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries, survey
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials, is_compacted

# What is asked is whether a revision can be read; the key need not exist.
_KEY = "/quorum.etcd/past"


@dataclass(frozen=True)
class CompactionTarget:
    """Up to where. One of the two is given.

    :param revision: the oldest one that can be read afterwards.
    :param keep: how many before the present one can be read afterwards.
    :param patience: seconds that each member may take to remove it from its database; 0 not to wait for that.
    """

    revision: int | None = None
    keep: int | None = None
    patience: float = 0.0


def compact(
    endpoints: Sequence[str], credentials: Credentials, timeout: float, wanted: CompactionTarget, check: bool
) -> dict[str, Any]:
    """Compact.

    :param endpoints: of any members; they tell the others.
    :param timeout: seconds for each question.
    :param check: only say up to where it would be compacted.
    :returns: C(changed), C(current_revision), C(before) and C(oldest_revision): the oldest revision that can be read,
        before and now.
    :raises BadInput: no such revision can be.
    :raises Refused: it lies in the future.
    :raises EtcdError: no answer, or etcd refuses.
    """
    with Client(endpoints, credentials, timeout) as client:
        # One that was not asked itself would go on answering from its cache what was compacted.
        queries.refuse_proxy(client)
        current = client.read(_KEY)["revision"]
        target = aim(wanted, current)
        before = oldest(client, current)
        changed = target > before
        if changed and not check:
            client.compact(target)
            checkpoints.at("compaction: agreed")
        after = max(target, before)
        if wanted.patience and after > 1 and not check:
            _await_removal(endpoints, credentials, timeout, wanted.patience, after)
        return {"changed": changed, "current_revision": current, "before": before, "oldest_revision": after}


def aim(wanted: CompactionTarget, current: int) -> int:
    """The revision that is to be the oldest.

    :param current: the present one.
    :raises BadInput: a negative number.
    :raises Refused: it lies in the future.
    """
    if wanted.keep is not None:
        if wanted.keep < 0:
            raise BadInput(f"keep_revisions is {wanted.keep}; give how many revisions to keep, from 0.")
        return max(current - wanted.keep, 1)
    revision = wanted.revision or 0
    if revision < 1:
        raise BadInput(f"revision is {revision}; revisions are numbered from 1.")
    if revision > current:
        raise Refused(
            f"The cluster is at revision {current}, and {revision} is to be the oldest one.",
            "It may be that of another cluster, or of one before a restore.",
            f"Give one up to {current}, or how many to keep (keep_revisions).",
            code="revision-ahead",
        )
    return revision


def oldest(client: Client, current: int) -> int:
    """The oldest revision that can be read. etcd names it nowhere, so it is searched for, in halves.

    :raises EtcdError: no answer, or etcd refuses.
    """
    low, high = 1, current
    while low < high:
        middle = (low + high) // 2
        if _is_readable(client, middle):
            high = middle
        else:
            low = middle + 1
    return high


def _is_readable(client: Client, revision: int) -> bool:
    try:
        client.read(_KEY, revision=revision)
    except RpcError as exc:
        if not is_compacted(exc):
            raise
        return False
    return True


def _await_removal(
    endpoints: Sequence[str], credentials: Credentials, timeout: float, patience: float, revision: int
) -> None:
    """Wait until every member has removed what is older from its database.

    Each removes it by itself, and who is asked once more answers when it has
    (server/storage/mvcc/kvstore.go, compactBarrier).
    """
    for one in survey.survey(endpoints, credentials, timeout, cluster=True):
        if one.status and not one.status.is_learner and not one.error:
            with Client([one.endpoint], credentials, timeout) as client:
                client.compact(revision, physical=True, timeout=patience)
