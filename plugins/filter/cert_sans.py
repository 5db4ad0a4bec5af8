# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cert_sans
short_description: The names and addresses for a member's certificates
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Collects every name and address by which a member is reached, for the subject alternative names of its certificates.
  - These are its name, where that can be a DNS name, its inventory name, C(ansible_host), its address, the hosts of its
    URLs, C(etcd_certificate_sans), and C(localhost), C(127.0.0.1) and C(::1).
  - With C(etcd_discovery_srv) they are that domain as well, which clients may ask for that look for the cluster by it,
    and the name in its SRV record.
positional: hostvars
extends_documentation_fragment:
  - quorum.etcd.topology
options:
  _input:
    description: The inventory name of the member's host.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the names of this member
  ansible.builtin.debug:
    msg: "{{ inventory_hostname | quorum.etcd.cert_sans }}"
    # {"dns": ["etcd-host0", "localhost"], "ip": ["10.100.57.54", "127.0.0.1", "::1"]}
"""

RETURN = r"""
_value:
  description: The names and addresses, each once.
  type: dict
  contains:
    dns:
      description: DNS names, in lower case.
      type: list
      elements: str
    ip:
      description: IP addresses, in their shortest form.
      type: list
      elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._model import topology
from ansible_collections.quorum.etcd.plugins.plugin_utils._inventory import a_filter_of_hosts, member_from


def _cert_sans(host: Any, hostvars: Any, defaults: Mapping[str, Any] | None = None) -> dict[str, list[str]]:
    return topology.cert_sans(member_from(host, hostvars, defaults or {}))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., dict[str, list[str]]]]:
        return a_filter_of_hosts("cert_sans", _cert_sans)
