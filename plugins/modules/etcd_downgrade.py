#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_downgrade
short_description: Enable or cancel the downgrade of an etcd cluster by one minor
version_added: "0.1.0"
description:
  - etcd goes back to the minor before in three steps. The downgrade is enabled, which brings the storage of every
    member to the older version. Then each member gets a release of the older minor. etcd ends the downgrade by itself
    after the last.
  - This module enables it and waits for the storage, cancels it, or waits for its end. It replaces no binary.
    C(playbooks/downgrade.yml) does all of it for the members of this collection.
  - It works with etcd 3.6 and 3.7, deployed by whatever. From 3.5 no way leads back.
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
      - A downgrade that would be enabled is validated by etcd.
  diff_mode:
    support: full
options:
  state:
    description:
      - V(listed) changes nothing.
      - V(enabled) has the downgrade to O(target) validated and enabled, and waits until the storage of every member has
        the older version. Where it is pending, or the storage is there already, nothing is enabled.
      - V(cancelled) cancels a downgrade that is pending. Where all members run the same minor still, it waits until the
        storage has that version again. Members that have the older release already keep it.
      - V(ended) waits until no downgrade is pending.
    type: str
    choices: [listed, enabled, cancelled, ended]
    default: listed
  target:
    description: The minor before the one that runs, such as V(3.6). Needed for O(state=enabled).
    type: str
    default: ""
  wait:
    description: How long to wait for what etcd does by itself, in seconds. It takes about four.
    type: float
    default: 120
seealso:
  - module: quorum.etcd.etcd_health_info
  - module: quorum.etcd.etcd_snapshot
"""

EXAMPLES = r"""
- name: Say whether a downgrade is pending
  quorum.etcd.etcd_downgrade:
    endpoints: [http://127.0.0.1:2379]

- name: Let the members of 3.7 go back to 3.6
  quorum.etcd.etcd_downgrade:
    endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
    state: enabled
    target: "3.6"

- name: Cancel it
  quorum.etcd.etcd_downgrade:
    endpoints: [http://127.0.0.1:2379]
    state: cancelled
"""

RETURN = r"""
target:
  description: The version to which the cluster is being downgraded. Empty while no downgrade is pending.
  returned: success
  type: str
  sample: 3.6.0
members:
  description: What each member tells.
  returned: success
  type: list
  elements: dict
  contains:
    member_id:
      description: Id of the member, as lower-case hexadecimal text.
      type: str
      returned: always
      sample: 8e9e05c52164694d
    name:
      description: Name of the member.
      type: str
      returned: always
      sample: etcd-host1
    version:
      description: The release that it runs; empty where it does not answer.
      type: str
      returned: always
      sample: 3.7.1
    storage_version:
      description: The version of its storage; empty before etcd 3.6.
      type: str
      returned: always
      sample: 3.6.0
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.downgrade import Downgrade, checked_minor
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import (
    connection_spec,
    credentials_of,
    endpoints_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given, changed = module.params, False
    job = Downgrade(endpoints_of(given), credentials_of(given), given["timeout"], given["wait"], module.check_mode)
    before = job.state()
    if given["state"] == "enabled":
        changed = job.enable(checked_minor(given["target"]), cluster_lock.owner("downgrade"))
    elif given["state"] == "cancelled":
        changed = job.cancel(cluster_lock.owner("cancelling a downgrade"))
    elif given["state"] == "ended":
        job.await_end()
    after = job.state()
    return {"changed": changed, **after, "diff": {"before": before, "after": after}}


def main() -> None:
    run(
        {
            **connection_spec(),
            "state": {"type": "str", "choices": ["listed", "enabled", "cancelled", "ended"], "default": "listed"},
            "target": {"type": "str", "default": ""},
            "wait": {"type": "float", "default": 120.0},
        },
        act,
        required_if=[("state", "enabled", ["target"])],
    )


if __name__ == "__main__":
    main()
