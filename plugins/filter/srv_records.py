# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: srv_records
short_description: The DNS records by which an etcd cluster is found
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Writes the lines that a zone must hold so that members find each other by SRV records (C(_etcd-server)) and clients
    find them (C(_etcd-client)). With C(etcd_tls) they are those with C(-ssl).
  - The target of a record is the DNS name in the member's URL. For an IP address it is the member's name in the domain,
    and the line with the address of that name is written as well. Members that found their cluster by SRV records
    have the names in their peer URLs, so set C(etcd_address) to that name then.
positional: hostvars
extends_documentation_fragment:
  - quorum.etcd.topology
options:
  _input:
    description: The hosts of the cluster, by inventory name.
    type: list
    elements: str
    required: true
  domain:
    description: The domain. Without it C(etcd_discovery_srv) of the first host.
    type: str
  suffix:
    description:
      - etcd's C(discovery-srv-name), for one of several clusters of a domain. Without it C(etcd_discovery_srv_name) of
        the first host.
    type: str
  ttl:
    description: For how many seconds name servers may keep the records.
    type: int
    default: 300
seealso:
  - module: quorum.etcd.etcd_srv_info
"""

EXAMPLES = r"""
- name: Show what the zone needs
  ansible.builtin.debug:
    msg: "{{ groups['etcd_cluster'] | quorum.etcd.srv_records(domain='example.com', ttl=60) }}"
  run_once: true
  # _etcd-server-ssl._tcp.example.com. 60 IN SRV 0 0 2380 etcd-host0.example.com.
  # _etcd-client-ssl._tcp.example.com. 60 IN SRV 0 0 2379 etcd-host0.example.com.
  # etcd-host0.example.com. 60 IN A 10.100.57.54
"""

RETURN = r"""
_value:
  description: One line for each record, in the syntax of zone files.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import srv
from ansible_collections.quorum.etcd.plugins.plugin_utils._inventory import (
    a_filter_of_hosts,
    members_from,
    variable_of_first,
)


def _srv_records(
    hosts: Any,
    hostvars: Any,
    defaults: Mapping[str, Any] | None = None,
    domain: str | None = None,
    suffix: str | None = None,
    ttl: Any = srv.TTL,
) -> list[str]:
    own = defaults or {}
    members = members_from(hosts, hostvars, own)
    domain = variable_of_first(hosts, hostvars, own, "etcd_discovery_srv") if domain is None else domain
    suffix = variable_of_first(hosts, hostvars, own, "etcd_discovery_srv_name") if suffix is None else suffix
    return srv.zone_lines(members, domain, suffix, _seconds(ttl))


def _seconds(ttl: Any) -> int:
    # RFC 2181, section 8.
    if isinstance(ttl, bool) or not str(ttl).isdigit() or int(ttl) > 2**31 - 1:
        raise BadInput(f"ttl is {ttl!r}. Write how many seconds, such as {srv.TTL}.")
    return int(ttl)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., list[str]]]:
        return a_filter_of_hosts("srv_records", _srv_records)
