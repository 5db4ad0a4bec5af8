# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a transaction asks etcd, and what of its answer is a change."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused, RpcError, TransportError
from ansible_collections.quorum.etcd.plugins.module_utils._data import txn
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._formats import protobuf
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client, Credentials

NOTHING = {"key": "k", "prefix": False, "exists": None, "target": "value", "result": "equal", "value": None}
NO_ACT = {"put": None, "delete": None, "get": None, "value": None, "lease": None, "prefix": False}


@pytest.mark.parametrize(
    "given, asked",
    [
        ({"exists": True}, {"target": "VERSION", "result": "GREATER", "version": 0}),
        ({"exists": False}, {"target": "VERSION", "result": "EQUAL", "version": 0}),
        ({"value": ""}, {"target": "VALUE", "result": "EQUAL", "value": b""}),
        ({"target": "mod_revision", "value": "7"}, {"target": "MOD", "result": "EQUAL", "mod_revision": 7}),
        ({"target": "lease", "value": "ff"}, {"target": "LEASE", "result": "EQUAL", "lease": 255}),
    ],
)
def test_a_comparison_is_asked_as_etcd_means_it(given: dict[str, Any], asked: dict[str, Any]) -> None:
    compare = txn.comparison({**NOTHING, **given}, "text")
    assert compare == {"key": b"k", "range_end": b"", **asked}
    # A zero that is compared with is sent, too.
    assert protobuf.decode("Compare", protobuf.encode("Compare", compare))["key"] == b"k"


def answer(operation: txn.Operation, *before: bytes) -> dict[str, Any]:
    """etcd's answer where the key held that before, or nothing."""
    kvs = [{"key": b"k", "value": value, "lease": 0} for value in before]
    kind = {
        "put": {"response_put": {"prev_kv": kvs[0] if kvs else None}},
        "delete": {"response_delete_range": {"prev_kvs": kvs}},
        "get": {"response_range": {"kvs": kvs}},
    }[operation.kind]
    return {"response_put": None, "response_delete_range": None, "response_range": None, **kind}


@pytest.mark.parametrize(
    "given, before, changes",
    [
        ({"put": "k", "value": "new"}, [], True),
        ({"put": "k", "value": "new"}, [b"old"], True),
        ({"put": "k", "value": "new"}, [b"new"], False),
        ({"put": "k", "value": "new", "lease": "1"}, [b"new"], True),
        ({"delete": "k"}, [b"old"], True),
        ({"delete": "k"}, [], False),
        ({"get": "k"}, [b"old"], False),
    ],
)
def test_a_change_is_what_makes_keys_others(given: dict[str, Any], before: list[bytes], changes: bool) -> None:
    operation = txn.operation({**NO_ACT, **given}, "text")
    assert operation.changes(answer(operation, *before)) is changes
    # What was only looked at for check mode tells the same.
    looked = answer(txn.operation({**NO_ACT, "get": "k"}, "text"), *before)
    assert operation.changes(looked) is changes


def test_what_is_done_is_told_with_what_was_there() -> None:
    put = txn.operation({**NO_ACT, "put": "k", "value": "v"}, "text")
    delete = txn.operation({**NO_ACT, "delete": "k", "prefix": True}, "text")
    assert put.request["request_put"]["prev_kv"]
    assert delete.request["request_delete_range"] == {"key": b"k", "range_end": b"l", "prev_kv": True}
    for one in (put, delete):
        assert set(one.look) == {"request_range"}


class Etcd:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def txn(self, *_request: object) -> dict[str, Any]:
        raise self._error


def run(error: Exception) -> None:
    txn.run(Session(cast(Client, Etcd(error)), Credentials()), [], [], [], False)


def test_where_it_is_unclear_whether_it_happened_that_is_said() -> None:
    with pytest.raises(Refused, match="It may have happened, or happen yet") as caught:
        run(TransportError("http://x:1", "the connection was closed.", sent=True))
    assert caught.value.code == "unclear-answer"
    with pytest.raises(TransportError):
        run(TransportError("http://x:1", "connection refused."))
    with pytest.raises(RpcError):
        run(RpcError("http://x:1", "KV.Txn", 3, "InvalidArgument", "etcdserver: duplicate key given in txn request"))
