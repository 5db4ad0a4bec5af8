#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_access
short_description: "Internal: give a cluster the users, roles and authentication of its inventory"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Asks the cluster by way of the member on this host, with the administrator's certificate or the user of
    O(user_file). The controller has read the lists before, and passes the passwords apart from them.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.layout
options:
  state:
    description: V(checked) reads the lists on the controller. V(applied) has what is in them.
    type: str
    choices: [checked, applied]
    default: applied
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  roles:
    description: The role's C(etcd_roles).
    type: list
    elements: dict
    default: []
  users:
    description: The role's C(etcd_users).
    type: list
    elements: dict
    default: []
  passwords:
    description: The passwords of O(users), by name.
    type: dict
    default: {}
  auth:
    description: The role's C(etcd_auth). Without it authentication stays as it is.
    type: bool
  purge:
    description: The role's C(etcd_access_purge). Users and roles that are not in the lists are removed if it is
      O(cluster).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: The role alone calls it
  quorum.etcd.etcd_internal_access:
    cluster: etcd_cluster
    roles: "{{ etcd_roles }}"
    users: "{{ etcd_users }}"
"""

RETURN = r"""#"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._access import inventory, wanted
from ansible_collections.quorum.etcd.plugins.module_utils._access.authentication import Asker
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import HostError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import queries
from ansible_collections.quorum.etcd.plugins.module_utils._host import local_member
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import service


def act(module: AnsibleModule) -> dict[str, Any]:
    given, layout = module.params, layout_of(module.params)
    access = wanted.access(given["roles"], given["users"], given["passwords"])
    view = service.observe(Systemd(command.of_module(module)), layout)
    if not view.endpoint and module.check_mode:
        return {"changed": True, "notes": [f"{layout.unit} does not run: what users and roles there are is not known."]}
    if not view.endpoint:
        raise HostError(f"{layout.unit} does not run, so that its cluster cannot be asked from here.")
    own = [view.endpoint]
    endpoints = own + [url for url in queries.endpoints_of(view.members or (), view.member_id) if url not in own]
    asker = Asker(endpoints, local_member.credentials(layout), queries.TIMEOUT)
    is_purged = bool(given["purge"]) and given["purge"] == given["cluster"]
    return inventory.apply(asker, access, given["auth"], is_purged, module.check_mode)


def main() -> None:
    run(
        {
            **LAYOUT,
            "state": {"type": "str", "choices": ["checked", "applied"], "default": "applied"},
            "cluster": {"type": "str", "required": True},
            "roles": {"type": "list", "elements": "dict", "default": []},
            "users": {"type": "list", "elements": "dict", "default": []},
            "passwords": {"type": "dict", "default": {}, "no_log": True},
            "auth": {"type": "bool"},
            "purge": {"type": "str", "default": ""},
        },
        act,
    )


if __name__ == "__main__":
    main()
