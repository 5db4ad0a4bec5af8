# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The distribution's own package of etcd on a host, whose scripts take the member for theirs where its unit is
C(etcd.service).
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.quorum.etcd.plugins.module_utils._model import packages
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host

# invoke-rc.d(8) and deb-systemd-invoke(1p) ask it, and do nothing where it ends with 101.
_KEPT = (
    "test -e /usr/sbin/policy-rc.d || { printf '%s\\n' '#!/bin/sh' 'case \"$1\" in etcd|etcd.service) exit 101;; esac' "
    "> /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d; } && apt-mark hold etcd-server"
)


def warnings(hosts: Sequence[Host]) -> list[str]:
    """What the scripts of that package would do to members, and the commands that keep it from them."""
    having = [host for host in hosts if _has(host)]
    if not having:
        return []
    purged = [host for host in having if host.wanted is not None and host.wanted.layout.data_dir == packages.DATA_DIR]
    data = f", and its purge deletes {packages.DATA_DIR} with the member's data" if purged else ""
    return [
        f"{', '.join(host.label for host in having)}: the distribution's etcd-server is or was installed there, and "
        f"its unit is called {packages.UNIT}, as the member's. Its script restarts the member at each upgrade of the "
        f"package, whatever the others do{data}. Keep it from that on each of these hosts: {_KEPT}. Never purge it."
    ]


def _has(host: Host) -> bool:
    return (
        host.wanted is not None
        and host.wanted.layout.unit == packages.UNIT
        and not host.silent
        and host.seen.file(packages.SERVER_LIST).exists
    )
