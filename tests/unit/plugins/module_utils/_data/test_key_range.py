# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keys are meant, and which of them tasks may write."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange, check_writable, one_or_prefix
from hypothesis import given
from hypothesis import strategies as some

KEYS = some.binary(min_size=1, max_size=3)
PREFIXES = some.binary(max_size=3)


def holds(where: KeyRange, key: bytes) -> bool:
    """Whether etcd counts a key to a range."""
    if not where.end:
        return key == where.first
    return where.first <= key and (where.end == b"\0" or key < where.end)


@given(PREFIXES, KEYS)
def test_a_prefix_is_all_keys_that_begin_with_it(prefix: bytes, key: bytes) -> None:
    assert holds(KeyRange.beginning_with(prefix), key) is key.startswith(prefix)


@given(PREFIXES, KEYS, KEYS)
def test_what_is_behind_a_key_is_the_rest(prefix: bytes, at: bytes, key: bytes) -> None:
    where = KeyRange.beginning_with(prefix)
    if at.startswith(prefix):
        assert holds(where.behind(at), key) is (key.startswith(prefix) and key > at)


@given(KEYS, PREFIXES)
def test_a_key_overlaps_the_ranges_that_hold_it(key: bytes, prefix: bytes) -> None:
    where = KeyRange.beginning_with(prefix)
    assert KeyRange(key).overlaps(where) is where.overlaps(KeyRange(key)) is holds(where, key)


@given(PREFIXES, PREFIXES)
def test_two_prefixes_overlap_if_one_begins_with_the_other(one: bytes, other: bytes) -> None:
    overlap = KeyRange.beginning_with(one).overlaps(KeyRange.beginning_with(other))
    assert overlap is (one.startswith(other) or other.startswith(one))


@pytest.mark.parametrize(
    "where",
    [
        KeyRange(b"/quorum.etcd/turn"),
        KeyRange(b"/_etcd/x"),
        KeyRange.beginning_with(b""),
        KeyRange.beginning_with(b"/"),
        KeyRange.beginning_with(b"/quorum.etcd/act"),
        KeyRange(b"/a", b"/z"),
        KeyRange(b"/quorum.etcd/turn", b"\0"),
    ],
    ids=str,
)
def test_reserved_keys_are_not_for_tasks(where: KeyRange) -> None:
    with pytest.raises(Refused, match="is reserved") as caught:
        check_writable(where)
    assert caught.value.code == "key-reserved"


@pytest.mark.parametrize(
    "where",
    [
        KeyRange(b"/quorum.etcd"),
        KeyRange(b"/quorum.etcd0"),
        KeyRange(b"quorum.etcd/turn"),
        KeyRange.beginning_with(b"/app/"),
        KeyRange(b"/quorum.etcd0", b"\0"),
        KeyRange(b"/a", b"/quorum.etcd/"),
    ],
    ids=str,
)
def test_all_others_are(where: KeyRange) -> None:
    check_writable(where)


def test_it_is_told_as_people_say_it() -> None:
    assert str(KeyRange(b"/a\xff")) == "/a\\xff"
    assert str(KeyRange.beginning_with(b"")) == "all keys"
    assert str(KeyRange.beginning_with(b"/a/")) == "all keys that begin with /a/"
    assert str(KeyRange(b"/a", b"/c")) == "all keys from /a to before /c"
    assert str(KeyRange(b"/a", b"\0")) == "all keys from /a to the last one"


def test_a_key_is_not_empty_and_a_prefix_may_be() -> None:
    assert one_or_prefix(b"", True) == KeyRange.beginning_with(b"")
    with pytest.raises(BadInput, match="key is empty"):
        one_or_prefix(b"", False)
