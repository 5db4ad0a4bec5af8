#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_role
short_description: Manage a role of etcd and what it may do
version_added: "0.2.0"
description:
  - Makes a role, gives it permissions for keys, prefixes or ranges, or removes it.
  - What the role has is read first, because etcd keeps grants of the same keys twice in some cases.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever. While authentication is on it needs a user with
    the role root.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.attributes.actiongroup_etcd
options:
  name:
    description: Name of the role. V(root) may do everything and takes no permissions.
    type: str
    required: true
  state:
    description: Whether the role is there. Users lose a role that is removed.
    type: str
    choices: [present, absent]
    default: present
  permissions:
    description:
      - What the role may do. Without it the permissions stay as they are.
    type: list
    elements: dict
    suboptions:
      access:
        description: What it may do with the keys.
        type: str
        choices: [read, write, readwrite]
        required: true
      key:
        description: One key. A permission has one of O(permissions[].key), O(permissions[].prefix) and
          O(permissions[].range).
        type: str
      prefix:
        description: All keys that begin with this; every key if it is empty.
        type: str
      range:
        description: The first key and the first one behind it all. If the second is empty, all keys from the first on.
        type: list
        elements: str
  append:
    description: Whether permissions that are not in O(permissions) stay.
    type: bool
    default: false
seealso:
  - module: quorum.etcd.etcd_user
  - module: quorum.etcd.etcd_auth
"""

EXAMPLES = r"""
- name: Let a role read and write its keys, and read what all share
  quorum.etcd.etcd_role:
    endpoints: [http://127.0.0.1:2379]
    name: app
    permissions:
      - {access: readwrite, prefix: /app/}
      - {access: read, key: /shared/motd}
      - {access: read, range: [/shared/a, /shared/n]}
"""

RETURN = r"""
role:
  description: The role as it is now, or would be in check mode.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    state:
      description: Whether it is there.
      type: str
      returned: always
    permissions:
      description: What it may do, each in the form of O(permissions).
      type: list
      elements: dict
      returned: when the role is there
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._access import permissions, roles
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import client_of, connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given, name = module.params, module.params["name"]
    wanted = permissions.listed(given["permissions"] or [], f"role {name}")
    whole = given["permissions"] is not None and not given["append"]
    with client_of(given) as client:
        # A gRPC proxy is refused.
        client.member_list(linearizable=False)
        if given["state"] == "absent":
            change = roles.remove(client, name, module.check_mode)
        else:
            change = roles.ensure(client, name, wanted, whole, module.check_mode)
    return {**change.result, "role": change.after}


def main() -> None:
    permission = {
        "access": {"type": "str", "choices": permissions.ACCESSES, "required": True},
        "key": {"type": "str", "no_log": False},
        "prefix": {"type": "str"},
        "range": {"type": "list", "elements": "str"},
    }
    run(
        {
            **connection_spec(),
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "permissions": {"type": "list", "elements": "dict", "options": permission},
            "append": {"type": "bool", "default": False},
        },
        act,
    )


if __name__ == "__main__":
    main()
