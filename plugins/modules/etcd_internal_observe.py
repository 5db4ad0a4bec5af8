# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_observe
short_description: "Internal: say what a host should be, and look at what it is"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Works out what one host of a cluster should be, runs M(quorum.etcd.etcd_node_info) on it, and judges its
    certificates against the CAs on the controller. Changes nothing.
  - It reads the variables of the role. A host that a run leaves out is asked by
    delegation.
  - Refused under strategies in which hosts do not wait for each other.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
options:
  host:
    description: The inventory name of the host to look at.
    type: str
    required: true
  inputs:
    description: The role's C(__etcd_inputs) as this task's host has them.
    type: dict
    required: true
  members:
    description: All hosts of the cluster. C(etcd_forget) may name a member by any word of the inventory for its host.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Observe
  quorum.etcd.etcd_internal_observe:
    host: "{{ item }}"
    inputs: "{{ __etcd_inputs }}"
  loop: "{{ __etcd_share }}"
  delegate_to: "{{ item }}"
  register: __etcd_seen
"""

RETURN = r"""
wanted:
  description: What the host should be. V(null) when its variables are wrong.
  returned: success
  type: dict
seen:
  description: What M(quorum.etcd.etcd_node_info) returned.
  returned: success
  type: dict
authorities:
  description: What the CAs on the controller mean for this host, never their keys.
  returned: success
  type: dict
problem:
  description: What is wrong with the host's variables. Empty when nothing is.
  returned: success
  type: str
silent:
  description: Why the host could not be looked at. Empty when it could.
  returned: success
  type: str
skew:
  description: How far its clock is ahead of the controller's at least, in seconds. Negative where it is behind.
  returned: success
  type: float
heard:
  description:
    - The id of each member that is to be forgotten and that the host did not reach. Where something answers the
      controller for it, C(url) and C(certain), else V(null).
  returned: success
  type: dict
"""
