# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_join import ActionModule
from ansible_collections.quorum.etcd.plugins.action.etcd_leave import ActionModule as Leave
from ansible_collections.quorum.etcd.plugins.module_utils._model import expected_members
from inventory_of import LAYOUT, VERSION, bare, observation
from role_task import Task

MEMBERS = expected_members.describe([{"id": "8e9e", "peer_urls": ["http://10.0.0.1:2380"], "is_learner": False}])
ENDPOINTS = ["http://10.0.0.1:2379"]


@pytest.fixture
def join():
    def join(host, check=False, **options):
        task = Task(ActionModule, check=check, answer={"changed": True, "diff": []})
        given = {"version": VERSION, "endpoints": ENDPOINTS, "members": MEMBERS, "pki": {}, **options}
        result = task.run({}, announce="step 2 of 2: let it join", observation=observation(host), **given)
        assert task.printed == ["step 2 of 2: let it join"]
        return result, dict(task.sent)

    return join


def test_a_new_member_is_sent_all_that_it_needs_in_one_call(join):
    result, sent = join(bare(3))
    assert result["changed"]
    (module, arguments), *more = sent.items()
    assert (module, more) == ("quorum.etcd.etcd_admit", [])
    assert {file["path"] for file in arguments["files"]} >= {LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file}
    assert (arguments["cluster"], arguments["name"]) == ("etcd_cluster", "etcd-host3")
    assert arguments["peer_urls"] == ["http://10.0.0.4:2380"]
    assert (arguments["endpoints"], arguments["members"]) == (ENDPOINTS, MEMBERS)


def test_the_settings_of_a_first_start_are_made_where_the_members_are_known(join):
    _result, sent = join(bare(3))
    assert LAYOUT.bootstrap_file not in {file["path"] for file in sent["quorum.etcd.etcd_admit"]["files"]}


def test_nothing_is_sent_where_a_file_cannot_be_rendered(join):
    result, sent = join(bare(3, etcd_settings={"no-such-setting": 1}))
    assert result["failed"]
    assert "no-such-setting" in result["msg"]
    assert sent == {}


def test_a_leaving_member_is_announced_too():
    task = Task(Leave, answer={"changed": True})
    assert task.run({}, announce="step 1 of 1: take it out", member_id="8e9e")["changed"]
    assert task.printed == ["step 1 of 1: take it out"]
