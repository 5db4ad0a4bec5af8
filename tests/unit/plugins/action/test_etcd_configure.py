# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.action.etcd_ca import ActionModule as EtcdCa
from ansible_collections.quorum.etcd.plugins.action.etcd_configure import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    KEPT,
    LEAVING,
    NEVER_STARTED,
    OFFERED,
    REMOVED,
    STARTED,
)
from inventory_of import (
    CLUSTER_ID,
    LAYOUT,
    TOKEN,
    VERSION,
    bare,
    initial_cluster,
    logged,
    marked,
    member_id,
    observation,
    seeing,
    stopped,
)
from pki_task import run as run_pki
from role_task import Task

DUE = {leaf: ["it is missing."] for leaf in ("etcd", "peer", "admin")}


@pytest.fixture
def pki(tmp_path):
    directory = str(tmp_path / "pki")
    run_pki(EtcdCa, pki_dir=directory, name="etcd_cluster")
    return {
        "directory": directory,
        "passphrase": "",
        "key_type": "ec",
        "key_size": 0,
        "days": 1095,
        "renew_before_days": 30,
    }


@pytest.fixture
def configure(pki):
    def configure(host, check=False, token=TOKEN, **given):
        """The result, and what the host was sent."""
        task = Task(ActionModule, check=check, answer={"changed": True, "diff": []})
        result = task.run(
            {},
            announce="step 4 of 15: write the files of etcd-host0",
            observation=observation(host),
            version=VERSION,
            initial_cluster=initial_cluster(tls=host.wanted.tls),
            token=token,
            pki=pki,
            **given,
        )
        assert task.printed == ["step 4 of 15: write the files of etcd-host0"]
        return result, dict(task.sent)

    return configure


def sent_files(sent):
    return {file["path"]: file for file in sent["quorum.etcd.etcd_files"]["files"]}


def test_all_files_of_a_member_go_in_one_call(configure):
    result, sent = configure(bare())
    assert result["changed"]
    assert list(sent) == ["quorum.etcd.etcd_files"]
    assert set(sent_files(sent)) == {
        LAYOUT.snapshot_config,
        LAYOUT.snapshot_program,
        LAYOUT.snapshot_unit_file,
        LAYOUT.conf_file,
        LAYOUT.unit_file,
        LAYOUT.gate_file,
        LAYOUT.link("etcdctl"),
        LAYOUT.bootstrap_file,
    }
    assert f'ETCD_INITIAL_CLUSTER_TOKEN="{TOKEN}"' in sent_files(sent)[LAYOUT.bootstrap_file]["content"]


def test_a_bare_host_offers_itself(configure):
    sent = configure(bare())[1]["quorum.etcd.etcd_files"]
    assert sent["expected"] is None
    assert (sent["wanted"]["state"], sent["wanted"]["token"]) == (OFFERED, TOKEN)
    assert sent["wanted"]["initial_cluster"] == initial_cluster()
    assert sent["listen"] == ["http://10.0.0.1:2380", "http://10.0.0.1:2379", "http://127.0.0.1:2379"]


@pytest.mark.parametrize("state", [OFFERED, NEVER_STARTED])
def test_a_marker_keeps_its_state_and_gets_the_one_token(configure, state):
    host = marked(bare(), state, token="another")
    sent = configure(host)[1]["quorum.etcd.etcd_files"]
    assert sent["expected"] == host.marker.to_dict()
    assert (sent["wanted"]["state"], sent["wanted"]["token"]) == (state, TOKEN)


def test_a_host_that_left_another_cluster_offers_itself(configure):
    host = marked(bare(), REMOVED, cluster="other", member_id="abc", token="theirs")
    sent = configure(host)[1]["quorum.etcd.etcd_files"]
    assert sent["expected"] == host.marker.to_dict()
    wanted = sent["wanted"]
    assert (wanted["state"], wanted["cluster"], wanted["token"]) == (OFFERED, "etcd_cluster", TOKEN)
    assert wanted["member_id"] == ""


@pytest.mark.parametrize("host", [logged(bare()), seeing(stopped(bare()), marker={"state": LEAVING})])
def test_a_host_with_the_data_of_a_member_gets_a_marker_that_says_so(configure, host):
    """And no settings of a first start: it must never make another."""
    _result, sent = configure(host, kept=True)
    wanted = sent["quorum.etcd.etcd_files"]["wanted"]
    assert (wanted["state"], wanted["origin"], wanted["token"]) == (STARTED, KEPT, "")
    assert (wanted["member_id"], wanted["cluster_id"]) == (member_id(0), CLUSTER_ID)
    assert LAYOUT.bootstrap_file not in sent_files(sent)
    assert "listen" not in sent["quorum.etcd.etcd_files"]


class TestCertificates:
    def test_that_are_due_are_issued_and_sent_with_their_keys(self, configure):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew=DUE))
        sent = configure(host)[1]["quorum.etcd.etcd_files"]
        assert set(sent["certificates"]) == set(sent["private_keys"]) == set(DUE)
        assert all("PRIVATE KEY" in key for key in sent["private_keys"].values())

    def test_no_key_is_among_the_files_that_are_shown(self, configure):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew=DUE))
        assert not [path for path, file in sent_files(configure(host)[1]).items() if "PRIVATE KEY" in file["content"]]

    def test_the_keys_of_authorities_travel_nowhere(self, configure, pki):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew=DUE))
        sent = str(configure(host)[1])
        for which in ("client", "peer"):
            with open(f"{pki['directory']}/{which}-ca-key.pem") as stream:
                assert stream.read().splitlines()[1] not in sent

    def test_that_are_good_stay(self, configure):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew={"peer": ["it is missing."]}))
        assert set(configure(host)[1]["quorum.etcd.etcd_files"]["certificates"]) == {"peer"}

    def test_each_authority_is_trusted_in_its_own_place(self, configure, pki):
        found = sent_files(configure(bare(tls=True))[1])
        for bundle, which in (("ca", "client"), ("peer-ca", "peer")):
            with open(f"{pki['directory']}/{which}-ca.pem") as stream:
                assert found[LAYOUT.certificate(bundle)]["content"] == stream.read()

    def test_are_not_made_in_check_mode(self, configure):
        host = replace(bare(tls=True), authorities=Authorities("/pki", renew=DUE))
        assert configure(host, check=True)[1]["quorum.etcd.etcd_files"]["certificates"] == {}

    def test_without_an_authority_are_a_clear_error(self, configure, pki):
        pki["directory"] += "/gone"
        host = replace(bare(tls=True), authorities=Authorities(pki["directory"], renew=DUE))
        result, sent = configure(host)
        assert result["failed"]
        assert "CA" in result["msg"]
        assert sent == {}
