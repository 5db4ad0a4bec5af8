#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_proxy
short_description: "Internal: look at the proxies of a host, make one, or remove one"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A proxy is an etcd gateway or an etcd gRPC proxy. It has no data.
  - With V(present) its files are written, it is restarted if one of them needs that, and it must serve. One that does
    not serve is started again with the unit that it had before.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  state:
    description: V(looked) changes nothing and asks about O(proxies), the others are about O(layout).
    type: str
    choices: [looked, present, absent]
    required: true
  proxies:
    description:
      - For each proxy C(layout), C(health), C(ports), the addresses C(hosts) at which it listens, and C(files) of the
        operator's own.
    type: list
    elements: dict
    default: []
  layout:
    description: Where the proxy lies on its host.
    type: dict
    default: {}
  files:
    description: The files of the proxy, each with C(path), C(content), C(mode), C(owner) and C(group).
    type: list
    elements: dict
    default: []
  links:
    description: Path of a symbolic link to its target.
    type: dict
    default: {}
  certificates:
    description: The certificate to write, by its name.
    type: dict
    default: {}
  private_keys:
    description: Its key.
    type: dict
    default: {}
  command:
    description: The arguments of its process.
    type: list
    elements: str
    default: []
  bundle:
    description: The checksum of the CA bundle that it reads. Empty for none.
    type: str
    default: ""
  health:
    description: How to ask whether it serves.
    type: dict
    default: {}
  members:
    description: Its endpoints, which must be no proxies themselves.
    type: list
    elements: str
    default: []
  ask:
    description: The paths C(ca), C(cert) and C(key) with which they are asked.
    type: dict
    default: {}
  timeout:
    description: Seconds until it must serve.
    type: float
    default: 60.0
"""

EXAMPLES = r"""
- name: The role calls it through the action that renders its options
  quorum.etcd.etcd_internal_proxies:
    state: applied
    inputs: "{{ __etcd_proxy_inputs }}"
    plan: "{{ __etcd_proxy_plan }}"
"""

RETURN = r"""#"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import Layout
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._proxy import instance

_WANTED = ("command", "bundle", "health", "members", "ask", "timeout")


def act(module: AnsibleModule) -> dict[str, Any]:
    given, systemd = module.params, Systemd(command.of_module(module))
    if given["state"] == "looked":
        return {"changed": False, "seen": instance.look(given["proxies"], systemd)}
    layout = Layout.from_dict(given["layout"])
    if given["state"] == "absent":
        return instance.remove(layout, systemd, module.check_mode)
    wanted = instance.Wanted(**{name: given[name] for name in _WANTED})
    return instance.ensure(layout, Content.from_params(given), wanted, systemd, module.check_mode)


def main() -> None:
    run(
        {
            "state": {"type": "str", "choices": ["looked", "present", "absent"], "required": True},
            "proxies": {"type": "list", "elements": "dict", "default": []},
            "layout": {"type": "dict", "default": {}},
            "files": {"type": "list", "elements": "dict", "default": []},
            "links": {"type": "dict", "default": {}},
            "certificates": {"type": "dict", "default": {}},
            "private_keys": {"type": "dict", "default": {}, "no_log": True},
            "command": {"type": "list", "elements": "str", "default": []},
            "bundle": {"type": "str", "default": ""},
            "health": {"type": "dict", "default": {}},
            "members": {"type": "list", "elements": "str", "default": []},
            "ask": {"type": "dict", "default": {}},
            "timeout": {"type": "float", "default": 60.0},
        },
        act,
        reads={"looked"},
    )


if __name__ == "__main__":
    main()
