# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the statements about members of one machine have in common."""

from __future__ import annotations

MACHINE = "machine"
TOGETHER = (
    "etcd-host0, etcd-host1 and etcd-host2 are one machine and fail together: 3 members on 1 machine, and without it "
    "nobody is served."
)


def processes(cluster, count):
    """Which process each instance is: another one after a restart."""
    shown = f"for at in $(seq {count}); do systemctl show etcd$at --property MainPID --value; done"
    return cluster.on(MACHINE, shown).split()


def outages(cluster, count):
    """When each instance began its last stop and was ready again, in microseconds since the machine booted."""
    found = []
    for at in range(1, count + 1):
        shown = cluster.on(
            MACHINE,
            f"systemctl show etcd{at} --property ActiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic",
        )
        values = dict(line.split("=", 1) for line in shown.splitlines())
        found.append((int(values["ActiveExitTimestampMonotonic"]), int(values["ActiveEnterTimestampMonotonic"])))
    return sorted(found)


def voters(cluster):
    """Each member's name and id, where all are voters that have started and answer."""
    members = cluster.on(MACHINE, "etcdctl1 member list").splitlines()
    assert all(line.endswith(", false") and "unstarted" not in line for line in members), members
    cluster.on(MACHINE, "etcdctl1 endpoint health --cluster")
    return {line.split(", ")[2]: line.split(", ")[0] for line in members}
