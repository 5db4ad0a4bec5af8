# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module says of itself."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the predicted changes without making them.
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), when in diff mode.
"""

    PREDICTED = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
"""

    ACTIONGROUP_ETCD = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/quorum.etcd.etcd) in C(module_defaults) to set the connection options once for all modules.
    support: full
    membership:
      - quorum.etcd.etcd
"""

    CONTROLLER = r"""
options: {}
notes:
  - This action runs on the controller, whatever host the task is for. Nothing is sent to the host, C(become) and
    C(delegate_to) have no effect, and the files are those of the user who runs Ansible.
attributes:
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the
      controller.
    support: full
  async:
    description: Supports being used with the C(async) keyword.
    support: none
"""
