# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.quorum.etcd.plugins.action.etcd_internal_observe import ActionModule
from ansible_collections.quorum.etcd.plugins.module_utils._host import network
from ansible_collections.quorum.etcd.plugins.module_utils._model import releases
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.packages import Offer
from ansible_collections.quorum.etcd.plugins.plugin_utils._seen import host_of
from inventory_of import LAYOUT, bare, seeing, told
from role_task import Task


@pytest.fixture
def inputs(tmp_path):
    """The role's C(__etcd_inputs) of one host."""
    return {
        "cluster": "etcd_cluster",
        "version": None,
        "upgrade_stop_at": None,
        "settings": {},
        "tls": False,
        "auto_tls": False,
        "peer_auto_tls": False,
        "state": "present",
        "forget": [],
        "confirm": [],
        "allow_outage": False,
        "accept_mounts": [],
        "accept_machine": [],
        "restart": [],
        "known_variables": [],
        "checksums": {"given": {}, "url": releases.UPSTREAM, "from_mirror": False, "archive_dir": ""},
        "container": {"runtime": "", "image": "", "ids": {}},
        "snapshots": {
            "schedule": "daily",
            "directory": "/var/lib/etcd-snapshots",
            "keep": 3,
            "daily": 7,
            "weekly": 0,
            "max_hash_size": 1 << 20,
            "max_age": "26h",
            "after_command": [],
            "metrics_file": "",
        },
        "bootstrap": {"kind": "static"},
        "variables": {"NODE_NAME": "etcd-host0", "ansible_host": "10.0.0.1", "etcd_tls": False},
        "layout": LAYOUT.to_dict(),
        "pki": {
            "directory": str(tmp_path / "pki"),
            "passphrase": "",
            "key_type": "ec",
            "key_size": 0,
            "days": 1095,
            "renew_before_days": 30,
        },
    }


def node(**changes):
    """The answer of a bare host."""
    return {"node": told(seeing(bare(), host=changes).seen)}


def observe(inputs, answer=None, **task):
    one = Task(ActionModule, answer=answer or node(), **task)
    result = one.run({"inventory_hostname": "10.0.0.1"}, host="10.0.0.1", inputs=inputs)
    return result, one.sent


def test_a_host_is_what_it_should_be_and_what_it_is(inputs):
    result, sent = observe(inputs)
    host = Host.from_observation("10.0.0.1", result)
    assert host.wanted.name == "etcd-host0"
    assert host.label == "etcd-host0 (10.0.0.1)"
    assert host.seen.host.machine_id == "machine-0"
    assert not result["changed"]
    assert (result["problems"], result["silent"]) == ([], "")
    ((module, arguments),) = sent
    assert module == "quorum.etcd.etcd_node_info"
    assert (arguments["instance"], arguments["ports"]) == ("etcd", [2379, 2380, 2381])


def test_a_host_without_an_address_is_reached_at_the_one_that_was_seen(inputs):
    inputs["variables"]["ansible_host"] = "machine.example.com"
    inputs["variables"]["NODE_NAME"] = None
    one = Task(ActionModule, answer=node(default_address="10.7.7.7"))
    result = one.run({"inventory_hostname": "machine"}, host="machine", inputs=inputs)
    assert result["wanted"]["member"]["peer_urls"] == ("http://10.7.7.7:2380",)
    assert result["wanted"]["member"]["address_source"] == "observed"


class TestApt:
    PACKAGED = {**LAYOUT.to_dict(), "install_method": "package"}

    def test_is_asked_where_a_release_is_to_come_from_packages(self, inputs):
        answer = {**node(), "versions": ["3.4.23-4+b4"], "problem": ""}
        result, sent = observe({**inputs, "layout": self.PACKAGED, "version": "3.4.23"}, answer)
        asked = {"version": "3.4.23", "asks": True}
        assert sent[1:] == [("quorum.etcd.etcd_internal_offer", asked)]
        assert Host.from_observation("10.0.0.1", result).offer == Offer(("3.4.23-4+b4",))

    def test_is_not_asked_for_packages_on_the_controller(self, inputs, tmp_path):
        inputs["checksums"]["archive_dir"] = str(tmp_path)
        answer = {**node(), "versions": [], "problem": ""}
        _result, sent = observe({**inputs, "layout": self.PACKAGED}, answer)
        assert sent[1:] == [("quorum.etcd.etcd_internal_offer", {"version": "", "asks": False})]

    def test_is_asked_with_no_other_method(self, inputs):
        result, sent = observe(inputs)
        assert len(sent) == 1
        assert Host.from_observation("10.0.0.1", result).offer is None

    def test_that_fails_is_told_by_the_plan(self, inputs):
        result, _sent = observe({**inputs, "layout": self.PACKAGED}, {**node(), "versions": [], "problem": "has none"})
        assert Host.from_observation("10.0.0.1", result).offer == Offer(problem="has none")


