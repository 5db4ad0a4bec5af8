# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._formats.messages import ENUMS, MESSAGES, SERVICES
from ansible_collections.quorum.etcd.plugins.module_utils._formats.protobuf import Field, decode, encode, fields
from hypothesis import given
from hypothesis import strategies as st

SCALARS = {
    "bool": st.booleans(),
    "bytes": st.binary(max_size=20),
    "int32": st.integers(-(1 << 31), (1 << 31) - 1),
    "int64": st.integers(-(1 << 63), (1 << 63) - 1),
    "string": st.text(max_size=20),
    "uint32": st.integers(0, (1 << 32) - 1),
    "uint64": st.integers(0, (1 << 64) - 1),
}


def values_of(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if field.type in MESSAGES:
        one = messages(field.type, depth - 1) if depth else st.none()
    elif field.type in ENUMS:
        one = st.sampled_from(ENUMS[field.type])
    else:
        one = SCALARS[field.type]
    if field.repeated:
        return st.lists(one, max_size=3) if depth or field.type not in MESSAGES else st.just([])
    return st.none() | one if field.oneof or field.type in MESSAGES else one


def messages(name: str, depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({field.name: values_of(field, depth) for field in fields(name)})


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_survives_the_wire(name: str) -> None:
    @given(messages(name))
    def check(values: dict[str, Any]) -> None:
        assert decode(name, encode(name, values)) == values

    check()


def test_every_type_that_is_named_is_declared() -> None:
    types = {field.type for name in MESSAGES for field in fields(name)}
    assert types <= set(MESSAGES) | set(ENUMS) | set(SCALARS)
    assert {name for calls in SERVICES.values() for pair in calls.values() for name in pair} <= set(MESSAGES)


# Bytes as other implementations of protobuf make them.
@pytest.mark.parametrize(
    ("name", "values", "encoded"),
    [
        ("StatusRequest", {}, ""),
        ("RangeRequest", {"key": b"a", "serializable": True}, "0a01613801"),
        ("RangeRequest", {"key": "a", "sort_order": "DESCEND", "limit": 300}, "0a016118ac022802"),
        ("CompactionRequest", {"revision": -1}, "08ffffffffffffffffff01"),
        ("MemberRemoveRequest", {"ID": (1 << 64) - 1}, "08ffffffffffffffffff01"),
        ("MemberAddRequest", {"peerURLs": ["http://a", ""], "isLearner": True}, "0a08687474703a2f2f610a001001"),
        ("Compare", {"target": "CREATE", "key": b"k", "create_revision": 0}, "10011a016b2800"),
        ("TxnRequest", {"success": [{"request_put": {"key": b"k"}}]}, "120512030a016b"),
        ("WatchCreateRequest", {"filters": ["NOPUT", "NODELETE"]}, "28002801"),
    ],
)
def test_requests_are_written_as_protobuf_has_it(name: str, values: dict[str, Any], encoded: str) -> None:
    assert encode(name, values).hex() == encoded


def test_a_packed_list_is_read_too() -> None:
    assert decode("WatchCreateRequest", bytes.fromhex("2a020001"))["filters"] == ["NOPUT", "NODELETE"]


def test_every_field_is_there_with_its_zero_value() -> None:
    assert decode("MemberListResponse", b"") == {"header": None, "members": []}
    assert decode("Member", b"") == {"ID": 0, "name": "", "peerURLs": [], "clientURLs": [], "isLearner": False}
    assert decode("AlarmMember", b"") == {"memberID": 0, "alarm": "NONE"}
    assert decode("ResponseOp", b"")["response_put"] is None


def test_fields_of_a_newer_etcd_are_passed_over() -> None:
    newer = bytes.fromhex("9801 07 a20103 616263 a901 0102030405060708 b501 01020304".replace(" ", ""))
    assert decode("Member", newer + bytes.fromhex("0805")) == decode("Member", bytes.fromhex("0805"))


def test_an_enumeration_of_a_newer_etcd_keeps_its_number() -> None:
    assert decode("AlarmMember", bytes.fromhex("1009"))["alarm"] == 9
    assert encode("AlarmMember", {"alarm": 9}).hex() == "1009"


@pytest.mark.parametrize(
    ("name", "encoded", "complaint"),
    [
        ("Member", "08", "Member is cut off"),
        ("Member", "0880", "Member is cut off"),
        ("Member", "1205616263", "Member is cut off"),
        ("Member", "08ffffffffffffffffffff01", "a number is too long"),
        ("Member", "0a00", "Member.ID: wire type 2 where 0 is due"),
        ("Member", "1001", "Member.name: wire type 0 where 2 is due"),
        ("Member", "1201ff", "Member.name is no UTF-8 text"),
        ("Member", "0b", "wire type 3 is not known"),
        ("MemberListResponse", "0a0208", "MemberListResponse is cut off"),
        ("MemberListResponse", "0a0108", "ResponseHeader is cut off"),
    ],
)
def test_a_malformed_message_is_a_clear_error(name: str, encoded: str, complaint: str) -> None:
    with pytest.raises(WireError, match=complaint):
        decode(name, bytes.fromhex(encoded))


def test_a_message_cannot_be_nested_without_end() -> None:
    deep = b""
    for _ in range(20):
        deep = _field(2, _field(4, deep))
    with pytest.raises(WireError, match="nested more than 32 deep"):
        decode("TxnRequest", deep)


def _field(number: int, content: bytes) -> bytes:
    length, size = b"", len(content)
    while size >= 0x80:
        length += bytes((size & 0x7F | 0x80,))
        size >>= 7
    return bytes((number << 3 | 2,)) + length + bytes((size,)) + content


@given(st.sampled_from(sorted(MESSAGES)), st.binary(max_size=100))
def test_no_bytes_do_worse_than_a_clear_error(name: str, data: bytes) -> None:
    try:
        values = decode(name, data)
    except WireError:
        return
    assert set(values) == {field.name for field in fields(name)}


@pytest.mark.parametrize(
    ("name", "values", "complaint"),
    [
        ("RangeRequest", {"keyy": b"a"}, "RangeRequest has no field 'keyy'"),
        ("RangeRequest", {"key": 5}, "RangeRequest.key: 5 is no bytes"),
        ("RangeRequest", {"limit": "5"}, "RangeRequest.limit: '5' is no int64"),
        ("RangeRequest", {"limit": 1 << 63}, "is no int64"),
        ("RangeRequest", {"sort_order": "UP"}, "RangeRequest.sort_order: 'UP' is no RangeRequest.SortOrder"),
        ("MemberRemoveRequest", {"ID": -1}, "MemberRemoveRequest.ID: -1 is no uint64"),
        ("MemberAddRequest", {"peerURLs": [b"x"]}, "MemberAddRequest.peerURLs: b'x' is no string"),
        ("TxnRequest", {"compare": [5]}, "TxnRequest.compare: 5 is no Compare"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name: str, values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        encode(name, values)
