# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""One inventory for every release of an upgrade: settings under the names that a release knows them by.

etcd renames settings from one minor to the next and reads an unknown one as nothing, without a word. What has another
name is written under that. What is gone for good stays as it is, so that it is refused before anything stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._config.flags import (
    FEATURE_GATES,
    FLAGS,
    GATE_OF,
    SUCCESSOR,
)
from ansible_collections.quorum.etcd.plugins.module_utils._config.values import read

_GATES = "feature-gates"


def for_release(settings: Mapping[str, Any], minor: int, asked: int) -> dict[str, Any]:
    """Return settings under the names of one minor.

    :param settings: C(etcd_settings) as given.
    :param minor: of etcd 3, which will read them.
    :param asked: the minor that the inventory asks for. On the way to it a setting that an older release does not know
        yet is left out: the member gets it with the release that does.
    :raises BadInput: a value cannot be read.
    """
    found = dict(settings)
    for name, value in settings.items():
        flag = FLAGS.get(str(name))
        if flag is not None and minor > flag.last:
            _forward(found, str(name), value)
        elif flag is not None and minor < flag.first and minor < asked:
            _back(found, str(name), value, minor)
    if minor < asked and found.get(_GATES):
        known = [gate for gate, (first, _last) in FEATURE_GATES.items() if first <= minor]
        later = set(FEATURE_GATES) - set(known)
        found[_GATES] = {gate: on for gate, on in _read_gates(found[_GATES]).items() if gate not in later} or None
    return found


def notes(settings: Mapping[str, Any], minor: int) -> Iterator[str]:
    """Say what is written under another name than the inventory has."""
    for name in map(str, settings):
        if name in FLAGS and minor > FLAGS[name].last and _has_another_name(name):
            new = f"the gate {GATE_OF[name]} of {_GATES}" if name in GATE_OF else SUCCESSOR[name]
            yield f"etcd_settings has {name}, which etcd 3.{minor} knows as {new}, and is written so. Do it likewise."


def _has_another_name(name: str) -> bool:
    return name in GATE_OF or (name in SUCCESSOR and name != "log-package-levels")


def _forward(found: dict[str, Any], name: str, value: Any) -> None:
    """The name that came after. One that is given already outranks it."""
    if not _has_another_name(name):
        return
    del found[name]
    if name == "debug":
        # False says nothing of the level.
        if value is not None and read("bool", value, name):
            found.setdefault("log-level", "debug")
    elif name in GATE_OF:
        on = value is not None and read("bool", value, name)
        found[_GATES] = {GATE_OF[name]: on, **_read_gates(found.get(_GATES))}
    else:
        found.setdefault(SUCCESSOR[name], value)


def _back(found: dict[str, Any], name: str, value: Any, minor: int) -> None:
    """The name that came before, where there was one."""
    del found[name]
    if name != _GATES:
        before = {old: value for old, new in SUCCESSOR.items() if new == name and old.startswith("experimental-")}
    elif value is None:
        # It takes the default out.
        before = {"experimental-initial-corrupt-check": None}
    else:
        gates = _read_gates(value)
        before = {old: gates[gate] for old, gate in GATE_OF.items() if gate in gates}
    for old, its_value in before.items():
        if FLAGS[old].first <= minor <= FLAGS[old].last:
            found.setdefault(old, its_value)


def _read_gates(value: Any) -> dict[str, Any]:
    typed = read(FLAGS[_GATES].kind, value, _GATES) if value else {}
    return dict(typed) if isinstance(typed, dict) else {}
