# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which releases are gathered for hosts that fetch nothing themselves."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import gathering

DEFAULT = "3.6.14"


@pytest.mark.parametrize(
    ("asked", "stop_at", "running", "more", "found"),
    [
        ("", "", "", [], ["3.6.14"]),
        ("v3.7.1", "", "", [], ["3.7.1"]),
        ("3.6.14", "", "3.6.14", [], ["3.6.14"]),
        # By way of the release that every member must run before the first gets 3.6, which also examines their data.
        ("3.6.14", "", "3.4.23", [], ["3.4.23", "3.5.33", "3.6.14"]),
        ("3.6.14", "", "3.5.16", [], ["3.5.16", "3.5.33", "3.6.14"]),
        ("3.7.1", "3.6", "3.5.33", [], ["3.5.33", "3.6.14"]),
        ("3.7.1", "", "", ["3.5.33", "v3.4.23"], ["3.4.23", "3.5.33"]),
        ("3.6.14", "", "3.5.33", ["3.7.1"], ["3.5.33", "3.6.14", "3.7.1"]),
    ],
)
def test_they_are_those_on_the_way_or_those_that_are_named(asked, stop_at, running, more, found):
    assert gathering.versions(asked, stop_at, running, more, DEFAULT) == found


def test_a_way_that_there_is_not_and_a_version_that_there_is_not_are_refused():
    with pytest.raises(Refused):
        gathering.versions("3.4.23", "", "3.6.14", [], DEFAULT)
    for wrong in ("3.6", "newest"):
        with pytest.raises(BadInput, match="Give a full version"):
            gathering.versions("", "", "", [wrong], DEFAULT)


def test_packages_need_a_version_that_is_named():
    for named in (("archive", "", []), ("container", "", []), ("package", "3.4.23", []), ("package", "", ["3.4.23"])):
        gathering.check_named(*named)
    with pytest.raises(BadInput, match="-e etcd_fetch_versions=3.4.23"):
        gathering.check_named("package", "", [])


def test_images_are_looked_for_and_what_makes_them_is_said():
    wanted = {"etcd-v3.6.14-linux-amd64-container.tar": ("registry.example.com/etcd:v3.6.14", "x86_64")}
    assert gathering.images_in("/srv/a", list(wanted), wanted) == list(wanted)
    with pytest.raises(Refused) as refused:
        gathering.images_in("/srv/a", [], wanted)
    assert refused.value.code == "image-not-gathered"
    for command in (
        "podman save --format docker-archive --output /srv/a/etcd-v3.6.14-linux-amd64-container.tar "
        "registry.example.com/etcd:v3.6.14",
        "docker save --output /srv/a/etcd-v3.6.14-linux-amd64-container.tar registry.example.com/etcd:v3.6.14",
        "podman pull --arch amd64 registry",
    ):
        assert command in refused.value.remedy


def test_architectures_have_either_name():
    assert gathering.machines(["amd64", "aarch64", "x86_64"]) == ["x86_64", "aarch64"]
    with pytest.raises(BadInput, match="no archive for riscv64"):
        gathering.machines(["riscv64"])
    with pytest.raises(BadInput, match="names none"):
        gathering.machines([])
