# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Twin of LOGIN in plugins/module_utils/_options.py.
    DOCUMENTATION = r"""
options:
  user_file:
    description:
      - File on the host with one line C(NAME:PASSWORD) of a user that had the role root when the snapshot was saved,
        readable by root alone. For snapshots with authentication on where the host has no certificate of an
        administrator.
    type: path
"""
