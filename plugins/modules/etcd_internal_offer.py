#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_offer
short_description: "Internal: ask apt which packages of etcd a host is offered"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Asks apt for the versions of C(etcd-server) and C(etcd-client). Where its lists have none that is asked for, new
    lists are fetched beside the system's, which stay as they are.
  - That a host is offered nothing is a result and no failure.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
options:
  version:
    description: The release that is asked for, such as V(3.4.23). Empty for any.
    type: str
    default: ""
  asks:
    description: Whether apt is asked at all. Otherwise only whether the host can read packages.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Ask apt
  quorum.etcd.etcd_internal_offer:
    version: 3.4.23
"""

RETURN = r"""
versions:
  description: The versions of both packages, the newest first.
  returned: success
  type: list
  elements: str
  sample: ["3.4.23-4+b4"]
problem:
  description: Why there is nothing to choose from. Empty where there is.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host import package_files
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    found = package_files.offer(command.of_module(module), module.params["version"], module.params["asks"])
    return {"changed": False, **found.to_dict()}


def main() -> None:
    run({"version": {"type": "str", "default": ""}, "asks": {"type": "bool", "default": True}}, act, reads=True)


if __name__ == "__main__":
    main()
