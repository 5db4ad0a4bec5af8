# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_restore
short_description: "Internal: prepare on the controller one act of a restore"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Sends one act of a restore to M(quorum.etcd.etcd_internal_snapshot_restore) on a host, and with it what the act
    needs of the controller, the snapshot or the files and certificates of the member.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.observed
  - quorum.etcd.restore
options:
  state:
    description:
      - The act, see the option of the same name of M(quorum.etcd.etcd_internal_snapshot_restore).
      - V(fetched) brings the snapshot from this host to the controller, where it is gone with the run.
    type: str
    choices:
      - fetched
      - staged
      - drilled
      - prepared
      - marked
      - stopped
      - archived
      - restored
      - started
      - verified
      - open
      - finished
      - ended
      - rolled_back
    required: true
  source:
    description: Who has the snapshot, C(plan.source) of M(quorum.etcd.etcd_internal_restore_plan).
    type: dict
  path:
    description: Where this host has the snapshot. Empty where it has not.
    type: str
    default: ""
  manifest:
    description:
      - With O(state=drilled), what the snapshot holds, C(plan.manifest) of M(quorum.etcd.etcd_internal_restore_plan).
    type: dict
  pki:
    description: How certificates are made, the role's C(__etcd_inputs.pki). Needed with O(state=restored).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: The role calls it once for each act
  quorum.etcd.etcd_internal_restore:
    state: prepared
    observation: "{{ __etcd_own }}"
    restoration: "{{ __etcd_plan.plan.restoration }}"
"""

RETURN = r"""
archived:
  description: Where the old data lie.
  returned: with O(state=finished)
  type: list
  elements: str
started:
  description: Whether a member was started.
  returned: with O(state=rolled_back)
  type: bool
"""
