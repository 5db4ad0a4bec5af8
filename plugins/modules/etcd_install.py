#!/usr/bin/python
# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_install
short_description: Install an etcd release beside those that are there
version_added: "0.1.0"
description:
  - Makes the system account where it is missing, fetches a release archive, verifies its SHA256 and unpacks it into a
    directory of its own below O(install_dir). Nothing that runs is changed, and no link is moved.
  - The checksum is the one in O(checksums), else a pinned one, else that of the release's own C(SHA256SUMS), from
    upstream over HTTPS, or from a mirror where O(checksums_from_mirror) says so. An archive without a checksum is not
    installed.
author:
  - The quorum.etcd developers (@quorum-etcd)
extends_documentation_fragment:
  - quorum.etcd.attributes
  - quorum.etcd.layout
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  version:
    description: The version to install, such as V(3.6.14). A leading C(v) is ignored.
    type: str
    required: true
  url:
    description: Where releases are, laid out like upstream, as C(vVERSION/etcd-vVERSION-linux-ARCH.tar.gz) below it.
    type: str
    default: https://github.com/etcd-io/etcd/releases/download
  archive:
    description:
      - An archive on the controller, which is sent to the host. Then the host fetches nothing but, if need be, the
        checksum.
    type: path
  checksums:
    description: Name of an archive to its SHA256. They outrank the pinned ones.
    type: dict
    default: {}
  checksums_from_mirror:
    description: Believe the C(SHA256SUMS) below O(url) even where that is not upstream.
    type: bool
    default: false
  timeout:
    description: How long the server may be silent, in seconds.
    type: int
    default: 30
notes:
  - A proxy is taken from the environment of the task.
"""

EXAMPLES = r"""
- name: Install a release
  quorum.etcd.etcd_install:
    version: 3.6.14

- name: Install a release from a mirror, through a proxy
  quorum.etcd.etcd_install:
    version: 3.6.14
    url: https://mirror.example.com/etcd
  environment:
    https_proxy: http://proxy.example.com:3128
"""

RETURN = r"""
directory:
  description: The directory of the release.
  returned: success
  type: str
  sample: /opt/etcd/etcd-v3.6.14-linux-amd64
checksum:
  description: The SHA256 of the archive. Empty when it was not needed.
  returned: success
  type: str
"""

import platform
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._host import install
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    source = install.Source(
        given["url"],
        given["archive"] or "",
        releases.checksums(given["checksums"]),
        given["checksums_from_mirror"],
        lambda url: open_url(url, timeout=given["timeout"]),
    )
    release = install.Release(releases.plain(given["version"]), platform.machine())
    return install.install(layout_of(given), release, source, command.of_module(module), module.check_mode)


def main() -> None:
    run(
        {
            **LAYOUT,
            "version": {"type": "str", "required": True},
            "url": {"type": "str", "default": releases.UPSTREAM},
            "archive": {"type": "path"},
            "checksums": {"type": "dict", "default": {}},
            "checksums_from_mirror": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 30},
        },
        act,
        reads=True,
    )


if __name__ == "__main__":
    main()
