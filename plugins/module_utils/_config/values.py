# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Values of settings, read as etcd's Go parsers read them, from what YAML and INI inventories hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Union

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._base.urls import check_listen, parse_urls, texts

#: A setting's value: durations stay text in Go's notation, URLs are a list of texts, feature gates a mapping.
Value = Union[bool, int, str, list[str], dict[str, bool]]

_INTEGERS: dict[str, tuple[int, int]] = {
    "int": (-(2**63), 2**63 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint": (0, 2**64 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
# systemd refuses a variable with a control character, and a line break would be a setting of its own.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def read(kind: str, value: Any, name: str) -> Value:
    """A value of a type of C(_config.flags).

    :param kind: the type.
    :param value: what the user wrote.
    :param name: the setting, for the message.
    :raises BadInput: when the value is of another type.
    """
    if value in ("", [], {}):
        raise BadInput(f"{name} is empty, which etcd takes for not set. Leave it out; null takes a default out.")
    if kind == "bool":
        return _bool(value, name)
    if kind in _INTEGERS:
        return _integer(value, name, *_INTEGERS[kind])
    if kind == "key=bool list":
        return _gates(value, name)
    if kind == "string list":
        return [_safe(item, name) for item in texts(value, name)]
    if kind == "urls":
        return _urls(value, name)
    text = _string(value, name)
    if kind == "duration":
        duration(text, name)
    return text


def text_of(value: Value) -> str:
    """A value as etcd reads it from a flag or from the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{key}={text_of(value[key])}" for key in sorted(value))
    return ",".join(value) if isinstance(value, list) else str(value)


def duration(text: str, name: str) -> int:
    """A duration in Go's notation, such as C(1h30m) or C(500ms), in nanoseconds (https://pkg.go.dev/time#ParseDuration).

    :param name: the setting, for the message.
    :raises BadInput: when the text is none, or negative.
    """
    if text == "0":
        return 0
    if not _DURATION.fullmatch(text):
        unit = f": its unit is missing. Write {text}s, {text}m or {text}h" if text.isdigit() else ""
        raise BadInput(f"{name} is '{text}', which is no duration such as 500ms, 10s, 5m or 1h30m{unit}.")
    return sum(_nanoseconds(number, _NANOSECONDS[unit]) for number, unit in _PART.findall(text))


def _nanoseconds(number: str, unit: int) -> int:
    whole, _point, fraction = number.partition(".")
    return int(whole or "0") * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def _bool(value: Any, name: str) -> bool:
    try:
        return bool(boolean(value))
    except TypeError:
        raise BadInput(f"{name} is '{value}'. Write true or false.") from None


def _integer(value: Any, name: str, low: int, high: int) -> int:
    text = "" if isinstance(value, bool) else str(value).strip()
    if not re.fullmatch(r"-?[0-9]{1,20}", text, re.ASCII):
        raise BadInput(f"{name} is '{value}', which is no whole number. Write digits only, without a unit.")
    if not low <= int(text) <= high:
        raise BadInput(f"{name} is {text}. Use a number from {low} to {high}.")
    return int(text)


def _string(value: Any, name: str) -> str:
    if isinstance(value, Mapping):
        value = json.dumps(value, sort_keys=True)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadInput(f"{name} is {value!r}. Write a text; quote it where YAML would take it for something else.")
    return _safe(str(value), name)


def _urls(value: Any, name: str) -> list[str]:
    if name == "cors" and value == "*":
        return ["*"]
    urls = parse_urls(value, name)
    if name.startswith("listen-"):
        check_listen({name: urls})
    return [str(url) for url in urls]


def _gates(value: Any, name: str) -> dict[str, bool]:
    if isinstance(value, Mapping):
        pairs = [(str(gate), setting) for gate, setting in value.items()]
    else:
        pairs = [(gate, setting) for gate, _equals, setting in (item.partition("=") for item in texts(value, name))]
    return {_safe(gate.strip(), name): _bool(setting, f"{name} {gate}") for gate, setting in pairs}


def _safe(text: str, name: str) -> str:
    if _CONTROL.search(text):
        raise BadInput(f"{name} has a line break or another control character in it. Write it on one line.")
    return str(text)
