# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a role may do with which keys, and which grants lead from what it has to what it should have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange

READ, WRITE, READWRITE = "read", "write", "readwrite"
ACCESSES = [READ, WRITE, READWRITE]

#: The three ways to say which keys, of which a permission has one.
PLACES = ("key", "prefix", "range")
_TO_THE_LAST = b"\0"


@dataclass(frozen=True)
class Permission:
    """Access to one key or a range of them."""

    access: str
    keys: KeyRange

    @classmethod
    def from_dict(cls, values: Any, where: str) -> Permission:
        """Read what a person has written.

        :param where: for the message, such as C(role app).
        :raises BadInput: it says no keys, or several times which, or a range that has none.
        """
        if not isinstance(values, Mapping) or values.get("access") not in ACCESSES:
            raise BadInput(f"{where}: a permission has an access of {', '.join(ACCESSES)}; given was {values!r}.")
        unknown = set(values) - {"access", *PLACES}
        given = {name: values[name] for name in PLACES if values.get(name) is not None}
        if unknown or len(given) != 1:
            raise BadInput(f"{where}: a permission has access and one of {', '.join(PLACES)}; given was {values!r}.")
        ((place, value),) = given.items()
        return cls(str(values["access"]), _keys_of(place, value, where))

    @classmethod
    def of_answer(cls, answer: Mapping[str, Any]) -> Permission:
        """Read what etcd says. The role root of etcd 3.6 has all keys under an empty name."""
        return cls(answer["permType"].lower(), KeyRange(answer["key"], answer["range_end"]))

    def to_dict(self) -> dict[str, Any]:
        """Return it as a person would write it."""
        first, end = (texts.for_people(one) for one in (self.keys.first, self.keys.end))
        if not self.keys.end:
            return {"access": self.access, "key": first}
        if self.keys.first in (b"", _TO_THE_LAST) and self.keys.end == _TO_THE_LAST:
            return {"access": self.access, "prefix": ""}
        if self.keys == KeyRange.beginning_with(self.keys.first):
            return {"access": self.access, "prefix": first}
        return {"access": self.access, "range": [first, "" if self.keys.end == _TO_THE_LAST else end]}

    @property
    def request(self) -> dict[str, Any]:
        """Return it as etcd's request has it."""
        return {"permType": self.access.upper(), "key": self.keys.first, "range_end": self.keys.end}


def _keys_of(place: str, value: Any, where: str) -> KeyRange:
    if place == "range":
        return _range_of(value, where)
    if not isinstance(value, str):
        raise BadInput(f"{where}: {place} is {value!r}; give a text.")
    if place == "prefix":
        return KeyRange.beginning_with(value.encode())
    if not value:
        raise BadInput(f"{where}: key is empty, and no key is; for every key write prefix: ''.")
    return KeyRange(value.encode())


def _range_of(value: Any, where: str) -> KeyRange:
    texts_given = isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(v, str) for v in value)
    if not texts_given or len(value) != 2 or not value[0]:
        raise BadInput(f"{where}: range is {value!r}; give the first key and the first one behind it, as two texts.")
    first, end = (one.encode() for one in value)
    if end and end <= first:
        raise BadInput(
            f"{where}: the range from {value[0]!r} to {value[1]!r} ends before it begins, and has no key. Exchange the "
            "two, or leave the second empty for all keys from the first on."
        )
    return KeyRange(first, end or _TO_THE_LAST)


def listed(values: Any, where: str) -> list[Permission]:
    """Read a list of permissions.

    :raises BadInput: one is wrong, or says something else of keys that another one names, too.
    """
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise BadInput(f"{where}: permissions is {values!r}; give a list.")
    found = [Permission.from_dict(one, where) for one in values]
    for at, one in enumerate(found):
        if any(one.keys == other.keys for other in found[:at]):
            raise BadInput(f"{where}: {one.keys} is named twice; write one permission for it, such as readwrite.")
    return found


@dataclass(frozen=True)
class Step:
    """A grant of these keys, or where C(grants) is none the end of whatever was granted of them."""

    keys: KeyRange
    grants: Permission | None = None


def steps(has: Sequence[Permission], wanted: Sequence[Permission], whole: bool) -> list[Step]:
    """Return what is to be done, what is granted first: at no moment a role lacks what it had and keeps.

    etcd replaces what it has of the same keys, but appends where the role also has the same first key with another
    end. What is there twice counts as both (server/auth/range_perm_cache.go), and is told apart by nothing.

    :param has: as etcd tells it, with what is there twice.
    :param whole: take away what is not wanted.
    """
    grants: list[Step] = []
    for one in wanted:
        now = _accesses(has, one.keys)
        if now == _parts_of(one.access):
            continue
        shares_first = any(other.keys != one.keys and other.keys.first == one.keys.first for other in [*has, *wanted])
        if now - _parts_of(one.access) and shares_first:
            grants.append(Step(one.keys))
        grants.append(Step(one.keys, one))
    kept = {one.keys for one in wanted}
    surplus = dict.fromkeys(one.keys for one in has if one.keys not in kept) if whole else {}
    return grants + [Step(keys) for keys in surplus]


def afterwards(has: Sequence[Permission], wanted: Sequence[Permission], whole: bool) -> list[dict[str, Any]]:
    """Return what a role will have, for a person."""
    named = {one.keys for one in wanted}
    return shown([*wanted, *(one for one in has if one.keys not in named and not whole)])


def shown(permissions: Iterable[Permission]) -> list[dict[str, Any]]:
    """Return permissions for a person: each once, in the order of their keys."""
    every = list(permissions)
    ordered = sorted(dict.fromkeys(one.keys for one in every), key=lambda keys: (keys.first, keys.end))
    return [Permission(_access_of(_accesses(every, keys)), keys).to_dict() for keys in ordered]


def _accesses(permissions: Iterable[Permission], keys: KeyRange) -> set[str]:
    return set().union(*(_parts_of(one.access) for one in permissions if one.keys == keys))


def _parts_of(access: str) -> set[str]:
    return {READ, WRITE} if access == READWRITE else {access}


def _access_of(parts: set[str]) -> str:
    return READWRITE if len(parts) == 2 else next(iter(parts))
