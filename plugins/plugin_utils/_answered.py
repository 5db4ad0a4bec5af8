# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can change at any time.

"""What every host of a cluster has registered, where none may be missing but those whose machines are off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import fencing, identity, topology
from ansible_collections.quorum.etcd.plugins.module_utils._model.answers import ClusterMember
from ansible_collections.quorum.etcd.plugins.module_utils._model.identity import Identity
from ansible_collections.quorum.etcd.plugins.plugin_utils._planned import Request

_NOT_ASKED = "it was left out of this run (--limit or serial)"


def answers(request: Request, danger: str) -> tuple[dict[str, Mapping[str, Any]], tuple[str, ...]]:
    """Return what each host says whose machine is on, and the hosts whose machines are off.

    :param danger: of going on without one.
    :raises EtcdError: a host gave no answer, or one that is said to be off is on.
    """
    variables, given = request.hostvars, identity.words_of(request.arguments["fenced"])
    told = {name: _told(variables[name].get("__etcd_looked")) for name in request.members}
    fenced = fencing.by_members(given, *_named(request))
    unheard, refused = ({name: one[why] for name, one in told.items() if why in one} for why in ("unheard", "refused"))
    fencing.check_heard(fenced, given, unheard, refused, danger)
    fencing.check_silent({name: one.get("heard", ()) for name, one in told.items()})
    return {name: one for name, one in told.items() if name not in fenced.off}, fenced.off


def known(request: Request) -> list[Identity]:
    """Return all that can be named: the hosts, and the members of their cluster that live on none of them."""
    return identity.known(*_named(request))


def _named(request: Request) -> tuple[list[Identity], list[ClusterMember]]:
    variables = request.hostvars
    told = {name: _told(variables[name].get("__etcd_looked")) for name in request.members}
    members = {one["id"]: ClusterMember.from_dict(one) for looked in told.values() for one in looked.get("members", ())}
    hosts = [_observed(topology.identity_of(name, variables[name]), told[name]) for name in request.members]
    return hosts, list(members.values())


def _observed(host: Identity, told: Mapping[str, Any]) -> Identity:
    if "member_id" not in told:
        return host
    return replace(host, member_ids=tuple(filter(None, [told["member_id"]])), is_new=not told["member_id"])


def _told(looked: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a host has registered, or why it has not."""
    if looked is None or looked.get("skipped"):
        return {"unheard": _NOT_ASKED}
    if looked.get("unreachable") or looked.get("failed"):
        return {"unheard" if looked.get("unreachable") else "refused": str(looked.get("msg", "no result"))}
    return looked
