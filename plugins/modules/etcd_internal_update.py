#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_update
short_description: "Internal: update one member, or roll an interrupted update back"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Writes what differs, restarts the member where that must be read anew, waits until it serves, and undoes all of it
    where it does not.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.layout
  - quorum.etcd.content
  - quorum.etcd.update
options:
  expected:
    description: The marker that the plan saw.
    type: dict
    required: true
  name:
    description: The member's name from now on.
    type: str
    required: true
  environment:
    description: The variables of etcd with which the member is to run.
    type: dict
    default: {}
  from_version:
    description: The release that the plan presumes the member to have. Empty for any. Refused where it is another one.
    type: str
    default: ""
  lock_timeout:
    description: How long to wait for whoever else is at work on the cluster, in seconds.
    type: float
    default: 300
"""

EXAMPLES = r"""
- name: The role calls it through the action that renders its options
  quorum.etcd.etcd_internal_step:
    step: "{{ __etcd_step }}"
    observation: "{{ __etcd_own }}"
    pki: "{{ __etcd_inputs.pki }}"
"""

RETURN = r"""#"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import CONTENT, LAYOUT, UPDATE, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import update, way_back
from ansible_collections.quorum.etcd.plugins.module_utils._steps.maintenance import Terms


def act(module: AnsibleModule) -> dict[str, Any]:
    systemd, given, check = Systemd(command.of_module(module)), module.params, module.check_mode
    layout = layout_of(given)
    undone = given["state"] == "undone"
    terms = Terms(
        "update",
        given["endpoints"],
        None if undone else given["members"],
        given["allow_outage"],
        given["lock_timeout"],
        witnesses=Witnesses.from_options(given["nonce"], given["reports"]),
    )
    if undone:
        foreseen = given["members"] or ()
        return {"changed": way_back.undo(systemd, layout, terms, given["timeout"], check, foreseen=foreseen)}
    asked = update.Update(
        Marker.from_dict(given["expected"]),
        given["name"],
        given["restart"],
        given["peer_urls"],
        given["environment"],
        given["timeout"],
        given["from_version"],
    )
    return update.apply(systemd, layout, Content.from_params(given), asked, terms, check)


def main() -> None:
    run(
        {
            **LAYOUT,
            **CONTENT,
            **UPDATE,
            "expected": {"type": "dict", "required": True},
            "name": {"type": "str", "required": True},
            "environment": {"type": "dict", "default": {}},
            "from_version": {"type": "str", "default": ""},
            "lock_timeout": {"type": "float", "default": cluster_lock.WAIT},
        },
        act,
    )


if __name__ == "__main__":
    main()
