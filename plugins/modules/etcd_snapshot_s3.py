# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_s3
short_description: Bring a snapshot from the controller to an S3-compatible storage, or back
version_added: "0.1.0"
description:
  - Lays a snapshot and its manifest into a bucket. SHA256 goes with what is sent, and is read back from the storage
    afterwards; from a storage that does not tell it, or takes no checksums, the whole object is read back.
  - Nothing is ever overwritten. The same snapshot under the same name is no change, another object of that name is
    refused.
  - Works on the controller. No host is connected to.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
requirements:
  - boto3 1.36 or newer, on the controller
options:
  state:
    description:
      - V(present) brings the snapshot O(path) to the storage.
      - V(fetched) brings the newest one below O(prefix), or O(key), to the directory O(path). A snapshot whose manifest
        cannot be read is not considered, with a warning.
    type: str
    choices: [present, fetched]
    default: present
  path:
    description:
      - On the controller, the snapshot with its manifest beside it as M(quorum.etcd.etcd_snapshot_fetch) brings it, or,
        for O(state=fetched), the directory to bring one to.
    type: path
    required: true
  remove:
    description: Whether to remove the file and its manifest on the controller once they were read back.
    type: bool
    default: false
  bucket:
    description: The bucket. It must exist.
    type: str
    required: true
  prefix:
    description:
      - What names of objects begin with, without the slash after it. Snapshots below a longer prefix are not found.
    type: str
    default: ""
  key:
    description: With O(state=fetched) the name of the object, with its prefix, if not the newest one is to be fetched.
    type: str
    default: ""
  endpoint:
    description: URL of the storage. Empty for Amazon's.
    type: str
    default: ""
    aliases: [endpoint_url]
  region:
    description: Region of the bucket. Empty for what the environment says.
    type: str
    default: ""
  access_key:
    description: Access key. Empty for what boto3 finds in its files and its environment.
    type: str
    default: ""
  secret_key:
    description: Secret key.
    type: str
    default: ""
  encryption:
    description: Encryption by the server. Empty for what the bucket does by itself.
    type: str
    choices: ["", AES256, "aws:kms"]
    default: ""
  kms_key:
    description: Id of the key for V(aws:kms). Empty for the bucket's own.
    type: str
    default: ""
seealso:
  - module: quorum.etcd.etcd_snapshot_fetch
"""

EXAMPLES = r"""
- name: Bring a snapshot off site
  quorum.etcd.etcd_snapshot_s3:
    path: "{{ fetched.path }}"
    bucket: backups
    prefix: etcd_cluster
    encryption: AES256

- name: Bring the newest one back
  quorum.etcd.etcd_snapshot_s3:
    state: fetched
    path: /root/restore
    bucket: backups
    prefix: etcd_cluster
  register: fetched

- name: Bring a given one back
  quorum.etcd.etcd_snapshot_s3:
    state: fetched
    path: /root/restore
    bucket: backups
    key: etcd_cluster/etcd_cluster-20261122T074000Z-1042.db
"""

RETURN = r"""
key:
  description: The object's name.
  returned: success
  type: str
path:
  description: The file on the controller.
  returned: success
  type: str
manifest:
  description: What is known of the snapshot, see M(quorum.etcd.etcd_snapshot).
  returned: success
  type: dict
"""
