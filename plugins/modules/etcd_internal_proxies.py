# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_proxies
short_description: "Internal: plan the proxies of a host, and carry the plan out"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Looks at the proxies of a host and says what is to be done, or does it. Files are rendered and certificates issued
    on the controller, and each proxy is one call of M(quorum.etcd.etcd_internal_proxy) on the host.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
options:
  state:
    description:
      - V(planned) says what is to be done. V(applied) does it. V(verified) fails if anything is left to do, or if a
        proxy does not serve.
    type: str
    choices: [planned, applied, verified]
    required: true
  inputs:
    description: What the variables of the host say, the role's C(__etcd_proxy_inputs).
    type: dict
    required: true
  lost:
    description: Hosts of the play that have failed, for O(state=verified).
    type: list
    elements: str
    default: []
  plan:
    description: What V(planned) has returned, for O(state=applied).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: The role alone calls it
  quorum.etcd.etcd_internal_proxies:
    state: planned
    inputs: "{{ __etcd_proxy_inputs }}"
"""

RETURN = r"""#"""
