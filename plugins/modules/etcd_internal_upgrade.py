#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_upgrade
short_description: "Internal: what an upgrade sees to beside the members' updates"
version_added: "0.1.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Examines whether a member's data and files are fit for the releases to come, before the first member is stopped.
  - Serves the snapshot that was saved with each of these releases and the settings that it is to have, on loopback, and
    throws that away.
  - Lets every member of etcd 3.6 write a raft snapshot, by a downgrade to 3.5 that is enabled and cancelled again,
    because etcd 3.7 cannot read what members of 3.5 have written into their logs.
  - Waits until every member says that the cluster speaks the version of the minor that all members have.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
attributes:
  check_mode:
    support: full
    details: Nothing is looked at, because a release that is needed for it may not be installed yet.
  diff_mode:
    support: none
options:
  state:
    description: What is to be so afterwards.
    type: str
    choices: [examined, rehearsed, awaited, renewed]
    required: true
  releases:
    description: With V(examined) and V(rehearsed), the releases that the member is to get, in their order.
    type: list
    elements: str
    default: []
  crl_files:
    description: With V(examined), the lists of revoked certificates that its settings name.
    type: list
    elements: path
    default: []
  settings:
    description: With V(rehearsed), settings by etcd's own names, for each of O(releases).
    type: dict
    default: {}
  snapshot_dir:
    description: With V(rehearsed), where the snapshot lies. It is the newest one there.
    type: path
    default: /var/lib/etcd-snapshots
  cluster:
    description: With V(rehearsed), the name of the cluster.
    type: str
    default: ""
  tls:
    description: With V(rehearsed), whether it is never served without TLS.
    type: bool
    default: false
  minor:
    description: With V(awaited), the version that the cluster is to speak, such as V(3.6).
    type: str
    default: ""
  members:
    description: With V(awaited), all members, each with its C(name) and its C(peer_urls).
    type: list
    elements: dict
    default: []
  endpoints:
    description: With V(renewed), client URLs of all members.
    type: list
    elements: str
    default: []
  timeout:
    description: With V(awaited), V(rehearsed) and V(renewed), how long to wait, in seconds.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: The role calls it through the action that renders its options
  quorum.etcd.etcd_internal_step:
    step: "{{ __etcd_step }}"
    observation: "{{ __etcd_own }}"
    pki: "{{ __etcd_inputs.pki }}"
"""

RETURN = r"""
compared:
  description: With O(state=rehearsed), what was compared with the manifest of the snapshot.
  returned: success, with O(state=rehearsed), but in check mode
  type: list
  elements: str
  sample: [revision, key_count, hash_kv]
"""

import platform
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock, raft_snapshots
from ansible_collections.quorum.etcd.plugins.module_utils._host import local_member
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import drill, upgrade
from ansible_collections.quorum.etcd.plugins.module_utils._steps.drill import Drill


def _rehearse(module: AnsibleModule) -> dict[str, Any]:
    given, layout, runner = module.params, layout_of(module.params), command.of_module(module)
    trials = [
        Drill(
            snapshot="",
            release_dir=drill.release_dir(layout, version, platform.machine()),
            version=version,
            timeout=given["timeout"],
            tls=given["tls"],
            settings=given["settings"].get(version, {}),
        )
        for version in given["releases"]
    ]
    compared = upgrade.rehearse(runner, Systemd(runner), layout, given["snapshot_dir"], given["cluster"], trials)
    return {"changed": False, "compared": compared}


def act(module: AnsibleModule) -> dict[str, Any]:
    given, layout = module.params, layout_of(module.params)
    runner = command.of_module(module)
    systemd = Systemd(runner)
    if not module.check_mode and given["state"] == "rehearsed":
        return _rehearse(module)
    if not module.check_mode and given["state"] == "examined":
        upgrade.examine(runner, systemd, layout, platform.machine(), given["releases"], given["crl_files"])
    elif not module.check_mode and given["state"] == "renewed":
        owner = cluster_lock.owner("renewal of raft snapshots")
        raft_snapshots.renew(given["endpoints"], local_member.credentials(layout), owner, given["timeout"])
    elif not module.check_mode:
        upgrade.await_version(systemd, layout, given["minor"], given["members"], given["timeout"])
    return {"changed": given["state"] == "renewed"}


def main() -> None:
    run(
        {
            **LAYOUT,
            "state": {"type": "str", "choices": ["examined", "rehearsed", "awaited", "renewed"], "required": True},
            "releases": {"type": "list", "elements": "str", "default": []},
            "crl_files": {"type": "list", "elements": "path", "default": []},
            "settings": {"type": "dict", "default": {}},
            "snapshot_dir": {"type": "path", "default": "/var/lib/etcd-snapshots"},
            "cluster": {"type": "str", "default": ""},
            "tls": {"type": "bool", "default": False},
            "minor": {"type": "str", "default": ""},
            "members": {"type": "list", "elements": "dict", "default": []},
            "endpoints": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 120.0},
        },
        act,
    )


if __name__ == "__main__":
    main()
