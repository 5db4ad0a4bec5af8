#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_playground
short_description: A cluster of three on this machine, to try etcd on
version_added: "0.2.0"
description:
  - Makes three members as plain processes of an ordinary user, on loopback only. It needs no root, no systemd and no
    containers. Everything lies in one directory, with a file for the number of each process.
  - A process is one of the playground when its number, its start time, its executable and its data directory all agree.
    What else is there is named and left alone.
  - It is not for data that matter. The three share a machine and a disk.
  - After a reboot the same task starts them again, with what they had.
  - The playbook C(quorum.etcd.local) uses it, and issues the certificates where it has TLS.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
    support: full
  platform:
    description: Target operating systems and families that can be operated against.
    support: full
    platforms: Linux, macOS
    details: It was never tried on macOS.
options:
  state:
    description:
      - With V(prepared) the directory is made and etcd is unpacked in it. With V(present) the members serve as well.
      - With V(absent) they end, and the directory is removed with the data in it.
    type: str
    choices: [prepared, present, absent]
    default: present
  path:
    description:
      - The directory. It is made, and must be nothing else. The one above it must be there.
    type: path
    default: ~/.etcd-playground
  port:
    description:
      - The client port of the first member. The others have those that are 10000 and 20000 above, and each its
        peer port one above that.
      - This, O(tls) and O(version) are those of the playground where there is one, and cannot be others. A new one has
        V(12379), no TLS, and the version that the role gives a new cluster.
    type: int
  tls:
    description:
      - Whether clients and members use TLS, with certificates on both sides. The certificates must lie in C(tls) below
        O(path), where the playbook puts them.
    type: bool
  version:
    description: The release of etcd, such as V(3.6.14). A leading C(v) is ignored.
    type: str
  url:
    description: Where releases are, laid out like upstream.
    type: str
    default: https://github.com/etcd-io/etcd/releases/download
  archive_dir:
    description:
      - A directory of this machine that has the archive by its upstream name. Then nothing is fetched but the checksum,
        where it is not pinned.
    type: path
  cache_dir:
    description: Where archives that were fetched are kept. V(absent) leaves them there.
    type: path
    default: ~/.cache/quorum.etcd
  checksums:
    description: Name of an archive to its SHA256. They outrank the pinned ones.
    type: dict
    default: {}
  checksums_from_mirror:
    description: Believe the C(SHA256SUMS) below O(url) even where that is not upstream.
    type: bool
    default: false
  timeout:
    description: How long all members may take to serve, in seconds.
    type: float
    default: 60.0
seealso:
  - module: quorum.etcd.etcd_ca
  - module: quorum.etcd.etcd_certificate
"""

EXAMPLES = r"""
- name: Make three members on this machine
  quorum.etcd.etcd_playground:
  register: playground

- name: Show where they are
  ansible.builtin.debug:
    msg: "{{ playground.endpoints }}"

- name: Remove them, and what they hold
  quorum.etcd.etcd_playground:
    state: absent
"""

RETURN = r"""
path:
  description: The directory.
  returned: success
  type: str
  sample: /home/op/.etcd-playground
tls:
  description: Whether it has TLS.
  returned: when O(state) is not V(absent)
  type: bool
version:
  description: The release of etcd.
  returned: when O(state) is not V(absent)
  type: str
  sample: 3.6.14
endpoints:
  description: The client URLs of its members.
  returned: when O(state) is not V(absent)
  type: list
  elements: str
  sample: [http://127.0.0.1:12379, http://127.0.0.1:22379, http://127.0.0.1:32379]
environment:
  description: Variables with which C(etcdctl) needs no flags.
  returned: when O(state) is not V(absent)
  type: dict
  sample: {"ETCDCTL_ENDPOINTS": "http://127.0.0.1:12379,http://127.0.0.1:22379,http://127.0.0.1:32379"}
commands:
  description: Lines for a shell. The last one removes the playground.
  returned: when O(state) is V(present)
  type: list
  elements: str
  sample: ["etcdctl put foo 'Hello World'"]
members:
  description: The members.
  returned: when O(state) is not V(absent)
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      returned: success
      type: str
      sample: etcd0
    pid:
      description: The number of its process. 0 where it does not run.
      returned: success
      type: int
    client_url:
      description: Where clients reach it.
      returned: success
      type: str
      sample: http://127.0.0.1:12379
    peer_url:
      description: Where the others reach it.
      returned: success
      type: str
      sample: http://127.0.0.1:12380
    data_dir:
      description: Where its data are.
      returned: success
      type: str
      sample: /home/op/.etcd-playground/etcd0
    log:
      description: What it has said.
      returned: success
      type: str
      sample: /home/op/.etcd-playground/etcd0.log
"""

import os
import platform
import uuid
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host.install import Source
from ansible_collections.quorum.etcd.plugins.module_utils._model import playground as model
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run
from ansible_collections.quorum.etcd.plugins.module_utils._playground import cluster, directory
from ansible_collections.quorum.etcd.plugins.module_utils._playground.release import Supply

# Seconds for which the server of archives may be silent.
_SILENCE = 30


def act(module: AnsibleModule) -> dict[str, Any]:
    given, check = module.params, module.check_mode
    cluster.check_user(os.geteuid(), os.environ.get("SUDO_USER", ""))
    place = directory.place_of(given["path"])
    if given["state"] == "absent":
        changed = cluster.remove(place, check)
        return {
            "changed": changed,
            "path": place,
            "diff": {"before": {place: "present"} if changed else {}, "after": {}},
        }
    request = model.Request(place, given["version"], given["port"], given["tls"])
    changed, playground = cluster.prepare(request, uuid.uuid4().hex, _supply(module), check)
    before, after = ({} if changed else {place: "prepared"}), {place: "prepared"}
    result = {"path": place, "tls": playground.tls, "version": playground.version, "endpoints": playground.endpoints}
    if given["state"] == "present":
        started = cluster.start(playground, given["timeout"], check)
        changed = changed or bool(started)
        before.update(dict.fromkeys(started, "stopped"))
        after.update(dict.fromkeys(started, "running"))
        result["commands"] = playground.commands(cluster.usual_place())
    result.update(environment=playground.environment, members=cluster.described(playground))
    return {
        "changed": changed,
        "diff": {"before": before, "after": after},
        "notes": cluster.notes(playground),
        **result,
    }


def _supply(module: AnsibleModule) -> Supply:
    given, machine, system = module.params, platform.machine(), platform.system()
    source = Source(
        given["url"],
        given["archive_dir"] or "",
        releases.checksums(given["checksums"]),
        given["checksums_from_mirror"],
        lambda url: open_url(url, timeout=_SILENCE),
    )
    return Supply(source, given["cache_dir"], machine, system, command.of_module(module))


def main() -> None:
    run(
        {
            "state": {"type": "str", "choices": ["prepared", "present", "absent"], "default": "present"},
            "path": {"type": "path", "default": model.USUAL_PLACE},
            "port": {"type": "int"},
            "tls": {"type": "bool"},
            "version": {"type": "str"},
            "url": {"type": "str", "default": releases.UPSTREAM},
            "archive_dir": {"type": "path"},
            "cache_dir": {"type": "path", "default": "~/.cache/quorum.etcd"},
            "checksums": {"type": "dict", "default": {}},
            "checksums_from_mirror": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 60.0},
        },
        act,
    )


if __name__ == "__main__":
    main()
