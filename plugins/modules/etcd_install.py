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
  - If O(install_method=container), it pulls or loads an image instead, holds it against O(image_id), and copies etcd's
    programs out of it into such a directory.
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
        checksum. If O(install_method=container), it holds an image, in the format docker-archive.
    type: path
  checksums:
    description: Name of an archive to its SHA256. They outrank the pinned ones.
    type: dict
    default: {}
  checksums_from_mirror:
    description: Believe the C(SHA256SUMS) below O(url) even where that is not upstream.
    type: bool
    default: false
  image:
    description:
      - The name of a container image at a registry, which is pulled if O(install_method=container) and there is no
        O(archive). It must have the ID O(image_id).
    type: str
  image_id:
    description: The ID of that image, or of the one in O(archive). It is the SHA256 of the image's configuration.
    type: str
  image_runtime:
    description: What is to hold the image.
    type: str
    choices: [podman, docker]
  timeout:
    description: How long the server may be silent, in seconds.
    type: int
    default: 30
  packages:
    description:
      - With O(install_method=package), the packages C(etcd-server) and C(etcd-client) as files on the controller, which
        are sent to the host. Each must have its SHA256 in O(checksums). Without them apt on the host fetches them.
    type: list
    elements: path
    default: []
  revision:
    description:
      - With O(install_method=package), the version of the packages as the distribution writes it, such as
        V(3.4.23-4+b4). Empty for the newest of O(version).
    type: str
    default: ""
notes:
  - A proxy is taken from the environment of the task.
  - With O(install_method=package) the programs are taken out of the distribution's packages, which are not installed.
    None of their scripts runs, and dpkg does not list them.
"""

EXAMPLES = r"""
- name: Install a release
  quorum.etcd.etcd_install:
    version: 3.6.14

- name: Install a release as an image
  quorum.etcd.etcd_install:
    version: 3.6.14
    install_method: container
    image: registry.example.com/etcd:v3.6.14
    image_id: 2f6b5b5e6a8c3ee2f1bb0ef6c85c2f3bcf7e1dc1ad24dc5c8c1ecb9f29a1e3d4
    image_runtime: podman

- name: Install a release from a mirror, through a proxy
  quorum.etcd.etcd_install:
    version: 3.6.14
    url: https://mirror.example.com/etcd
  environment:
    https_proxy: http://proxy.example.com:3128

- name: Take the release out of Debian's packages
  quorum.etcd.etcd_install:
    version: 3.4.23
    install_method: package
"""

RETURN = r"""
directory:
  description: The directory of the release.
  returned: success
  type: str
  sample: /opt/etcd/etcd-v3.6.14-linux-amd64
checksum:
  description: The SHA256 of the archive, or the ID of the image. Empty when it was not needed.
  returned: success
  type: str
"""

import platform
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.quorum.etcd.plugins.module_utils._base import command
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Run
from ansible_collections.quorum.etcd.plugins.module_utils._host import install, install_image, package_files
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import RUNTIMES
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import ARCHIVE, CONTAINER, PACKAGE, Layout
from ansible_collections.quorum.etcd.plugins.module_utils._module.options import LAYOUT, layout_of
from ansible_collections.quorum.etcd.plugins.module_utils._module.run import run


def act(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    release = install.Release(releases.plain(given["version"]), platform.machine())
    bring = _BY_METHOD[given["install_method"]]
    return bring(given, layout_of(given), release, command.of_module(module), module.check_mode)


def _archive(given: dict[str, Any], layout: Layout, release: install.Release, run: Run, check: bool) -> dict[str, Any]:
    source = install.Source(
        given["url"],
        given["archive"] or "",
        releases.checksums(given["checksums"]),
        given["checksums_from_mirror"],
        lambda url: open_url(url, timeout=given["timeout"]),
    )
    return install.install(layout, release, source, run, check)


def _package(given: dict[str, Any], layout: Layout, release: install.Release, run: Run, check: bool) -> dict[str, Any]:
    source = package_files.Source(given["packages"], releases.checksums(given["checksums"]), given["revision"])
    return package_files.bring(layout, release, source, run, check)


def _image(given: dict[str, Any], layout: Layout, release: install.Release, run: Run, check: bool) -> dict[str, Any]:
    image = install_image.Image(
        given["image_runtime"] or "", given["image"] or "", given["archive"] or "", given["image_id"] or ""
    )
    return install_image.install_image(layout, release, image, run, check)


_BY_METHOD = {ARCHIVE: _archive, PACKAGE: _package, CONTAINER: _image}


def main() -> None:
    run(
        {
            **LAYOUT,
            "version": {"type": "str", "required": True},
            "url": {"type": "str", "default": releases.UPSTREAM},
            "archive": {"type": "path"},
            "checksums": {"type": "dict", "default": {}},
            "checksums_from_mirror": {"type": "bool", "default": False},
            "image": {"type": "str"},
            "image_id": {"type": "str"},
            "image_runtime": {"type": "str", "choices": list(RUNTIMES)},
            "timeout": {"type": "int", "default": 30},
            "packages": {"type": "list", "elements": "path", "default": []},
            "revision": {"type": "str", "default": ""},
        },
        act,
        reads=True,
    )


if __name__ == "__main__":
    main()
