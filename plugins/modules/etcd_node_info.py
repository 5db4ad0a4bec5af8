#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_node_info
short_description: Look at one host of an etcd cluster
version_added: "0.1.0"
description:
  - One look at a host, whatever state it is in. What runs, its unit, the files of its member, its data directory and
    what the member there sees of its cluster.
  - Of a stopped member it reads the ids from the write-ahead log.
  - Of keys of API version 2 it says nothing. M(quorum.etcd.etcd_v2_info) finds them, on a member that runs and on one
    that is stopped.
  - Changes nothing.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.attributes.info_module
  - quorum.etcd.layout
options:
  ports:
    description: TCP ports of which to tell who listens on them.
    type: list
    elements: int
    default: [2379, 2380]
  files:
    description: Absolute paths of files of which to return the checksum, mode and owner.
    type: list
    elements: path
    default: []
  certificates:
    description: Absolute paths of PEM certificates whose text to return. Never name a private key here.
    type: list
    elements: path
    default: []
  addresses:
    description: IP addresses or DNS names that this host should be able to listen on.
    type: list
    elements: str
    default: []
  forget:
    description:
      - Names or ids of members that are to be forgotten, of which to tell whether they can still be reached from here.
      - Whatever accepts a connection at one of its URLs counts, unless it shows that it is something else, such as
        another member, a member of another cluster, or a server with a certificate of another authority.
    type: list
    elements: str
    default: []
  cluster:
    description: Name of the cluster whose snapshots on this host are of interest. Empty for none.
    type: str
    default: ""
  snapshot_dir:
    description: Absolute path of the directory in which they lie.
    type: str
    default: ""
  snapshot_schedule:
    description: When they are to be saved. Told is whether systemd understands it.
    type: str
    default: ""
  timeout:
    description: How long one question to the member on this host may take, in seconds.
    type: float
    default: 3.0
"""

EXAMPLES = r"""
- name: Look at a member
  quorum.etcd.etcd_node_info:
  register: node

- name: Say which member this is
  ansible.builtin.debug:
    msg: "{{ node.node.data.member_id }} of cluster {{ node.node.data.cluster_id }}"
