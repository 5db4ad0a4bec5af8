# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inputs of a host that a run leaves out, templated by Ansible itself from a real inventory."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.quorum.etcd.plugins.plugin_utils._ansible_core import trust_as_template
from ansible_collections.quorum.etcd.plugins.plugin_utils._left_out import inputs_of

INVENTORY = """
[etcd_cluster]
10.0.0.1 NODE_NAME=etcd-host0
10.0.0.2 NODE_NAME=etcd-host1 etcd_client_port=4001 rack=b
[etcd_cluster:vars]
etcd_version=3.5.33
"""


@pytest.fixture
def task_vars(tmp_path):
    path = tmp_path / "hosts"
    path.write_text(INVENTORY)
    loader = DataLoader()
    inventory = InventoryManager(loader, [str(path)])
    variables = VariableManager(loader, inventory)
    hostvars = HostVars(inventory, variables, loader)
    return {"hostvars": hostvars, "groups": inventory.get_groups_dict(), "inventory_dir": str(tmp_path)}


@pytest.fixture
def task():
    """A task of a role with these defaults and variables."""
    defaults = {"etcd_client_port": 2379, "etcd_version": None, "etcd_group": "etcd_cluster"}
    inputs = {
        "host": "{{ inventory_hostname }}",
        "name": "{{ NODE_NAME }}",
        "port": "{{ etcd_client_port }}",
        "version": "{{ etcd_version }}",
        "cluster": "{{ __etcd_cluster }}",
        "members": "{{ groups[etcd_group] }}",
        "rack": "{{ lookup('vars', 'rack', default='a') }}",
    }
    internal = {
        "__etcd_inputs": {key: trust_as_template(text) for key, text in inputs.items()},
        "__etcd_cluster": trust_as_template("{{ etcd_group }}"),
    }
    role = SimpleNamespace(get_default_vars=lambda: defaults, get_vars=lambda include_params: internal)
    return SimpleNamespace(_role=role)


def test_they_are_what_that_host_itself_would_have(task, task_vars):
    found = inputs_of("10.0.0.2", DataLoader(), task, task_vars)
    assert found == {
        "host": "10.0.0.2",
        "name": "etcd-host1",
        "port": 4001,
        "version": "3.5.33",
        "cluster": "etcd_cluster",
        "members": ["10.0.0.1", "10.0.0.2"],
        "rack": "b",
    }


def test_defaults_stand_where_the_inventory_says_nothing(task, task_vars):
    assert inputs_of("10.0.0.1", DataLoader(), task, task_vars)["port"] == 2379
