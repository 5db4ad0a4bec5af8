#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_watch_info
short_description: Wait until a key of etcd holds a value
version_added: "0.1.0"
description:
  - Watches a key until it holds a value, exists, or does not exist. A value that it held for a moment only is noticed.
  - A member that goes away meanwhile is no failure; another one is asked for what has happened since.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever, and by way of etcd's gRPC proxy.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.data
  - quorum.etcd.attributes
  - quorum.etcd.attributes.actiongroup_etcd
attributes:
  check_mode:
    support: full
    details:
      - This module changes nothing. In check mode it does not wait, because what it waits for may not come, and warns.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
options:
  key:
    description: The key.
    type: str
    required: true
  value:
    description: What it is to hold. Without it anything.
    type: str
  state:
    description:
      - V(present) waits until the key exists, with O(value) if that is given.
      - V(absent) waits until it does not exist.
    type: str
    choices: [present, absent]
    default: present
  revision:
    description:
      - Look at what has happened since this revision, so that nothing between an earlier task and this one is missed.
      - Without it, from what the key holds now on.
    type: int
  wait:
    description: Seconds to wait at most. The task fails then.
    type: float
    default: 300.0
seealso:
  - module: quorum.etcd.etcd_key_info
"""

EXAMPLES = r"""
- name: Wait until the other side is ready
  quorum.etcd.etcd_watch_info:
    endpoints: [http://127.0.0.1:2379]
    key: /app/active
    value: green
    wait: 60
"""

RETURN = r"""
revision:
  description:
    - The revision since which the key is so. Where it does not exist and no deletion was seen, that of the store.
  returned: success
  type: int
  sample: 4711
entry:
  description: What it holds, like one of RV(quorum.etcd.etcd_key_info#module:entries); empty where it does not exist.
  returned: success
  type: dict
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.deadline import Deadline
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts, watching
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import one_or_prefix
from ansible_collections.quorum.etcd.plugins.module_utils._data.watching import Expectation
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.data import ENCODINGS, key_of, session_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    if (given["revision"] or 0) < 0 or given["wait"] < 0:
        raise BadInput("revision and wait are numbers from 0.")
    value = given["value"]
    expected = Expectation(
        given["state"] == "present", None if value is None else texts.to_bytes(value, given["encoding"], "value")
    )
    key = one_or_prefix(key_of(given), False).first
    notes = []
    with session_of(given) as session:
        if module.check_mode:
            event = watching.now(session, key)
            notes = [] if expected.is_met(event.entry) else [f"{given['key']} is not as expected now."]
        else:
            event = watching.wait(session, key, expected, given["revision"] or 0, Deadline(given["wait"]), time.sleep)
    entry = event.entry.shown(given["key_encoding"], given["encoding"]) if event.entry else {}
    revision = event.entry.mod_revision if event.entry else event.revision
    return {"changed": False, "revision": revision, "entry": entry, "notes": notes}


def main() -> None:
    run(
        {
            **connection_spec(),
            **ENCODINGS,
            "key": {"type": "str", "required": True, "no_log": False},
            "value": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "revision": {"type": "int"},
            "wait": {"type": "float", "default": 300.0},
        },
        act,
        reads=True,
    )


if __name__ == "__main__":
    main()
