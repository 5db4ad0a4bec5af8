#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_prove
short_description: "Internal: prove that every other member can be reached, and agree on a first start"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Dials the peer and client ports of every other member from this host, where a listener stands until the first start.
    When all of them answer as themselves, this host agrees on the cluster's first start, in its marker.
  - A firewall between members would otherwise leave a half-made cluster, or one whose members cannot ask each other
    before a change.
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
  peers:
    description: Where the other members must be reached. A member may be listed several times.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the member.
        type: str
        required: true
      urls:
        description: URLs of it, of which one must lead to it.
        type: list
        elements: str
        required: true
  token:
    description: The C(initial-cluster-token) of this bootstrap.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Reach the other two members
  quorum.etcd.etcd_internal_prove:
    token: etcd_cluster-0123456789abcdef
    peers:
      - {name: etcd-host1, urls: ["https://10.0.0.2:2380"]}
      - {name: etcd-host1, urls: ["https://10.0.0.2:2379"]}
      - {name: etcd-host2, urls: ["https://10.0.0.3:2380"]}
      - {name: etcd-host2, urls: ["https://10.0.0.3:2379", "https://etcd2.example.com:2379"]}
"""

RETURN = r"""
failures:
  description: What could not be reached, and why.
  returned: failure
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import AGAIN, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files, peer_probe
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import bootstrap


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    layout = layout_of(given)
    marker = host_files.read_marker(layout)
    if marker is None or marker.token != given["token"]:
        raise Refused(
            "This host's part in the bootstrap is not the one that the plan saw.",
            "Somebody else changed it meanwhile.",
            AGAIN,
            code="host-changed",
        )
    failures = list(peer_probe.failures(given["peers"], given["token"]))
    if failures:
        module.fail_json(msg="Nothing was started. " + " ".join(failures), failures=failures)
    bootstrap.agree(layout, marker, module.check_mode)
    return {"changed": True}


def main() -> None:
    peer = {
        "name": {"type": "str", "required": True},
        "urls": {"type": "list", "elements": "str", "required": True},
    }
    run(
        {
            **LAYOUT,
            "peers": {"type": "list", "elements": "dict", "required": True, "options": peer},
            "token": {"type": "str", "required": True, "no_log": False},
        },
        act,
    )


if __name__ == "__main__":
    main()
