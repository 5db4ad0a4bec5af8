# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Which host of a cluster does what is done once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import snapshot_manifest
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest

_NOT_ASKED = "it was not asked, or did not answer."


def leader_last(hosts: Sequence[str], leaders: Mapping[str, bool]) -> list[str]:
    """Return hosts in the order in which their members can be spared.

    :param leaders: host -> whether its member leads.
    """
    return sorted(hosts, key=lambda host: leaders.get(host, False))


def savers(told: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the hosts that can save a snapshot, the healthiest follower first.

    :param told: host -> C(rank) where it can, see C(etcd_internal_snapshot_now).
    """
    ranked = {host: one["rank"] for host, one in told.items() if "rank" in one}
    return sorted(ranked, key=lambda host: ranked[host])


def passed_over(hosts: Sequence[str], told: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return why each of the others cannot, for a person.

    :param hosts: all of the group.
    """
    fit = savers(told)
    return [f"{host}: {told.get(host, {}).get('problem', _NOT_ASKED)}" for host in hosts if host not in fit]


def newest_of(manifests: Mapping[str, Manifest]) -> str:
    """Return the host that has the newest snapshot, empty if nobody has one.

    :param manifests: host -> that of its own newest.
    """
    ordered = snapshot_manifest.in_order(manifests, lambda host: manifests[host])
    return ordered[-1] if ordered else ""
