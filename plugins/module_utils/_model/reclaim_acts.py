# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a step does when the space of databases is reclaimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act


@dataclass(frozen=True)
class Compact(Act):
    """Compact the history of the cluster.

    :param endpoints: of the member that is asked.
    :param keep_revisions: how many of the newest revisions stay.
    """

    kind = "compact"
    task = "Compact"
    is_long = True
    endpoints: Sequence[str]
    keep_revisions: int

    def outcome(self, result: Mapping[str, Any]) -> str:
        return "of {current_revision} revisions those from {oldest_revision} on are kept".format(**result)


@dataclass(frozen=True)
class Defragment(Act):
    """Defragment the database of one member. It answers nobody meanwhile.

    :param allow_outage: whether a cluster that cannot spare a member may be without it.
    """

    kind = "defragment"
    task = "Defragment"
    is_long = True
    allow_outage: bool


@dataclass(frozen=True)
class Disarm(Act):
    """Disarm the alarm of databases that were full.

    :param endpoints: of the member that is asked.
    """

    kind = "disarm"
    task = "Disarm the alarm"
    endpoints: Sequence[str]