"""

RETURN = r"""
node:
  description: What was seen.
  returned: success
  type: dict
  contains:
    host:
      description:
        - The machine. Its names, C(architecture), C(python), C(interpreter), clock (C(time), seconds since 1970),
          its C(boot), which no two running systems share, its C(default_address), its C(runtimes) of containers, and
          C(not_here), those of O(addresses) that are on none of its interfaces.
      type: dict
      returned: success
    account:
      description: Whether the system user and group C(exists).
      type: dict
      returned: success
    free:
      description: Bytes free for C(data) and C(install).
      type: dict
      returned: success
    read_only:
      description: Those of the data, settings and install directories that are on a file system mounted read-only.
      type: list
      elements: str
      returned: success
    unsuitable:
      description:
        - Directories that are there and that etcd's account cannot use, each with the C(setting) that it is about,
          C(path), C(owner), C(group) and C(mode).
        - It cannot go through those in C(closed), nor write into those in C(unwritable), the parents of O(wal_dir) and
          O(log_file).
      type: dict
      returned: success
    unit:
      description: The systemd unit of the member; C(version) is the release that it names, C(ours) whether this
        collection wrote it, C(forced_by) what would let its next start drop all other members, C(last_error) why it
        ended, in etcd's own words, where it failed or starts again and again.
      type: dict
      returned: success
    unpaired:
      description: The path of each of O(certificates) that does not match the key beside it, and why not.
      type: dict
      returned: success
    cluster_version:
      description: The version that the member's cluster speaks, as its peer port says; empty where it says nothing.
      type: str
    refuses_peers:
      description: Why the member that runs takes no new connection of a peer, although those that were made before live
        on. Empty if it does, and where that cannot be seen from its own host.
      type: str
      returned: success
    runtime:
      description: The running process, with its C(kind), C(version), C(identity), C(command), C(environment), and
        C(sources), from which systemd would give it that environment anew. V(null) when none runs.
      type: dict
      returned: success
    strangers:
      description:
        - Processes called etcd that are not of this unit, each with the ports and paths of the member that it C(uses).
      type: list
      elements: dict
      returned: success
    ports:
      description: Listeners on O(ports) that are not the member's own.
      type: list
      elements: dict
      returned: success
    releases:
      description: The etcd versions that are unpacked in O(install_dir).
      type: list
      elements: str
      returned: success
    images:
      description: By version, runtime and ID of the image that it came as.
      type: dict
      returned: success
    stored_images:
      description:
        - Runtime and ID of each image that a container runtime of the host has. Empty but with
          O(install_method=container).
      type: list
      elements: str
      returned: success
    files:
      description: For each of O(files), C(exists), C(sha256), C(mode), C(owner), C(group) and C(link).
      type: dict
      returned: success
    certificates:
      description: For each of O(certificates) that exists, its text.
      type: dict
      returned: success
    record:
      description: For each file that the running process read at its start only, the SHA256 it had then. Empty where
        the gate did not record the start of this process.
      type: dict
      returned: success
    refused:
      description: Why the gate does not let the member start. Empty when it does.
      type: str
      returned: success
    marker:
      description: What this host remembers about its member. V(null) without a marker.
      type: dict
      returned: success
    marker_error:
      description: Why the marker cannot be understood. Empty when it can.
      type: str
      returned: success
    others:
      description: The other instances of this machine that have a C(marker), and what it says.
      type: dict
      returned: success
    data:
      description: The data directory. Whether there is a C(log), whose C(member_id) and C(cluster_id) it carries in
        lower-case hex, its C(mounts), C(unreadable), why its disk does not tell, C(left), the first trace of a member's
        data beside no log, C(older_than), the newest segment that the member had already where the log ends
        before it, C(held), whether an etcd has this very log open, C(foreign), some of what is not etcd's, C(owner),
        the account to which the log belongs, C(not_its_own), the first of etcd's files that belongs to another account
        than O(user), C(behind), whether the member ended because its leader speaks of entries that its log no longer
        has, as after its disk went back in time, C(damaged), whether it ended because its log or its database is
        damaged, and C(version), the minor of the etcd that the database is of, such as C(3.6.0), while the member
        stands still.
      type: dict
      returned: success
    timer:
      description: The systemd timer by which the member saves snapshots, as far as it is there.
      type: dict
      returned: success
    snapshots:
      description: What the member has saved. The C(newest) of the cluster with its C(path), C(taken_at), C(size) and
        C(revision), or V(null); C(last), what became of the last try, or V(null); C(since), seconds since 1970 at which
        the timer was written; C(schedule_problem), why systemd does not take O(snapshot_schedule).
      type: dict
      returned: success
    previous:
      description: Whether the host keeps what an update has replaced, because the update was not verified.
      type: bool
      returned: success
    previous_doubtful:
      description: Whether the member did not serve with that, when it was kept or after a rollback.
      type: bool
      returned: success
    cluster:
      description: What the running member says of its cluster. V(null) when none runs. C(forgotten) has for each member
        that O(forget) names its id and, if something answers for it, C(url) and C(certain) (whether that is certainly a
        member of the cluster), else V(null). C(maintenance) has the C(owner) who maintains the hosts of the cluster,
        with the C(revision) and the C(lease) of the key that says so, else V(null). C(is_renewing) says whether a
        downgrade is pending by which an upgrade lets members write raft snapshots.
      type: dict
      returned: success
    drained:
      description: The C(owner) who has drained this host for its maintenance, which C(process) of theirs, and C(until)
        when, seconds since 1970, with C(is_over) once that time has come. Empty of a host that is not drained.
      type: dict
      returned: success
"""

import dataclasses
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host.systemd import Systemd
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._steps import observe

_INTEREST = tuple(field.name for field in dataclasses.fields(observe.Interest))


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    interest = observe.Interest(**{field: given[field] for field in _INTEREST})
    systemd = Systemd(command.of_module(module))
    node = observe.observe(systemd, layout_of(given), interest)
    return {"changed": False, "node": node}


def main() -> None:
    run(
        {
            **LAYOUT,
            "ports": {"type": "list", "elements": "int", "default": [2379, 2380]},
            "files": {"type": "list", "elements": "path", "default": []},
            "certificates": {"type": "list", "elements": "path", "default": []},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "forget": {"type": "list", "elements": "str", "default": []},
            "cluster": {"type": "str", "default": ""},
            "snapshot_dir": {"type": "str", "default": ""},
            "snapshot_schedule": {"type": "str", "default": ""},
            "timeout": {"type": "float", "default": 3.0},
        },
        act,
        reads=True,
    )


if __name__ == "__main__":
    main()
