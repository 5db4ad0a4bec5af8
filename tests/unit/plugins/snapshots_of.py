# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots that were never taken, for what judges them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from inventory_of import CLUSTER_ID, member_list


def manifest(**changes: Any) -> Manifest:
    """The manifest of a snapshot of C(etcd_cluster) as C(inventory_of) makes it up."""
    given: dict[str, Any] = {
        "cluster": "etcd_cluster",
        "cluster_id": CLUSTER_ID,
        "member": "etcd-host1",
        "member_id": member_list()[1].id,
        "revision": 1000,
        "compact_revision": 0,
        "key_count": 10,
        "hash_kv": 77,
        "etcd_version": "3.6.14",
        "storage_version": "3.6.0",
        "members": [asdict(one) for one in member_list()],
        "size": 1 << 20,
        "sha256": "a" * 64,
        "taken_at": "2026-11-22T07:00:00Z",
    }
    return Manifest(**{**given, **changes})
