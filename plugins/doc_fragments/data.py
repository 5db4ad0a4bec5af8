# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options in C(plugins/module_utils/_module/data.py)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  encoding:
    description:
      - How values are written in options and returned in results.
      - V(text) is UTF-8. A value that is no UTF-8 is not returned as V(text), because it would be another one then.
      - V(base64) takes and returns any bytes.
    type: str
    choices: [text, base64]
    default: text
  key_encoding:
    description: The same for keys.
    type: str
    choices: [text, base64]
    default: text
"""
