# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a snapshot that was never taken."""

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest

MEMBERS = [{"id": "3", "name": "m3", "peer_urls": ["http://a:2380"], "client_urls": [], "is_learner": False}]
MANIFEST = Manifest(
    cluster="prod",
    cluster_id="cdf8",
    member="m3",
    member_id="3",
    revision=1042,
    compact_revision=1000,
    key_count=12,
    hash_kv=304819153,
    etcd_version="3.6.14",
    storage_version="3.6.0",
    members=MEMBERS,
    size=233504,
    sha256="ab" * 32,
    taken_at="2026-11-22T07:40:00Z",
)
