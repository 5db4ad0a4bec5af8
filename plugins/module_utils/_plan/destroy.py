# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The plan to take a whole cluster away.

Every host ends each act before any begins the next: no new cluster may be founded while an old member can still run.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._model.destroy_acts import (
    ArchiveForGood,
    OfDestruction,
    RemoveMarker,
    StopForGood,
)
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Step
from ansible_collections.quorum.etcd.plugins.module_utils._plan.plan import Plan

_ACTS: tuple[type[OfDestruction], ...] = (StopForGood, ArchiveForGood, RemoveMarker)


def plan(hosts: Sequence[str]) -> Plan:
    """Return the steps.

    :param hosts: those whose machines are on, in the inventory's order.
    """
    named = ", ".join(hosts)
    waves = tuple(tuple(Step(host, kind.text.format(hosts=named), kind()) for host in hosts) for kind in _ACTS)
    return Plan("take the whole cluster away", waves, notes=("files, certificates and releases stay on the hosts",))
