#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot
short_description: Save a snapshot of an etcd cluster
version_added: "0.1.0"
description:
  - Streams the database of a member to a file, compares etcd's checksum, length and page size, and gives the file its
    name only once it is whole and on the disk. It works with any cluster of etcd 3.4 to 3.7, deployed by whatever.
  - Beside the file lies a manifest, the same path with C(.json), which says whose snapshot it is and what is in it.
  - An interrupted call leaves no file that looks like a snapshot, and the next call removes what it left.
  - Older snapshots of the same cluster are deleted if O(keep), O(daily) or O(weekly) is given, never the one that was
    just saved, and never a file without a manifest of this cluster.
  - Each call saves another snapshot, so it is always changed.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.actiongroup_etcd
attributes:
  check_mode:
    support: full
    details:
      - The cluster is asked, and the free space is looked at, but nothing is streamed or written.
  diff_mode:
    support: full
options:
  directory:
    description:
      - Where snapshots are kept on the host, an absolute path.
      - If it is not there it is made, with the mode V(0700). One that is there is left as it is.
      - It needs room for the member's database and 64 MiB, or 512 MiB and more where O(data_dir) or O(wal_dir) is on
        the same file system. Where there is less, the older snapshots that O(keep), O(daily) and O(weekly) do not keep
        are deleted before this one is saved, never the newest good one.
    type: path
    required: true
  cluster:
    description:
      - The name of the cluster, of letters, digits, dots, underscores and hyphens. File names begin with it.
    type: str
    required: true
  endpoint:
    description:
      - Take the snapshot from the member at this client URL, and from no other.
      - Without it from a healthy follower of the cluster of O(endpoints), else from its leader, else from whatever
        member answers. If one fails the next is asked. A member with the alarm V(CORRUPT) is left out.
    type: str
  keep:
    description:
      - Keep the last so many snapshots of this cluster. 0 or more.
      - Without this, O(daily) and O(weekly) nothing is deleted.
    type: int
  daily:
    description:
      - Keep the last snapshot of each of so many days, too. Only days on which there is one count, in UTC. 0 or more.
    type: int
  weekly:
    description:
      - Keep the last snapshot of each of so many weeks, too. Only weeks in which there is one count, from Monday on in
        UTC. 0 or more.
    type: int
  data_dir:
    description: Data directory of a member on this host, whose file system must not become full. It need not exist.
    type: path
    default: /var/lib/etcd
  wal_dir:
    description: Directory of its write-ahead log, if that is not in O(data_dir).
    type: str
    default: ""
  max_hash_size:
    description:
      - Size of a database, in bytes, up to which its member is asked for etcd's hash of all keys, which stands in the
        manifest and is compared by M(quorum.etcd.etcd_snapshot_drill). V(0) for never.
      - The member applies no write while it computes the hash. That takes about 0.15 seconds for each GiB, and up to
        half a second for each million keys.
    type: int
    default: 67108864
seealso:
  - module: quorum.etcd.etcd_snapshot_info
"""

EXAMPLES = r"""
- name: Save a snapshot on this host, and keep the last two, one a day for a week and one a week for a month
  quorum.etcd.etcd_snapshot:
    endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
    directory: /var/lib/etcd-snapshots
    cluster: etcd_cluster
    keep: 2
    daily: 7
    weekly: 4
  register: saved

- name: Show what is in it
  ansible.builtin.debug:
    var: saved.manifest

- name: Save the database of one member, whatever the others have
  quorum.etcd.etcd_snapshot:
    endpoint: http://10.0.0.2:2379
    directory: /var/lib/etcd-snapshots
    cluster: etcd_cluster
"""

RETURN = r"""
path:
  description: The snapshot. In check mode one that would be saved at the present revision.
  returned: success
  type: str
  sample: /var/lib/etcd-snapshots/etcd_cluster-20261122T074000Z-1042.db
endpoint:
  description: The client URL that it was streamed from, or would be.
  returned: success
  type: str
  sample: https://10.0.0.2:2379
deleted:
  description: The older snapshots that were deleted, or would be.
  returned: success
  type: list
  elements: str
manifest:
  description: What lies beside it. In check mode what is known beforehand.
  returned: success
  type: dict
  contains:
    format:
      description: V(1).
      type: int
      returned: always
    cluster:
      description: Name of the cluster.
      type: str
      returned: always
    cluster_id:
      description: Id of the cluster, as lower-case hexadecimal text.
      type: str
      returned: always
      sample: cdf818194e3a8c32
    member:
      description: Name of the member that it was taken from.
      type: str
      returned: always
    member_id:
      description: Id of that member, as lower-case hexadecimal text.
      type: str
      returned: always
      sample: 8e9e05c52164694d
    revision:
      description: Revision of the newest change in it.
      type: int
      returned: always
    compact_revision:
      description: Revision up to which changes are compacted, V(0) without any.
      type: int
      returned: always
    key_count:
      description: Keys that live at that revision. V(0) also where the member could not tell.
      type: int
      returned: always
    hash_kv:
      description: etcd's hash of the keys at that revision. V(0) where the member could not tell, or was not asked
        because of O(max_hash_size).
      type: int
      returned: always
    etcd_version:
      description: Version of the member.
      type: str
      returned: always
      sample: 3.6.14
    storage_version:
      description: Version of the storage, empty before etcd 3.6.
      type: str
      returned: always
      sample: 3.6.0
    members:
      description:
        - The members that the snapshot names, ordered by id, each with C(id), C(name), C(peer_urls), C(client_urls) and
          C(is_learner).
      type: list
      elements: dict
      returned: always
    size:
      description: Size of the file in bytes.
      type: int
      returned: always
    sha256:
      description: Checksum of the whole file, hexadecimal; empty in check mode.
      type: str
      returned: always
    taken_at:
      description: When it was begun, in UTC.
      type: str
      returned: always
      sample: "2026-11-22T07:40:00Z"
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import (
    connection_spec,
    credentials_of,
    endpoints_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import saving
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots.retention import Retention

NUMBERS = ("keep", "daily", "weekly")


def act(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    endpoint = params["endpoint"] or ""
    given = {name: params[name] for name in NUMBERS if params[name] is not None}
    saved = saving.save(
        params["endpoints"] or ([endpoint] if endpoint else endpoints_of(params)),
        credentials_of(params),
        params["directory"],
        params["cluster"],
        endpoint=endpoint,
        retention=Retention(**given) if given else None,
        member_dirs=[one for one in (params["data_dir"], params["wal_dir"]) if one],
        max_hash_size=params["max_hash_size"],
        timeout=params["timeout"],
        check=module.check_mode,
    )
    diff = {"before": {"snapshots": list(saved.deleted)}, "after": {"snapshots": [saved.path]}}
    return {
        "changed": True,
        "path": saved.path,
        "endpoint": saved.endpoint,
        "deleted": list(saved.deleted),
        "manifest": saved.manifest.to_dict(),
        "diff": diff,
    }


def main() -> None:
    run(
        {
            **connection_spec(),
            "directory": {"type": "path", "required": True},
            "cluster": {"type": "str", "required": True},
            "endpoint": {"type": "str"},
            **{name: {"type": "int"} for name in NUMBERS},
            "data_dir": {"type": "path", "default": "/var/lib/etcd"},
            "wal_dir": {"type": "str", "default": ""},
            "max_hash_size": {"type": "int", "default": 64 << 20},
        },
        act,
    )


if __name__ == "__main__":
    main()
