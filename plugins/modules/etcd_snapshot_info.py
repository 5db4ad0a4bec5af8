#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_info
short_description: Judge a snapshot file of etcd, and read what is in it
version_added: "0.1.0"
description:
  - Reads a snapshot of etcd 3.4 to 3.7 on the host, without etcd, whoever saved it. The file is only read.
  - All of it is compared with etcd's checksum at its end, and its pages with its length. C(etcdctl snapshot status) and
    C(etcdutl snapshot status) do neither, and pass damaged files.
  - If there is a manifest beside it, as M(quorum.etcd.etcd_snapshot) writes it, file and manifest must agree.
  - A bad file is a result and not a failure.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
options:
  path:
    description:
      - The file on the host.
    type: path
    required: true
  allow_missing_hash:
    description:
      - Whether a database that was copied from a data directory, C(member/snap/db), may be good. It has no checksum.
      - Its structure is walked as a whole instead, which does not see damage within values.
    type: bool
    default: false
notes:
  - Nothing but the Python standard library is needed on the host.
seealso:
  - module: quorum.etcd.etcd_snapshot
"""

EXAMPLES = r"""
- name: Judge a snapshot
  quorum.etcd.etcd_snapshot_info:
    path: /var/lib/etcd-snapshots/etcd_cluster-20261122T074000Z-1042.db
  register: snapshot

- name: Go no further with a bad one
  ansible.builtin.assert:
    that: snapshot.good
    fail_msg: "{{ snapshot.problem }}"
"""

RETURN = r"""
good:
  description: Whether it is a whole snapshot, and agrees with its manifest if there is one.
  returned: success
  type: bool
problem:
  description: What is wrong with it and what to do; empty if it is good.
  returned: success
  type: str
  sample: /var/lib/etcd-snapshots/x.db is truncated; 4096 bytes are left of 233504.
details:
  description: What is in the file; empty if it is not good.
  returned: success
  type: dict
  contains:
    size:
      description: Size of the file in bytes.
      type: int
      returned: if it is good
    sha256:
      description: Checksum of the whole file, hexadecimal.
      type: str
      returned: if it is good
    has_hash:
      description: Whether it ends with etcd's checksum.
      type: bool
      returned: if it is good
    page_size:
      description: Page size of the database in bytes.
      type: int
      returned: if it is good
    revision:
      description: Revision of the newest change in it.
      type: int
      returned: if it is good
    last_key_revision:
      description:
        - Revision of the newest entry, V(0) without any. It is below RV(details.revision) where that change was a
          deletion whose entry a compaction has removed.
      type: int
      returned: if it is good
    compact_revision:
      description: Revision up to which changes are compacted, V(0) without any.
      type: int
      returned: if it is good
    consistent_index:
      description: Index of the last entry of the raft log that was applied to it.
      type: int
      returned: if it is good
    term:
      description: Term of that entry, V(0) before etcd 3.5.
      type: int
      returned: if it is good
    cluster_version:
      description: Version of the cluster, empty if it was not agreed upon yet.
      type: str
      returned: if it is good
      sample: 3.6.0
    storage_version:
      description: Version of the storage, empty before etcd 3.6.
      type: str
      returned: if it is good
      sample: 3.6.0
    members:
      description:
        - The members that the snapshot names, ordered by id, each with C(id), C(name), C(peer_urls), C(client_urls) and
          C(is_learner).
      type: list
      elements: dict
      returned: if it is good
    authentication:
      description: Whether authentication is switched on in it.
      type: bool
      returned: if it is good
    alarms:
      description: The alarms that were raised, each with C(member_id) and C(alarm). A restore brings them back.
      type: list
      elements: dict
      returned: if it is good
manifest:
  description: What lies beside it; empty if there is none, or the snapshot is not good.
  returned: success
  type: dict
  contains:
    format:
      description: V(1).
      type: int
      returned: if there is one
    cluster:
      description: Name of the cluster.
      type: str
      returned: if there is one
    cluster_id:
      description: Id of the cluster, as lower-case hexadecimal text.
      type: str
      returned: if there is one
      sample: cdf818194e3a8c32
    member:
      description: Name of the member that it was taken from.
      type: str
      returned: if there is one
    member_id:
      description: Id of that member, as lower-case hexadecimal text.
      type: str
      returned: if there is one
      sample: 8e9e05c52164694d
    revision:
      description: Revision of the newest change in it.
      type: int
      returned: if there is one
    compact_revision:
      description: Revision up to which changes are compacted, V(0) without any.
      type: int
      returned: if there is one
    key_count:
      description: Keys that live at that revision. V(0) also where the member could not tell.
      type: int
      returned: if there is one
    hash_kv:
      description: etcd's hash of the keys at that revision. V(0) where the member could not tell, or was not asked.
      type: int
      returned: if there is one
    etcd_version:
      description: Version of the member.
      type: str
      returned: if there is one
      sample: 3.6.14
    storage_version:
      description: Version of the storage, empty before etcd 3.6.
      type: str
      returned: if there is one
      sample: 3.6.0
    members:
      description:
        - The members that the snapshot names, ordered by id, each with C(id), C(name), C(peer_urls), C(client_urls) and
          C(is_learner).
      type: list
      elements: dict
      returned: if there is one
    size:
      description: Size of the file in bytes.
      type: int
      returned: if there is one
    sha256:
      description: Checksum of the whole file, hexadecimal.
      type: str
      returned: if there is one
    taken_at:
      description: When it was begun, in UTC.
      type: str
      returned: if there is one
      sample: "2026-11-22T07:40:00Z"
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import store


def act(module: AnsibleModule) -> dict[str, Any]:
    try:
        details, manifest = store.checked(module.params["path"], module.params["allow_missing_hash"])
    except EtcdError as exc:
        return {"changed": False, "good": False, "problem": str(exc), "details": {}, "manifest": {}}
    described = manifest.to_dict() if manifest else {}
    return {"changed": False, "good": True, "problem": "", "details": details.to_dict(), "manifest": described}


def main() -> None:
    run(
        {
            "path": {"type": "path", "required": True},
            "allow_missing_hash": {"type": "bool", "default": False},
        },
        act,
        reads=True,
    )


if __name__ == "__main__":
    main()
