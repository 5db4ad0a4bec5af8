# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""The members of a cluster in one line, C(-e etcd_members=NAME:ADDRESS,...), in place of an inventory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.plugin_utils import _host_names

_EXAMPLE = "-e etcd_members=host0:10.0.0.1,host1:10.0.0.2,host2:10.0.0.3"

Hostvars = Mapping[str, Mapping[str, Any]]


class Named(NamedTuple):
    """A member.

    :param address: in its shortest form.
    """

    name: str
    address: str


def parse(given: Any) -> list[Named]:
    """Read the line. Commas or blanks stand between members; a list is taken as well.

    :raises BadInput: with a text for each mistake.
    """
    texts = given if isinstance(given, Sequence) and not isinstance(given, str) else re.split(r"[,\s]+", str(given))
    words = [str(text).strip() for text in texts if str(text).strip()]
    if not words:
        raise BadInput(f"etcd_members names no member. Give each its name and address: {_EXAMPLE}")
    findings = Findings()
    members = [member for member in (findings.run(_one, word) for word in words) if member]
    for field, what in ((0, "name"), (1, "address")):
        findings.run(_check_once, [member[field] for member in members], what)
    findings.end()
    return members


def _one(word: str) -> Named:
    name, colon, address = word.partition(":")
    if not colon or not address:
        raise BadInput(f"etcd_members has {word!r}. Give each member its name and its address, as in {_EXAMPLE}")
    if not _host_names.is_usable(name):
        raise BadInput(f"etcd_members has {word!r}, and {name!r} cannot be a member's name. Use {_host_names.ALLOWED}.")
    return Named(name, urls.normal_host(address, f"etcd_members, {name}"))


def _check_once(values: Sequence[str], what: str) -> None:
    twice = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if twice:
        raise Refused(
            f"etcd_members has the {what} {', '.join(twice)} twice.",
            "Members would be mistaken for each other, or one machine would have two votes.",
            "Members that share a machine need an inventory, whose lines say for good which instance each is "
            "(etcd_instance=etcd1, etcd_instance=etcd2). Else give each its own name and the address of its own "
            f"machine: {_EXAMPLE}",
            code="members-twice",
        )


def group_of(given: Any, usual: str) -> str:
    """The group that gets them.

    :param given: C(etcd_group).
    :raises BadInput: it names several.
    """
    texts = given if isinstance(given, Sequence) and not isinstance(given, str) else str(given or usual).split(",")
    words = [str(text).strip() for text in texts if str(text).strip()]
    if len(words) != 1:
        raise BadInput(
            f"etcd_members are those of one cluster, and etcd_group names {len(words)}. Name one: -e etcd_group={usual}"
        )
    return words[0]


def check_inventory(members: Sequence[Named], group: str, groups: Mapping[str, Sequence[str]], known: Hostvars) -> None:
    """See that an inventory that is given as well says nothing else.

    :param known: the variables of its hosts.
    :raises Refused: it has other members, or other addresses.
    """
    given = {member.name: member.address for member in members}
    others = [host for host in groups.get(group, ()) if host not in given]
    moved = [host for host in given if host in known and _is_elsewhere(known[host].get("ansible_host"), given[host])]
    named = [host for host in given if host in groups]
    found = [
        *([f"the group {group} of the inventory has {', '.join(others)}, too"] if others else []),
        *(f"the inventory has {host} at {known[host]['ansible_host']}, not {given[host]}" for host in moved),
        *(f"{host} is a group of the inventory" for host in named),
    ]
    if found:
        raise Refused(
            f"Beside etcd_members, {'; and '.join(found)}.",
            "A cluster of other members than you mean would be founded, or changed.",
            "Say who the members are in one place: leave -e etcd_members out, or give no inventory. For a cluster "
            "beside those of the inventory name a group of its own: -e etcd_group=NAME",
            code="members-and-inventory",
        )


def _is_elsewhere(given: Any, address: str) -> bool:
    if given is None:
        return False
    try:
        return urls.normal_host(str(given), "ansible_host") != address
    except BadInput:
        return True
