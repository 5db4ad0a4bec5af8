# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Transactions: what is compared, and what is done then or else, as tasks write them and as etcd answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import (
    BadInput,
    Refused,
    RpcError,
    TransportError,
)
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange, check_writable, one_or_prefix
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import READWRITE, Session, explained
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import outcome_unknown

#: What can be compared -> etcd's name for it and the field that holds what it is compared with.
TARGETS = {
    "value": ("VALUE", "value"),
    "version": ("VERSION", "version"),
    "create_revision": ("CREATE", "create_revision"),
    "mod_revision": ("MOD", "mod_revision"),
    "lease": ("LEASE", "lease"),
}
RESULTS = ["equal", "not_equal", "greater", "less"]

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """One thing that a transaction does.

    :param kind: ``put``, ``delete`` or ``get``.
    """

    kind: str
    where: KeyRange
    value: bytes = b""
    lease: int = 0

    @property
    def request(self) -> dict[str, Any]:
        """etcd's RequestOp message. What is written is told with what was there before."""
        if self.kind == "put":
            key = self.where.first
            return {"request_put": {"key": key, "value": self.value, "lease": self.lease, "prev_kv": True}}
        if self.kind == "delete":
            return {"request_delete_range": {**self.where.request, "prev_kv": True}}
        return self.look

    @property
    def look(self) -> dict[str, Any]:
        """The RequestOp that reads what this one would write or delete."""
        return {"request_range": self.where.request}

    def effect(self, answer: protobuf.Message) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
        """Return what there was and what there is, from the answer to ``request`` or to ``look``."""
        before = _found(answer)
        if self.kind == "get":
            return before, before
        after = (Entry(self.where.first, self.value, lease=self.lease),) if self.kind == "put" else ()
        return before, after

    def changes(self, answer: protobuf.Message) -> bool:
        """Whether keys are, or would be, others than before."""
        before, after = self.effect(answer)
        return [(one.key, one.value, one.lease) for one in before] != [(one.key, one.value, one.lease) for one in after]


def _found(answer: protobuf.Message) -> tuple[Entry, ...]:
    put, deleted, read = answer["response_put"], answer["response_delete_range"], answer["response_range"]
    if put is not None:
        return (Entry.of(put["prev_kv"]),) if put["prev_kv"] else ()
    return tuple(map(Entry.of, deleted["prev_kvs"] if deleted is not None else read["kvs"]))


def comparison(given: Given, encoding: str) -> dict[str, Any]:
    """Return etcd's Compare message of what a task writes.

    :raises BadInput: nothing, or no number, to compare with.
    """
    where = one_or_prefix(given["key"].encode(), bool(given["prefix"]))
    if given["exists"] is not None:
        result = "GREATER" if given["exists"] else "EQUAL"
        return {**where.request, "target": "VERSION", "result": result, "version": 0}
    if given["value"] is None:
        raise BadInput(f"compare: {where}: neither exists nor value says what it is compared with.")
    target, field = TARGETS[given["target"]]
    return {
        **where.request,
        "target": target,
        "result": given["result"].upper(),
        field: _compared(given["target"], given["value"], encoding),
    }


def _compared(target: str, value: str, encoding: str) -> bytes | int:
    if target == "value":
        return texts.to_bytes(value, encoding, "value")
    if target == "lease":
        return texts.lease_id(value)
    try:
        return int(value)
    except ValueError as exc:
        raise BadInput(f"compare: {target} is compared with a number, and value is {value!r}.") from exc


def operation(given: Given, encoding: str) -> Operation:
    """Return what a task writes as one of the keys ``put``, ``delete`` and ``get``.

    :raises BadInput: a value that is missing, or that nothing is done with.
    :raises Refused: a reserved key would be written or deleted.
    """
    kind = next(name for name in ("put", "delete", "get") if given[name] is not None)
    if (given["value"] is not None) is not (kind == "put"):
        raise BadInput(f"{kind}: {given[kind]}: value belongs to put, and to nothing else.")
    where = one_or_prefix(given[kind].encode(), bool(given["prefix"]))
    if kind == "put" and where.end:
        raise BadInput(f"put: {given[kind]}: prefix does not go with put, which writes one key.")
    if kind != "get":
        check_writable(where)
    value = texts.to_bytes(given["value"], encoding, "value") if kind == "put" else b""
    return Operation(kind, where, value, texts.lease_id(given["lease"]) if given["lease"] else 0)


@dataclass(frozen=True)
class Outcome:
    """What a transaction has done.

    :param done: the operations of the branch that was taken, with etcd's answers.
    """

    succeeded: bool
    revision: int
    done: tuple[tuple[Operation, protobuf.Message], ...]

    @property
    def changed(self) -> bool:
        return any(operation.changes(answer) for operation, answer in self.done)


def run(
    session: Session,
    compare: Sequence[dict[str, Any]],
    then: Sequence[Operation],
    otherwise: Sequence[Operation],
    check: bool,
) -> Outcome:
    """Do one branch or the other, as etcd's comparison decides.

    :param check: let etcd compare, and read what would be written or deleted.
    :raises Refused: the user may not, or it is not known whether it happened.
    """
    success, failure = ([one.look if check else one.request for one in branch] for branch in (then, otherwise))
    touched = [one.where for one in (*then, *otherwise)]
    span = touched[0] if len(set(touched)) == 1 else KeyRange.beginning_with(b"")
    try:
        with explained(session, READWRITE, span):
            answer = session.client.txn(compare, success, failure)
    except (TransportError, RpcError) as exc:
        if not outcome_unknown(exc):
            raise
        raise Refused(
            f"No clear answer came to the transaction. It may have happened, or happen yet. {exc}",
            "Done twice it could compare with what it has written itself.",
            "Read the keys (etcd_key_info), and decide from what they hold.",
            code="unclear-answer",
        ) from exc
    branch = then if answer["succeeded"] else otherwise
    return Outcome(answer["succeeded"], answer["revision"], tuple(zip(branch, answer["responses"])))
