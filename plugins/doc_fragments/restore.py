# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What etcd_internal_restore and etcd_internal_snapshot_restore share.
    # Twin of RESTORE in plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  restoration:
    description:
      - What exactly is restored, the same on every host, C(plan.restoration) of
        M(quorum.etcd.etcd_internal_restore_plan).
      - Only V(looked), V(lent) and V(rolled_back) do without it.
    type: dict
  timeout:
    description: How long the member may take to serve, in seconds.
    type: float
    default: 120
"""
