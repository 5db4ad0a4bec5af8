#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_auth_info
short_description: List the users and roles of an etcd cluster, and whether authentication is on
version_added: "0.2.0"
description:
  - Says whether authentication is on, which users there are with which roles, and what each role may do. etcd tells no
    passwords.
  - Whether it is on is told to anybody; users and roles only to a user with the role root.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
  - quorum.etcd.attributes.actiongroup_etcd
seealso:
  - module: quorum.etcd.etcd_auth
"""

EXAMPLES = r"""
- name: Look at users and roles
  quorum.etcd.etcd_auth_info:
    endpoints: [http://127.0.0.1:2379]
  register: access

- name: Show who has which roles
  ansible.builtin.debug:
    var: access.users
"""

RETURN = r"""
enabled:
  description: Whether authentication is on.
  returned: success
  type: bool
is_complete:
  description: Whether users and roles were told. They are not to a user without the role root.
  returned: success
  type: bool
attempt_left:
  description: Whether a run that switched authentication on was interrupted. M(quorum.etcd.etcd_auth) with
    C(state=enabled) goes on, with C(state=disabled) it goes back.
  returned: success
  type: bool
users:
  description: The users.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
    roles:
      description: The roles.
      type: list
      elements: str
      returned: always
roles:
  description: The roles.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
    permissions:
      description: What it may do, in the form that M(quorum.etcd.etcd_role) takes.
      type: list
      elements: dict
      returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._access import attempt, authentication, calls, permissions
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._module.access import asker_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    asker = asker_of(module.params)
    result = {"changed": False, "enabled": authentication.is_on(asker), "is_complete": True}
    with asker.client() as client:
        try:
            users = calls.users(client)
            roles = {name: calls.permissions_of(client, name) or [] for name in calls.roles(client)}
        except Refused:
            return {**result, "is_complete": False, "attempt_left": False, "users": [], "roles": []}
        return {
            **result,
            "attempt_left": attempt.USER in users,
            "users": [{"name": name, "roles": calls.roles_of(client, name) or []} for name in users],
            "roles": [{"name": name, "permissions": permissions.shown(has)} for name, has in roles.items()],
        }


def main() -> None:
    run(connection_spec(), act, reads=True)


if __name__ == "__main__":
    main()
