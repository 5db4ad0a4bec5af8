# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput
from ansible_collections.quorum.etcd.plugins.module_utils._model import container
from ansible_collections.quorum.etcd.plugins.module_utils._model.container import Container

IMAGE = "2f" * 32
OTHER = "3a" * 32


def test_an_id_is_read_with_and_without_the_name_of_its_digest():
    given = {"3.6.14": f"sha256:{IMAGE.upper()}", "v3.5.33": OTHER}
    assert container.read("", "", given).ids == {"3.6.14": IMAGE, "3.5.33": OTHER}


@pytest.mark.parametrize(
    "runtime, name, ids, said",
    [
        ("crio", "", {}, "etcd_container_runtime is 'crio'"),
        ("", "-v /:/host etcd", {}, "etcd_container_image is"),
        ("", "", [IMAGE], "etcd_container_image_ids is"),
        ("", "", {"3.6": IMAGE}, "no full version"),
        ("", "", {"3.6.14": "latest"}, "no image ID of 64 hexadecimal digits"),
    ],
)
def test_what_is_wrong_is_said_by_its_name(runtime, name, ids, said):
    with pytest.raises(BadInput, match=said):
        container.read(runtime, name, ids)


def test_the_name_of_an_image_has_the_version_where_it_says_so():
    name = "registry.example.com/etcd:v{version}"
    assert container.read("", name, {}).reference("3.6.14") == "registry.example.com/etcd:v3.6.14"


@pytest.mark.parametrize("there", container.RUNTIMES)
def test_the_runtime_is_the_one_that_the_host_has(there):
    assert Container().on_host([there], {}).runtime == there


def test_two_runtimes_and_no_choice_are_refused():
    with pytest.raises(BadInput, match="podman and Docker are both there"):
        Container().on_host(["podman", "docker"], {})


@pytest.mark.parametrize("chosen", container.RUNTIMES)
def test_a_choice_decides(chosen):
    assert Container(chosen).on_host(["podman", "docker"], {}).runtime == chosen


@pytest.mark.parametrize(
    "chosen, there, said", [("", [], "podman or docker is not"), ("docker", ["podman"], "docker is not")]
)
def test_a_runtime_that_is_not_there_is_refused(chosen, there, said):
    with pytest.raises(BadInput, match=said):
        Container(chosen).on_host(there, {})


def test_a_version_that_runs_keeps_its_image_though_nobody_names_it_any_more():
    """A member of an upgrade must be able to restart with the release that it has."""
    known = Container("", "", {"3.6.14": IMAGE}).on_host(["podman"], {"3.5.33": f"podman {OTHER}"})
    assert known.ids == {"3.6.14": IMAGE, "3.5.33": OTHER}


def test_what_is_named_outranks_what_is_there():
    assert (
        Container("", "", {"3.6.14": IMAGE}).on_host(["podman"], {"3.6.14": f"podman {OTHER}"}).ids["3.6.14"] == IMAGE
    )


def test_the_image_of_another_runtime_is_not_there():
    assert Container().on_host(["podman"], {"3.6.14": f"docker {OTHER}"}).ids == {}
