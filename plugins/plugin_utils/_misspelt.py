# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""Finds variables that are probably misspelt names of the roles' own: Ansible ignores those without a word."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import registered

_ROLES = Path(__file__).resolve().parents[2] / "roles"

#: Names that are meant, however near to one of the role's they are.
EXEMPT = "etcd_known_variables"

# The roles have no default for them: what the guides call it, and what the playbooks read themselves.
_OTHERS = {"ETCD_NODES", "etcd_members"}


@functools.cache
def known() -> frozenset[str]:
    """The names of all variables of the roles, of whichever entry point."""
    found = set(_OTHERS)
    for path in _ROLES.glob("*/meta/argument_specs.yml"):
        # Ansible's own loader remembers of each value where it stands, and takes ten times as long.
        specs = yaml_load(path.read_text(encoding="utf-8"))["argument_specs"]
        found.update(name for entry in specs.values() for name in entry.get("options", {}))
    return frozenset(found)


def check_host(host: str, variables: Iterable[str], exempt: Any, hostvars: Any) -> None:
    """Refuse the near misses among the variables of one host. What a task has registered counts for nothing.

    :raises BadInput: see C(check).
    """
    check(set(variables) - registered(hostvars, host), exempt)


def check(names: Iterable[str], exempt: Any) -> None:
    """Refuse names that are nearly those of the roles' variables.

    :param names: of the variables of one host.
    :param exempt: C(etcd_known_variables).
    :raises BadInput: with a text for each of them.
    """
    meant = [exempt] if isinstance(exempt, str) else exempt or []
    if not isinstance(meant, Collection) or isinstance(meant, Mapping):
        raise BadInput(f"{EXEMPT} is {exempt!r}. Give a list of names.")
    problems = []
    for name in sorted({str(name) for name in names} - known() - {str(one) for one in meant}):
        near = nearest(name)
        if near:
            problems.append(
                f"{name} is no variable of quorum.etcd and would be ignored. Did you mean {near}? If it is a variable "
                f"of your own, list it: {EXEMPT}: [{name}]"
            )
    if problems:
        raise BadInput(*problems)


def nearest(name: str) -> str:
    """The variable of a role that a name is a misspelling of; empty if it is none."""
    if not name.startswith(("etcd_", "ETCD_")):
        return ""
    found = [(distance(name, own), own) for own in sorted(known()) if own[:5] == name[:5] and _is_near(name, own)]
    return min(found, default=(0, ""))[1]


def _is_near(name: str, own: str) -> bool:
    """At most two slips in all; in a word of up to five letters only one, for it would be another word with two."""
    if abs(len(name) - len(own)) > 2:
        return False
    given, right = name.split("_"), own.split("_")
    if len(given) != len(right):
        return distance(name, own) <= 2
    slips = [distance(one, other) for one, other in zip(given, right)]
    return sum(slips) <= 2 and all(slip <= (2 if len(other) > 5 else 1) for slip, other in zip(slips, right))


def distance(one: str, other: str) -> int:
    """How many letters were left out, added, replaced or exchanged with their neighbour (Damerau-Levenshtein)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        this = [row]
        for column, right in enumerate(other, 1):
            best = min(last[column] + 1, this[column - 1] + 1, last[column - 1] + (letter != right))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == right:
                best = min(best, before[column - 2] + 1)
            this.append(best)
        before, last = last, this
    return last[-1]
