# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The protobuf wire format for the messages of C(_formats.messages).

A message is a dict with every field of its declaration: an absent number, text or bytes is its zero value, an absent
message or member of a oneof is None. Enumerations are their names, or the number where the name is not known here.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, WireError
from ansible_collections.quorum.etcd.plugins.module_utils._formats.messages import ENUMS, MESSAGES

Message = dict[str, t.Any]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTH = {"int32": 32, "int64": 64, "uint32": 32, "uint64": 64}
# TxnRequest and its kin hold themselves; nobody nests them so deep.
_DEEPEST = 32


class Field(t.NamedTuple):
    """One field of a declaration."""

    number: int
    type: str
    name: str
    repeated: bool
    oneof: bool
    wire: int

    def default(self) -> t.Any:
        if self.repeated:
            return []
        if self.oneof or self.type in MESSAGES:
            return None
        if self.type in ENUMS:
            return ENUMS[self.type][0]
        return {"string": "", "bytes": b"", "bool": False}.get(self.type, 0)


@functools.cache
def fields(message: str) -> tuple[Field, ...]:
    """The declared fields of a message."""
    declared = []
    for text in filter(None, MESSAGES[message].split("; ")):
        number, kind, name = text.split(" ")
        plain = kind.rstrip("*?")
        wire = _BYTES if plain in ("string", "bytes") or plain in MESSAGES else _VARINT
        declared.append(Field(int(number), plain, name, kind.endswith("*"), kind.endswith("?"), wire))
    return tuple(declared)


def encode(message: str, values: t.Mapping[str, t.Any]) -> bytes:
    """The bytes of a message. Fields that are left out or None keep their zero value.

    :raises BadInput: a field is not declared, or its value does not fit its type.
    """
    declared = fields(message)
    unknown = set(values) - {field.name for field in declared}
    if unknown:
        raise BadInput(f"{message} has no field {min(unknown)!r}.")
    encoded = bytearray()
    for field in declared:
        value = values.get(field.name)
        if value is None:
            continue
        for item in value if field.repeated else (value,):
            # In proto3 a zero value is not sent, except as the chosen member of a oneof or an element of a list.
            if field.repeated or item != field.default():
                encoded += _varint(field.number << 3 | field.wire) + _encoded(message, field, item)
    return bytes(encoded)


def decode(message: str, data: bytes) -> Message:
    """The values of a message. Fields that are not declared are passed over.

    :raises WireError: the bytes are no such message.
    """
    return _decode(message, data, 0)


def _encoded(message: str, field: Field, value: t.Any) -> bytes:
    try:
        if field.type in MESSAGES:
            raw = encode(field.type, value)
        elif field.type == "string":
            raw = str.encode(value, "utf-8")
        elif field.type == "bytes":
            raw = value.encode("utf-8") if isinstance(value, str) else bytes(memoryview(value))
        else:
            return _varint(_number(field, value))
    except (TypeError, ValueError, AttributeError) as exc:
        raise BadInput(f"{message}.{field.name}: {value!r} is no {field.type}.") from exc
    return _varint(len(raw)) + raw


def _number(field: Field, value: t.Any) -> int:
    if field.type == "bool":
        return int(bool(value))
    if field.type in ENUMS:
        return ENUMS[field.type].index(value) if isinstance(value, str) else _within(value, -(1 << 31), (1 << 31) - 1)
    width = _WIDTH[field.type]
    if field.type.startswith("u"):
        return _within(value, 0, (1 << width) - 1)
    return _within(value, -(1 << width - 1), (1 << width - 1) - 1)


def _within(value: t.Any, lowest: int, highest: int) -> int:
    if not isinstance(value, int) or not lowest <= value <= highest:
        raise ValueError(value)
    return value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _decode(message: str, data: bytes, depth: int) -> Message:
    if depth > _DEEPEST:
        raise WireError(f"{message}: nested more than {_DEEPEST} deep")
    by_number, zeros, lists = _empty(message)
    values = zeros.copy()
    for name in lists:
        values[name] = []
    at = 0
    while at < len(data):
        tag, at = _read_varint(message, data, at)
        wire = tag & 7
        raw, at = _read(message, wire, data, at)
        field = by_number.get(tag >> 3)
        if field is None:
            continue
        if wire != field.wire:
            if not field.repeated or wire != _BYTES:
                raise WireError(f"{message}.{field.name}: wire type {wire} where {field.wire} is due")
            values[field.name] += _unpacked(message, field, t.cast(bytes, raw))
        elif field.repeated:
            values[field.name].append(_decoded(message, field, raw, depth))
        else:
            values[field.name] = _decoded(message, field, raw, depth)
    return values


@functools.cache
def _empty(message: str) -> tuple[dict[int, Field], Message, tuple[str, ...]]:
    """The fields of a message by their numbers, its values without its lists, and the names of those."""
    declared = fields(message)
    return (
        {field.number: field for field in declared},
        {field.name: field.default() for field in declared},
        tuple(field.name for field in declared if field.repeated),
    )


def _read(message: str, wire: int, data: bytes, at: int) -> tuple[int | bytes, int]:
    if wire == _VARINT:
        return _read_varint(message, data, at)
    if wire == _BYTES:
        length, at = _read_varint(message, data, at)
    elif wire in (_FIXED32, _FIXED64):
        length = 4 if wire == _FIXED32 else 8
    else:
        raise WireError(f"{message}: wire type {wire} is not known")
    if at + length > len(data):
        raise WireError(f"{message} is cut off")
    return data[at : at + length], at + length


def _read_varint(message: str, data: bytes, at: int) -> tuple[int, int]:
    # Most numbers are of one byte, those of fields above all.
    if at < len(data) and data[at] < 0x80:
        return data[at], at + 1
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise WireError(f"{message} is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise WireError(f"{message}: a number is too long")


def _unpacked(message: str, field: Field, raw: bytes) -> list[t.Any]:
    numbers = []
    at = 0
    while at < len(raw):
        number, at = _read_varint(message, raw, at)
        numbers.append(_decoded(message, field, number, 0))
    return numbers


def _decoded(message: str, field: Field, raw: t.Any, depth: int) -> t.Any:
    if field.type == "bytes":
        return raw
    if field.type in MESSAGES:
        return _decode(field.type, raw, depth + 1)
    if field.type == "string":
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise WireError(f"{message}.{field.name} is no UTF-8 text") from exc
    if field.type == "bool":
        return raw != 0
    if field.type in ENUMS:
        names = ENUMS[field.type]
        number = _signed(raw, 32)
        return names[number] if 0 <= number < len(names) else number
    return _signed(raw, _WIDTH[field.type]) if field.type.startswith("i") else raw & (1 << _WIDTH[field.type]) - 1


def _signed(raw: int, width: int) -> int:
    raw &= (1 << width) - 1
    return raw - (1 << width) if raw >> width - 1 else raw
