#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_auth
short_description: Switch the authentication of an etcd cluster on or off, without a lock-out
version_added: "0.2.0"
description:
  - Switching it on is an attempt with a way back. The user root must be there with the role root, the task must log in
    as a user with that role, and each voter must answer. Once it is on, every voter must let the task in; otherwise it
    is switched off again and the task fails.
  - Whether root can log in is known only then, because etcd compares no password before. So a second user with the role
    root, C(quorum.etcd-attempt), is there during the attempt. A run that was interrupted is followed by one that goes
    on or back by it, with the same certificate or password.
  - Clients that do not log in are refused from then on. Watches that are open stay open.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever.
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
      - It says what would be changed, and not whether every member would let the task in.
  diff_mode:
    support: full
options:
  state:
    description:
      - V(status) changes nothing. V(disabled) keeps users and roles.
    type: str
    choices: [enabled, disabled, status]
    default: status
seealso:
  - module: quorum.etcd.etcd_user
  - module: quorum.etcd.etcd_auth_info
"""

EXAMPLES = r"""
- name: Switch authentication on, as the user whom the certificate names
  quorum.etcd.etcd_auth:
    endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/admin.pem
    client_key: /etc/etcd/ssl/admin-key.pem
    state: enabled
"""

RETURN = r"""
enabled:
  description: Whether authentication is on now, or would be in check mode.
  returned: success
  type: bool
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._access import attempt, authentication
from ansible_collections.quorum.etcd.plugins.module_utils._module.access import asker_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    asker, state = asker_of(module.params), module.params["state"]
    before = authentication.is_on(asker)
    if state == "status":
        return {"changed": False, "enabled": before}
    act_on = attempt.enable if state == "enabled" else attempt.disable
    changed = act_on(asker, module.check_mode)
    after = state == "enabled"
    return {"changed": changed, "enabled": after, "diff": {"before": {"enabled": before}, "after": {"enabled": after}}}


def main() -> None:
    states = {"type": "str", "choices": ["enabled", "disabled", "status"], "default": "status"}
    run({**connection_spec(), "state": states}, act, reads=("status",))


if __name__ == "__main__":
    main()
