# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_fenced
short_description: "Internal: find out which hosts the operator has said to be off"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Reads C(etcd_fenced). Each word of it is an inventory name, a member name, an address or a member ID.
  - It runs on the controller, before any host is observed. A word may be that of a member that no host of the group
    has.
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
  cluster:
    description: Name of the cluster, for messages.
    type: str
    required: true
  members:
    description: All hosts of the cluster in the inventory's order.
    type: list
    elements: str
    required: true
  given:
    description: What C(etcd_fenced) says, a list of words or a text with commas between them.
    type: raw
    default: []
"""

EXAMPLES = r"""
- name: Find the machines that are off
  quorum.etcd.etcd_internal_fenced:
    cluster: "{{ etcd_cluster_name }}"
    members: "{{ groups[etcd_group] }}"
    given: "{{ etcd_fenced }}"
  register: __etcd_fenced
"""

RETURN = r"""
"off":
  description: The hosts of the group that are off, in the inventory's order.
  returned: success
  type: list
  elements: str
words:
  description: What was given, and all other words for the same members.
  returned: success
  type: list
  elements: str
"""
