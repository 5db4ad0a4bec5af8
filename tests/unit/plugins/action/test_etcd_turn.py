# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_ca import ActionModule as EtcdCa
from ansible_collections.quorum.etcd.plugins.action.etcd_turn import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._config import env_file, render
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from inventory_of import LAYOUT, VERSION, bare, observation, serving
from pki_task import run as run_pki
from role_task import Task

ENDPOINTS = ["http://10.0.0.2:2379"]


@pytest.fixture
def turn(tmp_path):
    pki = {"directory": str(tmp_path / "pki"), "passphrase": "", "key_type": "ec", "key_size": 0}
    run_pki(EtcdCa, pki_dir=pki["directory"], name="etcd_cluster")

    def turn(host, check=False, **options):
        """The result, and what the host was sent."""
        task = Task(ActionModule, check=check, answer={"changed": True, "diff": []})
        given = {"version": VERSION, "endpoints": ENDPOINTS, "pki": {**pki, "days": 1095, "renew_before_days": 30}}
        result = task.run({}, announce="step 1 of 3: turn", observation=observation(host), **{**given, **options})
        assert task.printed == ["step 1 of 3: turn"]
        return result, dict(task.sent).get("quorum.etcd.etcd_apply")

    return turn


def test_all_of_a_turn_goes_in_one_call(turn):
    host = serving(bare())
    result, sent = turn(host, restart=True, peer_urls=["http://10.0.0.9:2380"], members=[], timeout=60)
    assert result["changed"]
    assert {LAYOUT.conf_file, LAYOUT.unit_file, LAYOUT.gate_file} <= {file["path"] for file in sent["files"]}
    assert (sent["state"], sent["restart"], sent["peer_urls"]) == ("taken", True, ["http://10.0.0.9:2380"])
    assert (sent["endpoints"], sent["members"], sent["timeout"]) == (ENDPOINTS, [], 60)
    assert (sent["expected"], sent["name"]) == (host.marker.to_dict(), "etcd-host0")
    assert sent["data_dir"] == LAYOUT.data_dir


def test_the_host_is_told_with_what_its_member_is_to_run(turn):
    host = serving(bare(etcd_settings={"heartbeat-interval": 150, "election-timeout": 1500}))
    sent = turn(host)[1]
    assert sent["environment"] == env_file.environment(render.flags(host.wanted, VERSION))
    assert sent["environment"]["ETCD_HEARTBEAT_INTERVAL"] == "150"


def test_the_first_starts_settings_are_none_of_its_business(turn):
    assert LAYOUT.bootstrap_file not in {file["path"] for file in turn(serving(bare()))[1]["files"]}


def test_certificates_that_are_due_are_issued(turn):
    host = replace(serving(bare(tls=True)), authorities=Authorities("/pki", renew={"peer": ["it ends soon."]}))
    assert set(turn(host)[1]["certificates"]) == set(turn(host)[1]["private_keys"]) == {"peer"}
    assert turn(host, check=True)[1]["certificates"] == {}


def misconfigured():
    return replace(serving(bare()), wanted=bare(etcd_settings={"no-such-setting": 1}).wanted)


def test_undoing_needs_nothing_rendered(turn):
    sent = turn(misconfigured(), state="undone", version="", pki={})[1]
    assert (sent["state"], sent["files"], sent["endpoints"]) == ("undone", [], ENDPOINTS)
    assert sent["data_dir"] == LAYOUT.data_dir


def test_a_setting_that_cannot_be_is_refused_before_anything_is_sent(turn):
    result, sent = turn(misconfigured())
    assert result["failed"]
    assert "no-such-setting" in result["msg"]
    assert sent is None


def test_a_host_without_a_marker_has_no_turn(turn):
    result, sent = turn(bare())
    assert result["failed"]
    assert "This host has no marker." in result["msg"]
    assert sent is None