def test_a_wrong_variable_is_told_without_asking_the_host(inputs):
    inputs["variables"]["NODE_NAME"] = "two words"
    result, sent = observe(inputs)
    assert "NODE_NAME of 10.0.0.1 is 'two words'" in result["problems"][0]
    assert not result.get("failed"), "the plan tells it together with those of the other hosts"
    assert sent == []


@pytest.mark.parametrize(
    "change",
    [
        {"settings": ["a"]},
        {"layout": {**LAYOUT.to_dict(), "data_dir": "etcd"}},
        {"layout": {**LAYOUT.to_dict(), "data_dir": "/"}},
        {"layout": {**LAYOUT.to_dict(), "data_dir": ""}},
        {"layout": {**LAYOUT.to_dict(), "wal_dir": "/wal dir/etcd"}},
        {"layout": {**LAYOUT.to_dict(), "log_file": "/var/log/$HOME"}},
        {"layout": {**LAYOUT.to_dict(), "conf_dir": None}},
    ],
)
def test_a_wrong_path_or_setting_is_told_without_asking_the_host(inputs, change):
    inputs.update(change)
    result, sent = observe(inputs)
    assert result["problems"]
    assert sent == []


def test_authorities_that_are_given_in_part_are_told_without_asking_the_host(inputs):
    inputs["pki"]["content"] = {"etcd_pki_client_ca": "x"}
    result, sent = observe(inputs)
    assert result["problems"][0].startswith("etcd_pki_client_ca is given, and ")
    assert sent == []


def test_a_misspelt_variable_is_told_with_all_others_and_without_asking_the_host(inputs):
    inputs["settings"] = ["a"]
    one = Task(ActionModule, answer=node())
    result = one.run({"inventory_hostname": "10.0.0.1", "etcd_verison": "3.6.14"}, host="10.0.0.1", inputs=inputs)
    assert "Did you mean etcd_version?" in result["problems"][0]
    assert "etcd_settings is" in result["problems"][1]
    assert one.sent == []


def test_a_misspelt_variable_keeps_no_host_from_being_looked_at(inputs):
    told = {"inventory_hostname": "10.0.0.1", "etcd_verison": "3.6.14"}
    result = Task(ActionModule, answer=node()).run(told, host="10.0.0.1", inputs=inputs)
    host = Host.from_observation("10.0.0.1", result)
    assert (len(host.problems), host.seen.host.machine_id) == (1, "machine-0")


def test_a_name_that_only_looks_misspelt_is_listed_or_registered(inputs):
    names = {"etcd_verison": "3.6.14", "etcd_setings": {"registered": True}}
    inputs["known_variables"] = ["etcd_verison"]
    manager = SimpleNamespace(_nonpersistent_fact_cache={"10.0.0.1": {"etcd_setings": {}}})
    told = {"inventory_hostname": "10.0.0.1", "hostvars": SimpleNamespace(_variable_manager=manager), **names}
    assert Task(ActionModule, answer=node()).run(told, host="10.0.0.1", inputs=inputs)["problems"] == []


def test_a_host_that_fails_to_look_is_silent(inputs):
    result, _sent = observe(inputs, {"failed": True, "msg": "it was asked by a user who is not root."})
    assert result["silent"] == "it was asked by a user who is not root."
    assert result["seen"] == {}
    assert not result.get("failed")


class Unreachable(Task):
    def _execute(self, *_given, **_told):
        raise AnsibleConnectionFailure("Failed to connect to the host via ssh: No route to host")


def test_a_host_that_cannot_be_reached_is_silent_and_what_is_wrong_with_its_variables_is_told(inputs):
    told = {"inventory_hostname": "10.0.0.1", "hostvars": {}, "etcd_verison": "3.6.14"}
    result = Unreachable(ActionModule).run(told, host="10.0.0.1", inputs=inputs)
    assert result["silent"] == "Failed to connect to the host via ssh: No route to host"
    assert not result.get("unreachable"), "it is looked at no more, and stays in the run"
    host = host_of("10.0.0.1", result, {"10.0.0.1": {}})
    assert (host.silent, len(host.problems)) == (result["silent"], 1)
    assert "Did you mean etcd_version?" in host.problems[0]


