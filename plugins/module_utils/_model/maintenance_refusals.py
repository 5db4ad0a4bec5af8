# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Why nobody else acts on a cluster whose hosts are under maintenance, and what is safe then."""

from __future__ import annotations

import time

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import advice
from ansible_collections.quorum.etcd.plugins.module_utils._model.maintenance_key import KEY, Drained, Holder

#: The code of what keeps everybody else from the cluster's lock.
HELD = "maintenance-held"


def of_holder(holder: Holder) -> Refused:
    """Somebody else maintains the hosts."""
    if not holder.lease:
        return Refused(
            f"The key {KEY} ({holder.owner.name or 'no name'}) has no lease, so it does not expire and is no lock: "
            "it was copied from another cluster or written by hand.",
            "It says that hosts of this cluster are under maintenance, which nobody keeps up.",
            f"If nobody maintains them, remove it: etcdctl del {KEY}",
            code="maintenance-held",
        )
    return Refused(
        f"The hosts of this cluster are under maintenance by {holder.owner.name or '(no name)'}.",
        "One of them is down for it, or about to be: another one less could cost the quorum.",
        "Let it go on: it ends by itself. If its run is gone, the same command goes on with it, and this ends it: "
        f"{advice.undrain(holder.owner.name)}",
        code="maintenance-held",
    )


def of_drained(label: str, drained: Drained) -> Refused:
    """A host is drained.

    :param label: the host in messages.
    """
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(drained.until))
    return Refused(
        f"{label} is drained by {drained.owner} until {until}.",
        "Its member is neither started nor updated meanwhile: somebody is at work on the machine.",
        f"Once that is done: {advice.undrain(drained.owner)}",
        code="host-drained",
    )


def of_other_run(process: str, owner: str) -> Refused:
    """Another run of the same person maintains the hosts, or has drained one and may be at work on it."""
    return Refused(
        f"The hosts of this cluster are under maintenance by another run of {owner} (process {process}), and this "
        "controller does not know that it has ended.",
        "Two at once could take more hosts out of service than the cluster can spare.",
        f"Wait for its end, and run again. If it is gone, this ends its maintenance: {advice.undrain(owner)}",
        code="maintenance-held",
    )
