# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault test that kills a run at a task kills nothing once no task has that name. Most of them are not run by CI."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
_HERE = CHECKOUT / "tests" / "faults"
FAULTS = [*sorted(_HERE.glob("test_*.py")), _HERE / "changes.py", _HERE / "stages.py"]
_ACT = re.compile(r'^    task = "(.+)"$', re.MULTILINE)
#: Which argument of a call names a task.
_ARGUMENT = {"Kill": 0, "at": 0, "KilledDuring": 0, "DataLost": 0, "Change": 3}
_TASK = re.compile(r"^ *- name: (.+)$", re.MULTILINE)


def _named() -> set[str]:
    """What the tasks of the role are called: by their acts, or by their files."""
    acts = (CHECKOUT / "plugins" / "module_utils" / "_model").glob("*acts.py")
    files = (CHECKOUT / "roles" / "etcd" / "tasks").glob("*.yml")
    return {
        name
        for pattern, sources in ((_ACT, acts), (_TASK, files))
        for source in sources
        for name in pattern.findall(source.read_text(encoding="utf-8"))
    }


def _killed_at(module: ast.Module) -> Iterator[str]:
    """The names of tasks at which a test file kills a run."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            yield from _texts(node.args[_ARGUMENT[called] :][:1] if called in _ARGUMENT else [])
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TASKS":
            yield from _texts([node.value])


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        yield from (
            part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
        )


KILLED = [(file.name, name) for file in FAULTS for name in _killed_at(ast.parse(file.read_text(encoding="utf-8")))]


def test_runs_are_killed_somewhere() -> None:
    assert len(KILLED) > 20


@pytest.mark.parametrize(("file", "name"), KILLED)
def test_each_task_at_which_a_run_is_killed_exists(file: str, name: str) -> None:
    assert any(task.startswith(name) for task in _named()), f"{file}: no task is called {name!r}"
