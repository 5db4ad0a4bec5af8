# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_join
short_description: Let a host join a cluster that serves
version_added: "0.1.0"
description:
  - Renders the files of a new member, issues its certificates, and sends all of it in one call of
    M(quorum.etcd.etcd_admit) to the host. There they are written, and the member is added to the cluster as a learner,
    started, awaited until it has caught up and itself answers, and made a voter.
  - A call that was interrupted is continued by the next one. A member is never added twice.
  - Refused while a voter of the cluster is not healthy, and on a host that holds data.
  - Part of the role C(quorum.etcd.etcd).
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.observed
  - quorum.etcd.membership.presumed
  - quorum.etcd.joining
options:
  version:
    description: The etcd version that the files are for.
    type: str
    required: true
  pki:
    description: How certificates are made, the role's C(__etcd_inputs.pki).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The role calls it through the action that renders its options
  quorum.etcd.etcd_join:
    observation: "{{ __etcd_own }}"
    version: "{{ __etcd_step.version }}"
    endpoints: "{{ __etcd_step.endpoints }}"
    members: "{{ __etcd_step.members }}"
    pki: "{{ __etcd_inputs.pki }}"
"""

RETURN = r"""
member_id:
  description: The id of the new member in lower-case hex.
  returned: success, and not in check mode
  type: str
  sample: 8e9e05c52164694d
cluster_id:
  description: The id of its cluster in lower-case hex.
  returned: success, and not in check mode
  type: str
  sample: cdf818194e3a8c32
"""
