# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kv
short_description: Read keys of etcd on the controller
version_added: "0.1.0"
author: The quorum.etcd developers (@quorum-etcd)
description:
  - Returns what keys of etcd hold, as text or as what their JSON text means, one by one or all that begin with a
    prefix.
  - The controller itself asks etcd, at each use of the variable that the lookup stands in. Read the keys with
    M(quorum.etcd.etcd_key_info) once where another host is to ask, or where all must be of one revision.
  - It works with any cluster of etcd 3.4 to 3.7, and by way of etcd's gRPC proxy.
extends_documentation_fragment:
  - quorum.etcd.connection
options:
  _terms:
    description: The keys, or with O(prefix) what keys begin with.
    type: list
    elements: str
    required: true
  prefix:
    description: Return for each term a dictionary of all keys that begin with it, the keys without that beginning.
    type: bool
    default: false
  json:
    description: Read each value as JSON.
    type: bool
    default: false
  encoding:
    description: How values are returned. V(base64) takes any bytes.
    type: str
    choices: [text, base64]
    default: text
  missing:
    description:
      - What is returned for a key that does not exist.
      - V(error) ends the task, V(empty) returns nothing for it.
    type: str
    choices: [error, empty]
    default: error
  endpoints:
    env:
      - name: ETCDCTL_ENDPOINTS
    vars:
      - name: quorum_etcd_kv_endpoints
  ca_path:
    env:
      - name: ETCDCTL_CACERT
    vars:
      - name: quorum_etcd_kv_ca_path
  client_cert:
    env:
      - name: ETCDCTL_CERT
    vars:
      - name: quorum_etcd_kv_client_cert
  client_key:
    env:
      - name: ETCDCTL_KEY
    vars:
      - name: quorum_etcd_kv_client_key
  username:
    vars:
      - name: quorum_etcd_kv_username
  password:
    env:
      - name: ETCDCTL_PASSWORD
    vars:
      - name: quorum_etcd_kv_password
  user_file:
    vars:
      - name: quorum_etcd_kv_user_file
seealso:
  - module: quorum.etcd.etcd_key_info
"""

EXAMPLES = r"""
- name: Show what a key holds
  ansible.builtin.debug:
    msg: "{{ lookup('quorum.etcd.kv', '/app/active', endpoints=['http://127.0.0.1:2379']) }}"

- name: Show a part of what the JSON of a key says
  ansible.builtin.debug:
    msg: "{{ lookup('quorum.etcd.kv', '/app/config', json=true, endpoints=['http://127.0.0.1:2379']).replicas }}"

- name: Show all keys that begin so
  ansible.builtin.debug:
    msg: "{{ lookup('quorum.etcd.kv', '/app/', prefix=true, endpoints=['http://127.0.0.1:2379']) | dict2items }}"
"""

RETURN = r"""
_raw:
  description: What each key holds, or with O(prefix) a dictionary for each term.
  type: list
  elements: raw
"""

import json
import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._data import entries, texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.entries import Entry, Question
from ansible_collections.quorum.etcd.plugins.module_utils._data.key_range import one_or_prefix
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._module.data import session_of


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            with session_of(self._connection()) as session:
                return [one for term in terms for one in self._found(session, term)]
        except EtcdError as exc:
            raise AnsibleError(f"quorum.etcd.kv: {exc}") from exc

    def _connection(self) -> dict[str, Any]:
        given: dict[str, Any] = self.get_options()
        # It may hold the password, too.
        name, _colon, password = os.environ.get("ETCDCTL_USER", "").partition(":")
        if name and not given["username"] and not given["user_file"]:
            given = {**given, "username": name, "password": given["password"] or password}
        return given

    def _found(self, session: Session, term: str) -> list[Any]:
        key = term.encode()
        where = one_or_prefix(key, self.get_option("prefix"))
        found = entries.read(session, Question(where)).entries
        if self.get_option("prefix"):
            return [{texts.for_people(one.key[len(key) :]): self._value(one) for one in found}]
        if not found and self.get_option("missing") == "error":
            raise BadInput(f"There is no key {term}. With missing='empty' nothing is returned for it.")
        return [self._value(one) for one in found]

    def _value(self, entry: Entry) -> Any:
        name = texts.for_people(entry.key)
        if not self.get_option("json"):
            return texts.to_text(entry.value, self.get_option("encoding"), f"The value of {name}")
        try:
            return json.loads(entry.value)
        except ValueError as exc:
            raise BadInput(f"The value of {name} is no JSON text: {exc}. Read it without json=true.") from exc
