# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._model.host import Authorities, Desired, Host
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import (
    NEVER_STARTED,
    OFFERED,
    STARTED,
    STARTING,
)
from inventory_of import bare, logged, marked, observation, running, seeing, serving, stopped


@pytest.mark.parametrize("host", [bare(tls=True), marked(bare(), OFFERED), stopped(bare()), serving(bare())])
def test_a_host_survives_the_way_through_a_registered_result(host):
    told = json.dumps(observation(host))
    assert json.dumps(observation(Host.from_observation(host.name, json.loads(told)))) == told


def test_what_is_wanted_survives_the_way_through_json():
    wanted = bare(tls=True, etcd_settings={"quota-backend-bytes": 1 << 33}, etcd_version="3.5.33").wanted
    assert Desired.from_dict(json.loads(json.dumps(wanted.to_dict()))) == wanted


def test_authorities_survive_the_way_through_json():
    found = Authorities("/pki", ("client",), "", ("a", "b"), {"etcd": ["it ends."]}, {"/ca.pem": "ab"}, ("note",))
    assert Authorities.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize(
    "host, further",
    [
        (bare(), False),
        (marked(bare(), OFFERED), False),
        (marked(bare(), NEVER_STARTED), False),
        (marked(bare(), STARTING), True),
        (marked(bare(), STARTED), True),
        (logged(bare()), True),
        (running(bare()), True),
    ],
)
def test_a_host_went_on_once_it_can_have_voted(host, further):
    assert host.may_have_voted is further


def test_a_member_answers_only_by_a_read_of_its_own():
    assert serving(bare()).answers
    assert not running(stopped(bare())).answers
    assert not stopped(bare()).answers
    assert not seeing(serving(bare()), cluster={"serves": False}).answers


def test_a_host_without_an_answer_shows_nothing_and_breaks_nothing():
    host = Host("etcd-host0", silent="no route to host.")
    assert (host.marker, host.state, host.has_log, host.runs, host.answers) == (None, None, False, False, False)
    assert host.label == "etcd-host0"


def test_a_host_is_called_by_its_member_and_where_it_differs_by_its_inventory_name():
    assert bare().label == "etcd-host0"
    assert replace(bare(), name="10.0.0.1").label == "etcd-host0 (10.0.0.1)"
