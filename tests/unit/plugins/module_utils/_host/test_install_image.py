# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.command import Result
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import BadInput, HostError
from ansible_collections.quorum.etcd.plugins.module_utils._host import account, install
from ansible_collections.quorum.etcd.plugins.module_utils._host.install_image import COPY, Image
from ansible_collections.quorum.etcd.plugins.module_utils._host.install_image import install_image as bring
from ansible_collections.quorum.etcd.plugins.module_utils._model.layout import CONTAINER
from inventory_of import LAYOUT

from lab import images
from lab.releases import Release

RELEASE = install.Release("3.6.14", "x86_64")
NAME = "etcd-v3.6.14-linux-amd64-container"
TOOLS = ("etcd", "etcdctl", "etcdutl")


def program(version):
    return f"#!/bin/sh\necho 'etcd Version: {version}'\n".encode()


class Runtime:
    """A runtime that cannot be had here: it takes what an archive says of itself, and copies its files out."""

    def __init__(self, files, image_id):
        self.files, self.image_id = files, image_id
        self.stored, self.calls, self.broken = set(), [], ""
        self.containers, self.variables, self.tags = set(), (), {}

    def __call__(self, arguments):
        if arguments[0] not in ("podman", "docker"):
            return Result(0, "", "") if "add" in arguments[0] else self._version(arguments)
        self.calls.append(arguments[1])
        return getattr(self, f"_{arguments[1]}")(*arguments[2:])

    @staticmethod
    def _version(arguments):
        return Result(0, Path(arguments[0]).read_text().split("'")[1] + "\n", "")

    def _images(self, *_options):
        return Result(0, "".join(f"sha256:{one}\n" for one in self.stored), "")

    def _load(self, *_options):
        return self._arrive()

    def _pull(self, *_options):
        return self._arrive()

    def _arrive(self):
        if self.broken:
            return Result(125, "", self.broken)
        self.stored.add(self.image_id)
        return Result(0, "", "")

    def _image(self, _inspect, _format, asked, _name):
        if "Env" in asked:
            return Result(0, json.dumps(["PATH=/bin", *self.variables]), "")
        return Result(0, f"sha256:{self.image_id}\n", "")

    def _create(self, *options):
        assert "--pull=never" in options
        (name,) = [option for option in options if option.startswith("--name=")]
        if name in self.containers or not set(options) & self.stored:
            return Result(125, "", "the name is taken, or the image is not known")
        self.containers.add(name)
        return Result(0, "", "")

    def _tag(self, image_id, name):
        self.tags[name] = image_id
        return Result(0, "", "")

    def _cp(self, source, target):
        content = self.files.get(source.partition(":")[2].lstrip("/"))
        if content is None:
            return Result(125, "", "no such file")
        Path(target).write_bytes(content)
        return Result(0, "", "")

    def _rm(self, _force, name):
        self.containers.discard(f"--name={name}")
        return Result(0, "", "")


@pytest.fixture(autouse=True)
def as_anybody(monkeypatch, tmp_path):
    monkeypatch.setattr(account, "missing", lambda _layout: [])
    monkeypatch.setattr(install, "lock_of_machine", lambda _layout: str(tmp_path / "lock"))
    monkeypatch.setattr(os, "chown", lambda *_arguments: None)


@pytest.fixture
def layout(tmp_path):
    return replace(LAYOUT, install_method=CONTAINER, install_dir=str(tmp_path / "opt" / "etcd"))


@pytest.fixture
def made(tmp_path):
    """Makes an archive of an image with some files; returns the image, and a runtime for it."""

    def make(files=None, runtime="podman", variables=()):
        files = {f"usr/local/bin/{tool}": program("3.6.14") for tool in TOOLS} if files is None else files
        content, image_id = images.docker_archive(Release("3.6.14", "amd64"), files.items(), variables)
        path = tmp_path / f"{NAME}.tar"
        path.write_bytes(content)
        return Image(runtime, "", str(path), image_id), Runtime(files, image_id)

    return make


@pytest.mark.parametrize("runtime", ["podman", "docker"])
def test_an_image_is_loaded_and_its_tools_lie_beside_other_releases(layout, made, runtime):
    image, run = made(runtime=runtime)
    done = bring(layout, RELEASE, image, run, False)
    directory = Path(layout.install_dir, NAME)
    assert done == {"changed": True, "directory": str(directory), "checksum": image.id}
    assert sorted(path.name for path in directory.iterdir()) == sorted([*TOOLS, "image"])
    assert (directory / "image").read_text() == f"{runtime} {image.id}\n"
    assert (directory / "etcd").stat().st_mode & 0o777 == 0o755
    assert "rm" in run.calls[run.calls.index("cp") :]


def test_an_image_has_a_name_of_ours_so_that_none_is_pruned_for_want_of_one(layout, made):
    image, run = made()
    bring(layout, RELEASE, image, run, False)
    assert run.tags == {"quorum-etcd:v3.6.14": image.id}


def test_an_image_that_is_refused_gets_no_name(layout, made):
    image, run = made({"usr/local/bin/other": b"x"})
    _refused(layout, image, run)
    assert run.tags == {}


