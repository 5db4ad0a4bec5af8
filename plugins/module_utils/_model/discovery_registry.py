# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a discovery service knows of one token, and whether a cluster may be founded by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._base.findings import Findings
from ansible_collections.quorum.etcd.plugins.module_utils._model import initial_cluster

_ANOTHER = (
    "Take another token: leave it out, and the run makes one (etcd_discovery_token; etcd_discovery_url ends with a "
    "slash then). If nothing else uses this one, remove it with the module quorum.etcd.etcd_discovery, state: absent."
)


@dataclass(frozen=True)
class Registered:
    """One member as it has registered itself.

    :param id: in lower-case hex, by which the service has it.
    :param name: what stands there where that is no C(name=url,...).
    """

    id: str
    name: str
    peer_urls: tuple[str, ...] = ()

    @classmethod
    def from_text(cls, member_id: str, text: str) -> Registered:
        """Read what a member has written: C(name=url,name=url)."""
        try:
            found = initial_cluster.read(text.strip(), "the registration")
        except BadInput:
            found = {}
        if len(found) != 1:
            return cls(member_id, text)
        name, urls = next(iter(found.items()))
        return cls(member_id, name, tuple(sorted(urls)))

    @property
    def label(self) -> str:
        return f"{self.name} ({', '.join(self.peer_urls) or 'unreadable'})"


@dataclass(frozen=True)
class Registry:
    """One token.

    :param size: how many members found a cluster by it; empty where the token is not there.
    :param members: who has registered so far, the first one first.
    """

    size: str = ""
    members: tuple[Registered, ...] = ()

    @property
    def is_there(self) -> bool:
        return bool(self.size or self.members)

    def has(self, name: str) -> bool:
        """Whether a member of this name has registered."""
        return any(one.name == name for one in self.members)

    def to_dict(self) -> dict[str, Any]:
        found = [{**asdict(one), "peer_urls": list(one.peer_urls)} for one in self.members]
        return {"exists": self.is_there, "size": int(self.size) if self.size.isdigit() else 0, "members": found}

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Registry:
        """Read what C(etcd_discovery) returned."""
        members = [Registered(one["id"], one["name"], tuple(one["peer_urls"])) for one in result["members"]]
        return cls(str(result["size"]) if result["exists"] else "", tuple(members))


def check_waiting(registry: Registry, token: str, waiting: Collection[str]) -> None:
    """Do those that wait at a service wait at this one?

    :param waiting: their names.
    :raises Refused: they are not registered there.
    """
    missing = [name for name in waiting if not registry.has(name)]
    if missing:
        raise Refused(
            f"By the token {token} this discovery service does not have {', '.join(missing)}, which runs and waits for "
            "the others.",
            "It waits elsewhere or in vain, and who starts now would wait for it.",
            "If etcd_discovery_* has changed since they were started, put it back and run again. Else the service has "
            "lost what it had, or they have not reached it yet: stop them on their hosts (systemctl stop etcd, or its "
            "etcd_instance). No member has data yet: all start anew with the next run.",
            code="founders-changed",
        )


def check(
    registry: Registry, token: str, wanted: Mapping[str, Sequence[str]], begun: Collection[str], makes: bool
) -> None:
    """Is this the token of exactly these members?

    :param wanted: names and peer URLs of all.
    :param begun: those of them that an interrupted run may have started.
    :param makes: the run itself makes the token.
    :raises Refused: it is not; with every reason.
    """
    if not registry.is_there:
        if makes:
            return
        raise Refused(
            f"The discovery service has no token {token}.",
            "Each member would end at once: without a size etcd does not know for how many others it is to wait.",
            "Leave the token out, and the run makes one (etcd_discovery_token; etcd_discovery_url ends with a slash "
            "then); or make this one with the module quorum.etcd.etcd_discovery, with "
            f"size: {len(wanted)}.",
            code="discovery-token-missing",
        )
    found = Findings()
    if registry.size != str(len(wanted)):
        found.refuse(
            [
                Refused(
                    f"The discovery token {token} is for {registry.size or 'no number of'} members, and the inventory "
                    f"has {len(wanted)}.",
                    "With a larger size they would wait for members that never come. With a smaller one the first of "
                    "them would found a cluster without the others.",
                    _ANOTHER,
                    code="discovery-size",
                )
            ]
        )
    ours = [
        one for one in registry.members if one.peer_urls and sorted(wanted.get(one.name, ())) == list(one.peer_urls)
    ]
    strangers = [one for one in registry.members if one not in ours]
    if strangers:
        found.refuse(
            [
                Refused(
                    f"At the discovery token {token} there is {', '.join(one.label for one in strangers)}, which is no "
                    "member by the inventory.",
                    "It would become a member of the new cluster in place of one of yours.",
                    _ANOTHER,
                    code="discovery-stranger",
                )
            ]
        )
    used = [one for one in ours if one.name not in begun]
    if used:
        found.refuse(
            [
                Refused(
                    f"The discovery token {token} was used before: {', '.join(one.label for one in used)} registered "
                    "there, and nothing on its host says so.",
                    "It may be a member of the cluster that was founded by it. Started without its data it would come "
                    "back under its old id with an empty log, and could bring acknowledged writes to nothing.",
                    f"If that cluster is gone for good: {_ANOTHER[0].lower()}{_ANOTHER[1:]}",
                    code="discovery-used",
                )
            ]
        )
    found.end()
