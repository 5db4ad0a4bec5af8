# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Twin of plugins/plugin_utils/_inventory.py.
    DOCUMENTATION = r"""
options:
  hostvars:
    description:
      - The variable C(hostvars), with the variables of all hosts. Where it is not given, it is that of the play.
      - Of each host C(NODE_NAME) or C(etcd_name), C(etcd_address), C(ansible_host), C(ETCD_NODES), C(etcd_tls),
        C(etcd_peer_port), C(etcd_client_port), C(etcd_listen_peer_urls), C(etcd_listen_client_urls),
        C(etcd_advertise_client_urls), C(etcd_certificate_sans) and C(etcd_discovery_srv) are read.
      - A member's name is C(NODE_NAME), else C(etcd_name), else the inventory name.
      - Its address is C(etcd_address), an IP address or a DNS name; else C(ansible_host) or the inventory name where
        that is an IP address; else the host's default address, where facts were gathered.
      - C(ETCD_NODES), in etcd's C(name=url,name=url) notation, decides the peer URLs where it is there, and must then
        name exactly the hosts of the group.
    type: dict
  defaults:
    description:
      - Variables for hosts that do not have them in the inventory, such as C(etcd_tls). Variables of plays and roles
        are not in C(hostvars) and must be given here.
    type: dict
    default: {}
notes:
  - Members whose names, addresses or URLs do not make a cluster are an error. It names the hosts and what to change.
"""
