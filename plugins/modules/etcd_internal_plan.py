# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_plan
short_description: "Internal: turn what every host observed into steps, a refusal, or nothing to do"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A pure function of what the inventory wants and what was seen. Prints the plan of each cluster once, or says
    what was found, why it is dangerous and what is safe.
  - A difference from the inventory that no step can mend is reported and ends the run.
  - It never fails itself, because a host that failed would be missing for those that plan a moment later. What it
    returns in RV(refusal) is for the next task to fail with.
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
  batch:
    description: The hosts of this run that may act.
    type: list
    elements: str
    required: true
  verify:
    description: Whether this plan follows on steps that were carried out, so that any further step is a failure.
    type: bool
    default: false
  fenced:
    description:
      - What C(etcd_fenced) says of machines that are off. That such a host gives no answer is a warning then, no
        difference.
    type: raw
    default: []
"""

EXAMPLES = r"""
- name: Plan
  quorum.etcd.etcd_internal_plan:
    cluster: "{{ etcd_cluster_name }}"
    members: "{{ groups[etcd_group] }}"
    batch: "{{ ansible_play_batch }}"
  register: __etcd_plan
"""

RETURN = r"""
refusal:
  description:
    - Why nothing may be done, or what is not as it should be and cannot be mended. Empty where steps can be taken.
  returned: success
  type: str
steps:
  description: For each wave this host's step or V(null).
  returned: without a refusal
  type: list
  elements: dict
waves:
  description: The number of waves. The steps of one wave run side by side.
  returned: without a refusal
  type: int
walked:
  description: How many of them this run goes through. In check mode all or none, since most presume those before them.
  returned: without a refusal
  type: int
alive:
  description: Hosts of this run that answered.
  returned: without a refusal
  type: list
  elements: str
text:
  description: The plan for a person.
  returned: without a refusal
  type: str
table:
  description: The members of the cluster for a person. Empty while there are steps to take.
  returned: without a refusal
  type: str
differences:
  description: What is not as the inventory says and no step mends. It fails the run once there are no more steps.
  returned: without a refusal
  type: list
  elements: str
"""
