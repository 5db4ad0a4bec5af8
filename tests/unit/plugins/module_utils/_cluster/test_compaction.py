# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Up to where a compaction goes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError, Refused, RpcError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import compaction
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.compaction import CompactionTarget


@pytest.mark.parametrize(
    "wanted, target",
    [
        (CompactionTarget(keep=0), 100),
        (CompactionTarget(keep=1), 99),
        (CompactionTarget(keep=99), 1),
        (CompactionTarget(keep=100), 1),
        (CompactionTarget(keep=10**9), 1),
        (CompactionTarget(revision=1), 1),
        (CompactionTarget(revision=100), 100),
    ],
    ids=repr,
)
def test_the_oldest_revision_is_counted_from_the_present_or_named(wanted: CompactionTarget, target: int) -> None:
    assert compaction.aim(wanted, 100) == target


@pytest.mark.parametrize(
    "wanted, kind, said",
    [
        (CompactionTarget(keep=-1), BadInput, "keep_revisions is -1"),
        (CompactionTarget(revision=0), BadInput, "revision is 0"),
        (CompactionTarget(revision=-5), BadInput, "revision is -5"),
        (CompactionTarget(revision=101), Refused, "The cluster is at revision 100, and 101 is to be the oldest one."),
    ],
    ids=repr,
)
def test_never_past_the_present(wanted: CompactionTarget, kind: type[EtcdError], said: str) -> None:
    with pytest.raises(kind, match=said):
        compaction.aim(wanted, 100)


class Past:
    """Answers reads as etcd does that knows nothing from before a revision."""

    def __init__(self, oldest: int, detail: str = "etcdserver: mvcc: required revision has been compacted") -> None:
        self.oldest = oldest
        self.detail = detail
        self.asked = 0

    def read(self, _key: str, revision: int) -> dict[str, Any]:
        self.asked += 1
        if revision < self.oldest:
            raise RpcError("http://127.0.0.1:2379", "KV.Range", 11, "OutOfRange", self.detail)
        return {}


@pytest.mark.parametrize("current", [1, 2, 3, 17, 4096])
def test_the_oldest_revision_is_found_whichever_it_is(current: int) -> None:
    for oldest in {1, 2, current // 2, current - 1, current} - {0}:
        if oldest <= current:
            assert compaction.oldest(Past(oldest), current) == oldest  # type: ignore[arg-type]


def test_few_questions_find_it_among_many() -> None:
    past = Past(123_456_789)
    assert compaction.oldest(past, 10**9) == 123_456_789  # type: ignore[arg-type]
    assert past.asked <= 30


def test_another_answer_is_not_taken_for_the_past() -> None:
    with pytest.raises(RpcError, match="permission denied"):
        compaction.oldest(Past(50, "etcdserver: permission denied"), 100)  # type: ignore[arg-type]
