# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_restore_plan
short_description: "Internal: plan the restore of a whole cluster, or refuse"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Turns what every host of a cluster said of itself and of snapshots into what exactly is restored and in which order,
    or into a refusal. It runs on the controller and changes nothing.
  - A restore that is under way is gone on with. What it restores is written down on its hosts, and not decided anew.
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
    description: All hosts of the cluster's group.
    type: list
    elements: str
    required: true
  fenced:
    description: What C(etcd_fenced) says of hosts, and of members that are in no inventory any more, that are off.
    type: raw
    default: []
  snapshot:
    description: Path of the snapshot on the controller or on a host. Empty for the newest one that a host has.
    type: str
    default: ""
  snapshot_of:
    description: Name or id of the other cluster that the snapshot is of.
    type: str
    default: ""
  allow_missing_hash:
    description: Take a copied database, whose file has no checksum.
    type: bool
    default: false
  roll_back:
    description: Plan to have everything as it was before the restore that is under way instead.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: The role calls it after every host was looked at
  quorum.etcd.etcd_internal_restore_plan:
    cluster: "{{ etcd_cluster_name }}"
    members: "{{ groups['etcd_cluster'] }}"
    snapshot: /srv/backup/etcd.db
"""

RETURN = r"""
refusal:
  description: Why nothing is done, or an empty text.
  returned: always
  type: str
steps:
  description: For each wave this host's step or V(null).
  returned: with a plan
  type: list
  elements: dict
waves:
  description: The number of waves. Every host ends its step of one before any host begins the next.
  returned: always
  type: int
reversible:
  description: How many of them are rolled back where one of their steps fails.
  returned: with a plan
  type: int
may_roll_back:
  description: Whether no host has its new data yet.
  returned: with a plan
  type: bool
ending:
  description: Whether only what an earlier restore has left behind is removed.
  returned: with a plan
  type: bool
restoration:
  description: What exactly is restored.
  returned: with a plan
  type: dict
undo:
  description: The step by which this host has everything as it was before.
  returned: without a refusal
  type: dict
alive:
  description: Hosts that were heard.
  returned: without a refusal
  type: list
  elements: str
"off":
  description: Hosts of the group whose machines are off.
  returned: without a refusal
  type: list
  elements: str
text:
  description: The plan for a person.
  returned: with a plan
  type: str
"""
