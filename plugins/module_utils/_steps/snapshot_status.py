# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""What a host tells of the snapshots that its member saves: the newest, the last try, and how old its timer is."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_agent import Try
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.catalog import KeptSnapshot


def on_host(layout: Layout, directory: str, cluster: str) -> dict[str, Any]:
    """Look, and change nothing.

    :param directory: where snapshots lie; nothing is looked for if it is empty.
    :returns: C(newest) (C(path), C(taken_at), C(size), C(revision); None without one), C(since) (seconds since 1970 at
        which the timer was written; 0 without one), C(last) (see C(snapshot_agent.Try); None without one).
    """
    last = Try.from_json(host_files.read_text(layout.snapshot_state))
    return {
        "newest": _newest(directory, cluster),
        "since": _written(layout.snapshot_timer_file),
        "last": vars(last) if last else None,
    }


def newest_of(directory: str, cluster_id: str) -> dict[str, Any] | None:
    """The newest snapshot of a cluster by its id, whatever its name; None without one.

    :raises HostError: the directory cannot be read.
    """
    kept = [one for one in catalog.found(directory) if one.manifest.cluster_id == cluster_id]
    return _described(kept[-1]) if kept else None


def _newest(directory: str, cluster: str) -> dict[str, Any] | None:
    try:
        found = catalog.newest(directory, cluster) if directory else None
    except EtcdError:
        # A directory that cannot be read shows no snapshot.
        return None
    return _described(found) if found else None


def _described(kept: KeptSnapshot) -> dict[str, Any]:
    manifest = kept.manifest
    return {"path": kept.path, "taken_at": manifest.taken_at, "size": manifest.size, "revision": manifest.revision}


def _written(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
