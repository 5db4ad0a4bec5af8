#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_key
short_description: Let a key of etcd hold a value, or not exist
version_added: "0.1.0"
description:
  - A key that holds the value already is not written again. Otherwise it is written only if it still is as it was read,
    so that what another client writes at the same moment is never overwritten unseen.
  - It therefore needs the permission to read and to write the key where authentication is on.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever, and by way of etcd's gRPC proxy.
  - It takes the options of M(community.general.etcd3), and needs no library.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.data
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.attributes.actiongroup_etcd
options:
  key:
    description: The key. Those below C(/quorum.etcd/) and C(/_etcd/) are refused.
    type: str
    required: true
  value:
    description: What it is to hold. Needed for O(state=present).
    type: str
  state:
    description:
      - V(present) lets the key hold O(value).
      - V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  prefix:
    description: With O(state=absent), delete every key that begins with O(key).
    type: bool
    default: false
  force:
    description:
      - Whether a key that is there with another value gets this one.
      - With V(false) the value is written once, and left as it is from then on.
    type: bool
    default: true
  prev_value:
    description:
      - Write or delete only if the key holds this value, and fail otherwise. The task succeeds without a change where
        the key already is as wanted.
    type: str
  prev_revision:
    description:
      - Write or delete only if the last change of the key is of this revision, V(0) for a key that does not exist, and
        fail otherwise; likewise.
    type: int
  lease:
    description:
      - The lease on which the key is to lie, by its id as RV(quorum.etcd.etcd_lease#module:lease) has it. V(0) is none.
      - Not given, a key stays on the lease on which it lies.
    type: str
  hide_values:
    description:
      - Neither the result nor the difference shows a value, also not the one that was given.
      - The log of the host itself names the options of every task that has no C(no_log=true).
    type: bool
    default: false
  host:
    description: Name or address of a member, in place of O(endpoints).
    type: str
  port:
    description: Client port of O(host). V(2379) without it.
    type: int
seealso:
  - module: quorum.etcd.etcd_key_info
  - module: quorum.etcd.etcd_txn
  - module: quorum.etcd.etcd_lease
  - module: community.general.etcd3
"""

EXAMPLES = r"""
- name: Let a key hold a value
  quorum.etcd.etcd_key:
    endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
    ca_path: /etc/etcd/ssl/ca.pem
    client_cert: /etc/etcd/ssl/app.pem
    client_key: /etc/etcd/ssl/app-key.pem
    key: /app/config
    value: "{{ {'replicas': 3} | to_json }}"

- name: Make a password once, and show it nowhere
  quorum.etcd.etcd_key:
    endpoints: [http://127.0.0.1:2379]
    key: /app/password
    value: "{{ lookup('ansible.builtin.password', '/dev/null', length=24) }}"
    force: false
    hide_values: true
  no_log: true

- name: Take the step from blue to green only from blue
  quorum.etcd.etcd_key:
    endpoints: [http://127.0.0.1:2379]
    key: /app/active
    value: green
    prev_value: blue

- name: Delete all keys that begin so
  quorum.etcd.etcd_key:
    endpoints: [http://127.0.0.1:2379]
    key: /app/old/
    prefix: true
    state: absent
"""

RETURN = r"""
key:
  description: The key.
  returned: success
  type: str
  sample: /app/config
old_value:
  description: What it held before; empty if it did not exist. Base64 text where RV(old_value_is_base64).
  returned: success, without O(prefix) and O(hide_values)
  type: str
  sample: blue
old_value_is_base64:
  description: Whether RV(old_value) is base64 text, because it is asked for or the value was no UTF-8.
  returned: success, without O(prefix) and O(hide_values)
  type: bool
existed:
  description: Whether the key existed before.
  returned: success, without O(prefix)
  type: bool
revision:
  description: Revision of the key's last change; 0 if it does not exist, or would be written in check mode.
  returned: success, without O(prefix)
  type: int
  sample: 4711
lease:
  description: Id of the lease on which it lies; empty for none.
  returned: success, without O(prefix)
  type: str
  sample: 694d8a9e4f5c1a02
deleted:
  description: How many keys were deleted, or would be in check mode.
  returned: success
  type: int
  sample: 1
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._data import texts, writes
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import one_or_prefix
from ansible_collections.quorum.etcd.plugins.module_utils._data.writes import Change, Condition, Put
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.data import (
    ENCODINGS,
    HIDDEN,
    endpoints_with_host,
    key_of,
    session_of,
)
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = endpoints_with_host(module.params)
    if given["hide_values"]:
        # Ansible returns them with the result, be it a failure.
        module.params.update({name: HIDDEN for name in ("value", "prev_value") if module.params[name] is not None})
    key, encoding = key_of(given), given["encoding"]
    if given["prefix"] and given["state"] == "present":
        raise BadInput("prefix goes with state: absent only; one key holds one value.")
    where = one_or_prefix(key, given["prefix"])
    prev = given["prev_value"]
    condition = Condition(
        None if prev is None else texts.to_bytes(prev, encoding, "prev_value"), given["prev_revision"]
    )
    with session_of(given) as session:
        if given["state"] == "present":
            # In check mode a lease that would have been granted before has no id yet.
            is_given = given["lease"] is not None and not (module.check_mode and given["lease"] == "")
            lease = texts.lease_id(given["lease"]) if is_given else None
            value = texts.to_bytes(given["value"], encoding, "value")
            change = writes.put(session, Put(key, value, lease, condition, given["force"]), module.check_mode)
        elif given["prefix"]:
            gone = writes.delete_all(session, where, module.check_mode)
            keys = "".join(f"{texts.for_people(one.key)}\n" for one in gone)
            diff = {"before_header": f"keys below {given['key']}", "before": keys, "after": ""}
            return {"changed": bool(gone), "key": given["key"], "deleted": len(gone), "diff": diff}
        else:
            change = writes.delete(session, key, condition, module.check_mode)
    return _result(given, change)


def _result(given: dict[str, Any], change: Change) -> dict[str, Any]:
    before, after = change.before, change.after
    result = {
        "changed": change.changed,
        "key": given["key"],
        "existed": before is not None,
        "revision": after.mod_revision if after else 0,
        "lease": texts.lease_text(after.lease) if after else "",
        "deleted": int(before is not None and after is None),
        "diff": _diff(given, change),
    }
    if not given["hide_values"]:
        old = before.value if before else b""
        encoding = given["encoding"] if texts.is_text(old) else texts.BASE64
        result["old_value"] = texts.to_text(old, encoding, "old_value")
        result["old_value_is_base64"] = encoding == texts.BASE64
    return result


def _diff(given: dict[str, Any], change: Change) -> dict[str, str]:
    def shown(entry: Entry | None, note: str) -> str:
        if entry is None:
            return ""
        lease = f"lease {texts.lease_text(entry.lease)}\n" if entry.lease else ""
        return (f"{HIDDEN}{note}" if given["hide_values"] else texts.for_people(entry.value)) + f"\n{lease}"

    note = ", another one" if change.before and change.after and change.before.value != change.after.value else ""
    return {
        "before_header": given["key"],
        "after_header": given["key"],
        "before": shown(change.before, ""),
        "after": shown(change.after, note),
    }


def main() -> None:
    run(
        {
            **connection_spec(),
            **ENCODINGS,
            "key": {"type": "str", "required": True, "no_log": False},
            "value": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "prefix": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": True},
            "prev_value": {"type": "str"},
            "prev_revision": {"type": "int"},
            "lease": {"type": "str"},
            "hide_values": {"type": "bool", "default": False},
            "host": {"type": "str"},
            "port": {"type": "int"},
        },
        act,
        required_if=[("state", "present", ["value"])],
        mutually_exclusive=[("host", "endpoints")],
    )


if __name__ == "__main__":
    main()
