# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_fleet
short_description: "Internal: let the clusters of one run take turns"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A pure function of what each host has registered as C(__etcd_plan), C(__etcd_pending) and C(__etcd_judged). It runs
    on the controller.
  - It never fails itself, because a host that failed would be missing for those that order a moment later. What it
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
  state:
    description:
      - V(ordered) prints the order of the clusters and returns when this host's turn is.
      - V(reported) prints what became of each, and refuses where this host's turn did not come.
    type: str
    choices: [ordered, reported]
    required: true
  group:
    description: The group of this host's cluster.
    type: str
    required: true
  hosts:
    description: The hosts of this run that have not failed.
    type: list
    elements: str
    required: true
  wish:
    description: C(canary) (a group), C(soak) (seconds), C(at_once) (clusters) and C(slowdown) (times).
    type: dict
    required: true
  began:
    description: What was returned with O(state=ordered), for O(state=reported).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Order the clusters
  quorum.etcd.etcd_internal_fleet:
    state: ordered
    group: alpha
    hosts: "{{ ansible_play_batch }}"
    wish: {canary: alpha, soak: 300, at_once: 1, slowdown: 3}
  register: __etcd_fleet
"""

RETURN = r"""
refusal:
  description: Why this host's cluster is not touched; empty if it may be.
  returned: success
  type: str
ansible_facts:
  description: What a rescue can read.
  returned: with a refusal
  type: dict
  contains:
    etcd_refusals:
      description: The refusal for programs, see M(quorum.etcd.etcd_internal_plan).
      type: list
      elements: dict
      returned: success
clusters:
  description: Every cluster of the run as it was planned.
  returned: O(state=ordered), without a refusal
  type: list
  elements: dict
turns:
  description: The groups of each turn.
  returned: O(state=ordered), without a refusal
  type: list
  elements: list
turn:
  description: Number of this host's turn, from 0; V(-1) for a cluster that has nothing to do.
  returned: O(state=ordered), without a refusal
  type: int
earlier:
  description: The hosts of all turns before this host's. Where one of them fails its turn does not come.
  returned: O(state=ordered), without a refusal
  type: list
  elements: str
watched:
  description: Seconds for which this host's cluster is watched after its change.
  returned: O(state=ordered), without a refusal
  type: int
"""
