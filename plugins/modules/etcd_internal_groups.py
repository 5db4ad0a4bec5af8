# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_groups
short_description: "Internal: find the groups that have the members of a cluster each"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Reads C(etcd_group) among the variables of each group. What C(-e) says outranks them.
  - It runs on the controller, before any host is connected to, and refuses where a group has no host, where a host or a
    name belongs to two clusters, and where it is not said which of several clusters is meant.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  confirmed:
    description: The words by which a person may have confirmed what happens to one cluster.
    type: list
    elements: str
    default: []
  one_only:
    description: Whether the playbook is for one cluster.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Find the clusters of the inventory
  quorum.etcd.etcd_internal_groups:
    one_only: true
    confirmed: ["{{ etcd_confirm_cluster }}"]
  register: __etcd_found
"""

RETURN = r"""
hosts:
  description: The groups with commas between them, as the C(hosts) of a play takes them.
  returned: success
  type: str
"""
