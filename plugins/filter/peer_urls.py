# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: peer_urls
short_description: The peer URLs of a cluster's members
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Says for each member by which URLs the others reach it.
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
- name: Show the peer URLs of one member
  ansible.builtin.debug:
    msg: "{{ (groups['etcd_cluster'] | quorum.etcd.peer_urls)['etcd-host0'] }}"
    # ["https://10.100.57.54:2380"]
"""

RETURN = r"""
_value:
  description: A dictionary from the name of each member to the list of its peer URLs.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import topology
from ansible_collections.quorum.etcd.plugins.plugin_utils._inventory import a_filter_of_hosts, members_from


def _peer_urls(hosts: Any, hostvars: Any, defaults: Mapping[str, Any] | None = None) -> dict[str, list[str]]:
    return topology.peer_urls(members_from(hosts, hostvars, defaults or {}))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, list[str]]]]:
        return a_filter_of_hosts("peer_urls", _peer_urls)
