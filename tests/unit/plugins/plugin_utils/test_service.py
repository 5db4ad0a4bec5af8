# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A discovery service as a step of the plan asks it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._model import acts
from ansible_collections.quorum.etcd.plugins.module_utils._model.bootstrap_source import DiscoveryV2, DiscoveryV3
from ansible_collections.quorum.etcd.plugins.module_utils._model.discovery_registry import Registered, Registry
from ansible_collections.quorum.etcd.plugins.plugin_utils import _calls, _service
from ansible_collections.quorum.etcd.plugins.plugin_utils._given import Given
from inventory_of import LAYOUT, VERSION, bare, initial_cluster

URL = "http://10.0.0.9:2379/v2/keys/discovery/t1"
V2 = DiscoveryV2(url=URL, proxy="http://10.0.0.1:3128")
V3 = DiscoveryV3(endpoints=("https://10.0.0.9:2379",), token="t1", ca_file="/ca.pem", user="finder", has_password=True)
OWN = Registered("8e", "etcd-host0", ("http://10.0.0.1:2380",))


def given(source):
    host = bare()
    host = replace(host, wanted=replace(host.wanted, bootstrap=source))
    content = lambda _host, _version: {**LAYOUT.to_dict(), "files": []}  # noqa: E731
    return Given("etcd_cluster", LAYOUT, False, host, content, [], 60.0, {}, "secret")


def act(starts=True, makes=False, begun=("etcd-host0",), token=URL, waiting=()):
    return acts.AskService(VERSION, token, makes, initial_cluster(), begun, starts, waiting)


def asked(act, source, registry=None, **answer):
    """What became of it, and the calls on the host."""
    sent = []

    def run(call):
        sent.append(call)
        if call.module == "etcd_discovery":
            return {"changed": False, **(registry or Registry("3")).to_dict(), **answer}
        return {"changed": True}

    return _service.ask(act, given(source), run), sent


def test_it_is_asked_as_the_member_will_ask():
    _result, (call,) = asked(act(token="t1"), V3)
    assert call.module == "etcd_discovery"
    assert call.options == {
        "state": "gathered",
        "size": 3,
        "timeout": 10.0,
        "endpoints": ["https://10.0.0.9:2379"],
        "token": "t1",
        "ca_path": "/ca.pem",
        "username": "finder",
        "password": "secret",
    }
    _result, (call,) = asked(act(), V2)
    assert (call.options["url"], call.options["proxy"]) == (URL, "http://10.0.0.1:3128")


@pytest.mark.parametrize("makes, starts, state", [(True, True, "present"), (True, False, "gathered")])
def test_a_token_is_made_right_before_the_start(makes, starts, state):
    assert asked(act(starts, makes, token="t1"), V3)[1][0].options["state"] == state


def test_a_service_that_does_not_answer_is_refused():
    with pytest.raises(Refused, match="Connection refused") as refused:
        asked(act(), V2, failed=True, msg="http://10.0.0.9:2379: Connection refused")
    assert refused.value.code == "discovery-unanswered"
    assert "etcd_bootstrap: static" in refused.value.remedy


def test_who_is_registered_is_compared_with_the_inventory():
    with pytest.raises(Refused, match="which is no member by the inventory"):
        asked(act(), V2, Registry("3", (Registered("9", "m9"),)))


@pytest.mark.parametrize("makes, registry", [(False, Registry("3")), (True, Registry())])
def test_nobody_starts_by_a_service_at_which_others_do_not_wait(makes, registry):
    with pytest.raises(Refused, match="does not have etcd-host0, which runs and waits"):
        asked(act(makes=makes, token="t1", waiting=["etcd-host0"]), V3, registry)


def test_a_member_that_registered_by_version_2_is_told_the_names_instead():
    result, calls = asked(act(), V2, Registry("3", (OWN,)))
    assert result["changed"]
    assert [call.module for call in calls] == ["etcd_discovery", "etcd_internal_files"]
    text = calls[1].options["first_start"]
    assert f'ETCD_INITIAL_CLUSTER="{initial_cluster()}"' in text
    assert f'ETCD_INITIAL_CLUSTER_TOKEN="{URL}"' in text


@pytest.mark.parametrize("source, starts", [(V3, True), (V2, False)])
def test_it_is_told_nothing_where_it_may_ask_again_or_does_not_start(source, starts):
    assert len(asked(act(starts, token=URL), source, Registry("3", (OWN,)))[1]) == 1


@pytest.mark.parametrize("check", [True, False])
def test_a_drawn_token_is_written_into_the_marker(check):
    sent = []

    def run(call):
        sent.append(call)
        return {"changed": True, "token": URL} if call.module == "etcd_discovery" else {"changed": True}

    source = DiscoveryV2(url="https://d.example.com/new")
    assert _service.draw(acts.DrawToken(VERSION, initial_cluster()), given(source), run, check)["changed"]
    assert (sent[0].options["url"], sent[0].options["size"]) == (source.url, 3)
    if check:
        assert len(sent) == 1
    else:
        assert sent[1].options["wanted"]["token"] == URL
        assert f'ETCD_DISCOVERY="{URL}"' in sent[1].options["first_start"]


def test_the_password_goes_into_the_settings_of_a_first_start_alone():
    host = given(replace(V3, has_password=False))
    learning = acts.Configure(VERSION, initial_cluster(), "t1", learns=True)
    call = _calls.of_act(learning, host)
    assert "ETCD_DISCOVERY_TOKEN" in call.options["first_start"]
    assert "secret" not in str({name: value for name, value in call.options.items() if name != "first_start"})
