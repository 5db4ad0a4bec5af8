# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the other members report their new connections before one is stopped, removed or promoted."""

from __future__ import annotations


class ModuleDocFragment:
    # Twin of WITNESSES in plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  nonce:
    description:
      - The nonce under which the hosts of the other members report whom they can open a new peer connection to. Start
        the reports with M(quorum.etcd.etcd_peer_report) right before.
      - Members keep the connections that they have, so each may seem healthy while no new connection can be made. A
        member of several that is stopped, removed while it is healthy, or promoted is refused without such reports, and
        unless enough healthy voters report that they reach each other in both directions.
      - Not needed for the only member of a cluster.
    type: str
    default: ""
"""
