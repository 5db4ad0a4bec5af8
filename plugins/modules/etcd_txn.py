#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_txn
short_description: Compare keys of etcd, and do one thing or the other, at once
version_added: "0.1.0"
description:
  - A transaction of etcd. If every comparison holds all of O(then) is done, else all of O(else), at one revision and
    with nothing of other clients between.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever, and by way of etcd's gRPC proxy.
  - A put that leaves a key as it was is no change, but makes a new revision of the key.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.actiongroup_etcd
attributes:
  check_mode:
    support: full
    details:
      - etcd compares, and what would be written or deleted is read.
  diff_mode:
    support: full
options:
  compare:
    description: What must hold. Without any O(then) is done.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: The key.
        type: str
        required: true
      prefix:
        description: Every key that begins with it must hold to the comparison.
        type: bool
        default: false
      exists:
        description: Whether the key must exist. Then nothing else is compared.
        type: bool
      target:
        description: What is compared.
        type: str
        choices: [value, version, create_revision, mod_revision, lease]
        default: value
      result:
        description: How it must compare with O(compare[].value).
        type: str
        choices: [equal, not_equal, greater, less]
        default: equal
      value:
        description: What it is compared with, a number for a version or a revision, an id for a lease.
        type: str
  then:
    description: What is done if every comparison holds.
    type: list
    elements: dict
    default: []
    suboptions: &operation
      put:
        description: Write this key.
        type: str
      delete:
        description: Delete this key.
        type: str
      get:
        description: Read this key.
        type: str
      value:
        description: What the key is to hold. Needed for a put.
        type: str
      lease:
        description: The lease on which the key of a put is to lie; none without it.
        type: str
      prefix:
        description: Delete or read every key that begins so.
        type: bool
        default: false
  else:
    description: What is done otherwise.
    type: list
    elements: dict
    default: []
    suboptions: *operation
  encoding:
    description: How values are written in options and returned in results. V(base64) takes and returns any bytes.
    type: str
    choices: [text, base64]
    default: text
  hide_values:
    description:
      - Neither the result nor the difference shows a value.
      - The log of the host itself names the options of every task that has no C(no_log=true).
    type: bool
    default: false
seealso:
  - module: quorum.etcd.etcd_key
"""

EXAMPLES = r"""
- name: Switch from blue to green, and note which it was
  quorum.etcd.etcd_txn:
    endpoints: [http://127.0.0.1:2379]
    compare:
      - key: /app/active
        value: blue
    then:
      - put: /app/active
        value: green
      - put: /app/previous
        value: blue
    else:
      - get: /app/active
  register: switched

- name: Say which one is active where it was not blue
  ansible.builtin.debug:
    msg: "{{ switched.responses }}"
  when: not switched.succeeded
"""

RETURN = r"""
succeeded:
  description: Whether every comparison held, so that O(then) was done.
  returned: success
  type: bool
revision:
  description: Revision of the store afterwards, or now in check mode.
  returned: success
  type: int
  sample: 4711
responses:
  description: What came of each operation of the branch that was taken, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(put), V(delete) or V(get).
      type: str
      returned: always
    entries:
      description:
        - The keys that were read, or what there was before of those that were written or deleted. Each is like one of
          RV(quorum.etcd.etcd_key_info#module:entries), without its value where O(hide_values).
      type: list
      elements: dict
      returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts, txn
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.txn import Outcome
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.data import HIDDEN, session_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    compare = [txn.comparison(one, given["encoding"]) for one in given["compare"]]
    then, otherwise = ([txn.operation(one, given["encoding"]) for one in given[name]] for name in ("then", "else"))
    if given["hide_values"]:
        # Ansible returns them with the result, be it a failure.
        for one in (*given["compare"], *given["then"], *given["else"]):
            one["value"] = HIDDEN if one["value"] is not None else None
    with session_of(given) as session:
        outcome = txn.run(session, compare, then, otherwise, module.check_mode)
    return {
        "changed": outcome.changed,
        "succeeded": outcome.succeeded,
        "revision": outcome.revision,
        "responses": _responses(given, outcome),
        "diff": _diff(outcome, given["hide_values"]),
    }


def _responses(given: dict[str, Any], outcome: Outcome) -> list[dict[str, Any]]:
    found = []
    for operation, answer in outcome.done:
        before, _after = operation.effect(answer)
        shown = [one.shown(texts.TEXT, given["encoding"], not given["hide_values"]) for one in before]
        found.append({"kind": operation.kind, "entries": shown})
    return found


def _diff(outcome: Outcome, hides: bool) -> dict[str, str]:
    def lines(entries: tuple[Entry, ...], note: str) -> str:
        return "".join(
            f"{texts.for_people(one.key)}: {HIDDEN + note if hides else texts.for_people(one.value)}\n"
            for one in entries
        )

    written = [one for one in outcome.done if one[0].kind != "get"]
    effects = [(operation.effect(answer), operation.changes(answer)) for operation, answer in written]
    return {
        "before": "".join(lines(before, "") for (before, _after), _changes in effects),
        "after": "".join(lines(after, ", another one" if changes else "") for (_b, after), changes in effects),
    }


def _operation_spec() -> dict[str, Any]:
    return {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "put": {"type": "str"},
            "delete": {"type": "str"},
            "get": {"type": "str"},
            "value": {"type": "str"},
            "lease": {"type": "str"},
            "prefix": {"type": "bool", "default": False},
        },
        "mutually_exclusive": [("put", "delete", "get")],
        "required_one_of": [("put", "delete", "get")],
    }


def main() -> None:
    run(
        {
            **connection_spec(),
            "compare": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "key": {"type": "str", "required": True, "no_log": False},
                    "prefix": {"type": "bool", "default": False},
                    "exists": {"type": "bool"},
                    "target": {"type": "str", "choices": list(txn.TARGETS), "default": "value"},
                    "result": {"type": "str", "choices": txn.RESULTS, "default": "equal"},
                    "value": {"type": "str"},
                },
            },
            "then": _operation_spec(),
            "else": _operation_spec(),
            "encoding": {"type": "str", "choices": texts.ENCODINGS, "default": texts.TEXT},
            "hide_values": {"type": "bool", "default": False},
        },
        act,
    )


if __name__ == "__main__":
    main()
