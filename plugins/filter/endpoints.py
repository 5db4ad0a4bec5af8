# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: endpoints
short_description: The endpoints of a cluster, for its clients
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Gives one advertised client URL of each member, in the order of the inventory.
  - Of several it is the first that is reachable from elsewhere than the host itself.
positional: hostvars
extends_documentation_fragment:
  - quorum.etcd.topology
options:
  _input:
    description: The hosts of the cluster, by inventory name.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what a client would be told
  ansible.builtin.debug:
    msg: "ETCDCTL_ENDPOINTS={{ groups['etcd_cluster'] | quorum.etcd.endpoints | join(',') }}"
    # ETCDCTL_ENDPOINTS=https://10.100.57.54:2379,https://10.100.57.55:2379,https://10.100.57.56:2379
"""

RETURN = r"""
_value:
  description: The client URLs.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import topology
from ansible_collections.quorum.etcd.plugins.plugin_utils._inventory import a_filter_of_hosts, members_from


def _endpoints(hosts: Any, hostvars: Any, defaults: Mapping[str, Any] | None = None) -> list[str]:
    return topology.endpoints(members_from(hosts, hostvars, defaults or {}))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return a_filter_of_hosts("endpoints", _endpoints)
