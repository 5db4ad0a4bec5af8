#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_members
short_description: "Internal: read the members that one line names"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Reads C(etcd_members), and refuses a name or an address that is there twice or is none, and an inventory that says
    otherwise.
  - It runs on the controller, before any host is connected to.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  members:
    description: C(etcd_members), as C(NAME:ADDRESS) with commas or blanks between them, or a list.
    type: raw
    required: true
  group:
    description: C(etcd_group), the group that gets them.
    type: raw
    default: ""
"""

EXAMPLES = r"""
- name: Read the members of one line
  quorum.etcd.etcd_internal_members:
    members: host0:10.0.0.1,host1:10.0.0.2,host2:10.0.0.3
  register: __etcd_named
"""

RETURN = r"""
group:
  description: The group that gets them.
  returned: success
  type: str
hosts:
  description: The members.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the host, and of its member.
      returned: success
      type: str
    address:
      description: Where it is reached.
      returned: success
      type: str
directory:
  description: The working directory, which stands for that of an inventory.
  returned: success
  type: str
"""
