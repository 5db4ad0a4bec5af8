#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_v2_migration
short_description: "Internal: move the keys of API version 2 to version 3"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Stops one member that its cluster can spare, and runs it with the API of version 2 where no client reaches it. It
    writes each key in version 3 that is not there, and takes it out of version 2. Then its unit starts again.
  - A copy of its data is kept before that. Nothing is deleted that was not read, and no key of version 3 is changed.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.layout
options:
  takes_expiring:
    description: Whether keys with a time to live may move.
    type: bool
    default: false
  endpoints:
    description: Client URLs of the other members. Empty for a cluster of one.
    type: list
    elements: str
    default: []
  members:
    description: The members as the plan foresaw them. Refused where they are others by now.
    type: list
    elements: dict
    required: true
  allow_outage:
    description: Whether one of two voters may stop, although nobody can write meanwhile.
    type: bool
    default: false
  nonce:
    description: The nonce under which the hosts of the other members report their new connections.
    type: str
    default: ""
  reports:
    description: What M(quorum.etcd.etcd_peer_report) has returned for the other members.
    type: list
    elements: dict
    default: []
  timeout:
    description: How long each start of the member may take, in seconds.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: The role calls it through the action that renders its options
  quorum.etcd.etcd_internal_step:
    step: "{{ __etcd_step }}"
    observation: "{{ __etcd_own }}"
"""

RETURN = r"""
key_count:
  description: How many keys were in version 2.
  returned: but in check mode
  type: int
copied:
  description: How many of them were written in version 3. The others were there.
  returned: but in check mode
  type: int
expiring:
  description: How many of them have a time to live.
  returned: but in check mode
  type: int
empty_directories:
  description: How many directories were empty.
  returned: but in check mode
  type: int
hidden_in:
  description: Directories that stay in version 2, because they hold hidden keys.
  returned: but in check mode
  type: list
  elements: str
before:
  description: How many keys version 3 had.
  returned: but in check mode
  type: int
after:
  description: How many it has.
  returned: but in check mode
  type: int
kept:
  description: Where the copy of the data lies. Empty where version 2 had nothing, for then none is kept.
  returned: but in check mode
  type: list
  elements: str
earlier:
  description: Copies of earlier runs on the host.
  returned: but in check mode
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import v2_migration
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    terms = Terms(
        "migration",
        given["endpoints"],
        given["members"],
        given["allow_outage"],
        witnesses=Witnesses.from_options(given["nonce"], given["reports"]),
    )
    move = v2_migration.Move(given["takes_expiring"], given["timeout"])
    return v2_migration.migrate(command.of_module(module), layout_of(given), move, terms, module.check_mode)


def main() -> None:
    run(
        {
            **LAYOUT,
            "takes_expiring": {"type": "bool", "default": False},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "members": {"type": "list", "elements": "dict", "required": True},
            "allow_outage": {"type": "bool", "default": False},
            "nonce": {"type": "str", "default": "", "no_log": False},
            "reports": {"type": "list", "elements": "dict", "default": []},
            "timeout": {"type": "float", "default": 120.0},
        },
        act,
    )


if __name__ == "__main__":
    main()
