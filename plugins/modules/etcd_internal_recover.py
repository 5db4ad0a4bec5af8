# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_recover
short_description: "Internal: prepare on the controller how one member goes on alone"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Renders the files of the member whose log goes furthest, issues its certificates, and sends all of it in one call of
    M(quorum.etcd.etcd_internal_rescue) to its host. There a cluster of one is made from a copy of its data, and started
    in their place.
  - Refused unless the host's member was stopped by M(quorum.etcd.etcd_internal_recovery).
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.observed
  - quorum.etcd.rescue
options:
  version:
    description: The etcd version that the member runs.
    type: str
    required: true
  left:
    description: What M(quorum.etcd.etcd_internal_recovery) returned for this host once its member was stopped.
    type: dict
    required: true
  pki:
    description: How certificates are made, the role's C(__etcd_inputs.pki).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The role calls it on the host whose member goes on
  quorum.etcd.etcd_internal_recover:
    observation: "{{ __etcd_own }}"
    version: "{{ __etcd_recovery.version }}"
    left: "{{ __etcd_left }}"
    pki: "{{ __etcd_inputs.pki }}"
"""

RETURN = r"""
member_id:
  description: The id of the member in lower-case hex. It stays what it was.
  returned: success, and not in check mode
  type: str
  sample: 8e9e05c52164694d
cluster_id:
  description: The id of its cluster in lower-case hex. It stays what it was, too.
  returned: success, and not in check mode
  type: str
  sample: cdf818194e3a8c32
revision:
  description: The revision of the store from which it goes on. V(0) where an earlier call made the cluster.
  returned: success, and not in check mode
  type: int
kept:
  description:
    - How many entries of its log were not known to be agreed on, and were kept. V(-1) where an earlier call made the
      cluster.
  returned: success, and not in check mode
  type: int
"""
