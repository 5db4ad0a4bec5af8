# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""Why the gate keeps a stopped member down although it has a log: its disk, its log or its machine is another one.

The gate decides for itself (C(_config.gate)); here the same is said before a member is stopped, or started in vain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Data

#: The ways out that need a person's word: the variable, and when to give it.
_WHEN = {
    "etcd_accept_mounts": "If the data were moved for good, and what is there now is the newest",
    "etcd_accept_machine": "If this is the member's own machine, built anew, and no other machine has its data",
}

_VOTES = "Started on it the member could bring acknowledged writes to nothing."


@dataclass(frozen=True)
class Obstacle:
    """What keeps a member down.

    :param code: the code of its refusal.
    :param found: what was found, with the host.
    :param remedy: what is safe.
    :param accept: the variable that is the other way out, or an empty string.
    :param name: what to name in it.
    """

    code: str
    found: str
    danger: str
    remedy: str
    accept: str = ""
    name: str = ""

    def refusal(self) -> Refused:
        return refusal([self])


def refusal(obstacles: Sequence[Obstacle]) -> Refused:
    """One refusal for several members: a command that is the way out for all of them is said once."""
    remedies = [obstacle.remedy for obstacle in obstacles]
    for variable, when in _WHEN.items():
        names = ",".join(dict.fromkeys(obstacle.name for obstacle in obstacles if obstacle.accept == variable))
        if names:
            remedies.append(f"{when}: ansible-playbook quorum.etcd.etcd -i INVENTORY -e {variable}={names}")
    codes = {obstacle.code for obstacle in obstacles}
    return Refused(
        " ".join(obstacle.found for obstacle in obstacles),
        " ".join(dict.fromkeys(obstacle.danger for obstacle in obstacles)),
        " ".join(dict.fromkeys(remedies)),
        code=codes.pop() if len(codes) == 1 else "gate-closed",
    )


def why_refused(
    marker: Marker, data: Data, machine_id: str, label: str, name: str, owners: Mapping[str, str]
) -> Obstacle | None:
    """What keeps a member with a log down.

    :param data: C(mounts), C(member_id), C(older_than) and C(path) of it.
    :param machine_id: the host's own, empty where it has none for good.
    :param name: what to name in C(-e).
    :param owners: member id -> label of the host whose marker has it.
    """
    log = log_obstacle(marker, data, label, name, owners)
    missing = sorted(set(marker.mounts) - set(data.mounts))
    if missing:
        return Obstacle(
            "mount-missing",
            f"{label}: {missing[0]} was a mount point when this member last served, and is none now.",
            "The disk with its newest data may be missing, and what lies below its mount point is an older copy.",
            f"Mount it on {label}: the member starts by itself.",
            "" if log else "etcd_accept_mounts",
            name,
        )
    if "" not in (marker.machine_id, machine_id) and marker.machine_id != machine_id:
        return log or Obstacle(
            "another-machine",
            f"{label} has the machine ID {machine_id}, and its member was set up on {marker.machine_id}.",
            "If this machine was cloned with its disk, two processes would run as one member.",
            "Switch off whichever of the two machines is the copy.",
            "etcd_accept_machine",
            name,
        )
    return log


def log_obstacle(marker: Marker, data: Data, label: str, name: str, owners: Mapping[str, str]) -> Obstacle | None:
    """What keeps a member down that has another one's log, or an older one."""
    found, own = data.member_id, marker.member_id
    if found and own and found != own:
        owner = f", which belong on {owners[found]}" if found in owners else ""
        return Obstacle(
            "data-swapped",
            f"{label} has the data of member {found} in {data.path}{owner}. Its own member is {own}.",
            "The data of two hosts were swapped, or another disk is mounted: on them one member would vote as another.",
            "Put the data back where they belong, while these members are stopped. If a host's own data are lost, move "
            "what lies there aside and run again: while the others serve, its member is replaced.",
        )
    if data.older_than:
        return Obstacle(
            "log-older",
            f"{label} has a log in {data.path} that ends before {data.older_than}, which its member had already: "
            "it is an older copy.",
            _VOTES,
            f"Mount the disk with the newer data on {label}: the member starts by itself. If they are lost, and while "
            f"the others serve, have it replaced: run once with etcd_member_state: absent for {name}, then once "
            "without that line. If the data of all members are older copies, recover from them (quorum.etcd.recover, "
            "with -e etcd_quorum_lost=true), or restore a snapshot.",
        )
    return None


def of_forced(label: str, source: str) -> Obstacle:
    """What is wrong with a unit that a rescue by hand has left like this."""
    return Obstacle(
        "force-new-cluster",
        f"{label}: etcd would start with force-new-cluster, because of {source}.",
        "Each start with it drops all other members from the cluster: two clusters would go on under one ID.",
        "Remove it there, then systemctl daemon-reload, and run again.",
    )
