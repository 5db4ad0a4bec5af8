# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_srv_info
short_description: Read the DNS SRV records of an etcd cluster on the controller
version_added: "0.1.0"
description:
  - Reads the SRV records by which members (C(_etcd-server), C(_etcd-server-ssl)) and clients (C(_etcd-client),
    C(_etcd-client-ssl)) find a cluster, and the addresses of the hosts that they name.
  - With O(members) it says how the records of members differ from what the inventory wants. Each member that founds its
    cluster by these records takes each of them for a member and knows of no other, so that a record that is missing
    makes the others found a smaller cluster.
  - A name without records is no error. That no name server answers is one.
  - It asks name servers itself. What C(/etc/hosts) of a host says is not seen by it, and is by etcd there.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
  - quorum.etcd.attributes.controller
requirements:
  - dnspython 2.6 or newer, for the Python that runs Ansible on the controller
options:
  domain:
    description: The domain of etcd's C(discovery-srv), such as V(example.com).
    type: str
    required: true
  suffix:
    description:
      - The C(discovery-srv-name) of etcd, for one of several clusters of a domain. V(prod) stands for
        C(_etcd-server-ssl-prod._tcp.example.com).
    type: str
    default: ""
  members:
    description:
      - The members that there should be, by their names, each with the list of its peer URLs. The filter
        P(quorum.etcd.peer_urls#filter) returns just that.
      - Without it nothing is compared.
    type: dict
  addresses:
    description:
      - The IP addresses of the members' hosts, by the names of the members, each a list. A name that leads to none of
        them is a difference. Of a member that is not in it any address is taken.
    type: dict
    default: {}
  name_servers:
    description:
      - IP addresses of the name servers, asked in this order until one answers.
      - Without it those of the controller's C(/etc/resolv.conf).
    type: list
    elements: str
    default: []
  port:
    description: Their port, for UDP and TCP.
    type: int
    default: 53
  timeout:
    description: How many seconds all questions together may last. Above 0.
    type: float
    default: 10.0
seealso:
  - plugin: quorum.etcd.srv_records
    plugin_type: filter
  - plugin: quorum.etcd.members
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Compare the zone with the inventory before the first run
  quorum.etcd.etcd_srv_info:
    domain: example.com
    members: "{{ groups['etcd_cluster'] | quorum.etcd.peer_urls }}"
  run_once: true
  register: srv

- name: Stop where it is not right
  ansible.builtin.assert:
    that: srv.differences | length == 0
    fail_msg: "{{ srv.differences | map(attribute='found') | join(' ') }}"
  run_once: true

- name: Read the records of one of several clusters from a certain name server
  quorum.etcd.etcd_srv_info:
    domain: example.com
    suffix: prod
    name_servers: [10.0.0.53]
    timeout: 3
"""

RETURN = r"""
domain:
  description: The domain in its shortest form.
  returned: success
  type: str
  sample: example.com
name_server:
  description: The name server that answered last, with its port where that is not 53.
  returned: success
  type: str
  sample: 10.0.0.53
peers_tls:
  description: The records of C(_etcd-server-ssl), ordered by priority, weight, target and port.
  returned: success
  type: list
  elements: dict
  contains: &record
    target:
      description: The name of the host, in lower case.
      returned: success
      type: str
      sample: etcd-host0.example.com
    port:
      description: The port.
      returned: success
      type: int
      sample: 2380
    priority:
      description: The priority. etcd makes nothing of it.
      returned: success
      type: int
      sample: 0
    weight:
      description: The weight. etcd makes nothing of it.
      returned: success
      type: int
      sample: 0
    ttl:
      description: For how many seconds the record may be kept.
      returned: success
      type: int
      sample: 300
    addresses:
      description: The IPv4 and then the IPv6 addresses of the target; empty if it has none.
      returned: success
      type: list
      elements: str
      sample: [10.100.57.54]
peers:
  description: The records of C(_etcd-server).
  returned: success
  type: list
  elements: dict
  contains: *record
clients_tls:
  description: The records of C(_etcd-client-ssl).
  returned: success
  type: list
  elements: dict
  contains: *record
clients:
  description: The records of C(_etcd-client).
  returned: success
  type: list
  elements: dict
  contains: *record
peer_urls:
  description: The URLs of all records of members, those with TLS first.
  returned: success
  type: list
  elements: str
  sample: ["https://etcd-host0.example.com:2380"]
endpoints:
  description: The URLs of all records of clients, those with TLS first.
  returned: success
  type: list
  elements: str
  sample: ["https://etcd-host0.example.com:2379"]
differences:
  description: How the records of members differ from O(members). Empty if they are right.
  returned: success and O(members)
  type: list
  elements: dict
  contains:
    kind:
      description:
        - V(missing), V(surplus), V(twice), V(wrong-port) or V(wrong-scheme) for a record;
          V(unresolved) or V(elsewhere) for the addresses of its target;
          V(other-name) where the inventory has an address for a peer URL, and the record a name for it.
      returned: success
      type: str
      sample: missing
    member:
      description: The name of the member; empty for a record that is no member's.
      returned: success
      type: str
      sample: etcd-host2
    found:
      description: What was found, as a sentence.
      returned: success
      type: str
      sample: _etcd-server-ssl._tcp.example.com has no record of etcd-host2, says the name server 10.0.0.53.
    remedy:
      description: What makes it right, as a sentence.
      returned: success
      type: str
      sample: "Let the zone say of it: _etcd-server-ssl._tcp.example.com. IN SRV 0 0 2380 etcd-host2.example.com."
"""
