# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Twin of CONTENT in plugins/module_utils/_module/options.py.
    DOCUMENTATION = r"""
options:
  files:
    description: Files that are no secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      content:
        description: The whole text.
        type: str
        required: true
      mode:
        description: Four octal digits.
        type: str
        required: true
      owner:
        description: Name of the user that owns it.
        type: str
        required: true
      group:
        description: Name of the group that owns it.
        type: str
        required: true
  links:
    description: Path of a symbolic link to its target.
    type: dict
    default: {}
  certificates:
    description: Certificates to replace, by the name of their leaf, PEM.
    type: dict
    default: {}
  private_keys:
    description: The private key of each of O(certificates), PEM.
    type: dict
    default: {}
"""
