# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples are to be copied: they work in a directory of one's own once the collection is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._model import initial_cluster

REPOSITORY = Path(__file__).resolve().parents[3]
EXAMPLES = REPOSITORY / "examples"
GUIDE = EXAMPLES / "guide"


def members(inventory: str) -> list[str]:
    """The lines of an inventory's hosts."""
    return re.findall(r"^[\d.]+ .*NODE_NAME=.*$", inventory, re.MULTILINE)


def test_the_inventories_are_that_of_the_readme() -> None:
    written = re.search(
        r"```ini\n(\[etcd_cluster\]\n[^`]*NODE_NAME.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL
    )
    assert written
    for directory in (EXAMPLES, GUIDE):
        assert members((directory / "hosts").read_text()) == members(written[1])


def test_the_guides_variables_name_the_guides_hosts() -> None:
    variables = yaml.safe_load((GUIDE / "global_vars" / "kubernetes.yml").read_text())
    named = {name: url for name, [url] in initial_cluster.read(variables["ETCD_NODES"]).items()}
    lines = [line.split() for line in members((GUIDE / "hosts").read_text())]
    assert named == {line[-1].removeprefix("NODE_NAME="): f"https://{line[0]}:2380" for line in lines}


@pytest.mark.parametrize("directory", [EXAMPLES, GUIDE], ids=lambda path: path.name)
def test_the_command_that_a_playbook_names_runs_where_it_was_copied_to(tmp_path: Path, directory: Path) -> None:
    place = shutil.copytree(directory, tmp_path / "site")
    text = (place / "etcd.yml").read_text()
    command = re.search(r"ansible-playbook etcd\.yml .*", text)
    assert command
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        # Stands for the installed one.
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections"),
    }
    listed = [*command[0].split(), "--list-tasks"]
    done = subprocess.run(listed, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "quorum.etcd.etcd : Plan" in done.stdout
