# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: quorum
short_description: How many members must agree, and how many may be lost
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Counts a cluster's quorum. A second member, a fourth, a sixth makes it larger without letting one more be lost.
options:
  _input:
    description: The voting members, as a list, or their number.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Make sure that the cluster survives the loss of a member
  ansible.builtin.assert:
    that: (groups['etcd_cluster'] | quorum.etcd.quorum).tolerance >= 1
"""

RETURN = r"""
_value:
  description: The figures, in members.
  type: dict
  contains:
    size:
      description: The members there are.
      type: int
    needed:
      description: The members that must agree on a write.
      type: int
    tolerance:
      description: The members that may be lost at the same time.
      type: int
"""

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model.quorum import quorum
from ansible_collections.quorum.etcd.plugins.plugin_utils._inventory import a_filter


def _quorum(voters: Any) -> dict[str, int]:
    size = len(voters) if isinstance(voters, Sequence) and not isinstance(voters, str) else voters
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise BadInput(f"It counts a list of members, or takes their number, at least 1; not '{voters}'.")
    return quorum(size)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, int]]]:
        return a_filter("quorum", _quorum)
