# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""fetch.yml gathers releases for hosts that cannot be reached from where it runs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "tests/unit/plugins/module_utils"))

from release_server import Server, serving

#: Nobody is there.
INVENTORY = "[etcd_cluster]\n192.0.2.1 NODE_NAME=etcd-host0\n192.0.2.2 NODE_NAME=etcd-host1\n"
NAMES = [f"etcd-v{version}-linux-{arch}.tar.gz" for version in ("3.5.33", "3.6.14") for arch in ("amd64", "arm64")]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as one:
        for name in NAMES:
            one.files[f"/etcd/{name.split('-')[1]}/{name}"] = name.encode()
        yield one


def fetch(place: Path, server: Server, **variables: str) -> tuple[int, str]:
    """The exit status of the playbook, and what it said."""
    (place / "hosts").write_text(INVENTORY)
    given = {
        "etcd_download_url": server.url,
        "etcd_checksums": {name: hashlib.sha256(name.encode()).hexdigest() for name in NAMES},
        **variables,
    }
    done = subprocess.run(
        [
            *[Path(sys.executable).parent / "ansible-playbook", "quorum.etcd.fetch", "-i", "hosts"],
            *["-e", json.dumps(given)],
        ],
        cwd=place,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
            "ANSIBLE_TIMEOUT": "2",
            "PWD": str(place),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_what_is_on_the_way_is_gathered_and_a_second_run_changes_nothing(tmp_path: Path, server: Server) -> None:
    asked = {"etcd_version": "3.6.14", "etcd_fetch_from": "3.5.33", "etcd_fetch_architectures": "amd64,arm64"}
    code, said = fetch(tmp_path, server, **asked)
    assert code == 0, said
    assert f"etcd_archive_dir: {tmp_path}/etcd-archives" in said
    assert {path.name for path in (tmp_path / "etcd-archives").iterdir()} == {*NAMES, "SHA256SUMS"}
    server.asked.clear()
    code, said = fetch(tmp_path, server, **asked)
    assert (code, "changed=1" in said, server.asked) == (0, False, []), said


def test_images_are_refused_until_they_are_there(tmp_path: Path, server: Server) -> None:
    asked = {
        "etcd_install_method": "container",
        "etcd_container_image": "registry.example.com/etcd:v{version}",
        "etcd_version": "3.6.14",
        "etcd_fetch_architectures": "amd64",
    }
    code, said = fetch(tmp_path, server, **asked)
    assert code == 2, said
    name = "etcd-v3.6.14-linux-amd64-container.tar"
    assert f"docker save --output {tmp_path}/etcd-archives/{name} registry.example.com/etcd:v3.6.14" in said
    (tmp_path / "etcd-archives").mkdir()
    (tmp_path / "etcd-archives" / name).write_bytes(b"an image")
    code, said = fetch(tmp_path, server, **asked)
    assert (code, name in said) == (0, True), said


def test_packages_need_a_version(tmp_path: Path, server: Server) -> None:
    code, said = fetch(tmp_path, server, etcd_install_method="package", etcd_fetch_architectures="amd64")
    assert code == 2, said
    assert "-e etcd_fetch_versions=" in said


def test_architectures_are_asked_for_where_the_hosts_do_not_say_theirs(tmp_path: Path, server: Server) -> None:
    code, said = fetch(tmp_path, server)
    assert code == 2, said
    assert "192.0.2.1 does not say its architecture" in said
    assert "-e etcd_fetch_architectures=amd64" in said
    assert not (tmp_path / "etcd-archives").exists()
