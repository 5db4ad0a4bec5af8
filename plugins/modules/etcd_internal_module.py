# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_module
short_description: "Internal: run a module of the role on its host"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - The action of every internal module that has none of its own. It refuses tasks that are not in the role
    C(quorum.etcd.etcd). By this name it runs nothing.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
options: {}
"""

EXAMPLES = r"""
- name: A task of the role names the module itself
  quorum.etcd.etcd_internal_destroy:
    state: checked
    instance: "{{ __etcd_layout.instance }}"
    cluster: "{{ etcd_cluster_name }}"
"""

RETURN = r"""#"""
