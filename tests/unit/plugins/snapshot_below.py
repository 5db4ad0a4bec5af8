# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot's file and manifest as they lie in a directory; what is in the file is no database."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest


def snapshot_below(directory: Path, cluster: str, content: bytes = b"a database", **changes: Any) -> Path:
    """The path of a snapshot that was put there.

    :param changes: what else its manifest says.
    """
    values: dict[str, Any] = {
        "cluster": cluster,
        "cluster_id": "cdf818194e3a8c32",
        "member": "etcd-host0",
        "member_id": "8e9e05c521646940",
        "revision": 7,
        "compact_revision": 0,
        "key_count": 3,
        "hash_kv": 0,
        "etcd_version": "3.6.14",
        "storage_version": "3.6.0",
        "members": [],
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "taken_at": "2026-11-22T07:40:00Z",
    }
    manifest = Manifest(**{**values, **changes})
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{cluster}-{manifest.taken_at.replace('-', '').replace(':', '')}-{manifest.revision}.db"
    path.write_bytes(content)
    path.with_name(f"{path.name}.json").write_text(json.dumps(manifest.to_dict()))
    return path
