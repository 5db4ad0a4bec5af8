# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which host or member a word of the operator names: C(etcd_fenced) and C(etcd_forget) are read here, and nowhere else.

A word is an inventory name, a member name, an address or a member ID. One that names nothing, or two things, is an
error: on the day it is needed a guess may cost the cluster its quorum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base import urls as _urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember


@dataclass(frozen=True)
class Identity:
    """All by which one host and its member are known.

    :param host: the inventory's name; empty for a member that lives on no host of the group.
    :param name: the member's name; empty for a member that has not started.
    :param member_ids: its member's own, then such as earlier members had there.
    :param addresses: IP addresses and DNS names, also such as only Ansible uses.
    :param peer_urls: its peer URLs, where it was observed.
    :param is_new: whether the host was observed and nothing on it shows that it is still a member.
    """

    host: str = ""
    name: str = ""
    member_ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    peer_urls: tuple[str, ...] = ()
    is_new: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """All words for it, the best first."""
        found = (self.name, self.host, *self.member_ids, *self.addresses)
        return tuple(dict.fromkeys(word for word in found if word))

    def is_named_by(self, words: Iterable[str]) -> bool:
        return not set(self.words).isdisjoint(words)

    @property
    def label(self) -> str:
        """It in messages: its best word, and the others."""
        first, *others = self.words
        return f"{first} ({', '.join(others)})" if others else first


def of_member(member: ClusterMember) -> Identity:
    """What a member list says of a member."""
    return Identity("", member.name, (member.id,), tuple(hosts_of(member.peer_urls)))


def hosts_of(urls: Iterable[str]) -> list[str]:
    """The hosts of URLs."""
    return list(dict.fromkeys(_urls.parse_url(url, "peer URL").host for url in urls))


def is_home(host: Identity, member: ClusterMember) -> bool:
    """Whether a member of the list lives, or lived, on a host.

    The ID tells. Of a host that was observed its own peer URLs tell too, but only with IP addresses: a DNS name may
    lead to a new machine while the old one goes on. Of a host that was not observed, all that the inventory says
    counts.
    """
    if member.id in host.member_ids:
        return True
    addresses = hosts_of(member.peer_urls)
    if host.is_new or host.member_ids:
        return set(host.peer_urls) == set(member.peer_urls) and all(map(_urls.as_ip, addresses))
    return host.name == member.name or bool({*host.addresses, normal(host.host)} & set(addresses))


def known(hosts: Iterable[Identity], members: Iterable[ClusterMember]) -> list[Identity]:
    """All that can be named: the hosts, each with the IDs of its members, and the members that live on none of them."""
    here = list(hosts)
    found = list(here)
    for member in members:
        homes = [at for at, one in enumerate(here) if is_home(one, member)]
        by_id = [at for at in homes if member.id in here[at].member_ids]
        by_name = [at for at in homes if here[at].name == member.name]
        if homes:
            at = (by_id or by_name or homes)[0]
            addresses = dict.fromkeys([*found[at].addresses, *hosts_of(member.peer_urls)])
            ids = dict.fromkeys([*found[at].member_ids, member.id])
            found[at] = replace(found[at], member_ids=tuple(ids), addresses=tuple(addresses))
        else:
            found.append(of_member(member))
    return found


def words_of(given: Any) -> tuple[str, ...]:
    """The words of a variable: a list, or what C(-e) makes of one, words with commas between them.

    :raises BadInput: it is neither.
    """
    items = [given] if isinstance(given, str) else given or ()
    if not isinstance(items, Sequence) or not all(isinstance(item, (str, int)) for item in items):
        raise BadInput(f"{given!r} must be a name, or a list of names.")
    words = [word.strip() for item in items for word in str(item).split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


def named(variable: str, given: Iterable[str], found: Sequence[Identity]) -> list[Identity]:
    """Whom the words of a variable name, in their order.

    :param found: all that can be named.
    :raises BadInput: a word names nothing, or two things.
    """
    unknown = unnamed(given, found)
    if unknown:
        raise BadInput(
            f"{variable} names {', '.join(unknown)}, which is no host of the group and no member of its cluster. It "
            f"could be: {'; '.join(one.label for one in found) or 'nothing at all'}. If it is gone already, leave it "
            "out."
        )
    return [_one(variable, word, found) for word in given]


def unnamed(given: Iterable[str], found: Iterable[Identity]) -> list[str]:
    """The words that name nothing."""
    everybody = list(found)
    return [word for word in given if not any(one.is_named_by((word, normal(word))) for one in everybody)]


def synonyms(given: Sequence[str], found: Iterable[Identity]) -> list[str]:
    """The words, and all others for whom they name: a host that is asked knows the members by other words."""
    words = {*given, *map(normal, given)}
    others = [word for one in found if one.is_named_by(words) for word in one.words]
    return list(dict.fromkeys([*given, *others]))


def word_for(one: Identity, found: Iterable[Identity]) -> str:
    """The best word that names it and nothing else."""
    taken = {word for other in found if other != one for word in other.words}
    return next((word for word in one.words if word not in taken), one.words[0])


def _one(variable: str, word: str, found: Iterable[Identity]) -> Identity:
    meant = [one for one in found if one.is_named_by((word, normal(word)))]
    if len(meant) > 1:
        raise BadInput(
            f"{variable} names {word}, which could be each of {' and '.join(one.label for one in meant)}. Say which by "
            f"a word that only one of them has: {' or '.join(word_for(one, meant) for one in meant)}."
        )
    return meant[0]


def normal(word: str) -> str:
    """One spelling of an IP address; anything else as it is."""
    address = _urls.as_ip(word.strip("[]"))
    return word if address is None else str(address)
