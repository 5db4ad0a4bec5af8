#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_user
short_description: Manage a user of etcd, the password and the roles
version_added: "0.2.0"
description:
  - Makes a user, gives roles and takes them away, sets the password, or removes the user.
  - A password is compared by a login with it, and never read. While authentication is off etcd compares none, so that
    the password of a user who is there is left alone and the task warns; O(update_password=always) sets it.
  - What would leave nobody who can log in as root is refused, and so is a change of the password that the task itself
    logs in with.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever. While authentication is on it needs a user with
    the role root.
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
    details:
      - A password is in no difference, only that it changed.
options:
  name:
    description: Name of the user. With O(no_password=true) the CN of the certificate.
    type: str
    required: true
  state:
    description: Whether the user is there.
    type: str
    choices: [present, absent]
    default: present
  user_password:
    description: The password of the user, from a vault or a lookup. An empty one is refused.
    type: str
  user_password_file:
    description: A file on the host whose first line is the password, readable by its owner alone.
    type: path
  no_password:
    description: Whether the user is known by a certificate alone, and has no password.
    type: bool
    default: false
  update_password:
    description:
      - V(different) sets the password where a login with it fails.
      - V(on_create) sets it for a new user only. V(always) sets it each time, which is a change each time.
    type: str
    choices: [different, on_create, always]
    default: different
  roles:
    description: The roles of the user, which must be there. Without it the roles stay as they are.
    type: list
    elements: str
  append:
    description: Whether roles that are not in O(roles) stay.
    type: bool
    default: false
seealso:
  - module: quorum.etcd.etcd_role
  - module: quorum.etcd.etcd_auth
"""

EXAMPLES = r"""
- name: Have a user with a password out of the vault
  quorum.etcd.etcd_user:
    endpoints: [http://127.0.0.1:2379]
    name: app
    user_password: "{{ vaulted_app_password }}"
    roles: [app]

- name: Have a user who is known by a certificate with the CN backup
  quorum.etcd.etcd_user:
    endpoints: [http://127.0.0.1:2379]
    name: backup
    no_password: true
    roles: [root]
"""

RETURN = r"""
user:
  description: The user as it is now, or would be in check mode.
  returned: success
  type: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
    state:
      description: Whether the user is there.
      type: str
      returned: always
    roles:
      description: The roles.
      type: list
      elements: str
      returned: when the user is there
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._access import users, wanted
from ansible_collections.quorum.etcd.plugins.module_utils._access.users import Cluster, User
from ansible_collections.quorum.etcd.plugins.module_utils._module.access import asker_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given, name = module.params, module.params["name"]
    password = given["user_password"]
    if given["user_password_file"]:
        password = wanted.password_of_file(given["user_password_file"], name)
        module.no_log_values.add(password)
    if password is not None:
        wanted.check_password(password, name)
    asker = asker_of(given)
    with asker.client() as client, asker.visitor() as visitor:
        # A gRPC proxy is refused.
        client.member_list(linearizable=False)
        cluster = Cluster(client, visitor, asker.credentials)
        if given["state"] == "absent":
            change = users.remove(cluster, name, module.check_mode)
        else:
            asked = (given["no_password"], given["roles"], not given["append"], given["update_password"])
            change = users.ensure(cluster, User(name, password, *asked), module.check_mode)
    user = {field: value for field, value in change.after.items() if field != "password"}
    return {**change.result, "user": user}


def main() -> None:
    run(
        {
            **connection_spec(),
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "user_password": {"type": "str", "no_log": True},
            "user_password_file": {"type": "path", "no_log": False},
            "no_password": {"type": "bool", "default": False, "no_log": False},
            "update_password": {"type": "str", "choices": users.UPDATES, "default": users.DIFFERENT, "no_log": False},
            "roles": {"type": "list", "elements": "str"},
            "append": {"type": "bool", "default": False},
        },
        act,
        mutually_exclusive=[("user_password", "user_password_file")],
    )


if __name__ == "__main__":
    main()
