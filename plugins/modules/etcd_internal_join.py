#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_join
short_description: "Internal: let a host join a cluster that serves"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Writes the files of a member, adds it to the cluster as a learner, starts it, waits until it has caught up and
    itself answers, and makes a voter of it. All in one call, under the locks of the host and of the cluster.
  - A call that was interrupted is continued by the next one. A member is never added twice.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.layout
  - quorum.etcd.content
  - quorum.etcd.membership
  - quorum.etcd.membership.presumed
  - quorum.etcd.joining
options:
  peer_urls:
    description: Peer URLs of the new member.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: The role calls it through the action that renders its options
  quorum.etcd.etcd_internal_step:
    step: "{{ __etcd_step }}"
    observation: "{{ __etcd_own }}"
    pki: "{{ __etcd_inputs.pki }}"
"""

RETURN = r"""
member_id:
  description: The id of the new member in lower-case hex.
  returned: success, and not in check mode
  type: str
  sample: 8e9e05c52164694d
cluster_id:
  description: The id of its cluster in lower-case hex.
  returned: success, and not in check mode
  type: str
  sample: cdf818194e3a8c32
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster.link_proof import Witnesses
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import (
    CONTENT,
    JOINING,
    LAYOUT,
    MEMBERSHIP,
    layout_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import join

_JOINING = ("cluster", "name", "peer_urls", "endpoints", "members", "timeout")


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    systemd = Systemd(command.of_module(module))
    joining = join.Joining(**{field: given[field] for field in _JOINING}, witnesses=Witnesses(given["nonce"]))
    return join.join(systemd, layout_of(given), Content.from_params(given), joining, module.check_mode)


def main() -> None:
    run(
        {
            **LAYOUT,
            **CONTENT,
            **MEMBERSHIP,
            "peer_urls": {"type": "list", "elements": "str", "required": True},
            **JOINING,
        },
        act,
    )


if __name__ == "__main__":
    main()