GARBLED = {"failed": True, "msg": "Module result deserialization failed: No start of json char found"}


def looking_with(python, inputs, answer):
    """A host where the module failed, and what its interpreter then says of itself."""
    one = Task(ActionModule, answer=answer)
    one._action._used_interpreter = "#!/usr/bin/python3"
    one._action._low_level_execute_command = lambda command: {"rc": 0, "stdout": python, "command": command}
    return one.run({"inventory_hostname": "10.0.0.1"}, host="10.0.0.1", inputs=inputs)["silent"]


@pytest.mark.parametrize("python", ["2.7", "3.6", "3.8"])
def test_a_python_that_is_too_old_is_named_whatever_its_failure_looked_like(inputs, python):
    said = looking_with(f"{python}\r\n", inputs, GARBLED)
    assert said.startswith(f"its Python (/usr/bin/python3) is {python}, and what runs on hosts needs 3.9 or newer.")
    assert "set ansible_python_interpreter" in said
    assert GARBLED["msg"] not in said


@pytest.mark.parametrize("python", ["3.9\n", "3.13\n", "", "sh: 1: /usr/bin/python3: not found\n"])
def test_what_fails_under_another_python_is_told_as_it_failed(inputs, python):
    assert looking_with(python, inputs, GARBLED) == GARBLED["msg"]


@pytest.mark.parametrize("there, skew", [(99.0, -1.0), (100.0, 0.0), (101.0, 0.0), (104.0, 0.0), (109.0, 5.0)])
def test_a_clock_is_off_by_what_lies_outside_of_question_and_answer(inputs, monkeypatch, there, skew):
    moments = iter([100.0, 104.0])
    monkeypatch.setattr(time, "time", lambda: next(moments))
    assert observe(inputs, node(time=there))[0]["skew"] == skew


@pytest.mark.parametrize("strategy", ["free", "host_pinned", "ansible.builtin.free", "ansible.builtin.host_pinned"])
def test_hosts_that_do_not_wait_for_each_other_are_refused(inputs, strategy):
    result, sent = observe(inputs, strategy=strategy)
    assert result["failed"]
    assert f"strategy is {strategy}" in result["msg"]
    assert "Nothing was touched" in result["msg"]
    assert sent == []


def test_a_host_that_is_not_in_the_clusters_group_is_refused(tmp_path):
    (tmp_path / "hosts").write_text("[etcd_cluster]\n192.0.2.1\n[others]\n127.0.0.1 ansible_connection=local\n")
    (tmp_path / "play.yml").write_text("- hosts: others\n  gather_facts: false\n  roles: [quorum.etcd.etcd]\n")
    collections = next(entry for entry in sys.path if Path(entry, "ansible_collections", "quorum", "etcd").is_dir())
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {collections}\n")
    command = [Path(sys.executable).parent / "ansible-playbook", "-i", "hosts", "play.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "refused, nothing was touched." in done.stdout
    assert "127.0.0.1 is no host of the group" in done.stdout


def forgetting(urls, heard=None):
    """The answer of a host whose cluster has a member that is to be forgotten."""
    answer = node()
    member = {"id": "ff", "name": "etcd-host2", "client_urls": [], "peer_urls": urls}
    answer["node"]["cluster"] = {"members": [member], "forgotten": {"ff": heard}}
    return answer


@pytest.mark.skipif(not network.default_address(), reason="has no address of its own")
def test_a_member_that_is_to_be_forgotten_is_tried_from_the_controller_too(inputs):
    """A wall may stand between its host and the others, and not here."""
    with socket.create_server((network.default_address(), 0)) as alive:
        url = "http://{}:{}".format(*alive.getsockname())
        assert observe(inputs, forgetting([url]))[0]["heard"] == {"ff": {"url": url, "certain": False}}
    assert observe(inputs, forgetting([url]))[0]["heard"] == {"ff": None}


def test_nobody_else_is_tried_from_the_controller(inputs):
    silent = {"url": "http://192.0.2.1:1", "certain": False}
    assert observe(inputs, forgetting([silent["url"]], silent))[0]["heard"] == {}
    assert observe(inputs)[0]["heard"] == {}


def test_a_key_that_cannot_be_is_told(inputs):
    inputs["pki"]["key_size"] = 1024
    inputs.update(tls=True)
    inputs["variables"]["etcd_tls"] = True
    assert "1024" in observe(inputs)[0]["problems"][0]


def test_check_mode_looks_too(inputs):
    result, sent = observe(inputs, check=True)
    assert len(sent) == 1
    assert result["seen"]
