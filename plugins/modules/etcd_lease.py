#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_lease
short_description: Grant, renew, revoke and list leases of etcd
version_added: "0.1.0"
description:
  - Keys that lie on a lease are deleted by etcd once it runs out or is revoked.
  - Nothing renews a lease by itself. O(state=renewed) does it once.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever, and by way of etcd's gRPC proxy.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.connection
  - quorum.etcd.attributes
  - quorum.etcd.attributes.predicted
  - quorum.etcd.attributes.actiongroup_etcd
options:
  state:
    description:
      - V(granted) makes a lease; a new one at every run, or the one that O(lease) names, once.
      - V(renewed) lets it last its whole time again, from now on. It is no change.
      - V(revoked) ends it, and deletes the keys on it. It is refused where one of them is below C(/quorum.etcd/) or
        C(/_etcd/).
      - V(listed) changes nothing. With O(lease) it tells of that one, and of its keys.
    type: str
    choices: [granted, renewed, revoked, listed]
    default: granted
  ttl:
    description:
      - Seconds that it is to last. Needed for O(state=granted). etcd raises what is less than its election timeout.
    type: int
  lease:
    description: Id of the lease, hexadecimal as C(etcdctl) prints it. Needed for V(renewed) and V(revoked).
    type: str
seealso:
  - module: quorum.etcd.etcd_key
  - module: quorum.etcd.etcd_lock
"""

EXAMPLES = r"""
- name: Grant a lease of ten minutes
  quorum.etcd.etcd_lease:
    endpoints: [http://127.0.0.1:2379]
    ttl: 600
  register: granted

- name: Let a note go by itself
  quorum.etcd.etcd_key:
    endpoints: [http://127.0.0.1:2379]
    key: /app/maintenance
    value: "{{ inventory_hostname }}"
    lease: "{{ granted.lease }}"

- name: Let it last its whole time again
  quorum.etcd.etcd_lease:
    endpoints: [http://127.0.0.1:2379]
    state: renewed
    lease: "{{ granted.lease }}"

- name: End it
  quorum.etcd.etcd_lease:
    endpoints: [http://127.0.0.1:2379]
    state: revoked
    lease: "{{ granted.lease }}"
"""

RETURN = r"""
lease:
  description: Its id; empty in check mode where etcd would draw it.
  returned: success, with O(lease) or O(state=granted)
  type: str
  sample: 694d8a9e4f5c1a02
ttl:
  description: Seconds that it lasts; -1 if it does not exist.
  returned: success, with O(lease) or O(state=granted)
  type: int
  sample: 600
granted_ttl:
  description: Seconds that each renewal gives it; 0 if it does not exist.
  returned: success, with O(lease) or O(state=granted)
  type: int
  sample: 600
keys_on_lease:
  description: The keys on it, before they were deleted. Where one is no UTF-8 text it is shown with backslashes.
  returned: success, with O(lease) or O(state=granted)
  type: list
  elements: str
  sample: [/app/maintenance]
leases:
  description: The ids of all leases.
  returned: O(state=listed) without O(lease)
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._data import leases, texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.leases import Lease
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.data import session_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    lease = texts.lease_id(given["lease"]) if given["lease"] else 0
    with session_of(given) as session:
        if given["state"] == "granted":
            return _granted(session, given["ttl"], lease, module.check_mode)
        if not lease and given["state"] != "listed":
            if module.check_mode:
                # The lease that would have been granted has no id yet.
                return _result(given["state"] == "revoked", Lease(0, -1, 0), Lease(0, -1, 0))
            raise BadInput("lease is empty: there is none to renew or revoke. Give the id that granted returned.")
        if not lease:
            return {"changed": False, "leases": [texts.lease_text(one) for one in leases.every(session)]}
        if given["state"] == "revoked":
            found = leases.revoke(session, lease, module.check_mode)
            return _result(found.exists, found, Lease(lease, -1, 0))
        if given["state"] == "renewed" and not module.check_mode and not leases.renew(session, lease):
            raise leases.gone(lease)
        found = leases.look(session, lease)
        if given["state"] == "renewed" and not found.exists:
            raise leases.gone(lease)
        return _result(False, found, found)


def _granted(session: Session, ttl: int, lease: int, check: bool) -> dict[str, Any]:
    if ttl < 1:
        raise BadInput(f"ttl is {ttl}; give seconds from 1.")
    before = leases.look(session, lease) if lease else Lease(0, -1, 0)
    if before.exists:
        return _result(False, before, before)
    after = Lease(lease, ttl, ttl) if check else leases.grant(session, ttl, lease)
    return _result(True, before, after)


def _result(changed: bool, before: Lease, after: Lease) -> dict[str, Any]:
    keys = [texts.for_people(key) for key in before.keys]
    return {
        "changed": changed,
        "lease": texts.lease_text(after.id),
        "ttl": after.ttl,
        "granted_ttl": after.granted_ttl,
        "keys_on_lease": keys,
        "diff": {
            "before": {"exists": before.exists, "keys": keys},
            "after": {"exists": after.exists, "keys": keys if after.exists else []},
        },
    }


def main() -> None:
    run(
        {
            **connection_spec(),
            "state": {"type": "str", "choices": ["granted", "renewed", "revoked", "listed"], "default": "granted"},
            "ttl": {"type": "int"},
            "lease": {"type": "str"},
        },
        act,
        reads=("listed",),
        required_if=[("state", "granted", ["ttl"]), ("state", "renewed", ["lease"]), ("state", "revoked", ["lease"])],
    )


if __name__ == "__main__":
    main()
