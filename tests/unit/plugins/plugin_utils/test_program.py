# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that members save snapshots by, as one file."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys

import pytest
from ansible_collections.quorum.etcd.plugins.plugin_utils import _program


@pytest.fixture(scope="module")
def sources():
    """What is packed: module name -> text."""
    tree = ast.parse(_program.text())
    (found,) = [node for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "SOURCES"]
    return ast.literal_eval(found.value)


def test_it_is_the_same_every_time():
    before = _program.text()
    _program.text.cache_clear()
    assert _program.text() == before
    assert _program.sha256() == hashlib.sha256(before.encode()).hexdigest()


def test_it_holds_what_it_needs_and_no_more(sources):
    packages = {name.split(".")[-2] for name in sources}
    assert packages == {"_base", "_cluster", "_formats", "_model", "_rpc", "_snapshots"}
    names = {name.rpartition(".")[2] for name in sources}
    assert {"agent", "snapshot_agent", "saving", "client", "retention"} <= names
    assert not names & {"markers", "topology", "on_request"}


def test_it_holds_the_collections_own_files(sources):
    for name, text in sources.items():
        path = _program._SOURCES.joinpath(*name.split(".")[-2:]).with_suffix(".py")
        assert text == path.read_text()


def test_it_needs_python_3_9_and_its_library_alone(sources):
    for name, text in {**sources, "the program": _program.text()}.items():
        tree = ast.parse(text, feature_version=(3, 9))
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                packed = module.startswith("ansible_collections.quorum.etcd.plugins.module_utils")
                assert packed or module.partition(".")[0] in sys.stdlib_module_names, f"{name} imports {module}"


def test_it_runs_without_ansible(tmp_path):
    program = tmp_path / "program"
    program.write_text(_program.text())
    settings = tmp_path / "settings"
    settings.write_text("{}")
    done = subprocess.run(
        [sys.executable, "-I", "-S", program, settings], capture_output=True, text=True, check=False, env={}
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No snapshot was tried: its settings are none")


def test_an_error_in_the_journal_has_its_priority(tmp_path):
    program = tmp_path / "program"
    program.write_text(_program.text())
    done = subprocess.run(
        [sys.executable, "-I", program], capture_output=True, text=True, check=False, env={"JOURNAL_STREAM": "8:1"}
    )
    assert done.stderr == "<3>No snapshot was tried: give the path of its settings, and nothing else.\n"


@pytest.mark.parametrize("path", sorted(_program._SOURCES.glob("*/[!_]*.py")), ids=lambda path: path.stem)
def test_it_finds_every_import_that_python_finds(path):
    file = f"{path.parent.name}.{path.stem}"
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith(f"{_program._COLLECTION}."):
            module = node.module.removeprefix(f"{_program._COLLECTION}.")
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name if _program._path(name).is_file() else module for name in names}
    assert _program._imports(file) == found
