#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_files
short_description: "Internal: write all files of a member in one call"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Writes the marker, the settings, the unit, the gate and the certificates of a member that has no data yet, and
    stands on its peer port until its first start.
  - Without O(files) it writes the marker alone, with the disks and the machine on which the data are now. The data must
    be those of the member, and the newest that its host knows of.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
  - quorum.etcd.content
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  expected:
    description: The marker that the plan saw. Not given for none.
    type: dict
  wanted:
    description: The marker to write.
    type: dict
    required: true
  first_start:
    description: The settings of the member's one first start. They may have a password in them.
    type: str
    default: ""
  listen:
    description: Peer and client URLs to stand on until the first start.
    type: list
    elements: str
    default: []
notes:
  - Always reports a change, because the host is claimed and the listener put there anew.
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
from ansible_collections.quorum.etcd.plugins.module_utils._host.member_files import Content
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import CONTENT, LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import bootstrap


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    systemd = Systemd(command.of_module(module))
    expected = Marker.from_dict(given["expected"]) if given["expected"] else None
    part = bootstrap.Offer(expected, Marker.from_dict(given["wanted"]), given["listen"], given["first_start"])
    return bootstrap.offer(layout_of(given), Content.from_params(given), part, systemd, module.check_mode)


def main() -> None:
    run(
        {
            **LAYOUT,
            **CONTENT,
            "expected": {"type": "dict"},
            "wanted": {"type": "dict", "required": True},
            "first_start": {"type": "str", "default": "", "no_log": True},
            "listen": {"type": "list", "elements": "str", "default": []},
        },
        act,
    )


if __name__ == "__main__":
    main()
