# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What the gate will say of a member's storage, asked before anything is stopped or started in vain."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._config import gate_refusals
from ansible_collections.quorum.etcd.plugins.module_utils._formats import wal
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, member_storage
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._model.observation import Data


def check(layout: Layout, marker: Marker) -> None:
    """Would the gate let the member start again with the log that is there?

    :raises Refused: its disk, its log or its machine is another one.
    """
    # One that runs on this very log stands where it must; its marker is renewed before it is stopped.
    _check(layout, replace(marker, **member_storage.served_on(layout)))


def check_log(layout: Layout, marker: Marker) -> None:
    """Is the log that is there the member's own, and not an older copy of it?

    :raises Refused: it is not.
    """
    _check(layout, replace(marker, mounts=(), machine_id=""))


def _check(layout: Layout, marker: Marker) -> None:
    member_id, cluster_id = "", ""
    # Whose a damaged log is nobody can say, and the gate lets it through.
    with contextlib.suppress(wal.DamagedLog):
        member_id, cluster_id = wal.identity(layout.log_dir)
    data = Data(
        path=layout.data_dir,
        mounts=host_files.mounts_under(layout),
        member_id=member_id,
        older_than=member_storage.older_than(layout, member_id, cluster_id),
    )
    found = gate_refusals.why_refused(marker, data, host_files.machine_id(), "This host", marker.name or "NAME", {})
    if found is not None:
        raise found.refusal()


def check_empty(layout: Layout) -> None:
    """Is nothing there that a first start would take for its own?

    :raises Refused: something is.
    """
    found = member_storage.left(layout)
    if found:
        raise Refused(
            f"{found} is there, and no write-ahead log in {layout.log_dir}.",
            "etcd would take the data of another member for its own.",
            AGAIN,
            code="foreign-data",
        )
