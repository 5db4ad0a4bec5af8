# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of the role etcd_proxy, and that its tasks can fail on one host without the others going on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.quorum.etcd.plugins.module_utils._model import proxy as model

REPOSITORY = Path(__file__).resolve().parents[3]
ROLE = REPOSITORY / "roles" / "etcd_proxy"
TASKS = sorted((ROLE / "tasks").glob("*.yml"))


def read(path):
    return yaml.safe_load((ROLE / path).read_text())


DEFAULTS = read("defaults/main.yml")
INTERNAL = read("vars/main.yml")
OPTIONS = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]


class TestVariables:
    def test_have_one_default_and_a_description_each(self):
        assert {name: option.get("default") for name, option in OPTIONS.items()} == DEFAULTS
        assert all(option["description"] and option["type"] for option in OPTIONS.values())

    def test_are_named_after_the_role_and_internal_ones_are_marked(self):
        assert [name for name in DEFAULTS if not name.startswith("etcd_proxy_")] == []
        assert [name for name in INTERNAL if not name.startswith("__etcd_proxy_")] == []

    def test_are_all_used(self):
        text = "".join(path.read_text() for path in [*TASKS, ROLE / "vars" / "main.yml"])
        assert {name for name in DEFAULTS if not re.search(rf"\b{name}\b", text)} == set()

    def test_of_an_entry_are_described(self):
        said = " ".join(OPTIONS["etcd_proxy_instances"]["description"])
        page = (REPOSITORY / "docs" / "proxies.md").read_text()
        for key in {key for keys in model.KEYS.values() for key in keys}:
            assert f"C({key})" in said, key
            assert f"`{key}`" in page, key


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.name)
def test_a_task_that_asks_a_host_ends(path):
    for task in yaml.safe_load(path.read_text()):
        called = [name for name in task if name.startswith("quorum.etcd.")]
        if called and called != ["quorum.etcd.etcd_internal_tags"]:
            assert task["timeout"], task["name"]


def test_hosts_change_one_after_the_other_and_none_after_a_failure():
    """The loop is alike on all hosts, so that its rounds are, too."""
    (loop,) = [task for task in read("tasks/main.yml") if "ansible.builtin.include_tasks" in task]
    assert loop["loop"] == "{{ __etcd_proxy_turns }}"
    assert "when" not in loop
    (turn,) = read("tasks/turn.yml")
    assert turn["when"] == "inventory_hostname == __etcd_proxy_turn and __etcd_proxy_lost | length == 0"


def test_no_task_passes_over_an_error():
    for path in TASKS:
        for word in ("ignore_errors", "failed_when", "set_fact", "rescue"):
            assert word not in path.read_text()


def test_a_failed_host_stays_known_to_the_others():
    """Of those of its batch Ansible forgets who has failed."""
    assert INTERNAL["__etcd_proxy_lost"] == "{{ ansible_play_hosts_all | difference(ansible_play_hosts) }}"
