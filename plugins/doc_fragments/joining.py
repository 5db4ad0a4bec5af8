# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Twin of JOINING in plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  nonce:
    description:
      - The nonce under which the hosts of the other members report whom they can open a new peer connection to, see
        M(quorum.etcd.etcd_peer_report). Without their reports the new member stays a learner.
    type: str
    default: ""
  timeout:
    description:
      - How long it may get no further from its start until it votes, in seconds. Never less than 15. It begins again
        whenever more of the leader's data has arrived.
    type: float
    default: 120
"""
