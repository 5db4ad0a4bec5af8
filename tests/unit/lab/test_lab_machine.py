# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from lab.deps import ALWAYS, COMPLETE, PODMAN, missing
from lab.image import tag


def test_what_is_there_is_not_installed() -> None:
    assert missing(lambda program: program != "ssh", docker=False, debian=True) == ["openssh-client"]


def test_a_bare_debian_gets_podman_with_all_it_works_with() -> None:
    everything = {*ALWAYS.values(), *PODMAN.values(), *COMPLETE.values()}
    assert set(missing(lambda program: False, docker=False, debian=True)) == everything


def test_beside_docker_no_podman_is_installed() -> None:
    assert set(missing(lambda program: False, docker=True, debian=True)) == set(ALWAYS.values())


def test_another_system_is_asked_for_podman_and_not_for_debians_parts_of_it() -> None:
    wanted = missing(lambda program: False, docker=False, debian=False)
    assert "podman" in wanted
    assert "mmdebstrap" not in wanted


def test_an_image_whose_files_changed_has_another_name(tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text("FROM a\n", encoding="utf-8")
    before = tag(12, tmp_path)
    (tmp_path / "Containerfile").write_text("FROM b\n", encoding="utf-8")
    assert tag(12, tmp_path) != before


def test_each_debian_has_an_image() -> None:
    assert "bookworm" in tag(12)
    assert "trixie" in tag(13)
