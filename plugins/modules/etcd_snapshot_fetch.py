# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_fetch
short_description: Bring a host's newest snapshot to the controller
version_added: "0.1.0"
description:
  - Finds the newest snapshot of a cluster on the host, and brings it with its manifest to a directory of the
    controller, where only the user who runs Ansible may read it.
  - It is streamed, compared with the SHA256 in its manifest, written to the disk, and only then given its name.
  - One that is there already is not fetched again; another file of its name is refused.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  directory:
    description: Absolute path of the directory on the host.
    type: path
    default: /var/lib/etcd-snapshots
  cluster:
    description: The cluster's name.
    type: str
    required: true
  dest:
    description: Directory on the controller. It is made for this user alone.
    type: path
    required: true
notes:
  - Where Ansible is connected as another user than root, the host needs room for a copy in that user's temporary
    directory while it is fetched. That is checked first. The copy of a run that was killed is removed by the first run
    that fetches a day later or more.
seealso:
  - module: quorum.etcd.etcd_snapshot_newest
  - module: quorum.etcd.etcd_snapshot_s3
"""

EXAMPLES = r"""
- name: Bring the newest snapshot here
  quorum.etcd.etcd_snapshot_fetch:
    cluster: etcd_cluster
    dest: "{{ inventory_dir }}/etcd-snapshots"
  register: fetched
"""

RETURN = r"""
path:
  description: Where it lies on the controller.
  returned: success
  type: str
manifest:
  description: What is known of it, see M(quorum.etcd.etcd_snapshot).
  returned: success
  type: dict
"""
