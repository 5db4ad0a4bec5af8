#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_destroy
short_description: "Internal: do one host's part in taking a whole cluster away"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A cluster is taken away in acts that every host must have finished before any begins the next one. This module is
    one such act on one host. It asks nobody and guards no quorum.
  - C(playbooks/destroy.yml) has them in their order, with a confirmation before the first.
  - Nothing is deleted but the marker. Data are archived on their own file system; files, certificates and the
    release stay.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  cluster:
    description:
      - Name of the cluster. A host whose marker has another one is refused, unless it has left that one.
      - So is one that was no member of it and has a unit of that name that this collection did not write.
    type: str
    required: true
  fenced:
    description:
      - Names, IDs and addresses of members whose machines are said to be off. V(checked) tells who of them answers.
    type: list
    elements: str
    default: []
  lock_timeout:
    description:
      - Seconds that V(stopped) waits for somebody else who is at work on the cluster, where a quorum of it answers.
        After that it is refused, and the message says who it is.
    type: float
    default: 300.0
  state:
    description:
      - V(checked) only looks whether what lies on this host is of this cluster.
      - V(stopped) stops and disables the unit of the member.
      - V(archived) archives the data of the stopped member.
      - V(forgotten) removes the marker. From there on a new cluster may be founded here.
    type: str
    choices: [checked, stopped, archived, forgotten]
    required: true
"""

EXAMPLES = r"""
- name: Stop this host's member for good
  quorum.etcd.etcd_internal_destroy:
    cluster: etcd_cluster
    state: stopped
"""

RETURN = r"""
member_id:
  description: The ID of the member that this host has. Empty without one.
  returned: with O(state=checked)
  type: str
  sample: 8e9e05c52164694d
members:
  description: The members of its cluster, as far as it knows them.
  returned: with O(state=checked)
  type: list
  elements: dict
heard:
  description: Members of O(fenced) that show a sign of life, each with C(id), C(name), C(peer_urls) and C(answer).
  returned: with O(state=checked)
  type: list
  elements: dict
serves:
  description: Whether the member answers a linearizable read of its own.
  returned: with O(state=checked)
  type: bool
maintenance:
  description: Who maintains the hosts of the cluster, as the member says that serves.
  returned: with O(state=checked)
  type: dict
instance:
  description: The instance.
  returned: with O(state=checked)
  type: str
  sample: etcd
beside:
  description: The other instances of this machine that are members of the cluster, and their names.
  returned: with O(state=checked)
  type: dict
  sample: {"etcd2": "etcd-host1"}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import destroy


def act(module: AnsibleModule) -> dict[str, Any]:
    systemd, layout, check = Systemd(command.of_module(module)), layout_of(module.params), module.check_mode
    cluster, state, changed = module.params["cluster"], module.params["state"], False
    told: dict[str, Any] = {}
    destroy.check_ours(layout, cluster)
    destroy.check_unit(systemd, layout)
    if state == "checked":
        told = destroy.observe(systemd, layout, cluster, module.params["fenced"])
    elif state == "stopped":
        changed = destroy.stop(systemd, layout, cluster, check, module.params["lock_timeout"])
    elif state == "archived":
        changed = destroy.archive_data(systemd, layout, check)
    elif state == "forgotten":
        changed = destroy.forget(layout, cluster, check)
    return {"changed": changed, **told}


def main() -> None:
    run(
        {
            **LAYOUT,
            "cluster": {"type": "str", "required": True},
            "fenced": {"type": "list", "elements": "str", "default": []},
            "lock_timeout": {"type": "float", "default": cluster_lock.WAIT},
            "state": {"type": "str", "choices": ["checked", "stopped", "archived", "forgotten"], "required": True},
        },
        act,
    )


if __name__ == "__main__":
    main()
