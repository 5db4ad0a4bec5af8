# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_members import ActionModule
from role_task import Task


def read(members, path="/collection/playbooks/tasks/members.yml", groups=None, **given):
    task = Task(ActionModule)
    task._task.get_path = lambda: f"{path}:5"
    return task.run({"groups": groups or {}, "hostvars": {"w": {}}}, members=members, **given)


def test_hosts_are_returned_with_their_group_and_the_directory_of_the_run():
    found = read("host0:10.0.0.1", group="prod")
    assert (found["group"], found["changed"], found["directory"]) == ("prod", False, os.getcwd())
    assert found["hosts"] == [{"name": "host0", "address": "10.0.0.1"}]


@pytest.mark.parametrize(
    "members, groups, code",
    [
        ("host0", {}, "bad-input"),
        ("host0:10.0.0.1,host0:10.0.0.2", {}, "members-twice"),
        ("host0:10.0.0.1", {"etcd_cluster": ["w"]}, "members-and-inventory"),
    ],
)
def test_what_is_wrong_is_refused(members, groups, code):
    found = read(members, groups=groups)
    assert found["failed"]
    assert [one["code"] for one in found["refusals"]] == [code]


def test_a_playbook_of_somebody_else_is_refused():
    with pytest.raises(AnsibleActionFail, match="internal to the role"):
        read("host0:10.0.0.1", path="/home/me/tasks/members.yml")
