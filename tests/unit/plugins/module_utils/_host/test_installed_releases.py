# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._host import installed_releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import CONTAINER

HERE, GONE = "2f" * 32, "3a" * 32


@pytest.fixture
def inside(layout):
    return replace(layout, install_method=CONTAINER)


def runtimes(arguments):
    """podman has an image; Docker does not answer."""
    assert arguments[1] == "images"
    return Result(0, f"sha256:{HERE}\n", "") if arguments[0] == "podman" else Result(1, "", "is the daemon running?")


def test_the_images_of_all_runtimes_are_told(inside):
    assert installed_releases.stored_images(inside, runtimes, ["podman", "docker"]) == [f"podman {HERE}"]


def test_a_host_that_uses_archives_is_not_asked(layout):
    assert installed_releases.stored_images(layout, runtimes, ["podman"]) == []


def test_a_release_has_its_image_while_the_runtime_that_it_came_by_has_it(inside):
    for version, record in {"3.6.14": f"podman {HERE}", "3.5.33": f"podman {GONE}", "3.4.23": f"docker {HERE}"}.items():
        place = Path(inside.install_dir, f"etcd-v{version}-linux-amd64-container")
        place.mkdir(parents=True)
        (place / "image").write_text(f"{record}\n")
    assert installed_releases.images(inside, [f"podman {HERE}"]) == {"3.6.14": f"podman {HERE}"}
