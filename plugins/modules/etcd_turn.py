# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_turn
short_description: Take one member's turn, that is, bring it to what the inventory says, or leave it as it was
version_added: "0.1.0"
description:
  - Renders the files of a member, issues the certificates that are due, and sends all of it in one call of
    M(quorum.etcd.etcd_apply) to the host. There what differs is written. Where the member must read it anew, it
    restarts as soon as its cluster can spare it, and is awaited until it serves.
  - A turn that fails is undone. The previous files are put back, so is what the cluster knew the member by, and the
    member starts with them again. Then the task fails with etcd's own words.
  - A turn that was interrupted, by a power cut say, leaves its previous files on the host until O(state=undone) or the
    next turn.
  - Part of the role C(quorum.etcd.etcd).
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.observed
  - quorum.etcd.turn
options:
  version:
    description: The etcd version that the files are for. Needed for O(state=taken).
    type: str
    default: ""
  certificates:
    description:
      - V(issued) writes all that differs, and issues the certificates that are due.
      - V(only) issues those and writes nothing else.
      - V(kept) writes all that differs and issues none, because they were just issued.
    type: str
    choices: [issued, only, kept]
    default: issued
  pki:
    description: How certificates are made, the role's C(__etcd_inputs.pki).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Take the member's turn
  quorum.etcd.etcd_turn:
    observation: "{{ __etcd_own }}"
    version: "{{ __etcd_step.version }}"
    restart: "{{ __etcd_step.restart }}"
    endpoints: "{{ __etcd_step.endpoints }}"
    members: "{{ __etcd_step.members }}"
    pki: "{{ __etcd_inputs.pki }}"

- name: Put back what an interrupted turn has replaced
  quorum.etcd.etcd_turn:
    state: undone
    observation: "{{ __etcd_own }}"
    endpoints: "{{ __etcd_step.endpoints }}"
"""

RETURN = r"""#"""
