#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_newest
short_description: Find the newest snapshot of a cluster on a host
version_added: "0.1.0"
description:
  - Looks into a directory for the snapshots of a cluster that M(quorum.etcd.etcd_snapshot) or the members' own timers
    have saved, and tells the newest one. Of one cluster id that is the one of the highest revision, for no clock has a
    part in that; of several ids it is the one whose newest was taken last.
  - Files without a manifest, and such as do not have the length that theirs tells, are none.
  - Changes nothing. Members save in turn when one of them is down, so ask all of them.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
options:
  directory:
    description: Absolute path of the directory.
    type: path
    default: /var/lib/etcd-snapshots
  cluster:
    description: The cluster's name.
    type: str
    required: true
  lend_to:
    description:
      - A path at which to lay a copy that the owner of its directory may read, where that is not root.
        M(quorum.etcd.etcd_snapshot_fetch) asks for it.
    type: str
    default: ""
seealso:
  - module: quorum.etcd.etcd_snapshot
  - module: quorum.etcd.etcd_snapshot_fetch
"""

EXAMPLES = r"""
- name: Find the newest snapshot
  quorum.etcd.etcd_snapshot_newest:
    cluster: etcd_cluster
  register: newest

- name: Say when it was taken
  ansible.builtin.debug:
    msg: "{{ newest.manifest.taken_at if newest.path else 'There is none.' }}"
"""

RETURN = r"""
path:
  description: Where it lies; empty if there is none.
  returned: success
  type: str
  sample: /var/lib/etcd-snapshots/etcd_cluster-20261122T074000Z-1042.db
manifest:
  description: What is known of it, see M(quorum.etcd.etcd_snapshot); empty if there is none.
  returned: success
  type: dict
lent:
  description: Where the user with whom Ansible is connected can read it; empty without O(lend_to).
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._host import shared_copy
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._snapshots import catalog


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    found = catalog.newest(given["directory"], given["cluster"])
    lent = shared_copy.make_readable(found.path, given["lend_to"]) if found and given["lend_to"] else ""
    return {
        "changed": False,
        "path": found.path if found else "",
        "manifest": found.manifest.to_dict() if found else {},
        "lent": lent,
    }


def main() -> None:
    run(
        {
            "directory": {"type": "path", "default": "/var/lib/etcd-snapshots"},
            "cluster": {"type": "str", "required": True},
            "lend_to": {"type": "str", "default": ""},
        },
        act,
        reads=True,
    )


if __name__ == "__main__":
    main()
