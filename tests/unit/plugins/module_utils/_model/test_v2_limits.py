# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What version 3 takes of keys that version 2 holds."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import v2_limits as of_settings
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_content import V2Key
from ansible_collections.quorum.etcd.plugins.module_utils._model.v2_limits import Limits, Needs

KEYS = [V2Key(f"/{number}", "x", number) for number in range(200)]


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({}, [64, 64, 64, 8]),
        ({"max-txn-ops": "512"}, [64, 64, 64, 8]),
        ({"max-txn-ops": 100}, [50, 50, 50, 50]),
        ({"max-txn-ops": 1}, [1] * 200),
    ],
)
def test_a_transaction_writes_each_key_of_a_group_and_reads_it(settings: dict[str, object], sizes: list[int]) -> None:
    assert [len(some) for some in of_settings.limits(settings).groups(KEYS)] == sizes


@pytest.mark.parametrize(("request_bytes", "count"), [(1536 << 10, 5), (200 << 10, 1), (1, 1)])
def test_a_group_is_no_larger_than_a_request(request_bytes: int, count: int) -> None:
    keys = [V2Key(f"/{number}", "x" * (100 << 10), number) for number in range(5)]
    assert len(next(iter(Limits(request_bytes, 128, 1 << 30).groups(keys)))) == count


def test_the_largest_key_is_named() -> None:
    needs = Needs.of([V2Key("/small", "x", 1), V2Key("/large", "x" * 1000, 2), V2Key("/other", "x", 3)])
    assert (needs.largest, 1000 < needs.request < 3000, needs.space > 1000) == ("/large", True, True)
    with pytest.raises(Refused, match="/large of version 2 .* max-request-bytes is 500") as refused:
        Limits(500, 128, 1 << 30).check(needs, 0)
    assert refused.value.code == "v2-key-too-large"


def test_the_database_does_not_outgrow_its_quota() -> None:
    needs = Needs.of(KEYS)
    Limits(1 << 20, 128, needs.space + 10).check(needs, 10)
    with pytest.raises(Refused, match="quota-backend-bytes") as refused:
        Limits(1 << 20, 128, needs.space + 9).check(needs, 10)
    assert refused.value.code == "v2-over-quota"


def test_one_operation_is_too_few() -> None:
    with pytest.raises(Refused, match="Set max-txn-ops: 128") as refused:
        Limits(1 << 20, 1, 1 << 30).check(Needs.of(KEYS), 0)
    assert refused.value.code == "v2-txn-ops"


def test_without_a_key_nothing_is_too_small() -> None:
    Limits(1, 1, 1).check(Needs.of([]), 100)
