# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: members
short_description: The members of a live etcd cluster as hosts
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Asks a cluster for its members, for playbooks of your own against a cluster that is in no inventory.
  - C(leader), C(followers) and C(learners) are the groups of those that the cluster knows at an address. In
    C(unreachable) are members that have not started, or that tell only URLs on loopback.
  - Each host says C(etcd_inventory_is_live). The playbooks of this collection that change something refuse such hosts.
    A cluster is moved to its inventory; one that was taken from the cluster would follow whatever becomes of it, and a
    member that is lost would never be noticed.
  - A host is called as its member calls itself. Where that is no name for a host, is that of a group or is there twice,
    it is called C(member-ID).
  - That nobody answers, that nobody leads or that the cluster is another one than O(cluster_id) ends the run with the
    exit code 4. Ansible itself would only warn, and a play without hosts would be a success.
  - It works with any cluster of etcd 3.4 to 3.7.
requirements:
  - dnspython 2.6 or newer on the controller, for O(discovery_srv) alone
extends_documentation_fragment:
  - quorum.etcd.connection
  - ansible.builtin.constructed
options:
  plugin:
    description: This plugin. The file must end with C(.yml) or C(.yaml).
    type: str
    required: true
    choices: [quorum.etcd.members]
  endpoints:
    env:
      - name: ETCDCTL_ENDPOINTS
  ca_path:
    env:
      - name: ETCDCTL_CACERT
  client_cert:
    env:
      - name: ETCDCTL_CERT
  client_key:
    env:
      - name: ETCDCTL_KEY
  username: {}
  password:
    env:
      - name: ETCDCTL_PASSWORD
  cluster_id:
    description: The ID of the cluster that is meant, as C(etcdctl member list -w fields) prints it in hexadecimal.
    type: str
    default: ""
  discovery_srv:
    description:
      - A domain with SRV records of the cluster, which then need no O(endpoints). The URLs of its C(_etcd-client-ssl)
        and C(_etcd-client) records are asked for the members.
    type: str
    default: ""
  discovery_srv_name:
    description: The suffix of the names of these records, for one of several clusters of a domain.
    type: str
    default: ""
  ask:
    description:
      - Whether the cluster is asked. With V(false) the hosts are those that the C(_etcd-server-ssl) and C(_etcd-server)
        records of O(discovery_srv) name, without groups and without what only a cluster can tell.
    type: bool
    default: true
  name_servers:
    description: IP addresses of the name servers. Without it those of C(/etc/resolv.conf).
    type: list
    elements: str
    default: []
  name_server_port:
    description: Their port.
    type: int
    default: 53
  dns_timeout:
    description: How many seconds all questions to name servers together may last.
    type: float
    default: 10.0
seealso:
  - module: quorum.etcd.etcd_member_info
  - module: quorum.etcd.etcd_srv_info
"""

EXAMPLES = r"""
# members.yml: ansible-inventory -i members.yml --graph
plugin: quorum.etcd.members
endpoints: [https://10.100.57.54:2379, https://10.100.57.55:2379, https://10.100.57.56:2379]
ca_path: etcd-pki/etcd_cluster/client-ca.pem
client_cert: admin.pem
client_key: admin-key.pem
cluster_id: cdf818194e3a8c32

---
# By the SRV records of a domain, with a group for each release that runs.
plugin: quorum.etcd.members
discovery_srv: example.com
keyed_groups:
  - key: etcd_runs_version
    prefix: etcd
"""

import os
from collections import defaultdict
from typing import Any

from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible_collections.quorum.etcd.plugins.module_utils._base import urls
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import survey
from ansible_collections.quorum.etcd.plugins.module_utils._model import srv
from ansible_collections.quorum.etcd.plugins.module_utils._module import connection
from ansible_collections.quorum.etcd.plugins.plugin_utils import _dns, _live_members
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import as_data
from ansible_collections.quorum.etcd.plugins.plugin_utils._live_members import LiveHost

# Ansible's own for an inventory that cannot be parsed.
_FAILED = 4


class InventoryModule(BaseInventoryPlugin, Constructable):  # type: ignore[misc]
    NAME = "quorum.etcd.members"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith((".yml", ".yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            hosts = self._hosts()
            twice = [host.name for host in hosts if host.name in inventory.hosts]
            if twice:
                raise BadInput(
                    f"Another inventory of this run has {', '.join(twice)} as well, and one would say of it what the "
                    "other does not mean. Give one of them."
                )
        except EtcdError as exc:
            # Of an exception Ansible makes a warning, and plays whose hosts are missing end as a success.
            self.display.error(f"quorum.etcd.members, {path}: {exc}", wrap_text=False)
            raise SystemExit(_FAILED) from exc
        for group in _live_members.GROUPS if self.get_option("ask") else ():
            inventory.add_group(group)
        for host in hosts:
            self._add(host)

    def _hosts(self) -> list[LiveHost]:
        options = self._options_given()
        if not self.get_option("ask"):
            return _live_members.hosts_at(_places(self._records()), self.inventory.groups)
        if self.get_option("discovery_srv"):
            if options["endpoints"]:
                raise BadInput("endpoints and discovery_srv are both given. Leave one out.")
            options["endpoints"] = self._records().urls(srv.CLIENT)
            if not options["endpoints"]:
                raise BadInput(f"{self.get_option('discovery_srv')} has no SRV record of etcd's clients.")
        with connection.client_of(options) as client:
            listed = client.member_list()
            _live_members.check_cluster(listed, self.get_option("cluster_id"))
            seen = survey.survey(client.endpoints, connection.credentials_of(options), client.timeout, cluster=True)
        return _live_members.hosts_of(listed, seen, self.inventory.groups)

    def _options_given(self) -> dict[str, Any]:
        given: dict[str, Any] = self.get_options()
        # It may hold the password, too.
        name, _colon, password = os.environ.get("ETCDCTL_USER", "").partition(":")
        if name and not given["username"] and not given["user_file"]:
            given = {**given, "username": name, "password": given["password"] or password}
        return dict(given)

    def _records(self) -> srv.Records:
        suffix = self.get_option("discovery_srv_name")
        domain = srv.check_domain(self.get_option("discovery_srv"), suffix)
        servers = _dns.NameServers(
            self.get_option("name_servers"), self.get_option("name_server_port"), self.get_option("dns_timeout")
        )
        return servers.records(domain, suffix)

    def _add(self, host: LiveHost) -> None:
        self.inventory.add_host(host.name, group=host.group or None)
        variables = as_data(dict(host.variables))
        for name, value in variables.items():
            self.inventory.set_variable(host.name, name, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host.name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host.name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host.name, strict=strict)


def _places(records: srv.Records) -> dict[str, list[str]]:
    """Host -> its peer URLs.

    :raises BadInput: there is none.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for url in records.urls(srv.PEER):
        found[urls.parse_url(url, "SRV record").host].append(url)
    if not found:
        raise BadInput(f"{records.domain} has no SRV record of etcd's members, says {records.server}.")
    return dict(found)