def test_a_second_time_nothing_is_to_be_done(layout, made):
    image, run = made()
    bring(layout, RELEASE, image, run, False)
    run.calls.clear()
    assert bring(layout, RELEASE, image, run, False)["changed"] is False
    assert run.calls == ["images"]


def test_one_that_was_pruned_is_loaded_again(layout, made):
    image, run = made()
    bring(layout, RELEASE, image, run, False)
    run.stored.clear()
    assert bring(layout, RELEASE, image, run, False)["changed"] is True
    assert run.stored == {image.id}


def test_another_image_of_the_same_version_takes_the_place_of_the_first(layout, made):
    first, run = made()
    bring(layout, RELEASE, first, run, False)
    files = {f"usr/local/bin/{tool}": program("3.6.14") + b"# built anew\n" for tool in TOOLS}
    second, run = made(files)
    assert bring(layout, RELEASE, second, run, False)["changed"] is True
    assert Path(layout.install_dir, NAME, "image").read_text() == f"podman {second.id}\n"
    assert os.listdir(layout.install_dir) == [NAME]
    assert run.tags == {"quorum-etcd:v3.6.14": second.id}
    assert b"anew" in Path(layout.install_dir, NAME, "etcd").read_bytes()


def test_what_a_killed_installation_left_is_gone_after_the_next(layout, made):
    image, run = made()
    run.containers = {f"--name={COPY}"}
    Path(layout.install_dir, ".fetch", "release").mkdir(parents=True)
    assert bring(layout, RELEASE, image, run, False)["changed"] is True
    assert run.containers == set()
    assert os.listdir(layout.install_dir) == [NAME]


def test_check_mode_brings_nothing(layout, made):
    image, run = made()
    assert bring(layout, RELEASE, image, run, True)["changed"] is True
    assert run.calls == ["images"]
    assert not Path(layout.install_dir).exists()


def test_an_image_is_pulled_by_its_name(layout, made):
    image, run = made()
    pulled = replace(image, archive="", name="registry.example.com/etcd:v3.6.14")
    assert bring(layout, RELEASE, pulled, run, False)["checksum"] == image.id
    assert "pull" in run.calls and "load" not in run.calls


def _refused(layout, image, run, kind=BadInput):
    with pytest.raises(kind) as refused:
        bring(layout, RELEASE, image, run, False)
    assert not Path(layout.install_dir, NAME).exists()
    return str(refused.value)


def test_an_archive_of_another_image_is_refused_before_the_runtime_reads_it(layout, made):
    image, run = made()
    said = _refused(layout, replace(image, id="0" * 64), run)
    assert f"{NAME}.tar is the image {image.id}, not {'0' * 64}, as etcd_container_image_ids says" in said
    assert set(run.calls) == {"images"}


def test_a_name_that_leads_to_another_image_is_refused(layout, made):
    image, run = made()
    said = _refused(layout, replace(image, archive="", name="registry.example.com/etcd:v3.6.14", id="0" * 64), run)
    assert f"registry.example.com/etcd:v3.6.14 is the image {image.id}, not {'0' * 64}" in said


def test_an_image_without_etcd_is_refused(layout, made):
    image, run = made({"usr/local/bin/other": b"x"})
    assert "has no /usr/local/bin/etcd: it is no image of etcd" in _refused(layout, image, run)
    assert run.calls[-1] == "rm"


def test_an_image_of_another_version_is_refused(layout, made):
    image, run = made({f"usr/local/bin/{tool}": program("3.6.13") for tool in TOOLS})
    assert "etcd says 'etcd Version: 3.6.13', not version 3.6.14" in _refused(layout, image, run)


@pytest.mark.parametrize("name", ["ETCD_AUTO_COMPACTION_RETENTION", "HTTPS_PROXY"])
class TestAnImageWithSettingsOfItsOwn:
    def test_is_refused_before_the_runtime_reads_its_archive(self, layout, made, name):
        image, run = made(variables=[f"{name}=1", "ETCDCTL_API=3"])
        said = _refused(layout, image, run)
        assert f"container.tar ({image.id[:12]}) sets {name} itself" in said
        assert "goes into etcd_settings" in said
        assert set(run.calls) == {"images"}

    def test_is_refused_before_anything_is_copied_out_of_it(self, layout, made, name):
        image, run = made()
        run.variables = [f"{name}=1"]
        pulled = replace(image, archive="", name="registry.example.com/etcd:v3.6.14")
        assert f"registry.example.com/etcd:v3.6.14 ({image.id[:12]}) sets {name} itself" in _refused(
            layout, pulled, run
        )
        assert "create" not in run.calls


def test_a_cut_archive_is_refused(layout, made):
    image, run = made()
    os.truncate(image.archive, 700)
    assert "is no whole archive of an image" in _refused(layout, image, run)


def test_what_the_runtime_says_is_passed_on(layout, made):
    image, run = made()
    run.broken = "layers do not match"
    assert "podman did not get etcd-v3.6.14-linux-amd64-container.tar: layers do not match" in _refused(
        layout, image, run, HostError
    )


def test_without_an_archive_and_a_name_there_is_nothing_to_bring(layout, made):
    image, run = made()
    assert "etcd_container_image" in _refused(layout, replace(image, archive=""), run)
