# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys move in groups, and what has ended meanwhile does not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError, HostError, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import v2_migration
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.v2_migration import Listing, Mover
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Content, V2Key
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_limits import Limits

LIMITS = Limits(1 << 20, 128, 1 << 30)


class Cluster:
    """Both versions, in memory; and a clock."""

    def __init__(self, *keys: V2Key) -> None:
        self.two = {one.name: one for one in keys}
        self.three: dict[bytes, bytes] = {}
        self.leases: list[int] = []
        self.sizes: list[int] = []
        self.now = 0.0
        self.listing = Listing(V2Content(tuple(keys)), 0.0, lambda: self.now)

    # As a member's API of version 2.
    def get(self, name: str) -> dict[str, Any] | None:
        return {"modifiedIndex": self.two[name].index} if name in self.two else None

    def delete_unchanged(self, name: str, index: int) -> bool:
        if name not in self.two or self.two[name].index != index:
            return False
        del self.two[name]
        return True

    # As a client of version 3.
    def txn(self, compare: Any, success: Any) -> dict[str, Any]:
        self.sizes.append(len(success))
        done = not any(one["key"] in self.three for one in compare)
        answers = []
        for one in success if done else ():
            if "request_put" in one:
                self.three[one["request_put"]["key"]] = one["request_put"]["value"]
                answers.append({})
            else:
                name = one["request_range"]["key"]
                kvs = [{"value": self.three[name]}] if name in self.three else []
                answers.append({"response_range": {"kvs": kvs}})
        return {"succeeded": done, "responses": answers}

    def lease_grant(self, ttl: int) -> dict[str, int]:
        self.leases.append(ttl)
        return {"lease": len(self.leases)}

    @property
    def mover(self) -> Mover:
        return Mover(self, self, LIMITS, self.listing)  # type: ignore[arg-type]


def keys(count: int) -> list[V2Key]:
    return [V2Key(f"/{number:03}", f"of {number}", number) for number in range(count)]


def test_no_transaction_has_more_operations_than_etcd_takes() -> None:
    cluster = Cluster(*keys(150))
    moved = cluster.mover.move()
    assert (moved.copied, moved.there, cluster.two, len(cluster.three)) == (150, 0, {}, 150)
    assert max(cluster.sizes) == 128


def test_one_group_at_most_is_in_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(step: str) -> None:
        if step == "v2: written" and len(cluster.three) > 64:
            raise EtcdError("killed")

    cluster = Cluster(*keys(150))
    monkeypatch.setattr(v2_migration.checkpoints, "at", end)
    with pytest.raises(EtcdError, match="killed"):
        cluster.mover.move()
    assert len(set(cluster.three) & {name.encode() for name in cluster.two}) == 64
    # What clients of version 3 delete meanwhile stays deleted, but for that group.
    cluster.three.clear()
    monkeypatch.undo()
    cluster.listing = Listing(V2Content(tuple(cluster.two.values())), 0.0, lambda: 0.0)
    cluster.mover.move()
    assert len(cluster.three) == 150 - 64


def test_a_key_that_has_expired_since_it_was_listed_is_gone_and_no_failure() -> None:
    cluster = Cluster(V2Key("/gone", "x", 1, 5), V2Key("/over", "x", 2, 5), V2Key("/stays", "x", 3))
    del cluster.two["/gone"]
    cluster.now = 5.0
    moved = cluster.mover.move()
    assert (moved.copied, moved.expiring, cluster.leases, list(cluster.three)) == (1, 0, [], [b"/stays"])


def test_a_lease_lasts_for_what_is_left_when_it_is_written() -> None:
    cluster = Cluster(V2Key("/a", "x", 1, 100), V2Key("/b", "x", 2, 100))
    cluster.now = 40.5
    assert cluster.mover.move().expiring == 2
    assert cluster.leases == [60]


def test_a_key_that_was_written_in_version_2_meanwhile_stays_there() -> None:
    cluster = Cluster(*keys(1))
    cluster.two["/000"] = V2Key("/000", "newer", 9)
    with pytest.raises(HostError, match="/000 was written in version 2"):
        cluster.mover.move()
    assert cluster.three == {}


def test_another_value_of_version_3_is_not_overwritten_and_the_same_one_counts() -> None:
    cluster = Cluster(*keys(2))
    cluster.three[b"/000"] = b"of 0"
    moved = cluster.mover.move()
    assert (moved.copied, moved.there, cluster.two) == (1, 1, {})
    cluster = Cluster(*keys(2))
    cluster.three[b"/000"] = b"another"
    with pytest.raises(Refused, match="/000"):
        cluster.mover.move()
    assert len(cluster.two) == 2
