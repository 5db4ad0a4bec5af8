# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member is stopped for good only while nobody else is at work on its cluster. Who is said to be off is asked."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._model import maintenance_key, markers
from ansible_collections.quorum.etcd.plugins.module_utils._steps import destroy
from one_of_three import OneOfThree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")

MakeThree = Callable[..., OneOfThree]


def stop(three: OneOfThree) -> bool:
    return destroy.stop(three.host.systemd, three.host.layout, "prod", check=False, wait=0.0)


def held(three: OneOfThree, act: str):  # type: ignore[no-untyped-def]
    return cluster_lock.held(three.endpoints, three.cluster.credentials, cluster_lock.owner(act))


def test_nobody_is_stopped_while_somebody_else_is_at_work(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.pid
    with held(three, "restart of m0"), pytest.raises(Refused, match="restart of m0, by process"):
        stop(three)
    assert (three.pid, three.host.marker.state) == (before, markers.STARTED)
    assert stop(three)
    assert (three.pid, three.host.marker.state) == (0, markers.LEAVING)


def test_nobody_is_stopped_while_the_hosts_are_under_maintenance(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.pid
    with three.cluster.client() as client:
        lease = client.lease_grant(60)["lease"]
        client.put(maintenance_key.KEY, maintenance_key.Owner("eve@elsewhere").text(), lease=lease)
    looked = destroy.observe(three.host.systemd, three.host.layout, "prod", [])
    assert looked["serves"] and looked["maintenance"]["owner"] == ["eve@elsewhere", ""]
    with pytest.raises(Refused, match="under maintenance by eve@elsewhere"):
        destroy.stop(three.host.systemd, three.host.layout, "prod", check=False)
    assert three.pid == before


def test_all_hosts_of_one_destruction_stop_at_once(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    with held(three, "destruction of prod"):
        assert stop(three)
    assert three.pid == 0


def test_without_a_quorum_nobody_has_the_lock_and_the_rest_is_stopped(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    for other in three.others:
        three.cluster.end(other)
    assert stop(three)
    assert three.pid == 0


def test_who_is_said_to_be_off_and_answers_is_heard(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    three.cluster.end(three.others[1])
    found = destroy.observe(three.host.systemd, three.host.layout, "prod", ["m0", "m1"])
    assert [(one["name"], one["answer"]) for one in found["heard"]] == [
        ("m0", f"answers at {three.others[0].client_url}")
    ]
    assert destroy.observe(three.host.systemd, three.host.layout, "prod", [])["heard"] == []
