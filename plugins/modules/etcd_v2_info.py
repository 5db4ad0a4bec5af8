#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_v2_info
short_description: Find data of etcd's API of version 2 on a host
version_added: "0.2.0"
description:
  - Lists what a member of etcd 3.4 or 3.5 holds in its API of version 2, and says whether its data hold anything of it.
  - A member that runs with C(enable-v2) is asked over its own client port, by reads that are no requests in its log.
    What is hidden, because its name begins with an underscore, is in no listing and is not counted.
  - For a member that is stopped, or runs without the API, C(etcdutl check v2store) of etcd 3.5 examines the data. It
    says whether there is something, hidden keys and requests in the log included, and not what. It is used where a
    release of 3.5 from 3.5.32 on is unpacked in O(install_dir).
  - No value is returned. Nothing is changed.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
  - quorum.etcd.layout
options:
  timeout:
    description: How long one question to the member may take, in seconds.
    type: float
    default: 60
seealso:
  - module: quorum.etcd.etcd_node_info
"""

EXAMPLES = r"""
- name: Look for data of version 2
  quorum.etcd.etcd_v2_info:
  register: v2

- name: Show what there is
  ansible.builtin.debug:
    msg: "{{ v2.listing.key_count if v2.served else v2.examined }}"
"""

RETURN = r"""
runs:
  description: Whether the member runs.
  returned: success
  type: bool
served:
  description: Whether it serves the API of version 2.
  returned: success
  type: bool
listing:
  description: What its listing shows. V(null) where it does not serve the API.
  returned: success
  type: dict
  contains:
    key_count:
      description: How many keys.
      type: int
    directories:
      description: How many directories.
      type: int
    expiring:
      description: How many of the keys have a time to live, or are in a directory that has one.
      type: int
    expiring_keys:
      description: The first hundred of these, each with its C(key) and C(ttl), the seconds that are left.
      type: list
      elements: dict
    empty_directories:
      description: The first hundred directories in which nothing shows.
      type: list
      elements: str
emulated:
  description:
    - The prefix below which version 3 has what the API serves or would serve (C(experimental-enable-v2v3)). Empty where
      the API has a store of its own. Nothing is listed where it is not.
  returned: success
  type: str
users:
  description:
    - Whether users of version 2 are switched on. Nothing is listed then, for a listing may show a part of the keys.
      V(null) where the member does not serve the API.
  returned: success
  type: bool
problem:
  description: Why the member that serves the API gives no listing. Empty where it does, or serves none.
  returned: success
  type: str
conflicts:
  description: Keys that cannot move to version 3, each with the reason, such as another value under the same name.
  returned: success
  type: list
  elements: str
copied:
  description: How many of the keys version 3 has with the same value.
  returned: success
  type: int
needs:
  description: What those that version 3 does not have need there. Empty where nothing was listed.
  returned: success
  type: dict
  contains:
    largest:
      description: The name of the key whose request is the largest.
      type: str
    request:
      description: Bytes of that request, which C(max-request-bytes) limits.
      type: int
    space:
      description: Bytes by which the database grows at most.
      type: int
database:
  description: Bytes of the member's database. V(0) where it was not asked.
  returned: success
  type: int
left:
  description: Whether the data of the member hold anything of version 2. V(null) where nothing could examine them.
  returned: success
  type: bool
examined:
  description: What examined the data, in its words; or why nothing did.
  returned: success
  type: str
room:
  description: Bytes that a copy of the data C(needs), with what must stay free beside it, and those that are C(free).
  returned: success
  type: dict
copies:
  description:
    - Copies of the data that migrations have left on the host. Where the name ends with C(-unfinished) the migration
      was killed while it copied, and the next one there removes it.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import v2_info


def act(module: AnsibleModule) -> dict[str, Any]:
    found = v2_info.inspect(command.of_module(module), layout_of(module.params), module.params["timeout"])
    return {"changed": False, **found}


def main() -> None:
    run({**LAYOUT, "timeout": {"type": "float", "default": 60.0}}, act, reads=True)


if __name__ == "__main__":
    main()
