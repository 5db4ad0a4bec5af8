# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a key is written, and what happens where another client writes at the same moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._data import writes
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._data.writes import Condition, Put
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

HELD = Entry(b"k", b"old", create_revision=3, mod_revision=7, version=2, lease=5)


@pytest.mark.parametrize(
    "wanted, found, written",
    [
        (Put(b"k", b"new"), None, (b"new", 0)),
        (Put(b"k", b"new"), HELD, (b"new", 5)),
        (Put(b"k", b"old"), HELD, None),
        (Put(b"k", b"old", lease=5), HELD, None),
        (Put(b"k", b"old", lease=6), HELD, (b"old", 6)),
        (Put(b"k", b"old", lease=0), HELD, (b"old", 0)),
        (Put(b"k", b"new", replaces=False), HELD, None),
        (Put(b"k", b"new", replaces=False), None, (b"new", 0)),
        (Put(b"k", b"new", condition=Condition(value=b"old")), HELD, (b"new", 5)),
        (Put(b"k", b"new", condition=Condition(revision=7)), HELD, (b"new", 5)),
        (Put(b"k", b"new", condition=Condition(revision=0)), None, (b"new", 0)),
        # What is as wanted needs no condition.
        (Put(b"k", b"old", condition=Condition(value=b"other", revision=1)), HELD, None),
    ],
)
def test_what_is_written(wanted: Put, found: Entry | None, written: tuple[bytes, int] | None) -> None:
    due = wanted.due(found)
    assert (due and (due.value, due.lease)) == written


@pytest.mark.parametrize(
    "condition, found, said",
    [
        (Condition(value=b"other"), HELD, "k holds another value than prev_value."),
        (Condition(value=b"other"), None, "k does not exist."),
        (Condition(revision=6), HELD, "k was last changed at revision 7, and prev_revision is 6."),
        (Condition(revision=6), None, "k does not exist, and prev_revision is 6."),
        (Condition(revision=0), HELD, "k was last changed at revision 7, and prev_revision is 0."),
    ],
)
def test_what_is_not_written(condition: Condition, found: Entry | None, said: str) -> None:
    with pytest.raises(Refused) as caught:
        Put(b"k", b"new", condition=condition).due(found)
    assert (caught.value.found, caught.value.code) == (said, "compare-failed")


class Etcd:
    """One key. Before each transaction something may happen.

    :param before: what others write before the transactions, one after the other.
    :param breaks: after which transaction the answer is lost: it is made, or not.
    """

    def __init__(self, held: Entry | None, before: Sequence[bytes] = (), breaks: str = "") -> None:
        self.held = held
        self.revision = 10
        self._before = list(before)
        self._breaks = breaks
        self.written = 0

    def call(self, _method: str, _request: Mapping[str, Any]) -> dict[str, Any]:
        kvs = [vars(self.held)] if self.held else []
        return {"header": {"revision": self.revision}, "kvs": kvs, "count": len(kvs), "more": False}

    def _set(self, value: bytes, lease: int = 0) -> None:
        self.revision += 1
        self.held = Entry(b"k", value, 1, self.revision, 1, lease)

    def txn(self, compare: Sequence[Mapping[str, Any]], success: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if self._before:
            self._set(self._before.pop(0))
        seen = self.held.mod_revision if self.held else 0
        succeeded = compare[0]["mod_revision"] == seen
        if succeeded and self._breaks != "not made":
            put = success[0].get("request_put")
            self.written += 1
            if put:
                self._set(put["value"], put["lease"])
            else:
                self.held, self.revision = None, self.revision + 1
        if self._breaks:
            raise TransportError("http://x:1", "the connection was closed.", sent=True)
        return {"succeeded": succeeded, "revision": self.revision}


def session(etcd: Etcd) -> Session:
    return Session(cast(Client, etcd), Credentials())


def test_what_another_writes_meanwhile_is_seen_before_it_is_overwritten() -> None:
    etcd = Etcd(HELD, before=[b"a", b"b"])
    change = writes.put(session(etcd), Put(b"k", b"new"), False)
    assert change.before is not None
    assert (change.before.value, etcd.held and etcd.held.value, etcd.written) == (b"b", b"new", 1)


def test_what_another_writes_meanwhile_may_be_what_was_wanted() -> None:
    etcd = Etcd(HELD, before=[b"new"])
    assert not writes.put(session(etcd), Put(b"k", b"new"), False).changed
    assert etcd.written == 0


def test_a_condition_holds_at_the_moment_of_the_write() -> None:
    etcd = Etcd(HELD, before=[b"a"])
    with pytest.raises(Refused, match="another value than prev_value"):
        writes.put(session(etcd), Put(b"k", b"new", condition=Condition(value=b"old")), False)
    etcd = Etcd(HELD, before=[b"a"])
    with pytest.raises(Refused, match="another value than prev_value"):
        writes.delete(session(etcd), b"k", Condition(value=b"old"), False)
    assert etcd.held is not None


def test_whoever_is_never_fast_enough_gives_up() -> None:
    etcd = Etcd(HELD, before=[str(number).encode() for number in range(100)])
    with pytest.raises(Refused, match="Other clients have changed k 20 times"):
        writes.put(session(etcd), Put(b"k", b"new"), False)


def test_a_lost_answer_is_made_certain() -> None:
    etcd = Etcd(HELD, breaks="made")
    change = writes.put(session(etcd), Put(b"k", b"new"), False)
    assert change.after is not None
    assert (change.changed, change.after.mod_revision, etcd.written) == (True, etcd.revision, 1)
    etcd = Etcd(HELD, breaks="made")
    assert writes.delete(session(etcd), b"k", Condition(), False).changed


def test_a_lost_answer_that_cannot_be_made_certain_is_a_failure() -> None:
    for act in (
        lambda etcd: writes.put(session(etcd), Put(b"k", b"new"), False),
        lambda etcd: writes.delete(session(etcd), b"k", Condition(), False),
    ):
        with pytest.raises(TransportError):
            act(Etcd(HELD, breaks="not made"))


def test_in_check_mode_nothing_is_written() -> None:
    etcd = Etcd(HELD)
    change = writes.put(session(etcd), Put(b"k", b"new"), True)
    assert change.after is not None
    assert (change.changed, change.after.value, etcd.written) == (True, b"new", 0)
    assert writes.delete(session(etcd), b"k", Condition(), True).changed
    assert etcd.held is HELD
