# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Twin of OBSERVED in plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  observation:
    description: What M(quorum.etcd.etcd_internal_observe) returned for this host.
    type: dict
    required: true
  announce:
    description: What the controller prints while this runs. The role sets it to the step of its plan.
    type: str
    default: ""
"""
