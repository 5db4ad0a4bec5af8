# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clone runs as it is, with no collection installed, and what its user keeps in it stays the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent

#: What a user writes beside the playbooks, and what a run leaves there.
OF_THE_USER = ("hosts", "group_vars/etcd_cluster.yml", "global_vars/kubernetes.yml", "etcd-pki/etcd_cluster/ca-key.pem")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this checkout elsewhere, with a user's own in C(playbooks)."""
    directory = tmp_path_factory.mktemp("clone")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if not os.path.lexists(REPOSITORY / name):
            continue
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, directory / name, follow_symlinks=False)
    for name in OF_THE_USER:
        path = directory / "playbooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "[etcd_cluster]\n192.0.2.1 NODE_NAME=etcd-host0\n[etcd_proxy]\n192.0.2.2\n"
            if name == "hosts"
            else "---\n{}\n"
        )
    return directory


def run(directory: Path, *command: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of Ansible as somebody who has installed nothing else and set no variable."""
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("playbook", sorted(path.name for path in (REPOSITORY / "playbooks").glob("[!_]*.yml")))
def test_each_playbook_runs_in_a_clone(clone: Path, tmp_path: Path, playbook: str) -> None:
    command = ["ansible-playbook", playbook, "-i", "hosts", "--list-tasks"]
    done = run(clone / "playbooks", *command, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    others = {"local.yml": "Start its members", "proxy.yml": "quorum.etcd.etcd_proxy : "}
    assert others.get(playbook, "quorum.etcd.etcd : ") in done.stdout


def test_the_artefact_holds_nothing_of_the_user_and_not_the_clones_own_way(clone: Path, tmp_path: Path) -> None:
    done = run(clone, "ansible-galaxy", "collection", "build", "--output-path", tmp_path, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as artefact:
        names = [one.name for one in artefact.getmembers() if one.isfile()]
    assert "playbooks/etcd.yml" in names
    assert [name for name in names if name.startswith(".")] == []
    assert {name for name in names if name.startswith("playbooks/") and not name.endswith(".yml")} == set()
    assert not set(names) & {f"playbooks/{name}" for name in OF_THE_USER}


def test_git_passes_over_what_is_the_users() -> None:
    paths = [f"playbooks/{name}" for name in OF_THE_USER]
    done = subprocess.run(["git", "check-ignore", *paths], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.stdout.split() == paths
