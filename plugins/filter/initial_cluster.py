# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: initial_cluster
short_description: etcd's initial-cluster from the hosts of a group
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Writes the names and peer URLs of all members in etcd's own notation, in the order of the inventory.
positional: hostvars
extends_documentation_fragment:
  - quorum.etcd.topology
options:
  _input:
    description: The hosts of the cluster, by inventory name.
    type: list
    elements: str
    required: true
seealso:
  - plugin: quorum.etcd.parse_initial_cluster
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what --initial-cluster would be
  ansible.builtin.debug:
    msg: "{{ groups['etcd_cluster'] | quorum.etcd.initial_cluster }}"
    # etcd-host0=https://10.100.57.54:2380,etcd-host1=https://10.100.57.55:2380,etcd-host2=https://10.100.57.56:2380
"""

RETURN = r"""
_value:
  description: One C(name=url) for each peer URL, separated by commas.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import topology
from ansible_collections.quorum.etcd.plugins.plugin_utils._inventory import a_filter_of_hosts, members_from


def _initial_cluster(hosts: Any, hostvars: Any, defaults: Mapping[str, Any] | None = None) -> str:
    return topology.initial_cluster(members_from(hosts, hostvars, defaults or {}))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return a_filter_of_hosts("initial_cluster", _initial_cluster)
