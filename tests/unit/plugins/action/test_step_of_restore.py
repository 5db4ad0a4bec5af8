# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ansible import constants
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_step import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._model import restore_acts as acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities
from inventory_of import bare, observation, of_instance, seeing, serving
from role_task import Task

RESTORATION = {"version": "3.6.14", "sha256": "a" * 64}


class Host(Task):
    """A task on a host to which files can be sent."""

    def __init__(self, **answer):
        super().__init__(ActionModule, answer=answer)
        self.files = []
        shell = SimpleNamespace(tmpdir="/tmp/remote", join_path=os.path.join)
        self._action._connection = SimpleNamespace(
            _shell=shell, fetch_file=lambda *paths: self.files.append(("fetched", *paths))
        )
        self._action._make_tmp_path = lambda: "/tmp/remote"
        self._action._remove_tmp_path = lambda _path: None
        self._action._transfer_file = lambda local, remote: self.files.append(("sent", local, remote)) or remote

    def act(self, act, **arguments):
        step = {"announce": "", **act.to_dict()}
        given = {**of_instance(bare(1)), "observation": observation(bare(1)), **arguments}
        return self.run({"inventory_hostname": "etcd-host1"}, step=step, **given)


def test_an_act_knows_its_member_and_where_everything_lies():
    host = Host(changed=True)
    assert host.act(acts.Prepare(RESTORATION))["changed"]
    ((module, sent),) = host.sent
    assert module == "quorum.etcd.etcd_internal_restore"
    assert (sent["state"], sent["name"], sent["cluster"]) == ("prepared", "etcd-host1", "etcd_cluster")
    assert sent["peer_urls"] == ["http://10.0.0.2:2380"]
    assert sent["snapshot_dir"] == "/var/lib/etcd-snapshots"
    assert "files" not in sent


@pytest.mark.parametrize("user_file", ["", "/root/user"])
def test_whoever_is_to_log_in_is_told(user_file):
    host = Host(changed=True)
    wanted = bare(1).wanted
    layout = replace(wanted.layout, user_file=user_file)
    changed = replace(bare(1), wanted=replace(wanted, layout=layout))
    host.act(acts.Compare(RESTORATION), observation=observation(changed), **of_instance(changed))
    assert host.sent[0][1]["user_file"] == user_file


def test_the_files_of_the_member_come_with_its_new_data():
    host = Host(changed=True)
    host.act(acts.PutInPlace(RESTORATION), pki={"directory": "/pki"})
    assert "/etc/etcd/etcd.conf" in [file["path"] for file in host.sent[0][1]["files"]]


@pytest.mark.parametrize(
    ("source", "path", "sent"),
    [
        ({"host": "", "path": "/srv/etcd.db"}, "", "/srv/etcd.db"),
        ({"host": "etcd-host0", "path": "/x.db"}, "", f"{constants.DEFAULT_LOCAL_TMP}/{'a' * 64}.db"),
    ],
    ids=["from the controller", "from another host"],
)
def test_the_snapshot_is_brought_to_a_host(source, path, sent):
    host = Host(changed=True)
    host.act(acts.Stage(RESTORATION, source, path))
    assert host.files == [("sent", sent, "/tmp/remote/snapshot.db")]
    assert host.sent[-1][1]["snapshot"] == "/tmp/remote/snapshot.db"


def test_there_is_room_for_it_before_it_is_sent():
    host = Host(failed=True, msg="no room")
    done = host.act(acts.Stage(RESTORATION, {"host": "", "path": "/srv/etcd.db"}, ""))
    assert (done["msg"], host.files) == ("no room", [])
    assert [(sent["state"], sent["arriving"]) for _module, sent in host.sent] == [("roomy", "/tmp/remote/snapshot.db")]


def test_whoever_has_it_gets_no_copy():
    host = Host(changed=False)
    host.act(acts.Stage(RESTORATION, {"host": "etcd-host0", "path": "/x.db"}, "/mine.db"))
    assert (host.files, host.sent[0][1]["snapshot"]) == ([], "/mine.db")


def test_the_snapshot_is_fetched_from_where_the_module_has_laid_it():
    host = Host(changed=False, path="/tmp/remote/snapshot.db")
    host.act(acts.Fetch(RESTORATION, "/root/etcd.db"))
    sent = host.sent[0][1]
    assert (sent["state"], sent["snapshot"], sent["lend_to"]) == ("lent", "/root/etcd.db", "/tmp/remote/snapshot.db")
    assert host.files == [("fetched", "/tmp/remote/snapshot.db", f"{constants.DEFAULT_LOCAL_TMP}/{'a' * 64}.db")]


def test_what_could_not_be_laid_there_is_not_fetched():
    host = Host(failed=True, msg="no room")
    assert host.act(acts.Fetch(RESTORATION, "/root/etcd.db"))["msg"] == "no room"
    assert host.files == []


def test_the_trial_knows_what_the_snapshot_must_hold():
    host = Host(changed=False)
    host.act(acts.Try(RESTORATION, {"revision": 7}))
    assert host.sent[0][1]["manifest"] == {"revision": 7}


@pytest.mark.parametrize(("renew", "sends"), [({"peer": ["it is missing."]}, True), ({}, False)])
def test_the_trial_has_certificates_also_where_the_host_has_none_yet(renew, sends):
    host = Host(changed=False)
    new = replace(bare(1, tls=True), authorities=Authorities("/pki", renew=renew))
    host.act(acts.Try(RESTORATION, None), observation=observation(new))
    sent = host.sent[0][1]
    assert sorted(sent.get("certificates", [])) == (["admin", "ca", "etcd", "peer", "peer-ca"] if sends else [])
    assert sorted(sent.get("private_keys", [])) == (["admin-key", "etcd-key", "peer-key"] if sends else [])


def test_the_trial_of_a_cluster_without_tls_has_none():
    host = Host(changed=False)
    host.act(acts.Try(RESTORATION, None))
    assert "certificates" not in host.sent[0][1]


def test_everything_is_as_before_by_a_call_that_knows_no_restore():
    host = Host(changed=True)
    host.act(acts.Undo())
    sent = host.sent[0][1]
    assert (sent["state"], sent["cluster"], "restoration" in sent) == ("rolled_back", "etcd_cluster", False)


SAVED = seeing(serving(bare(1, tls=True)), cluster={"endpoint": "https://10.0.0.2:2379"})


def test_what_is_served_is_saved_where_no_restore_finds_it():
    host = Host(changed=True)
    host.act(acts.Save(), observation=observation(SAVED), **of_instance(SAVED))
    ((module, sent),) = host.sent
    assert (module, sent["directory"]) == ("quorum.etcd.etcd_snapshot", "/var/lib/etcd-snapshots/before-restore")
    assert (sent["endpoints"], sent["client_key"]) == (["https://10.0.0.2:2379"], "/etc/etcd/ssl/admin-key.pem")


def test_where_it_cannot_be_saved_no_member_is_touched():
    host = Host(failed=True, msg="The disk is full.")
    told = host.act(acts.Save(), observation=observation(SAVED))["msg"]
    assert told.startswith("etcd_cluster: refused, no member was touched. What the member on etcd-host1 serves now")
    assert "The disk is full. Mend that" in told
    assert "systemctl stop etcd." in told
