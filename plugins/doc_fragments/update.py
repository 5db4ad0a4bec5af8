# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Twin of UPDATE in plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(taken) updates the member.
      - V(undone) rolls an interrupted update back, and starts the member. One that serves is left as it is.
    type: str
    choices: [taken, undone]
    default: taken
  restart:
    description:
      - Whether the member must read something anew. Without it files are put right and nothing restarts.
      - One that gets a larger quota, and keeps its peer URLs, restarts under the alarm V(NOSPACE) too, although etcd
        keeps no lock for anybody then. A warning says so.
    type: bool
    default: false
  peer_urls:
    description: What the cluster is to know the member by from now on. Empty where that does not change.
    type: list
    elements: str
    default: []
  endpoints:
    description: Client URLs of the other members. Empty for a cluster of one.
    type: list
    elements: str
    default: []
  members:
    description:
      - The members as the plan foresaw them. Refused where they are others by now. Not given for whatever they are.
      - With V(undone) nothing is refused for that. They are asked which version the cluster speaks.
    type: list
    elements: dict
  allow_outage:
    description: Whether one of two voters may restart, although nobody can write meanwhile.
    type: bool
    default: false
  nonce:
    description:
      - The nonce under which the hosts of the other members report whom they can open a new peer connection to, see
        M(quorum.etcd.etcd_peer_report). Without their reports a member of several is not restarted.
    type: str
    default: ""
  reports:
    description:
      - What M(quorum.etcd.etcd_peer_report) has returned for the other members. Used under the alarm V(NOSPACE) only,
        when etcd takes no reports.
    type: list
    elements: dict
    default: []
  timeout:
    description: How long the member may take until it serves, in seconds.
    type: float
    default: 120
"""
