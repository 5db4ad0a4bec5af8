# Copyright: The quorum.etcd developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A member restarted and stopped in a real cluster, as far as that can spare it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quorum.etcd.plugins.module_utils._base.errors import Refused
from ansible_collections.quorum.etcd.plugins.module_utils._cluster import cluster_lock
from ansible_collections.quorum.etcd.plugins.module_utils._host import host_files
from ansible_collections.quorum.etcd.plugins.module_utils._model import markers
from ansible_collections.quorum.etcd.plugins.module_utils._model.markers import Marker
from ansible_collections.quorum.etcd.plugins.module_utils._steps import bootstrap, destroy, service
from ansible_collections.quorum.etcd.plugins.module_utils._steps.bootstrap import Offer
from one_of_three import OneOfThree

MakeThree = Callable[[str], OneOfThree]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what lies on a host is root's")


def restart(three: OneOfThree, check: bool = False, **terms: Any) -> dict[str, Any]:
    host = three.host
    return service.restart(host.systemd, host.layout, three.terms(act="restart", **terms), 30.0, check)


def stop(three: OneOfThree, check: bool = False, **terms: Any) -> dict[str, Any]:
    return service.stop(three.host.systemd, three.host.layout, three.terms(act="stop", **terms), check)


def lead(three: OneOfThree) -> None:
    three.cluster.lead(three.cluster.members[-1])


def test_a_restarted_member_leads_no_more_and_serves(make_three: MakeThree, every_version: str) -> None:
    three = make_three(every_version)
    lead(three)
    before = three.pid
    result = restart(three)
    assert (result["changed"], result["notes"], result["member_id"]) == (True, [], three.listed.id)
    assert three.pid not in (0, before)
    assert three.leader != three.listed.id
    three.cluster.wait_for(three.cluster.members[-1])


def test_a_member_that_answers_knows_the_others_itself(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.pid
    restart(three, endpoints=[])
    assert three.pid not in (0, before)


def test_a_member_that_does_not_run_is_started(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    three.host.end()
    assert restart(three, endpoints=["http://192.0.2.1:2379"])["changed"]
    three.cluster.wait_for(three.cluster.members[-1])


def test_a_stopped_member_leads_no_more_and_stays_stopped(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    lead(three)
    assert stop(three)["changed"]
    assert three.pid == 0
    assert three.leader != three.listed.id
    assert not stop(three)["changed"]
    assert service.start(three.host.systemd, three.host.layout, check=False)
    assert service.await_ready(three.host.systemd, three.host.layout, 30.0)["member_id"] == three.listed.id


def test_a_member_that_was_stopped_for_good_comes_back_with_its_data(make_three: MakeThree, version: str) -> None:
    """C(destroy.yml) ended after its first act, and is taken back."""
    three = make_three(version)
    host = three.host
    ids = {"member_id": three.listed.id, "cluster_id": host.marker.cluster_id}
    assert destroy.stop(host.systemd, host.layout, "prod", check=False)
    assert (three.pid, host.marker.state) == (0, markers.LEAVING)
    assert service.start(host.systemd, host.layout, check=False)
    assert service.await_ready(host.systemd, host.layout, 30.0)["member_id"] == ids["member_id"]
    before = three.pid
    kept = Marker(markers.STARTED, origin=markers.KEPT, cluster="prod", name=host.name, **ids)
    bootstrap.offer(host.layout, host.content(), Offer(host.marker, kept, []), host.systemd, check=False)
    assert (three.pid, host.marker.state) == (before, markers.STARTED)
    # The lock that its last act held expires by itself, for the member that could have given it back was stopped.
    assert restart(three, wait=60.0)["member_id"] == ids["member_id"]


@pytest.mark.parametrize("act", [restart, stop])
class TestAMember:
    def test_that_its_cluster_cannot_spare_goes_on(
        self, make_three: MakeThree, version: str, act: Callable[..., Any]
    ) -> None:
        three = make_three(version)
        three.cluster.lead(three.others[1])
        three.cluster.end(three.others[0])
        before = three.pid
        for check in (True, False):
            with pytest.raises(Refused, match="Not healthy: m0"):
                act(three, check=check, endpoints=[three.others[1].client_url], allow_outage=True)
        assert three.pid == before

    def test_waits_for_whoever_is_at_work_on_the_cluster(
        self, make_three: MakeThree, version: str, act: Callable[..., Any]
    ) -> None:
        three = make_three(version)
        with ThreadPoolExecutor(max_workers=1) as pool:
            with cluster_lock.held(three.endpoints, three.cluster.credentials, "growing, by somebody"):
                with pytest.raises(Refused, match="growing, by somebody"):
                    act(three)
                before = three.pid
                waiting = pool.submit(act, three, wait=30.0)
                assert three.pid == before
            assert waiting.result()["changed"]

    def test_that_hangs_may_go_where_the_others_are_known(
        self, make_three: MakeThree, version: str, act: Callable[..., Any]
    ) -> None:
        three = make_three(version)
        three.cluster.lead(three.others[0])
        three.host.pause()
        with pytest.raises(Refused, match=r"Name their client URLs \(endpoints\)"):
            act(three, endpoints=[])
        assert act(three)["changed"]

    def test_in_check_mode_is_left_alone(self, make_three: MakeThree, version: str, act: Callable[..., Any]) -> None:
        three = make_three(version)
        before = three.pid
        assert act(three, check=True)["changed"]
        assert (three.pid, three.host.told) == (before, [])


def test_a_member_that_its_gate_would_keep_down_is_not_restarted(make_three: MakeThree, version: str) -> None:
    three = make_three(version)
    before = three.pid
    log = Path(three.host.layout.log_dir)
    log.rename(log.with_name("away"))
    with pytest.raises(Refused, match="its gate keeps it down"):
        restart(three)
    assert three.pid == before
    log.with_name("away").rename(log)
    newest = Path(three.host.layout.newest_file)
    known = newest.read_text()
    newest.write_text(f"{7:016x}-{known.partition('-')[2]}")
    with pytest.raises(Refused, match="it is an older copy"):
        restart(three)
    assert three.pid == before
    newest.write_text(known)


def test_a_member_is_not_restarted_into_a_cluster_of_its_own(make_three: MakeThree, version: str) -> None:
    """A rescue by hand has left its flag in the unit."""
    three = make_three(version)
    before = three.pid
    three.host.exec_start = "/opt/etcd/etcd --force-new-cluster"
    with pytest.raises(Refused, match="drops all other members"):
        restart(three)
    assert three.pid == before


def test_a_member_that_runs_on_its_own_log_is_restarted_whatever_its_marker_says(
    make_three: MakeThree, version: str
) -> None:
    """Its data were moved since its marker was made; its gate is told before it stops."""
    three = make_three(version)
    three.host.mark(mounts=("/mnt/missing",), machine_id="another")
    restart(three)
    assert three.host.marker is not None
    assert list(three.host.marker.mounts) == host_files.mounts_under(three.host.layout)
