# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.quorum.etcd.plugins.action.etcd_internal_recover import ActionModule
from inventory_of import LAYOUT, VERSION, bare, observation, stopped
from role_task import Task

LEFT = {"log": {"term": 4, "index": 77, "commit": 70, "keepable": 77, "torn": False}, "founded": False}


def recover(host, left=LEFT):
    task = Task(ActionModule, answer={"changed": True, "diff": []})
    result = task.run({}, observation=observation(host), version=VERSION, left=left, pki={})
    return result, dict(task.sent)


def test_the_survivor_is_sent_all_that_it_needs_in_one_call():
    result, sent = recover(stopped(bare(0)))
    assert result["changed"]
    (arguments,) = sent.values()
    assert list(sent) == ["quorum.etcd.etcd_internal_rescue"]
    assert {file["path"] for file in arguments["files"]} >= {LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file}
    assert (arguments["name"], arguments["peer_urls"]) == ("etcd-host0", ["http://10.0.0.1:2380"])
    assert arguments["binary"] == f"/opt/etcd/etcd-v{VERSION}-linux-amd64/etcd"
    assert (arguments["term"], arguments["index"]) == (4, 77)


def test_no_file_has_the_flag_that_gives_up_all_others():
    _result, sent = recover(stopped(bare(0)))
    for file in sent["quorum.etcd.etcd_internal_rescue"]["files"]:
        # The gate looks for it, to keep such a member down.
        if not file["path"].endswith("/gate"):
            assert "force-new-cluster" not in file["content"].lower().replace("_", "-")


def test_one_that_has_made_the_new_cluster_goes_on_without_a_log():
    """It was interrupted while its data were moved."""
    result, sent = recover(stopped(bare(0)), {"log": None, "founded": True})
    assert result["changed"]
    assert sent["quorum.etcd.etcd_internal_rescue"]["index"] == 0


def test_a_host_without_a_log_is_sent_nothing():
    result, sent = recover(bare(0), {"log": None, "founded": False})
    assert (result["failed"], sent) == (True, {})
    assert "no write-ahead log to go on with" in result["msg"]
