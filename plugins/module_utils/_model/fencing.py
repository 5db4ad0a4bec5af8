# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The hosts whose machines are off by the operator's word, and the check that every other host has answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice, identity
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity

VARIABLE = "etcd_fenced"


@dataclass(frozen=True)
class Fenced:
    """What C(etcd_fenced) says.

    :param off: hosts of the group whose machines are off, in the inventory's order.
    :param words: what was given, and all other words for the same members: the others know a member by its own.
    """

    off: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"off": list(self.off), "words": list(self.words)}


def by_inventory(given: Sequence[str], hosts: Sequence[Identity]) -> Fenced:
    """Before any host was observed. A word that names no host may still be that of a member.

    :raises BadInput: a word names two hosts.
    """
    unknown = identity.unnamed(given, hosts)
    return _of(given, identity.named(VARIABLE, [word for word in given if word not in unknown], hosts), hosts)


def by_members(given: Sequence[str], hosts: Sequence[Identity], members: Sequence[ClusterMember]) -> Fenced:
    """Once the hosts were observed.

    :param members: those of the cluster, by what the hosts say.
    :raises BadInput: a word names nothing, or two things.
    """
    found = identity.known(hosts, members)
    return _of(given, identity.named(VARIABLE, given, found), hosts)


def check_heard(
    fenced: Fenced, given: Sequence[str], unheard: Mapping[str, str], refused: Mapping[str, str], danger: str
) -> None:
    """Every host has answered, or its machine is off.

    :param unheard: host -> why it gave no answer.
    :param refused: host -> what it answered instead: its machine is on.
    :param danger: of going on without it.
    :raises Refused: a host has not.
    """
    missing = {host: why for host, why in unheard.items() if host not in fenced.off}
    on = {host: why for host, why in refused.items() if host not in fenced.off}
    if missing or on:
        found = [f"{host} gave no answer: {why.strip().rstrip('.')}." for host, why in missing.items()]
        found += [f"{host} was refused: {why.strip().rstrip('.')}." for host, why in on.items()]
        reaching = f" If its machine is off for good: {advice.fencing([*given, *missing])}" if missing else ""
        raise Refused(
            " ".join(found), danger, f"See that every host can be looked at.{reaching}", code="host-unreachable"
        )


def check_silent(heard: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """None of those whose machines are said to be off shows a sign of life.

    :param heard: host -> whom it has heard, see C(last_known_members.answering).
    :raises Refused: one does.
    """
    for host, members in heard.items():
        for one in members:
            raise Refused(
                f"{VARIABLE} names {one['name']}, and asked from {host} it {one['answer']}.",
                "It may go on with others of its kind, or come back beside the cluster that is founded next.",
                f"Switch its machine off, or cut it off for good. Or take it out of {VARIABLE}, so that it is stopped "
                "with the others. If something else has its address by now, take its line out of the inventory too. "
                "Then run again.",
                code="fenced-machine-runs",
            )


def _of(given: Sequence[str], named: Sequence[Identity], hosts: Sequence[Identity]) -> Fenced:
    off = {one.host for one in named if one.host}
    words = identity.synonyms(given, named)
    return Fenced(tuple(one.host for one in hosts if one.host in off), tuple(words))
