# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can change at any time.

"""The keys by which acts on a cluster exclude each other: those in a snapshot are held by nobody any more."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, raft_snapshots
from ansible_collections.quorum.etcd.plugins.module_utils._model import maintenance_key
from ansible_collections.quorum.etcd.plugins.module_utils._rpc.client import Client

_KEYS = (cluster_lock.KEY, maintenance_key.KEY, raft_snapshots.KEY)


def remove(client: Client) -> None:
    """Remove them, before a client of the restored cluster sees them.

    :raises EtcdError: no answer, or etcd refuses.
    """
    for key in _KEYS:
        client.delete(key)
