# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_soak
short_description: "Internal: watch a cluster after its change"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Runs M(quorum.etcd.etcd_internal_probe) on this host until the time is over and the cluster is no worse than before
    its change. It fails once three samples in a row were worse.
  - What was measured before the change is removed when the cluster is no worse, and stays otherwise.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: none
  diff_mode:
    support: none
options:
  cluster:
    description: Name of the cluster, for messages.
    type: str
    required: true
  seconds:
    description: How long it is watched. V(0) for one sample that is no worse.
    type: int
    required: true
  slowdown:
    description: How many times longer than before the median of its writes and reads may be.
    type: float
    required: true
  probe:
    description: Options of M(quorum.etcd.etcd_internal_probe) but its C(state).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Watch the cluster after its change
  quorum.etcd.etcd_internal_soak:
    cluster: alpha
    seconds: 300
    slowdown: 3
    probe:
      endpoints: ["https://10.0.0.1:2379"]
"""

RETURN = r"""
verdict:
  description: That the cluster is no worse, for a person.
  returned: success
  type: str
  sample: "no worse for 300 s: writes 4.1 ms, 3.8 ms before"
samples:
  description: How often it was measured.
  returned: success
  type: int
refusals:
  description: What is worse, see M(quorum.etcd.etcd_internal_plan).
  returned: failure
  type: list
  elements: dict
"""
