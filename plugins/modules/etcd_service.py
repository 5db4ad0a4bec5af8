#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_service
short_description: Start a member, or wait until it serves
version_added: "0.1.0"
description:
  - Starts the unit of a member and enables it. It does not wait, because at a first start no member is ready before a
    quorum of them runs.
  - Or waits until the member is ready and answers a linearizable read of its own, and writes down its ids.
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
  state:
    description:
      - V(started) starts the member without waiting.
      - V(ready) waits until it serves.
    type: str
    choices: [started, ready]
    required: true
  timeout:
    description: How long to wait for O(state=ready), in seconds.
    type: float
    default: 120
  announce:
    description: What the controller prints while this runs. The role sets it to the step of its plan.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Start a member
  quorum.etcd.etcd_service:
    state: started

- name: Wait until it serves
  quorum.etcd.etcd_service:
    state: ready
"""

RETURN = r"""
member_id:
  description: The id of the member in lower-case hex.
  returned: O(state=ready) and not in check mode
  type: str
  sample: 8e9e05c52164694d
cluster_id:
  description: The id of its cluster in lower-case hex.
  returned: O(state=ready) and not in check mode
  type: str
  sample: cdf818194e3a8c32
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils import _command, _service, _signals
from ansible_collections.quorum.etcd.plugins.module_utils._errors import EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._options import ANNOUNCE, LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._systemd import Systemd


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **LAYOUT,
            **ANNOUNCE,
            "state": {"type": "str", "choices": ["started", "ready"], "required": True},
            "timeout": {"type": "float", "default": 120.0},
        },
        supports_check_mode=True,
    )
    layout = layout_of(module.params)
    _signals.outlive_the_connection()
    systemd = Systemd(_command.of_module(module))
    try:
        if module.params["state"] == "started":
            module.exit_json(changed=_service.start(systemd, layout, module.check_mode))
        if module.check_mode:
            module.exit_json(changed=False)
        result = _service.await_ready(systemd, layout, module.params["timeout"])
    except EtcdError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
