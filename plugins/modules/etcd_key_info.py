#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_key_info
short_description: Read keys of etcd
version_added: "0.1.0"
description:
  - Reads one key, all that begin with a prefix, or a range; now, or as they were at a revision. Many are read in pages,
    all as of one revision.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever, and by way of etcd's gRPC proxy.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.data
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
  - quorum.etcd.attributes.actiongroup_etcd
options:
  key:
    description: The key, or the first of the range. With O(prefix) it may be empty, for all keys.
    type: str
    required: true
  prefix:
    description: Read every key that begins with O(key).
    type: bool
    default: false
  range_end:
    description: Read every key from O(key) on up to this one, which is not read itself.
    type: str
  revision:
    description: Read what the keys held then. Without it, what they hold now.
    type: int
  limit:
    description:
      - Read at most so many keys. The next task goes on with RV(last_key) as O(after), and RV(revision). V(0) is all.
    type: int
    default: 0
  after:
    description: Of the keys that are meant, read those behind this one.
    type: str
  page_size:
    description: So many keys are asked for at once.
    type: int
    default: 1000
  keys_only:
    description: Read the keys without their values.
    type: bool
    default: false
  count_only:
    description: Only count them.
    type: bool
    default: false
  linearizable:
    description:
      - Whether a quorum must agree on the answer, so that it is certainly the newest.
      - Without, an endpoint tells what it has by itself, which works without a quorum, too.
    type: bool
    default: true
seealso:
  - module: quorum.etcd.etcd_key
  - plugin: quorum.etcd.kv
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Read a key
  quorum.etcd.etcd_key_info:
    endpoints: [http://127.0.0.1:2379]
    key: /app/config
  register: config

- name: Show what it holds
  ansible.builtin.debug:
    msg: "{{ (config.entries | first).value | from_json }}"
  when: config.count > 0

- name: Count the keys that begin so
  quorum.etcd.etcd_key_info:
    endpoints: [http://127.0.0.1:2379]
    key: /app/
    prefix: true
    count_only: true
  register: app
"""

RETURN = r"""
entries:
  description: The keys, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: The key.
      type: str
      returned: always
      sample: /app/config
    value:
      description: What it holds.
      type: str
      returned: without O(keys_only)
      sample: blue
    create_revision:
      description: Revision at which it was made.
      type: int
      returned: always
      sample: 4700
    mod_revision:
      description: Revision of its last change.
      type: int
      returned: always
      sample: 4711
    version:
      description: How often it was written since it was made.
      type: int
      returned: always
      sample: 2
    lease:
      description: Id of the lease on which it lies; empty for none.
      type: str
      returned: always
      sample: 694d8a9e4f5c1a02
count:
  description: How many keys there are, whatever O(limit).
  returned: success
  type: int
  sample: 1
revision:
  description: The revision as of which they were read.
  returned: success
  type: int
  sample: 4711
more:
  description: Whether there are keys beyond O(limit).
  returned: success
  type: bool
last_key:
  description: The last key that was read, for O(after) of the next task; empty where none was.
  returned: success
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._data import entries, texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Answer, Question
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import KeyRange, one_or_prefix
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.data import ENCODINGS, key_of, session_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    for name, least in (("page_size", 1), ("limit", 0), ("revision", 0)):
        if (given[name] or 0) < least and given[name] is not None:
            raise BadInput(f"{name} is {given[name]}; give a number from {least}.")
    where = one_or_prefix(key_of(given), given["prefix"])
    if given["range_end"]:
        where = KeyRange(where.first, texts.to_bytes(given["range_end"], given["key_encoding"], "range_end"))
    if given["after"]:
        where = where.behind(texts.to_bytes(given["after"], given["key_encoding"], "after"))
    question = Question(
        where,
        given["revision"] or 0,
        given["limit"],
        given["page_size"],
        given["keys_only"],
        given["count_only"],
        given["linearizable"],
    )
    with session_of(given) as session:
        return _result(given, entries.read(session, question))


def _result(given: dict[str, Any], answer: Answer) -> dict[str, Any]:
    key_encoding = given["key_encoding"]
    return {
        "changed": False,
        "entries": [one.shown(key_encoding, given["encoding"], not given["keys_only"]) for one in answer.entries],
        "count": answer.count,
        "revision": answer.revision,
        "more": answer.more and not given["count_only"],
        "last_key": texts.to_text(answer.entries[-1].key if answer.entries else b"", key_encoding, "last_key"),
    }


def main() -> None:
    run(
        {
            **connection_spec(),
            **ENCODINGS,
            "key": {"type": "str", "required": True, "no_log": False},
            "prefix": {"type": "bool", "default": False},
            "range_end": {"type": "str"},
            "revision": {"type": "int"},
            "limit": {"type": "int", "default": 0},
            "after": {"type": "str"},
            "page_size": {"type": "int", "default": 1000},
            "keys_only": {"type": "bool", "default": False, "no_log": False},
            "count_only": {"type": "bool", "default": False},
            "linearizable": {"type": "bool", "default": True},
        },
        act,
        reads=True,
        mutually_exclusive=[("prefix", "range_end"), ("keys_only", "count_only")],
    )


if __name__ == "__main__":
    main()
