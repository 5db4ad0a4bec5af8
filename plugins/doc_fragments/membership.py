# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # With PRESUMED the twin of MEMBERSHIP in plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  cluster:
    description: Name of the cluster, for the marker.
    type: str
    required: true
  name:
    description: Name of the member.
    type: str
    required: true
"""

    # Twin of PRESUMED there.
    PRESUMED = r"""
options:
  endpoints:
    description: Client URLs of other members, which serve.
    type: list
    elements: str
    required: true
  members:
    description: The members as the plan foresaw them. Refused if they are others.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Its id in lower-case hex. Empty for one that another step of the plan adds.
        type: str
        required: true
      peer_urls:
        description: Its peer URLs.
        type: list
        elements: str
        required: true
      is_learner:
        description: Whether it is a learner.
        type: bool
        required: true
"""
