# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_groups import ActionModule
from ansible_collections.quorum.etcd.plugins.plugin_utils._internal import ModuleAction
from role_task import Task

GROUPS = {"alpha": ["a1", "a2"], "beta": ["b1"]}
HOSTVARS = {
    "localhost": {},
    "a1": {"etcd_group": "alpha"},
    "a2": {"etcd_group": "alpha"},
    "b1": {"etcd_group": "beta", "etcd_cluster_name": "prod"},
}


def found(path="/collection/playbooks/_groups.yml", **given):
    task = Task(ActionModule)
    task._task.get_path = lambda: f"{path}:14"
    return task.run({"groups": GROUPS, "hostvars": HOSTVARS}, **given)


def test_the_next_play_is_for_the_hosts_of_every_group_that_is_named():
    assert found()["hosts"] == "alpha,beta"


def test_a_confirmation_says_which_group_is_meant():
    assert found(confirmed=["", "beta"], one_only=True)["hosts"] == "beta"


def test_two_clusters_are_refused_where_one_is_meant():
    result = found(one_only=True)
    assert result["failed"]
    assert "This inventory has 2 clusters" in result["msg"]


def test_a_playbook_of_somebody_else_is_refused():
    with pytest.raises(AnsibleActionFail, match="internal to the role"):
        found(path="/home/me/site.yml")


class TestALiveInventory:
    LIVE = {"etcd_inventory_is_live": True}

    def refused(self, groups, hostvars):
        task = Task(ActionModule)
        task._task.get_path = lambda: "/collection/playbooks/_groups.yml:14"
        result = task.run({"groups": groups, "hostvars": {"localhost": {}, **hostvars}})
        return [one["code"] for one in result.get("refusals", [])]

    def test_is_refused_in_a_group_of_members(self):
        assert self.refused({"etcd_cluster": ["a"]}, {"a": self.LIVE}) == ["inventory-is-live"]

    def test_is_refused_rather_than_called_empty(self):
        assert self.refused({"all": ["a"], "leader": ["a"]}, {"a": self.LIVE}) == ["inventory-is-live"]

    def test_beside_the_written_one_is_no_matter(self):
        groups = {"all": ["a", "b"], "etcd_cluster": ["b"]}
        assert self.refused(groups, {"a": self.LIVE, "b": {}}) == []

    def test_is_refused_by_every_action_of_the_role(self):
        with pytest.raises(AnsibleActionFail, match="taken from the live cluster") as caught:
            Task(ModuleAction).run(self.LIVE)
        assert [one["code"] for one in caught.value.result["refusals"]] == ["inventory-is-live"]
