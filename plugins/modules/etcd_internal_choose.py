# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_choose
short_description: "Internal: choose the host that acts for all of a cluster"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Chooses by what every host has registered as C(__etcd_looked). It runs on the controller and changes nothing.
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
  purpose:
    description:
      - V(save) for the healthiest follower that can save a snapshot.
      - V(drill) for the host that has the snapshot O(snapshot), or the newest one.
      - V(fetch) for the host that has the newest snapshot.
      - It fails where no host will do.
    type: str
    choices: [save, drill, fetch]
    required: true
  cluster:
    description: Name of the cluster, for messages.
    type: str
    required: true
  group:
    description: The group that has its members, for messages.
    type: str
    default: ""
  members:
    description: All hosts of the cluster in the inventory's order.
    type: list
    elements: str
    required: true
  hosts:
    description: Those among which to choose.
    type: list
    elements: str
    required: true
  snapshot:
    description: With O(purpose=drill), the path of the snapshot that was named. Empty for the newest.
    type: str
    default: ""
  directory:
    description: Where snapshots lie on hosts, for messages.
    type: str
    default: ""
  instance:
    description: Name of the instance, for messages.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Choose the host that saves
  quorum.etcd.etcd_internal_choose:
    purpose: save
    cluster: "{{ etcd_cluster_name }}"
    members: "{{ __etcd_members }}"
    hosts: "{{ __etcd_here }}"
  register: __etcd_chosen
"""

RETURN = r"""
host:
  description: The host that acts.
  returned: success
  type: str
passed_over:
  description: Why each of the others cannot save one.
  returned: with O(purpose=save)
  type: list
  elements: str
"""
