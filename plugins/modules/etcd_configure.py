# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_configure
short_description: Render a member's files and certificates, and write them in one call
version_added: "0.1.0"
description:
  - Renders the settings, the unit, the gate and the etcdctl wrapper of a member, issues the certificates that it lacks
    with the CAs on the controller, and sends all of it to the host in one call of M(quorum.etcd.etcd_files).
  - Private keys of members exist on their host only.
  - Part of the role C(quorum.etcd.etcd).
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.observed
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  version:
    description: The etcd version that the files are for.
    type: str
    required: true
  initial_cluster:
    description: etcd's C(initial-cluster) of the bootstrap.
    type: str
    required: true
  token:
    description: etcd's C(initial-cluster-token) of the bootstrap.
    type: str
    required: true
  kept:
    description:
      - The data of a member are on the host already, and its system was built anew. The marker then says so, and there
        are no settings of a first start.
      - Where that member runs its marker alone is written.
    type: bool
    default: false
  accepted:
    description:
      - The operator has accepted the disks and the machine on which the member's data are now. Its marker alone is
        written.
    type: bool
    default: false
  pki:
    description: How certificates are made, the role's C(__etcd_inputs.pki).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the files
  quorum.etcd.etcd_configure:
    observation: "{{ __etcd_own }}"
    version: "{{ __etcd_step.version }}"
    initial_cluster: "{{ __etcd_step.initial_cluster }}"
    token: "{{ __etcd_step.token }}"
    pki: "{{ __etcd_inputs.pki }}"
"""

RETURN = r"""#"""
