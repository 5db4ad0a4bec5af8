#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_compaction
short_description: Let an etcd cluster forget what its keys held in the past
version_added: "0.1.0"
description:
  - Every write makes a new revision, and etcd keeps what each key held at each of them until it is compacted. A
    compaction takes nothing of what keys hold now.
  - Whoever reads or watches from an older revision is told that it was compacted, and begins again from the present.
  - What it frees is used again for what is written next. The database file becomes smaller only by
    M(quorum.etcd.etcd_defrag).
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever, also while an alarm V(NOSPACE) is raised.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.actiongroup_etcd
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  revision:
    description:
      - The oldest revision that can still be read afterwards. One that lies in the future is refused.
      - One of O(revision) and O(keep_revisions) is needed.
    type: int
  keep_revisions:
    description:
      - How many revisions before the present one can still be read afterwards.
      - Each run with it compacts again whenever there were writes since the last one.
    type: int
  physical:
    description: Wait until every member that answers has removed what is older from its database.
    type: bool
    default: false
  physical_timeout:
    description: Seconds that one member may take for that.
    type: float
    default: 600.0
seealso:
  - module: quorum.etcd.etcd_defrag
  - module: quorum.etcd.etcd_alarm
"""

EXAMPLES = r"""
- name: Keep the last thousand revisions
  quorum.etcd.etcd_compaction:
    endpoints: [http://127.0.0.1:2379]
    keep_revisions: 1000
    physical: true

- name: Compact up to a revision
  quorum.etcd.etcd_compaction:
    endpoints: [https://10.0.0.1:2379]
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
    revision: 4711
"""

RETURN = r"""
current_revision:
  description: The revision of the cluster when it was asked.
  returned: success
  type: int
  sample: 5711
oldest_revision:
  description: The oldest revision that can be read now, or could in check mode.
  returned: success
  type: int
  sample: 4711
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import compaction
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.compaction import CompactionTarget
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import (
    connection_spec,
    credentials_of,
    endpoints_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    patience = given["physical_timeout"] if given["physical"] else 0.0
    wanted = CompactionTarget(given["revision"], given["keep_revisions"], patience)
    result = compaction.compact(endpoints_of(given), credentials_of(given), given["timeout"], wanted, module.check_mode)
    before, after = result.pop("before"), result["oldest_revision"]
    return {**result, "diff": {"before": {"oldest_revision": before}, "after": {"oldest_revision": after}}}


def main() -> None:
    run(
        {
            **connection_spec(),
            "revision": {"type": "int"},
            "keep_revisions": {"type": "int"},
            "physical": {"type": "bool", "default": False},
            "physical_timeout": {"type": "float", "default": 600.0},
        },
        act,
        required_one_of=[("revision", "keep_revisions")],
        mutually_exclusive=[("revision", "keep_revisions")],
    )


if __name__ == "__main__":
    main()
