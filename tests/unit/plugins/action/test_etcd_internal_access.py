# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords go to the host apart from what is shown of users, and what is wrong is refused before that."""

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_access import ActionModule
from role_task import Task

SECRET = "a\\b\tc'd\"e"
ASKED = {"cluster": "etcd_cluster", "roles": [], "purge": ""}


@pytest.fixture
def task():
    return Task(ActionModule, answer={"changed": True})


def run(task, directory="/inventory", **arguments):
    action = task._action
    action._execute_module = lambda module_args, task_vars: task._execute("", module_args, task_vars)
    action._remove_tmp_path = lambda _path: None
    return task.run({"inventory_dir": directory}, **{**ASKED, **arguments})


def test_a_password_is_sent_by_itself(task, tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    users = [{"name": "a", "password": SECRET, "roles": []}, {"name": "b", "password_file": "secret"}, {"name": "c"}]
    assert run(task, str(tmp_path), users=users)["changed"]
    ((_module, sent),) = task.sent
    assert sent["passwords"] == {"a": SECRET, "b": SECRET}
    assert sent["users"] == [{"name": "a", "roles": []}, {"name": "b"}, {"name": "c"}]


@pytest.mark.parametrize(
    ("users", "said"),
    [
        ([{"name": "a", "password": ""}], "is empty"),
        ([{"name": "a", "password": None}], "is empty"),
        ([{"name": "a", "password": 12345678}], "is no text"),
        ([{"name": "a", "password": SECRET, "password_file": "x"}], "give one of them"),
        ([{"name": "a", "password_file": "missing"}], "cannot be read"),
        (["a"], "entry 1 has no name"),
        ([{"name": "a", "password": SECRET, "rolls": []}], "a has rolls"),
    ],
)
def test_what_is_wrong_is_refused_before_a_host_is_touched(task, users, said):
    result = run(task, users=users)
    assert result["failed"]
    assert said in result["msg"]
    assert SECRET not in str(result)
    assert "12345678" not in str(result)
    assert task.sent == []


def test_the_lists_are_read_without_a_host(task):
    assert run(task, users=[{"name": "a", "password": SECRET}], state="checked") == {"changed": False}
    assert task.sent == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"purge": "other"}, "this cluster is etcd_cluster"),
        ({"purge": "etcd_cluster", "users": [{"name": "root"}]}, "all of them would go"),
    ],
)
def test_a_purge_needs_the_name_and_both_lists(task, arguments, said):
    result = run(task, **arguments)
    assert result["failed"]
    assert said in result["msg"]
