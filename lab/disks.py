# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk of its own for a host: fast, small enough to be filled, and kept while the host is switched off."""

from __future__ import annotations

import os

from lab.commands import LabError, output
from lab.state import Host, Lab


def ensure_disk(lab: Lab, host: Host) -> None:
    """Mount the host's disk on this machine, for the container to bind. A tmpfs of the container's own would be
    empty after each boot.

    :raises LabError: it takes root to mount.
    """
    place = lab.disk(host)
    if not host.disk or os.path.ismount(place):
        return
    if os.geteuid() != 0:
        raise LabError("A disk of its own for a host (--data-tmpfs) takes root: leave it out, or use sudo.")
    place.mkdir(parents=True, exist_ok=True)
    output(["mount", "-t", "tmpfs", "-o", f"size={host.disk},mode=0755", f"{lab.prefix}-{host.name}", str(place)])


def remove_disk(lab: Lab, host: Host) -> None:
    if os.path.ismount(lab.disk(host)):
        output(["umount", str(lab.disk(host))])
