# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_step
short_description: "Internal: do one step of the plan on its host"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Announces the step, renders files and issues certificates on the controller where the step needs them, and does
    all of it in one call of a module on the host.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
options:
  step:
    description: The step as the plan returned it.
    type: dict
    required: true
  cluster:
    description: Name of the cluster.
    type: str
    required: true
  layout:
    description: Where the instance lies on this host.
    type: dict
    required: true
  tls:
    description: Whether the cluster uses TLS.
    type: bool
    required: true
  auto_tls:
    description: Whether each member made the certificate of its client port itself.
    type: bool
    default: false
  observation:
    description: What was observed on this host, with what the inventory wants of it. Empty for acts that need none.
    type: dict
    default: {}
  reports:
    description: What M(quorum.etcd.etcd_peer_report) returned for the other members.
    type: list
    elements: dict
    default: []
  start_timeout:
    description: How long a member may take to serve, in seconds.
    type: float
    default: 120
  source:
    description:
      - Where releases come from. C(url), C(archive_dir), C(checksums) and C(checksums_from_mirror), as the role's
        variables have them.
    type: dict
    default: {}
  pki:
    description: How certificates are made, the role's C(__etcd_inputs.pki).
    type: dict
    default: {}
  bootstrap:
    description: Where the members of a new cluster learn names from, the role's C(__etcd_bootstrap).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: The role alone calls it
  quorum.etcd.etcd_internal_step:
    step: "{{ __etcd_step }}"
    cluster: "{{ etcd_cluster_name }}"
    layout: "{{ __etcd_layout }}"
    tls: "{{ etcd_tls | bool }}"
    auto_tls: "{{ etcd_auto_tls | bool }}"
    observation: "{{ __etcd_own }}"
    pki: "{{ __etcd_inputs.pki }}"
"""

RETURN = r"""#"""
