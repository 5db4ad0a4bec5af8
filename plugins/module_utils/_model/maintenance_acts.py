# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a step does when hosts are taken out of service, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.quorum.etcd.plugins.module_utils._model.acts import Act, Presuming


@dataclass(frozen=True)
class Drain(Presuming):
    """Stop the member of a host whose machine is about to be maintained.

    :param owner: name and process of who maintains.
    :param lasts: seconds after which nobody is held up by it any more.
    :param machine: ids of all members that are down while this machine is.
    :param predecessor: the revision of the key of a run that is gone; 0 without one.
    :param allow_outage: whether a cluster that cannot spare the member may be without it.
    """

    kind = "drain"
    task = "Drain the host"
    owner: Sequence[str] = ()
    lasts: int = 0
    machine: Sequence[str] = ()
    predecessor: int = 0
    allow_outage: bool = False


@dataclass(frozen=True)
class RunTasks(Act):
    """Do what the operator has written for a host. The role includes the file, and no module is called.

    :param file: an absolute path on the controller.
    """

    kind = "run-tasks"
    task = "Announce the tasks of a file"
    file: str


@dataclass(frozen=True)
class Undrain(Presuming):
    """Bring the member of a host back, and see that it is caught up and connected.

    :param owner: name and process of who maintains.
    :param goes_on: the maintenance of this host is not over yet: what it remembers stays.
    :param is_given_up: no run goes on with it: it counts as drained no more, whether or not its member comes back.
    """

    kind = "undrain"
    task = "Bring the host back"
    is_long = True
    owner: Sequence[str] = ()
    goes_on: bool = False
    is_given_up: bool = False


@dataclass(frozen=True)
class EndMaintenance(Act):
    """Let others act on the cluster again.

    :param owner: name and process of who maintains.
    :param endpoints: client URLs of all members.
    :param is_any_run: also where another run of this owner has begun it.
    """

    kind = "end-maintenance"
    task = "End the maintenance"
    owner: Sequence[str]
    endpoints: Sequence[str]
    is_any_run: bool = False


#: All of them.
KINDS = (Drain, RunTasks, Undrain, EndMaintenance)
