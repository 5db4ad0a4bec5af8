# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_tags
short_description: "Internal: warn where tags have selected nothing of the role"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - A run with C(--tags) or C(--skip-tags) that select no task of the role ends well, and has looked at nothing. This
    says so.
  - The role's tasks have no tags of their own, for a part of it is not safe alone. They have those of the play, the
    block or the role, so all of them are selected, or none.
  - The task is tagged C(always). It runs on the controller.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
options:
  selected:
    description: Whether a task of the role, which has no tags of its own, has left a result.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Check that tags have selected the role
  quorum.etcd.etcd_internal_tags:
    selected: "{{ __etcd_plan is defined }}"
  tags: always
"""

RETURN = r"""
# Nothing but a warning.
"""
