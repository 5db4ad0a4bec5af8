# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member that lost its disk stays down, and nothing that was acknowledged is lost.

Started empty it would come back under its old id with an empty log, or found a cluster of its own.
"""

from __future__ import annotations

from itertools import product

import pytest
from machines import Machines
from members import Members
from playbook import Kill, Playbook

#: In memory, kept while a host is switched off. Hosts mount it at DATA_DIR themselves, so that it may be missing there.
DISK = "512m"
BY_NAME = True
DATA_DIR = "/srv/etcd"
FSTAB = f"/var/lib/etcd {DATA_DIR} none bind,nofail 0 0"

LOSER, *PEERS = Machines.names[::-1]

SAYINGS = {
    "wiped": [
        f"This member has run before, and there is no write-ahead log in {DATA_DIR}/member/wal: its data are gone.",
        "If a disk is missing, mount it: the unit tries again by itself.",
        "If the data are lost for good, run the playbook",
    ],
    "unmounted": [
        f"{DATA_DIR} was a mount point when this member last served, and is none now: its disk is missing.",
        "Mount it; the unit tries again by itself.",
    ],
}

SAMPLE = [("3.6.14", "wiped", "peers serve", "after a finished run")]
EVERY = product(
    ("3.5.33", "3.6.14", "3.7.1"),
    ("wiped", "unmounted"),
    ("peers serve", "peers are off", "peers are cut off"),
    ("after a finished run", "after a killed run"),
)


@pytest.mark.parametrize(
    ("version", "loss", "peers", "moment"),
    [pytest.param(*case, marks=() if case in SAMPLE else pytest.mark.matrix, id=", ".join(case)) for case in EVERY],
)
def test_a_member_that_lost_its_disk_stays_down(
    machines: Machines, playbook: Playbook, members: Members, version: str, loss: str, peers: str, moment: str
) -> None:
    _mount_disks(machines)
    _found(playbook, members, moment, etcd_version=version)
    members.write(Machines.names)

    _lose(machines, loss)
    _reboot(machines, peers)
    members.is_kept_down(LOSER, DATA_DIR, *SAYINGS[loss])

    _bring_back(machines, peers)
    members.write(PEERS)
    members.hold_every_acknowledged_write(PEERS)
    members.is_kept_down(LOSER, DATA_DIR, *SAYINGS[loss])

    if loss == "unmounted":
        _return(machines)
        members.awaited(LOSER)
        members.hold_every_acknowledged_write([LOSER])


@pytest.mark.matrix
def test_a_data_directory_that_is_gone_with_its_mount_is_picked_up_with_it(
    machines: Machines, playbook: Playbook, members: Members
) -> None:
    data_dir = f"{DATA_DIR}/data"
    _mount_disks(machines)
    _found(playbook, members, "after a finished run", etcd_data_dir=data_dir)
    members.write(Machines.names)

    _lose(machines, "unmounted")
    _reboot(machines, "peers serve")
    members.is_kept_down(LOSER, DATA_DIR, *SAYINGS["unmounted"])

    _return(machines)
    members.awaited(LOSER)
    members.hold_every_acknowledged_write([LOSER])


@pytest.mark.matrix
def test_a_stale_copy_below_a_missing_disk_is_not_started(
    machines: Machines, playbook: Playbook, members: Members
) -> None:
    """The data were moved to a disk of their own after the first start, and the old copy lies below its mount point.

    Started with the copy, the member would vote with a log that goes back.
    """
    _found(playbook, members, "after a finished run")
    members.write(Machines.names)
    copy = members.logs(LOSER, DATA_DIR)
    _move_to_disk(machines)
    members.awaited(LOSER)
    playbook.run_until_done(runs=1)
    members.write(Machines.names)

    _lose(machines, "unmounted")
    _reboot(machines, "peers serve")
    members.is_kept_down(LOSER, DATA_DIR, *SAYINGS["unmounted"], logs=copy)
    run = playbook.run()
    assert run.code != 0, run.output
    assert f"{LOSER}: {DATA_DIR} was a mount point when this member last served, and is none now." in run.said
    assert f"Mount it on {LOSER}: the member starts by itself." in run.said
    members.write(PEERS)
    members.is_kept_down(LOSER, DATA_DIR, *SAYINGS["unmounted"], logs=copy)

    _return(machines)
    members.awaited(LOSER)
    members.hold_every_acknowledged_write([LOSER])
    playbook.run_until_done(runs=1)


def _mount_disks(machines: Machines) -> None:
    for host in machines.names:
        machines.run(host, f"mkdir {DATA_DIR}; echo '{FSTAB}' >>/etc/fstab; systemctl daemon-reload; mount {DATA_DIR}")


def _move_to_disk(machines: Machines) -> None:
    """An operator gives the data a disk of their own, by hand."""
    machines.run(
        LOSER,
        f"systemctl stop etcd; cp -a {DATA_DIR}/. /var/lib/etcd; echo '{FSTAB}' >>/etc/fstab; systemctl daemon-reload;"
        f"mount {DATA_DIR}; systemctl start etcd",
    )


def _found(playbook: Playbook, members: Members, moment: str, **variables: str) -> None:
    """Found the cluster, by a run that ends well or by one that is killed when the members have just been started."""
    playbook.variables = {"etcd_data_dir": DATA_DIR, **variables}
    if moment == "after a finished run":
        run = playbook.run()
        assert run.done, run.output
    else:
        run = playbook.run(kill=Kill.at("Await the member"))
        assert run.killed, run.output
    for host in Machines.names:
        members.awaited(host)


def _lose(machines: Machines, loss: str) -> None:
    """From the next boot on the disk is empty, or not there."""
    machines.run(LOSER, f"rm -r {DATA_DIR}/member" if loss == "wiped" else f"sed -i 's|^{FSTAB}$||' /etc/fstab")


def _reboot(machines: Machines, peers: str) -> None:
    if peers == "peers are cut off":
        machines.cut_off(LOSER)
    machines.power_off(*(machines.names if peers == "peers are off" else [LOSER]))
    machines.power_on(LOSER)


def _bring_back(machines: Machines, peers: str) -> None:
    if peers == "peers are off":
        machines.power_on(*PEERS)
    machines.heal()


def _return(machines: Machines) -> None:
    """The disk is there again, and nobody tells the unit."""
    machines.run(LOSER, f"echo '{FSTAB}' >>/etc/fstab; mount {DATA_DIR}")
