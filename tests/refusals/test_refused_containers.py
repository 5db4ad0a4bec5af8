# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers that no host could run, or of which nobody knows what they hold."""

from __future__ import annotations

import pytest
from operator_site import Site

ID = "2f" * 32


@pytest.fixture
def inside(site: Site) -> Site:
    site.variables["etcd_install_method"] = "container"
    site.variables["etcd_container_image"] = "registry.example.com/etcd:v{version}"
    site.variables["etcd_container_image_ids"] = {"3.6.14": ID}
    return site


def test_hosts_without_a_runtime_are_refused(inside: Site) -> None:
    inside.is_refused("podman or docker is not there", "Install it", "apt-get install podman")


def test_a_runtime_that_was_chosen_and_is_not_there_is_refused(inside: Site) -> None:
    inside.variables["etcd_container_runtime"] = "docker"
    inside.is_refused("docker is not there", "apt-get install docker.io")


def test_a_tag_in_place_of_an_id_is_refused(inside: Site) -> None:
    inside.variables["etcd_container_image_ids"] = {"3.6.14": "v3.6.14"}
    inside.is_refused("'v3.6.14' for 3.6.14, which is no image ID of 64 hexadecimal digits", "image inspect --format")


def test_a_runtime_that_nobody_knows_is_refused(inside: Site) -> None:
    inside.variables["etcd_container_runtime"] = "crio"
    inside.is_refused("etcd_container_runtime is 'crio'", "Write podman or docker")
