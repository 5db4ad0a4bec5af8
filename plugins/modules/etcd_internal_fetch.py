#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_internal_fetch
short_description: "Internal: gather releases for hosts that fetch nothing themselves"
version_added: "0.2.0"
description:
  - "WARNING: Do not use this module directly! It is only for role internal use."
  - Runs on a machine that reaches where etcd is published. It has every release that the members need in one directory,
    each verified, with a list of their checksums. What is there already stays. Images of containers it only looks for.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  directory:
    description: Where they are gathered. It is made.
    type: path
    required: true
  method:
    description: How the hosts install etcd.
    type: str
    choices: [archive, package, container]
    default: archive
  version:
    description: The version that the members are to have. Empty for the default of a new cluster.
    type: str
    default: ""
  stop_at:
    description: Where an upgrade to O(version) ends for now.
    type: str
    default: ""
  running:
    description: The version that the members run now. Empty for a new cluster.
    type: str
    default: ""
  versions:
    description: Versions that are gathered by name. Without O(running), instead of O(version).
    type: list
    elements: str
    default: []
  architectures:
    description: For which architectures, by the kernel's names or by etcd's.
    type: list
    elements: str
    required: true
  url:
    description: Where releases are, as O(quorum.etcd.etcd_install#module:url).
    type: str
    default: https://github.com/etcd-io/etcd/releases/download
  checksums:
    description: Name of an archive to its SHA256. They outrank the pinned ones.
    type: dict
    default: {}
  image:
    description: The name of the image at a registry, if O(method=container). C({version}) stands for the version.
    type: str
    default: ""
  checksums_from_mirror:
    description: Believe the C(SHA256SUMS) below O(url) even where that is not upstream.
    type: bool
    default: false
  timeout:
    description: How long the server may be silent, in seconds.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Gather what the hosts need
  quorum.etcd.etcd_internal_fetch:
    directory: /srv/etcd-archives
    version: 3.6.14
    running: 3.5.33
    architectures: [x86_64]
"""

RETURN = r"""
files:
  description: The names of the files that are needed.
  returned: success
  type: list
  elements: str
fetched:
  description: Those of them that were not there.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host import gathered, install
from ansible_collections.quorum.etcd.plugins.module_utils._model import container, gathering, releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ARCHIVE, CONTAINER, PACKAGE
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    asked = (given["version"], given["stop_at"], given["running"], given["versions"])
    gathering.check_named(given["method"], given["version"], given["versions"])
    versions = gathering.versions(*asked, default=releases.DEFAULT_VERSION)
    machines = gathering.machines(given["architectures"])
    if given["method"] == CONTAINER:
        image = Container(name=given["image"])
        images = {container.archive(one, on): (image.reference(one), on) for one in versions for on in machines}
        files = gathering.images_in(given["directory"], gathered.files(given["directory"]), images)
        return {"changed": False, "files": files, "fetched": []}
    source = install.Source(
        given["url"],
        "",
        releases.checksums(given["checksums"]),
        given["checksums_from_mirror"],
        lambda url: open_url(url, timeout=given["timeout"]),
    )
    place = gathered.Place(given["directory"], source, command.of_module(module), module.check_mode)
    wanted = [install.Release(version, machine) for version in versions for machine in machines]
    found = gathered.gather(place, given["method"], wanted)
    return {"changed": bool(found.fetched), "files": found.names, "fetched": found.fetched}


def main() -> None:
    run(
        {
            "directory": {"type": "path", "required": True},
            "method": {"type": "str", "choices": [ARCHIVE, PACKAGE, CONTAINER], "default": ARCHIVE},
            "version": {"type": "str", "default": ""},
            "stop_at": {"type": "str", "default": ""},
            "running": {"type": "str", "default": ""},
            "versions": {"type": "list", "elements": "str", "default": []},
            "architectures": {"type": "list", "elements": "str", "required": True},
            "url": {"type": "str", "default": releases.UPSTREAM},
            "checksums": {"type": "dict", "default": {}},
            "image": {"type": "str", "default": ""},
            "checksums_from_mirror": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 30},
        },
        act,
    )


if __name__ == "__main__":
    main()
