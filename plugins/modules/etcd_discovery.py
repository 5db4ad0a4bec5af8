#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_discovery
short_description: Make, look at and remove the tokens of a discovery service
version_added: "0.1.0"
description:
  - The members of a new etcd cluster can find each other by a token of a discovery service. The token says how many
    they are, and each of them registers there with its name and peer URLs.
  - Such a service is any etcd, asked by its API of version 3 (for members of etcd 3.6 and newer), or whatever speaks
    the keys API of version 2 (for members of etcd 3.4 to 3.6), as etcd 3.4 and 3.5 do with C(enable-v2).
  - A token is good for one cluster. Who registered stays there when the cluster has long been founded.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.actiongroup_etcd
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  state:
    description:
      - V(present) makes the token where it is not there. One that is there for another O(size) is refused.
      - V(absent) removes it with all that is registered there. The cluster that was founded by it does not mind. What
        has no size is no token and is refused, such as the directory of all tokens.
      - V(gathered) only looks.
    type: str
    choices: [present, absent, gathered]
    default: present
  token:
    description:
      - The name of the token. Needed for the API of version 3, where it must not have a slash in it.
      - With O(url) it is the last part of the token's URL.
    type: str
  url:
    description:
      - The URL of the token at a service with the API of version 2, such as
        V(http://10.0.0.9:2379/v2/keys/discovery/6c007a14); or, with O(token), of the directory in which the token lies.
      - If it ends with C(/new), as V(https://discovery.example.com/new), the service draws a token by itself. Each run
        with it makes another one, so keep the RV(url) that it returns.
      - O(ca_path) and O(timeout) are for it as well. The other options of the connection are not.
    type: str
  proxy:
    description: An HTTP proxy by which O(url) is asked, such as V(http://10.0.0.1:3128).
    type: str
    default: ""
  size:
    description: How many members found a cluster by the token. Needed for O(state=present).
    type: int
seealso:
  - module: quorum.etcd.etcd_member
"""

EXAMPLES = r"""
- name: Make a token for three members in an etcd of one's own
  quorum.etcd.etcd_discovery:
    endpoints: [https://10.0.0.9:2379]
    ca_path: /etc/etcd-discovery/ca.pem
    token: etcd-cluster-1
    size: 3

- name: Make one for members of etcd 3.5
  quorum.etcd.etcd_discovery:
    url: http://10.0.0.9:2379/v2/keys/discovery/6c007a14
    size: 3

- name: Have a public service draw one
  quorum.etcd.etcd_discovery:
    url: https://discovery.example.com/new
    size: 3
  register: drawn

- name: Look at who has registered
  quorum.etcd.etcd_discovery:
    url: "{{ drawn.url }}"
    state: gathered
"""

RETURN = r"""
exists:
  description: Whether the token is there.
  returned: success
  type: bool
  sample: true
token:
  description: What a member is given, the name of the token or its URL.
  returned: success
  type: str
  sample: etcd-cluster-1
url:
  description: The URL of the token, empty for one of the API of version 3.
  returned: success
  type: str
  sample: http://10.0.0.9:2379/v2/keys/discovery/6c007a14
size:
  description: How many members found a cluster by it, 0 where that is not known.
  returned: success
  type: int
  sample: 3
members:
  description: Who has registered, the first one first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its member ID in lower-case hex.
      type: str
      sample: 8e9e05c52164694d
    name:
      description: Its name; what stands there where that is no registration.
      type: str
      sample: etcd-host0
    peer_urls:
      description: Its peer URLs.
      type: list
      elements: str
      sample: ["https://10.0.0.1:2380"]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import discovery_service
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import client_of, connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    state, size, check = given["state"], given["size"] or 0, module.check_mode
    if given["url"]:
        token = discovery_service.at_url(
            given["url"], given["token"], given["proxy"], given["ca_path"], given["timeout"]
        )
        return discovery_service.settle(token, state, size, check)
    with client_of(given) as client:
        return discovery_service.settle(discovery_service.TokenV3(client, given["token"]), state, size, check)


def main() -> None:
    run(
        {
            **connection_spec(),
            "state": {"type": "str", "choices": ["present", "absent", "gathered"], "default": "present"},
            "token": {"type": "str", "no_log": False},
            "url": {"type": "str"},
            "proxy": {"type": "str", "default": ""},
            "size": {"type": "int"},
        },
        act,
        reads=["gathered"],
        required_one_of=[("token", "url")],
        required_if=[("state", "present", ("size",))],
    )


if __name__ == "__main__":
    main()
