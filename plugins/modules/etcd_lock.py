#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_lock
short_description: Hold a lock in etcd for tasks that must not run twice at the same time
version_added: "0.1.0"
description:
  - Of all plays that acquire a lock of one name in one cluster, one has it. The others wait in line, or fail and say
    who has it since when. C(etcdctl lock NAME) stands in the same line.
  - The lock lies on a lease. A small process on the host that runs the module renews it, until it is released or
    O(max_hold) is over. On the controller (C(delegate_to=localhost)) the process sees the play itself, and ends with it
    however that ends. On another host it cannot, so that there O(max_hold) decides.
  - Once nothing renews it, the lock is gone after O(ttl) seconds.
  - A lock on a lease can be lost while a task runs, for example where no member can be reached for longer than O(ttl).
    Nothing stops the tasks then. Prove it with O(state=held) before each task that matters, and give RV(revision) to
    systems that compare it (a fencing token). Without O(state=held) a lost lock is not noticed before
    O(state=released), which warns.
  - It has nothing to do with the lock of the changes of the cluster itself, and never touches that.
  - It works with any cluster of etcd 3.4 to 3.7, deployed by whatever, and by way of etcd's gRPC proxy.
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
      - It says whether the lock is free now, and takes no place in the line.
  diff_mode:
    support: full
options:
  name:
    description: Name of the lock. Its keys are those below C(NAME/); the user must be allowed to read and write them.
    type: str
    required: true
  state:
    description:
      - V(acquired) waits for the lock and takes it.
      - V(held) proves by a quorum that the lock is held now, and renews it, so that it lasts O(ttl) seconds from then
        on. It fails if the lock was lost.
      - V(released) gives it back and ends the process that renews it. It is no failure if the lock was lost before, or
        never acquired.
    type: str
    choices: [acquired, held, released]
    default: acquired
  ttl:
    description: Seconds that the lock lasts when nothing renews it any more.
    type: int
    default: 60
  max_hold:
    description: Seconds after which nothing renews it any more, whatever becomes of the play.
    type: float
    default: 3600.0
  wait:
    description: Seconds to wait for whoever has it. V(0) fails at once.
    type: float
    default: 60.0
  lease:
    description:
      - Which lock is meant, by RV(lease) of the task that acquired it. Needed for V(held). An empty one makes
        V(released) do nothing.
    type: str
  holder:
    description: Who has it, for people. Without it, the process and the name of the host.
    type: str
  play:
    description: The process that runs the play. The module is told it by itself; leave it out.
    type: dict
    suboptions:
      pid:
        description: Its number.
        type: int
        required: true
      started:
        description: When it started.
        type: str
        required: true
      machine:
        description: Where it runs.
        type: str
        required: true
seealso:
  - module: quorum.etcd.etcd_lease
  - module: quorum.etcd.etcd_txn
