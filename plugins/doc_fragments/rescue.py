# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What etcd_internal_recover and etcd_internal_rescue share.
    # Twin of RESCUE in plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  timeout:
    description: How long each of its two starts may take, in seconds.
    type: float
    default: 120
"""
