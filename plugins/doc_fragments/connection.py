# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options in C(plugins/module_utils/_module/connection.py)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  endpoints:
    description:
      - Client URLs of members, for example V(https://10.0.0.1:2379) or V(https://[fd00::1]:2379).
      - They are asked in this order until one answers. A call that changes something moves on to the next one only
        where it certainly was not carried out.
      - Without it V(https://127.0.0.1:2379) if O(ca_path) or O(client_cert) is given, else V(http://127.0.0.1:2379).
      - If not set, the value of the environment variable E(ETCDCTL_ENDPOINTS) is used, URLs separated by commas.
    type: list
    elements: str
  ca_path:
    description:
      - PEM file with the CA certificates that the certificates of the servers are checked against.
      - Without it the CAs that the host trusts by itself.
      - If not set, the value of the environment variable E(ETCDCTL_CACERT) is used.
    type: path
    aliases: [ca_cert]
  client_cert:
    description:
      - PEM file with the certificate to show to the servers.
      - If not set, the value of the environment variable E(ETCDCTL_CERT) is used.
    type: path
  client_key:
    description:
      - PEM file with the key of O(client_cert), not encrypted. Not needed if the key is in the file of the certificate.
      - If not set, the value of the environment variable E(ETCDCTL_KEY) is used.
    type: path
  username:
    description:
      - User to log in as. Harmless while authentication is off in the cluster.
      - If not set, the value of the environment variable E(ETCDCTL_USER) is used, up to its first colon.
    type: str
    aliases: [user]
  password:
    description:
      - Password of O(username).
      - If not set, the value of the environment variable E(ETCDCTL_PASSWORD) is used, or what follows the first colon
        of E(ETCDCTL_USER).
    type: str
  user_file:
    description:
      - File with one line C(NAME:PASSWORD), readable by its owner alone, in place of O(username) and O(password).
    type: path
  timeout:
    description:
      - Seconds that one endpoint has to answer one call, the connection included. Above 0.
      - A call therefore lasts at most this long for each endpoint.
    type: float
    default: 5.0
notes:
  - Nothing but the Python standard library is needed on the host. Proxies in the environment are ignored.
  - Modules for keys, leases and locks work through C(etcd grpc-proxy), too, below its namespace if it has one. Those
    about members, alarms, leadership, compaction, versions and snapshots refuse it, because it lists proxies as
    members. All of them work through C(etcd gateway), which passes each connection on to any one member.
"""
