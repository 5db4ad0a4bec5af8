#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_drill
short_description: Restore a snapshot to see that it can be, and throw the result away
version_added: "0.1.0"
description:
  - Restores a snapshot into a member of its own, with a token, a directory and loopback ports that nobody else has,
    starts it, and compares its revision, its keys and a hash over them with the manifest. Then all of it is removed,
    also if that failed.
  - The member of the host is not touched, and no client reaches the one of the drill. It has the certificates of the
    host where there are any.
  - The snapshot file is read only.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
attributes:
  check_mode:
    support: full
    details: The file is read and judged, and nothing is started.
  diff_mode:
    support: none
options:
  snapshot:
    description: The file. Without it the newest snapshot of O(cluster) in O(snapshot_dir) is taken.
    type: path
  snapshot_dir:
    description: Directory of snapshots on the host.
    type: path
    default: /var/lib/etcd-snapshots
  cluster:
    description: Name of the cluster whose newest snapshot is taken.
    type: str
    default: etcd_cluster
  manifest:
    description: What the snapshot must hold. Without it the manifest beside the file says so, if there is one.
    type: dict
  version:
    description:
      - The etcd that restores and serves it. It must be installed in O(install_dir). Without it the newest that is, but
        none below the snapshot's own.
    type: str
    default: ""
  allow_missing_hash:
    description: Take a copied database, whose file has no checksum.
    type: bool
    default: false
  tls:
    description:
      - Refuse to serve the database without TLS where this host has no certificates. Any user of the host could read it
        then for as long as the trial takes.
    type: bool
    default: false
  timeout:
    description: How long the member may take to answer, in seconds.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: Prove that the newest snapshot can be restored
  quorum.etcd.etcd_snapshot_drill:
    cluster: etcd_cluster

- name: Prove that a given one can be
  quorum.etcd.etcd_snapshot_drill:
    snapshot: /srv/backup/etcd.db
    version: 3.6.14
"""

RETURN = r"""
snapshot:
  description: The file.
  returned: success
  type: str
version:
  description: The etcd that restored and served it.
  returned: success
  type: str
revision:
  description: The revision of its newest change.
  returned: success
  type: int
key_count:
  description: How many keys live at that revision. 0 in check mode.
  returned: success
  type: int
hash_kv:
  description: etcd's hash over all keys at that revision. 0 in check mode, and where it cannot be compared.
  returned: success
  type: int
compared:
  description: What was compared with the manifest. Empty without a manifest, and in check mode.
  returned: success
  type: list
  elements: str
  sample: [revision, key_count, hash_kv]
size:
  description: Bytes of the file.
  returned: success
  type: int
seconds:
  description: How long it took.
  returned: success
  type: float
"""

import platform
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.snapshot_manifest import Manifest
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog
from ansible_collections.quorum.etcd.plugins.module_utils._steps import drill as _drill


def act(module: AnsibleModule) -> dict[str, Any]:
    given, layout = module.params, layout_of(module.params)
    snapshot = given["snapshot"]
    if not snapshot:
        kept = catalog.newest(given["snapshot_dir"], given["cluster"])
        if kept is None:
            raise BadInput(
                f"There is no snapshot of {given['cluster']} in {given['snapshot_dir']} on this host. Take one with "
                "etcd_snapshot, or name a file: snapshot."
            )
        snapshot = kept.path
    manifest = Manifest.from_dict(given["manifest"]) if given["manifest"] else catalog.manifest_beside(snapshot)
    version = given["version"] or _drill.version_for(layout, manifest)
    release_dir = _drill.release_dir(layout, version, platform.machine())
    runner = command.of_module(module)
    drill = _drill.Drill(
        snapshot,
        release_dir,
        version,
        given["timeout"],
        given["allow_missing_hash"],
        manifest,
        tls=given["tls"],
    )
    done = _drill.run(runner, Systemd(runner), layout, drill, module.check_mode)
    # Nothing of it stays.
    return {"changed": False, "snapshot": snapshot, "version": version, **done}


def main() -> None:
    run(
        {
            **LAYOUT,
            "snapshot": {"type": "path"},
            "snapshot_dir": {"type": "path", "default": "/var/lib/etcd-snapshots"},
            "cluster": {"type": "str", "default": "etcd_cluster"},
            "manifest": {"type": "dict"},
            "version": {"type": "str", "default": ""},
            "allow_missing_hash": {"type": "bool", "default": False},
            "tls": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 120.0},
        },
        act,
    )


if __name__ == "__main__":
    main()
