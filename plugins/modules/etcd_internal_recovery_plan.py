# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_recovery_plan
short_description: "Internal: plan the way out of a lost quorum, or refuse"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A pure function of what M(quorum.etcd.etcd_internal_observe) and M(quorum.etcd.etcd_internal_recovery) have
    registered for every host. Prints the plan once, or says what was found, why it is dangerous and what is safe.
  - The member goes on whose write-ahead log ends with the highest term, and of that term the highest index.
  - It never fails itself. What it returns in RV(refusal) is for the next task to fail with.
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
    description: Name of the cluster.
    type: str
    required: true
  members:
    description: All hosts of the cluster in the inventory's order.
    type: list
    elements: str
    required: true
  batch:
    description: The hosts of this run that may act.
    type: list
    elements: str
    required: true
  fenced:
    description: What C(etcd_fenced) says of hosts and members whose machines are off and stay off.
    type: raw
    default: []
  quorum_lost:
    description: Whether the quorum does not come back by itself although enough members have their data.
    type: bool
    default: false
  roll_back:
    description: Plan to undo what an interrupted run has begun.
    type: bool
    default: false
  at_rest:
    description: Whether every member was stopped since the hosts were observed.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Plan
  quorum.etcd.etcd_internal_recovery_plan:
    cluster: "{{ etcd_cluster_name }}"
    members: "{{ groups[etcd_group] }}"
    batch: "{{ ansible_play_batch }}"
    fenced: [etcd-host2]
  register: __etcd_recovery
"""

RETURN = r"""
refusal:
  description: Why nothing may be done. Empty where it may.
  returned: success
  type: str
alive:
  description: Hosts that were heard.
  returned: without a refusal
  type: list
  elements: str
survivor:
  description: The host whose member goes on alone. Empty where the recovery is rolled back.
  returned: without a refusal
  type: str
founds:
  description: Whether the new cluster is still to be made.
  returned: without a refusal
  type: bool
install:
  description: The step by which the survivor's host gets what it still lacks to run it. V(null) for none.
  returned: without a refusal
  type: dict
goes_on:
  description: The step by which the survivor goes on alone. V(null) where there is none.
  returned: without a refusal
  type: dict
saves:
  description: Hosts whose member still answers, so that a snapshot of it can be saved.
  returned: without a refusal
  type: list
  elements: str
rests:
  description: Hosts on which nothing may start until the end.
  returned: without a refusal
  type: list
  elements: str
"off":
  description: Hosts of the group whose machines are off.
  returned: without a refusal
  type: list
  elements: str
rolls_back:
  description: Hosts that get back what they had.
  returned: without a refusal
  type: list
  elements: str
text:
  description: The plan for a person.
  returned: without a refusal
  type: str
"""