"""

EXAMPLES = r"""
- name: Migrate, never twice at the same time
  delegate_to: localhost
  run_once: true
  module_defaults:
    group/quorum.etcd.etcd:
      endpoints: [http://127.0.0.1:2379]
  block:
    - name: Acquire the lock
      quorum.etcd.etcd_lock:
        name: /locks/migration
        ttl: 60
        max_hold: 1800
        wait: 300
      register: lock

    - name: Prepare
      ansible.builtin.command: /bin/true
      changed_when: true

    - name: Prove that the lock is still held
      quorum.etcd.etcd_lock:
        name: /locks/migration
        state: held
        lease: "{{ lock.lease }}"

    - name: Migrate
      ansible.builtin.command: /bin/true
      changed_when: true
  always:
    - name: Release the lock
      quorum.etcd.etcd_lock:
        name: /locks/migration
        state: released
        lease: "{{ lock.lease | default('') }}"
"""

RETURN = r"""
lease:
  description: Id of the lease, which tells this lock from every later one. Empty in check mode.
  returned: success
  type: str
  sample: 694d8a9e4f5c1a02
key:
  description: The key. As long as it exists, and is the oldest below the name, the lock is held.
  returned: success
  type: str
  sample: /locks/migration/694d8a9e4f5c1a02
revision:
  description: The fencing token. Each later owner has a higher one. 0 where the lock is not held.
  returned: success
  type: int
  sample: 4711
ttl:
  description: Seconds that it lasts without a renewal, from now on.
  returned: O(state=acquired) or O(state=held)
  type: int
  sample: 60
ends_with_play:
  description: Whether the process that renews it sees the play, and ends with it.
  returned: O(state=acquired)
  type: bool
"""

import os
import platform
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, EtcdError
from ansible_collections.quorum.etcd.plugins.module_utils._data import lock, renewer, texts
from ansible_collections.quorum.etcd.plugins.module_utils._data.lock import Ticket
from ansible_collections.quorum.etcd.plugins.module_utils._data.renewer import Process, Renewal
from ansible_collections.quorum.etcd.plugins.module_utils._data.session import Session
from ansible_collections.quorum.etcd.plugins.module_utils._module.connection import connection_spec
from ansible_collections.quorum.etcd.plugins.module_utils._module.data import session_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    lease = texts.lease_id(given["lease"]) if given["lease"] else 0
    if given["ttl"] < 1 or given["max_hold"] <= 0 or given["wait"] < 0:
        raise BadInput("ttl counts seconds from 1, max_hold seconds above 0, and wait seconds from 0.")
    with session_of(given) as session:
        if given["state"] == "released":
            return _release(session, Ticket(given["name"], lease), module.check_mode)
        if given["state"] == "held" and not lease:
            if module.check_mode:
                # The lock that would have been acquired has no lease yet.
                return {**_result(Ticket(given["name"], 0), False, 0), "lease": "", "key": "", "ttl": given["ttl"]}
            raise BadInput("lease is empty: there is no lock to prove. Give the lease that acquired returned.")
        if given["state"] == "held":
            entry, left = lock.prove(session, Ticket(given["name"], lease), not module.check_mode)
            return {**_result(Ticket(given["name"], lease), False, entry.create_revision), "ttl": left}
        if module.check_mode:
            return _foresee(session, given)
        return _acquire(session, given)


def _foresee(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    first = lock.owner(session, lock.contenders(given["name"]))
    if first is not None:
        raise lock.taken(given["name"], first)
    return {"changed": True, "lease": "", "key": "", "revision": 0, "ttl": given["ttl"], "ends_with_play": False}


def _acquire(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    holder = given["holder"] or f"process {os.getpid()} on {platform.node()}"
    told = {"holder": holder, "since": lock.since()}
    ticket, entry, ttl = lock.acquire(session, given["name"], told, given["ttl"], given["wait"])
    play = Process.from_dict(given["play"] or {})
    play = play if play is not None and play.is_here else None
    process = renewer.start(session, Renewal(ticket.lease, ttl, given["max_hold"], play))
    try:
        lock.tell(session, ticket, {**told, "renewer": process.to_dict()})
    except EtcdError:
        # Nobody is told of a lock that this task has not returned.
        renewer.end(process, ticket.lease)
        raise
    result = _result(ticket, True, entry.create_revision)
    return {**result, "ttl": ttl, "ends_with_play": play is not None}


def _release(session: Session, ticket: Ticket, check: bool) -> dict[str, Any]:
    if not ticket.lease:
        return {"changed": False, "lease": "", "key": "", "revision": 0}
    entry = lock.release(session, ticket, check)
    if entry is None:
        late = f"The lock {ticket.name} was lost before it was released: what was done under it was not done alone."
        return {**_result(ticket, False, 0), "notes": [late]}
    if not check:
        renewer.end(Process.from_dict(lock.told_by(entry).get("renewer") or {}), ticket.lease)
    return _result(ticket, True, entry.create_revision)


def _result(ticket: Ticket, changed: bool, revision: int) -> dict[str, Any]:
    acquired = revision and ticket.lease
    key = ticket.key.decode()
    return {
        "changed": changed,
        "lease": texts.lease_text(ticket.lease),
        "key": key,
        "revision": revision if acquired else 0,
        "diff": {"before": "", "after": f"{key}\n"} if changed else {},
    }


def main() -> None:
    run(
        {
            **connection_spec(),
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["acquired", "held", "released"], "default": "acquired"},
            "ttl": {"type": "int", "default": 60},
            "max_hold": {"type": "float", "default": 3600.0},
            "wait": {"type": "float", "default": 60.0},
            "lease": {"type": "str"},
            "holder": {"type": "str"},
            "play": {
                "type": "dict",
                "options": {
                    "pid": {"type": "int", "required": True},
                    "started": {"type": "str", "required": True},
                    "machine": {"type": "str", "required": True},
                },
            },
        },
        act,
        required_if=[("state", "held", ["lease"])],
    )


if __name__ == "__main__":
    main()
